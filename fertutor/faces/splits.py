"""Deal the rows of a face set into parts, the same way for the same seed.

Each function returns sorted row numbers, int64, which index a FaceTable. Rows are dealt at random
(:func:`stratified`, :func:`per_class`) or person by person (:func:`by_subject`): a random deal puts
one person's faces into training and test, and flatters the result. Book chapter: *Four data sets*.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def stratified(labels: Tensor, sizes: Sequence[int], seed: int = 0) -> tuple[Tensor, ...]:
    """Deal all rows into parts of exactly `sizes`, each part with the classes in the same proportion.

    Args:
        labels: int64 ``(n,)``.
        sizes: rows of each part; their sum is `n`.
        seed: another seed, another deal.

    Returns:
        One index tensor a part. A part's count of a class differs from its share by less than the
        number of parts.

    Raises:
        ValueError: when the sizes do not add up to `n`, or one is negative.
    """
    _check_sizes(sizes, len(labels))
    generator = torch.Generator().manual_seed(seed)
    # every part spread evenly over a line; the classes then lie on that line one after the other
    places = [
        (torch.arange(size, dtype=torch.float64) + torch.rand(1, generator=generator, dtype=torch.float64))
        / size
        for size in sizes
        if size
    ]
    owners = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes, dtype=torch.int64))
    owners = owners[torch.sort(torch.cat(places), stable=True).indices] if places else owners
    shuffled = torch.randperm(len(labels), generator=generator)
    rows = shuffled[torch.sort(labels.cpu()[shuffled], stable=True).indices]
    return tuple(rows[owners == part].sort().values for part in range(len(sizes)))


def hold_out(labels: Tensor, share: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return the rows to keep and the rows to hold out: `share` of all, stratified, rounded.

    Raises:
        ValueError: when `share` is not between 0 and 1.
    """
    held = _part(share, len(labels))
    kept_rows, held_rows = stratified(labels, (len(labels) - held, held), seed)
    return kept_rows, held_rows


def hold_out_people(subjects: Tensor, share: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return the rows to keep and the rows to hold out: whole people with about `share` of all rows.

    Raises:
        ValueError: when `share` is not between 0 and 1, or there are too few people.
    """
    held = _part(share, len(subjects))
    kept_rows, held_rows = by_subject(subjects, (len(subjects) - held, held), seed)
    return kept_rows, held_rows


def per_class(labels: Tensor, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return `count` rows of each class that occurs, and the rest.

    The paper's test sets of JAFFE (10 an expression) and FERG (1,000) are made so (section 4.2).

    Raises:
        ValueError: when a class has fewer rows.
    """
    labels = labels.cpu()
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        rows = shuffled[labels[shuffled] == label]
        if not 0 <= count <= len(rows):
            raise ValueError(f"cannot take {count} rows of class {label}: it has {len(rows)}")
        chosen[rows[:count]] = True
    return torch.nonzero(chosen)[:, 0], torch.nonzero(~chosen)[:, 0]


def by_subject(subjects: Tensor, sizes: Sequence[int], seed: int = 0) -> tuple[Tensor, ...]:
    """Deal whole people into parts of about `sizes` rows: nobody is in two parts.

    People come in an order drawn by `seed`, those with most rows first, and each joins the part that
    still lacks most of its rows. No part stays empty while there are people enough.

    Args:
        subjects: int64 ``(n,)``, one number a person.
        sizes: rows wanted in each part; their sum is `n`.
        seed: another seed, another deal.

    Raises:
        ValueError: when the sizes do not add up to `n`, or there are fewer people than parts.
    """
    _check_sizes(sizes, len(subjects))
    people, person, counts = subjects.cpu().unique(return_inverse=True, return_counts=True)
    if len(people) < sum(size > 0 for size in sizes):
        raise ValueError(f"{len(people)} people cannot be dealt into {len(sizes)} parts")
    order = torch.randperm(len(people), generator=torch.Generator().manual_seed(seed))
    order = order[torch.sort(counts[order], descending=True, stable=True).indices]
    missing = [float(size) for size in sizes]
    wanted = [part for part, size in enumerate(sizes) if size]
    empty = set(wanted)
    owner = torch.zeros(len(people), dtype=torch.int64)
    for turn, index in enumerate(order.tolist()):
        people_left = len(people) - turn
        candidates = empty if people_left <= len(empty) else wanted
        part = max(candidates, key=lambda part: (missing[part], -part))
        owner[index] = part
        missing[part] -= float(counts[index])
        empty.discard(part)
    return tuple(torch.nonzero(owner[person] == part)[:, 0] for part in range(len(sizes)))


def _part(share: float, n: int) -> int:
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    return round(share * n)


def _check_sizes(sizes: Sequence[int], n: int) -> None:
    if any(size < 0 for size in sizes) or sum(sizes) != n:
        raise ValueError(f"sizes {tuple(sizes)} must not be negative and must add up to {n} rows")
