"""How far a square on the image reaches into a layer's map: interval arithmetic, one axis at a time.

Nothing here knows a network. Book chapter: *What does the network look at?*
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Sliding:
    """One axis of a layer that slides a kernel: convolution or pooling."""

    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def extent(self) -> int:
        """Number of inputs from the first to the last that one output reads."""
        return (self.kernel - 1) * self.dilation + 1


@dataclass(frozen=True)
class Reach:
    """First and last place of one axis of a map that each square can change.

    Attributes:
        first, last: int64 ``(squares,)``, inclusive.
        side: length of the axis.
    """

    first: Numbers
    last: Numbers
    side: int

    @property
    def lengths(self) -> Numbers:
        """How many places each square reaches, int64 ``(squares,)``."""
        return self.last - self.first + 1

    def through(self, layer: Sliding, side: int) -> Reach:
        """Return the reach behind a sliding layer whose output has length `side`.

        Output o reads the inputs from o·stride - padding on; it is reached if one of them is.
        """
        first = -((layer.extent - 1 - layer.padding - self.first) // layer.stride)
        last = (self.last + layer.padding) // layer.stride
        first, last = first.clip(0, side - 1), last.clip(0, side - 1)
        # a stride or a dropped remainder may skip the square: keep one place, recomputed in vain
        return Reach(np.minimum(first, last), last, side)

    def united(self, other: Reach) -> Reach:
        """Return the smallest reach that holds both."""
        return Reach(np.minimum(self.first, other.first), np.maximum(self.last, other.last), self.side)

    def span(self, squares: Numbers, size: int) -> Span:
        """Return crops of one common size that hold the reach of the chosen squares."""
        return Span(np.minimum(self.first[squares], self.side - size), size, self.side)


@dataclass(frozen=True)
class Span:
    """One axis of crops that all have the same size.

    Attributes:
        start: int64 ``(squares,)``, may be negative where a layer pads.
        size: length of each crop.
        side: length of the axis that they are cut from.
    """

    start: Numbers
    size: int
    side: int

    def read_by(self, layer: Sliding) -> Span:
        """Return what a sliding layer reads to compute these crops of its output."""
        start = self.start * layer.stride - layer.padding
        return Span(start, (self.size - 1) * layer.stride + layer.extent, self.side)

    def whole(self) -> Span:
        """Return crops that take the whole axis."""
        return Span(np.zeros_like(self.start), self.side, self.side)

    def empty(self) -> Span:
        """Return crops without a place."""
        return Span(self.start, 0, self.side)

    def places(self) -> Numbers:
        """Return the places of each crop, int64 ``(squares, size)``."""
        return self.start[:, None] + np.arange(self.size)

    def same_as(self, other: Span) -> bool:
        """Tell whether both take the same places."""
        return self.size == other.size and np.array_equal(self.start, other.start)


def paste_index(have: tuple[Span, Span], need: tuple[Span, Span], images: int) -> NDArray[np.int32] | None:
    """Say where each place of the crops that a layer needs is read from.

    The source is a table with one row a place: row 0 is padding, then come the clean maps of
    the images in reading order, then the crops at hand (image by image, square by square).

    Args:
        have: rows and columns of the recomputed crops, for one image's squares.
        need: rows and columns of the wanted crops, for the same squares.
        images: number of images that the table has room for, each with all the squares.

    Returns:
        int32 ``(images * squares * height * width,)`` row numbers, or None when the crops at hand
        are what is needed. The first rows serve fewer images as well.
    """
    if all(h.same_as(n) for h, n in zip(have, need, strict=True)):
        return None
    rows, columns = have
    y, x = (n.places()[:, :, None] if axis == 0 else n.places()[:, None, :] for axis, n in enumerate(need))
    top, left = rows.start[:, None, None], columns.start[:, None, None]
    inside = ((y >= top) & (y < top + rows.size)) & ((x >= left) & (x < left + columns.size))
    map_size, crop_size = rows.side * columns.side, rows.size * columns.size
    squares = len(rows.start)
    number = np.arange(squares)[:, None, None]
    crop_row = 1 + images * map_size + (number * rows.size + y - top) * columns.size - left
    index = np.where(inside, _sum(crop_row, x), _sum(1 + y * columns.side, x))
    exists = ((y >= 0) & (y < rows.side), (x >= 0) & (x < columns.side))
    padded = None if exists[0].all() and exists[1].all() else ~(exists[0] & exists[1])
    if padded is not None:
        index[padded] = 0
    if images == 1:
        return index.ravel()
    step = np.where(inside, np.int32(squares * crop_size), np.int32(map_size))
    if padded is not None:
        step[padded] = 0
    return (index + np.arange(images, dtype=np.int32)[:, None, None, None] * step).ravel()


def _sum(down: Numbers, across: Numbers) -> NDArray[np.int32]:
    return down.astype(np.int32) + across.astype(np.int32)
