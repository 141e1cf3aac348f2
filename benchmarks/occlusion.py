"""Occlusion maps: ours against captum's ``Occlusion``, both sides in one run, taking turns.

captum runs with its defaults (one window a forward pass) and with the best of several
``perturbations_per_eval``, found in the same run. Both get the same images and compute the same windows
in fp32 (TF32 is off on a GPU). What ours does once for a network and a set of windows (tracing it, the
geometry) is kept from call to call; "first call" is the time with it. With one thread the clock is the
process's CPU time, so that what else the machine does counts less; else it is the wall's.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import alternate, machine
from fertutor.network.weights import build_network
from fertutor.saliency.occlusion import default_batch, occlude
from fertutor.saliency.plan import Plan
from fertutor.saliency.windows import Windows
from fertutor.training.device import choose_setting

SIZE = 8
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "features, 10 channels": ("attentional", {"sampler": "features"}),
    "features, 64 channels": ("attentional", {"sampler": "features", "channels": 64}),
    "input sampler": ("attentional", {"sampler": "input"}),
    "compact": ("compact", {}),
}
FLOORS = {
    "features, 10 channels": (6, 2.5),
    "features, 64 channels": (6, 5),
    "input sampler": (3, 1.3),
    "compact": (5, 4),
}
"""Times faster than captum with its defaults, and at its best: what we ask of ourselves."""

LINEAR = ((4, 1), (4, 4), (4, 16), (2, 1), (1, 1), (1, 4))
"""Strides and numbers of images at which the cost of one occluded face is compared."""


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds an image and ratios, for each network, stride, number of images and threads."""
    device = torch.device(choose_setting(args.device).device)
    gpu = device.type == "cuda"
    torch.backends.cudnn.allow_tf32 = False  # as `occlude` has it, for captum too
    threads = [args.threads] if args.threads else [1] if gpu else [1, 2]
    cases = [(4, 1), (4, 8)] if args.quick else [(4, 1), (4, 8), (1, 1)]
    rows, linear = [], []
    before = torch.get_num_threads()
    for count in threads:
        torch.set_num_threads(count)
        for name, (kind, arguments) in NETWORKS.items():
            network = _awake(build_network(kind, **arguments)).to(device)
            for stride, images in cases:
                repeats = 1 if args.quick or stride == 1 else 3
                row = _compare(network, stride, images, device, repeats, count)
                rows.append({"network": name, "threads": count, **row})
                print(_row(rows[-1]), file=sys.stderr, flush=True)
            if count == threads[0] and not args.quick:
                linear.append({"network": name, "threads": count, "costs": _costs(network, device, count)})
    figures = {
        "machine": machine(),
        "size": SIZE,
        "clock": _clock_name(threads, gpu),
        "rows": rows,
        "linear": linear,
    }
    torch.set_num_threads(before)
    return figures


def describe(figures: dict[str, Any]) -> str:
    """Put the figures in a table."""
    lines = [
        f"Occlusion maps, N = {figures['size']}, 48x48; {figures['clock']}; {figures['machine']}",
        "",
        "| network | threads | stride | images | ours, ms an image (first call) | captum default "
        "| captum best (windows a pass) | against default | against best | floors "
        "| arithmetic left | its limit |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in figures["rows"]:
        lines.append(_row(row))
    worst = max(row["largest_difference"] for row in figures["rows"])
    lines += [
        "",
        "Arithmetic: multiply-adds of the layers, as a share of the plain definition's; the limit is what is",
        "left when every square is cropped as tightly as its reach allows. Ours and captum's attributions",
        f"differ by {worst:.0e} at most.",
    ]
    if figures["linear"]:
        cases = [f"s={stride}, {images}" for stride, images in LINEAR]
        lines += ["", "Microseconds an occluded face, by stride and number of images:", ""]
        lines += [f"| network | threads | {' | '.join(cases)} |", "|---" * (2 + len(cases)) + "|"]
    for row in figures["linear"]:
        costs = " | ".join(f"{cost['microseconds']:.0f}" for cost in row["costs"])
        lines.append(f"| {row['network']} | {row['threads']} | {costs} |")
    return "\n".join(lines)


def _row(row: dict[str, Any]) -> str:
    """One line of the table; shown on stderr as soon as it is measured, because all take long."""
    default, best = FLOORS[row["network"]]
    return (
        f"| {row['network']} | {row['threads']} | {row['stride']} | {row['images']} "
        f"| {row['ours_ms']:.1f} ({row['ours_first_ms']:.1f}) | {row['captum_default_ms']:.0f} "
        f"| {row['captum_best_ms']:.1f} ({row['captum_windows_a_pass']}) | {row['against_default']:.1f}x "
        f"| {row['against_best']:.1f}x | {default}x, {best}x "
        f"| 1/{1 / row['arithmetic_share']:.1f} | 1/{1 / row['least_arithmetic_share']:.1f} |"
    )


def _compare(
    network: nn.Module, stride: int, images: int, device: torch.device, repeats: int, threads: int
) -> dict[str, Any]:
    from captum.attr import Occlusion

    faces, labels = _faces(images, device)
    occlusion = Occlusion(lambda x: network(x).softmax(1))

    def captum(windows_a_pass: int) -> Tensor:
        with torch.inference_mode():
            return occlusion.attribute(
                faces,
                target=labels,
                sliding_window_shapes=(1, SIZE, SIZE),
                strides=(1, stride, stride),
                perturbations_per_eval=windows_a_pass,
            )

    def ours() -> Tensor:
        return occlude(network, faces, SIZE, stride, labels).drop

    def first() -> Tensor:
        return occlude(next(copies), faces, SIZE, stride, labels).drop

    copies = iter([copy.deepcopy(network) for _ in range(repeats + 1)])
    clock = _clock(threads, device)
    passes = (1, 4, 8, 16, 32, 64) if device.type == "cpu" else (1, 64, 256, 1024)
    trials: dict[str, Callable[[], object]] = {str(n): partial(captum, n) for n in passes}
    trial = alternate(trials, repeats=1, warm_up=1 if stride > 1 else 0, clock=clock)
    best = int(min(trial, key=lambda name: trial[name]))
    ways: dict[str, Callable[[], object]] = {"ours": ours, "best": trials[str(best)], "default": trials["1"]}
    seconds = alternate(ways, repeats=2 * repeats + 1, clock=clock)
    seconds |= alternate({"first": first}, repeats=repeats, clock=clock)
    plan = Plan(network, Windows(SIZE, stride), images, default_batch(device))
    return {
        "stride": stride,
        "windows": plan.windows.count,
        "images": images,
        "ours_ms": 1e3 * seconds["ours"] / images,
        "ours_first_ms": 1e3 * seconds["first"] / images,
        "captum_default_ms": 1e3 * seconds["default"] / images,
        "captum_best_ms": 1e3 * seconds["best"] / images,
        "captum_windows_a_pass": best,
        "against_default": seconds["default"] / seconds["ours"],
        "against_best": seconds["best"] / seconds["ours"],
        "arithmetic_share": plan.multiply_adds / plan.plain_multiply_adds,
        "least_arithmetic_share": plan.least_multiply_adds / plan.plain_multiply_adds,
        "largest_difference": float((ours() - captum(best)[:, 0]).abs().max()),
    }


def _costs(network: nn.Module, device: torch.device, threads: int) -> list[dict[str, float]]:
    """What one occluded face costs with more windows and with more images: the same, if all is linear."""
    ways: dict[str, Callable[[], object]] = {}
    for stride, images in LINEAR:
        faces, labels = _faces(images, device)
        ways[f"{stride} {images}"] = partial(occlude, network, faces, SIZE, stride, labels)
    seconds = alternate(ways, repeats=5, clock=_clock(threads, device))
    return [
        {
            "stride": stride,
            "images": images,
            "microseconds": 1e6 * seconds[f"{stride} {images}"] / images / Windows(SIZE, stride).count,
        }
        for stride, images in LINEAR
    ]


def _faces(images: int, device: torch.device) -> tuple[Tensor, Tensor]:
    faces = torch.rand(images, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    return faces.to(device), torch.zeros(images, dtype=torch.int64, device=device)


def _clock(threads: int, device: torch.device) -> Callable[[], float]:
    return time.process_time if threads == 1 and device.type == "cpu" else time.perf_counter


def _awake(network: nn.Module) -> nn.Module:
    """Eval mode, with a localization network that looks at its input: as after training."""
    torch.manual_seed(0)
    for name, parameter in network.named_parameters():
        if name.endswith("theta.weight"):
            nn.init.normal_(parameter, 0, 0.05)
    return network.eval()


def _clock_name(threads: list[int], gpu: bool) -> str:
    if gpu:
        return "wall time"
    return (
        "CPU time of the process with one thread, wall time with more"
        if len(threads) > 1
        else ("CPU time of the process" if threads == [1] else "wall time")
    )
