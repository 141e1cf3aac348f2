"""FER-2013 as image files: ``train/<expression>/`` and ``test/<expression>/``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import InputError
from ..expressions import EXPRESSIONS
from .cache import files_signature, remember
from .fer2013_csv import USAGES
from .folders import listed
from .many import in_threads
from .pictures import open_grey
from .table import SIDE

SUFFIXES = (".jpg", ".jpeg", ".png")

PARTS = {
    "train": "Training",
    "val": "PublicTest",
    "validation": "PublicTest",
    "valid": "PublicTest",
    "test": "PrivateTest",
}
"""Folder → usage of the files in it whose names do not begin with one."""

ALIASES = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
"""Other names of the expression folders in copies of the set; a number is the set's own label."""


def read_folders(root: Path) -> dict[str, Tensor]:
    """Read image folders, or their cache when no file has changed since that was written.

    A file's name says its usage (``PublicTest_123.jpg``), wherever the file lies; where it does not, its
    folder does.

    Returns:
        Sorted by usage, expression and file name: ``images`` uint8 ``(n, 2304)``, ``emotions`` int64
        ``(n,)``, ``usages`` uint8 ``(n,)``; and the counts ``resized`` (files of another size than
        48 x 48), ``unmarked`` (files under ``test/`` whose names do not say the usage) and ``moved`` (files
        in another part's folder than their names say), int64 ``()``.

    Raises:
        InputError: an unknown folder, no images, or an image that cannot be used.
    """
    found = find_files(root)
    paths = [path for _, _, path in found]
    # 2: 16-bit, transparent and turned pictures are read as by the other readers
    tensors = remember("fer2013-folders-2", lambda: files_signature(root, paths), lambda: _read(found))
    unmarked = sum(path.parts[-3] == "test" and _named_usage(path) is None for path in paths)
    moved = sum(_is_moved(path) for path in paths)
    return {**tensors, "unmarked": torch.tensor(unmarked), "moved": torch.tensor(moved)}


def find_files(root: Path) -> list[tuple[int, int, Path]]:
    """Return ``(usage, expression, path)`` of every image below `root` that is not hidden, sorted.

    Raises:
        InputError: for a folder of another name than a part's or an expression's, or no images.
    """
    for other in (folder for folder in listed(root) if folder.name not in PARTS):
        # by glob, which passes over what may not be read: a disk's lost+found is no part
        if any(_expression_of(folder) is not None for folder in other.glob("[!.]*") if folder.is_dir()):
            raise InputError(
                f"{other} holds expressions and is no part of the set: name it train, val or test"
            )
    found: list[tuple[int, int, Path]] = []
    for part, folder_usage in PARTS.items():
        folders = [folder for folder in listed(root / part) if folder.is_dir()]
        seen = len(found)
        for folder in folders:
            emotion = _expression(folder)
            for path in listed(folder):
                if path.suffix.lower() in SUFFIXES:
                    usage = _named_usage(path) or folder_usage
                    found.append((USAGES.index(usage), emotion, path))
        if folders and len(found) == seen:
            raise InputError(
                f"{root / part} has folders of expressions and no image in them that ends in "
                f"{', '.join(SUFFIXES)}: convert them, or take the folder away"
            )
    if not found:
        raise InputError(f"{root} has no images in train/<expression>/ or test/<expression>/")
    return sorted(found)


def _expression(folder: Path) -> int:
    expression = _expression_of(folder)
    if expression is None:
        raise InputError(f"{folder} is named after no expression: expected {', '.join(EXPRESSIONS)}")
    return expression


def _expression_of(folder: Path) -> int | None:
    """Return the expression that a folder is named after, or None."""
    name = folder.name.lower()
    name = ALIASES.get(name, name)
    if name in EXPRESSIONS:
        return EXPRESSIONS.index(name)
    return int(name) if name in map(str, range(len(EXPRESSIONS))) else None


def _is_moved(path: Path) -> bool:
    """Return whether a file's name says another usage than its folder; Kaggle's test/ holds PublicTest."""
    part, usage = path.parts[-3], _named_usage(path)
    return usage not in (None, PARTS[part]) and (part, usage) != ("test", "PublicTest")


def _named_usage(path: Path) -> str | None:
    prefix = path.name.partition("_")[0]
    return prefix if prefix in USAGES else None


def _read(found: list[tuple[int, int, Path]]) -> dict[str, Tensor]:
    images = np.empty((len(found), SIDE * SIDE), np.uint8)
    resized = 0
    read = in_threads(lambda row: _read_grey(found[row][2]), len(found), "reading images")
    for row, (values, as_it_was) in enumerate(read):
        images[row] = values
        resized += not as_it_was
    return {
        "images": torch.from_numpy(images),
        "emotions": torch.tensor([emotion for _, emotion, _ in found], dtype=torch.int64),
        "usages": torch.tensor([usage for usage, _, _ in found], dtype=torch.uint8),
        "resized": torch.tensor(resized),
    }


def _read_grey(path: Path) -> tuple[NDArray[np.uint8], bool]:
    """Return the 2304 grey values of an image, and whether it had that size."""
    picture = open_grey(path)
    fits = picture.size == (SIDE, SIDE)
    if not fits:
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture, dtype=np.uint8).reshape(-1), fits
