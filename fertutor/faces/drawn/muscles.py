"""Action units in all the forms a caller may write them, and as the renderer reads them.

Side order is the person's left, then right, as FACS writes ``12L`` and ``12R``; the person's left is
the picture's right. Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InputError
from ...expressions import ACTION_UNITS, EXPRESSIONS, PROTOTYPES
from .arrays import as_tensor

UNITS: tuple[int, ...] = tuple(ACTION_UNITS)
"""Order of the action units in a tensor."""

PAIRED = frozenset((1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 20))
"""Units that can be drawn on one side alone; the others move the whole face, by the mean of the two sides."""

Units = Tensor | NDArray[Any] | str | Mapping[int | str, float] | Sequence[Mapping[int | str, float]]
"""What :func:`read_action_units` accepts."""


class Muscles:
    """Action units by number, out of a tensor ``(n, 17 x 2)``."""

    def __init__(self, values: Tensor) -> None:
        pairs = values.reshape(-1, len(UNITS), 2)
        self.pairs = pairs.unbind(1)
        self.middles = pairs.mean(2).t()[:, :, None, None].unbind(0)

    def pair(self, unit: int) -> Tensor:
        """Return the intensities ``(n, 2)`` on the person's left and right."""
        return self.pairs[UNITS.index(unit)]

    def mid(self, unit: int) -> Tensor:
        """Return the mean intensity of both sides as ``(n, 1, 1)``."""
        return self.middles[UNITS.index(unit)]


def _intensity(unit: object, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"intensity {value!r} of action unit {unit} is not a number") from None
    if not (math.isfinite(number) and 0 <= number <= 1):
        raise InputError(f"intensity {number:g} of action unit {unit}: expected a number from 0 to 1")
    return number


def _columns(key: int | str) -> list[int]:
    """Return the columns that a key such as 12, ``"12"`` or ``"12L"`` sets."""
    text = str(key).strip().upper().removeprefix("AU")
    side = text[-1:] if text[-1:] in ("L", "R") else ""
    number = text.removesuffix(side)
    if not number.isdecimal() or int(number) not in ACTION_UNITS:
        known = ", ".join(map(str, UNITS))
        raise InputError(f"unknown action unit {key!r}: the drawn faces have {known}")
    if side and int(number) not in PAIRED:
        raise InputError(f"action unit {number} is drawn without sides: write {number} instead of {key!r}")
    start = 2 * UNITS.index(int(number))
    return {"": [start, start + 1], "L": [start], "R": [start + 1]}[side]


def _row(units: Mapping[int | str, float]) -> Tensor:
    row = torch.zeros(2 * len(UNITS))
    for key, value in units.items():
        row[_columns(key)] = _intensity(key, value)
    return row


def parse_action_units(text: str) -> dict[int | str, float]:
    """Read ``"6=1,12=0.8"`` or ``"12L=1"``; a unit without a number is at full strength.

    Raises:
        InputError: for an unknown unit, an intensity outside 0 to 1, or a unit that is given twice.
    """
    units: dict[int | str, float] = {}
    moved: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = part.partition("=")
        columns = _columns(key)
        if moved.intersection(columns):
            raise InputError(f"action unit {part!r}: {key.strip()} is given a second time")
        moved.update(columns)
        units[key.strip()] = _intensity(key, value.strip() if sign else 1.0)
    return units


def read_action_units(units: Units) -> Tensor:
    """Return action units as the renderer takes them: float32 ``(n, 34)``.

    Args:
        units: a text (``"6=1,12L=0.8"``), a mapping from unit to intensity, a sequence of those (one a
            face), or a tensor or array ``(n, 17)``, ``(n, 17, 2)`` or ``(n, 34)``; a tensor keeps its
            gradient.

    Raises:
        InputError: for an unknown unit, an intensity that is NaN or outside 0 to 1, or another thing.
    """
    units = as_tensor(units)
    if isinstance(units, Tensor):
        shape = tuple(units.shape)
        if units.ndim == 2 and shape[1] == len(UNITS):
            units = units[:, :, None].expand(-1, -1, 2)
        elif not (units.ndim in (2, 3) and shape[1:] in ((len(UNITS), 2), (2 * len(UNITS),))):
            raise InputError(f"action units of shape {shape}: expected (n, 17), (n, 17, 2) or (n, 34)")
        units = units.reshape(len(units), 2 * len(UNITS)).float()
        wrong = ~((units.detach() >= 0) & (units.detach() <= 1))
        if bool(wrong.any()):
            face, column = wrong.nonzero()[0].tolist()
            _intensity(UNITS[column // 2], units.detach()[face, column].item())
        return units
    if isinstance(units, str):
        units = parse_action_units(units)
    rows = [units] if isinstance(units, Mapping) or not isinstance(units, Iterable) else list(units)
    for row in rows:
        if not isinstance(row, Mapping):
            raise InputError(
                f"action units cannot be a {type(row).__name__}: give a text such as 6=1,12=0.8, a mapping "
                "from unit to intensity, a list of mappings, or a tensor (n, 17)"
            )
    return torch.stack([_row(row) for row in rows]) if rows else torch.zeros(0, 2 * len(UNITS))


def prototype(expression: str, strength: float = 1.0) -> dict[int | str, float]:
    """Return the action units of an expression's prototype (:data:`fertutor.expressions.PROTOTYPES`).

    Raises:
        InputError: for an unknown expression or a strength outside 0 to 1.
    """
    if expression not in PROTOTYPES:
        raise InputError(f"unknown expression {expression!r}: expected one of {', '.join(EXPRESSIONS)}")
    if not 0 <= strength <= 1:
        raise InputError(f"strength {strength:g} of {expression}: expected a number from 0 to 1")
    return {unit: float(strength) for unit in PROTOTYPES[expression]}
