"""Images a second of training: ours and a straight PyTorch loop, in one run.

The straight loop is what most reimplementations have: a Dataset that opens every face with PIL, a
DataLoader, torchvision's transforms on each image, fp32, the default memory format, torch's default
Adam. Both sides train the same network on the same faces with the same batch and the same kinds of
augmentation, in two pairs: with the flips, rotations and distortions of the paper's recipe, and without
the distortions, which torchvision's transforms take most of their time for. Then the other networks, with
distortions, how our time grows with the number of faces and with the batch, what the paper's 300 epochs come
to, and how near our arithmetic is to that of one large matrix product. Last, what trained networks take to
answer: a batch, and one face, as an application in real time asks.

On a GPU our side trains on as many faces as FER-2013 has, and what counts are the epochs after the first:
making ready takes as long as hundreds of steps there. It is also timed with steps that are not recorded
(``fertutor/training/graph.py``).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import v2

from benchmarks.timing import alternate, machine
from fertutor.faces.fer2013 import COUNTS
from fertutor.faces.table import FaceSplits, FaceTable
from fertutor.network.weights import build_network
from fertutor.training.balance import epoch_order
from fertutor.training.device import Setting, choose_setting
from fertutor.training.loop import Run, train
from fertutor.training.recipes import PAPER

FACES = 2048
BATCH = 128
FEW_FACES = 512
"""For the networks that take longer, on which nothing but the network differs."""

OTHERS = ("compact", "best", "deep")
GROWTH = ((512, 128), (2048, 128), (8192, 128), (2048, 32), (2048, 512))
"""(Faces, batch) of an epoch of the paper's network."""
SURVEYED = COUNTS["Training"]
"""Training faces of FER-2013 by class, of which the paper's recipe repeats the rare ones."""

GPU_FACES, GPU_EPOCHS = sum(SURVEYED), 3
GPU_GROWTH = ((8192, 128), (GPU_FACES, 128), (GPU_FACES, 32), (GPU_FACES, 512))

Ways = dict[str, tuple[FaceTable, Callable[..., Any]]]
"""Name → faces, and what trains a network on them."""


class FaceFiles(Dataset):
    """One image file a face, opened with PIL each time it is asked for."""

    def __init__(self, folder: Path, labels: list[int], transform: Callable[[Image.Image], Tensor]) -> None:
        self.folder, self.labels, self.transform = folder, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Image.open(self.folder / f"{index}.png") as image:
            return self.transform(image.convert("L")), self.labels[index]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return images a second of each way of training the network of Figure 3."""
    setting = choose_setting(args.device)
    gpu = setting.device == "cuda"
    torch.set_num_threads(args.threads or 1)
    table = _faces(512 if args.quick else FACES)
    few = table[:FEW_FACES]
    many = _faces(GPU_FACES) if gpu else table
    ours = partial(_ours, device=setting.device)
    one_core = not gpu and torch.get_num_threads() == 1
    clock = time.process_time if one_core else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        for index, image in enumerate(table.images):
            Image.fromarray(image[0].numpy()).save(Path(folder) / f"{index}.png")
        straight = partial(_straight, Path(folder), device=setting.device)
        ways: Ways = {
            "ours": (many, ours),
            "PIL loop": (table, straight),
            "ours, undistorted": (many, partial(ours, distort=False)),
            "PIL loop, undistorted": (table, partial(straight, distort=False)),
        }
        others: Ways = {}
        for kind in OTHERS:
            others[f"ours, {kind}"] = (many if gpu else few, partial(ours, kind=kind))
            others[f"PIL loop, {kind}"] = (few, partial(straight, kind=kind))
        if gpu:
            others["ours, not recorded"] = (many, partial(ours, graphs=False))
        rates = _rates(ways, 3 if args.quick else 7, clock, gpu)
        rates |= _rates(others, 3, clock, gpu)
    grown: Ways = {
        f"{faces} faces, batch {batch}": (_faces(faces), partial(ours, batch=batch))
        for faces, batch in (GPU_GROWTH if gpu else GROWTH)
    }
    labels = torch.arange(len(SURVEYED)).repeat_interleave(torch.tensor(SURVEYED))
    oversampled = len(epoch_order(labels, oversample=True, generator=torch.Generator()))
    return {
        "minutes_of_300_epochs": 300 * oversampled / rates["ours"] / 60,
        "operations_per_second": {
            kind: rates[f"ours, {kind}" if kind in OTHERS else "ours"] * _operations(kind, setting.device)
            for kind in ("attentional", *OTHERS)
        },
        "matrix_product": _matrix_product(setting, clock),
        "answering": _answering(setting.device, clock),
        "images_per_second": rates,
        "ratio": rates["ours"] / rates["PIL loop"],
        "ratio_undistorted": rates["ours, undistorted"] / rates["PIL loop, undistorted"],
        "growth": _rates(grown, 3, clock, gpu),
        "faces": {"ours": len(many), "PIL loop": len(table)},
        "batch": BATCH,
        "clock": "process CPU time" if one_core else "wall",
        "setting": setting.as_dict(),
        "machine": machine(),
    }


def _rates(ways: Ways, repeats: int, clock: Callable[[], float], gpu: bool) -> dict[str, float]:
    """Return images a second of each way of training on its faces; on a GPU ours once it has begun."""
    steady = [name for name in ways if gpu and not name.startswith("PIL")]
    timed: dict[str, Callable[[], object]] = {
        name: partial(way, table) for name, (table, way) in ways.items() if name not in steady
    }
    seconds = alternate(timed, repeats, clock=clock) if timed else {}
    for name in steady:
        table, way = ways[name]
        run = way(table, epochs=GPU_EPOCHS)
        seconds[name] = statistics.median(epoch["seconds"] for epoch in run.history[1:])
    return {name: len(table) / seconds[name] for name, (table, _) in ways.items()}


def describe(figures: dict[str, Any]) -> str:
    """Return the figures as a table."""
    lines = [f"training the network of Figure 3, batch {figures['batch']}, {figures['clock']}"]
    for name, rate in figures["images_per_second"].items():
        lines.append(f"{name:>22} {rate:8.0f} images/s")
    lines.append(
        f"ours is {figures['ratio']:.2f} times as fast, "
        f"{figures['ratio_undistorted']:.2f} times without distortions"
    )
    lines += [f"{name:>26} {rate:8.0f} images/s" for name, rate in figures["growth"].items()]
    lines.append(f"300 epochs of FER-2013, oversampled: {figures['minutes_of_300_epochs']:.1f} min")
    peak = figures["matrix_product"]
    lines += [
        f"{kind:>26} {1e-9 * rate:8.0f} billion operations/s, {rate / peak:.1%} of a large matrix product's"
        for kind, rate in figures["operations_per_second"].items()
    ]
    lines += [
        f"{kind:>26} answers {found['images_per_second']:.0f} images/s, "
        f"one face in {found['ms_one_face']:.1f} ms"
        for kind, found in figures["answering"].items()
    ]
    lines.append(f"{figures['setting']}  {figures['machine']}")
    return "\n".join(lines)


def _faces(n: int) -> FaceTable:
    """Random faces: neither side's speed depends on what a face shows."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 1, 48, 48), dtype=torch.uint8, generator=generator)
    return FaceTable(images, torch.arange(n) % 7)


def _operations(kind: str, device: str) -> float:
    """Return additions and multiplications of a training step, a face; of convolutions and linear layers."""
    network = build_network(kind).to(device)
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(BATCH, 1, 48, 48, device=device)).sum().backward()
    return counter.get_total_flops() / BATCH


def _matrix_product(setting: Setting, clock: Callable[[], float]) -> float:
    """Return operations a second of a product of two large matrices in the precision that we train in."""
    side = 2048 if setting.device == "cpu" else 8192
    dtype = torch.bfloat16 if setting.precision == "bf16" else torch.float32
    a = torch.rand(side, side, dtype=dtype, device=setting.device)
    seconds = alternate({"product": lambda: float((a @ a)[0, 0])}, repeats=7, clock=clock)["product"]
    return 2 * side**3 / seconds


def _answering(device: str, clock: Callable[[], float]) -> dict[str, dict[str, float]]:
    """Return what each network takes to answer, in fp32: images a second of a batch, and ms for one face."""
    ways: dict[str, Callable[[], object]] = {}
    for kind in ("attentional", *OTHERS):
        network = build_network(kind).to(device).eval()
        for n in (BATCH, 1):
            ways[f"{kind}, {n}"] = partial(_answer, network, torch.rand(n, 1, 48, 48, device=device))
    seconds = alternate(ways, repeats=7, clock=clock)
    return {
        kind: {
            "images_per_second": BATCH / seconds[f"{kind}, {BATCH}"],
            "ms_one_face": 1000 * seconds[f"{kind}, 1"],
        }
        for kind in ("attentional", *OTHERS)
    }


@torch.inference_mode()
def _answer(network: nn.Module, faces: Tensor) -> float:
    return float(network(faces)[0, 0])  # waits for a GPU


def _ours(
    table: FaceTable,
    device: str,
    distort: bool = True,
    kind: str = "attentional",
    batch: int = BATCH,
    epochs: int = 1,
    graphs: bool = True,
) -> Run:
    how = PAPER.augmentation if distort else replace(PAPER.augmentation, distortion=0.0)
    recipe = replace(PAPER, epochs=epochs, batch=batch, oversample=False, penalty=0.0, augmentation=how)
    splits = FaceSplits("random", table, table[: table.classes], None)
    return train(build_network(kind), splits, recipe, device=device, graphs=graphs, report=lambda line: None)


def _straight(
    folder: Path, table: FaceTable, device: str, distort: bool = True, kind: str = "attentional"
) -> None:
    steps: list[nn.Module] = [v2.RandomHorizontalFlip(), v2.RandomRotation(10, v2.InterpolationMode.BILINEAR)]
    if distort:
        steps.append(v2.ElasticTransform(alpha=10.0, sigma=4.0))
    steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    dataset = FaceFiles(folder, table.labels.tolist(), v2.Compose(steps))
    network = build_network(kind).to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005, weight_decay=0.001)
    for images, labels in DataLoader(dataset, batch_size=BATCH, shuffle=True):
        optimizer.zero_grad()
        F.cross_entropy(network(images.to(device)), labels.to(device)).backward()
        optimizer.step()
