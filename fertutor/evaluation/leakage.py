"""What a random split hides: retakes of one person in training and in test.

Book chapter: *Four data sets*.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..expressions import EXPRESSIONS
from ..faces.drawn import draw_faces, sample_people
from ..faces.drawn.acting import act
from ..faces.drawn.shoot import studio_scenes
from ..faces.table import FaceTable

TAKES = 3
"""How often a person acts an expression for :func:`draw_takes`."""


def draw_takes(alike: float, people: int = 10) -> FaceTable:
    """Draw people who act each expression several times.

    Args:
        alike: 0: every take is acted and photographed anew; 1: all takes of a person's expression are
            the same picture but for the camera's grain; between: action units and scene lie so far on the way
            from a take of its own to the first one.
        people: how many; each acts each of seven expressions :data:`TAKES` times.

    Returns:
        ``people * 7 * TAKES`` faces with their subjects.

    Raises:
        ValueError: when `alike` is not between 0 and 1.
    """
    if not 0 <= alike <= 1:
        raise ValueError(f"alike must lie between 0 and 1, not {alike}")
    generator = torch.Generator().manual_seed(0)
    crew = sample_people(people, generator)
    subjects = torch.arange(people).repeat_interleave(len(EXPRESSIONS) * TAKES)
    labels = torch.arange(len(EXPRESSIONS)).repeat_interleave(TAKES).repeat(people)
    first = torch.arange(len(labels)) // TAKES * TAKES
    units = act(labels, generator, weak=0.1, stray=0.02, skew=0.06)
    scenes = studio_scenes(len(labels), generator)
    units, scenes = (torch.lerp(rows, rows[first], alike) for rows in (units, scenes))
    pictures = draw_faces(units.clamp(0, 1), crew[subjects], scenes)
    assert isinstance(pictures, Tensor)
    return FaceTable((pictures * 255).round().byte(), labels, subjects=subjects)


def linear_probe(table: FaceTable, train: Tensor, test: Tensor, penalty: float = 1.0) -> float:
    """Fit a linear classifier on pixels by ridge regression, and return its accuracy.

    It has a closed form, needs no seed and takes milliseconds: enough to compare two divisions.

    Args:
        table: the faces.
        train, test: rows of each part, int64.
        penalty: weight of the squared norm of the coefficients, for grey levels from 0 to 1.
    """
    pixels = table.images.flatten(1).double() / 255
    middle = pixels[train].mean(0)
    known, new = pixels[train] - middle, pixels[test] - middle
    targets = F.one_hot(table.labels[train], table.classes).double()
    share = targets.mean(0)
    # the dual form: as many equations as faces, not as pixels
    weights = torch.linalg.solve(known @ known.T + penalty * torch.eye(len(known)).to(known), targets - share)
    scores = new @ (known.T @ weights) + share
    return float((scores.argmax(1) == table.labels[test]).double().mean())
