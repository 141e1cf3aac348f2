"""Where the occluding square stands: the sliding windows of section 4.4 and what they cover.

Book chapter: *What does the network look at?*
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..errors import InputError

EDGES = ("clamp", "cut")


def whole_number(value: object, name: str, largest: int) -> int:
    """Return `value` as an int from 1 to `largest`.

    Raises:
        InputError: in one sentence, when it is anything else.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if not 1 <= number <= largest:
        raise InputError(f"{name} must be a whole number of pixels from 1 to {largest}, not {value!r}")
    return number


@dataclass(frozen=True)
class Windows:
    """All positions of one occluding square on an image, in reading order.

    Attributes:
        size: side of the square in pixels (the paper's N).
        stride: step between neighbouring squares in pixels (the paper's s).
        edge: what happens where the stride does not divide the image: ``"clamp"`` moves the last
            square back until it ends at the border, so every square is whole; ``"cut"`` lets it
            stick out, so its visible part is smaller (captum's rule). Both cover every pixel
            when the stride is at most the size.
        height, width: of the image in pixels.

    Raises:
        InputError: for a size or stride that is no whole number from 1 to the image's side, or
            an unknown edge rule.

    Example:
        >>> Windows(8, 4, "clamp").count
        121
    """

    size: int
    stride: int
    edge: str = "clamp"
    height: int = 48
    width: int = 48

    def __post_init__(self) -> None:
        side = min(self.height, self.width)
        object.__setattr__(self, "size", whole_number(self.size, "size", side))
        object.__setattr__(self, "stride", whole_number(self.stride, "stride", side))
        if self.edge not in EDGES:
            raise InputError(f"edge must be one of {', '.join(EDGES)}, not {self.edge!r}")

    @cached_property
    def rows(self) -> list[int]:
        """First row of the squares, from the top."""
        return self._starts(self.height)

    @cached_property
    def columns(self) -> list[int]:
        """First column of the squares, from the left."""
        return self._starts(self.width)

    def _starts(self, side: int) -> list[int]:
        steps = -(-(side - self.size) // self.stride)
        starts = [step * self.stride for step in range(steps + 1)]
        if self.edge == "clamp":
            starts[-1] = side - self.size
        # with a stride above the size, a square may start beyond the border: it would hide nothing
        return [start for start in starts if start < side]

    @property
    def count(self) -> int:
        """Number of squares."""
        return len(self.rows) * len(self.columns)

    def positions(self) -> Tensor:
        """Return the top-left corners, int64 ``(count, 2)`` as (row, column), in reading order."""
        return torch.cartesian_prod(torch.tensor(self.rows), torch.tensor(self.columns)).view(-1, 2)

    def covers(self) -> tuple[Tensor, Tensor]:
        """Return which rows and columns the squares hide, bool ``(r, height)`` and ``(c, width)``."""
        return (
            _spans(self.rows, self.size, self.height),
            _spans(self.columns, self.size, self.width),
        )

    def mean_per_pixel(self, values: Tensor) -> Tensor:
        """Average a value of each square over the squares that hide a pixel.

        Args:
            values: ``(n, count)``, one number a square.

        Returns:
            float32 ``(n, height, width)``; NaN where no square comes (a stride above the size).
        """
        down, across = (cover.to(values.device, torch.float64) for cover in self.covers())
        grid = values.to(torch.float64).view(-1, len(self.rows), len(self.columns))
        total = down.T @ grid @ across
        return (total / torch.outer(down.sum(0), across.sum(0))).to(torch.float32)


def _spans(starts: list[int], size: int, side: int) -> Tensor:
    offsets = torch.arange(side)[None] - torch.tensor(starts)[:, None]
    return (offsets >= 0) & (offsets < size)
