"""Scores of saliency maps; a user would lose the only evidence that a map shows what it claims."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import fertutor
from fertutor.saliency import rivals, scores


def _maps(seed: int, levels: int = 1000) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(levels, (3, 12, 12), generator=generator).float()


def _masks(seed: int) -> Tensor:
    masks = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(seed)) < 0.2
    masks[:, 0, 0] = True
    return masks


class Bright(nn.Module):
    """Knows one thing: class 1 is as likely as the square in the middle is bright."""

    def forward(self, x: Tensor) -> Tensor:
        middle = x[:, 0, 20:28, 20:28].mean((1, 2))
        return torch.stack([torch.zeros_like(middle), 8 * middle - 4], 1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), levels=st.sampled_from([2, 5, 1000]))
def test_average_precision_is_sklearns(seed: int, levels: int) -> None:
    """The same number as the library that papers use, also with equal values in the map."""
    metrics = pytest.importorskip("sklearn.metrics")
    maps, masks = _maps(seed, levels), _masks(seed + 1)
    ours = scores.average_precision(maps, masks)
    for value, m, t in zip(ours, maps, masks, strict=True):
        assert float(value) == pytest.approx(metrics.average_precision_score(t.flatten(), m.flatten()))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), levels=st.sampled_from([2, 5, 1000]))
def test_rank_correlation_is_scipys(seed: int, levels: int) -> None:
    """Spearman's correlation with ties at their mean rank, against maps and against masks."""
    stats = pytest.importorskip("scipy.stats")
    maps = _maps(seed, levels)
    for others in (_maps(seed + 1, levels), _masks(seed + 1)):
        ours = scores.rank_correlation(maps, others)
        for value, a, b in zip(ours, maps, others, strict=True):
            assert float(value) == pytest.approx(
                stats.spearmanr(a.flatten(), b.flatten()).statistic, abs=1e-6
            )


def test_pixels_that_no_square_hid_say_nothing() -> None:
    """With a stride above the size a map has NaN; a correlation with itself is still 1."""
    stats = pytest.importorskip("scipy.stats")
    maps, others = _maps(3), _maps(4)
    maps[:, ::3], others[:, :, 5] = math.nan, math.nan
    assert torch.allclose(scores.rank_correlation(maps, maps), torch.ones(3))
    for value, a, b in zip(scores.rank_correlation(maps, others), maps, others, strict=True):
        expected = stats.spearmanr(a.flatten(), b.flatten(), nan_policy="omit").statistic
        assert float(value) == pytest.approx(expected, abs=1e-6)
    assert scores.rank_correlation(maps[:0], maps[:0]).shape == (0,)
    gains = torch.full((1, 12, 12), -0.2)
    gains[0, 2, 2], gains[0, 8, 8] = -0.1, math.nan
    masks = torch.zeros(1, 12, 12, dtype=torch.bool)
    masks[0, 8, 8] = True
    assert scores.pointing_game(gains, masks).item() == 0, "the highest point is at 2, 2"


def test_pointing_game_and_its_tolerance() -> None:
    """A hit two pixels beside the mask counts, three do not; without a mask there is no score."""
    maps, masks = torch.zeros(3, 48, 48), torch.zeros(3, 48, 48, dtype=torch.bool)
    maps[:, 20, 20] = 1
    masks[0, 22, 18], masks[1, 23, 20] = True, True
    hits = scores.pointing_game(maps, masks, tolerance=2)
    assert hits[:2].tolist() == [1, 0]
    assert math.isnan(float(hits[2]))


def test_a_flat_map_scores_what_chance_scores() -> None:
    """A map without a highest point gains nothing in the pointing game or in precision."""
    masks, flat = _masks(5), torch.ones(3, 12, 12)
    assert torch.allclose(scores.pointing_game(flat, masks), scores.pointing_chance(masks))
    assert torch.allclose(scores.average_precision(flat, masks), masks.float().mean((1, 2)))


@pytest.mark.parametrize("fill", scores.FILLS)
def test_the_right_map_deletes_fast_and_inserts_fast(fill: str) -> None:
    """A map that shows what the network uses beats a random one on both curves."""
    network, labels = Bright(), torch.tensor([1, 1])
    images = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 0.5
    images[:, :, 20:28, 20:28] = 1
    truth = torch.zeros(2, 48, 48)
    truth[:, 20:28, 20:28] = 1
    noise = rivals.rival_maps(network, images, labels, "random")
    deleted = [scores.deletion(network, images, maps, labels, fill) for maps in (truth, noise)]
    inserted = [scores.insertion(network, images, maps, labels, fill) for maps in (truth, noise)]
    assert (deleted[0] < deleted[1]).all()
    assert (inserted[0] > inserted[1]).all()
    for area in (*deleted, *inserted):
        assert ((area >= 0) & (area <= 1)).all()


def test_occlusion_and_gradient_find_the_square_that_counts() -> None:
    """On a network whose evidence is known, both ways point at it and the random map does not."""
    network, labels = Bright(), torch.tensor([1])
    images = torch.full((1, 1, 48, 48), 0.7)
    mask = torch.zeros(1, 48, 48, dtype=torch.bool)
    mask[:, 20:28, 20:28] = True
    drop = fertutor.occlude(network, images, 4, 2, labels).drop
    slope = rivals.rival_maps(network, images, labels, "gradient")
    noise = rivals.rival_maps(network, images, labels, "random")
    found = [float(scores.average_precision(maps, mask)) for maps in (drop, slope, noise)]
    assert min(found[:2]) > 0.8
    assert found[2] < 0.2


def test_sanity_check_goes_through_all_layers_and_ends_far_from_the_trained_map() -> None:
    """The check reaches each layer once, and leaves the network itself as it was."""
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN(channels=3, sampler="none").eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = torch.rand(2, 1, 48, 48)

    def explain(other: nn.Module) -> Tensor:
        return fertutor.occlude(other, images, 12, 6, torch.tensor([0, 1])).drop

    steps = scores.sanity_check(network, explain)
    assert [name for name, _ in steps] == ["output", "hidden", "trunk.7", "trunk.5", "trunk.2", "trunk.0"]
    assert all((value.abs() <= 1).all() for _, value in steps)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_each_step_of_the_sanity_check_makes_one_layer_more_random() -> None:
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN(channels=3)
    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    trained = network.state_dict()
    for count, (_, copy) in enumerate(scores.randomised_networks(network), 1):
        changed = {
            name.rpartition(".")[0]
            for name, value in copy.state_dict().items()
            if not torch.equal(value, trained[name]) and name.endswith("weight")
        }
        assert changed <= set(layers[-count:])
        if "theta" not in layers[-count]:  # its weights begin as zeros, and any order of them is the same
            assert layers[-count] in changed
        for name, value in copy.state_dict().items():
            assert torch.equal(value.flatten().sort().values, trained[name].flatten().sort().values), name


class Halves(nn.Module):
    """Class 0 is the left half of one map, class 1 the right half of its negative, after a fixed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.convolution.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
            self.convolution.bias.copy_(torch.tensor([0.0, 1.0]))

    def forward(self, x: Tensor) -> Tensor:
        maps = self.convolution(x)
        return torch.stack([maps[:, 0, :, :24].mean((1, 2)), maps[:, 1, :, 24:].mean((1, 2))], 1)


def test_captums_maps_are_about_the_label() -> None:
    pytest.importorskip("captum.attr")
    images = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1])
    left, right = rivals.rival_maps(Halves(), images, labels, "integrated gradients")
    assert left[:, :24].min() > 0 and not left[:, 24:].any()
    assert right[:, 24:].min() > 0 and not right[:, :24].any()
    grey = rivals.rival_maps(Halves(), images, labels, "grad-cam")
    for found, expected in zip(grey, (images[0, 0], 1 - images[1, 0]), strict=True):
        assert torch.allclose(found / found.max(), expected / expected.max(), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(share=st.integers(1, 144), scale=st.floats(0.01, 100))
def test_sparsity_falls_with_the_share_of_the_map(share: int, scale: float) -> None:
    """k equal pixels of n have a Gini index of 1 - k/n, whatever their height."""
    maps = torch.zeros(1, 144)
    maps[0, :share] = scale
    assert float(scores.sparsity(maps.view(1, 12, 12))) == pytest.approx(1 - share / 144, abs=1e-5)


def test_bootstrap_covers_the_mean_and_leaves_out_nan() -> None:
    """The printed interval is about the faces that have a score."""
    values = torch.from_numpy(np.random.default_rng(0).normal(1, 2, 400)).float()
    interval = scores.bootstrap(torch.cat([values, torch.tensor([math.nan])]))
    half = 1.96 * float(values.std()) / 20
    assert interval.n == 400
    assert interval.low == pytest.approx(float(values.mean()) - half, abs=0.05)
    assert interval.high == pytest.approx(float(values.mean()) + half, abs=0.05)


def test_wrong_arguments_are_named() -> None:
    """One sentence says what does not fit."""
    with pytest.raises(ValueError, match="masks"):
        scores.average_precision(torch.zeros(2, 4, 4), torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match="noise"):
        scores.deletion(Bright(), torch.rand(1, 1, 48, 48), torch.rand(1, 48, 48), torch.tensor([0]), "noise")
    faces, maps, labels = torch.rand(2, 1, 48, 48), torch.rand(2, 48, 48), torch.tensor([0, 1])
    for measure in (scores.deletion, scores.insertion):
        for steps in (0, -1, 2.5, True):
            with pytest.raises(ValueError, match=f"steps must be a whole number from 1, not {steps}"):
                measure(Bright(), faces, maps, labels, steps=steps)
        with pytest.raises(ValueError, match=r"maps must be \(2, 48, 48\), one for each face, not \(1, 48"):
            measure(Bright(), faces, maps[:1], labels)
        with pytest.raises(ValueError, match="labels must be 2 whole numbers"):
            measure(Bright(), faces, maps, labels[:1])
    with pytest.raises(ValueError, match="magic"):
        rivals.rival_maps(Bright(), torch.rand(1, 1, 48, 48), torch.tensor([0]), "magic")


@pytest.mark.parametrize("name", ["integrated gradients", "grad-cam"])
def test_captums_maps_fit_the_face(name: str) -> None:
    """The rivals' maps have the face's size and no negative value."""
    pytest.importorskip("captum.attr")
    network = fertutor.AttentionalCNN(channels=2).eval()
    maps = rivals.rival_maps(network, torch.rand(2, 1, 48, 48), torch.tensor([1, 4]), name)
    assert maps.shape == (2, 48, 48)
    assert (maps >= 0).all()


def test_scores_and_rivals_take_faces_as_occlusion_does() -> None:
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN().eval()
    grey = torch.randint(0, 256, (2, 1, 48, 48), dtype=torch.uint8)
    labels, maps = torch.tensor([0, 3]), torch.rand(2, 48, 48)
    for measure in (
        lambda faces: scores.deletion(network, faces, maps, labels),
        lambda faces: rivals.rival_maps(network, faces, labels, "gradient"),
    ):
        assert torch.equal(measure(grey), measure(grey / 255))
        with pytest.raises(ValueError, match="divide bytes by 255"):
            measure(grey.float())
