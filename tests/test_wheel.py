"""What `pip install fertutor` brings: living widgets and the released networks, without a checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from conftest import ROOT

PROBE = """
import fertutor, fertutor.widgets, pathlib, sys
home = pathlib.Path(fertutor.__file__).parent
assert {checkout!r} not in str(home), home
from fertutor.network.weights import load_network, released_networks
for name in released_networks():
    load_network(name)
assert "paper" in released_networks()
face = fertutor.widgets.ActionUnitFace("paper")
for name in ("action_units", "confusion", "occlusion", "transformer", "page", "worker"):
    assert (home / "widgets" / "static" / f"{{name}}.mjs").stat().st_size > 1000
assert "export" in str(face._esm)
print("alive")
"""


def test_an_installed_wheel_has_living_widgets(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(tmp_path / "dist"),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests", "web", "book"))]
    # a folder of its own in front of this environment's packages is an empty environment with them
    home = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(home),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    probe = f"import sys; sys.path.insert(0, {str(home)!r})\n" + PROBE.format(checkout=str(ROOT / "fertutor"))
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "alive"
