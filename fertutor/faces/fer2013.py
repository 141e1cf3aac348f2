"""FER-2013 in every layout it is found in, with its own labels or those of FER+.

Source: Goodfellow et al. 2013 (the set), Barsoum et al. 2016 (FER+). Book chapter: *Four data sets*.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..expressions import LABELS
from ..files import expanded
from . import ferplus
from .fer2013_csv import USAGES, read_csv
from .fer2013_folders import read_folders
from .table import SIDE, FaceSplits, FaceTable

FULL_CSV_NAMES = ("fer2013.csv", "icml_face_data.csv")
TRAINING_CSV_NAME = "train.csv"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".rar", ".7z")

COUNTS = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
}
"""Usage → faces of each expression by the set's own labels, as published."""

Rule = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
FERPLUS_RULES: dict[str, tuple[Rule, int, str]] = {
    "ferplus": (partial(ferplus.majority, classes=7), 7, "FER+'s majority rule"),
    "ferplus8": (partial(ferplus.majority, classes=8), 8, "FER+'s majority rule"),
    "ferplus-plurality": (ferplus.plurality, 7, "the rule of most votes"),
}
"""Labels → the rule that makes them of votes, its classes, and what it is called."""


def read_fer2013(
    root: str | Path, labels: str = "original", votes_file: str | Path | None = None
) -> FaceSplits:
    """Read FER-2013.

    The layouts, the first that is there: ``fer2013.csv``, ``icml_face_data.csv``, image folders
    ``train/<label>`` and ``test/<label>``, Kaggle's ``train.csv``. A CSV's rows keep their order. What
    was read is cached; with the set's own labels the tables' images are then memory-mapped.

    Args:
        root: a folder with one of the layouts (or with such a folder called ``fer2013``), or a CSV.
        labels: ``"original"``, ``"ferplus"`` (seven classes), ``"ferplus8"`` (with contempt) or
            ``"ferplus-plurality"`` (seven). The first two of FER+ follow the majority rule of their authors
            (:func:`fertutor.faces.ferplus.majority`), which drops an eighth of the faces; the last takes
            the most votes, however few (:func:`fertutor.faces.ferplus.plurality`). ``votes`` holds the soft
            targets.
        votes_file: FER+'s ``fer2013new.csv``; None looks for it beside the CSV.

    Returns:
        Training as ``train``, PublicTest as ``val``, PrivateTest as ``test`` (as in the paper,
        section 4.2); None where there are no such faces.

    Raises:
        InputError: names the file, the row and the mend.
    """
    source = find_source(Path(root))
    read: Callable[[Path], dict[str, Tensor]] = read_folders if source.is_dir() else read_csv
    tensors = read(source)
    notes = [f"read from {source.name}", *_layout_notes(tensors)]
    if labels == "original":
        table = FaceTable(tensors["images"].view(-1, 1, SIDE, SIDE), tensors["emotions"])
        usages = tensors["usages"]
    elif labels not in FERPLUS_RULES:
        raise InputError(f"no labels are called {labels!r}: choose one of {', '.join(LABELS)}")
    else:
        if source.is_dir():
            raise InputError(
                f"{source} holds single images, and FER+ is joined by the row order of fer2013.csv: give that"
            )
        path = _find_votes(source, votes_file)
        votes = ferplus.join(path, tensors["usages"], USAGES)
        table, usages, dropped = _relabel(tensors, votes, *FERPLUS_RULES[labels])
        if not len(table):
            raise InputError(
                f"{path} leaves no face: {FERPLUS_RULES[labels][2]} drops all {len(votes)}; "
                f"choose other labels than {labels}, or give the whole of {ferplus.FILE_NAME}"
            )
        notes += dropped
    train, val, test = (_part(table, usages, number) for number in range(len(USAGES)))
    return FaceSplits("fer2013", train, val, test, tuple(notes))


def find_source(root: Path) -> Path:
    """Return the CSV or the folder of image folders that `root` means.

    Raises:
        InputError: where there is neither.
    """
    if root.is_file():
        if root.name.lower().endswith(ARCHIVES):
            raise InputError(f"{root} is an archive: unpack it, and name the folder with what comes out")
        return root
    for folder in (root, root / "fer2013"):
        for name in FULL_CSV_NAMES:
            if (folder / name).is_file():
                return folder / name
        if (folder / "train").is_dir():
            return folder
        if (folder / TRAINING_CSV_NAME).is_file():
            return folder / TRAINING_CSV_NAME
    if (root / "test.csv").is_file():
        return root / "test.csv"  # whose reading says why it cannot be used
    archives = sorted(path.name for path in root.glob("*") if path.name.lower().endswith(ARCHIVES))
    if archives:
        raise InputError(f"{root} holds FER-2013 in an archive, if at all: unpack {archives[0]} there")
    raise InputError(
        f"{root} holds no FER-2013: expected fer2013.csv, icml_face_data.csv, "
        "train.csv, or folders train/<expression>/ and test/<expression>/"
    )


def has_votes(root: str | Path) -> bool:
    """Return whether FER+ labels can be had at `root`: a CSV with ``fer2013new.csv`` beside it."""
    source = find_source(Path(root))
    return source.is_file() and (source.parent / ferplus.FILE_NAME).is_file()


def _layout_notes(tensors: dict[str, Tensor]) -> list[str]:
    notes = []
    if not tensors.get("has_usage", torch.tensor(True)):
        notes.append("the file has no Usage column: all its rows are training rows")
    if unmarked := int(tensors.get("unmarked", torch.tensor(0))):
        notes.append(
            f"{unmarked} images under test/ do not say whether they are of PublicTest or PrivateTest: "
            "all are in the test part"
        )
    if moved := int(tensors.get("moved", torch.tensor(0))):
        notes.append(f"{moved} images lie in another part's folder than their names say: the names count")
    if resized := int(tensors.get("resized", torch.tensor(0))):
        notes.append(f"{resized} images were not 48 x 48 pixels and were resized")
    return notes


def _part(table: FaceTable, usages: Tensor, number: int) -> FaceTable | None:
    """Return the rows of one part: a view without a copy when they lie together, as in the file."""
    places = torch.nonzero(usages == number)[:, 0]
    if not len(places):
        return None
    first, last = int(places[0]), int(places[-1])
    return table[first : last + 1] if last - first + 1 == len(places) else table[places]


def _find_votes(source: Path, votes_file: str | Path | None) -> Path:
    path = source.parent / ferplus.FILE_NAME if votes_file is None else expanded(votes_file)
    if not path.is_file():
        raise InputError(
            f"{path} does not exist: FER+ labels need {ferplus.FILE_NAME}, "
            "which github.com/microsoft/FERPlus publishes; put it beside the CSV of FER-2013"
        )
    return path


def _relabel(
    tensors: dict[str, Tensor], votes: Tensor, rule: Rule, classes: int, words: str
) -> tuple[FaceTable, Tensor, list[str]]:
    """Return the faces that FER+ keeps with its labels, their usages, and notes on what was dropped."""
    n = len(votes)
    keep, labels, targets = rule(votes)
    usages = tensors["usages"][:n]
    table = FaceTable(
        images=tensors["images"][:n][keep].view(-1, 1, SIDE, SIDE),
        labels=labels[keep],
        votes=targets[keep],
        classes=classes,
    )
    notes = [
        f"{USAGES[number]}: {words} keeps {int(keep[usages == number].sum())} "
        f"of {int((usages == number).sum())} faces"
        for number in usages.unique().tolist()
    ]
    if n < len(tensors["usages"]):
        notes.append(
            f"{len(tensors['usages']) - n} faces have no row in {ferplus.FILE_NAME} and were dropped"
        )
    return table, usages[keep], notes
