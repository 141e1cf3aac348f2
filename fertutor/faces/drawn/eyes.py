"""Eyes and brows: lids, white, iris, lashes, folds; brows as tapered strokes.

Action units 5 (upper lid), 7 (lid tightener) and 6 (cheek raiser) open and narrow the eye; 1, 2 and 4
move the brow. Both sides are drawn once, in mirrored coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .muscles import Muscles
from .scene import Scene
from .shapes import Canvas, over, spot
from .traits import Traits


@dataclass(frozen=True)
class Eyes:
    """Shape of the eyes on every pixel: lids' heights, and coordinates that are ±1 at the corners."""

    along: Tensor
    dy: Tensor
    dome: Tensor
    upper: Tensor
    lower: Tensor
    within: Tensor
    middle: Tensor
    height: Tensor
    half: Tensor


def place_eyes(c: Canvas, m: Muscles, t: Traits, s: Scene) -> Eyes:
    """Return the eyes' shape under the action units."""
    half = 0.158 * (1 + 0.10 * t.eye_size + 0.12 * t.child + 0.35 * t.toon)
    middle = 0.365 + 0.03 * t.eye_apart + 0.02 * t.child
    height = -0.285 + 0.025 * t.eye_height + 0.08 * t.child
    size = 1 + 0.18 * t.pair("eye_open") + 0.25 * t.pair("child") + 1.1 * t.pair("toon")
    au5, au6, au7, au9 = m.pair(5), m.pair(6), m.pair(7), m.pair(9)
    smile = au6 * m.pair(12)
    close = (1 - 0.36 * au7) * (1 - 0.12 * au6) * (1 - 0.16 * smile) * (1 - 0.35 * au9)
    close = close * (1 - 0.13 * m.pair(4) * (1 - au5))
    up = 0.074 * size * (1 + 0.62 * au5) * close * (1 - 1.15 * s.pair("blink"))
    low = 0.047 * size * (1 + 0.22 * au5) * (1 - 0.60 * au7) * (1 - 0.72 * au6) * (1 - 0.4 * au9)
    along = (c.a - middle) / half
    dy = c.v - height - (0.010 * t.eye_tilt - 0.012) * -along
    dome = torch.relu(1 - along * along)
    upper = -c.sided(up) * dome * (1.08 - 0.12 * along)
    lower = c.sided(low) * dome * (1 + 0.25 * along) - 0.008 * c.sided(au6) * dome
    return Eyes(along, dy, dome, upper, lower, c.inside((torch.abs(along) - 1) * half), middle, height, half)


def draw_eyes(c: Canvas, t: Traits, s: Scene, e: Eyes, picture: Tensor) -> Tensor:
    """Draw whites, iris and pupil between the lids, then lashes and folds."""
    lid = e.dy - e.upper
    gap = c.inside(-lid) * c.inside(e.dy - e.lower) * e.within
    sign = 2 * c.left - 1
    ix = e.along * e.half - sign * (0.42 * s.gaze_x * e.half)
    iy = e.dy - (s.gaze_y * 0.035 - 0.008)
    iris = (0.44 + 0.06 * t.child + 0.06 * t.toon) * 0.158 * (1 + 0.5 * t.toon + 0.1 * t.child)
    r = torch.sqrt(ix * ix + iy * iy + 1e-6)
    light = 0.55 + 0.45 * torch.sqrt(t.skin + 0.05)
    white = light * (0.92 - 0.26 * e.along * e.along)
    ball = over(white, 0.04 + t.iris * (0.7 + (0.5 / iris) * r * torch.sigmoid(iy * 40)), c.inside(r - iris))
    ball = ball * (1 - 0.7 * c.line(r - iris, 0.010))
    ball = over(ball, 0.01, c.inside(r - 0.45 * iris)) * (1 - 0.45 * spot(lid, 0.035))
    sx, sy = ix * sign + 0.30 * iris, iy + 0.34 * iris
    spark = c.inside(torch.sqrt(sx * sx + sy * sy + 1e-6) - 0.20 * iris)
    picture = over(picture, over(ball, 0.95, spark), gap)
    lash = (0.72 + 0.25 * t.lashes) * c.line(lid, 0.014 + 0.012 * t.lashes)
    fold = lid + (0.036 + 0.012 * t.lid_fold) * (0.35 + 0.65 * torch.sqrt(e.dome + 0.01))
    crease = (0.38 + 0.2 * t.lid_fold) * c.line(fold, 0.011)
    under = c.line(e.dy - e.lower, 0.009) * (0.25 + 0.35 * t.lashes + 0.2 * e.along)
    return picture * (1 - e.within * (lash + crease + under).clamp(0.0, 1.0))


def place_brows(c: Canvas, m: Muscles, t: Traits) -> tuple[Tensor, Tensor]:
    """Return the position along the brow (0 inner to 1 outer end) and the distance below its middle."""
    au1, au2, au4 = m.pair(1), m.pair(2), m.pair(4)
    inner = 0.145 - 0.055 * au4 * (1 - 0.3 * au1) - 0.015 * m.pair(9)
    base = -0.485 - 0.045 * t.pair("brow_height") + 0.06 * t.pair("child") - 0.06 * t.pair("toon")
    base = base + 0.03 * t.pair("brow_tilt")
    at_inner = -0.135 * au1 + 0.115 * au4 * (1 - 0.55 * au1) + 0.055 * m.pair(9) + 0.02 * m.pair(7)
    at_outer = -0.115 * au2 + 0.045 * au4 * (1 - 0.6 * au2) + 0.02 * au1 + 0.01 * m.pair(6)
    arch = 3.2 * (0.055 + 0.03 * t.pair("brow_arch") + 0.06 * au2 - 0.035 * au4 + 0.01 * au1)
    # base + inner (1 - p)^2 + outer p (2 - p) - arch p (1.15 - p), as a polynomial of the place p
    slope = 2 * (at_outer - at_inner) - 1.15 * arch - 0.06 * t.pair("brow_tilt")
    bend = at_inner - at_outer + arch
    along = (c.a - c.sided(inner)) * (1 / 0.47)
    p = along.clamp(-0.2, 1.2)
    return along, c.v - c.sided(base + at_inner) - p * (c.sided(slope) + p * c.sided(bend))


def draw_brows(c: Canvas, t: Traits, brow: tuple[Tensor, Tensor], picture: Tensor) -> Tensor:
    """Draw the brows: thick at the nose, thin at the temple."""
    along, dy = brow
    wide = (0.036 + 0.016 * t.brow_thick) * (1 - 0.15 * t.child)
    taper = (1.05 - 0.75 * along * along).clamp(min=0.05)
    hairs = 0.003 * c.fine(130) * torch.sin(along * 60 + 70 * dy)
    stroke = c.inside(torch.abs(dy + hairs) - wide * taper, 0.008)
    ends = torch.sigmoid(along * 24 + 0.5) * torch.sigmoid(along * -24 + 24.5)
    strength = (0.80 + 0.12 * t.brow_thick - 0.35 * t.child).clamp(0.2, 0.95)
    return over(picture, t.brow_tone * 0.8 * (0.5 + 0.5 * t.skin) + 0.02, strength * (stroke * ends))
