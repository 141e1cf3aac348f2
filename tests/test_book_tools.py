"""The book's two scripts: without them an author commits what a reader's machine cannot reproduce, and a
reader's second `make book` ends in a traceback because the port is taken."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path

import nbformat
import pytest

from book.execute import execute
from book.serve import open_server

CELLS = (
    "from fertutor.figures.style import new_axes, show\nfigure, ax = new_axes(size=(2, 1))",
    "print('one')\nshow(figure, alt='an empty box, to be filled in by the reader')",
    "import ipywidgets\nipywidgets.IntSlider(3)",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "chapter.ipynb"
    cells = [nbformat.v4.new_code_cell(cell, id=f"cell-{i}") for i, cell in enumerate(CELLS)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute(path)
    return path


def test_an_executed_chapter_has_its_outputs_alt_text_and_no_widget_state(executed: Path) -> None:
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3]
    image = notebook["cells"][1]["metadata"]["mystnb"]["image"]
    assert image["alt"] == "an empty box, to be filled in by the reader"
    assert image["width"].endswith("px")
    assert "widgets" not in notebook["metadata"]
    assert executed.stat().st_size < 20_000
    assert [path.name for path in executed.parent.iterdir()] == ["chapter.ipynb"]


def test_executing_again_changes_nothing_but_widget_names(executed: Path) -> None:
    before = json.loads(executed.read_text(encoding="utf-8"))
    execute(executed)
    after = json.loads(executed.read_text(encoding="utf-8"))
    assert after["cells"][:2] == before["cells"][:2]
    assert after["metadata"] == before["metadata"]


def test_a_failing_chapter_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "chapter.ipynb"
    cells = [nbformat.v4.new_code_cell("1 / 0", id="cell")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        execute(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("error", "told"), [(ConnectionResetError, False), (ValueError, True)])
def test_a_download_that_is_broken_off_is_not_told(
    error: type[Exception], told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_server(str(tmp_path), 0) as server:
        try:
            raise error
        except error:
            server.handle_error(None, ("127.0.0.1", 1))  # type: ignore[arg-type]
    assert bool(capsys.readouterr().err) is told


def test_the_book_is_served_even_when_its_port_is_taken(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the book")
    with (
        open_server(str(tmp_path), 0) as first,
        open_server(str(tmp_path), first.server_port) as second,
    ):
        assert second.server_port != first.server_port
        threading.Thread(target=second.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{second.server_port}/") as answer:
            assert answer.read() == b"the book"
        second.shutdown()
