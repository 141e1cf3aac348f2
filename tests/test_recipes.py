"""Recipes by name, and their numbers changed from the command line."""

from __future__ import annotations

from typing import Any

import pytest

from fertutor.errors import InputError
from fertutor.training.recipes import find_recipe


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
