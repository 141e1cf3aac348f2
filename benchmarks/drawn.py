"""Drawing faces: faces a second at 48 x 48, and what it costs per face as their number grows.

The other side is the plainest alternative, drawing one face a call: what batches are for.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.timing import alternate, machine


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return the median faces a second for 256 to 4096 faces, and one by one."""
    import torch

    from fertutor.faces.drawn import draw_faces, plan_drawn
    from fertutor.training.device import choose_setting

    if args.threads:
        torch.set_num_threads(args.threads)
    device = choose_setting(args.device).device
    largest = 1024 if args.quick else 4096
    plan = plan_drawn("drawn-wild", size=largest)
    rows = [value.to(device) for value in (plan.action_units, plan.people, plan.scenes)]
    numbers = [n for n in (256, 1024, 4096) if n <= largest]

    def draw(n: int, step: int) -> None:
        for start in range(0, n, step):
            units, people, scenes = (value[start : start + step] for value in rows)
            draw_faces(units, people, scenes)

    single = 32
    ways = {f"{n}": lambda n=n: draw(n, n) for n in numbers}
    with torch.no_grad():
        seconds = alternate({**ways, "one": lambda: draw(single, 1)}, repeats=3 if args.quick else 5)
    return {
        "faces_per_second": {str(n): n / seconds[str(n)] for n in numbers},
        "faces_per_second_one_by_one": single / seconds["one"],
        "size": 48,
        "device": device,
        **machine(),
    }


def describe(figures: dict[str, Any]) -> str:
    """Return the figures in words."""
    lines = [f"Drawing {figures['size']} x {figures['size']} faces on {figures['device']}:"]
    for n, rate in figures["faces_per_second"].items():
        lines.append(f"  {n:>5} faces in one call  {rate:8.0f} faces a second")
    lines.append(f"  one face a call        {figures['faces_per_second_one_by_one']:8.0f} faces a second")
    lines.append(f"  {figures['threads']} threads, {figures['cpu_capability']}, torch {figures['torch']}")
    return "\n".join(lines)
