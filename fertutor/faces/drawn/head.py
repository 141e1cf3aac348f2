"""The head: outline, skin with its light and shadow, ears, neck, hair and beard."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .muscles import Muscles
from .scene import Scene
from .shapes import Canvas, blob, over
from .traits import Traits

CENTRE = -0.16
"""Height of the widest part of the head."""


@dataclass(frozen=True)
class Head:
    """Outline of a head: `f` is 1 on the edge, `distance` negative inside; the rest are its sizes."""

    f: Tensor
    distance: Tensor
    width: Tensor
    chin: Tensor


def outline(c: Canvas, m: Muscles, t: Traits) -> Head:
    """Return the outline; the jaw drops with action unit 26."""
    width = 0.74 + 0.07 * t.face_width + 0.03 * t.child
    chin = 1.00 + 0.07 * t.face_length - 0.10 * t.child + 0.17 * m.mid(26) + 0.015 * m.mid(25)
    chin = chin - 0.03 * m.mid(17)
    above, below = torch.relu(CENTRE - c.y), torch.relu(c.y - CENTRE)
    yn = below / (chin - CENTRE)
    top = above * (1.0 / 1.13)
    taper = 0.10 + 0.06 * t.jaw_taper - 0.04 * t.cheeks - 0.03 * t.jaw_square
    xn = c.x / (width * (1 - taper * yn * yn))
    x2, y2 = xn * xn, yn * yn + top * top
    corner = x2 * yn * yn
    f = x2 + y2 - (0.42 + 0.20 * t.jaw_square) * corner / (1 + corner)
    return Head(f, (torch.sqrt(f + 1e-4) - 1) * 0.8, width, chin)


def slope(height: Tensor, px: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives of a height map along x and y, by differences of neighbours."""
    dx = (height[:, :, 2:] - height[:, :, :-2]) * (0.5 / px)
    dy = (height[:, 2:, :] - height[:, :-2, :]) * (0.5 / px)
    dx = torch.cat([dx[:, :, :1], dx, dx[:, :, -1:]], 2)
    return dx, torch.cat([dy[:, :1], dy, dy[:, -1:]], 1)


def lit(c: Canvas, s: Scene, height: Tensor) -> Tensor:
    """Return how bright a white surface of this height is under the scene's light (Lambert)."""
    hx, hy = slope(height, c.px)
    lx, ly = s.light_x * 1.1, s.light_y * 0.9
    unit = torch.rsqrt(lx * lx + ly * ly + 0.72)
    facing = (0.85 - hx * lx - hy * ly) * torch.rsqrt(1 + hx * hx + hy * hy) * unit
    return s.ambient + (1.24 - s.ambient) * torch.relu(facing)


def behind(c: Canvas, t: Traits, s: Scene, head: Head) -> Tensor:
    """Return the picture behind the face: backdrop, the hair's back, neck and shoulders."""
    side = s.backdrop + s.backdrop_slope * (c.x * s.light_x + 0.5 * c.y)
    things = torch.sin(4 * c.x + 9 * s.clutter) * torch.sin(3 * c.y + 31 * s.clutter + 2 * c.x)
    picture = (side + 0.35 * s.clutter * things).clamp(0.0, 1.0)
    tone = t.hair_tone * 0.9 + 0.02
    volume = 0.10 + 0.07 * t.hair_volume
    down = 0.15 + 1.5 * t.hair_length
    reach = head.width + volume + 0.10 * t.hair_length
    yn = torch.relu(CENTRE - c.y) / (1.13 + volume)
    xn = c.x / reach
    mass = (torch.sqrt(xn * xn + yn * yn + 1e-4) - 1) * 0.8
    ends = 0.04 * torch.sin(c.x * 21) + 0.25 * torch.relu(torch.abs(c.x) - 0.6)
    mass = torch.maximum(mass, c.y - CENTRE - down - ends)
    wave = 0.03 * t.curls * torch.sin(c.y * 17) * torch.sin(c.x * 13)
    picture = over(picture, tone * 0.8, c.inside(mass + wave, 0.02))
    skin = 0.9 * t.skin
    neck = (torch.abs(c.x - 0.1 * s.yaw) - 0.53 - 0.05 * t.jaw_square) - 0.12 * torch.relu(c.y - 1.0)
    skin = skin * (1 - 0.9 * c.x * c.x)
    picture = over(picture, skin * (0.58 + 0.22 * torch.sigmoid((c.y - head.chin - 0.1) * 9)), c.inside(neck))
    cloth = 1.32 + 0.22 * c.x * c.x - c.y
    return over(picture, (0.15 + 0.7 * torch.sigmoid(4 * t.face_width)), c.inside(cloth))


def ears(c: Canvas, t: Traits, s: Scene, head: Head, picture: Tensor) -> Tensor:
    """Draw the ears; long hair hides them, and so does a turned head the far one."""
    size = 1 + 0.25 * t.ears
    du, dv = torch.abs(c.x) - head.width - 0.01, c.y + 0.10
    near = torch.sigmoid(6 - 30 * torch.relu(c.x * s.yaw * 3 - 0.1))
    shape = torch.sqrt((du / (0.09 * size)) ** 2 + (dv / (0.19 * size)) ** 2 + 1e-4) - 1
    shown = c.inside(shape * 0.1) * near * torch.sigmoid(8 - 20 * t.hair_length)
    return over(picture, t.skin * (0.72 - 0.35 * blob(du, dv, 0.05, 0.11)), shown)


def hair(c: Canvas, t: Traits, s: Scene, head: Head, picture: Tensor) -> Tensor:
    """Draw the hair over the forehead: hairline, parting, fringe, and the strands' sheen."""
    off = c.u - 0.35 * t.parting
    line = -0.90 - 0.16 * t.hairline + 0.34 * t.fringe
    curve = 0.55 + 0.25 * t.hair_length - 0.45 * t.fringe
    side = line + curve * off * off * off * off * 1.6 + 0.16 * off * off + 0.05 * t.parting * c.u
    fan = off / (c.v + 1.75).clamp(min=0.2)
    wisp = torch.sin(fan * 47 + 1) + 0.7 * torch.sin(fan * 83 + 4)
    jag = 0.009 * (1 + 1.5 * t.fringe) * wisp + 0.035 * t.curls * torch.sin(off * 23 + 2 * c.v)
    below = c.v - side + jag
    volume = 0.10 + 0.07 * t.hair_volume
    yn = torch.relu(CENTRE - c.y) / (1.13 + volume)
    xn = c.x / (head.width + volume * 0.8)
    cap = (torch.sqrt(xn * xn + yn * yn + 1e-4) - 1) * 0.8
    sides = -0.05 + 0.7 * t.hair_length
    shape = torch.maximum(torch.maximum(below, cap), c.y - sides)
    there = torch.sigmoid((t.hair_volume + 0.72) * 14)
    sheen = blob(c.x + 0.4 * s.light_x, c.y + 1.05, 0.5, 0.16)
    strands = (
        c.fine(80) * torch.sin(fan * 61 + 5 * t.curls * torch.sin(c.v * 14))
        + c.fine(140) * torch.sin(fan * 107 + 2)
        + 0.6 * c.fine(230) * torch.sin(fan * 173)
    )
    tone = (
        t.hair_tone * (0.74 + 0.055 * strands)
        + 0.02
        + 0.16 * sheen * (0.4 + t.hair_tone) * (1 + 0.2 * strands)
    )
    shadow = c.inside(below - 0.07, 0.06) * c.inside(head.distance) * there
    picture = picture * (1 - 0.28 * shadow)
    return over(picture, tone, c.inside(shape, 0.012) * there)
