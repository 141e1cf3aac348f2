"""Checkpoints: everything a run needs to go on, in one safetensors file, replaced whole.

A run can be killed at any moment: it goes on from the end of its last whole epoch, and because an
epoch's random numbers depend on the seed and the epoch alone, it ends where it would have ended.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ..errors import InputError
from ..files import checksum, replacing

State = dict[str, Tensor]
FILE = "checkpoint.safetensors"
FACTS = {"identity", "history", "best_epoch", "diverged"}
"""What the facts of a checkpoint hold at least."""


def save_checkpoint(folder: Path, parts: dict[str, State], facts: dict[str, Any], token: str) -> None:
    """Write the named parts' tensors and the facts (JSON values) to ``folder``, atomically.

    The token is the writing process's own, see :func:`writer`.
    """
    tensors = {
        f"{part}/{name}": value.detach().cpu().contiguous()
        for part, state in parts.items()
        for name, value in state.items()
    }
    metadata = {"facts": json.dumps(facts), "checksum": str(checksum(tensors)), "writer": token}
    with replacing(folder / FILE) as temporary:
        safetensors.torch.save_file(tensors, temporary, metadata)


def writer(folder: Path) -> str | None:
    """Return the token of the process that wrote the folder's checkpoint; None where that cannot be read."""
    try:
        with safetensors.safe_open(folder / FILE, framework="pt") as file:
            return (file.metadata() or {}).get("writer")
    except (safetensors.SafetensorError, OSError):
        return None


def load_checkpoint(folder: Path) -> tuple[dict[str, State], dict[str, Any]]:
    """Return the parts and the facts that :func:`save_checkpoint` wrote.

    Raises:
        InputError: when there is no checkpoint, or it is damaged.
    """
    path = folder / FILE
    if not path.exists():
        raise InputError(f"{folder} holds no run to resume: start it without --resume")
    parts: dict[str, State] = {}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # copies: Windows replaces no file of which a part is still mapped into memory
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
        facts = json.loads(metadata.get("facts", "null"))
        if not isinstance(facts, dict) or not FACTS <= facts.keys():
            raise ValueError("it is no checkpoint of a run")
        if metadata.get("checksum") not in (None, str(checksum(tensors))):  # older runs have none
            raise ValueError("its numbers are not those that were written")
        for key, value in tensors.items():
            part, name = key.split("/", 1)
            parts.setdefault(part, {})[name] = value
    except (safetensors.SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}): start the run again in another folder") from error
    return parts, facts


def optimizer_state(optimizer: torch.optim.Optimizer) -> State:
    """Return an optimizer's tensors by flat names ``index/name``."""
    return {
        f"{index}/{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, state: State) -> None:
    """Put back what :func:`optimizer_state` took, in the memory layout of the parameters.

    A fused optimizer walks a parameter and its moments by their place in memory: moments in another
    layout than the parameter's would belong to other weights.

    Raises:
        IndexError, ValueError: for what is of other parameters.
    """
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    nested: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items():
        index, name = key.split("/", 1)
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter).copy_(value)
        elif value.dim():  # all but a count of steps
            raise ValueError(f"{key} is not of its parameter's shape")
        nested.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": nested, "param_groups": optimizer.state_dict()["param_groups"]})
