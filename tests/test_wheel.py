"""What `pip install fertutor` brings: living widgets and the released networks, without a checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
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
from fertutor.evaluation import ledger
assert {entries!r} == sorted(ledger.read())
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
    # an empty environment, which is lent this one's torch and the rest instead of fetching them anew
    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = next(path for path in (home / "bin/python", home / "Scripts/python.exe") if path.exists())
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    (installed,) = home.rglob("fertutor/cli.py")
    (installed.parents[1] / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    entries = sorted(path.stem for path in (ROOT / "results").glob("*.json"))
    probe = PROBE.format(checkout=str(ROOT / "fertutor"), entries=entries)
    done = subprocess.run(
        [str(python), "-c", probe], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "alive"
