"""Many image files to faces, by several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from ..progress import progress
from .pictures import centred_square, open_grey
from .table import SIDE

T = TypeVar("T")


def in_threads(read: Callable[[int], T], count: int, label: str) -> Iterator[T]:
    """Yield ``read(0)``, ``read(1)`` and so on, which threads read ahead, while a bar tells how far it is.

    Pillow decodes and scales outside Python's lock, and a mounted drive answers many at once.
    """
    pool = ThreadPoolExecutor()
    try:
        yield from progress(pool.map(read, range(count)), label, total=count)
    finally:
        # on a bad file the rest is not worth reading
        pool.shutdown(cancel_futures=True)


def read_faces(
    paths: Sequence[Path], label: str, frame: Callable[[Image.Image, int], Tensor] | None = None
) -> Tensor:
    """Return the faces of image files, uint8 ``(n, 1, 48, 48)``, in the order of `paths`.

    Args:
        paths: the files.
        label: what the progress bar says.
        frame: turns the grey picture of file number `i` into uint8 ``(1, 48, 48)``; by default the whole
            picture is scaled (its centred square where it is not square).

    Raises:
        InputError: the first file, in order, that cannot be read.
    """
    frame = frame or (lambda picture, _: whole_face(picture))
    faces = torch.empty(len(paths), 1, SIDE, SIDE, dtype=torch.uint8)

    def read(number: int) -> Tensor:
        return frame(open_grey(paths[number]), number)

    for number, face in enumerate(in_threads(read, len(paths), label)):
        faces[number] = face
    return faces


def whole_face(grey: Image.Image) -> Tensor:
    """Return the centred square of a grey picture as a face, uint8 ``(1, 48, 48)``."""
    left, top, width, height = centred_square(grey)
    return to_face(grey.crop((left, top, left + width, top + height)))


def to_face(grey: Image.Image) -> Tensor:
    """Return a square grey picture as a face: averaged over areas, or enlarged bilinearly."""
    if grey.size != (SIDE, SIDE):
        method = Image.Resampling.BOX if min(grey.size) >= SIDE else Image.Resampling.BILINEAR
        grey = grey.resize((SIDE, SIDE), method)
    return torch.frombuffer(bytearray(grey.tobytes()), dtype=torch.uint8).view(1, SIDE, SIDE)
