"""Faces drawn in torch from FACS action units: no photograph, nothing to download.

- :func:`draw_faces` draws pictures from action units, people and a scene, and masks of what moved.
- :class:`FaceRenderer` is the torch module under it: tensors in, pictures out; it exports to ONNX.
- :func:`load_drawn` makes the stand-ins of the published sets (``fertutor.load_faces("drawn-wild")``);
  :func:`plan_drawn` tells what is on each of their pictures: action units, people, scenes.
- :data:`UNITS`, :data:`TRAITS` and :data:`SCENE` name the columns of the renderer's three inputs;
  :func:`read_action_units`, :func:`read_people` and :func:`make_scene` make them; :func:`prototype`
  gives an expression's action units, :func:`person` and :func:`sample_people` give people.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from .drawing import draw_faces
from .muscles import PAIRED, UNITS, parse_action_units, prototype, read_action_units
from .renderer import FaceRenderer
from .scene import SCENE, make_scene
from .sets import load_drawn, plan_drawn
from .traits import TRAITS, person, read_people, sample_people

__all__ = [
    "PAIRED",
    "SCENE",
    "TRAITS",
    "UNITS",
    "FaceRenderer",
    "draw_faces",
    "load_drawn",
    "make_scene",
    "parse_action_units",
    "person",
    "plan_drawn",
    "prototype",
    "read_action_units",
    "read_people",
    "sample_people",
]
