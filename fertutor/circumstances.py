"""Circumstances: when, on what machine and with what code something was measured."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import torch

from . import __version__

ROOT = Path(__file__).resolve().parents[1]


def is_checkout() -> bool:
    """Return whether the library lies in its source checkout, and is not installed."""
    return (ROOT / "pyproject.toml").is_file()


def circumstances() -> dict[str, Any]:
    """Return when and with what something was measured: date, versions, machine, commit."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": {
            "fertutor": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in ("torch", "numpy", "pillow")},
        },
        "machine": {
            "processor": platform.machine(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the source checkout, with ``+`` when tracked files differ from it, or the one that
    pip installed from a repository; None where neither is known."""
    if not is_checkout():  # git would look further up, and name the commit of a project that we lie in
        return _installed_commit()
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _installed_commit() -> str | None:
    try:
        source = json.loads(distribution("fertutor").read_text("direct_url.json") or "{}")
        return source["vcs_info"]["commit_id"]
    except (PackageNotFoundError, KeyError, TypeError, ValueError):
        return None
