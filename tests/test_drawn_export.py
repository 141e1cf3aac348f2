"""The published page draws faces by the exported renderer: it must draw what Python draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fertutor.faces.drawn import plan_drawn
from fertutor.faces.drawn.export import export_renderer
from fertutor.faces.drawn.renderer import FaceRenderer

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def test_onnx_draws_the_same_pictures_for_any_number_of_faces(tmp_path: Path) -> None:
    path = export_renderer(tmp_path / "faces.onnx", size=64)
    session = onnxruntime.InferenceSession(path.read_bytes())
    plan = plan_drawn("drawn-wild", size=5)
    rows = {"action_units": plan.action_units, "traits": plan.people, "scene": plan.scenes}
    expected = FaceRenderer(64)(*rows.values()).numpy()
    for n in (1, 5):
        (pictures,) = session.run(["pictures"], {name: value[:n].numpy() for name, value in rows.items()})
        assert pictures.shape == (n, 1, 64, 64)
        assert np.abs(pictures - expected[:n]).max() < 1 / 255
