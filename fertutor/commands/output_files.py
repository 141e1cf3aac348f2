"""What commands share that write pictures: no file is taken for another, and one way to write a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files import replacing

if TYPE_CHECKING:
    from PIL import Image


SIGNATURE = b"\x89PNG"
"""How every PNG file begins."""


def refuse_replacing(outputs: dict[str, Path | None], inputs: dict[str, Path] | None = None) -> None:
    """Refuse an output that is an input of the same call, another of its outputs, or no PNG.

    Args:
        outputs: option → PNG file to write, or None where the option was not given.
        inputs: argument → file to read.

    Raises:
        InputError: for the first such output.
    """
    taken = dict(inputs or {})
    for option, path in outputs.items():
        if path is None:
            continue
        for other, known in taken.items():
            if _same(path, known):
                raise InputError(f"{option} {path} would replace the file of {other}: name another file")
        if path.is_file() and not _is_png(path):
            raise InputError(f"{option} {path} would replace a file that is no PNG: name another file")
        if path.suffix.lower() != ".png" and (path.is_file() or not path.exists()):  # a folder is named later
            raise InputError(f"{option} {path}: a PNG is written, name a file that ends in .png")
        taken[option] = path


def write_png(picture: Image.Image, path: Path) -> None:
    """Write a picture as PNG; the file is the old one or the whole new one.

    Raises:
        OSError: names `path` and says why it cannot be written.
    """
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")


def _is_png(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)  # also by another name, such as a link
    except OSError:
        return one.absolute().resolve() == other.absolute().resolve()
