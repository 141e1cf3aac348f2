"""What was read once, kept for the next time.

One safetensors file a source, in ``$FERTUTOR_CACHE`` or the platform's cache folder. It carries the
signature of its source and a checksum; a cache that is stale, damaged or cannot be written is passed
over in silence: the source is read again. Tensors come back memory-mapped from the second reading on;
only FER-2013 with its own labels stays so and may be larger than memory, as the other readers copy rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..files import checksum, expanded, replacing

Tensors = dict[str, Tensor]

SETTLED_NS = 2_000_000_000
"""A source changed less than 2 s ago is not cached: a coarse clock could hide its next change."""

_SAMPLES, _SAMPLE_BYTES = 64, 4096


def cache_folder() -> Path:
    """Return the folder of caches; it need not exist."""
    if folder := os.environ.get("FERTUTOR_CACHE"):
        return expanded(folder)
    home = _home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "fertutor"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "fertutor"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "fertutor"


def _home() -> Path:
    """Return the user's home folder; a user without one, as in a container, has one among temporary files."""
    home = os.path.expanduser("~")
    if home != "~":
        return Path(home)
    return Path(tempfile.gettempdir()) / f"fertutor-{os.getuid() if hasattr(os, 'getuid') else 'home'}"


def file_signature(path: Path) -> dict[str, Any]:
    """Return what tells one state of a file from another without reading it all.

    Size, times of change, and a checksum of 64 blocks spread over the file, for file systems whose
    times are coarse.
    """
    status = path.stat()
    samples = 0
    with open(path, "rb") as file:
        for sample in range(_SAMPLES):
            file.seek(max(0, status.st_size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
            samples = zlib.crc32(file.read(_SAMPLE_BYTES), samples)
    return {
        "path": str(path.resolve()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "samples": samples,
    }


def files_signature(root: Path, paths: list[Path]) -> dict[str, Any]:
    """Return the signature of many files below `root`: their names, sizes and times of change."""
    digest = hashlib.sha256()
    newest = 0
    for path in paths:
        status = path.stat()
        newest = max(newest, status.st_mtime_ns)
        line = f"{path.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))  # a name may be in any encoding
    return {"path": str(root.resolve()), "files": digest.hexdigest(), "mtime_ns": newest}


def remember(kind: str, sign: Callable[[], dict[str, Any]], read: Callable[[], Tensors]) -> Tensors:
    """Return the tensors of a source, from its cache where that is of the source's present state.

    Args:
        kind: reader and version of its format, e.g. ``"fer2013-1"``; another kind is another cache.
        sign: returns the source's signature; its ``path`` names the source, its ``mtime_ns`` says
            when it last changed.
        read: reads the source.
    """
    signature = sign()
    name = hashlib.sha256(signature["path"].encode("utf-8", "surrogateescape")).hexdigest()[:16]
    path = cache_folder() / f"{kind}-{name}.safetensors"
    cached = _load(path, signature)
    if cached is not None:
        return cached
    tensors = read()
    if abs(time.time_ns() - signature["mtime_ns"]) > SETTLED_NS and sign() == signature:
        _save(path, tensors, signature)
    return tensors


def _load(path: Path, signature: dict[str, Any]) -> Tensors | None:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("signature") != json.dumps(signature):
            return None
        tensors = load_file(path)
        return tensors if metadata["checksum"] == str(checksum(tensors)) else None
    except (OSError, SafetensorError, ValueError, KeyError):
        return None


def _save(path: Path, tensors: Tensors, signature: dict[str, Any]) -> None:
    metadata = {"signature": json.dumps(signature), "checksum": str(checksum(tensors))}
    try:
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata)
    except (OSError, SafetensorError):
        return  # no room or no permission: the next reading is as slow as this one, no worse
