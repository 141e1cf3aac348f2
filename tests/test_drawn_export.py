"""The published page draws faces by the exported renderer: it must draw what Python draws."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from fertutor.faces.drawn import plan_drawn
from fertutor.faces.drawn.renderer import FaceRenderer
from fertutor.network import weights
from fertutor.network.export import run_onnx

pytest.importorskip("onnxruntime")


def test_the_pages_renderers_draw_the_same_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "released_networks", dict)  # what they say is compared in their own export
    page = runpy.run_path(str(ROOT / "web" / "networks.py"))
    page["main"].__globals__["FOLDER"] = tmp_path
    page["main"]()
    assert sorted(page["PICTURES"].values()) == [48, 96]
    plan = plan_drawn("drawn-wild", size=5)
    for name, size in page["PICTURES"].items():
        for row in range(len(plan)):
            face = {
                "action_units": plan.action_units[[row]],
                "traits": plan.people[[row]],
                "scene": plan.scenes[[row]],
            }
            (picture,) = run_onnx(tmp_path / f"{name}.onnx", face)
            assert picture.shape == (1, 1, size, size)
            assert np.abs(picture - FaceRenderer(size)(*face.values()).numpy()).max() < 1 / 255
