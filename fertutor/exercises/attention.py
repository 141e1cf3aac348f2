"""Checkers for the chapter *Attention: the spatial transformer*.

Each takes the reader's answer and returns a verdict; none of them knows the answer as a literal, each
tries what the answer does.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network.sampler import Localization
from .verdict import Verdict, called, called_number, not_yet, number, right, shown


def check_zoom_on_mouth(theta: Tensor) -> Verdict:
    """Check a map that shows, at twice the size, the lower middle of the face: centre (0, 0.5)."""
    try:
        theta = torch.as_tensor(theta, dtype=torch.float32).detach()
    except (RuntimeError, TypeError, ValueError):
        return not_yet(f"θ is asked for as a tensor of two rows and three columns, not {shown(theta)}.")
    if tuple(theta.shape) != (2, 3):
        return not_yet(f"θ has two rows and three columns, yours has the shape {tuple(theta.shape)}.")
    centre = theta @ torch.tensor([0.0, 0.0, 1.0])
    right_edge = theta @ torch.tensor([1.0, 0.0, 1.0])
    bottom = theta @ torch.tensor([0.0, 1.0, 1.0])
    if not torch.allclose(centre, torch.tensor([0.0, 0.5]), atol=1e-4):
        return not_yet(
            f"the middle of the output reads at ({centre[0]:.2f}, {centre[1]:.2f}), "
            "it should read at (0.00, 0.50): the last column of θ says where."
        )
    width, height = float((right_edge - centre)[0]), float((bottom - centre)[1])
    if width > 1 or height > 1:
        return not_yet("a scale above 1 spreads the grid and zooms out.")
    if width < 0 or height < 0:
        return not_yet("a negative scale mirrors the face.")
    if not (abs(width - 0.5) < 1e-4 and abs(height - 0.5) < 1e-4):
        return not_yet(
            f"the output spans {width:.2f} of the width and {height:.2f} of the height; "
            "twice the size is half of each."
        )
    if float((right_edge - centre)[1]) or float((bottom - centre)[0]):
        return not_yet("size and place are right, but the map also turns or shears.")
    return right("half the scale is twice the size, and the last column moves the middle.")


def check_sampler(sample: Callable[[Tensor, float, float], float | Tensor]) -> Verdict:
    """Check a function ``sample(image, x, y)`` against torch's sampler at 200 points, some outside."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(5, 7, generator=generator)
    points = torch.rand(200, 2, generator=generator) * 2.6 - 1.3
    points = points[points.abs().amax(1).argsort()]  # who errs inside too should hear of that first
    expected = F.grid_sample(image[None, None], points[None, None], align_corners=False)[0, 0, 0]
    for (x, y), value in zip(points.tolist(), expected.tolist(), strict=True):
        answer = called_number(sample, image, x, y)
        if isinstance(answer, Verdict):
            return not_yet(f"at ({x:.2f}, {y:.2f}) {answer.reason}")
        if not abs(answer - value) <= 1e-4:
            column, row = (7 * (x + 1) - 1) / 2, (5 * (y + 1) - 1) / 2
            if 0 <= column <= 6 and 0 <= row <= 4:
                hint = "take the bilinear mean of four pixels (x belongs to the columns)."
            elif not (-1 < column < 7 and -1 < row < 5):
                hint = "none of its four neighbours is inside, and a negative index would read the other end."
            elif max(abs(x), abs(y)) < 1:
                hint = (
                    "one of its four neighbours lies outside and counts as 0: a negative index would read "
                    "the other end, and int() rounds towards 0, not down."
                )
            else:
                hint = "the place is outside, but a neighbour inside still counts."
            return not_yet(f"at ({x:.2f}, {y:.2f}) you read {answer:.3f}, torch {value:.3f}: {hint}")
    return right("equal to torch's sampler at 200 points, inside and outside the image.")


def check_undo(undo: Callable[[Tensor], Tensor]) -> Verdict:
    """Check a function that returns, for θ ``(2, 3)``, the map that undoes it."""
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(3, 50, generator=generator) * 2 - 1
    points[2] = 1
    for trial in range(20):
        theta = _invertible(generator)
        answer = called(undo, theta)
        if isinstance(answer, Verdict):
            return answer
        try:
            back = torch.as_tensor(answer, dtype=torch.float32).detach()
        except (RuntimeError, TypeError, ValueError):
            return not_yet(f"your function returns {shown(answer)}, and a map (2, 3) is asked for.")
        if tuple(back.shape) != (2, 3):
            return not_yet(f"θ has two rows and three columns, yours has the shape {tuple(back.shape)}.")
        there = torch.cat([theta @ points, torch.ones(1, points.shape[1])])
        distance = float((back @ there - points[:2]).abs().max())
        if not distance <= 1e-3:  # nan is never close
            return not_yet(
                f"in trial {trial + 1} a point there and back ends {distance:.2f} away from where it was: "
                "invert the two by two part, and take it to the shift as well."
            )
    return right("twenty random maps are undone.")


def _invertible(generator: torch.Generator) -> Tensor:
    """Return a random map (2, 3) that squeezes no face flat."""
    while True:
        theta = torch.eye(2, 3) + 0.4 * torch.randn(2, 3, generator=generator)
        if abs(float(torch.linalg.det(theta[:, :2]))) >= 0.1:
            return theta


def check_localization_features(features: int, side: int = 64) -> Verdict:
    """Check how many features the localization network's convolutions leave of `side` x `side` pixels."""
    with torch.no_grad():
        expected = Localization().features(torch.zeros(1, 1, side, side)).numel()
    answer = number(features)
    if isinstance(answer, Verdict):
        return answer
    kept = int((expected / 10) ** 0.5)
    if answer == expected:
        return right(f"10 maps of {kept}x{kept}.")
    if answer in (kept, kept**2):
        return not_yet("so large is one map, and there are ten: how many numbers are in all of them?")
    return not_yet(
        "a 3x3 convolution without padding makes a side 2 shorter, one pixel at either end; pooling "
        "halves it and rounds down."
    )
