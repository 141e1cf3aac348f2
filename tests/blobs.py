"""What the tests of training train on: faces that can be learned in a few steps, and a recipe that is quick."""

from __future__ import annotations

from dataclasses import replace

import torch

from fertutor.faces.table import FaceSplits, FaceTable
from fertutor.training.augment import Augmentation
from fertutor.training.recipes import PAPER


def blobs(n: int, seed: int = 0) -> FaceTable:
    """Faces that can be learned: a bright square whose place is its label."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 60, (n, 1, 48, 48), dtype=torch.uint8, generator=generator)
    labels = torch.arange(n) % 7
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 10:24, 2 + 6 * label : 8 + 6 * label] = 230
    return FaceTable(images, labels)


def splits(n: int = 140) -> FaceSplits:
    return FaceSplits("blobs", blobs(n), blobs(70, 1), None)


QUICK = replace(PAPER, epochs=3, batch=32, gaussian=None, learning_rate=0.002, augmentation=Augmentation())


def silent(line: str) -> None:
    """Report nothing."""
