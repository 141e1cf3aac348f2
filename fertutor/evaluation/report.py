"""How good a network is: accuracy with its interval, confusion matrix, per-class figures.

Paper, sections 4.2 and 4.3. Book chapter: *The record*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..expressions import class_names
from ..faces.table import FaceTable, check_table
from ..mode import check_network, device_of, evaluating
from ..progress import progress
from ..training.device import choose_setting, full_precision

BATCH = 512
Z = 1.959964
"""The standard normal quantile of 95 % intervals."""


@dataclass(frozen=True)
class Report:
    """What a network did on a face table.

    Attributes:
        confusion: int64 ``(classes, classes)``; rows true, columns predicted.
        tta: whether every face was judged as the mean of itself and its mirror image.
    """

    confusion: Tensor
    tta: bool = False

    @property
    def n(self) -> int:
        """The number of faces."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of faces whose most probable class is the true one."""
        return int(self.confusion.diagonal().sum()) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the accuracy."""
        return wilson_interval(int(self.confusion.diagonal().sum()), self.n)

    @property
    def per_class(self) -> dict[str, dict[str, float | None]]:
        """Precision, recall, F1 and the number of faces of each class; None where there is no face."""
        figures: dict[str, dict[str, float | None]] = {}
        names = class_names(len(self.confusion))
        for index, name in enumerate(names):
            hit = int(self.confusion[index, index])
            true, said = int(self.confusion[index].sum()), int(self.confusion[:, index].sum())
            figures[name] = {
                "n": true,
                "precision": hit / said if said else None,
                "recall": hit / true if true else None,
                "f1": 2 * hit / (true + said) if true + said else None,
            }
        return figures

    def summary(self) -> dict[str, Any]:
        """Return accuracy, interval and n as plain JSON values."""
        return {"accuracy": self.accuracy, "interval": list(self.interval), "n": self.n}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            **self.summary(),
            "tta": self.tta,
            "confusion": self.confusion.tolist(),
            "per_class": self.per_class,
        }


def evaluate(
    network: nn.Module,
    table: FaceTable,
    *,
    tta: bool = False,
    device: str = "auto",
    show_progress: bool = False,
) -> Report:
    """Measure a network on a face table.

    Args:
        network: faces ``(n, 1, 48, 48)`` in [0, 1] → logits; it is put in eval mode for the while.
        table: the faces and their labels.
        tta: average the probabilities of each face and its mirror image.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        show_progress: draw a progress bar on stderr.

    Raises:
        InputError: when the table is empty or has other classes than the network, or for what is no network
            or no table.

    Example:
        >>> fertutor.evaluate(network, splits.val).accuracy
    """
    said = answers(network, table, tta=tta, device=device, show_progress=show_progress)
    classes = table.classes
    pairs = table.labels.cpu() * classes + said
    return Report(torch.bincount(pairs, minlength=classes**2).view(classes, classes), tta)


def answers(
    network: nn.Module,
    table: FaceTable,
    *,
    tta: bool = False,
    device: str = "auto",
    show_progress: bool = False,
) -> Tensor:
    """Return the most probable class of each face of a table, int64 ``(n,)`` on the CPU.

    Takes the arguments of :func:`evaluate`, and raises what it raises.
    """
    check_network(network)
    check_table(table)
    if not len(table):
        raise InputError("there are no faces to evaluate on: choose another split or set")
    probabilities = predict_probabilities(
        network, table.images, tta=tta, device=device, show_progress=show_progress
    )
    classes = probabilities.shape[1]
    if classes != table.classes:
        labels, contempt = ("ferplus8", "keep") if classes == 8 else ("original or ferplus", "drop")
        raise InputError(
            f"the network tells {classes} classes apart and the faces have {table.classes}: choose "
            f"--labels {labels} (fer2013) or --contempt {contempt} (ckplus), or another network"
        )
    return probabilities.argmax(1)


@torch.no_grad()
def predict_probabilities(
    network: nn.Module,
    images: Tensor,
    *,
    tta: bool = False,
    device: str | None = "auto",
    show_progress: bool = False,
) -> Tensor:
    """Return probabilities float32 ``(n, classes)`` on the CPU.

    Args:
        network: faces in [0, 1] → logits; put in eval mode for the while, and left as it was.
        images: uint8 ``(n, 1, 48, 48)``.
        tta: average each face's probabilities with its mirror image's.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``; None is where the network is.
        show_progress: draw a progress bar on stderr.
    """
    home = device_of(network)
    place = home if device is None else torch.device(choose_setting(device, "fp32").device)
    network.to(place)
    try:
        parts = []
        with evaluating(network), full_precision():
            for batch in progress(images.split(BATCH), "evaluating", show=show_progress):
                # a copy also where a caller has floats from 0 to 255
                x = batch.to(place).to(torch.float32, copy=True).div_(255)
                probabilities = network(x).softmax(1)
                if tta:
                    probabilities = (probabilities + network(x.flip(-1)).softmax(1)) / 2
                parts.append(probabilities.cpu())
    finally:
        network.to(home)
    return torch.cat(parts)


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927), at 95 %.

    Args:
        right: successes, 0 to `n`.
        n: trials, 1 or more.

    Raises:
        ValueError: for other numbers than these.
    """
    if not 0 <= right <= n or n < 1:
        raise ValueError(f"{right} of {n} is no share")
    share, z = right / n, Z
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # rounding must not push a bound past the share itself, which happens at 0 and at n
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))
