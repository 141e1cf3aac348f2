"""Soft shapes: how much of a pixel a shape covers, as smooth functions of a distance.

Everything here is elementwise arithmetic on ``(n, size, size)`` maps and ``(n, 1, 1)`` numbers, so
that faces are drawn in batches, on any device, and are differentiable. Lengths are in face units:
1 is half the picture's side at scale 1. Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STEEP = 0.38
"""Fits the square to the bell curve."""


@dataclass(frozen=True)
class Canvas:
    """Where every pixel lies on the face.

    Attributes:
        x, y: ``(n, size, size)`` position in the plane of the picture, upright; y grows downwards.
        u, v: the same on the face turned to the front; the nose's ridge is ``u = 0``.
        a: ``|u|``, smooth at 0: most of a face is drawn once and mirrored.
        left: 1 on the person's left side (the picture's right), 0 on the other, smooth between.
        px: ``(n, 1, 1)`` side of a pixel in face units.
    """

    x: Tensor
    y: Tensor
    u: Tensor
    v: Tensor
    a: Tensor
    left: Tensor
    px: Tensor

    def band(self, low: float, high: float) -> slice:
        """Return the rows in which some face has pixels with v between `low` and `high`.

        Features are drawn in their band only, which saves a third of the time on a processor. On an
        accelerator, and in a graph that is exported, all rows are taken.
        """
        if torch.compiler.is_compiling() or torch.jit.is_tracing() or self.v.device.type != "cpu":
            return slice(0, self.v.shape[1])
        v = self.v.detach()
        rows = torch.nonzero((v.amin((0, 2)) < high) & (v.amax((0, 2)) > low))[:, 0].tolist()
        return slice(rows[0], rows[-1] + 1) if rows else slice(0, 1)

    def cut(self, rows: slice) -> Canvas:
        """Return the canvas of a band of rows."""
        return Canvas(
            self.x[:, rows],
            self.y[:, rows],
            self.u[:, rows],
            self.v[:, rows],
            self.a[:, rows],
            self.left[:, rows],
            self.px,
        )

    def sided(self, pair: Tensor) -> Tensor:
        """Spread ``(n, 2)`` numbers (person's left, person's right) over the two halves of the face."""
        left, right = pair[:, 0, None, None], pair[:, 1, None, None]
        return torch.addcmul(right, self.left, left - right)

    def inside(self, distance: Tensor, softness: float = 0.0) -> Tensor:
        """Return the coverage, 0 to 1, of a shape whose signed `distance` is negative inside."""
        steep = -0.25 / (0.32 * self.px + softness)
        return torch.addcmul(distance.new_full((), 0.5), distance, steep).clamp(0.0, 1.0)

    def line(self, distance: Tensor, width: float | Tensor) -> Tensor:
        """Return the coverage of a soft line; one finer than a pixel grows paler, never jagged."""
        wide = torch.sqrt(width * width + 0.3 * self.px * self.px)
        return (width / wide) * spot(distance, wide)

    def fine(self, frequency: float) -> Tensor:
        """Return how much of a sine wave in face units (radians a unit) the pixels can show, 1 to 0.

        Finer waves than the pixels would alias into false stripes.
        """
        ratio = self.px * (frequency / 1.6)
        ratio = ratio * ratio
        return 1 / (1 + ratio * ratio)


def blob(du: Tensor, dv: Tensor, su: float | Tensor, sv: float | Tensor) -> Tensor:
    """Return a soft spot with half-axes `su` and `sv`: 1 at its centre, 0 beyond 1.6 of them."""
    across = torch.addcmul(du.new_ones(()), du, du * (-STEEP / (su * su)))
    return _square(torch.addcmul(across, dv, dv * (-STEEP / (sv * sv))))


def spot(distance: Tensor, width: float | Tensor) -> Tensor:
    """Return the same in one direction: 1 at distance 0, 0 beyond 1.6 widths."""
    return _square(torch.addcmul(distance.new_ones(()), distance, distance * (-STEEP / (width * width))))


def _square(base: Tensor) -> Tensor:
    """Return ``relu(1 - STEEP q)²``, nearly ``exp(-q)``: the exponential itself is slower, and very slow
    where it underflows."""
    base = torch.relu(base)
    return base * base


def paste(picture: Tensor, rows: slice, part: Tensor) -> Tensor:
    """Return `picture` with its band of rows replaced by `part`."""
    return torch.cat([picture[:, : rows.start], part, picture[:, rows.stop :]], 1)


def over(picture: Tensor, tone: float | Tensor, coverage: Tensor) -> Tensor:
    """Paint `tone` over `picture` where `coverage` is 1."""
    return torch.addcmul(picture, coverage, tone - picture)
