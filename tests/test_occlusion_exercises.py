"""Checkers of the two saliency chapters: a reader would be told right for wrong, or wrong for right."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from fertutor.exercises import can_you_trust_the_map as trust
from fertutor.exercises import what_does_it_look_at as look
from fertutor.saliency.scores import pointing_chance


def _hide(face: Tensor, row: int, column: int, size: int) -> Tensor:
    hidden = face.clone()
    hidden[:, row : row + size, column : column + size] = 0
    return hidden


def _spoil(face: Tensor, row: int, column: int, size: int) -> Tensor:
    face[:, row : row + size, column : column + size] = 0
    return face


def test_hide() -> None:
    assert look.check_hide(_hide)
    assert "changes its argument" in look.check_hide(_spoil).reason
    assert "starts at row" in look.check_hide(lambda f, r, c, s: _hide(f, c, r, s)).reason
    assert "hides" in look.check_hide(lambda f, r, c, s: _hide(f, r, c, s + 1)).reason
    assert "beside it" in look.check_hide(lambda f, r, c, s: _hide(f, r, c, s) * 0.5).reason
    assert (
        "RuntimeError" in look.check_hide(lambda f, r, c, s: f * _hide(torch.ones(1, 48, 48), r, c, s)).reason
    )
    assert "no pixel" in look.check_hide(lambda f, r, c, s: f.clone()).reason
    assert "TypeError" in look.check_hide(lambda f: f).reason  # type: ignore[arg-type,misc]


def test_count() -> None:
    assert look.check_count(lambda size, stride, side: (-(-max(side - size, 0) // stride) + 1) ** 2)
    assert "one row" in look.check_count(lambda n, s, side: -(-(side - n) // s) + 1).reason
    assert "moved back" in look.check_count(lambda n, s, side: ((side - n) // s + 1) ** 2).reason


@pytest.mark.parametrize(
    ("answer", "word"),
    [((4, 9), "Right"), ((8, 19), "one layer is"), ((10, 19), "two layers are"), ((6, 9), "smaller")],
)
def test_reach(answer: tuple[int, int], word: str) -> None:
    assert word in repr(look.check_reach(*answer))


def test_points_at() -> None:
    assert trust.check_points_at(lambda m, mask: bool(mask.flatten()[m.argmax()]))
    by_size = trust.check_points_at(lambda m, mask: bool(mask.flatten()[m.abs().argmax()]))
    assert not by_size
    assert by_size.reason.endswith("a large negative value is not high.")
    assert "negative" not in trust.check_points_at(lambda m, mask: not mask.flatten()[m.argmax()]).reason
    for answer in ("False", (7, 5), 7):
        assert "True or False" in trust.check_points_at(lambda m, mask, answer=answer: answer).reason
    assert "changes its argument" in trust.check_points_at(lambda m, mask: bool(m.abs_().max())).reason
    assert "IndexError" in trust.check_points_at(lambda m, mask: bool(mask[m.argmax()])).reason


def test_chance() -> None:
    mask = torch.zeros(48, 48, dtype=torch.bool)
    mask[10:14, 10:14] = True
    assert trust.check_chance(float(pointing_chance(mask[None])[0]), mask)
    assert trust.check_chance(float(pointing_chance(mask[None])[0]), mask[None, None])
    assert "own share" in trust.check_chance(16 / 48**2, mask).reason
    assert not trust.check_chance(0.9, mask)
    assert "percentage" in trust.check_chance(100 * float(pointing_chance(mask[None])[0]), mask).reason


def test_area() -> None:
    assert trust.check_area(lambda c: sum((a + b) / 2 for a, b in pairwise(c)) / (len(c) - 1))
    assert "ends" in trust.check_area(lambda c: sum(c) / len(c)).reason
