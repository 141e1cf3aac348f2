"""Figures stand on light and on dark pages; one that reads on one of them only is lost on the other."""

from __future__ import annotations

import pytest

from fertutor.figures import style

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
