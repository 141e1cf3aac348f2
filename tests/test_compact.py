"""The networks beside the paper's: what a user loses if their size, depth or layout changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import fertutor
from fertutor.network.compact import BestCNN, CompactCNN
from fertutor.network.deep import DeepCNN
from fertutor.network.export import export_network
from fertutor.network.sampler import sample_affine


def main_path(network: nn.Module) -> int:
    """Count the convolutions and linear layers outside the localization network."""
    return sum(
        isinstance(module, nn.Conv2d | nn.Linear) and not name.startswith("localization")
        for name, module in network.named_modules()
    )


def test_compact_keeps_to_what_is_claimed_of_it() -> None:
    network = CompactCNN()
    assert sum(value.numel() for value in network.parameters()) == 190_767 <= 200_000
    assert main_path(network) == 8 < 10


def test_best_keeps_to_what_is_claimed_of_it() -> None:
    network = BestCNN()
    assert sum(value.numel() for value in network.parameters()) == 1_382_711 <= 5_000_000
    assert main_path(network) == 9 < 10


def test_deep_has_more_than_fifty_layers() -> None:
    network = DeepCNN()
    assert network.depth == main_path(network) == 56


@pytest.mark.parametrize("sampler", ["features", "input", "none"])
def test_compact_starts_as_a_network_without_a_transformer(sampler: str) -> None:
    network = CompactCNN(sampler=sampler).eval()
    faces = torch.rand(3, 1, 48, 48)
    plain = network.classify(network.trunk(network.normalise(faces)))
    assert torch.allclose(network(faces), plain, atol=1e-4)


def test_compact_samples_where_its_theta_says() -> None:
    network = CompactCNN().eval()
    assert network.localization is not None
    with torch.no_grad():
        network.localization.theta.bias.copy_(torch.tensor([0.5, 0.0, 0.2, 0.0, 0.5, -0.1]))
        faces = torch.rand(2, 1, 48, 48)
        maps = sample_affine(network.trunk(network.normalise(faces)), network.theta(faces), "border")
        assert torch.allclose(network(faces), network.classify(maps), atol=1e-5)


@pytest.mark.parametrize("kind", ["compact", "best", "deep"])
def test_networks_come_back_from_disk_and_as_onnx(kind: str, tmp_path: Path) -> None:
    network = fertutor.build_network(kind, classes=8).eval()
    faces = torch.rand(2, 1, 48, 48)
    again = fertutor.load_network(fertutor.save_network(network, tmp_path / "network.safetensors"))
    assert torch.equal(again(faces), network(faces))
    assert export_network(network, tmp_path / "network.onnx").stat().st_size > 100_000


def test_what_cannot_be_built_is_said_in_a_sentence() -> None:
    with pytest.raises(fertutor.InputError, match="widths must be 7 or more numbers"):
        fertutor.build_network("compact", widths=[8, 8])
    with pytest.raises(fertutor.InputError, match=r"widths must be .* not \[8, 8, 8, 8, 8, 8, 0\]"):
        fertutor.build_network("compact", widths=[8, 8, 8, 8, 8, 8, 0])
    for kind, argument in (("attentional", "widths"), ("best", "channels"), ("deep", "dropout")):
        with pytest.raises(
            fertutor.InputError, match=f"network '{kind}' cannot be built: it takes no {argument};"
        ):
            fertutor.build_network(kind, **{argument: 8})
    with pytest.raises(fertutor.InputError, match="blocks must be 1 or more, not 0"):
        fertutor.build_network("deep", blocks=0)
