"""The rooms of the library: without these floors, a reader of one room would have to read them all, and
a machine that only trains would need the book's packages."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

FLOORS = (
    ("errors",),
    ("checkout", "files", "mode", "progress", "seed"),
    ("circumstances",),
    ("expressions",),
    ("faces",),
    ("network",),
    ("training",),
    ("evaluation",),
    ("saliency",),
    ("figures",),
    ("widgets", "exercises"),
    ("commands", "cli"),
)
CORE = ("expressions", "faces", "network", "training", "evaluation", "saliency")
BOOK_PACKAGES = (
    "IPython",
    "anywidget",
    "captum",
    "cv2",
    "ipywidgets",
    "matplotlib",
    "onnx",
    "optuna",
    "pandas",
    "plotly",
    "scipy",
    "skimage",
    "sklearn",
    "torchvision",
    "tqdm",
)

LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
PACKAGE = ROOT / "fertutor"
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or not path.stem.startswith("__")
)


def room_of(path: Path) -> str:
    """Name of the room that a module stands in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms that a module imports from, at its top or inside a function."""
    package = ["fertutor", *path.relative_to(PACKAGE).parent.parts]
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [module] if module != "fertutor" else [f"fertutor.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("fertutor.")}
    return rooms


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_its_own_floor_and_above(path: Path) -> None:
    room = room_of(path)
    assert room in LEVEL, f"{path.name} stands in no room: give it a floor in FLOORS"
    for other in imported_rooms(path) & LEVEL.keys():
        allowed = other == room or LEVEL[other] < LEVEL[room] or LEVEL[room] == len(FLOORS) - 1
        assert allowed, f"{path.relative_to(ROOT)} reaches down to {other}"


def run_python(program: str) -> None:
    """Run a program in a fresh interpreter and fail with what it says."""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_core_runs_on_a_machine_without_the_book_packages() -> None:
    run_python(f"""
import importlib, pkgutil, sys
blocked = {BOOK_PACKAGES!r}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(f"no module named {{name}}", name=name)

sys.meta_path.insert(0, Absent())
import fertutor
for room in {CORE!r}:
    module = importlib.import_module(f"fertutor.{{room}}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{{module.__name__}}."):
        importlib.import_module(found.name)
""")


def test_import_fertutor_and_its_help_cost_nothing() -> None:
    run_python("""
import sys
import fertutor
from fertutor.cli import main
try:
    main(["--version"])
except SystemExit:
    pass
heavy = {"torch", "numpy", "PIL", "safetensors"} & sys.modules.keys()
assert not heavy, f"already imported: {heavy}"
""")


def test_every_public_name_can_be_had() -> None:
    run_python("""
import fertutor
for name in fertutor.__all__:
    assert getattr(fertutor, name) is not None
""")
