"""The confusion explorer. Book chapter: *A playground*."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import traitlets
from torch import Tensor, nn

from ..errors import InputError
from ..evaluation.report import predict_probabilities
from ..expressions import class_names
from ..faces.table import FaceTable
from .base import Answer, Explorer, grey_bytes

PAGE = 24
"""Faces that a kernel sends at a time."""


class ConfusionExplorer(Explorer):
    """A confusion matrix whose cells open onto the faces in them, the surest answers first.

    Args:
        network: a module of yours, or the name of a released network.
        table: the faces to judge; the test part of ``drawn-studio`` when None. With a published set,
            the notebook would hold faces that are not ours to publish: clear the output.
        per_cell: faces of each cell that go into the published page.
        traits: ``cell``, the chosen (true, predicted) pair, which can be read and set from Python too.

    Raises:
        InputError: for an empty table, a choice of networks, or a network with other classes than the table.

    Example:
        >>> explorer = ConfusionExplorer("paper", fertutor.load_faces("drawn-wild").test)
        >>> explorer.cell = [2, 5]  # fear called surprise
    """

    module = "confusion"

    matrix = traitlets.List(traitlets.List(traitlets.Int()), help="Rows true, columns predicted.").tag(
        sync=True
    )
    cell = traitlets.List(traitlets.Int(), [0, 0], minlen=2, maxlen=2).tag(sync=True)
    faces = traitlets.Bytes(help="Grey levels of the faces that come along.").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(help="True, predicted, probability of each face.").tag(
        sync=True
    )

    def __init__(
        self,
        network: nn.Module | str = "paper",
        table: FaceTable | None = None,
        per_cell: int = 3,
        **traits: Any,
    ) -> None:
        if table is None:
            from ..faces.catalogue import load_faces

            table = load_faces("drawn-studio").test
        if table is None or not len(table):
            raise InputError("the table holds no faces: give one with at least one face")
        if traits.get("networks"):
            raise InputError("the confusion explorer judges one network: make one explorer for each")
        cell = traits.pop("cell", None)
        super().__init__(network, **traits)
        self._table = table.to("cpu")
        self._per_cell = per_cell
        self._follow_network()
        off = torch.tensor(self.matrix).fill_diagonal_(0)
        self.cell = list(divmod(int(off.argmax()), table.classes)) if cell is None else cell

    def use_network(self, network: nn.Module | str) -> None:
        """Let another network judge the faces.

        Raises:
            InputError: for a network with other classes than the table; the widget stays as it was.
        """
        before = self.network, dict(self._loaded)
        try:
            super().use_network(network)
        except InputError:
            self._loaded = before[1]
            self.network = before[0]
            raise

    def _follow_network(self) -> None:
        self._sure, self._said = _judge(self._network, self._table)
        classes = self._table.classes
        counts = torch.zeros(classes, classes, dtype=torch.int64)
        counts.index_put_((self._table.labels, self._said), torch.tensor(1), accumulate=True)
        with self.hold_sync():  # a front end reads the faces of a cell when its matrix comes
            self._let_some_come_along()
            self.matrix = counts.tolist()

    @traitlets.validate("cell")
    def _check_cell(self, proposal: Any) -> list[int]:
        cell: list[int] = proposal["value"]
        last = len(self.matrix) - 1
        if self.matrix and not all(0 <= k <= last for k in cell):
            raise traitlets.TraitError(f"cell {cell}: expected two classes, each 0 to {last}")
        return cell

    def _let_some_come_along(self) -> None:
        classes = self._table.classes
        chosen = [
            i for t in range(classes) for s in range(classes) for i in self.members(t, s)[: self._per_cell]
        ]
        self.faces = grey_bytes(self._table[chosen]) if chosen else b""
        self.rows = [
            [int(self._table.labels[i]), int(self._said[i]), round(float(self._sure[i]), 2)] for i in chosen
        ]

    def members(self, truth: int, said: int) -> list[int]:
        """Return the rows of the table in a cell, the surest first."""
        inside = ((self._table.labels == truth) & (self._said == said)).nonzero()[:, 0]
        order = self._sure[inside].argsort(descending=True, stable=True)
        found: list[int] = inside[order].tolist()
        return found

    def answer_cell(self, question: dict[str, Any]) -> Iterator[Answer]:
        """The next faces of a cell, with how sure the network was of its answer."""
        start = int(question["from"])
        chosen = self.members(int(question["truth"]), int(question["said"]))[start : start + PAGE]
        data = grey_bytes(self._table[chosen]) if chosen else b""
        yield {"sure": [float(self._sure[i]) for i in chosen]}, [data]

    def twin(self) -> str:
        """Return the widget as HTML: of a network that a page does not have, the picture only."""
        return self.still() if self.network == "yours" else super().twin()

    def __repr__(self) -> str:
        return f"ConfusionExplorer(network={self.network!r}, faces={len(self._table)})"

    def picture(self) -> tuple[Any, str]:
        """The matrix."""
        from .pictures import draw_confusion

        return draw_confusion(torch.tensor(self.matrix), class_names(len(self.matrix)))


def _judge(network: nn.Module, table: FaceTable) -> tuple[Tensor, Tensor]:
    """Return the largest probability and its class for every face of a table."""
    probabilities = predict_probabilities(network, table.images, device=None)
    if probabilities.shape[1] != table.classes:
        raise InputError(f"the network has {probabilities.shape[1]} classes, the table {table.classes}")
    best = probabilities.max(1)
    return best.values, best.indices
