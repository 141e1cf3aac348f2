"""FERG: 55,767 pictures of six cartoon characters, rendered with labelled expressions.

Source: Aneja et al. 2016 (FERG_DB_256); the parts: paper, section 4.2. Book chapter: *Four data sets*.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import InputError
from ..expressions import EXPRESSIONS, FERG_LABELS
from .cache import files_signature, remember
from .folders import listed
from .many import read_faces
from .protocol import Protocol, divide
from .table import FaceSplits, FaceTable

PROTOCOL = Protocol(train=34_767, val=14_000, test=7_000, level_test=True)
"""The paper says "around 34,000"; its three sizes leave 767 of the 55,767, which are trained on here."""

CHARACTERS = ("aia", "bonnie", "jules", "malcolm", "mery", "ray")

SUFFIXES = (".png", ".jpg", ".jpeg")


def read_ferg(root: str | Path, by_subject: bool = False, seed: int = 0) -> FaceSplits:
    """Read FERG.

    The layout: ``<character>/<character>_<expression>/<character>_<expression>_<n>.png``, 256 x 256 RGB
    or RGBA, in `root` or in ``FERG_DB_256`` below it. The pictures are framed already: the whole picture,
    transparent parts white, is made grey (ITU-R 601 luma) and averaged down to 48 x 48. What was read is
    cached, as 55,767 files take minutes.

    Args:
        root: the folder.
        by_subject: deal whole characters into the parts. By default the parts are dealt at random, as
            in the paper, and each character is in all of them.
        seed: of the division.

    Returns:
        34,767 / 14,000 / 7,000 faces, 1,000 of each expression in ``test`` (by subject: about so many),
        with subjects: places in :data:`CHARACTERS`.

    Raises:
        InputError: names the file or folder and the mend.
    """
    root = _find_root(Path(root))
    files = _find(root)
    paths = [path for path, _, _ in files]
    tensors = remember(
        "ferg-1", lambda: files_signature(root, paths), lambda: {"images": read_faces(paths, "reading FERG")}
    )
    table = FaceTable(
        images=tensors["images"],
        labels=torch.tensor([label for _, _, label in files]),
        subjects=torch.tensor([character for _, character, _ in files]),
    )
    characters = len({character for _, character, _ in files})
    notes = (f"{len(table):,} images of {characters} characters; the whole picture is used",)
    return divide("ferg", table, PROTOCOL, people=by_subject, seed=seed, notes=notes)


def _find_root(root: Path) -> Path:
    for folder in (root, root / "FERG_DB_256"):
        if any((folder / character).is_dir() for character in CHARACTERS):
            return folder
    raise InputError(
        f"{root} holds no FERG: expected the folders {', '.join(CHARACTERS)} in it, "
        "each with folders such as aia_anger"
    )


def _find(root: Path) -> list[tuple[Path, int, int]]:
    """Return path, character and label of every image, sorted by character, expression and number."""
    found: list[tuple[tuple[int, int, int, str], Path]] = []
    for character in CHARACTERS:
        for folder in listed(root / character):
            if not folder.is_dir():
                continue
            label = _expression(folder, character)
            for path in listed(folder):
                if path.suffix.lower() in SUFFIXES:
                    number = path.stem.rpartition("_")[2]
                    order = int(number) if number.isdecimal() else -1
                    found.append(((CHARACTERS.index(character), label, order, path.name), path))
    if not found:
        raise InputError(f"{root} has no images in folders such as aia/aia_anger: unpack FERG there again")
    return [(path, key[0], key[1]) for key, path in sorted(found)]


def _expression(folder: Path, character: str) -> int:
    owner, _, expression = folder.name.lower().rpartition("_")
    if owner != character or expression not in FERG_LABELS:
        raise InputError(
            f"{folder} is not named like {character}_anger "
            f"(one of {', '.join(FERG_LABELS)}): rename it or move it away"
        )
    return EXPRESSIONS.index(FERG_LABELS[expression])
