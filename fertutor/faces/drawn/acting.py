"""How drawn people act an expression: not always by the book, not always with all their strength.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ...expressions import EXPRESSIONS
from .muscles import PAIRED, UNITS

VARIANTS: dict[str, tuple[tuple[float, dict[int, float]], ...]] = {
    "angry": (
        (3, {4: 1, 5: 0.7, 7: 0.7, 24: 1}),
        (3, {4: 1, 5: 0.7, 7: 0.7, 23: 1}),
        (2, {4: 1, 7: 0.7, 17: 0.6, 24: 0.8}),
        (2, {4: 1, 5: 0.5, 7: 0.6, 9: 0.4, 10: 0.7, 16: 0.5, 25: 0.9}),
        (2, {4: 1, 7: 0.8, 9: 0.5, 10: 0.8, 16: 0.7, 20: 0.4, 25: 1, 26: 0.8}),
        (1, {4: 1, 5: 0.6, 25: 0.8, 26: 1}),
    ),
    "disgust": (
        (2, {4: 0.6, 10: 1, 17: 0.8}),
        (3, {9: 1, 15: 0.6, 16: 0.7}),
        (2, {4: 0.5, 9: 1, 10: 0.8, 17: 0.7}),
        (2, {7: 0.7, 9: 1, 10: 1, 25: 0.8}),
        (1, {4: 0.6, 7: 0.8, 9: 1, 10: 0.8, 16: 0.8, 25: 1, 26: 0.4}),
    ),
    "fear": (
        (3, {1: 1, 2: 0.7, 4: 0.7, 5: 1, 20: 0.9, 25: 0.9}),
        (3, {1: 1, 2: 0.7, 4: 0.7, 5: 1, 7: 0.5, 20: 0.9, 25: 0.8, 26: 0.7}),
        (2, {1: 1, 4: 0.8, 5: 0.9, 25: 0.8, 26: 0.6}),
        (1, {1: 1, 2: 0.8, 4: 0.5, 5: 1, 26: 1, 20: 0.5}),
        (1, {1: 0.9, 4: 0.7, 5: 0.9, 20: 0.5}),
    ),
    "happy": (
        (6, {6: 0.9, 12: 1, 25: 0.8}),
        (3, {6: 0.7, 12: 0.9}),
        (2, {6: 1, 12: 1, 25: 1, 26: 0.7}),
        (0.5, {12: 0.8}),
        (1, {12: 0.9, 25: 0.7, 1: 0.4, 2: 0.4}),
    ),
    "sad": (
        (4, {1: 1, 4: 0.7, 15: 0.9}),
        (2, {1: 0.8, 4: 0.6, 15: 0.8, 17: 0.7}),
        (2, {1: 1, 4: 0.7}),
        (2, {15: 0.8, 17: 0.5, 7: 0.3}),
        (1, {1: 1, 4: 0.8, 6: 0.4, 7: 0.6, 15: 0.6, 20: 0.5, 25: 0.7}),
    ),
    "surprise": (
        (4, {1: 1, 2: 1, 5: 0.9, 26: 1, 25: 0.6}),
        (2, {1: 1, 2: 1, 5: 0.9, 25: 0.7, 26: 0.4}),
        (1, {1: 1, 2: 1, 26: 0.9, 25: 0.6}),
        (1, {5: 1, 25: 0.7, 26: 0.8, 1: 0.3, 2: 0.3}),
    ),
    "neutral": ((1, {}),),
}
"""Ways to act each expression: (how often, action units at full strength). They mix both prototypes of
:mod:`fertutor.expressions` with combinations that photographs of the expression show."""


@lru_cache
def _tables() -> tuple[Tensor, Tensor, Tensor]:
    """Return units ``(7, variants, 17)``, cumulated odds ``(7, variants)``, and which units are paired."""
    widest = max(len(ways) for ways in VARIANTS.values())
    units = torch.zeros(len(EXPRESSIONS), widest, len(UNITS))
    odds = torch.zeros(len(EXPRESSIONS), widest)
    for row, expression in enumerate(EXPRESSIONS):
        for column, (weight, way) in enumerate(VARIANTS[expression]):
            odds[row, column] = weight
            for unit, strength in way.items():
                units[row, column, UNITS.index(unit)] = strength
    paired = torch.tensor([unit in PAIRED for unit in UNITS])
    return units, odds.cumsum(1) / odds.sum(1, keepdim=True), paired


def act(
    expressions: Tensor, generator: torch.Generator, weak: float = 0.0, stray: float = 0.0, skew: float = 0.0
) -> Tensor:
    """Return action units of people who act the given expressions: float32 ``(n, 34)``.

    Args:
        expressions: int64 ``(n,)``.
        generator: CPU generator.
        weak: share of faces that act at 0.15 to 0.5 of full strength; the others at 0.65 to 1. Each unit then
            varies by a factor of 0.7 to 1.15 of its own.
        stray: likelihood of each unit to move a little more (up to 0.3).
        skew: how unequal the two sides are: standard deviation of each side's relative distance from their
            mean.
    """
    units, odds, paired = _tables()
    n, count = len(expressions), len(UNITS)
    dice = torch.rand(n, 3, generator=generator)
    way = (dice[:, :1] > odds[expressions]).sum(1)
    strength = torch.where(dice[:, 1] < weak, 0.15 + 0.35 * dice[:, 2], 0.65 + 0.35 * dice[:, 2])
    acted = units[expressions, way] * strength[:, None]
    acted = acted * (0.7 + 0.45 * torch.rand(n, count, generator=generator))
    more = torch.rand(n, count, 2, generator=generator)
    acted = acted + torch.where(more[..., 0] < stray, 0.3 * more[..., 1], torch.zeros(()))
    lean = torch.randn(n, count, generator=generator) * skew * paired
    sides = torch.stack([acted * (1 + lean), acted * (1 - lean)], 2)
    return sides.clamp(0, 1).reshape(n, 2 * count)
