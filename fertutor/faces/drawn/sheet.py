"""Contact sheets: the seven expressions of several people, side by side.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...expressions import EXPRESSIONS
from .drawing import draw_faces
from .muscles import prototype


def contact_sheet(people: Sequence[int], size: int = 192, strength: float = 1.0) -> Tensor:
    """Draw a row an expression, in label order, and a column a person.

    Args:
        people: numbers of people.
        size: side of each face in pixels.
        strength: intensity of the prototypes, 0 to 1.

    Returns:
        float32 ``(7 * size, len(people) * size)``, 0 black to 1 white.
    """
    rows = []
    for expression in EXPRESSIONS:
        pictures = draw_faces(prototype(expression, strength), list(people), size=size)
        rows.append(torch.cat(list(pictures[:, 0]), 1))
    return torch.cat(rows)
