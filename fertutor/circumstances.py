"""Circumstances: when, on what machine and with what code something was measured."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import torch

from . import __version__, checkout


def now() -> str:
    """Return the date and time in UTC, as ISO 8601 has it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def circumstances(gpu: bool = True) -> dict[str, Any]:
    """Return when and with what something was measured: date, versions, machine, commit.

    Without ``gpu`` a GPU is neither named nor asked: the question alone takes memory on it.
    """
    return {
        "date": now(),
        "versions": {
            "fertutor": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in ("torch", "numpy", "pillow")},
        },
        "machine": {
            "processor": platform.machine(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "gpu": torch.cuda.get_device_name() if gpu and torch.cuda.is_available() else None,
        },
        "commit": _checkout_commit(checkout.ROOT) if checkout.is_checkout() else _installed_commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache  # what runs is what was loaded, whatever is checked out later
def _checkout_commit(root: Path) -> str | None:
    """Return the commit of the source checkout, with ``+`` when tracked files differ from it; None where git
    does not tell."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _installed_commit() -> str | None:
    """Return the commit that pip installed from a repository; None for another installation."""
    try:
        source = json.loads(distribution("fertutor").read_text("direct_url.json") or "{}")
        return source["vcs_info"]["commit_id"]
    except (PackageNotFoundError, KeyError, TypeError, ValueError):
        return None
