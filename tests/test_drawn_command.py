"""``fertutor draw``: a face on disk in one line, or one sentence that says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fertutor.cli import main
from fertutor.faces.drawn import draw_faces, prototype
from fertutor.faces.drawn.scene import FARTHEST, SCENE, make_scene


def draw(path: Path, *words: str) -> int:
    return main(["draw", "--out", str(path), *words])


def test_draws_a_face_and_its_mask(tmp_path: Path) -> None:
    out, mask = tmp_path / "face.png", tmp_path / "mask.png"
    assert draw(out, "--action-units", "6=1,12=0.8", "--size", "96", "--mask", str(mask)) == 0
    with Image.open(out) as face, Image.open(mask) as moved:
        assert face.size == moved.size == (96, 96)
        assert face.mode == "L"
        assert set(np.unique(np.asarray(moved))) == {0, 255}


def test_named_expression_differs_from_neutral_and_seeds_repeat(tmp_path: Path) -> None:
    words = {
        "fear": ["--expression", "fear", "--strength", "0.7"],
        "neutral": ["--expression", "neutral"],
        "wild": ["--expression", "fear", "--wild", "--seed", "5"],
        "again": ["--expression", "fear", "--wild", "--seed", "5"],
        "other": ["--expression", "fear", "--wild", "--seed", "6"],
        "turned": ["--expression", "fear", "--scene", "yaw=0.4,light_x=0.5"],
    }
    files = {}
    for name, extra in words.items():
        assert draw(tmp_path / f"{name}.png", "--person", "3", *extra) == 0
        files[name] = (tmp_path / f"{name}.png").read_bytes()
    assert files["wild"] == files["again"]
    assert len(set(files.values())) == 5


def test_contact_sheet(tmp_path: Path) -> None:
    assert draw(tmp_path / "sheet.png", "--sheet", "3", "--size", "32") == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (96, 224)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--action-units", "3=1"], "unknown action unit '3'"),
        (["--action-units", "6=3"], "intensity 3"),
        (["--action-units", "6=nan"], "intensity nan"),
        (["--action-units", "6=1,6=0.2"], "6 is given a second time"),
        (["--action-units", "12L=1,12=0"], "12 is given a second time"),
        (["--action-units", "6=1", "--strength", "0.3"], "--strength is of an --expression"),
        (["--expression", "fear", "--seed", "5"], "or add --wild"),
        (["--expression", "fear", "--scene", "yaw=1,yaw=2"], "yaw is given a second time"),
        (["--expression", "joy"], "unknown expression 'joy'"),
        (["--expression", "fear", "--strength", "nan"], "strength nan"),
        (["--expression", "fear", "--size", "0"], "size 0"),
        (["--expression", "fear", "--person", "-1"], "unknown person -1"),
        (["--expression", "fear", "--scene", "yaw"], "expected name=number"),
        *[
            (
                ["--expression", "fear", "--scene", f"yaw={far}"],
                f"yaw cannot be {far}: give a number from -10 to 10",
            )
            for far in ("1e+39", "nan", "-inf", "-10.5")
        ],
        (["--sheet", "0"], "a sheet of 0 people"),
        (["--sheet", "2", "--mask", "m.png"], "--mask is of a single face"),
        (["--sheet", "2", "--wild"], "--wild is of a single face"),
        (["--sheet", "2", "--seed", "3"], "--seed is of a single face"),
        (["--sheet", "2", "--scene", "yaw=1"], "--scene is of a single face"),
    ],
)
def test_bad_input(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw(tmp_path / "face.png", *words) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "face.png").exists()


def test_a_path_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert draw(tmp_path / "file" / "face.png", "--expression", "sad", "--size", "32") == 1
    assert "face.png cannot be read or written" in capsys.readouterr().err


def test_a_picture_takes_the_place_of_pictures_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.png"
    notes.write_text("mine")
    assert draw(notes, "--expression", "sad", "--size", "32") == 1
    assert "would replace a file that is no PNG" in capsys.readouterr().err
    assert notes.read_text() == "mine"
    assert draw(tmp_path / "face.jpg", "--sheet", "1", "--size", "32") == 1
    assert "ends in .png" in capsys.readouterr().err
    for expression in ("sad", "happy"):
        assert draw(tmp_path / "face.PNG", "--expression", expression, "--size", "32") == 0


def test_the_mask_never_takes_the_place_of_the_face(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "face.png"
    (tmp_path / "folder").mkdir()
    for same in (out, tmp_path / "folder" / ".." / "face.png"):
        assert draw(out, "--expression", "sad", "--size", "32", "--mask", str(same)) == 1
        assert "would replace the file of --out" in capsys.readouterr().err
    assert not out.exists()


def test_every_scene_that_is_let_through_can_be_drawn() -> None:
    for name in SCENE:
        for value in (-FARTHEST, FARTHEST):
            if name != "scale" or value > 0:
                picture = draw_faces(prototype("happy"), 0, make_scene({name: value}), 48)
                assert torch.isfinite(picture).all(), f"{name}={value}"
