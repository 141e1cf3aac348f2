"""The skin: the height of the face for its light, and the folds that muscles and age press into it."""

from __future__ import annotations

import torch
from torch import Tensor

from .eyes import Eyes
from .head import Head
from .mouth import Mouth
from .muscles import Muscles
from .scene import Scene
from .shapes import Canvas, blob, over, spot
from .traits import Traits


def nose_u(c: Canvas, s: Scene) -> Tensor:
    """Return u as the nose has it: it stands out, so a turn moves it further than the cheeks."""
    return c.u - torch.sin(s.yaw) * 0.16 * spot(c.v - 0.05, 0.28)


def relief(c: Canvas, m: Muscles, t: Traits, head: Head, k: Mouth, e: Eyes, nu: Tensor) -> Tensor:
    """Return the height of the face over its outline's plane."""
    long = 0.025 + 0.03 * t.nose_length - 0.05 * t.child
    broad = 1 + 0.18 * t.nose_width
    height = 0.62 * torch.sqrt(torch.relu(1.02 - 0.92 * head.f) + 1e-3)
    width = (0.102 + 0.09 * c.v.clamp(-0.35, 0.15)) * broad  # narrow between the eyes
    ridge = torch.sigmoid((c.v + 0.30) * 9) * torch.sigmoid((c.v - (0.13 + long)) * -22)
    height = height + (0.14 + 0.04 * t.nose_bridge - 0.05 * t.child) * (spot(nu, width) * ridge)
    nv = c.v - long + c.sided(0.04 * m.pair(9) + 0.015 * m.pair(10))
    height = height + 0.085 * blob(nu, nv - 0.09, 0.10 * broad, 0.085)
    height = height + 0.05 * blob(nu.abs() - 0.125 * broad, nv - 0.12, 0.055, 0.055)
    apple = c.sided(0.050 + 0.055 * m.pair(6) + 0.065 * m.pair(12)) * (1 + 0.3 * t.cheeks)
    rise = c.sided(0.06 * m.pair(6) + 0.04 * m.pair(12))
    height = height + apple * blob(c.a - 0.43, c.v - 0.12 + rise, 0.20, 0.17)
    height = height + 0.035 * blob(c.a - e.middle, c.v - e.height, 0.15, 0.10)
    height = height + (0.05 + 0.015 * t.jaw_square) * blob(c.a - 0.32, c.v + 0.47, 0.34, 0.09)
    height = height + 0.045 * blob(c.u, c.v - k.middle - 0.4 * k.gap, 0.24, 0.13)
    return height + (0.06 + 0.05 * m.mid(17)) * blob(c.u, c.v - head.chin + 0.17, 0.17, 0.13)


def hollows(c: Canvas, m: Muscles, t: Traits, s: Scene, e: Eyes, nu: Tensor) -> Tensor:
    """Return how much darker the skin is around eyes and nose (0 none)."""
    long = 0.025 + 0.03 * t.nose_length - 0.05 * t.child
    broad = 1 + 0.18 * t.nose_width
    above = (0.7 - 0.6 * s.light_y).clamp(0.1, 1.3)
    dark = 0.22 * above * blob(c.a - 0.33, c.v + 0.40, 0.24, 0.10)
    dark = dark + 0.24 * blob(c.a - e.middle + 0.02, c.v - e.height + 0.03, 0.24, 0.15)
    dark = dark + 0.28 * blob(c.a - 0.165, c.v + 0.30, 0.075, 0.11)
    nv = c.v - long + c.sided(0.05 * m.pair(9) + 0.02 * m.pair(10))
    na = nu.abs()
    wing = na - 0.115 * broad
    dark = dark + 0.28 * above * blob(nu + 0.06 * s.light_x, nv - 0.205, 0.15 * broad, 0.032)
    dy = (nv - 0.125) * (0.058 / 0.062)
    rim = c.line(torch.sqrt(wing * wing + dy * dy + 1e-6) - 0.058, 0.018)
    dark = dark + 0.42 * rim * torch.sigmoid(wing * 60)
    dark = dark + 0.95 * blob(na - 0.066 * broad, nv - 0.165 + 0.15 * na, 0.040, 0.021)
    return dark + 0.11 * blob(na - 0.12, c.v, 0.035, 0.16)


def upper_folds(c: Canvas, m: Muscles, t: Traits, e: Eyes, nu: Tensor) -> Tensor:
    """Return the folds of forehead, brow, eyes and the root of the nose."""
    return _brow_folds(c, m, t) + _root_folds(c, m, nu) + _eye_folds(c, m, t, e)


def _brow_folds(c: Canvas, m: Muscles, t: Traits) -> Tensor:
    lined = 0.30 * (0.35 + 0.65 * t.pair("age") - 0.2 * t.pair("child"))
    raise1, raise2 = m.pair(1), m.pair(2)
    middle = c.sided(lined * (raise1 + 0.5 * raise2)) * spot(c.a, 0.30)
    outer = c.sided(lined * (raise2 + 0.2 * raise1)) * spot(c.a - 0.40, 0.26)
    wave = c.v - 0.25 * c.a * c.a + c.sided(0.03 + 0.03 * (raise1 + raise2))
    rows = c.line(wave + 0.66, 0.020) + c.line(wave + 0.77, 0.022) + c.line(wave + 0.88, 0.018)
    folds = (middle + outer + 0.13 * t.age * spot(c.a, 0.5)) * rows
    frown = c.sided(0.75 * m.pair(4) * (1 - 0.4 * raise1) + 0.26 * m.pair(9) + 0.12 * t.pair("age"))
    glabella = (c.line(c.a - 0.055, 0.024) + 0.25 * spot(c.a, 0.13)) * spot(c.v + 0.47, 0.11)
    return folds + frown * glabella


def _root_folds(c: Canvas, m: Muscles, nu: Tensor) -> Tensor:
    """Return the wrinkles of action unit 9 across the nose."""
    tent = c.v - 0.2 * nu.abs()
    rows = c.line(tent + 0.27, 0.018) + c.line(tent + 0.19, 0.018) + c.line(tent + 0.11, 0.016)
    return c.sided(0.55 * m.pair(9)) * rows * spot(nu, 0.13)


def _eye_folds(c: Canvas, m: Muscles, t: Traits, e: Eyes) -> Tensor:
    au6, au7, age = m.pair(6), m.pair(7), t.pair("age")
    bag = e.dy - 0.105 * torch.relu(1 - 0.72 * e.along * e.along)
    depth = c.sided(0.14 + 0.30 * au6 + 0.16 * au7 + 0.2 * m.pair(9) + 0.22 * age)
    folds = depth * (c.line(bag, 0.028) * spot(e.along, 0.95))
    out = c.a - (e.middle + e.half)
    bent = e.dy - 0.01 - 0.8 * out * out
    feet = c.line(bent + 0.45 * out, 0.014) + c.line(bent, 0.014) + c.line(bent - 0.5 * out, 0.014)
    spread = spot(out - 0.10, 0.065)
    folds = folds + feet * spread * c.sided(0.24 * au6 * (0.6 + 0.4 * m.pair(12)) + 0.18 * age)
    brow = c.sided(0.12 + 0.30 * m.pair(4) - 0.10 * m.pair(2) - 0.06 * m.pair(1))
    return folds + brow * blob(e.along + 0.35, e.dy - e.upper + 0.085, 1.15, 0.075)


def lower_folds(c: Canvas, m: Muscles, t: Traits, head: Head, k: Mouth) -> Tensor:
    """Return the folds of cheeks, lips and chin."""
    return _nasolabial(c, m, t, k) + _corner_folds(c, m, t, k) + _chin_folds(c, m, head, k)


def _nasolabial(c: Canvas, m: Muscles, t: Traits, k: Mouth) -> Tensor:
    start = 0.08
    along = (c.v - start) / (k.corner_v + (0.03 - start))
    ends = (along * 4 + 0.5).clamp(0.0, 1.0) * (along * -3 + 3.7).clamp(0.0, 1.0)
    off = c.a - 0.165 - along * (k.corner_a - 0.10 + 0.10 * (1 - along))
    pull = 0.10 + 0.44 * m.pair(12) + 0.54 * m.pair(9) + 0.40 * m.pair(10)
    pull = pull + 0.15 * m.pair(20) + 0.12 * m.pair(15)
    depth = (pull * (1 - 0.35 * t.pair("child")) + 0.30 * t.pair("age")).clamp(max=1.0)
    return c.sided(depth) * ends * (0.52 * c.line(off, 0.045) - 0.22 * spot(off - 0.085, 0.06))


def _corner_folds(c: Canvas, m: Muscles, t: Traits, k: Mouth) -> Tensor:
    """Return the folds below the corners of the mouth, and the dimples beside them."""
    du, dv = c.a - k.corner_a, c.v - k.corner_v
    down = 0.34 * m.pair(15) + 0.12 * m.pair(20) + 0.10 * m.pair(17) + 0.22 * t.pair("age")
    folds = c.sided(down) * blob(du - 0.12 * dv - 0.02, dv - 0.06, 0.034, 0.09)
    rim = c.line(torch.sqrt(du * du + 0.4 * dv * dv + 1e-5) - 0.06, 0.02) * c.inside(0.01 - du, 0.02)
    return folds + c.sided(0.35 * m.pair(12) + 0.10 * m.pair(20)) * rim


def _chin_folds(c: Canvas, m: Muscles, head: Head, k: Mouth) -> Tensor:
    below = c.v - k.bottom - 0.045
    press = 0.25 * m.mid(24) + 0.15 * m.mid(23)
    folds = (0.30 + 0.12 * m.mid(17) + press) * blob(c.u, below, 0.18, 0.038)
    folds = folds + 0.10 * blob(c.u, c.v - 0.5 * (0.265 + k.top), 0.028, 0.07)
    folds = folds + press * blob(c.u, c.v - k.top + 0.05, 0.24, 0.03)
    across, down = c.u * 61 + 2 * torch.sin(c.v * 23 + 1), c.v * 57 + 2 * torch.sin(c.u * 19)
    pits = c.fine(80) * torch.sin(across) * torch.sin(down)
    return folds + 0.18 * m.mid(17) * (pits * blob(c.u, c.v - head.chin + 0.18, 0.13, 0.10))


def beard(c: Canvas, t: Traits, k: Mouth, skin: Tensor) -> Tensor:
    """Return the skin with freckles, beard and moustache."""
    across, down = c.u * 43 + 1.7 * torch.sin(c.v * 17 + 2), c.v * 47 + 1.7 * torch.sin(c.u * 13 + 1)
    speckle = torch.sin(across) * torch.sin(down)
    spots = torch.relu(speckle - 0.55) * blob(c.a - 0.35, c.v - 0.02, 0.3, 0.16)
    skin = skin * (1 - 0.7 * t.freckles * spots)
    tone = 0.75 * t.hair_tone + 0.02
    side = c.v - 0.14 - 0.55 * torch.relu(0.62 - c.a)
    below = k.bottom + 0.03 - c.v - 2.5 * torch.relu(c.a - 0.2)
    skin = over(skin, tone, 0.8 * t.beard * (torch.sigmoid(side * 16) * c.inside(below, 0.05)))
    lip = blob(c.a - 0.16, c.v - 0.5 * (0.26 + k.top), 0.20, 0.055)
    return over(skin, tone, 0.95 * t.moustache * lip)
