"""The drawn faces that widgets show where none are given."""

from __future__ import annotations

from functools import lru_cache

import torch

from ..expressions import EXPRESSIONS, PROTOTYPES
from ..faces.drawn import draw_faces
from ..faces.table import FaceTable

PEOPLE = (3, 11, 5, 8, 2, 14, 6)
"""Numbers of the drawn people who act angry, disgust, …, neutral."""


@lru_cache(maxsize=1)
def example_faces() -> FaceTable:
    """Return one drawn face of each expression, acted by its prototype, of seven people."""
    units: list[dict[int | str, float]] = [dict.fromkeys(PROTOTYPES[name], 1.0) for name in EXPRESSIONS]
    pictures = draw_faces(units, people=list(PEOPLE))
    return FaceTable((pictures * 255).round().to(torch.uint8), torch.arange(len(EXPRESSIONS)))
