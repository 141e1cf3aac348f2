"""The committed form of the chapters: what nbval does not look at, and a reader would stumble over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
IGNORING = ("nbval-ignore-output", "nbval-skip", "nbval-raises-exception", "raises-exception")
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")

pytestmark = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def read(chapter: Path) -> dict[str, Any]:
    return json.loads(chapter.read_text(encoding="utf-8"))


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_every_cell_was_executed_in_order(chapter: Path) -> None:
    """nbval silently passes a cell that was never run."""
    cells = [cell for cell in code_cells(read(chapter)) if source(cell).strip()]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


def test_no_cell_escapes_the_comparison(chapter: Path) -> None:
    for cell in code_cells(read(chapter)):
        assert not set(IGNORING) & {tag.lower() for tag in cell["metadata"].get("tags", [])}
        assert "NBVAL_" not in source(cell)


def test_one_hidden_set_up_cell_the_same_in_every_chapter(chapter: Path) -> None:
    """On Colab a chapter installs the library once, and no reader wades through the lines for it."""
    first = read(CHAPTERS[0])["cells"][1]
    notebook = read(chapter)
    setup = notebook["cells"][1]
    assert source(setup) == source(first)
    assert "hide-cell" in setup["metadata"]["tags"]
    assert setup["metadata"]["jupyter"]["source_hidden"] is True
    assert re.search(r'if "google\.colab" in sys\.modules:\n +%pip install', source(setup))
    repository = re.search(r'^Repository = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert repository is not None
    assert repository.group(1) in source(setup)
    assert not any("%pip" in source(cell) for cell in code_cells(notebook) if cell is not setup)


def test_solutions_are_hidden_in_jupyterlab_too(chapter: Path) -> None:
    cells = code_cells(read(chapter))[1:]
    solutions = [cell for cell in cells if "hide-cell" in cell["metadata"].get("tags", [])]
    assert bool(solutions) == ("## Your turn" in chapter.read_text(encoding="utf-8"))
    for cell in solutions:
        assert cell["metadata"]["jupyter"] == {"outputs_hidden": True, "source_hidden": True}


def test_it_says_what_will_be_learnt_and_answers_it_at_the_end(chapter: Path) -> None:
    texts = [source(cell) for cell in read(chapter)["cells"] if cell["cell_type"] == "markdown"]
    assert texts[0].startswith("# ")
    promises = re.findall(r"^(?:\d+\.|[-*]) ", texts[0].partition("You will learn")[2], re.MULTILINE)
    ending = next((text for text in reversed(texts) if "What you have learnt" in text), "")
    answers = re.findall(r"^(?:\d+\.|[-*]) ", ending.partition("What you have learnt")[2], re.MULTILINE)
    assert promises
    assert len(promises) == len(answers)


def test_every_picture_has_words_for_those_who_cannot_see_it(chapter: Path) -> None:
    for cell in code_cells(read(chapter)):
        pictures = [
            output
            for output in cell["outputs"]
            if set(PICTURES) & set(output.get("data", {})) and "text/html" not in output["data"]
        ]
        if pictures:
            assert len(pictures) == 1, f"cell {cell['id']}: one figure a cell, for one alt text"
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 30, f"cell {cell['id']} shows a picture without alt text"


def test_outputs_are_clean_and_small(chapter: Path) -> None:
    notebook = read(chapter)
    assert "widgets" not in notebook["metadata"], "execute with `make chapters`: no widget state is kept"
    assert chapter.stat().st_size < 3_000_000
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", f"cell {cell['id']} ends in an error"
            assert output.get("name") != "stderr", f"cell {cell['id']} prints a warning"


def test_no_dead_widget_is_published(chapter: Path) -> None:
    """A classic widget looks alive in a page and is not: each has a twin that works without a kernel."""
    for cell in code_cells(read(chapter)):
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "application/vnd.jupyter.widget-view+json" in data:
                assert "text/html" in data, f"cell {cell['id']}"


def test_a_plotly_figure_has_a_twin_that_a_page_can_show(chapter: Path) -> None:
    """The page hides plotly's own output, without a word."""
    for cell in code_cells(read(chapter)):
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "application/vnd.plotly.v1+json" in data:
                twin = "".join(data.get("text/html", ""))
                assert re.match(r'<div data-fertutor="plotly" id="[a-z-]+" data-figure=', twin), cell["id"]
                assert re.search(r'<img src="data:image/png;base64,[^"]+" alt="[^"]{30,}">', twin), cell["id"]
