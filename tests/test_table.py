"""The table of faces: who compares two of them, or a run's fingerprints, must get an answer, and the same one."""

from __future__ import annotations

import hashlib
import math
import tracemalloc

import pytest
import torch

from fertutor.faces.table import FaceSplits, FaceTable


def faces(n: int = 5) -> FaceTable:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 1, 48, 48), dtype=torch.uint8, generator=generator)
    labels = torch.arange(n) % 7
    return FaceTable(images, labels, votes=torch.eye(7)[labels], subjects=torch.arange(n))


def test_two_tables_can_be_compared() -> None:
    table, other = faces(), faces()
    assert table == table
    assert table != other
    assert table.fingerprint() == other.fingerprint()
    assert FaceSplits("a", table, None, None) != FaceSplits("a", other, None, None)
    assert len({table, other}) == 2


def test_rows_are_numbers_or_a_mask() -> None:
    mask = [True, False, True, False, True]
    for rows in (mask, torch.tensor(mask), [0, 2, 4], torch.tensor([0, 2, 4]), slice(0, 5, 2)):
        assert faces()[rows].labels.tolist() == [0, 2, 4]
    assert faces()[3].labels.tolist() == [3]
    assert len(faces()[[]]) == 0


@pytest.mark.parametrize("row", [[math.nan] * 7, [2.0, -1, 0, 0, 0, 0, 0], [0.5] * 7, [0.0] * 7])
def test_votes_that_are_no_distribution_are_refused(row: list[float]) -> None:
    table = faces()
    votes = torch.eye(7)[table.labels]
    votes[3] = torch.tensor(row)
    with pytest.raises(ValueError, match="each row of votes must be shares"):
        FaceTable(table.images, table.labels, votes=votes)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_the_fingerprint_is_the_digest_that_the_ledger_holds(n: int) -> None:
    table = faces(n)
    digest = hashlib.sha256()
    for name, value in vars(table).items():
        if name != "classes":
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode() + value.numpy().tobytes())
    assert table.fingerprint() == digest.hexdigest()
    columns = FaceTable(
        table.images.transpose(2, 3).contiguous().transpose(2, 3), *list(vars(table).values())[1:]
    )
    assert columns.fingerprint() == table.fingerprint()


def test_a_fingerprint_needs_no_second_copy_of_the_images() -> None:
    table = faces(400)
    tracemalloc.start()
    table.fingerprint()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < table.images.numel() / 4
