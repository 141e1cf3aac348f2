"""The action-unit face. Book chapters: *Faces and emotions*, *A playground*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import traitlets
from torch import Tensor, nn

from ..errors import InputError
from ..expressions import PROTOTYPES
from ..faces.drawn import SCENE, TRAITS, UNITS, draw_faces, parse_action_units, read_action_units, read_people
from ..mode import device_of, evaluating
from .base import Answer, Explorer, finite

LARGE = 144
"""Side of the picture that the reader sees; the network sees 48 pixels."""

PEOPLE = (8, 3, 11, 5, 2, 14, 6, 21)
POSES = ("yaw", "pitch", "roll")


class ActionUnitFace(Explorer):
    """Pull the muscles of a drawn face, and see what the network reads into it.

    Args:
        network: a module of yours, or the name of a released network.
        action_units: intensities from 0 to 1, as a mapping or a text (``"6=1,12=0.8"``).
        people: numbers of the people to choose from.
        traits: ``networks``, names to choose among; ``person`` (one of `people`) and ``pose`` (yaw,
            pitch, roll in radians), which like ``action_units`` can be read and set from Python too.

    Raises:
        InputError: for no people, or action units or people that do not exist.

    Example:
        >>> face = ActionUnitFace("paper", "6=1,12=0.8,25=0.6")
        >>> face.action_units = {"1": 1, "4": 0.7, "15": 1}
    """

    module = "action_units"

    action_units = traitlets.Dict(
        value_trait=traitlets.Float(min=0, max=1), key_trait=traitlets.Enum([str(unit) for unit in UNITS])
    ).tag(sync=True)
    person = traitlets.Int().tag(sync=True)
    people = traitlets.List(traitlets.Int()).tag(sync=True)
    pose = traitlets.Dict(
        value_trait=traitlets.Float(min=-1, max=1), key_trait=traitlets.Enum(POSES), help="Radians."
    ).tag(sync=True)
    traits_of = traitlets.Bytes(help="float32 (people, traits).").tag(sync=True)
    plain = traitlets.List(traitlets.Float(), help="The scene of a plain portrait.").tag(sync=True)
    columns = traitlets.List(traitlets.Unicode(), help="Names of the scene's columns.").tag(sync=True)

    def __init__(
        self,
        network: nn.Module | str = "paper",
        action_units: Mapping[int | str, float] | str | None = None,
        people: Sequence[int] = PEOPLE,
        **traits: Any,
    ) -> None:
        if action_units is None:
            action_units = dict.fromkeys(PROTOTYPES["happy"], 1.0)
        if isinstance(action_units, str):
            action_units = parse_action_units(action_units)
        intensities = _of_both_sides(action_units)
        if not len(people):
            raise InputError("people is empty: name at least one person")
        super().__init__(
            network,
            action_units=intensities,
            people=list(people),
            person=traits.pop("person", people[0]),
            traits_of=read_people(list(people)).float().contiguous().numpy().tobytes(),
            plain=list(SCENE.values()),
            columns=list(SCENE),
            **traits,
        )
        self.person = self._check_person({"value": self.person})  # a trait is checked when it changes only

    @traitlets.validate("person")
    def _check_person(self, proposal: Any) -> int:
        person: int = proposal["value"]
        if person not in self.people:
            known = ", ".join(map(str, self.people))
            raise traitlets.TraitError(f"person {person}: choose of {known}, or name more in people")
        return person

    def answer_draw(
        self, question: dict[str, Any], units: bytes, person: bytes, scene: bytes
    ) -> Iterator[Answer]:
        """The face as the network sees it with the network's probabilities, then large for the reader."""
        rows = [_floats(units, 2 * len(UNITS)), _floats(person, len(TRAITS)), _floats(scene, len(SCENE))]
        small = _grey(draw_faces(rows[0], rows[1], rows[2]))
        probabilities = finite(_judge(self._asked(question), small))
        data = small.numpy().tobytes()
        yield {"probabilities": probabilities, "side": small.shape[-1]}, [data]
        large = _grey(draw_faces(rows[0], rows[1], rows[2], size=LARGE))
        yield {"probabilities": probabilities, "side": LARGE}, [large.numpy().tobytes(), data]

    def drawing(self, size: int = 48) -> Tensor:
        """Return the face that is shown, float ``(1, 1, size, size)`` in [0, 1]."""
        wanted: Any = dict(self.action_units)
        units = read_action_units(wanted)
        return draw_faces(units, people=[self.person], scene=dict(self.pose) or None, size=size)

    def __repr__(self) -> str:
        active = ", ".join(f"{unit}={value:g}" for unit, value in self.action_units.items() if value)
        return (
            f"ActionUnitFace(network={self.network!r}, action_units={active or 'rest'!r}, "
            f"person={self.person})"
        )

    def picture(self) -> tuple[Any, str]:
        """The drawn face, what the network sees, and the probabilities."""
        from .pictures import draw_action_units

        small = _grey(self.drawing())
        return draw_action_units(
            self.drawing(LARGE)[0, 0], small[0, 0], torch.tensor(_judge(self._network, small)), repr(self)
        )


def _of_both_sides(units: Mapping[int | str, float]) -> dict[str, float]:
    """Return action units as the trait holds them: number → intensity.

    Raises:
        InputError: for units that cannot be drawn, or one side's.
    """
    read_action_units(units)
    found = {}
    for unit, value in units.items():
        number = str(unit).strip().upper().removeprefix("AU")
        if number.endswith(("L", "R")):
            raise InputError(
                f"action unit {unit!r} is of one side, and the widget moves both: write {number[:-1]}"
            )
        found[str(int(number))] = float(value)
    return found


def _judge(network: nn.Module, grey: Tensor) -> list[float]:
    with torch.inference_mode(), evaluating(network):
        image = grey.to(device_of(network)).float() / 255
        found: list[float] = network(image).softmax(1)[0].tolist()
    return found


def _grey(pictures: Tensor) -> Tensor:
    return (pictures.clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def _floats(data: bytes, count: int) -> Tensor:
    if len(data) != 4 * count:
        raise ValueError(f"expected {count} numbers, not {len(data) / 4:g}")
    return torch.frombuffer(bytearray(data), dtype=torch.float32)[None]
