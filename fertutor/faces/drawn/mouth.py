"""The mouth: lips, the dark between them, teeth and tongue.

Action units 10, 12, 15, 20, 23, 24 move the lips and their corners, and 9 lifts the upper one a little;
16, 25 and 26 open the mouth, 17 pushes the lower lip up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .muscles import Muscles
from .shapes import Canvas, blob, over, spot
from .traits import Traits


@dataclass(frozen=True)
class Mouth:
    """Lines of the mouth on every pixel (v of each edge), its corners, and its openness."""

    along: Tensor
    dome: Tensor
    top: Tensor
    upper: Tensor
    lower: Tensor
    bottom: Tensor
    corner_a: Tensor
    corner_v: Tensor
    middle: Tensor
    gap: Tensor


def place_mouth(c: Canvas, m: Muscles, t: Traits) -> Mouth:
    """Return the mouth's shape under the action units."""
    au10, au12, au15, au20 = m.pair(10), m.pair(12), m.pair(15), m.pair(20)
    au16, au17, au23, au24 = m.mid(16), m.mid(17), m.mid(23), m.mid(24)
    au25, au26 = m.mid(25), m.mid(26)
    middle = 0.50 + 0.025 * t.mouth_height + 0.02 * t.face_length - 0.02 * t.child
    half = 0.275 + 0.03 * t.pair("mouth_width") - 0.03 * t.pair("child")
    half = half + 0.125 * au12 + 0.09 * au20 + 0.02 * au15
    mid_pair = (
        -0.05 * m.pair(23) - 0.03 * m.pair(24) - 0.045 * m.pair(26) * (1 - 0.6 * au12) * (1 - 0.7 * au20)
    )
    half = half + mid_pair - 0.015 * m.pair(17)
    corner = -0.135 * au12 + 0.125 * au15 + 0.03 * au20 - 0.025 * au10 + 0.03 * m.pair(26)
    wide = c.sided(half)
    rise = c.sided(corner)
    along = c.a / wide
    x2 = along * along
    dome = torch.relu(1 - x2)
    smile = au12.mean(1)[:, None, None]
    stretch = au20.mean(1)[:, None, None]
    shut = (1 - 0.85 * au24) * (1 - 0.5 * au23)
    lift = 0.010 * au25 + 0.026 * au26 + 0.020 * smile * au25
    drop = (0.045 * au25 + 0.205 * au26 + 0.03 * smile * au25 + 0.05 * au16 + 0.02 * stretch * au25) * shut
    drop = drop * (1 - 0.4 * au17)
    raised = c.sided(au10 + 0.45 * m.pair(9) * (1 - au10))
    arch = -0.055 * au17 * (1 - 0.5 * au26) + 0.02 * smile
    rise = rise - 0.035 * t.mouth_curve
    centre = middle + rise * x2.clamp(max=1.6) + arch * dome
    soft = torch.sqrt(dome + 1e-4)
    squared = soft * (0.75 + 0.25 * dome)
    upper = centre - (lift * soft + 0.055 * raised * dome * (0.55 + 0.9 * x2.clamp(max=1.0)))
    lower = centre + drop * squared
    thin = (1 - 0.72 * au24) * (1 - 0.55 * au23)
    tu = (0.056 + 0.020 * t.lip_upper) * thin * (1 - 0.35 * smile) * (1 - 0.2 * stretch)
    tl = (0.076 + 0.024 * t.lip_lower) * thin * (1 - 0.25 * smile) * (1 - 0.2 * stretch) * (1 + 0.15 * au17)
    bow = 1 + 0.16 * spot(along - 0.30, 0.2) - 0.22 * spot(along, 0.16)
    top = upper - tu * bow * dome * (1.25 - 0.25 * dome)
    bottom = lower + tl * soft * dome
    corner_v = middle + rise
    return Mouth(along, dome, top, upper, lower, bottom, wide, corner_v, middle, lift + drop)


def draw_mouth(c: Canvas, m: Muscles, t: Traits, k: Mouth, picture: Tensor) -> Tensor:
    """Draw the lips, then the inside of the mouth between them."""
    skin = 0.10 + 0.77 * t.skin
    tone = skin * (0.74 - 0.40 * t.lip_tone) + 0.02
    au26 = m.mid(26)
    within = c.inside((k.along - 1.0) * 0.3)
    below_upper, above_lower = c.v - k.upper, k.lower - c.v
    upper_lip = c.inside(k.top - c.v) * c.inside(below_upper) * within
    lower_lip = c.inside(above_lower) * c.inside(c.v - k.bottom) * within
    picture = over(picture, 0.86 * tone, upper_lip)
    glint = spot(c.v - 0.55 * k.lower - 0.45 * k.bottom, 0.022) * torch.relu(1 - 2.2 * k.along * k.along)
    picture = over(picture, tone * (1.0 + 0.30 * glint), lower_lip)
    hole = c.inside(-below_upper) * c.inside(-above_lower) * within
    inside = over(torch.full_like(c.v, 0.05), 0.42 * skin, 0.9 * au26 * c.inside(above_lower - 0.09, 0.02))
    shown = torch.maximum(torch.maximum(m.pair(12), m.pair(10)), m.pair(20))
    row = 0.062 + 0.014 * m.pair(12) + 0.012 * m.pair(10)
    row = row * (1 - 0.60 * m.pair(26) * (1 - shown))
    enamel = (0.93 - 0.35 * k.along * k.along) * (1 - 0.18 * c.line(torch.sin(c.u * 33) * 0.03, 0.010))
    inside = over(inside, enamel, c.inside(below_upper - c.sided(row) * (1 - 0.3 * k.along * k.along), 0.006))
    lower_teeth = c.inside(above_lower - 0.040, 0.006)
    bared = torch.maximum(m.pair(16), 0.35 * m.pair(20))
    inside = over(inside, 0.8 * enamel, c.sided(bared) * lower_teeth)
    picture = over(picture, inside, hole)
    seam = c.line(0.5 * (below_upper - above_lower), 0.012 + 0.012 * m.mid(24)) * within
    closed = torch.sigmoid((0.02 - k.gap) * 160)
    pit = blob(c.a - k.corner_a, c.v - k.corner_v, 0.03, 0.03)
    return picture * (1 - (0.17 + 0.51 * closed) * seam) * (1 - 0.42 * pit)
