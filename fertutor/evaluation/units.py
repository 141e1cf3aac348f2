"""Which units of a network are alive: a ReLU that is 0 for every face says nothing and learns nothing.

Book chapters: *Build it, train it*, *The record*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from ..errors import InputError
from ..faces.table import FaceTable
from ..mode import device_of, evaluating
from ..network.attention import AttentionNetwork
from ..network.sampler import sample_affine
from ..progress import progress


@dataclass(frozen=True)
class Units:
    """The state of a network's units on some faces.

    Attributes:
        live: layer → (units that are above 0 for some face, all its units), for each layer whose
            output passes a ReLU, in the order of the network. A unit of a convolution is a kernel.
        theta: mean and standard deviation over the faces of the six numbers of θ, row by row; None
            for a network without a transformer.
    """

    live: dict[str, tuple[int, int]]
    theta: dict[str, list[float]] | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"live": {name: list(counts) for name, counts in self.live.items()}, "theta": self.theta}


def count_units(network: nn.Module, table: FaceTable, *, show_progress: bool = False) -> Units:
    """Return which units answer to at least one face, and how θ differs between faces.

    Args:
        network: in any mode; it is measured in eval mode and left as it was.
        table: the faces, on any device.
        show_progress: draw a progress bar on stderr.

    Raises:
        InputError: for a table without faces, or a network that torch.fx cannot trace.
    """
    if not len(table):
        raise InputError("units are counted on faces: this table has none")
    thetas, device = [], device_of(network)
    # in eval mode before it is traced: what a forward method asks of its mode is fixed in the trace
    with evaluating(network), torch.inference_mode():
        try:
            graph = fx.Tracer(autowrap_functions=(sample_affine,)).trace(network)
            watch = _Watch(fx.GraphModule(network, graph))
        except Exception as error:  # tracing runs code that is not ours and fails in many ways
            raise InputError(f"{type(network).__name__} cannot be traced by torch.fx: {error}") from error
        for images in progress(table.images.split(256), "counting units", show=show_progress):
            faces = images.to(device).float() / 255
            watch.run(faces)
            if isinstance(network, AttentionNetwork) and network.localization is not None:
                thetas.append(network.theta(faces).flatten(1))
    live = {name: (int((top > 0).sum()), len(top)) for name, top in watch.tops.items()}
    if not thetas:
        return Units(live, None)
    theta = torch.cat(thetas)
    spread = {"mean": theta.mean(0), "deviation": theta.std(0, correction=0)}
    return Units(live, {name: [round(value, 4) for value in row.tolist()] for name, row in spread.items()})


class _Watch(fx.Interpreter):
    """Runs a network and keeps the largest output of each unit in front of a ReLU."""

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(network)
        self.tops: dict[str, Tensor] = {}

    def run_node(self, node: fx.Node) -> Any:
        """Run one step of the network; a ReLU's is looked at."""
        out = super().run_node(node)
        if self._is_relu(node):
            name = self._source(node)
            top = out.amax((0, 2, 3) if out.dim() == 4 else 0)
            self.tops[name] = torch.maximum(self.tops[name], top) if name in self.tops else top
        return out

    def _is_relu(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return isinstance(self.module.get_submodule(str(node.target)), nn.ReLU)
        return node.op == "call_function" and node.target in (F.relu, torch.relu)

    def _source(self, node: fx.Node) -> str:
        """Return the name of the layer in front of a ReLU, or of the ReLU where several are added."""
        at = node
        while len(at.all_input_nodes) == 1:
            (at,) = at.all_input_nodes
            if at.op == "call_module" and isinstance(
                self.module.get_submodule(str(at.target)), nn.Conv2d | nn.Linear
            ):
                return str(at.target)
        return node.name
