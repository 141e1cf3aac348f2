"""Which layers of a network keep a change local, read from the layers themselves.

A network is traced into its graph of calls (``torch.fx``). Each call is one of

* :class:`Kernel`: convolution or pooling, whose output place reads a few input places;
* :class:`Pointwise`: each place for itself;
* :class:`Join`: several maps of one size, place by place;
* :class:`GlobalMean`: a mean over all places, which a local change shifts by its own sum;
* none of these: locality ends, and the call needs its whole input.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..network.sampler import sample_affine
from .reach import Sliding

POINTWISE_MODULES = (
    nn.BatchNorm2d,
    nn.CELU,
    nn.Dropout,
    nn.Dropout2d,
    nn.ELU,
    nn.GELU,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Identity,
    nn.LeakyReLU,
    nn.Mish,
    nn.PReLU,
    nn.ReLU,
    nn.ReLU6,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Tanh,
)
# calls that change their input in place are replaced, so that a map may have several readers
OUT_OF_PLACE: dict[Any, Callable[..., Any]] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    torch.relu_: torch.relu,
    F.relu_: torch.relu,
}
ARITHMETIC = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    torch.add,
    torch.sub,
    torch.mul,
    torch.div,
    torch.maximum,
    torch.minimum,
)
POINTWISE_FUNCTIONS = (
    *ARITHMETIC,
    operator.neg,
    torch.relu,
    torch.sigmoid,
    torch.tanh,
    torch.clamp,
    F.relu,
    F.relu6,
    F.leaky_relu,
    F.elu,
    F.silu,
    F.gelu,
    F.hardswish,
    F.hardtanh,
    F.sigmoid,
    F.tanh,
    F.dropout,
    F.dropout2d,
)
POINTWISE_METHODS = ("add", "sub", "mul", "div", "neg", "relu", "sigmoid", "tanh", "clamp", "contiguous")


@dataclass(frozen=True)
class Kernel:
    """A sliding layer. `run` takes a map and the padding to add: the layer's own on a whole map, none
    on crops that bring theirs along. `outside` is the value that padding has."""

    rows: Sliding
    columns: Sliding
    run: Callable[[Tensor, tuple[int, int]], Tensor]
    outside: float

    @property
    def padding(self) -> tuple[int, int]:
        """The layer's own padding, (rows, columns)."""
        return self.rows.padding, self.columns.padding


@dataclass(frozen=True)
class Pointwise:
    """A call that treats each place for itself."""

    run: Callable[..., Tensor]


@dataclass(frozen=True)
class Join:
    """A call that combines maps of one size place by place: sum, product, concatenation of channels."""

    run: Callable[..., Tensor]


@dataclass(frozen=True)
class GlobalMean:
    """The mean of each channel over all places, float ``(n, c, 1, 1)`` or ``(n, c)``."""

    flat: bool


Rule = Kernel | Pointwise | Join | GlobalMean


def trace(network: nn.Module) -> list[fx.Node]:
    """Return the network's calls in order; the sampler stays one call.

    Raises:
        Exception: whatever a forward method raises that cannot be traced, e.g. one that looks at values.
    """
    nodes = list(fx.Tracer(autowrap_functions=(sample_affine,)).trace(network).nodes)
    if sum(node.op == "placeholder" for node in nodes) != 1:
        raise TypeError("its forward method takes more than the image")
    return nodes


def call(node: fx.Node, network: nn.Module, values: Mapping[fx.Node, Any], run: Any = None) -> Any:
    """Make one call of the graph, or `run` in its place, on the values of the nodes it reads."""
    args = fx.node.map_arg(node.args, values.__getitem__)
    kwargs = dict(fx.node.map_arg(node.kwargs, values.__getitem__))
    if kwargs.get("inplace"):
        kwargs["inplace"] = False
    if run is not None:
        return run(*args, **kwargs)
    if node.op == "get_attr":
        return operator.attrgetter(str(node.target))(network)
    if node.op == "call_module":
        return network.get_submodule(str(node.target))(*args, **kwargs)
    if node.op == "call_method":
        # our maps lie in memory with their channels last, which `view` does not allow for
        name = "reshape" if node.target == "view" else str(node.target)
        return getattr(args[0], name)(*args[1:], **kwargs)
    return _function_of(node)(*args, **kwargs)


def rule_of(
    node: fx.Node, network: nn.Module, values: Mapping[fx.Node, Any], maps: list[fx.Node]
) -> Rule | None:
    """Return the rule of a call, or None where locality ends.

    Args:
        node: the call.
        network: in eval mode.
        values: an example value of each node, from one clean run.
        maps: the inputs of the call that depend on the image.
    """
    if not isinstance(values[node], Tensor) or any(_dimensions(values[source]) != 4 for source in maps):
        return None
    if node.op == "call_module":
        return _module_rule(network.get_submodule(str(node.target)), node, network)
    if _is_spatial_mean(node):
        return GlobalMean(flat=values[node].ndim == 2)
    function = _function_of(node)
    if len(maps) > 1:
        return _join_rule(function, node, values, maps)
    if not _is_pointwise(node, function) or not _others_are_flat(node, values, maps):
        return None
    if node.op == "call_method":
        return Pointwise(lambda x, *args, **kwargs: getattr(x, str(node.target))(*args, **kwargs))
    return Pointwise(function)


def multiply_adds(node: fx.Node, network: nn.Module, values: Mapping[fx.Node, Any]) -> int:
    """Return the multiply-adds that a call spends on one image (convolutions and linear layers)."""
    if node.op != "call_module":
        return 0
    module, output = network.get_submodule(str(node.target)), values[node]
    if isinstance(module, nn.Conv2d):
        return module.weight.numel() * output.shape[-1] * output.shape[-2]
    if isinstance(module, nn.Linear):
        return module.in_features * (output.numel() // len(output))
    return 0


def _module_rule(module: nn.Module, node: fx.Node, network: nn.Module) -> Rule | None:
    if isinstance(module, nn.Conv2d):
        return _convolution_rule(module, node, network)
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return _pooling_rule(module)
    if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        return GlobalMean(flat=False)
    if isinstance(module, nn.BatchNorm2d) and _folds(node.args[0], network):
        return Pointwise(lambda x: x)
    if isinstance(module, POINTWISE_MODULES):
        if getattr(module, "inplace", False):
            return Pointwise(lambda x: module(x.clone()))
        return Pointwise(module)
    return None


def _convolution_rule(module: nn.Conv2d, node: fx.Node, network: nn.Module) -> Kernel | None:
    if not _pads_with_zeros(module):
        return None
    if _folds(node, network):
        norm = network.get_submodule(str(next(iter(node.users)).target))
        assert isinstance(norm, nn.BatchNorm2d)
        module = fuse_conv_bn_eval(module, norm)
    own = (0, 0) if module.padding == "valid" else module.padding
    rows, columns = (
        Sliding(module.kernel_size[i], module.stride[i], int(own[i]), module.dilation[i]) for i in (0, 1)
    )
    # channels last: the channels of one place lie together, and a crop is copied row by row
    weight = module.weight.detach().contiguous(memory_format=torch.channels_last)
    bias, stride, dilation, groups = module.bias, module.stride, module.dilation, module.groups
    return Kernel(
        rows,
        columns,
        run=lambda x, padding: F.conv2d(x, weight, bias, stride, padding, dilation, groups),
        outside=0.0,
    )


def _pads_with_zeros(module: nn.Conv2d) -> bool:
    return module.padding_mode == "zeros" and module.padding != "same"


def _folds(node: Any, network: nn.Module) -> bool:
    """Tell whether a convolution's only reader is a batch normalisation that its weights can take in."""
    if not isinstance(node, fx.Node) or node.op != "call_module" or len(node.users) != 1:
        return False
    reader, module = next(iter(node.users)), network.get_submodule(str(node.target))
    if reader.op != "call_module" or not isinstance(module, nn.Conv2d) or not _pads_with_zeros(module):
        return False
    norm = network.get_submodule(str(reader.target))
    return isinstance(norm, nn.BatchNorm2d) and norm.track_running_stats


def _pooling_rule(module: nn.MaxPool2d | nn.AvgPool2d) -> Kernel | None:
    kernel, stride, padding = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
    if module.ceil_mode:
        return None
    if isinstance(module, nn.MaxPool2d):
        dilation = _pair(module.dilation)
        rows, columns = (Sliding(kernel[i], stride[i], padding[i], dilation[i]) for i in (0, 1))
        if module.return_indices:
            return None
        return Kernel(
            rows, columns, lambda x, pad: F.max_pool2d(x, kernel, stride, pad, dilation), float("-inf")
        )
    if module.divisor_override is not None or not (module.count_include_pad or padding == (0, 0)):
        return None
    rows, columns = (Sliding(kernel[i], stride[i], padding[i], 1) for i in (0, 1))
    return Kernel(rows, columns, lambda x, pad: F.avg_pool2d(x, kernel, stride, pad), 0.0)


def _join_rule(
    function: Any, node: fx.Node, values: Mapping[fx.Node, Any], maps: list[fx.Node]
) -> Join | None:
    sides = {tuple(values[source].shape[2:]) for source in maps}
    if len(sides) > 1 or not _others_are_flat(node, values, maps):
        return None
    joins_channels = function is torch.cat and (node.kwargs.get("dim") == 1 or node.args[1:] == (1,))
    return Join(function) if joins_channels or function in ARITHMETIC else None


def _is_spatial_mean(node: fx.Node) -> bool:
    if node.target is F.adaptive_avg_pool2d:
        return node.args[1:] in ((1,), ((1, 1),), ([1, 1],))
    if node.target not in ("mean", torch.mean):
        return False
    dims = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    return isinstance(dims, list | tuple) and sorted(int(d) % 4 for d in dims) == [2, 3]


def _is_pointwise(node: fx.Node, function: Any) -> bool:
    if node.op == "call_method":
        return node.target in POINTWISE_METHODS
    return node.op == "call_function" and function in POINTWISE_FUNCTIONS


def _others_are_flat(node: fx.Node, values: Mapping[fx.Node, Any], maps: list[fx.Node]) -> bool:
    """Tell whether every other operand is a constant that is the same at all places."""
    for source in node.all_input_nodes:
        if source in maps:
            continue
        value = values[source]
        if not isinstance(value, Tensor) or source.op != "get_attr":
            return False
        if value.numel() != 1 and (value.ndim < 3 or tuple(value.shape[-2:]) != (1, 1)):
            return False
    return True


def _function_of(node: fx.Node) -> Any:
    return OUT_OF_PLACE.get(node.target, node.target)


def _dimensions(value: Any) -> int:
    return value.ndim if isinstance(value, Tensor) else 0


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
