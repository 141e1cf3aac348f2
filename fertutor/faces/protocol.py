"""The paper's three parts of a set, made by seed, or with nobody in two of them.

Paper, section 4.2. Book chapter: *Four data sets*.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError
from ..seed import check_seed
from .splits import by_subject, per_class, stratified
from .table import FaceSplits, FaceTable


@dataclass(frozen=True)
class Protocol:
    """How the paper divides a set.

    Attributes:
        train, val, test: images of each part.
        level_test: the test part has the same number of each expression.
    """

    train: int
    val: int
    test: int
    level_test: bool

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The images of each part."""
        return self.train, self.val, self.test

    @property
    def n(self) -> int:
        """The number of images in all."""
        return sum(self.sizes)


def divide(
    name: str,
    table: FaceTable,
    protocol: Protocol,
    *,
    people: bool = False,
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> FaceSplits:
    """Divide a table by the paper's protocol.

    A table of another size is divided in the same proportions, and a note says so.

    Args:
        name: the set's name.
        table: all its faces, with subjects.
        protocol: the paper's sizes.
        people: deal whole people into the parts, which then have the paper's sizes only about, and no
            level test part.
        seed: another seed, another division.
        notes: what else is to be said of the set; notes of the division follow.

    Raises:
        InputError: when there are too few images or people for three parts, or for what is no seed.
    """
    seed = check_seed(seed)
    sizes = _sizes(len(table), protocol)
    said = list(notes)
    if len(table) != protocol.n:
        said.append(
            f"the paper divides {protocol.n:,} images, and here are {len(table):,}: "
            f"its {protocol.train:,} / {protocol.val:,} / {protocol.test:,} are scaled"
        )
    if min(sizes) < 1:
        raise InputError(
            f"{name} has {len(table)} images here, too few for training, validation and test: "
            "add the rest of it"
        )
    if people:
        assert table.subjects is not None
        try:
            rows = by_subject(table.subjects, sizes, seed)
        except ValueError as error:
            raise InputError(f"{name} cannot be divided by people: {error}") from None
        said.append(f"divided by people, seed {seed}: nobody is in two parts")
    else:
        rows = _deal(name, table, sizes, protocol, seed)
        said.append(f"divided at random, seed {seed}{_met_again(table, rows)}")
    train, val, test = (table[part] for part in rows)
    said.append(f"{len(train):,} training, {len(val):,} validation, {len(test):,} test images")
    return FaceSplits(name, train, val, test, tuple(said))


def _met_again(table: FaceTable, rows: tuple[Tensor, ...]) -> str:
    """Say how many people are in all parts, where it is known who is who."""
    if table.subjects is None:
        return ""
    people = set(table.subjects.tolist())
    met = people.intersection(*(table.subjects[part].tolist() for part in rows))
    return f": {len(met)} of {len(people)} people are in all three parts"


def _sizes(n: int, protocol: Protocol) -> tuple[int, int, int]:
    val, test = (round(n * part / protocol.n) for part in (protocol.val, protocol.test))
    return n - val - test, val, test


def _deal(
    name: str, table: FaceTable, sizes: tuple[int, int, int], protocol: Protocol, seed: int
) -> tuple[Tensor, ...]:
    if not protocol.level_test:
        return stratified(table.labels, sizes, seed)
    counts = table.labels.bincount()
    present = counts[counts > 0]
    each = max(1, round(sizes[2] / len(present)))
    if int(present.min()) <= each:
        rare = [expression for expression, count in table.counts().items() if 0 < count <= each]
        raise InputError(
            f"{name} has too few images of {', '.join(rare)} here: the test part takes {each} of each "
            "expression and some must be left to train on; add the rest of the set"
        )
    test, rest = per_class(table.labels, each, seed)
    val = min(sizes[1], len(rest) - 1)
    train_rows, val_rows = stratified(table.labels[rest], (len(rest) - val, val), seed)
    return rest[train_rows], rest[val_rows], test


def number_subjects(names: list[str]) -> Tensor:
    """Return one number a name, int64 ``(n,)``: its place among the different names, sorted."""
    places = {name: place for place, name in enumerate(sorted(set(names)))}
    return torch.tensor([places[name] for name in names], dtype=torch.int64)
