"""JAFFE: 213 photographs of ten women, each acting seven expressions about three times.

Source: Lyons et al. 1998; the parts: paper, section 4.2. Book chapter: *Four data sets*.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch

from ..errors import InputError
from ..expressions import EXPRESSIONS, JAFFE_LABELS
from .cache import files_signature, remember
from .folders import files_below
from .many import read_faces
from .protocol import Protocol, divide, number_subjects
from .table import FaceSplits, FaceTable

COUNTS = {"AN": 30, "DI": 29, "FE": 32, "HA": 31, "NE": 30, "SA": 31, "SU": 30}
"""Expression code → images of it, as published."""

PROTOCOL = Protocol(train=120, val=23, test=70, level_test=True)

SUFFIXES = (".tiff", ".tif", ".png", ".jpg", ".jpeg")

_NAME = re.compile(r"([A-Z]{2})\.([A-Z]{2})(\d+)\.(\d+)")


def read_jaffe(root: str | Path, by_subject: bool = False, seed: int = 0) -> FaceSplits:
    """Read JAFFE.

    The layout: files such as ``KA.AN1.39.tiff`` (person, expression and take, number), 256 x 256 grey,
    in `root` or any folder below it; the case of the name does not matter. The photographs are framed
    already: the whole picture is averaged down to 48 x 48.

    Args:
        root: the folder.
        by_subject: deal whole people into the parts. By default images are dealt at random, and each person
            is in all of them; the paper does not say which it did.
        seed: of the division.

    Returns:
        120 / 23 / 70 faces, 10 of each expression in ``test`` (by subject: about so many, six women,
        one and three), with subjects.

    Raises:
        InputError: names the file and the mend.
    """
    root = Path(root)
    files = _find(root)
    paths = [path for path, _, _ in files]
    tensors = remember(
        "jaffe-2",  # 2: grey pictures are turned as their EXIF says, too
        lambda: files_signature(root, paths),
        lambda: {"images": read_faces(paths, "reading JAFFE")},
    )
    table = FaceTable(
        images=tensors["images"],
        labels=torch.tensor([EXPRESSIONS.index(JAFFE_LABELS[code]) for _, _, code in files]),
        subjects=number_subjects([person for _, person, _ in files]),
    )
    people = len({person for _, person, _ in files})
    notes = (f"{len(table)} images of {people} people; the whole picture is used",)
    return divide("jaffe", table, PROTOCOL, people=by_subject, seed=seed, notes=notes)


def _find(root: Path) -> list[tuple[Path, str, str]]:
    """Return path, person and expression code of every image, sorted by name."""
    found: dict[str, tuple[Path, str, str]] = {}
    for path in files_below(root):
        if path.suffix.lower() not in SUFFIXES:
            continue
        stem = path.name[: -len(path.suffix)].upper()
        match = _NAME.fullmatch(stem)
        if match is None or match[2] not in JAFFE_LABELS:
            raise InputError(
                f"{path} is not named like JAFFE's KA.AN1.39.tiff "
                f"(person, one of {' '.join(JAFFE_LABELS)} and take, number): rename it or move it away"
            )
        if stem in found:
            raise InputError(f"{path} and {found[stem][0]} are the same image of JAFFE: remove one of them")
        found[stem] = (path, match[1], match[2])
    if not found:
        raise InputError(f"{root} holds no JAFFE: expected files such as KA.AN1.39.tiff in it")
    return [found[stem] for stem in sorted(found)]
