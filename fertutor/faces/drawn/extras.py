"""What hides a part of a face: glasses, a hat, a hand, a strand of hair, a watermark."""

from __future__ import annotations

import torch
from torch import Tensor

from .eyes import Eyes
from .head import Head
from .scene import Scene
from .shapes import Canvas, blob, over
from .traits import Traits


def glasses(c: Canvas, t: Traits, e: Eyes, picture: Tensor) -> Tensor:
    """Draw glasses, clear or dark."""
    dx, dy = (c.a - e.middle - 0.01) / 0.245, (c.v - e.height - 0.02) / (0.155 + 0.05 * t.glasses_round)
    x2, y2 = dx * dx, dy * dy
    corner = x2 * y2
    rim = (torch.sqrt(x2 + y2 - (0.5 - 0.4 * t.glasses_round) * corner / (1 + corner) + 1e-4) - 1) * 0.19
    bridge = c.line(c.v - e.height + 0.05 - 0.3 * c.a * c.a, 0.014) * c.inside(c.a - 0.14)
    arm = c.line(c.v - e.height + 0.05, 0.014) * c.inside(0.60 - c.a) * c.inside(c.a - 0.78)
    frame = torch.maximum(c.line(rim, 0.020), torch.maximum(bridge, arm))
    dark = t.sunglasses * c.inside(rim)
    picture = over(picture, 0.05 + 0.18 * torch.relu(-dy) * torch.relu(1 - x2), dark * 0.97)
    glare = 0.28 * c.inside(rim) * c.line(dx - 0.6 * dy - 0.3, 0.12) * t.glasses
    picture = over(picture, 0.95, glare)
    return over(picture, 0.06 + 0.2 * t.glasses_round, frame * torch.maximum(t.glasses, t.sunglasses))


def hat(c: Canvas, t: Traits, head: Head, picture: Tensor) -> Tensor:
    """Draw a woollen hat."""
    edge = c.v + 0.74 + 0.10 * c.u * c.u
    xn, yn = c.x / (head.width + 0.09), torch.relu(-0.2 - c.y) / 1.2
    cap = torch.maximum(edge, (torch.sqrt(xn * xn + yn * yn + 1e-4) - 1) * 0.8)
    ribs = 0.85 + 0.15 * torch.sin(c.u * 40)
    brim = 1 + 0.25 * torch.sigmoid((edge + 0.2) * 40)
    return over(
        picture, (0.15 + 0.7 * torch.sigmoid(5 * t.parting)) * ribs * brim * 0.8, c.inside(cap) * t.hat
    )


def hand(c: Canvas, t: Traits, s: Scene, picture: Tensor) -> Tensor:
    """Draw a hand with four fingers over the face."""
    turn, rise = torch.cos(s.hand_angle), torch.sin(s.hand_angle)
    dx, dy = c.x - s.hand_x, c.y - s.hand_y
    hx, hy = dx * turn + dy * rise, dy * turn - dx * rise
    finger = torch.round((hx / 0.155).clamp(-1.5, 1.5) - 0.5) + 0.5
    across = hx - finger * 0.155
    tip = -0.34 + 0.035 * finger * finger
    fingers = torch.sqrt(across * across + torch.relu(tip - hy) ** 2 + 1e-5) - 0.072
    fingers = torch.maximum(fingers, hy - 0.25)
    palm = (torch.sqrt((hx / 0.33) ** 2 + (torch.relu(0.25 - hy) / 0.25) ** 2 + 1e-4) - 1) * 0.3
    shape = torch.minimum(fingers, palm)
    nails = blob(across, hy - tip + 0.02, 0.035, 0.05)
    tone = t.skin * (0.80 - 90 * across * across * torch.sigmoid((0.1 - hy) * 12)) + 0.08 * nails
    picture = picture * (1 - 0.35 * s.hand * c.inside(shape - 0.05, 0.05))
    return over(picture, tone.clamp(0.0, 1.0), c.inside(shape) * s.hand)


def strand(c: Canvas, t: Traits, s: Scene, picture: Tensor) -> Tensor:
    """Draw a strand of hair across the face."""
    path = c.u - 0.45 + 0.55 * (c.v + 1.0) - 0.45 * (c.v + 0.4) ** 2
    ends = torch.sigmoid((0.2 - c.v) * 6)
    return over(picture, 0.7 * t.hair_tone + 0.02, c.inside(torch.abs(path) - 0.05 * ends, 0.02) * s.strand)


def watermark(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """Draw a photo agency's pale letters, of no alphabet."""
    dy = (c.y - s.watermark_y) / 0.085
    letters = torch.sin(c.x * 29) + torch.sin(c.x * 13 + 2.2 * torch.round(dy * 1.5)) - 0.25
    ink = torch.sigmoid(letters * 6) * c.inside((torch.abs(dy) - 1) * 0.085)
    return over(picture, 0.92, 0.4 * s.watermark * ink)
