"""Reading FER-2013: ours, first and from the cache, against ``torchvision.datasets.FER2013``.

All read the same official CSV in one run. torchvision's checksum is set aside, so that a copy without
PrivateTest, or a synthetic file, can be used; it is asked for the training rows only, and we read them
all. Ours, the first time, includes writing the cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.timing import alternate, machine
from fertutor.faces.fer2013 import COUNTS
from fertutor.files import expanded


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return the median seconds of each way of reading, and their ratios."""
    import torch

    if args.threads:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        path = _source(args.root, Path(folder))
        size = len(path.read_bytes())  # so that the first way does not pay for the disk
        ways: dict[str, Callable[[], object]] = {
            "ours_first": lambda: _read_ours(path, Path(folder) / f"cache-{time.perf_counter_ns()}"),
            "torchvision": lambda: _read_torchvision(path),
        }
        seconds = alternate(ways, repeats=1 if args.quick else 3, warm_up=0)
        cache = Path(folder) / "cache"
        seconds |= alternate({"ours_cached": lambda: _read_ours(path, cache)}, repeats=5, warm_up=1)
        rows = _read_ours(path, cache)
    return {
        "machine": machine(),
        "bytes": size,
        "rows": rows,
        "synthetic": not args.root,
        "seconds": seconds,
        "first_times_faster": seconds["torchvision"] / seconds["ours_first"],
        "cached_times_faster": seconds["torchvision"] / seconds["ours_cached"],
    }


def describe(figures: dict[str, Any]) -> str:
    """Put the figures in words."""
    seconds = figures["seconds"]
    kind = "random" if figures["synthetic"] else "real"
    return "\n".join(
        [
            f"{figures['rows']:,} {kind} rows, {figures['bytes'] / 1e6:.0f} MB",
            f"torchvision.datasets.FER2013 (training rows): {seconds['torchvision']:.2f} s",
            f"fertutor, first time: {seconds['ours_first']:.2f} s "
            f"({figures['first_times_faster']:.1f}x faster)",
            f"fertutor, from its cache: {seconds['ours_cached']:.3f} s "
            f"({figures['cached_times_faster']:.0f}x faster)",
        ]
    )


def _source(root: str | None, folder: Path) -> Path:
    """Return the CSV as ``fer2013/fer2013.csv`` below `folder`, where torchvision looks for it."""
    path = folder / "fer2013" / "fer2013.csv"
    path.parent.mkdir()
    if root:
        path.symlink_to((expanded(root) / "fer2013.csv").resolve(strict=True))
    else:
        _write_random(path)
    return path


def _write_random(path: Path) -> None:
    """Write an official-format CSV with as many rows as FER-2013; a thousand random faces in turn."""
    random = np.random.default_rng(0)
    faces = [" ".join(map(str, random.integers(0, 256, 48 * 48))) for _ in range(1000)]
    with open(path, "w", newline="") as file:
        file.write("emotion,pixels,Usage\n")
        for usage, counts in COUNTS.items():
            rows = range(sum(counts))
            file.writelines(f"{row % 7},{faces[row % len(faces)]},{usage}\n" for row in rows)
    an_hour_ago = time.time() - 3600  # a file that has just changed is not cached
    os.utime(path, (an_hour_ago, an_hour_ago))


def _read_ours(path: Path, cache: Path) -> int:
    import fertutor

    with mock.patch.dict(os.environ, {"FERTUTOR_CACHE": str(cache)}):
        return sum(map(len, fertutor.load_faces("fer2013", root=path).parts().values()))


def _read_torchvision(path: Path) -> int:
    from torchvision.datasets import fer2013

    with mock.patch.object(fer2013, "check_integrity", return_value=True):
        return len(fer2013.FER2013(path.parents[1], split="train"))
