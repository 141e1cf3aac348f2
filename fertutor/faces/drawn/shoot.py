"""Scenes at random: a studio's, or those of photographs found on the web.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...expressions import EXPRESSIONS
from .scene import COLUMN, SCENE


def studio_scenes(n: int, generator: torch.Generator) -> Tensor:
    """Return `n` scenes of a studio: frontal faces, even light, a plain backdrop."""
    scenes = torch.tensor(list(SCENE.values())).repeat(n, 1)
    bell = torch.randn(n, len(SCENE), generator=generator).clamp(-2.5, 2.5)
    for name, spread in {
        "roll": 0.03,
        "yaw": 0.05,
        "pitch": 0.04,
        "shift_x": 0.02,
        "shift_y": 0.02,
        "scale": 0.02,
        "light_x": 0.12,
        "light_y": 0.1,
        "backdrop": 0.06,
        "brightness": 0.03,
        "contrast": 0.05,
    }.items():
        scenes[:, COLUMN[name]] += spread * bell[:, COLUMN[name]]
    scenes[:, COLUMN["blur"]] = 0.3
    scenes[:, COLUMN["noise"]] = 0.008
    return scenes


def wild_scenes(expressions: Tensor, generator: torch.Generator) -> Tensor:
    """Return one scene a face, as various as FER-2013's photographs.

    People who look sad look down more often, and hands come to the face with fear, sadness and
    surprise.

    Args:
        expressions: int64 ``(n,)``.
        generator: CPU generator.
    """
    n = len(expressions)
    bell = torch.randn(n, len(SCENE), generator=generator).clamp(-2.5, 2.5)
    dice = torch.rand(n, len(SCENE), generator=generator)
    again = torch.rand(n, len(SCENE), generator=generator)
    scenes = torch.tensor(list(SCENE.values())).repeat(n, 1)

    def put(name: str, value: Tensor) -> None:
        scenes[:, COLUMN[name]] = value

    def some(name: str, share: float | Tensor) -> Tensor:
        return (dice[:, COLUMN[name]] < share).float()

    def is_a(*names: str) -> Tensor:
        return torch.isin(expressions, torch.tensor([EXPRESSIONS.index(name) for name in names])).float()

    for name, spread in {"roll": 0.13, "yaw": 0.30, "pitch": 0.14, "shift_x": 0.05, "shift_y": 0.05}.items():
        put(name, spread * bell[:, COLUMN[name]])
    sad = is_a("sad")
    scenes[:, COLUMN["shift_y"]] += 0.04
    scenes[:, COLUMN["pitch"]] += 0.08 * sad - 0.03 * is_a("surprise")
    put("scale", torch.exp(0.11 * bell[:, COLUMN["scale"]]) * 1.05)
    put("gaze_x", 0.45 * bell[:, COLUMN["gaze_x"]])
    put("gaze_y", 0.35 * bell[:, COLUMN["gaze_y"]] + 0.5 * sad)
    shut = some("blink", 0.05 + 0.20 * sad + 0.05 * is_a("happy"))
    put("blink", torch.maximum(shut * 0.95, 0.18 * again[:, COLUMN["blink"]] + 0.15 * sad))
    put("light_x", 0.7 * bell[:, COLUMN["light_x"]])
    put("light_y", -0.45 + 0.4 * bell[:, COLUMN["light_y"]])
    put("ambient", 0.2 + 0.55 * dice[:, COLUMN["ambient"]])
    plain = dice[:, COLUMN["backdrop"]]
    grey = torch.where(plain < 0.30, 0.02 + 0.2 * again[:, COLUMN["backdrop"]], again[:, COLUMN["backdrop"]])
    put("backdrop", torch.where(plain > 0.68, 0.9 + 0.1 * again[:, COLUMN["backdrop"]], grey))
    put("backdrop_slope", 0.25 * bell[:, COLUMN["backdrop_slope"]])
    put("clutter", some("clutter", 0.5) * again[:, COLUMN["clutter"]])
    put("contrast", torch.exp(0.25 * bell[:, COLUMN["contrast"]]))
    put("brightness", 0.07 * bell[:, COLUMN["brightness"]])
    put("blur", 0.05 + 0.13 * bell[:, COLUMN["blur"]] ** 2)
    put("noise", 0.004 * bell[:, COLUMN["noise"]] ** 2)
    put("hand", some("hand", 0.05 + 0.10 * is_a("fear", "sad", "surprise")))
    side = torch.sign(bell[:, COLUMN["hand_x"]])
    put("hand_x", side * (0.25 + 0.6 * again[:, COLUMN["hand_x"]]))
    put("hand_y", 0.45 + 0.55 * again[:, COLUMN["hand_y"]])
    put("hand_angle", side * (0.15 + 0.6 * dice[:, COLUMN["hand_angle"]]))
    put("strand", some("strand", 0.06))
    put("watermark", some("watermark", 0.12) * (0.4 + 0.6 * again[:, COLUMN["watermark"]]))
    put("watermark_y", 0.1 + 0.35 * bell[:, COLUMN["watermark_y"]])
    return scenes
