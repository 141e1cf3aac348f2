"""Recipes: every number of a training run, and where it comes from.

Book chapter: *Build it, train it*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

from ..errors import InputError
from .augment import Augmentation
from .kinds import KINDS, check_fields, is_of

MOST = 10**6
"""More epochs, or faces a batch, are a slip."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        name: the recipe's name.
        why: one sentence: where it comes from and what it changes.
        epochs: passes over the training faces.
        batch: faces a step, over all processes together.
        optimizer: ``"adam"`` (weight decay as an L2 term of the gradient), ``"adamw"`` (weight decay
            apart from the gradient, Loshchilov and Hutter 2019) or ``"sgd"`` (Nesterov).
        learning_rate: the largest learning rate.
        momentum: of SGD; Adam keeps its own.
        weight_decay: L2 coefficient on all weights.
        penalty: λ of equation (1).
        schedule: ``"constant"``, or ``"one-cycle"``: linear warm-up over `warm_up`, then cosine to 0.
        warm_up: share of the steps over which a one-cycle rate rises.
        gaussian: standard deviation of a normal initialisation of all weights (biases 0, and the
            transformer's bias the identity), or None for torch's own initialisation.
        oversample: repeat rare classes, see :func:`epoch_order`.
        smoothing: label smoothing.
        mixup: α of the Beta distribution that mixes pairs of faces; 0 turns it off.
        soft: train on the votes where the set has them, not on their majority.
        average: decay a step of an exponential moving average of the weights, which is then the
            network that is validated and kept; 0 turns it off.
        augmentation: what is done to the faces.

    Raises:
        ValueError: names the number or word that makes no sense or is of another kind than declared here.
    """

    name: str
    why: str
    epochs: int = 300
    batch: int = 128
    optimizer: str = "adam"
    learning_rate: float = 0.005
    momentum: float = 0.9
    weight_decay: float = 0.001
    penalty: float = 0.0
    schedule: str = "constant"
    warm_up: float = 0.2
    gaussian: float | None = None
    oversample: bool = False
    smoothing: float = 0.0
    mixup: float = 0.0
    soft: bool = False
    average: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        check_fields(self)
        if not isinstance(self.augmentation, Augmentation):
            raise ValueError(f"augmentation cannot be {self.augmentation!r}")
        if self.optimizer not in ("adam", "adamw", "sgd"):
            raise ValueError(f"optimizer must be adam, adamw or sgd, not {self.optimizer!r}")
        if self.schedule not in ("constant", "one-cycle"):
            raise ValueError(f"schedule must be constant or one-cycle, not {self.schedule!r}")
        for name in ("epochs", "batch"):
            if not 1 <= getattr(self, name) <= MOST:
                raise ValueError(f"{name} must lie between 1 and {MOST:,}, not {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0, not {self.learning_rate}")
        for name in ("weight_decay", "penalty", "mixup"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        for name in ("momentum", "smoothing", "average", "warm_up"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be 0 or more and below 1, not {getattr(self, name)}")
        if self.gaussian is not None and not 0 < self.gaussian < math.inf:
            raise ValueError(f"gaussian must be above 0 or null, not {self.gaussian}")

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values."""
        return asdict(self)


PAPER = Recipe(
    name="paper",
    why=(
        "Section 4.2 as we read it, its 0.001 a decay of all weights; the batch of 128, the penalty and "
        "the sizes of the small changes are ours, because the paper gives none."
    ),
    epochs=300,
    optimizer="adam",
    learning_rate=0.005,
    weight_decay=0.001,
    penalty=0.0001,
    gaussian=0.05,
    oversample=True,
    augmentation=Augmentation(flip=True, rotation=10, distortion=0.5),
)

PAPER_FIXED = replace(
    PAPER,
    name="paper-fixed",
    why=(
        "The paper's numbers with two changes. Adam divides an L2 term by the gradient's size like "
        "everything else, which makes 0.001 a crushing penalty: weight decay acts apart from the "
        "gradient instead (AdamW). And the rate falls from 0.005 to 0 along a cosine, so that the "
        "oscillations of section 4.5 die out."
    ),
    optimizer="adamw",
    schedule="one-cycle",
    warm_up=0.0,
)

COMPACT = Recipe(
    name="compact",
    why=(
        "For networks with batch normalisation, ours: SGD with Nesterov momentum and a one-cycle rate, "
        "label smoothing, and more varied faces; no oversampling, which costs accuracy where the test "
        "is imbalanced too."
    ),
    epochs=80,
    optimizer="sgd",
    learning_rate=0.1,
    weight_decay=0.0005,
    schedule="one-cycle",
    warm_up=0.15,
    smoothing=0.1,
    augmentation=Augmentation(
        flip=True, rotation=12, scale=0.1, shift=3, distortion=0.3, brightness=0.1, contrast=0.3, erase=0.2
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (PAPER, PAPER_FIXED, COMPACT)}


def find_recipe(name: str, /, **changes: Any) -> Recipe:
    """Return a recipe by name, with some of its numbers changed.

    Args:
        name: one of :data:`RECIPES`.
        changes: field → value; ``"augmentation.rotation"`` names a field of the augmentation.

    Raises:
        InputError: for an unknown name or a number that makes no sense.
    """
    if name not in RECIPES:
        raise InputError(f"there is no recipe {name!r}: choose one of {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    try:
        for field_name, value in changes.items():
            recipe = _changed(recipe, field_name, value)
    except (TypeError, ValueError) as error:
        raise InputError(f"recipe {name!r} cannot be changed so: {error}") from error
    return recipe


OWN_OPTIONS = ("epochs", "batch", "learning_rate", "penalty")
"""Numbers with an option of their own on the command line, whose ``--set`` changes the others."""


def changed_numbers(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers in which a recipe, as JSON values, differs from the named one it was made of."""
    named, now = _flat(RECIPES[numbers["name"]].as_dict()), _flat(numbers)
    return {name: value for name, value in now.items() if name != "why" and value != named[name]}


def _flat(numbers: Mapping[str, Any]) -> dict[str, Any]:
    inner = {f"augmentation.{name}": value for name, value in numbers["augmentation"].items()}
    return {name: value for name, value in numbers.items() if name != "augmentation"} | inner


_FIXED = ("name", "why")  # they say which recipe it is


def _changed(recipe: Recipe, name: str, value: Any) -> Recipe:
    """Return the recipe with one number changed, which must be of the kind that its field declares."""
    whole, _, part = name.partition(".")
    owner = getattr(recipe, whole, None) if part else recipe
    declared = {entry.name: entry.type for entry in fields(owner)} if is_dataclass(owner) else {}
    kinds = KINDS.get(declared.get(part or whole))
    if kinds is None or name in _FIXED:
        raise ValueError(f"it has no number {name!r}")
    if not is_of(kinds, value):
        raise ValueError(f"{name} cannot be {value!r}")
    if part:
        return replace(recipe, **{whole: replace(getattr(recipe, whole), **{part: value})})
    return replace(recipe, **{whole: value})
