"""Occlusion by recomputing only what the square can reach: the plain definition's numbers, faster.

The clean image's maps are kept. A hidden square changes a small rectangle of the first map, a
somewhat larger one of the next, and so on; each layer reads a crop that holds the changed
rectangle, pasted into the clean map, and computes the next crop. Squares whose rectangles have
like sizes go through the layers together. Where a call needs its whole input (a fully connected
layer, the sampler, a layer that we know nothing of), the crop is pasted into the whole clean map
and the network goes on in full.

The idea is Krypton's (Nakandala et al. 2019). Book chapter: *What does the network look at?*
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ..progress import progress
from .layers import GlobalMean, Join, Kernel, Pointwise, call
from .plan import Chunk, Plan
from .reach import Span, paste_index

KEPT_BYTES = 16 * 2**20


def incremental_probabilities(
    plan: Plan, images: Tensor, fill: float = 0.0, show_progress: bool = False
) -> Tensor:
    """Return the softmax outputs for all squares, float32 ``(n, squares, classes)``.

    Args:
        plan: the network and the squares, analysed.
        images: float ``(n, 1, h, w)`` in [0, 1], on the network's device.
        fill: grey level of the squares.
        show_progress: draw a progress bar on stderr.
    """
    if images.device.type == "cpu":
        # the C library then keeps up to twice this much freed memory at hand; else it may give the maps
        # of each chunk back to the system and fetch them page by page for the next, for a third of the time
        torch.empty(KEPT_BYTES, dtype=torch.uint8)
    parts = images.split(plan.images)
    jobs = ((part, chunk) for part in parts for chunk in plan.chunks)
    outputs: list[Tensor] = []
    for part, chunk in progress(jobs, "occluding", len(parts) * len(plan.chunks), show_progress):
        if chunk is plan.chunks[0]:
            clean = CleanMaps(plan, part)
        outputs.append(
            _ChunkRun(clean, chunk, fill).output().softmax(1).view(len(part), len(chunk.squares), -1)
        )
    reading_order = torch.from_numpy(np.concatenate([chunk.squares for chunk in plan.chunks]).argsort())
    step = len(plan.chunks)
    rows = [torch.cat(outputs[start : start + step], 1) for start in range(0, len(outputs), step)]
    return torch.cat(rows)[:, reading_order.to(images.device)]


class CleanMaps:
    """The untouched images' maps and means, as far as the local part of a network reads them.

    Attributes:
        images: float ``(n, 1, h, w)``.
        values: the map, mean or constant of each call.
    """

    def __init__(self, plan: Plan, images: Tensor) -> None:
        self.plan, self.images = plan, images
        self.values: dict[fx.Node, Any] = {}
        self._tables: dict[tuple[fx.Node, float], Tensor] = {}
        for node in plan.nodes:
            if node.op == "placeholder":
                self.values[node] = images
            elif node.op == "get_attr":
                self.values[node] = plan.values[node]
            elif node in plan.reaches or node in plan.local_means:
                self.values[node] = whole_call(node, plan, self.values)

    def table(self, node: fx.Node, outside: float, crops: Tensor) -> Tensor:
        """Return one row of channels for each place: the padding's, then the clean maps', then the crops'.

        The clean part is written once and kept; `crops`, float ``(jobs, c, h, w)``, are written each time.
        """
        clean = self.values[node]
        channels, height, width = clean.shape[1:]
        kept = 1 + self.plan.images * height * width
        rows = crops.permute(0, 2, 3, 1).reshape(-1, channels)
        table = self._tables.get((node, outside))
        if table is None or len(table) < kept + len(rows):
            table = clean.new_empty(kept + len(rows), channels)
            table[0] = outside
            table[1 : 1 + len(clean) * height * width] = clean.permute(0, 2, 3, 1).reshape(-1, channels)
            self._tables[node, outside] = table
        table[kept : kept + len(rows)] = rows
        return table


class _ChunkRun:
    """One pass of a chunk of squares through the network: crops while it is local, whole maps after."""

    def __init__(self, clean: CleanMaps, chunk: Chunk, fill: float) -> None:
        self.clean, self.chunk, self.fill = clean, chunk, fill
        self.plan = clean.plan
        self.jobs = len(clean.images) * len(chunk.squares)
        self.values: dict[fx.Node, Any] = {}
        self.wholes: dict[fx.Node, Any] = {}

    def output(self) -> Tensor:
        """Return the network's output, ``(images * squares, classes)``."""
        *calls, last = self.plan.nodes
        for node in calls:
            self.values[node] = self._value(node)
            for read in self.plan.done_with.get(node, ()):  # its memory serves the next calls
                self.values.pop(read, None)
                self.wholes.pop(read, None)
        return self._whole(last.all_input_nodes[0])

    def _value(self, node: fx.Node) -> Any:
        """Crops where the call is local, its whole value elsewhere."""
        plan, rule = self.plan, self.plan.rules.get(node)
        if node.op == "placeholder":
            return self._hidden(node)
        if node.op == "get_attr":
            return plan.values[node]
        if node in plan.local_means:
            return self._shifted_mean(node)
        if node not in plan.reaches:
            inputs = {source: self._whole(source) for source in node.all_input_nodes}
            return whole_call(node, plan, inputs)
        spans = self.chunk.spans[node]
        if isinstance(rule, Kernel):
            need = (spans[0].read_by(rule.rows), spans[1].read_by(rule.columns))
            return rule.run(self._read(node.all_input_nodes[0], need, rule.outside, node), (0, 0))
        assert isinstance(rule, Pointwise | Join)
        inputs = {
            source: self._read(source, spans, 0.0, node) if source in plan.reaches else self.values[source]
            for source in node.all_input_nodes
        }
        return call(node, plan.network, inputs, rule.run)

    def _hidden(self, node: fx.Node) -> Tensor:
        """The image's own crops: the square, and the clean pixels beside it where the border cuts it."""
        images, width = self.clean.images, len(self.plan.windows.columns)
        places, hidden = [], []
        axes = zip(
            self.plan.reaches[node],
            self.chunk.spans[node],
            (self.chunk.squares // width, self.chunk.squares % width),
            strict=True,
        )
        for reach, span, square in axes:
            place = span.places()
            places.append(torch.from_numpy(place).to(images.device))
            hides = (place >= reach.first[square, None]) & (place <= reach.last[square, None])
            hidden.append(torch.from_numpy(hides).to(images.device))
        crops = images[:, :, places[0][:, :, None], places[1][:, None, :]]
        crops = torch.where(hidden[0][:, :, None] & hidden[1][:, None, :], self.fill, crops)
        return crops.transpose(1, 2).flatten(0, 1)

    def _read(self, source: fx.Node, need: tuple[Span, Span], outside: float, reader: fx.Node) -> Tensor:
        """The crops that a reader needs: what was recomputed, and the clean map around it."""
        crops = self.values[source]
        index = self._index(source, self.chunk.spans[source], need, reader)
        return crops if index is None else self._taken(source, need, outside, crops, index)

    def _taken(
        self, source: fx.Node, need: tuple[Span, Span], outside: float, crops: Tensor, index: Tensor
    ) -> Tensor:
        shape = (self.jobs, need[0].size, need[1].size, crops.shape[1])
        table = self.clean.table(source, outside, crops)
        rows = table.index_select(0, index[: shape[0] * shape[1] * shape[2]])
        return rows.view(shape).permute(0, 3, 1, 2)

    def _index(
        self, source: fx.Node, have: tuple[Span, Span], need: tuple[Span, Span], reader: Any
    ) -> Tensor | None:
        known = self.chunk.indices
        if (source, reader) not in known:
            index = paste_index(have, need, self.plan.images)
            known[source, reader] = (
                None if index is None else torch.from_numpy(index).to(self.clean.images.device)
            )
        return known[source, reader]

    def _whole(self, node: fx.Node) -> Any:
        """A call's whole value: a local map's crops pasted into the clean map."""
        if node not in self.plan.reaches:
            return self.values[node]
        if node not in self.wholes:
            need = (self.chunk.spans[node][0].whole(), self.chunk.spans[node][1].whole())
            index = self._index(node, self.chunk.spans[node], need, "whole")
            crops = self.values[node]
            self.wholes[node] = crops if index is None else self._taken(node, need, 0.0, crops, index)
        return self.wholes[node]

    def _shifted_mean(self, node: fx.Node) -> Tensor:
        """The clean mean, shifted by what the crops add to the sum."""
        source = node.all_input_nodes[0]
        crops, spans = self.values[source], self.chunk.spans[source]
        nothing = (spans[0].empty(), spans[1].empty())
        index = self._index(source, nothing, spans, "clean")
        assert index is not None
        before = self._taken(source, spans, 0.0, crops[:0], index)
        mean = self.clean.values[node].repeat_interleave(len(self.chunk.squares), 0)
        shift = (crops - before).sum((2, 3)) / (spans[0].side * spans[1].side)
        return mean + shift.view(len(shift), *mean.shape[1:])


def follows(plan: Plan, image: Tensor, clean: Tensor, within: float = 1e-5) -> bool:
    """Tell whether a plan's layers give the answer of its network.

    One that was kept may not, because the network's layers may have changed since; nor may a new one, because
    a hook may change what a layer gives.

    Args:
        plan: made for squares on images of the same size.
        image: float ``(1, 1, h, w)``.
        clean: what the network says of it now, softmax ``(1, classes)``.
        within: largest accepted difference between probabilities.
    """
    values: dict[fx.Node, Any] = {}
    geometry = plan.geometry
    try:
        plan.read_weights()
        for node in plan.nodes[:-1]:
            if node.op == "placeholder":
                values[node] = image
            elif node.op == "get_attr":
                values[node] = plan.values[node]
            else:
                values[node] = whole_call(node, plan, values)
            if isinstance(values[node], Tensor) and values[node].shape != plan.values[node].shape:
                return False
        again = values[plan.nodes[-1].all_input_nodes[0]].softmax(1)
    except Exception:  # it has lost a layer, or its layers no longer fit together
        return False
    return plan.geometry == geometry and torch.allclose(again, clean, rtol=0, atol=within, equal_nan=True)


def whole_call(node: fx.Node, plan: Plan, values: dict[fx.Node, Any]) -> Any:
    """Make a call on whole maps, with the layer that its rule prepared where there is one."""
    rule = plan.rules.get(node)
    if isinstance(rule, Kernel):
        return rule.run(values[node.all_input_nodes[0]], rule.padding)
    if isinstance(rule, GlobalMean):
        return values[node.all_input_nodes[0]].mean((2, 3), keepdim=not rule.flat)
    return call(node, plan.network, values, None if rule is None else rule.run)
