"""The checkers of the attention chapter: a reader who is right must hear it, and one who is not must learn
where to look; and the chapter's figures, which say in words what they show."""

from __future__ import annotations

from math import ceil, floor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fertutor.exercises import attention
from fertutor.network.sampler import sample_affine

pytest.importorskip("matplotlib")
sampling = pytest.importorskip("fertutor.figures.sampling")


@pytest.mark.parametrize(
    ("theta", "hint"),
    [
        ([[1.0, 0, 0], [0, 1, 0]], "last column"),
        ([[2.0, 0, 0], [0, 2, 0.5]], "zooms out"),
        ([[0.8, 0, 0], [0, 0.5, 0.5]], "half of each"),
        ([[0.5, 0.2, 0], [0, 0.5, 0.5]], "turns or shears"),
        ([[-0.5, 0, 0], [0, 0.5, 0.5]], "mirrors"),
        ([[0.5, 0], [0, 0.5]], "shape"),
    ],
)
def test_each_mistake_in_the_zoom_has_its_own_hint(theta: list[list[float]], hint: str) -> None:
    verdict = attention.check_zoom_on_mouth(torch.tensor(theta))
    assert not verdict
    assert hint in verdict.reason


def test_the_right_zoom_is_right() -> None:
    verdict = attention.check_zoom_on_mouth(torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.5, 0.5]]))
    assert verdict
    assert repr(verdict).startswith("✓ Right")


def sample(image: Tensor, x: float, y: float) -> float:
    grid = torch.tensor([[[[x, y]]]])
    return float(F.grid_sample(image[None, None], grid, align_corners=False))


def test_the_sampler_checker_knows_right_from_swapped_nearest_and_broken() -> None:
    assert attention.check_sampler(sample)
    assert "columns" in attention.check_sampler(lambda image, x, y: sample(image, y, x)).reason
    assert "bilinear mean of four pixels" in attention.check_sampler(lambda image, x, y: image[0, 0]).reason

    def cut(image: Tensor, x: float, y: float) -> float:
        return sample(image, x, y) if max(abs(x), abs(y)) < 1 else 0.0

    assert "outside, but a neighbour inside still counts" in attention.check_sampler(cut).reason

    def wrapped(image: Tensor, x: float, y: float) -> float:
        """Bilinear, but a negative index reads the other end."""
        column, row = (7 * (x + 1) - 1) / 2, (5 * (y + 1) - 1) / 2
        left, upper = floor(column), floor(row)
        return sum(
            float(image[r % 5, c % 7]) * (1 - abs(column - c)) * (1 - abs(row - r))
            for c in (left, left + 1)
            for r in (upper, upper + 1)
        )

    assert "negative index" in attention.check_sampler(wrapped).reason
    broken = attention.check_sampler(lambda image, x, y: image[floor(9 + y), ceil(x)])
    assert "IndexError" in broken.reason


def test_undoing_takes_the_shift_into_account() -> None:
    def undo(theta: Tensor) -> Tensor:
        inverse = torch.linalg.inv(theta[:, :2])
        return torch.cat([inverse, -inverse @ theta[:, 2:]], dim=1)

    assert attention.check_undo(undo)
    assert not attention.check_undo(lambda theta: torch.cat([undo(theta)[:, :2], -theta[:, 2:]], dim=1))


def test_undoing_is_tried_on_twenty_maps() -> None:
    tried = []

    def undo(theta: Tensor) -> Tensor:
        tried.append(theta)
        return torch.linalg.inv(torch.cat([theta, torch.tensor([[0.0, 0.0, 1.0]])]))[:2]

    assert "twenty" in attention.check_undo(undo).reason
    assert len(tried) == 20


@pytest.mark.parametrize("side", [28, 48, 64, 65])
def test_the_feature_count_follows_the_side(side: int) -> None:
    kept = ((side - 2) // 2 - 2) // 2
    assert attention.check_localization_features(10 * kept * kept, side)
    assert "one pixel at either end" in attention.check_localization_features(10 * kept**2 + 1, side).reason
    assert "there are ten" in attention.check_localization_features(kept**2, side).reason


def test_zoom_and_the_share_outside_say_what_a_map_does() -> None:
    turn = torch.tensor([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0]])
    maps = torch.stack([torch.eye(2, 3), 2 * torch.eye(2, 3), 0.5 * torch.eye(2, 3), turn])
    assert sampling.zoom(maps).tolist() == pytest.approx([1, 2, 0.5, 1])
    outside = sampling.share_outside(maps, side=8)
    assert outside[0] == outside[2] == 0
    assert outside[1] == pytest.approx(0.75)


def test_every_figure_describes_itself() -> None:
    face = torch.rand(1, 48, 48)
    theta = torch.eye(2, 3)
    figures = [
        sampling.draw_point(torch.arange(16.0).reshape(4, 4), 0.2, -0.4),
        sampling.draw_warps(face, {"same": theta, "wide": 2 * theta}),
        sampling.draw_descent([0.1, 0.01], face, face, face),
        sampling.draw_maps(torch.rand(10, 9, 9), sample_affine(torch.rand(1, 10, 9, 9), theta[None])[0]),
    ]
    for figure in figures:
        assert len(str(figure.get_label())) > 60
