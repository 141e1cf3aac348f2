"""The widget in a real JupyterLab: Python computes, with a network trained in the notebook itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_pages import probabilities, set_slider
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.browser

TRAIN = """
import json, pathlib, torch, fertutor
from fertutor.widgets import OcclusionExplorer
from fertutor.widgets.examples import example_faces

torch.manual_seed(0)
torch.set_num_threads(1)
table = example_faces()
network = fertutor.AttentionalCNN(dropout=0.0)
optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
for _ in range(40):
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(network(table.images / 255), table.labels).backward()
    optimiser.step()
"""
SHOW = """
explorer = OcclusionExplorer(network, table)

def note(change):
    found = explorer.occlusion()
    facts = {"size": explorer.size, "clean": found.clean[0].tolist(), "drop": found.drop[0].flatten().tolist()}
    pathlib.Path("noted.tmp").write_text(json.dumps(facts))
    pathlib.Path("noted.tmp").rename("noted.json")

def answer(change):
    explorer.size = 20

explorer.observe(note, "size")
explorer.observe(answer, "stride")
explorer
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address of a JupyterLab of our own, and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [new_code_cell(TRAIN.strip()), new_code_cell(SHOW.strip())]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / "live.ipynb")
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--ServerApp.root_dir={folder}",
    ]
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
        )
    try:
        yield address_of(folder, server), folder
    finally:
        server.terminate()
        server.wait(30)


def address_of(folder: Path, server: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for file in (folder / "runtime").glob("jpserver-*.json"):
            url: str = json.loads(file.read_text())["url"]
            with urllib.request.urlopen(f"{url}api"):
                return url
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.5)
    raise AssertionError((folder / "log").read_text())


def noted(folder: Path, size: int) -> dict[str, Any]:
    """What Python wrote down when the trait became `size`."""
    for _ in range(240):
        file = folder / "noted.json"
        if file.exists() and (facts := json.loads(file.read_text()))["size"] == size:
            found: dict[str, Any] = facts
            return found
        time.sleep(0.25)
    raise AssertionError(f"Python never heard of size {size}")


def test_values_and_maps_travel_both_ways(browser: Any, lab: tuple[str, Path]) -> None:
    address, folder = lab
    context = browser.new_context(viewport={"width": 1300, "height": 1100})
    page = context.new_page()
    page.goto(f"{address}lab/tree/live.ipynb")
    page.locator(".jp-Notebook").wait_for(timeout=90_000)
    # before its kernel answers JupyterLab drops what is run, or asks which kernel to start; and the indicator
    # in the toolbar says idle from the beginning
    page.locator("#jp-main-statusbar", has_text="Python 3 (ipykernel) | Idle").wait_for(timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    card = page.locator(".ft").first
    card.wait_for(timeout=180_000)
    output = page.locator(".jp-OutputArea-output", has=page.locator(".ft")).first
    probabilities(output)

    set_slider(output, "Patch size N", 12)  # the browser tells Python …
    facts = noted(folder, 12)
    card.locator("xpath=self::*[@data-done='12/4']").wait_for(timeout=60_000)
    assert probabilities(output) == pytest.approx(facts["clean"], abs=1e-4)
    drawn = json.loads(card.evaluate("card => JSON.stringify(Array.from(card.map))"))
    assert drawn == pytest.approx(facts["drop"], abs=1e-4)

    set_slider(output, "Stride", 5)  # … and Python answers by setting the size
    facts = noted(folder, 20)
    card.locator("xpath=self::*[@data-done='20/5']").wait_for(timeout=60_000)
    assert output.get_by_label("Patch size N", exact=True).input_value() == "20"
    drawn = json.loads(card.evaluate("card => JSON.stringify(Array.from(card.map))"))
    assert drawn == pytest.approx(facts["drop"], abs=1e-4)

    # keys are the widget's, not commands of the notebook: an x would cut the cell
    cells = page.locator(".jp-Notebook-cell").count()
    output.get_by_role("button", name="Webcam").focus()
    page.keyboard.press("x")
    output.get_by_label("Stride", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert output.get_by_label("Stride", exact=True).input_value() == "6"
    assert page.locator(".jp-Notebook-cell").count() == cells
    context.close()
