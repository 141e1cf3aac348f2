"""What a face set holds: counts, exact duplicates, blank images. Book chapter: *Four data sets*."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from .table import FaceSplits, FaceTable

Groups = dict[bytes, list[int]]
"""Digest of an image → the labels of the rows that have exactly this image."""


def survey(splits: FaceSplits) -> dict[str, Any]:
    """Return the figures of a set, made of what JSON has.

    Returns:
        ``name``, ``notes``; ``splits``: for each part its ``n``, its ``counts`` of each expression,
        the ``blank`` images (all pixels equal) and its exact ``duplicates``; ``across``: for each two
        parts, the images that are in both. ``images`` counts different images that occur more than
        once, ``rows`` all their rows, ``with_different_labels`` those images whose rows disagree.
    """
    groups = {part: _groups(table) for part, table in splits.parts().items()}
    return {
        "name": splits.name,
        "notes": list(splits.notes),
        "splits": {
            part: {
                "n": len(table),
                "counts": table.counts(),
                "blank": count_blank(table),
                "duplicates": _count({key: rows for key, rows in groups[part].items() if len(rows) > 1}),
            }
            for part, table in splits.parts().items()
        },
        "across": {
            f"{first}-{second}": _count(
                {
                    key: rows + groups[second][key]
                    for key, rows in groups[first].items()
                    if key in groups[second]
                }
            )
            for first, second in combinations(groups, 2)
        },
    }


def count_blank(table: FaceTable) -> int:
    """Return the number of images whose pixels are all equal."""
    flat = table.images.flatten(1)
    return int((flat.amax(1) == flat.amin(1)).sum()) if len(table) else 0


def copies(table: FaceTable, other: FaceTable) -> Tensor:
    """Return which images of a table another one holds pixel for pixel, bool ``(n,)`` on the CPU."""
    known = set(_digests(other))
    return torch.tensor([digest in known for digest in _digests(table)], dtype=torch.bool)


def _digests(table: FaceTable) -> list[bytes]:
    return [hashlib.blake2b(image.data, digest_size=16).digest() for image in table.images.cpu().numpy()]


def _groups(table: FaceTable) -> Groups:
    groups: Groups = defaultdict(list)
    for digest, label in zip(_digests(table), table.labels.tolist(), strict=True):
        groups[digest].append(label)
    return groups


def _count(groups: Groups) -> dict[str, int]:
    return {
        "images": len(groups),
        "rows": sum(map(len, groups.values())),
        "with_different_labels": sum(len(set(labels)) > 1 for labels in groups.values()),
    }
