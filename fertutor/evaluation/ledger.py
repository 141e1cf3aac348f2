"""The ledger: one JSON file a measured run, append-only.

Every accuracy, curve and confusion matrix the book shows of a real set is read from here.
Book chapter: *The record*.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from torch import nn

from ..checkout import ROOT, is_checkout
from ..circumstances import now
from ..errors import InputError
from ..faces.table import FaceTable
from ..files import NAME_LIMIT, shortened, write_new
from ..network.weights import kind_of, weights_bytes
from ..training.loop import Run, plain_history

STEM_LIMIT = NAME_LIMIT - 55
"""Bytes of an entry's name: its number and what a temporary file's name adds must fit behind it."""

_OF_A_RUN = ("kind", "weights_sha256", "dataset", "labels", "options", "recipe", "seed", "epochs_done")
"""What two entries of one run share; date, machine and minutes may differ."""


def results_folder() -> Path:
    """Return ``results/``: of the source checkout, or of the working folder when installed."""
    return ROOT / "results" if is_checkout() else Path("results")


def append(entry: dict[str, Any], name: str, folder: Path | None = None) -> Path:
    """Write an entry to a new file and return its path; nothing is ever overwritten.

    Args:
        entry: JSON values.
        name: start of the file's name, which is cut where it is too long; a running number follows.
        folder: ``results/`` when None.
    """
    folder = folder or results_folder()
    name = shortened(name, STEM_LIMIT)
    text = json.dumps(entry, indent=1) + "\n"
    # the book reads an installed library's own entries, too: theirs are not to be hidden
    taken = {path.name for path in _installed()} if folder == results_folder() else set()
    number = 1
    # another process may take the number between a look and the writing: whoever finds it taken goes on
    while (path := folder / f"{name}-{number}.json").name in taken or not write_new(path, text):
        number += 1
    return path


def find(entry: dict[str, Any], folder: Path | None = None) -> Path | None:
    """Return where the entry of the same training stands already: the same weights by the same means.

    Args:
        entry: of a training.
        folder: ``results/`` when None.
    """
    wanted = _of_a_run(entry)
    for path in sorted((folder or results_folder()).glob("*.json")):
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # no entry, and none of this run
            continue
        if isinstance(known, dict) and _of_a_run(known) == wanted:
            return path
    return None


def _of_a_run(entry: dict[str, Any]) -> dict[str, Any]:
    found = {name: entry.get(name) for name in _OF_A_RUN}
    if isinstance(found["recipe"], dict):  # its words may be put otherwise later
        found["recipe"] = {name: value for name, value in found["recipe"].items() if name != "why"}
    return found


def read(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return every entry by the name of its file without ``.json``.

    Without a folder, an installed library reads the entries that came with it, and then those of
    the working folder. A file of another shape than an entry's is left out.

    Raises:
        InputError: for a file that is not JSON, or cannot be read.
    """
    entries = {}
    own = sorted((folder or results_folder()).glob("*.json"))
    for path in own if folder else [*_installed(), *own]:
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not JSON ({error}): restore it from version control") from error
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}): move it out of the ledger"
            ) from error
        if isinstance(entry, dict):  # a list is somebody else's
            entries[path.stem] = entry
    return entries


def _installed() -> list[Path]:
    """Return the entries that were installed with the library; none in a source checkout."""
    if is_checkout():
        return []
    try:
        files = distribution("fertutor").files or []
    except PackageNotFoundError:
        return []
    return sorted(Path(str(file.locate())) for file in files if file.match("fertutor/results/*.json"))


def describe_training(run: Run, dataset: str, labels: str, splits: dict[str, FaceTable]) -> dict[str, Any]:
    """Return the ledger entry of a training run.

    ``weights_sha256`` is that of its ``best.safetensors``; ``versions``, ``machine`` and ``commit`` are of
    the session that trained these weights, None where they are not known.
    """
    session = [one for one in run.sessions if one["first_epoch"] <= run.best_epoch][-1]
    return {
        "kind": "training",
        "dataset": dataset,
        "labels": labels,
        "splits": {name: describe_table(table) for name, table in splits.items() if name != "test"},
        "network": describe_network(run.network),
        "weights_sha256": hashlib.sha256(weights_bytes(run.network)).hexdigest(),
        "recipe": run.recipe.as_dict(),
        "seed": run.seed,
        "setting": run.setting.as_dict(),
        "selection": "highest validation accuracy, the first of equals",
        "best_epoch": run.best_epoch,
        "epochs_done": len(run.history),
        "diverged": run.diverged,
        "best_val_accuracy": run.best_val_accuracy,
        "history": [
            {name: _round(value) for name, value in epoch.items()} for epoch in plain_history(run.history)
        ],
        "date": now(),
        **{name: session.get(name) for name in ("versions", "machine", "commit")},
        "sessions": run.sessions,
    }


def describe_table(table: FaceTable) -> dict[str, Any]:
    """Return what identifies a face table: its size, class counts and fingerprint."""
    return {"n": len(table), "counts": table.counts(), "fingerprint": table.fingerprint()}


def describe_network(network: nn.Module) -> dict[str, Any]:
    """Return a network's kind, arguments and number of parameters."""
    return {
        "kind": kind_of(network),
        "arguments": network.config,
        "parameters": sum(value.numel() for value in network.parameters()),
    }


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _round(value: float | None) -> float | None:
    return float(f"{value:.6g}") if isinstance(value, float) else value
