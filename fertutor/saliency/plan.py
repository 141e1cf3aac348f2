"""How much of a network each occluding square reaches, and which squares go through it together.

Everything here is geometry, worked out before any arithmetic on images.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from ..mode import device_of
from .layers import (
    TAKEN_IN,
    GlobalMean,
    Kernel,
    Rule,
    call,
    mark_changes_in_place,
    multiply_adds,
    rule_of,
    trace,
)
from .reach import Numbers, Reach, Span
from .windows import Windows

# what one call costs beyond its arithmetic, and how fast the arithmetic goes: rough figures, which
# only decide how finely squares are grouped
SECONDS_PER_CALL = 6e-5
MULTIPLY_ADDS_PER_SECOND = {"cpu": 2e10, "cuda": 5e12}
CHUNKS_TOGETHER = 32
CACHE_BYTES = 3 * 2**20
"""On a CPU no map of a chunk is larger, if that can be: beyond it, memory is slower than arithmetic."""


@dataclass
class Chunk:
    """Squares that go through the layers together.

    Attributes:
        squares: int64 ``(k,)``, their numbers in reading order.
        spans: rows and columns of the crops of each local map.
        indices: where each reader of a map finds its crops (see :func:`.reach.paste_index`), kept
            from the first images for all others.
    """

    squares: Numbers
    spans: dict[fx.Node, tuple[Span, Span]]
    indices: dict[tuple[fx.Node, Any], Tensor | None] = field(default_factory=dict)


class Plan:
    """A network and a set of squares, analysed.

    Args:
        network: in eval mode.
        windows: the squares.
        images: number of images to come.
        batch: most occluded images in work at a time.

    Attributes:
        network, nodes: the network and its calls in order.
        values: an example value of each call.
        rules: what is known of each call.
        reaches: rows and columns that each square reaches, for each local map.
        local_means: the means over whole local maps.
        geometry: what the reaches and the grouping rest on, to be compared after :meth:`read_weights`.
        full_from: names of the calls at which locality ends.
        done_with: the calls whose values nothing reads any more once a call is made.
        images: number of images that share a chunk.
        chunks: all squares, in pieces of at most `batch` occluded images.
        multiply_adds: arithmetic for one image and all squares (convolutions and linear layers).
        least_multiply_adds: the same if every square were cropped as tightly as its reach: the limit.
        plain_multiply_adds: the same for the plain definition.

    Raises:
        Exception: when the network cannot be traced.
    """

    def __init__(self, network: nn.Module, windows: Windows, images: int, batch: int) -> None:
        self._network = weakref.ref(network)
        self.nodes = trace(network)
        self.windows, self.batch = windows, batch
        self.device = device_of(network)
        self.values: dict[fx.Node, Any] = self._example_values()
        self.rules: dict[fx.Node, Rule] = {}
        self.read_weights()
        self.reaches: dict[fx.Node, tuple[Reach, Reach]] = {}
        self.local_means: set[fx.Node] = set()
        self.full_from: list[str] = []
        self._follow_the_squares()
        self.done_with = self._last_readers()
        self.images = _images_together(windows, images, batch)
        self.chunks = list(self._pieces(self._choose_groups()))

    def _example_values(self) -> dict[fx.Node, Any]:
        """Every call's value for one black image: their shapes, and the constants."""
        black = torch.zeros(1, 1, self.windows.height, self.windows.width, device=self.device)
        mark_changes_in_place(self.nodes, self.network, black)
        values: dict[fx.Node, Any] = {}
        for node in self.nodes:
            values[node] = black if node.op == "placeholder" else call_or_output(node, self.network, values)
        return values

    @property
    def network(self) -> nn.Module:
        """The network."""
        network = self._network()
        assert network is not None
        return network

    def serves(self, windows: Windows, images: int, batch: int, device: torch.device) -> bool:
        """Tell whether a plan would come out the same for these squares, images and memory."""
        return (self.windows, self.batch, self.images, self.device) == (
            windows,
            batch,
            _images_together(windows, images, batch),
            device,
        )

    def read_weights(self) -> None:
        """Find each call's rule, with the network's present weights and constants in it."""
        taken_in: set[fx.Node] = set()
        self.rules = {}
        for node, maps in self._moving():
            rule = TAKEN_IN if node in taken_in else rule_of(node, self.network, self.values, maps)
            if rule is not None:
                self.rules[node] = rule
            if isinstance(rule, Kernel):
                taken_in.update(rule.takes_in)
        for node in self.nodes:
            if node.op == "get_attr":
                self.values[node] = call(node, self.network, self.values)

        self.geometry = [
            (node, type(rule), (rule.rows, rule.columns, rule.takes_in) if isinstance(rule, Kernel) else ())
            for node, rule in self.rules.items()
        ]

    def forget_weights(self) -> None:
        """Let go of all that belongs to the network, so that a plan that is kept does not keep it alive."""
        self.rules = {}

    def _moving(self) -> Iterator[tuple[fx.Node, list[fx.Node]]]:
        """The calls that depend on the image, each with those of its inputs that do."""
        moving: set[fx.Node] = set()
        for node in self.nodes:
            maps = [source for source in node.all_input_nodes if source in moving]
            if node.op == "placeholder" or maps:
                moving.add(node)
            if maps and node.op != "output":
                yield node, maps

    def _follow_the_squares(self) -> None:
        """Find how far the squares reach, layer by layer, and where locality ends."""
        self.reaches.update((node, self._reach_on_image()) for node in self.nodes if node.op == "placeholder")
        for node, maps in self._moving():
            rule = self.rules.get(node)
            local = [source for source in maps if source in self.reaches]
            if rule is None or len(local) < len(maps):
                if local and isinstance(self.values[node], Tensor):
                    self.full_from.append(_spoken_name(node, self.network))
            elif isinstance(rule, GlobalMean):
                self.local_means.add(node)
            else:
                self.reaches[node] = self._reach_behind(node, rule, maps)

    def _last_readers(self) -> dict[fx.Node, list[fx.Node]]:
        done_with: dict[fx.Node, list[fx.Node]] = {}
        place = {node: number for number, node in enumerate(self.nodes)}
        for node in self.nodes:
            if node.users:
                done_with.setdefault(max(node.users, key=place.__getitem__), []).append(node)
        return done_with

    def _reach_on_image(self) -> tuple[Reach, Reach]:
        windows = self.windows
        reaches = []
        for starts, side in ((windows.rows, windows.height), (windows.columns, windows.width)):
            first = np.array(starts)
            reaches.append(Reach(first, np.minimum(first + windows.size, side) - 1, side))
        return reaches[0], reaches[1]

    def _reach_behind(self, node: fx.Node, rule: Rule, maps: list[fx.Node]) -> tuple[Reach, Reach]:
        rows, columns = self.reaches[maps[0]]
        for other in maps[1:]:
            rows, columns = rows.united(self.reaches[other][0]), columns.united(self.reaches[other][1])
        if isinstance(rule, Kernel):
            height, width = self.values[node].shape[2:]
            rows, columns = rows.through(rule.rows, height), columns.through(rule.columns, width)
        return rows, columns

    def _count_multiply_adds(self) -> tuple[dict[fx.Node, int], int]:
        """The arithmetic of one place of each local map, and of all that is done in full."""
        whole = {node: multiply_adds(node, self.network, self.values) for node in self.nodes}
        per_place = {
            node: whole[node] // self.values[node][0, 0].numel() for node in self.reaches if whole[node]
        }
        count = self.windows.count
        full = count * sum(cost for node, cost in whole.items() if node not in self.reaches)
        self.plain_multiply_adds = count * sum(whole.values())
        self.least_multiply_adds = full + sum(
            cost * int(self.reaches[node][0].lengths.sum()) * int(self.reaches[node][1].lengths.sum())
            for node, cost in per_place.items()
        )
        return per_place, full

    def _choose_groups(self) -> list[tuple[Numbers, Numbers]]:
        """Group the rows and the columns of squares by the size of their crops, as finely as pays.

        Squares at the border reach less. Cropping them tighter saves arithmetic, but more groups
        are more calls; the grouping with the least estimated time is taken.
        """
        per_place, full = self._count_multiply_adds()
        speed = MULTIPLY_ADDS_PER_SECOND.get(self.device.type, MULTIPLY_ADDS_PER_SECOND["cpu"])
        best: tuple[float, int, list[tuple[Numbers, Numbers]]] | None = None
        for pieces in (1, 2, 3, 4, 6, 8):
            classes = [_alike(self._weights(per_place, axis), pieces) for axis in (0, 1)]
            work = full
            for node, cost in per_place.items():
                down, across = (
                    sum(len(c) * int(self.reaches[node][axis].lengths[c].max()) for c in classes[axis])
                    for axis in (0, 1)
                )
                work += cost * down * across
            groups = [(rows, columns) for rows in classes[0] for columns in classes[1]]
            calls = sum(-(-len(r) * len(c) // self._together(r, c)) for r, c in groups) / self.images
            seconds = work / speed + calls * len(self.nodes) * SECONDS_PER_CALL
            if best is None or seconds < best[0]:
                best = (seconds, work, groups)
        assert best is not None
        self.multiply_adds = best[1]
        return best[2]

    def _weights(self, per_place: dict[fx.Node, int], axis: int) -> Numbers:
        """The size of each row's (or column's) crops in one number, layers weighed by arithmetic."""
        total = np.zeros(len((self.windows.rows, self.windows.columns)[axis]), dtype=np.int64)
        for node, cost in per_place.items():
            reach = self.reaches[node]
            total += cost * int(reach[1 - axis].lengths.max()) * reach[axis].lengths
        return total

    def _together(self, rows: Numbers, columns: Numbers) -> int:
        """How many squares of a group go through the layers at a time."""
        jobs = self.batch
        if self.device.type == "cpu":
            places = [self._whole_size]
            for node, (down, across) in self.reaches.items():
                channels = self.values[node].shape[1]
                places.append(channels * int(down.lengths[rows].max()) * int(across.lengths[columns].max()))
            jobs = min(jobs, CACHE_BYTES // (4 * max(places)))
        return max(1, jobs // self.images)

    @cached_property
    def _whole_size(self) -> int:
        """Numbers in the largest value that one occluded image needs in full."""
        full = [
            source
            for node in self.nodes
            if node not in self.reaches and node not in self.local_means
            for source in (node, *node.all_input_nodes)
        ]
        return max(value.numel() for node in full if isinstance(value := self.values[node], Tensor))

    def _pieces(self, groups: list[tuple[Numbers, Numbers]]) -> Iterator[Chunk]:
        width = len(self.windows.columns)
        for rows, columns in groups:
            together = self._together(rows, columns)
            squares = (rows[:, None] * width + columns).ravel()
            for piece in np.split(squares, range(together, len(squares), together)):
                spans = {}
                for node, (down, across) in self.reaches.items():
                    height, length = down.lengths[rows].max(), across.lengths[columns].max()
                    spans[node] = (
                        down.span(piece // width, int(height)),
                        across.span(piece % width, int(length)),
                    )
                yield Chunk(piece, spans)


def _images_together(windows: Windows, images: int, batch: int) -> int:
    """Number of images that share a chunk."""
    return max(1, min(images, batch, CHUNKS_TOGETHER * batch // windows.count))


def call_or_output(node: fx.Node, network: nn.Module, values: dict[fx.Node, Any]) -> Any:
    """Make a call of the graph; the output node hands on what it reads."""
    return values[node.all_input_nodes[0]] if node.op == "output" else call(node, network, values)


def _alike(weights: Numbers, pieces: int) -> list[Numbers]:
    """Split positions into at most `pieces` groups of like weight.

    Each member costs its group's largest weight; the group whose cut saves most is cut first.
    """
    groups = [weights.argsort(kind="stable")]
    while len(groups) < pieces:
        saving, cut, index = max((*_best_cut(weights[group]), i) for i, group in enumerate(groups))
        if saving <= 0:
            break
        group = groups[index]
        groups[index : index + 1] = [group[:cut], group[cut:]]
    return groups


def _best_cut(weights: Numbers) -> tuple[int, int]:
    """What the best cut of an ascending list saves, and where it is."""
    if len(weights) < 2:
        return 0, 0
    savings = (weights[-1] - weights[:-1]) * np.arange(1, len(weights))
    cut = int(savings.argmax())
    return int(savings[cut]), cut + 1


def _spoken_name(node: fx.Node, network: nn.Module) -> str:
    if node.op == "call_module":
        return f"{type(network.get_submodule(str(node.target))).__name__} {node.target}"
    return str(getattr(node.target, "__name__", node.target))
