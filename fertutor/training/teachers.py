"""Soft targets from trained networks: what they say of the training faces (Hinton et al. 2015).

Many labels of FER-2013 are disputed. Networks that were trained on the same faces spread a face's target
over the expressions that it may show; no other data come in.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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


@torch.no_grad()
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

    The recipe must train on votes (``soft``); its label smoothing and mixup then act on these. Book chapter:
    *The record*.

    Args:
        table: the training faces.
        teachers: networks of as many classes, trained on no face that validates; they are not changed.
        share: 0 to 1.
        augmentation: how the copies are changed.
        seed: of the changes.
        setting: where and in which precision the teachers run.

    Returns:
        The table with votes float32 ``(n, classes)``, on its device.

    Raises:
        InputError: for no teachers, a share out of range, or a teacher of another number of classes.
    """
    if not teachers:
        raise InputError("there is no teacher: name weights with --teacher")
    if not 0 <= share <= 1:
        raise InputError(f"the teachers' share must lie between 0 and 1, not {share:g}")
    # the caller's networks may be in training mode, and elsewhere
    networks = [copy.deepcopy(teacher).cpu().eval() for teacher in teachers]
    for network in networks:
        classes = network(torch.zeros(1, *table.images.shape[1:])).shape[1]
        if classes != table.classes:
            raise InputError(
                f"a teacher tells {classes} expressions apart and the faces have {table.classes}: name "
                "weights that were trained on such labels"
            )
    said = torch.zeros(len(table), table.classes, device=table.labels.device)
    for number, network in enumerate(networks):
        network.to(setting.device).to(memory_format=setting.memory_format)
        for view in range(VIEWS):
            generator = generator_for(seed, number * VIEWS + view, "teacher")
            batches = torch.arange(len(table)).split(256)
            for rows in progress(batches, f"teacher {number + 1}, view {view + 1}/{VIEWS}"):
                x = augment(table.images[rows].to(setting.device), augmentation, generator)
                x = x.to(memory_format=setting.memory_format)
                with torch.autocast(setting.device, torch.bfloat16, enabled=setting.precision == "bf16"):
                    logits = network(x)
                said[rows] += logits.float().softmax(1).to(said.device)
    own = soft_targets(table.labels, table.votes, table.classes)
    return replace(table, votes=(1 - share) * own + share * said / (VIEWS * len(teachers)))


def save_votes(votes: Tensor, facts: dict[str, Any], folder: Path) -> None:
    """Keep a table's votes in a run's folder: computed anew they may differ in the last digit.

    Args:
        votes: float32 ``(n, classes)``.
        facts: who the teachers are, as JSON values.
        folder: of the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / FILE) as temporary:
        safetensors.torch.save_file({"votes": votes}, temporary, metadata={"facts": json.dumps(facts)})


def load_votes(table: FaceTable, facts: dict[str, Any], folder: Path) -> FaceTable:
    """Return the table with the votes that :func:`save_votes` kept.

    Raises:
        InputError: when there is no such file, it is damaged, or it was made of other teachers or faces.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(
            f"{folder} holds no run with teachers: leave --teacher out, or start without --resume"
        )
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            kept = json.loads((file.metadata() or {})["facts"])
            votes = file.get_tensor("votes").clone()  # see load_checkpoint
    except (safetensors.SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}): start the run again in another folder") from error
    others = any(kept.get(name) != facts[name] for name in ("sha256", "share"))  # files may have been moved
    if others or votes.shape != (len(table), table.classes):
        what = "teachers" if others else "faces"
        raise InputError(
            f"the run in {folder} was started with other {what}: resume it with what it was started with, or "
            "name another folder with --out"
        )
    return replace(table, votes=votes.to(table.labels.device))
