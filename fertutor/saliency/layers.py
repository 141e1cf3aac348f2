"""Which layers of a network keep a change local, read from the layers themselves.

A network is traced into its graph of calls (``torch.fx``). Each call is one of

* :class:`Kernel`: convolution or pooling, whose output place reads a few input places;
* :class:`Pointwise`: each place for itself;
* :class:`Join`: several maps of one size, place by place;
* :class:`GlobalMean`: a mean over all places, which a local change shifts by its own sum;
* none of these: locality ends, and the call needs its whole input.

A layer takes in what follows it where that gives the same numbers in less time: a convolution the
batch normalisation behind it, a sliding layer the ReLU.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

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


def _sample_affine(x: Tensor, theta: Tensor, padding: str = "zeros") -> Tensor:
    """As :func:`~fertutor.network.sampler.sample_affine`; the grid as a sum of a row and a column,
    which on a CPU takes less time, the more so the larger the maps."""
    if x.device.type != "cpu":
        return sample_affine(x, theta, padding)
    down, across = ((2 * torch.arange(side) + 1) / side - 1 for side in x.shape[2:])
    rows = (theta[:, :, 1:2] * down + theta[:, :, 2:])[:, :, :, None]
    columns = (theta[:, :, 0:1] * across)[:, :, None]
    grid = (rows + columns).permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, padding_mode=padding, align_corners=False)


# calls that change their input in place have twins that do not, which saves a copy; and one is slow
REPLACED: dict[Any, Callable[..., Any]] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    torch.relu_: torch.relu,
    F.relu_: torch.relu,
    sample_affine: _sample_affine,
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
    on crops that bring theirs along. `outside` is the value that padding has, `takes_in` the calls
    after it that `run` does as well."""

    rows: Sliding
    columns: Sliding
    run: Callable[[Tensor, tuple[int, int]], Tensor]
    outside: float
    takes_in: tuple[fx.Node, ...] = ()

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

TAKEN_IN = Pointwise(lambda x, *args, **kwargs: x)
"""The rule of a call that the layer before it does as well."""


def trace(network: nn.Module) -> list[fx.Node]:
    """Return the network's calls in order; the sampler stays one call.

    Raises:
        Exception: whatever a forward method raises that cannot be traced, e.g. one that looks at values.
    """
    nodes = list(_Tracer(autowrap_functions=(sample_affine,)).trace(network).nodes)
    if sum(node.op == "placeholder" for node in nodes) != 1:
        raise TypeError("its forward method takes more than the image")
    return nodes


class _Proxy(fx.Proxy):
    """Keeps ``x += y`` as a call of its own; torch.fx takes it for ``x + y``, which leaves `x` alone."""

    def _changed_by(self, function: Callable[..., Any], other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    def __iadd__(self, other: Any) -> fx.Proxy:
        return self._changed_by(operator.iadd, other)

    def __isub__(self, other: Any) -> fx.Proxy:
        return self._changed_by(operator.isub, other)

    def __imul__(self, other: Any) -> fx.Proxy:
        return self._changed_by(operator.imul, other)

    def __itruediv__(self, other: Any) -> fx.Proxy:
        return self._changed_by(operator.itruediv, other)


class _Tracer(fx.Tracer):
    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)


def mark_changes_in_place(nodes: list[fx.Node], network: nn.Module, image: Tensor) -> None:
    """Mark the calls that change what they read, which :func:`call` then gives copies.

    Args:
        nodes: the network's calls in order.
        network: in eval mode.
        image: float ``(1, 1, h, w)``, an example.

    Raises:
        ValueError: where something that was changed in place is read again later: a copy of it is not
            enough then.
    """
    place = {node: number for number, node in enumerate(nodes)}
    values: dict[fx.Node, Any] = {}
    with torch.inference_mode(False), torch.no_grad():  # only there a tensor counts its changes
        for node in nodes[:-1]:
            if node.op == "placeholder":
                values[node] = image.clone()
                continue
            before = [(tensor, tensor._version) for tensor in _tensors(node.all_input_nodes, values)]
            values[node] = _call_as_written(node, network, values)
            changed = {_memory(tensor) for tensor, version in before if tensor._version > version}
            if not changed:
                continue
            node.meta[IN_PLACE] = True
            for other in values.keys() - {node}:
                again = any(place[reader] > place[node] for reader in other.users)
                if again and not changed.isdisjoint(map(_memory, _tensors([other], values))):
                    raise ValueError(f"{node.name} changes {other.name} in place, which is read again later")


IN_PLACE = "fertutor_in_place"


def _tensors(nodes: Iterable[fx.Node], values: Mapping[fx.Node, Any]) -> list[Tensor]:
    """The tensors among the nodes' values, those inside a tuple or list too."""
    found = [values[node] for node in nodes]
    flat = [part for value in found for part in (value if isinstance(value, list | tuple) else [value])]
    return [value for value in flat if isinstance(value, Tensor) and value.numel()]


def _memory(tensor: Tensor) -> int:
    """Where a tensor lies: the same for all views of it."""
    return tensor.untyped_storage().data_ptr()


def _call_as_written(node: fx.Node, network: nn.Module, values: Mapping[fx.Node, Any]) -> Any:
    args = fx.node.map_arg(node.args, values.__getitem__)
    kwargs = fx.node.map_arg(node.kwargs, values.__getitem__)
    if node.op == "get_attr":
        value = operator.attrgetter(str(node.target))(network)
        return value.clone() if isinstance(value, Tensor) else value  # a change must not reach the network
    if node.op == "call_module":
        return network.get_submodule(str(node.target))(*args, **kwargs)
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **kwargs)
    assert callable(node.target)
    return node.target(*args, **kwargs)


def call(node: fx.Node, network: nn.Module, values: Mapping[fx.Node, Any], run: Any = None) -> Any:
    """Make one call of the graph, or `run` in its place, on the values of the nodes it reads."""
    args = fx.node.map_arg(node.args, values.__getitem__)
    kwargs = dict(fx.node.map_arg(node.kwargs, values.__getitem__))
    if kwargs.get("inplace"):
        kwargs["inplace"] = False
    elif IN_PLACE in node.meta and node.target not in REPLACED and run is not TAKEN_IN.run:
        args, kwargs = fx.node.map_aggregate((args, kwargs), _copied)  # type: ignore[misc]
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


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


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
        return _and_relu(_convolution_rule(module, node, network), node, network)
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return _and_relu(_pooling_rule(module), node, network)
    if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        return GlobalMean(flat=False)
    if isinstance(module, nn.BatchNorm2d) and module.running_mean is None:
        return None  # its statistics are of the whole map
    if isinstance(module, POINTWISE_MODULES):
        return Pointwise(module)
    return None


def _convolution_rule(module: nn.Conv2d, node: fx.Node, network: nn.Module) -> Kernel | None:
    if module.padding_mode != "zeros" or module.padding == "same":
        return None
    reader = _only_reader(node)
    norm = None if reader is None else _batch_norm(reader, network)
    weight, bias = _with_norm(module, norm)
    own = (0, 0) if module.padding == "valid" else module.padding
    rows, columns = (
        Sliding(module.kernel_size[i], module.stride[i], int(own[i]), module.dilation[i]) for i in (0, 1)
    )
    stride, dilation, groups = module.stride, module.dilation, module.groups
    return Kernel(
        rows,
        columns,
        run=lambda x, padding: F.conv2d(_channels_last(x), weight, bias, stride, padding, dilation, groups),
        outside=0.0,
        takes_in=() if reader is None or norm is None else (reader,),
    )


def _channels_last(x: Tensor) -> Tensor:
    """The same map with the channels of a place side by side: a crop is then copied row by row.

    A map with one channel is so already, but has to say it for torch to go on with that order.
    """
    n, channels, height, width = x.shape
    if channels == 1:
        return x.reshape(n, height, width, 1).permute(0, 3, 1, 2)
    return x.contiguous(memory_format=torch.channels_last)


def _batch_norm(node: fx.Node, network: nn.Module) -> nn.BatchNorm2d | None:
    """The batch normalisation that a call makes, if its numbers stay the same from image to image."""
    if node.op != "call_module":
        return None
    norm = network.get_submodule(str(node.target))
    return norm if isinstance(norm, nn.BatchNorm2d) and norm.track_running_stats else None


def _with_norm(module: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """A convolution's weight and bias, with the batch normalisation behind it taken in."""
    weight, bias = module.weight.detach(), None if module.bias is None else module.bias.detach()
    if norm is not None and norm.running_mean is not None and norm.running_var is not None:
        scale = (norm.running_var + norm.eps).rsqrt()
        shift = -norm.running_mean if bias is None else bias - norm.running_mean
        if norm.affine:
            scale = scale * norm.weight.detach()
        weight, bias = weight * scale[:, None, None, None], shift * scale
        bias = bias + norm.bias.detach() if norm.affine else bias
    return weight.contiguous(memory_format=torch.channels_last), bias


def _and_relu(kernel: Kernel | None, node: fx.Node, network: nn.Module) -> Kernel | None:
    """Let a sliding layer do the ReLU behind it in place, where nothing else reads what it made."""
    if kernel is None:
        return None
    reader = _only_reader(kernel.takes_in[-1] if kernel.takes_in else node)
    if reader is None or not _is_relu(reader, network):
        return kernel
    return replace(
        kernel, run=lambda x, padding: kernel.run(x, padding).relu_(), takes_in=(*kernel.takes_in, reader)
    )


def _is_relu(node: fx.Node, network: nn.Module) -> bool:
    if node.op == "call_module":
        return type(network.get_submodule(str(node.target))) is nn.ReLU
    return node.target in (F.relu, torch.relu, torch.relu_, F.relu_, "relu")


def _only_reader(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _pooling_rule(module: nn.MaxPool2d | nn.AvgPool2d) -> Kernel | None:
    kernel, stride, padding = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
    if module.ceil_mode:
        return None
    if isinstance(module, nn.MaxPool2d):
        dilation = _pair(module.dilation)
        rows, columns = (Sliding(kernel[i], stride[i], padding[i], dilation[i]) for i in (0, 1))
        if module.return_indices:
            return None
        return Kernel(rows, columns, lambda x, pad: _max_pool(x, (rows, columns), pad), float("-inf"))
    if module.divisor_override is not None or not (module.count_include_pad or padding == (0, 0)):
        return None
    rows, columns = (Sliding(kernel[i], stride[i], padding[i], 1) for i in (0, 1))
    return Kernel(rows, columns, lambda x, pad: F.avg_pool2d(x, kernel, stride, pad), 0.0)


def _max_pool(x: Tensor, axes: tuple[Sliding, Sliding], padding: tuple[int, int]) -> Tensor:
    """Max pooling. On a CPU as the larger of shifted maps, first down, then across.

    With the channels last torch's own pooling handles one place after the other, and is several
    times slower than whole-map maxima.
    """
    rows, columns = axes
    if x.device.type != "cpu":
        kernel, stride = (rows.kernel, columns.kernel), (rows.stride, columns.stride)
        return F.max_pool2d(x, kernel, stride, padding, (rows.dilation, columns.dilation))
    if any(padding):
        x = F.pad(x, (padding[1], padding[1], padding[0], padding[0]), value=float("-inf"))
    for axis, layer in ((2, rows), (3, columns)):
        length = (x.shape[axis] - layer.extent) // layer.stride * layer.stride + 1
        firsts = range(0, layer.extent, layer.dilation)
        shifted = [_every(x.narrow(axis, first, length), axis, layer.stride) for first in firsts]
        x = reduce(torch.maximum, shifted)
    # a kernel of one place has only looked: what follows may write in place
    return x.clone() if rows.kernel == columns.kernel == 1 else x


def _every(x: Tensor, axis: int, step: int) -> Tensor:
    return x[:, :, ::step] if axis == 2 else x[:, :, :, ::step]


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
    return REPLACED.get(node.target, node.target)


def _dimensions(value: Any) -> int:
    return value.ndim if isinstance(value, Tensor) else 0


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
