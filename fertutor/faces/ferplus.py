"""The votes of FER+: ten people's labels for each face of FER-2013.

Source: Barsoum et al. 2016 and the file ``fer2013new.csv`` they publish. Book chapter: *Four data
sets*.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..expressions import EXPRESSIONS_WITH_CONTEMPT, FERPLUS_COLUMNS, FERPLUS_LABELS, class_names
from .fer2013_csv import LINE_LIMIT

FILE_NAME = "fer2013new.csv"
HEADER = ("Usage", "Image name", *FERPLUS_COLUMNS)
SIZE_LIMIT = 64 << 20

_VOTES = tuple(map(str, range(11)))  # ten people vote on each face


def read_votes(path: Path, usages: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """Read ``fer2013new.csv``.

    Args:
        path: the file.
        usages: the names that its Usage column may hold.

    Returns:
        Usages uint8 ``(n,)``, places in `usages`, and votes int64 ``(n, 10)``: the eight classes in
        the order of :data:`fertutor.expressions.EXPRESSIONS_WITH_CONTEMPT`, then unknown and NF (not
        a face).

    Raises:
        InputError: names the file, the row and the mend.
    """
    if path.stat().st_size > SIZE_LIMIT:
        raise InputError(f"{path} is larger than {SIZE_LIMIT >> 20} MiB, so it is not FER+'s {FILE_NAME}")
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        header = file.readline(LINE_LIMIT).strip().split(",")
        if tuple(name.strip(' "') for name in header) != HEADER:  # some programs quote every field
            raise InputError(
                f"{path} does not begin with the header of FER+ ({','.join(HEADER)}): give that file"
            )
        reader = csv.reader(file)
        rows = list(_read_rows(path, reader, usages))
    if not rows:
        raise InputError(f"{path} has no rows below its header: download it again")
    usage, *votes = torch.tensor(rows, dtype=torch.int64).unbind(1)
    of_column = dict(zip(FERPLUS_COLUMNS, votes, strict=True))
    column_of = {label: column for column, label in FERPLUS_LABELS.items()}
    order = [column_of[label] for label in EXPRESSIONS_WITH_CONTEMPT] + ["unknown", "NF"]
    return usage.to(torch.uint8), torch.stack([of_column[column] for column in order], dim=1)


def _read_rows(path: Path, reader: Iterator[list[str]], usages: tuple[str, ...]) -> Iterator[list[int]]:
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if not "".join(row).strip() and len(row) < 2:  # a blank line: only the file's end may be
                if any("".join(rest).strip() for rest in reader):
                    raise InputError(
                        f"{path}, row {number} (line {number + 1}): it is empty; download {FILE_NAME} again"
                    )
                return
            yield _read_row(path, number, row, usages)
    except csv.Error as error:
        raise InputError(
            f"{path}, row {number + 1} (line {number + 2}): {error}; download {FILE_NAME} again"
        ) from None


def _read_row(path: Path, number: int, row: list[str], usages: tuple[str, ...]) -> list[int]:
    where = f"{path}, row {number} (line {number + 1})"
    mend = f"download {FILE_NAME} again"
    if len(row) != len(HEADER):
        raise InputError(f"{where}: it has {len(row)} fields instead of {len(HEADER)}; {mend}")
    if row[0] not in usages:
        raise InputError(f"{where}: Usage is {row[0][:20]!r}, which is none of {', '.join(usages)}; {mend}")
    votes = row[2:]
    if not all(vote in _VOTES for vote in votes):
        raise InputError(f"{where}: its votes are not whole numbers from 0 to {len(_VOTES) - 1}; {mend}")
    return [usages.index(row[0]), *map(int, votes)]


def majority(votes: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Apply the majority rule of FER+'s authors.

    A single vote counts as none. The class with most of the votes that remain is the label if it
    holds more than half of them, those for unknown and NF included; else the row is dropped, and so
    is a row whose label would be unknown, NF, or contempt where `classes` is 7.

    Args:
        votes: int64 ``(n, 10)`` from :func:`read_votes`.
        classes: 7, or 8 with contempt.

    Returns:
        ``keep`` bool ``(n,)``; ``labels`` int64 ``(n,)``; ``targets`` float32 ``(n, classes)``, the
        remaining votes for these classes (without unknown and NF, and without contempt where
        `classes` is 7) divided by their sum. Labels and targets mean something for kept rows only.
    """
    classes = len(class_names(classes))
    remaining = torch.where(votes > 1, votes, 0)
    most, labels = remaining.max(dim=1)
    keep = (2 * most > remaining.sum(dim=1)) & (labels < classes)
    targets = remaining[:, :classes].float()
    return keep, labels, targets / targets.sum(dim=1, keepdim=True).clamp(min=1)


def plurality(votes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Take the expression of the seven with the most votes, however few; of equals the first in the file.

    Nearly all faces keep a label so, the disputed ones too: only rows are dropped that nobody gave one of
    the seven. The counts of the paper's Figure 8 are those of such labels within a few faces. Book chapter:
    *The record*.

    Args:
        votes: int64 ``(n, 10)`` from :func:`read_votes`.

    Returns:
        As :func:`majority`, for 7 classes; targets are the votes for them divided by their sum.
    """
    column_of = {label: FERPLUS_COLUMNS.index(column) for column, label in FERPLUS_LABELS.items()}
    in_file = sorted(range(7), key=lambda label: column_of[EXPRESSIONS_WITH_CONTEMPT[label]])
    targets = votes[:, :7].float()
    labels = torch.tensor(in_file)[targets[:, in_file].argmax(dim=1)]
    total = targets.sum(dim=1, keepdim=True)
    return total[:, 0] > 0, labels, targets / total.clamp(min=1)


def join(path: Path, usages: Tensor, names: tuple[str, ...]) -> Tensor:
    """Return the votes for the rows of FER-2013, joined by row order.

    FER+'s image names do not equal row numbers (173 are blank), so the order is what joins the two
    files. Either file may lack whole parts at its end (PrivateTest, say).

    Args:
        path: ``fer2013new.csv``.
        usages: uint8 ``(n,)`` of the rows of FER-2013, places in `names`.
        names: the parts.

    Returns:
        int64 ``(m, 10)`` for the first `m` rows; the other ``n - m`` are of parts that FER+ lacks.

    Raises:
        InputError: when the two files do not agree row by row.
    """
    other, votes = read_votes(path, names)
    n = min(len(usages), len(other))
    differ = torch.nonzero(usages[:n] != other[:n])[:, 0]
    mend = f"give {FILE_NAME} and the fer2013.csv that belongs to it, both with their rows in order"
    if len(differ):
        row = int(differ[0])
        theirs, ours = names[other[row]], names[usages[row]]
        raise InputError(f"{path}, row {row + 1}: it is {theirs} where FER-2013 has {ours}; {mend}")
    longer = usages if len(usages) > n else other
    if torch.isin(longer[n:], longer[:n]).any():
        raise InputError(f"{path} has {len(other)} rows and FER-2013 has {len(usages)}; {mend}")
    return votes[:n]
