"""The CSVs of FER-2013: ``fer2013.csv``, ``icml_face_data.csv`` and Kaggle's ``train.csv``.

All hold one face a line; the columns are found by name, so their order does not matter.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..expressions import EXPRESSIONS
from .cache import file_signature, remember
from .pixels import parse_row, parse_rows

USAGES = ("Training", "PublicTest", "PrivateTest")
"""The set's own names of train, val and test, in the order of the file."""

LINE_LIMIT = 1 << 16
"""As far as a line is read, in FER+'s file, too: a longer one is no row."""

BLOCK = 32  # rows parsed together: they and what is made of them stay in the processor's cache

_EMOTIONS = {str(number).encode(): number for number in range(len(EXPRESSIONS))}
_USAGES = {name.encode(): number for number, name in enumerate(USAGES)}


def read_csv(path: Path) -> dict[str, Tensor]:
    """Read a CSV of FER-2013, or its cache when the file has not changed since that was written.

    Returns:
        In the file's row order: ``images`` uint8 ``(n, 2304)``, ``emotions`` int64 ``(n,)``,
        ``usages`` uint8 ``(n,)`` (places in :data:`USAGES`), and ``has_usage``, bool ``()``: False
        where the file has no such column and all rows count as Training.

    Raises:
        InputError: names the file, the row and the mend.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: download it again")
    return remember("fer2013-csv-1", lambda: file_signature(path), lambda: _parse(path))


def _parse(path: Path) -> dict[str, Tensor]:
    images: list[NDArray[np.uint8]] = []
    emotions, usages = bytearray(), bytearray()
    block: list[bytes] = []
    with open(path, "rb") as file:
        columns = _read_header(path, file.readline(LINE_LIMIT))
        for row, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), b""), start=1):
            if not line.strip():
                if file.read(LINE_LIMIT).strip():
                    raise _bad_row(path, row, "it is empty")
                break
            emotion, pixels, usage = _split(path, row, line, columns)
            emotions.append(_look_up(path, row, "emotion", emotion, _EMOTIONS))
            usages.append(_look_up(path, row, "Usage", usage, _USAGES))
            block.append(pixels)
            if len(block) == BLOCK:
                images.append(_parse_block(path, row - BLOCK + 1, block))
                block = []
    if block:
        images.append(_parse_block(path, len(emotions) - len(block) + 1, block))
    if not images:
        raise InputError(f"{path} has no rows below its header: download it again")
    return {
        "images": torch.from_numpy(np.concatenate(images)),
        "emotions": torch.frombuffer(emotions, dtype=torch.uint8).to(torch.int64),
        "usages": torch.frombuffer(usages, dtype=torch.uint8).clone(),
        "has_usage": torch.tensor("usage" in columns),
    }


def _bad_row(path: Path, row: int, what: str) -> InputError:
    return InputError(f"{path}, row {row} (line {row + 1}): {what}; download the file again or mend that row")


def _read_header(path: Path, line: bytes) -> list[str]:
    """Return the names of the columns in file order, in lower case without spaces around them."""
    text = line.decode("utf-8-sig", "replace")
    columns = [name.strip(' \r\n"').lower() for name in text.split(",")]
    if "\r" in text.rstrip("\r\n"):
        raise InputError(f"{path} ends its lines with carriage returns alone: save it with line feeds")
    if len(set(columns)) < len(columns):
        raise InputError(f"{path} names a column twice in its header: give fer2013.csv as it was published")
    if "pixels" not in columns:
        raise InputError(
            f"{path} does not begin with the header of FER-2013 (emotion,pixels,Usage): give that CSV"
        )
    if "emotion" not in columns:
        raise InputError(
            f"{path} has no emotion column, like Kaggle's unlabelled test.csv: "
            "give fer2013.csv or icml_face_data.csv, which have the labels"
        )
    return columns


def _split(path: Path, row: int, line: bytes, columns: list[str]) -> tuple[bytes, bytes, bytes]:
    """Return a line's emotion, pixels and Usage (Training where the file has no such column)."""
    if len(line) == LINE_LIMIT:
        raise _bad_row(path, row, f"it is longer than {LINE_LIMIT} bytes")
    fields = line.split(b",")
    if b'"' in line:
        fields = [field.encode() for field in _unquote(path, row, line.decode("utf-8", "replace"))]
    if len(fields) != len(columns):
        cut = "" if line.endswith(b"\n") else ", and the file ends there"
        raise _bad_row(path, row, f"it has {len(fields)} fields instead of {len(columns)}{cut}")
    named = {name: field.strip() for name, field in zip(columns, fields, strict=True)}
    return named["emotion"], named["pixels"], named.get("usage", b"Training")


def _unquote(path: Path, row: int, text: str) -> list[str]:
    try:
        return next(csv.reader([text]))
    except csv.Error as error:
        raise _bad_row(path, row, str(error)) from None


def _look_up(path: Path, row: int, column: str, field: bytes, table: dict[bytes, int]) -> int:
    if field not in table:
        shown = field[:20].decode("utf-8", "replace")
        known = b", ".join(table).decode()
        raise _bad_row(path, row, f"{column} is {shown!r}, which is none of {known}")
    return table[field]


def _parse_block(path: Path, first_row: int, block: list[bytes]) -> NDArray[np.uint8]:
    images = parse_rows(block)
    if images is not None:
        return images
    rows = []
    for row, pixels in enumerate(block, start=first_row):
        try:
            rows.append(parse_row(pixels))
        except ValueError as error:
            raise _bad_row(path, row, str(error)) from None
    return np.stack(rows)
