"""How a face is photographed: pose, gaze, light, camera and what hides a part of it.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ...errors import InputError
from .arrays import Columns, as_tensor

SCENE: MappingProxyType[str, float] = MappingProxyType(
    {
        "roll": 0.0,
        "yaw": 0.0,
        "pitch": 0.0,
        "shift_x": 0.0,
        "shift_y": -0.02,
        "scale": 0.9,
        "gaze_x": 0.0,
        "gaze_y": 0.0,
        "blink": 0.0,
        "light_x": -0.35,
        "light_y": -0.5,
        "ambient": 0.45,
        "backdrop": 0.6,
        "backdrop_slope": 0.1,
        "clutter": 0.0,
        "contrast": 1.0,
        "brightness": 0.0,
        "blur": 0.0,
        "noise": 0.0,
        "hand_x": 0.0,
        "hand_y": 0.75,
        "hand_angle": 0.0,
        "hand": 0.0,
        "strand": 0.0,
        "watermark": 0.0,
        "watermark_y": 0.2,
    }
)
"""Columns of a scene with the values of the plain portrait.

roll, yaw, pitch: radians, positive clockwise, to the picture's right, and down. shift: in half
sides. scale: 1 fills the frame as in FER-2013. gaze, light: -1 to 1, right and down positive.
blink: 0 open to 1 shut. ambient: share of light without direction. backdrop: grey level;
clutter: how much goes on behind the face, 0 to 1.
blur: pixels at 48 (standard deviation). noise: standard deviation in grey levels of 0 to 1.
hand, strand (of hair), watermark: 0 absent to 1 present.
"""

FARTHEST = 10
"""Values farther from 0 than this are slips, and very large ones overflow in the renderer."""

COLUMN: MappingProxyType[str, int] = MappingProxyType({name: i for i, name in enumerate(SCENE)})
"""Scene parameter → its column."""


class Scene(Columns):
    """Scene parameters by name: ``scene.roll`` is that column as ``(n, 1, 1)``."""

    places = COLUMN


def make_scene(values: Mapping[str, float] | Tensor | None = None) -> Tensor:
    """Return a scene as the renderer takes it: float32 ``(n, len(SCENE))``.

    Args:
        values: named values that differ from the plain portrait, a ready tensor (which keeps its gradient)
            or array, or None.

    Raises:
        InputError: for an unknown name, a value that is no number or beyond :data:`FARTHEST`, a scale that is
            not above 0, another shape, or another thing.
    """
    values = as_tensor(values)
    if isinstance(values, Tensor):
        if values.ndim != 2 or values.shape[1] != len(SCENE):
            raise InputError(f"scenes of shape {tuple(values.shape)}: expected (n, {len(SCENE)})")
        return _checked(values.float())
    if values is not None and not isinstance(values, Mapping):
        raise InputError(
            f"a scene cannot be a {type(values).__name__}: give a mapping from name to value, or a tensor "
            f"(n, {len(SCENE)})"
        )
    row = dict(SCENE)
    for name, value in (values or {}).items():
        if name not in SCENE:
            raise InputError(f"unknown scene parameter {name!r}: expected one of {', '.join(SCENE)}")
        try:
            row[name] = float(value)
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"scene parameter {name} cannot be {value!r}: give a number") from None
    return _checked(torch.tensor([list(row.values())], dtype=torch.float64)).float()


def _checked(scenes: Tensor) -> Tensor:
    """Return scenes as they are, or raise InputError for the first value that cannot be drawn."""
    wrong = ~(scenes.abs() <= FARTHEST)  # nan is never within
    wrong[:, COLUMN["scale"]] |= scenes[:, COLUMN["scale"]] <= 0
    if wrong.any():
        row, column = wrong.nonzero()[0].tolist()
        name = list(SCENE)[column]
        low = "above 0 and up to" if name == "scale" else f"from -{FARTHEST} to"
        raise InputError(
            f"scene parameter {name} cannot be {float(scenes[row, column]):g}: give a number {low} {FARTHEST}"
        )
    return scenes
