"""Widgets: one Python class and one ES module each; alive in the notebook and in the published page."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import InputError

_HOMES = {
    "ActionUnitFace": "action_units",
    "ConfusionExplorer": "confusion",
    "OcclusionExplorer": "occlusion",
    "TransformerExplorer": "transformer",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fertutor.widgets' has no attribute {name!r}")
    try:
        home = import_module(f".{_HOMES[name]}", __name__)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fertutor"):
            raise
        raise InputError(f"widgets need the package {error.name}: pip install 'fertutor[widgets]'") from error
    value = getattr(home, name)
    globals()[name] = value
    return value
