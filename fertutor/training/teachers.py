"""Soft targets from trained networks: what they say of the training faces (Hinton et al. 2015).

Many labels of FER-2013 are disputed. Networks that were trained on the same faces spread a face's target
over the expressions that it may show; no other data come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..faces.table import FaceTable
from ..files import replacing
from ..progress import progress
from .augment import Augmentation, augment
from .device import Setting
from .objective import soft_targets
from .seeds import generator_for

FILE = "votes.safetensors"
VIEWS = 8
"""Changed copies of each face that a teacher is asked about: the face itself it may know by heart."""


@torch.inference_mode()
def taught(
    table: FaceTable,
    teachers: Sequence[nn.Module],
    share: float,
    augmentation: Augmentation,
    *,
    seed: int,
    setting: Setting,
) -> FaceTable:
    """Return the table with votes that are partly the teachers'.

    A face's votes are (1 - share) times its own (its votes where it has some, otherwise its label) and
    `share` times the mean of the teachers' probabilities over :data:`VIEWS` changed copies of it.

    Args:
        table: the training faces.
        teachers: networks of as many classes.
        share: 0 to 1.
        augmentation: how the copies are changed.
        seed: of the changes.
        setting: where and in which precision the teachers run.

    Raises:
        InputError: for no teachers, a share out of range, or a teacher of another number of classes.
    """
    if not teachers:
        raise InputError("there is no teacher: name weights with --teacher")
    if not 0 <= share <= 1:
        raise InputError(f"the teachers' share must lie between 0 and 1, not {share:g}")
    for teacher in teachers:
        classes = teacher.cpu()(torch.zeros(1, *table.images.shape[1:])).shape[1]
        if classes != table.classes:
            raise InputError(
                f"a teacher tells {classes} expressions apart and the faces have {table.classes}: name "
                "weights that were trained on such labels"
            )
    said = torch.zeros(len(table), table.classes)
    for number, teacher in enumerate(teachers):
        network = teacher.to(setting.device).to(memory_format=setting.memory_format).eval()
        for view in range(VIEWS):
            generator = generator_for(seed, number * VIEWS + view, "teacher")
            batches = torch.arange(len(table)).split(256)
            for rows in progress(batches, f"teacher {number + 1}, view {view + 1}/{VIEWS}"):
                x = augment(table.images[rows].to(setting.device), augmentation, generator)
                x = x.to(memory_format=setting.memory_format)
                with torch.autocast(setting.device, torch.bfloat16, enabled=setting.precision == "bf16"):
                    logits = network(x)
                said[rows] += logits.float().softmax(1).cpu()
    own = soft_targets(table.labels, table.votes, table.classes, 0.0)
    return replace(table, votes=(1 - share) * own + share * said / (VIEWS * len(teachers)))


def save_votes(votes: Tensor, folder: Path) -> None:
    """Keep a table's votes in a run's folder: computed anew they may differ in the last digit."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / FILE) as temporary:
        safetensors.torch.save_file({"votes": votes}, temporary)


def load_votes(folder: Path) -> Tensor:
    """Return what :func:`save_votes` kept, float32 ``(n, classes)``.

    Raises:
        InputError: when the file is missing or damaged.
    """
    try:
        return safetensors.torch.load_file(folder / FILE)["votes"]
    except (safetensors.SafetensorError, OSError, KeyError) as error:
        raise InputError(
            f"{folder / FILE} is missing or damaged: start the run again in another folder"
        ) from error
