"""Every checker of every chapter: whatever a reader hands in, they would meet a traceback or a wrong ✓."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from fertutor import exercises
from fertutor.exercises import (
    attention,
    build_and_train,
    can_you_trust_the_map,
    faces,
    four_sets,
    the_record,
    what_does_it_look_at,
)
from fertutor.exercises.verdict import Verdict, number

Check = Callable[[Any], Verdict]
MASK = torch.ones(48, 48, dtype=torch.bool)

OF_FUNCTIONS: dict[str, Check] = {
    check.__name__: check
    for check in (
        attention.check_sampler,
        attention.check_undo,
        build_and_train.check_cross_entropy,
        build_and_train.check_decoupled_step,
        can_you_trust_the_map.check_points_at,
        can_you_trust_the_map.check_area,
        faces.check_scowl,
        faces.check_agreement,
        faces.check_other_side,
        four_sets.check_entropy,
        four_sets.check_divide_people,
        the_record.check_interval,
        the_record.check_paired,
        what_does_it_look_at.check_hide,
        what_does_it_look_at.check_count,
    )
}
OF_VALUES: dict[str, Check] = {
    "check_zoom_on_mouth": attention.check_zoom_on_mouth,
    "check_localization_features": attention.check_localization_features,
    "check_side": build_and_train.check_side,
    "check_parameters": build_and_train.check_parameters,
    "check_chance": lambda answer: can_you_trust_the_map.check_chance(answer, MASK),
    "check_change_mind": lambda answer: faces.check_change_mind(answer, "surprise"),
    "check_faces_needed": the_record.check_faces_needed,
    "check_reach": lambda answer: what_does_it_look_at.check_reach(answer, answer),
}
ANSWERS: dict[str, Any] = {
    "None": None,
    "the placeholder": ...,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a tensor of NaN": torch.full((2, 3), float("nan")),
    "a word": "four",
    "a number as a word": "0.5",
    "a list": [1.0, 2.0],
    "a nested list": [[1.0], [2.0, 3.0]],
    "an empty tuple": (),
    "a tensor of another shape": torch.zeros(3, 5, 7),
    "an empty tensor": torch.zeros(0),
    "a complex number": 1j,
    "a dictionary": {"a": 1},
    "an object": object(),
    "a type": int,
    "pairs of rows": (torch.tensor([[0]]), torch.tensor([[1]])),
    "rows that are not there": (torch.tensor([0]), torch.tensor([200])),
    "rows before the first": (torch.tensor([0]), torch.tensor([-1])),
    "rows of NaN": (torch.tensor([0.0]), torch.tensor([float("nan")])),
    "masks": (torch.zeros(200, dtype=torch.bool), torch.ones(200, dtype=torch.bool)),
}


def one_sentence(verdict: Verdict) -> None:
    assert isinstance(verdict, Verdict)
    assert not verdict
    assert repr(verdict).startswith("✗ Not yet: ") and "\n" not in repr(verdict)
    assert len(verdict.reason) > 20


def test_all_checkers_are_tried_here() -> None:
    found = {
        name
        for each in pkgutil.iter_modules(exercises.__path__)
        for name in dir(importlib.import_module(f"fertutor.exercises.{each.name}"))
        if name.startswith("check_")
    }
    assert found == {*OF_FUNCTIONS, *OF_VALUES}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_a_function_that_returns_anything_gets_a_sentence(name: str, answer: str) -> None:
    one_sentence(OF_FUNCTIONS[name](lambda *_: ANSWERS[answer]))


@pytest.mark.parametrize("answer", ["None", "the placeholder", "NaN", "a word", "a tensor of another shape"])
@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_no_function_at_all_gets_a_sentence(name: str, answer: str) -> None:
    one_sentence(OF_FUNCTIONS[name](ANSWERS[answer]))


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_a_function_without_a_return_is_told_so(name: str) -> None:
    def forgotten(*_: Any) -> None:
        """Return nothing."""

    assert "`return`" in OF_FUNCTIONS[name](forgotten).reason


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", OF_VALUES)
def test_a_value_of_any_kind_gets_a_sentence(name: str, answer: str) -> None:
    one_sentence(OF_VALUES[name](ANSWERS[answer]))


def test_a_map_may_be_a_list_and_a_face_of_double_precision() -> None:
    assert attention.check_zoom_on_mouth([[0.5, 0, 0], [0, 0.5, 0.5]])  # type: ignore[arg-type]
    assert faces.check_other_side(lambda units: units.flip(2).double())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [lambda x: torch.tensor(x, requires_grad=True), np.array, np.float32])
def test_one_number_is_a_number(kind: Callable[[Any], Any]) -> None:
    assert number(kind(0.5)) == 0.5
    if kind is not np.float32:
        assert number(kind([0.5])) == 0.5
        assert isinstance(number(kind([0.5, 0.5])), Verdict)
