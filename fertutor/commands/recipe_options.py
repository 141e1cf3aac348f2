"""The options of a recipe that several commands share: its name, and each of its numbers."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from ..training.recipes import Recipe


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; without them a run follows the paper's recipe."""
    parser.add_argument("--recipe", default="paper", help="paper, paper-fixed or compact (default: paper)")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    parser.add_argument("--batch", type=int, help="faces a step, instead of the recipe's own number")
    parser.add_argument("--learning-rate", type=float, help="instead of the recipe's own")
    parser.add_argument("--penalty", type=float, help="λ of equation (1), instead of the recipe's own")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another number of the recipe, as JSON: oversample=false, gaussian=null, augmentation.erase=0.2",
    )


def chosen_recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe that was named, with the numbers that were given.

    Raises:
        InputError: for an unknown recipe, a number that it does not have, or one that is given twice.
    """
    from ..training.recipes import find_recipe

    return find_recipe(args.recipe, **changes(args))


def changes(args: argparse.Namespace) -> dict[str, Any]:
    """Return the recipe's numbers that were given, by name.

    Raises:
        InputError: for a number that is given twice, or a ``--set`` that cannot be read.
    """
    from ..training.recipes import OWN_OPTIONS

    given = {name: value for name in OWN_OPTIONS if (value := getattr(args, name)) is not None}
    for text in args.set:
        name, value = _change(text)
        if name in given:
            raise InputError(f"--set {text} gives {name} a second time: leave one of the two out")
        given[name] = value
    return given


def _change(text: str) -> tuple[str, Any]:
    """Read ``NAME=VALUE``; a value that is not JSON is a word, such as ``optimizer=adam``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set {text} cannot be read: write NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
