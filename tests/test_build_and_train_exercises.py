"""The checkers and figures of *Build it, train it*: a reader would be told right for wrong, or wrong for
right, or meet a traceback."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log, nan
from typing import Any

import pytest
import torch
from torch import Tensor

from fertutor.exercises import build_and_train as exercises

NO_NUMBER: list[Any] = [None, nan, inf, "13", True, [], {}, object(), torch.zeros(3), torch.tensor(nan)]


def stable(logits: Tensor, label: int) -> Tensor:
    shifted = logits - logits.max()
    return shifted.exp().sum().log() - shifted[label]


def plain(logits: Tensor, label: int) -> Tensor:
    return -(logits.exp()[label] / logits.exp().sum()).log()


def decoupled(weight: float, gradient: float, rate: float, decay: float) -> float:
    return weight - rate * decay * weight - rate * gradient / abs(gradient)


@pytest.mark.parametrize("side", [48, 64, 65, 100])
def test_the_side_follows_the_face(side: int) -> None:
    last = ((side - 4) // 2 - 4) // 2
    assert exercises.check_side(last, side)
    assert exercises.check_side(float(last), side)
    assert exercises.check_side(torch.tensor(last), side)  # type: ignore[arg-type]
    assert not exercises.check_side(last + 1, side)


@pytest.mark.parametrize(("answer", "hint"), [(16, "takes something"), (26, "on the way"), (12, "takes 2")])
def test_each_mistake_in_the_side_has_its_own_hint(answer: int, hint: str) -> None:
    assert hint in exercises.check_side(answer, 64).reason


@pytest.mark.parametrize("channels", [1, 10, 32])
def test_parameters_are_weights_and_biases(channels: int) -> None:
    weights = channels * 81 * 50
    assert exercises.check_parameters(weights + 50, channels)
    assert "has a bias" in exercises.check_parameters(weights, channels).reason
    assert "comes out" in exercises.check_parameters(weights + 7, channels).reason


def test_the_layer_with_ten_kernels_is_not_the_one_asked_for() -> None:
    assert "10 kernels" in exercises.check_parameters(40_550, 32).reason


def from_nought(logits: Tensor, label: int) -> Tensor:
    """Look for the largest logit among those above 0 only."""
    moved = logits - logits.max().clamp(min=0)
    return moved.exp().sum().log() - moved[label]


def test_cross_entropy_is_checked() -> None:
    assert exercises.check_cross_entropy(stable)
    assert exercises.check_cross_entropy(lambda logits, label: -logits.log_softmax(0)[label])
    wrong: dict[str, Callable[[Tensor, int], Any]] = {
        "a large logit is infinite": plain,
        "becomes 0 and has no logarithm": lambda logits, label: -logits.softmax(0)[label].log(),
        "minus that": lambda logits, label: -stable(logits, label),
        "in bits": lambda logits, label: stable(logits, label) / log(2),
        "probability of the true class": lambda logits, label: logits.softmax(0)[label],
        "whatever its sign": from_nought,
        "hides the loss": lambda logits, label: -(logits.softmax(0) + 1e-12)[label].log(),
        "softmax first": lambda logits, label: -logits[label],
        "a number is asked for": lambda logits, label: -logits.log_softmax(0),
        "changes its argument": lambda logits, label: stable(logits.sub_(1), label),
        "raises TypeError": lambda logits: 0.0,  # type: ignore[misc]
    }
    for words, answer in wrong.items():
        verdict = exercises.check_cross_entropy(answer)
        assert not verdict
        assert words in verdict.reason
    in_double = exercises.check_cross_entropy(lambda logits, label: plain(logits.double(), label))
    assert "a large logit is infinite" in in_double.reason, "more bits only move the place where it fails"


def test_decoupled_decay_is_checked() -> None:
    assert exercises.check_decoupled_step(decoupled)

    def coupled(weight: float, gradient: float, rate: float, decay: float) -> float:
        whole = gradient + decay * weight
        return weight - rate * whole / abs(whole)

    wrong: dict[str, Callable[[float, float, float, float], Any]] = {
        "apart from the gradient": coupled,
        "product of rate and decay": lambda w, g, r, d: w - d * w - r * g / abs(g),
        "shrinks the weight, not the step": lambda w, g, r, d: (w - r * g / abs(g)) * (1 - r * d),
        "goes downhill": lambda w, g, r, d: w - r * d * w + r * g / abs(g),
        "whatever its size": lambda w, g, r, d: w - r * d * w - r * g,
        "a number is asked for": lambda w, g, r, d: [w],
        "raises ZeroDivisionError": lambda w, g, r, d: 1 / 0,
    }
    for words, answer in wrong.items():
        verdict = exercises.check_decoupled_step(answer)
        assert not verdict
        assert words in verdict.reason


@pytest.mark.parametrize("answer", NO_NUMBER, ids=repr)
def test_an_answer_that_is_no_number_is_not_yet_right(answer: Any) -> None:
    for verdict in (
        exercises.check_side(answer),
        exercises.check_parameters(answer),
        exercises.check_cross_entropy(answer),
        exercises.check_cross_entropy(lambda logits, label: answer),
        exercises.check_decoupled_step(answer),
        exercises.check_decoupled_step(lambda weight, gradient, rate, decay: answer),
    ):
        assert not verdict
        assert repr(verdict).startswith("✗ Not yet: ")
        assert len(verdict.reason) > 20


def test_every_figure_describes_itself() -> None:
    pytest.importorskip("matplotlib")
    from fertutor.figures import training

    drawn = [
        training.draw_layers({"face": torch.rand(1, 48, 48), "convolution": torch.rand(10, 46, 46)}),
        training.draw_weights({"Adam": [0.5, 0.1], "AdamW": [0.5, 0.49]}),
    ]
    for figure in drawn:
        assert len(str(figure.get_label())) > 60
    assert "convolution 46" in str(drawn[0].get_label())
    assert "Adam: from 0.50 to 0.10" in str(drawn[1].get_label())
