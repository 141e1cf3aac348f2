"""A run against its recipe written out: each number of a recipe must reach the weights, and nothing else may."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from blobs import blobs, silent
from torch import Tensor, nn

import fertutor
from fertutor.faces.table import FaceSplits, FaceTable
from fertutor.training import loop
from fertutor.training.augment import Augmentation
from fertutor.training.checkpoint import load_checkpoint
from fertutor.training.loop import train
from fertutor.training.recipes import PAPER, Recipe

PLAIN = replace(
    PAPER,
    epochs=2,
    batch=28,
    optimizer="sgd",
    momentum=0.0,
    learning_rate=0.1,
    weight_decay=0.0,
    penalty=0.0,
    gaussian=None,
    oversample=False,
    augmentation=Augmentation(flip=False),
)

WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "penalty": {"penalty": 0.5},
    "smoothing": {"smoothing": 0.4},
    "votes": {"soft": True},
    "decay": {"weight_decay": 0.5},
    "momentum": {"momentum": 0.9},
    "average": {"average": 0.9},
    "falling rate": {"schedule": "one-cycle", "warm_up": 0.0},
    "adam": {"optimizer": "adam", "weight_decay": 0.5, "learning_rate": 1e-3},
    "adamw": {"optimizer": "adamw", "weight_decay": 5.0, "learning_rate": 1e-3},
}


def run(network: nn.Module, table: FaceTable, recipe: Recipe, out: Path | None = None) -> loop.Run:
    splits = FaceSplits("by hand", table, table, None)
    return train(network, splits, recipe, device="cpu", precision="fp32", out=out, report=silent)


def by_hand(network: nn.Module, table: FaceTable, recipe: Recipe) -> tuple[nn.Module, nn.Module]:
    """Return the network after one step an epoch, and its moving average."""
    now = copy.deepcopy(network).train()
    averaged = copy.deepcopy(now)
    weights = [value for value in now.parameters() if value.dim() > 1]
    biases = [value for value in now.parameters() if value.dim() <= 1]
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": biases, "weight_decay": 0.0},
    ]
    optimizer: torch.optim.Optimizer = {
        "sgd": lambda: torch.optim.SGD(
            groups, lr=1.0, momentum=recipe.momentum, nesterov=recipe.momentum > 0
        ),
        "adam": lambda: torch.optim.Adam(groups, lr=1.0),
        "adamw": lambda: torch.optim.AdamW(groups, lr=1.0),
    }[recipe.optimizer]()
    assert table.votes is not None
    own = table.votes if recipe.soft else F.one_hot(table.labels, 7).float()
    targets = own * (1 - recipe.smoothing) + recipe.smoothing / 7
    for step in range(recipe.epochs):
        rate = recipe.learning_rate
        if recipe.schedule == "one-cycle":
            rate *= (1 + math.cos(math.pi * step / recipe.epochs)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = -(targets * now(table.images.float() / 255).log_softmax(1)).sum(1).mean()
        last_two = (now.hidden.weight, now.output.weight)  # of equation (1)
        loss = loss + recipe.penalty * sum(weight.square().sum() for weight in last_two)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for old, new in zip(averaged.parameters(), now.parameters(), strict=True):
                old.mul_(recipe.average).add_(new, alpha=1 - recipe.average)
    return now, averaged


@pytest.mark.parametrize("way", WAYS)
def test_a_run_is_its_recipe_written_out(way: str, tmp_path: Path) -> None:
    recipe = replace(PLAIN, **WAYS[way])
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN(dropout=0.0)
    with torch.no_grad():
        for value in network.parameters():
            if value.dim() <= 1:
                value.add_(0.1)  # a decay of biases would show
    table = blobs(28)
    table = replace(table, votes=F.one_hot((table.labels + 1) % 7, 7).float())  # for the next class
    last, averaged = by_hand(network, table, recipe)
    run(network, table, recipe, tmp_path)
    parts = load_checkpoint(tmp_path)[0]
    expected = {"network": last, **({"averaged": averaged} if recipe.average else {})}
    start = network.state_dict()
    for part, reached in expected.items():
        for name, value in reached.state_dict().items():
            moved = float((value - start[name]).norm())
            # Adam blows up rounding, hence norms
            assert float((parts[part][name] - value).norm()) <= 0.05 * moved + 1e-6, f"{part}/{name}"


def test_what_is_validated_and_kept_is_the_average_without_dropout(tmp_path: Path) -> None:
    """After one epoch at a rate that moves the network far, its average is still near where it began."""
    torch.manual_seed(0)
    network = fertutor.AttentionalCNN(dropout=0.9)
    table = blobs(70)
    found = run(network, table, replace(PLAIN, epochs=1, learning_rate=1.0, average=0.999), tmp_path)
    with torch.no_grad():
        logits = found.network(table.images.float() / 255)
    assert found.history[0]["val_loss"] == pytest.approx(
        float(F.cross_entropy(logits, table.labels)), rel=1e-5
    )
    averaged = load_checkpoint(tmp_path)[0]["averaged"]
    for name, value in found.network.named_parameters():
        assert torch.equal(value, averaged[name]), name


def test_epochs_differ_and_rare_faces_come_as_often_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[Tensor] = []
    ways: list[Augmentation] = []
    apply = loop.apply_augmentation

    def watched(images: Tensor, how: Augmentation, drawn: dict[str, Tensor]) -> Tensor:
        orders.append(drawn["rows"].clone())
        ways.append(how)
        return apply(images, how, drawn)

    monkeypatch.setattr(loop, "apply_augmentation", watched)
    table = blobs(70)[torch.arange(70) % 14 > 0]  # half as many angry faces as others
    recipe = replace(PLAIN, batch=200, oversample=True, augmentation=Augmentation(rotation=10))
    run(fertutor.AttentionalCNN(), table, recipe)
    assert ways == [recipe.augmentation] * 2
    assert [torch.bincount(table.labels[rows]).tolist() for rows in orders] == [[10] * 7] * 2
    assert not torch.equal(*orders)
