"""Folders from outside, listed with care."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def listed(folder: Path) -> list[Path]:
    """Return what a folder holds and is not hidden, sorted; nothing where there is no such folder.

    Raises:
        OSError: where it may not be read. ``Path.glob`` would find it empty, and its faces be left out in
            silence.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of all folders below it, as :func:`listed`; no link is followed.

    Raises:
        OSError: where one of the folders may not be read.
    """
    for path in listed(folder):
        if path.is_dir() and not path.is_symlink():
            yield from files_below(path)
        else:
            yield path
