"""Figures stand on light and on dark pages; one that reads on one of them only is lost on the other."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from fertutor.expressions import COLOURS
from fertutor.faces.drawn import draw_faces, prototype
from fertutor.figures import style
from fertutor.figures.png import with_palette

matplotlib = pytest.importorskip("matplotlib")


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    levels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", style.GROUNDS)
@pytest.mark.parametrize("colour", [style.INK, *style.ACCENTS])
def test_lines_and_text_stand_out_on_both_pages(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= (4 if colour == style.INK else 3)


def test_a_figure_is_transparent_and_leaves_the_session_as_it_was() -> None:
    before = dict(matplotlib.rcParams)

    @style.styled
    def draw():
        return style.new_axes()

    figure, ax = draw()
    assert matplotlib.colors.to_rgba(figure.get_facecolor())[3] == 0
    assert matplotlib.colors.to_rgba(ax.get_facecolor())[3] == 0
    assert dict(matplotlib.rcParams) == before


def test_a_figure_without_words_is_not_shown() -> None:
    figure, _ = style.new_axes()
    with pytest.raises(ValueError, match="alt text"):
        style.show(figure)


def test_the_words_of_a_figure_reach_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    display = pytest.importorskip("IPython.display")
    shown = {}
    monkeypatch.setattr(
        display, "display", lambda data, raw, metadata: shown.update(data=data, meta=metadata)
    )
    figure, _ = style.new_axes(size=(3, 2))
    style.show(style.describe(figure, "a rising line"))
    assert shown["data"]["text/plain"] == "a rising line"
    assert shown["meta"]["image/png"]["alt"] == "a rising line"
    assert shown["meta"]["image/png"]["width"] == pytest.approx(300, abs=15)


def packed(figure: object) -> tuple[Image.Image, bytes]:
    """Return a figure's picture before and after it gets a palette."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=200)  # type: ignore[attr-defined]
    picture = Image.open(file).convert("RGBA")
    return picture, with_palette(picture)


def test_a_face_and_seven_colours_keep_their_colours() -> None:
    """Bars of seven expressions beside a face once came out as three tints and a grey."""
    faces = pytest.importorskip("fertutor.figures.faces")
    before, after = draw_faces([prototype("happy"), prototype("angry")], [0, 1], None, 96)
    said = torch.linspace(0.1, 0.2, 7)
    figure = faces.draw_step(before, after, (said, said.flip(0)))
    picture, data = packed(figure)
    wanted = np.asarray(picture).astype(int)
    found = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
    opaque = wanted[..., 3] == 255
    assert np.abs(found - wanted)[opaque].max() < 16
    exact = {tuple(pixel) for pixel in wanted[opaque].tolist()}
    kept = {tuple(pixel[:3]) for pixel in found[opaque].tolist()}
    for colour in list(COLOURS.values())[:7]:
        rgb = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert (*rgb, 255) in exact
        assert min(max(abs(a - b) for a, b in zip(rgb, one, strict=True)) for one in kept) < 3


def test_a_palette_makes_a_plain_figure_small() -> None:
    record = pytest.importorskip("fertutor.figures.record")
    figure = record.draw_curves({"one": [0.1, 0.3, 0.5], "other": [0.2, 0.3, 0.6]})
    picture, data = packed(figure)
    whole = io.BytesIO()
    picture.save(whole, format="png", optimize=True)
    assert len(data) < 0.6 * len(whole.getvalue())
