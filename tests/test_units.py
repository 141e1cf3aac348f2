"""Live units: a learner whose network is stuck looks here, so a dead unit must not pass for a live one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import fertutor
from fertutor.cli import main
from fertutor.errors import InputError
from fertutor.evaluation.units import count_units
from fertutor.faces.table import FaceTable


def faces(n: int = 300) -> FaceTable:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 1, 48, 48), dtype=torch.uint8, generator=generator)
    return FaceTable(images, torch.arange(n) % 7)


def killed() -> fertutor.AttentionalCNN:
    """A network with three dead kernels in one layer and a dead transformer."""
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN(channels=5)
    layer = network.trunk[2]
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.bias.fill_(0.5)
        layer.weight[:3] = 0
        layer.bias[:3] = -1
        network.localization.features[3].bias.fill_(-1e6)
    return network


def test_dead_kernels_are_counted_layer_by_layer() -> None:
    units = count_units(killed(), faces())
    assert list(units.live)[-1] == "hidden"
    assert units.live["trunk.2"] == (2, 5)
    assert units.live["trunk.0"] == (5, 5)
    assert units.live["localization.features.3"] == (0, 10)
    assert units.theta is not None
    assert units.theta["deviation"] == [0] * 6


def test_one_face_is_enough_to_keep_a_unit_alive() -> None:
    """The last face, in the second batch, is the only one that is not black."""
    network, table = killed(), faces()
    with torch.no_grad():
        first = network.trunk[0]
        first.weight[0], first.bias[0] = 1.0, 0.0  # normalised, a black face is far below 0
    dark = FaceTable(torch.zeros_like(table.images), table.labels)
    assert count_units(network, dark).live["trunk.0"] == (4, 5)
    dark.images[-1] = 255
    assert count_units(network, dark).live["trunk.0"] == (5, 5)


@pytest.mark.parametrize("kind", ["compact", "best", "deep"])
def test_every_relu_of_our_networks_is_looked_at(kind: str) -> None:
    network = fertutor.build_network(kind)
    relus = sum(isinstance(module, nn.ReLU) for module in network.modules())
    units = count_units(network, faces(20))
    assert len(units.live) == (
        relus + 1 if kind != "deep" else 2 * 27 + 1
    )  # the localization's is a function
    assert (units.theta is None) == (kind == "deep")
    assert network.training


def test_a_network_in_training_is_counted_without_its_dropout() -> None:
    """The trace used to keep training mode: units then came and went from count to count."""
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN(dropout=0.9)
    wanted = count_units(network.eval(), faces(5))
    assert count_units(network.train(), faces(5)) == wanted
    assert network.training


def test_what_cannot_be_counted_is_said() -> None:
    class Fickle(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(InputError, match="Fickle cannot be traced"):
        count_units(Fickle(), faces(3))
    with pytest.raises(InputError, match="has none"):
        count_units(killed(), faces(0))


def test_the_command_records_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = fertutor.save_network(killed(), tmp_path / "run" / "best.safetensors")
    command = ["units", str(weights), "drawn-studio", "--ledger", str(tmp_path)]
    assert main(command) == 0
    assert "trunk.2    2 of 5 alive" in capsys.readouterr().out
    entry = json.loads((tmp_path / "units-run-drawn-studio-val-1.json").read_text())
    assert entry["live"]["trunk.2"] == [2, 5]
    assert main([*command, "--split", "train", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["theta"]["deviation"] == [0.0] * 6


def test_theta_is_that_of_all_faces() -> None:
    """Of both batches, whose faces differ, and its spread is a standard deviation."""
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN().eval()
    torch.nn.init.normal_(network.localization.theta.weight, 0, 0.3)
    table = faces()
    table.images[256:] //= 4
    found = count_units(network, table).theta
    with torch.no_grad():
        theta = network.theta(table.images.float() / 255).flatten(1)
    assert found is not None
    assert found["mean"] == pytest.approx(theta.mean(0).tolist(), abs=1e-3)
    assert found["deviation"] == pytest.approx(theta.std(0, correction=0).tolist(), abs=1e-3)
