"""Many image files to faces, on all processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..progress import progress
from .pictures import centred_square, open_grey
from .table import SIDE


def read_faces(
    paths: Sequence[Path], label: str, frame: Callable[[Image.Image, int], Tensor] | None = None
) -> Tensor:
    """Return the faces of image files, uint8 ``(n, 1, 48, 48)``, in the order of `paths`.

    Pillow decodes and scales outside Python's lock, so threads are enough.

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

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for number, face in enumerate(progress(pool.map(read, range(len(paths))), label, total=len(paths))):
            faces[number] = face
    finally:
        # on a bad file the rest is not worth reading
        pool.shutdown(cancel_futures=True)
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
