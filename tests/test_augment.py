"""Augmentation: faces that move, turn or darken otherwise than the recipe says teach another network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import fertutor
from fertutor.evaluation.report import predict_probabilities
from fertutor.training.augment import Augmentation, augment


def test_no_augmentation_leaves_the_pixels() -> None:
    images = torch.randint(0, 256, (5, 1, 48, 48), dtype=torch.uint8)
    same = augment(images, Augmentation(flip=False), torch.Generator())
    assert torch.equal(same, images.float() / 255)


def test_the_faces_that_were_given_stay_as_they_are() -> None:
    """Also floats from 0 to 255, which are not converted."""
    floats = torch.full((2, 1, 48, 48), 100.0)
    augment(floats, Augmentation(), torch.Generator())
    predict_probabilities(fertutor.AttentionalCNN(channels=1), floats)
    assert (floats == 100).all()


def test_rotation_is_a_rotation() -> None:
    """The batched grid agrees with torchvision's rotation of a single image, up to interpolation."""
    from torchvision.transforms.v2 import functional

    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    blob = (255 * torch.exp(-((x - 30) ** 2 + (y - 20) ** 2) / 40)).to(torch.uint8).view(1, 1, 48, 48)
    ours = augment(blob, Augmentation(flip=False, rotation=40), torch.Generator().manual_seed(4))
    degrees = 40 * float(torch.rand(1, generator=torch.Generator().manual_seed(4)) * 2 - 1)
    theirs = [
        functional.rotate(blob.float() / 255, sign * degrees, functional.InterpolationMode.BILINEAR)
        for sign in (1, -1)
    ]
    assert min((ours - image).abs().max() for image in theirs) < 0.02
    assert abs(degrees) > 2


def test_a_batch_draws_its_own_amount_for_each_face() -> None:
    images = torch.zeros(64, 1, 48, 48, dtype=torch.uint8)
    images[:, :, 20:28, 5:12] = 255
    how = Augmentation(
        rotation=10, distortion=0.5, scale=0.1, shift=2, brightness=0.1, contrast=0.2, erase=0.5
    )
    changed = augment(images, how, torch.Generator().manual_seed(0))
    assert len(changed.flatten(1).unique(dim=0)) == 64
    assert changed.min() >= 0 and changed.max() <= 1
    with pytest.raises(ValueError, match="rotation must be 0 or more"):
        Augmentation(rotation=-1)


def mark() -> Tensor:
    """A white upright bar on black, left of the middle: 400 copies."""
    images = torch.zeros(400, 1, 48, 48, dtype=torch.uint8)
    images[..., 20:28, 8:14] = 200
    return images


def centres(faces: Tensor) -> Tensor:
    """Where the light of each face lies: (row, column), from the middle of the picture."""
    place = torch.arange(48.0) - 23.5
    mass = faces[:, 0].sum((1, 2))
    return torch.stack([faces[:, 0].sum(2) @ place, faces[:, 0].sum(1) @ place], 1) / mass[:, None]


def augmented(images: Tensor, **how: Any) -> Tensor:
    return augment(images, Augmentation(**{"flip": False, **how}), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("turn", [0.0, 1e-3])
def test_half_of_the_faces_are_mirrored(turn: float) -> None:
    """Also where the mirror is one with the sampling of whatever else moves."""
    still = mark().float() / 255
    faces = augmented(mark(), flip=True, rotation=turn)
    right = centres(faces)[:, 1] > 0
    assert 0.4 < float(right.float().mean()) < 0.6
    assert torch.allclose(faces[right], still[right].flip(-1), atol=0.01)
    assert torch.allclose(faces[~right], still[~right], atol=0.01)


def test_faces_move_as_far_as_the_recipe_says() -> None:
    still = centres(mark().float())
    moved = centres(augmented(mark(), shift=3)) - still
    assert 2.8 < float(moved.abs().max()) <= 3.01
    assert float(moved.mean(0).abs().max()) < 0.4
    assert float(centres(augmented(mark(), distortion=0.6))[:, 0].std()) == pytest.approx(0.4, abs=0.1)
    grown = centres(augmented(mark(), scale=0.2))[:, 1] / still[:, 1]
    assert 0.79 < float(grown.min()) < 0.83
    assert 1.17 < float(grown.max()) < 1.21


def test_light_and_holes_are_as_large_as_the_recipe_says() -> None:
    grey = torch.full((400, 1, 48, 48), 128, dtype=torch.uint8)
    light = augmented(grey, brightness=0.2)[:, 0, 0, 0] - 128 / 255
    assert 0.19 < float(light.max()) <= 0.201 and -0.201 <= float(light.min()) < -0.19
    grey[..., :24] = 100
    spread = augmented(grey, contrast=0.3).std((1, 2, 3)) / (grey.float() / 255).std((1, 2, 3))
    assert 0.69 < float(spread.min()) < 0.75 and 1.25 < float(spread.max()) < 1.31
    holes = (augmented(mark(), erase=0.25) - mark().float() / 255).abs().flatten(1).amax(1) > 0
    assert 0.19 < float(holes.float().mean()) < 0.31
