"""Six cartoon characters of our own, with big eyes and faces that cannot be confused.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor

from .traits import COLUMN, TRAITS

CHARACTERS: MappingProxyType[str, dict[str, float]] = MappingProxyType(
    {
        # a girl with a dark fringe
        "Nuri": {
            "skin": 0.72,
            "hair_tone": 0.04,
            "hair_length": 0.75,
            "fringe": 0.8,
            "lashes": 0.8,
            "lip_tone": 0.5,
            "child": 0.4,
        },
        # a red-haired boy full of freckles
        "Pim": {
            "skin": 0.9,
            "hair_tone": 0.42,
            "curls": 1.0,
            "freckles": 1.0,
            "child": 0.8,
            "ears": 1.0,
            "brow_tone": 0.3,
            "iris": 0.5,
        },
        # a broad man with a moustache
        "Bruno": {
            "skin": 0.6,
            "hair_volume": -1.0,
            "hairline": 1.0,
            "moustache": 1.0,
            "jaw_square": 1.0,
            "face_width": 0.9,
            "brow_thick": 1.0,
            "hair_tone": 0.1,
            "brow_tone": 0.05,
            "nose_width": 0.9,
            "brow_height": -0.3,
        },
        # a grandmother with round glasses
        "Olga": {
            "skin": 0.85,
            "hair_tone": 0.85,
            "hair_volume": 0.9,
            "hair_length": 0.35,
            "curls": 0.7,
            "age": 0.8,
            "glasses": 1.0,
            "glasses_round": 1.0,
            "lip_tone": 0.4,
            "brow_tone": 0.45,
            "cheeks": 0.8,
            "lashes": 0.3,
        },
        # a slender young man with a beard
        "Idris": {
            "skin": 0.3,
            "hair_tone": 0.02,
            "beard": 0.75,
            "moustache": 0.6,
            "face_width": -0.8,
            "face_length": 0.8,
            "jaw_taper": 0.6,
            "brow_tone": 0.02,
            "brow_thick": 0.5,
            "nose_length": 0.5,
            "hair_volume": 0.1,
        },
        # a fair woman with a side parting
        "Freya": {
            "skin": 0.98,
            "hair_tone": 0.8,
            "hair_length": 1.0,
            "parting": -0.9,
            "lashes": 1.0,
            "lip_tone": 0.8,
            "iris": 0.6,
            "brow_tone": 0.4,
            "brow_arch": 0.9,
            "jaw_taper": 0.8,
            "lip_lower": 0.7,
        },
    }
)
"""Name → what differs from the average face; subject `k` of drawn-cartoon is the `k`-th."""

_COMMON = {"skin": 0.7, "hair_tone": 0.2, "brow_tone": 0.12, "iris": 0.15, "lip_tone": 0.2, "toon": 1.0}


def cast() -> Tensor:
    """Return the traits of all characters: float32 ``(6, len(TRAITS))``."""
    traits = torch.zeros(len(CHARACTERS), len(TRAITS))
    for row, looks in enumerate(CHARACTERS.values()):
        for name, value in {**_COMMON, **looks}.items():
            traits[row, COLUMN[name]] = value
    return traits
