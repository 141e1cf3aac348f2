"""Checkers for the chapter *Can you trust the map?*"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..saliency.scores import pointing_chance, pointing_game
from .verdict import Verdict, called, called_number, not_yet, number, right, shown


def check_points_at(points_at: Callable[[Tensor, Tensor], bool]) -> Verdict:
    """Check ``points_at(saliency, mask)``: the pointing game without tolerance, for one face."""
    generator = torch.Generator().manual_seed(0)
    for trial in range(60):
        saliency = torch.randn(12, 16, generator=generator) - 3 * (trial % 2)
        mask = torch.rand(12, 16, generator=generator) < 0.5
        expected = bool(pointing_game(saliency[None], mask[None], tolerance=0)[0] == 1)
        answer = called(points_at, saliency, mask)
        if isinstance(answer, Verdict):
            return answer
        if number(answer) not in (0, 1):
            return not_yet(f"your function returns {shown(answer)}, and True or False is asked for.")
        answer = bool(answer)
        if answer != expected:
            row, column = divmod(int(saliency.argmax()), 16)
            strongest = divmod(int(saliency.abs().argmax()), 16)
            by_size = strongest != (row, column) and answer == bool(mask[strongest])
            return not_yet(
                f"on a map of 12 by 16 the highest point lies at row {row} and column {column}, "
                f"where the mask is {bool(mask[row, column])}; you say {answer}"
                + (": a large negative value is not high." if by_size else ".")
            )
    return right("the highest point decides, wherever it is and whatever its sign.")


def check_chance(answer: float, mask: Tensor) -> Verdict:
    """Check the chance that a random point hits a mask, with a tolerance of two pixels.

    `mask` is ``(h, w)``, or as many numbers in more dimensions, such as ``(1, 1, h, w)``.
    """
    mask = torch.as_tensor(mask).bool().reshape(mask.shape[-2:])
    expected = float(pointing_chance(mask[None], tolerance=2)[0])
    bare = float(mask.float().mean())
    found = number(answer)
    if isinstance(found, Verdict):
        return found
    if abs(found - expected) < 0.005:
        return right(
            f"{expected:.0%} of all points count as hits, and the mask itself is only {bare:.0%} of the face."
        )
    if abs(found - bare) < 0.005:
        return not_yet("that is the mask's own share; a point up to two pixels beside it counts as well.")
    if abs(found / 100 - expected) < 0.005:
        return not_yet("that is the percentage, and a share from 0 to 1 is asked for.")
    return not_yet("count the pixels that lie in the mask or at most two rows and two columns from it.")


def check_area(area: Callable[[Sequence[float]], float]) -> Verdict:
    """Check ``area(probabilities)``: under a curve of equally spaced points from 0 to 1."""
    for curve in ((1.0, 0.0), (1.0, 1.0, 1.0), (0.9, 0.3, 0.1, 0.0), (0.0, 0.2, 0.8, 0.9, 1.0)):
        expected = float(torch.trapezoid(torch.tensor(curve), dx=1 / (len(curve) - 1)))
        answer = called_number(area, curve)
        if isinstance(answer, Verdict):
            return answer
        if not abs(answer - expected) <= 1e-4:
            mean = sum(curve) / len(curve)
            hint = (
                "a plain mean counts the two ends as much as the points between them."
                if abs(answer - mean) < 1e-4
                else "each step adds the mean of its two ends times its width."
            )
            return not_yet(f"under {curve} lies {expected:.3f}, not {answer:.3f}: {hint}")
    return right("the area of the trapezoids: 1 would be a class that no deletion touches.")
