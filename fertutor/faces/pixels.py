"""Pixels written as numbers in text: many rows at once, or one row with care.

The quick way works on whole blocks of bytes and gives up on anything unusual; the careful way then
says what is wrong with which pixel, or reads a row that is merely written in an unusual way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .table import SIDE

PIXELS = SIDE * SIDE

_ZERO, _SPACE, _TEN, _HUNDRED = (np.uint8(value) for value in (48, 32, 10, 100))


def parse_rows(rows: list[bytes]) -> NDArray[np.uint8] | None:
    """Return the pixels of rows of 2304 numbers parted by one space, or None to ask for care.

    Each byte is looked at a constant number of times, in numpy, with no Python per number.

    Returns:
        uint8 ``(len(rows), 2304)``; None when a row has another count, a number above 255 or of more
        than three digits, two spaces in a row, or any other character.
    """
    # three spaces before and one after: every number then has two bytes before it and a space behind
    text = np.frombuffer(b"   " + b" ".join(rows) + b" ", np.uint8)
    space = text == _SPACE
    digit = text - _ZERO  # wraps around below "0"
    if not ((digit < _TEN) | space).all():
        return None
    other = ~space
    start = 3
    for row in rows:
        if np.count_nonzero(space[start : start + len(row)]) != PIXELS - 1:
            return None
        start += len(row) + 1
    if (space[2:-1] & space[3:]).any() or (other[:-3] & other[1:-2] & other[2:-1] & other[3:]).any():
        return None
    digit *= other.view(np.uint8)
    # the value of the digits that end at each place, wanted where a space follows
    hundreds = digit[:-3] * (other[1:-2] & other[2:-1]).view(np.uint8)
    value = digit[1:-2] * _TEN
    value += digit[2:-1]
    if ((hundreds > 2) | ((hundreds == 2) & (value > 55))).any():
        return None
    hundreds *= _HUNDRED
    value += hundreds
    return value[other[2:-1] & space[3:]].reshape(len(rows), PIXELS)


def parse_row(row: bytes) -> NDArray[np.uint8]:
    """Return the 2304 pixels of one row, uint8 ``(2304,)``.

    Raises:
        ValueError: says what is wrong, without file or row.
    """
    words = row.split()
    for place, word in enumerate(words, start=1):
        if not word.isdigit() or len(word) > 9 or int(word) > 255:
            shown = word[:20].decode("utf-8", "replace")
            raise ValueError(f"pixel {place} is {shown!r}, and pixels are whole numbers from 0 to 255")
    if len(words) != PIXELS:
        raise ValueError(f"it has {len(words)} pixels instead of {PIXELS} ({SIDE} x {SIDE})")
    return np.array([int(word) for word in words], dtype=np.uint8)
