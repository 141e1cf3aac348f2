"""How far people agree on a face: the entropy of FER+'s votes. Book chapter: *Four data sets*."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..expressions import class_names
from .table import UNEVEN, FaceTable


def vote_entropy(votes: Tensor) -> Tensor:
    """Return the entropy of each row's distribution in bits, float32 ``(n,)``.

    0 means that all agree, 1 that two expressions hold half each; `classes` equal shares give
    log2(classes).

    Args:
        votes: float ``(n, classes)``, each row a distribution.

    Raises:
        ValueError: for rows that do not sum to 1.
    """
    if not bool(((votes.sum(1) - 1).abs() <= UNEVEN).all()):
        raise ValueError("each row of votes must sum to 1: give the votes of a FaceTable")
    return torch.special.entr(votes).sum(1) / math.log(2)


def survey_votes(table: FaceTable) -> dict[str, Any]:
    """Return how far people agree, over all faces and for each expression, made of what JSON has.

    Returns:
        ``n``, ``mean_bits`` (mean entropy), ``unanimous`` (share of faces whose votes in the
        table are all for one expression; by FER+'s majority rules single votes are no longer among them,
        by no rule those for unknown and NF), ``bins`` (faces with entropy 0, up to 0.5, 1, 1.5, 2 and 3
        bits), and ``expressions``: the first three for each that occurs.

    Raises:
        ValueError: for a table without votes.
    """
    if table.votes is None:
        raise ValueError("the table has no votes: load fer2013 with one of FER+'s labels")
    bits = vote_entropy(table.votes)
    edges = torch.tensor([0.001, 0.5, 1.0, 1.5, 2.0, 3.0])
    bins = torch.bucketize(bits.contiguous(), edges).bincount(minlength=len(edges))
    return {
        **_agreement(bits),
        "bins": bins.tolist(),
        "expressions": {
            name: _agreement(bits[table.labels == label])
            for label, name in enumerate(class_names(table.classes))
            if bool((table.labels == label).any())
        },
    }


def _agreement(bits: Tensor) -> dict[str, Any]:
    return {
        "n": len(bits),
        "mean_bits": round(float(bits.mean()), 4),
        "unanimous": round(float((bits < 0.001).float().mean()), 4),
    }
