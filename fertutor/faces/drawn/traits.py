"""Who is drawn: the identity traits of a drawn person.

A person is a vector of traits, one column a name in :data:`TRAITS`. Person `k` looks the same
everywhere: the traits come from a seeded generator on the CPU. Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InputError
from .arrays import Columns, as_tensor

TRAITS: tuple[str, ...] = (
    "face_width",
    "face_length",
    "jaw_square",
    "jaw_taper",
    "cheeks",
    "skin",
    "brow_thick",
    "brow_tone",
    "brow_height",
    "brow_arch",
    "brow_tilt",
    "eye_size",
    "eye_open",
    "eye_apart",
    "eye_tilt",
    "eye_height",
    "iris",
    "lid_fold",
    "lashes",
    "nose_width",
    "nose_length",
    "nose_bridge",
    "mouth_width",
    "mouth_height",
    "mouth_curve",
    "lip_upper",
    "lip_lower",
    "lip_tone",
    "hair_tone",
    "hair_volume",
    "hair_length",
    "hairline",
    "fringe",
    "parting",
    "curls",
    "ears",
    "age",
    "beard",
    "moustache",
    "glasses",
    "glasses_round",
    "sunglasses",
    "freckles",
    "hat",
    "child",
    "toon",
)
"""Names of the columns of an identity: -1 to 1 around the average face, or 0 to 1 from none to full."""

COLUMN: MappingProxyType[str, int] = MappingProxyType({name: i for i, name in enumerate(TRAITS)})
"""Trait → its column."""

People = int | Sequence[int] | Tensor | NDArray[Any] | None
"""What :func:`read_people` accepts."""


class Traits(Columns):
    """Traits by name: ``traits.skin`` is that column as ``(n, 1, 1)``."""

    places = COLUMN


def sample_people(n: int, generator: torch.Generator) -> Tensor:
    """Draw `n` people: float32 ``(n, len(TRAITS))``.

    Args:
        n: number of people.
        generator: a CPU generator; the same seed gives the same people everywhere.
    """
    normal = torch.randn(n, len(TRAITS), generator=generator).mul(0.5).clamp(-1, 1)
    dice = torch.rand(n, len(TRAITS), generator=generator)
    values = normal.clone()

    def put(name: str, value: Tensor) -> None:
        values[:, COLUMN[name]] = value

    def roll(name: str) -> Tensor:
        return dice[:, COLUMN[name]]

    def bell(name: str) -> Tensor:
        return normal[:, COLUMN[name]]

    woman = dice[:, 0] < 0.5
    child = (roll("child") < 0.16).float() * (0.6 + 0.4 * roll("toon"))
    grown = 1 - child
    age = (roll("age") ** 1.6) * (child == 0)
    skin = 0.25 + 0.75 * roll("skin") ** 0.55
    grey = (age > 0.62).float() * roll("jaw_taper")
    hair = torch.where(roll("hair_tone") < 0.25, 0.35 + 0.5 * roll("curls"), 0.02 + 0.25 * roll("curls"))
    hair = torch.where(skin < 0.45, 0.02 + 0.10 * roll("curls"), hair)
    hair = torch.maximum(hair, 0.85 * grey)
    put("skin", skin)
    put("child", child)
    put("age", age)
    put("hair_tone", hair)
    put("brow_tone", (0.75 * hair + 0.1 * roll("brow_tone")).clamp(0, 0.6))
    put("brow_thick", bell("brow_thick") * 0.8 + torch.where(woman, -0.25, 0.35))
    put("brow_height", bell("brow_height") * 0.7 + torch.where(woman, 0.15, -0.15))
    put("jaw_square", bell("jaw_square") * 0.6 + torch.where(woman, -0.3, 0.4) * grown)
    put("jaw_taper", bell("jaw_taper") * 0.8 + torch.where(woman, 0.2, -0.2))
    put("iris", torch.where(roll("iris") < 0.3, 0.3 + 0.4 * roll("lashes"), 0.05 + 0.2 * roll("lashes")))
    put("lashes", torch.where(woman, 0.35 + 0.65 * roll("lashes"), 0.25 * roll("lashes")) * grown)
    put("lip_tone", torch.where(woman & (child == 0), roll("lip_tone"), 0.3 * roll("lip_tone")))
    long = torch.where(woman, 0.35 + 0.65 * roll("hair_length"), 0.3 * roll("hair_length") ** 2)
    bald = (~woman) & (child == 0) & (roll("hair_volume") < 0.18)
    put("hair_length", torch.where(bald, torch.zeros(()), long))
    put("hair_volume", torch.where(bald, -torch.ones(()), bell("hair_volume") * 0.8 + 0.25))
    put("hairline", torch.where(bald, torch.ones(()), bell("hairline") * 0.6 + 0.3 * age))
    put("fringe", torch.where(roll("fringe") < 0.18, 0.3 + 0.6 * roll("ears"), torch.zeros(())) * (~bald))
    put("curls", (roll("lip_upper") < 0.3).float() * roll("eye_open"))
    bearded = (~woman) & (child == 0)
    put("beard", torch.where(bearded & (roll("beard") < 0.4), roll("eye_size"), torch.zeros(())))
    put("moustache", torch.where(bearded & (roll("moustache") < 0.35), roll("eye_size"), torch.zeros(())))
    put("glasses", ((roll("glasses") < 0.13) & (child == 0)).float())
    put("glasses_round", roll("glasses_round"))
    put("sunglasses", (roll("sunglasses") < 0.03).float())
    put("freckles", (roll("freckles") < 0.12).float() * roll("cheeks"))
    put("hat", (roll("hat") < 0.07).float())
    put("toon", torch.zeros(n))
    return values


def person(number: int) -> Tensor:
    """Return the traits ``(len(TRAITS),)`` of person `number` (any integer from 0), never in sunglasses."""
    traits = sample_people(1, torch.Generator().manual_seed((7_919 * number + 17) % 2**64))[0]
    traits[COLUMN["sunglasses"]] = 0
    return traits


def read_people(people: People = None) -> Tensor:
    """Return traits as the renderer takes them: float32 ``(n, len(TRAITS))``.

    Args:
        people: a number, a sequence of numbers, or traits (which keep their gradient); None is person 0.

    Raises:
        InputError: for a number below 0, something that is no number, or traits of another shape or that
            are not finite.
    """
    people = as_tensor(people)
    if isinstance(people, Tensor) and people.is_floating_point():
        traits = people[None] if people.ndim == 1 else people
        if traits.ndim != 2 or traits.shape[1] != len(TRAITS):
            raise InputError(f"traits of shape {tuple(people.shape)}: expected (n, {len(TRAITS)})")
        traits = traits.float()
        wrong = ~traits.isfinite()
        if wrong.any():
            row, column = wrong.nonzero()[0].tolist()
            raise InputError(
                f"trait {TRAITS[column]} cannot be {float(traits[row, column]):g}: give a finite number"
            )
        return traits
    if isinstance(people, Tensor):
        people = people.tolist()
    if people is None:
        people = 0
    people = people if isinstance(people, Iterable) and not isinstance(people, str) else [people]
    numbers = [_person_number(number) for number in people]
    return torch.stack([person(number) for number in numbers]) if numbers else torch.zeros(0, len(TRAITS))


def _person_number(number: object) -> int:
    try:
        if isinstance(number, bool) or operator.index(number) < 0:  # type: ignore[arg-type]
            raise TypeError
        return operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"unknown person {number!r}: people are numbered from 0") from None
