"""Recipes by name, and their numbers changed from the command line."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from fertutor.errors import InputError
from fertutor.training.augment import Augmentation
from fertutor.training.recipes import PAPER, RECIPES, find_recipe


def test_the_paper_recipe_has_the_numbers_of_section_4_2() -> None:
    assert (PAPER.epochs, PAPER.optimizer, PAPER.learning_rate) == (300, "adam", 0.005)
    assert (PAPER.weight_decay, PAPER.gaussian, PAPER.oversample) == (0.001, 0.05, True)
    how = PAPER.augmentation
    assert how.flip and how.rotation > 0 and how.distortion > 0


def test_every_recipe_says_why() -> None:
    assert all(recipe.name == name and recipe.why for name, recipe in RECIPES.items())
    with pytest.raises(InputError, match="there is no recipe"):
        find_recipe("quick")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("learning_rate", value) for value in (0.0, -1.0, math.inf, math.nan)],
        *[(name, value) for name in ("penalty", "weight_decay", "mixup") for value in (-1.0, math.nan)],
        *[(name, value) for name in ("smoothing", "average", "momentum", "warm_up") for value in (-1, 1.0)],
        ("gaussian", 0.0),
        ("gaussian", math.nan),
        ("augmentation.rotation", math.inf),
        ("augmentation.erase", 2.0),
        ("augmentation.scale", 1.0),
        ("name", "mine"),
        ("epochs", 0),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(name: str, value: float | str) -> None:
    with pytest.raises(InputError, match=rf"cannot be changed so: .*{name.split('.')[-1]}"):
        find_recipe("paper", **{name: value})


def test_numbers_are_changed_in_the_recipe_and_in_its_augmentation() -> None:
    recipe = find_recipe("paper", **{"oversample": False, "gaussian": None, "augmentation.rotation": 3})
    assert (recipe.oversample, recipe.gaussian, recipe.augmentation.rotation) == (False, None, 3)
    assert recipe.augmentation.distortion == find_recipe("paper").augmentation.distortion


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oversample", 0),
        ("epochs", 1.5),
        ("gaussian", "wide"),
        ("augmentation", 3),
        ("augmentation.rotation", -1),
        ("augmentation.rotation", "nan"),
        ("epochs.most", 3),
        ("moment", 0.9),
    ],
)
def test_a_change_that_makes_no_sense_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name.split(".")[-1]):
        find_recipe("paper", **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1.5),
        ("batch", 16.5),
        ("batch", True),
        ("oversample", "no"),
        ("soft", "false"),
        ("learning_rate", "0.1"),
        ("augmentation", None),
    ],
)
def test_a_field_of_another_kind_is_named(name: str, value: Any) -> None:
    """Half an epoch would be trained, and what is called "no" done."""
    with pytest.raises(ValueError, match=f"{name} cannot be {value!r}"):
        replace(PAPER, **{name: value})


def test_an_amount_of_another_kind_is_named() -> None:
    with pytest.raises(ValueError, match="flip cannot be 'no'"):
        Augmentation(flip="no")
