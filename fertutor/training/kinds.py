"""What the fields of a recipe may hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

KINDS: dict[Any, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "str": (str,),
}
"""What a field may hold, by its declared type."""


def is_of(kinds: tuple[type, ...], value: Any) -> bool:
    """Tell whether a value is of one of the kinds; True and False are no numbers."""
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def check_fields(record: Any) -> None:
    """Raise ValueError where a field of a dataclass, of a type in :data:`KINDS`, holds another."""
    for entry in fields(record):
        value = getattr(record, entry.name)
        if entry.type in KINDS and not is_of(KINDS[entry.type], value):
            raise ValueError(f"{entry.name} cannot be {value!r}")
