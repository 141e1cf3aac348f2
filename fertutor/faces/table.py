"""FaceTable: a face set as tensors in memory.

Everything downstream takes a FaceTable; no per-image Python runs after a reader has made one.
Book chapter: *Four data sets*.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError, called
from ..expressions import class_names

SIDE = 48
"""Height and width of every face in pixels (paper, section 4.1)."""

UNEVEN = 1e-3
"""How far from 1 rounding may take the sum of a face's votes."""


@dataclass(frozen=True, eq=False)
class FaceTable:
    """`n` grey faces with their labels.

    A table equals itself only: tables of the same faces have the same :meth:`fingerprint`.

    Attributes:
        images: uint8 ``(n, 1, 48, 48)``, 0 black to 255 white.
        labels: int64 ``(n,)``, indices into :data:`fertutor.expressions.EXPRESSIONS` (7 is contempt,
            in tables of eight classes only).
        votes: float32 ``(n, classes)`` whose rows sum to 1 (soft targets), or None.
        subjects: int64 ``(n,)``, one number a person, or None where people are not told apart.
        classes: 7, or 8 with contempt.

    Raises:
        ValueError: when a tensor has another shape or type, a label is out of range, or a row of votes is no
            distribution.

    Example:
        >>> table = fertutor.load_faces("drawn-studio").train
        >>> table.images.shape
        torch.Size([120, 1, 48, 48])
    """

    images: Tensor
    labels: Tensor
    votes: Tensor | None = None
    subjects: Tensor | None = None
    classes: int = 7

    def __post_init__(self) -> None:
        n = len(self.images)
        class_names(self.classes)
        expected = {
            "images": (self.images, torch.uint8, (n, 1, SIDE, SIDE)),
            "labels": (self.labels, torch.int64, (n,)),
            "votes": (self.votes, torch.float32, (n, self.classes)),
            "subjects": (self.subjects, torch.int64, (n,)),
        }
        for name, (value, dtype, shape) in expected.items():
            if value is None and name in ("votes", "subjects"):
                continue
            if not isinstance(value, Tensor) or value.dtype != dtype or tuple(value.shape) != shape:
                found = f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value)
                raise ValueError(f"{name} must be {dtype} {shape}, not {found}")
        if n and not (0 <= int(self.labels.min()) and int(self.labels.max()) < self.classes):
            raise ValueError(f"labels must lie in 0..{self.classes - 1}")
        # written so that nan is refused too
        if self.votes is not None and not (
            bool((self.votes >= 0).all()) and bool(((self.votes.sum(1) - 1).abs() <= UNEVEN).all())
        ):
            raise ValueError("each row of votes must be shares from 0 on that sum to 1: divide it by its sum")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Tensor | slice | list[int] | int) -> FaceTable:
        """Return the table of the rows that an index, slice, list, index tensor or mask selects."""
        if isinstance(rows, int):
            rows = [rows]
        if isinstance(rows, list):
            rows = torch.tensor(rows) if rows else torch.zeros(0, dtype=torch.int64)
        if isinstance(rows, Tensor):
            rows = rows.to(self.images.device)
        return FaceTable(
            images=self.images[rows],
            labels=self.labels[rows],
            votes=None if self.votes is None else self.votes[rows],
            subjects=None if self.subjects is None else self.subjects[rows],
            classes=self.classes,
        )

    def counts(self) -> dict[str, int]:
        """Return the number of faces of each expression, in label order."""
        counts = torch.bincount(self.labels, minlength=self.classes).tolist()
        return dict(zip(class_names(self.classes), counts, strict=True))

    def fingerprint(self) -> str:
        """Return the SHA-256 (64 hexadecimal digits) of images, labels, votes and subjects."""
        digest = hashlib.sha256()
        for name in ("images", "labels", "votes", "subjects"):
            value: Tensor | None = getattr(self, name)
            if value is not None:
                digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
                digest.update(value.cpu().contiguous().flatten().numpy().data)  # no copy of the images
        return digest.hexdigest()

    def to(self, device: torch.device | str) -> FaceTable:
        """Return the same table with its tensors on `device`."""
        return FaceTable(
            images=self.images.to(device),
            labels=self.labels.to(device),
            votes=None if self.votes is None else self.votes.to(device),
            subjects=None if self.subjects is None else self.subjects.to(device),
            classes=self.classes,
        )


def check_table(table: object) -> None:
    """Raise InputError for what is no FaceTable, such as a whole face set."""
    if not isinstance(table, FaceTable):
        raise InputError(f"faces of one part are asked for, such as splits.val, not {called(table)}")


@dataclass(frozen=True)
class FaceSplits:
    """A face set in the three parts of the paper's protocol (section 4.2).

    Attributes:
        name: the set's name in :func:`fertutor.load_faces`.
        train, val, test: each a FaceTable, or None where the set at hand has no such part.
        notes: facts about how the set was read, as plain sentences (e.g. rows that were dropped).
    """

    name: str
    train: FaceTable | None
    val: FaceTable | None
    test: FaceTable | None
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, FaceTable]:
        """Return the parts that exist, by name."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return {name: table for name, table in parts.items() if table is not None}
