"""Random numbers that depend on the seed, the epoch and the purpose alone.

A resumed run then needs no generator's state: it makes the numbers of its next epoch anew.
"""

from __future__ import annotations

import hashlib

import torch


def seed_for(seed: int, epoch: int, purpose: str) -> int:
    """Return the seed of one purpose (such as ``"dropout"``) in one epoch, 0 to 2⁵⁶."""
    digest = hashlib.sha256(f"{seed} {epoch} {purpose}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def generator_for(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """Return a CPU generator for one purpose in one epoch."""
    return torch.Generator().manual_seed(seed_for(seed, epoch, purpose))
