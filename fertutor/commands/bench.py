"""``fertutor bench``: the benchmarks of a source checkout."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from ..checkout import ROOT
from ..errors import InputError
from .device_option import add_device_option

BENCHMARKS = ("drawn", "faces", "occlusion", "page", "saliency", "training")
MOST_THREADS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's name and its options."""
    parser.add_argument("benchmark", choices=BENCHMARKS)
    parser.add_argument("--root", help="folder with the real FER-2013, where the benchmark can use it")
    add_device_option(parser)
    parser.add_argument("--threads", type=int, help="processor threads (default: the benchmark's own choice)")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: a look, not a measurement")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON value")


def run(args: argparse.Namespace) -> None:
    """Run ``benchmarks/NAME.py``: its ``measure(args)`` returns figures, ``describe`` puts them in words."""
    from ..training.device import choose_setting

    if not (ROOT / "benchmarks" / f"{args.benchmark}.py").is_file():
        raise InputError("benchmarks are part of the source checkout: clone the project and run it there")
    if args.threads is not None and not 1 <= args.threads <= MOST_THREADS:
        raise InputError(f"--threads must be from 1 to {MOST_THREADS}, not {args.threads}")
    choose_setting(args.device)  # refuses a GPU that is not there
    sys.path.insert(0, str(ROOT))
    module = importlib.import_module(f"benchmarks.{args.benchmark}")
    figures = module.measure(args)
    print(json.dumps(figures) if args.json else module.describe(figures))
