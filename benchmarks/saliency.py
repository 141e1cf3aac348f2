"""How good are saliency maps? Occlusion at several N and strides against its rivals, on drawn faces.

The truth is the mask of pixels that the action units moved. Faces: of drawn-posed, drawn with another
seed than those that the network learnt from; those that show an expression and are recognised. All ways of
making a map see the same faces and the same classes. Every score comes with its 95 % bootstrap interval.

With ``--root``, the maps of FER-2013's validation faces are measured too, as far as that goes without a
mask: sparsity and place for each expression, deletion and insertion. That is recorded in the ledger, where
the chapters *What does the network look at?* and *Can you trust the map?* read it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import machine
from fertutor.circumstances import circumstances
from fertutor.evaluation import ledger
from fertutor.expressions import EXPRESSIONS
from fertutor.faces.catalogue import load_faces
from fertutor.faces.drawn import draw_faces, plan_drawn
from fertutor.mode import device_of
from fertutor.network.weights import load_network, weights_path
from fertutor.progress import progress
from fertutor.saliency.by_expression import maps_by_expression, plain, predicted
from fertutor.saliency.occlusion import occlude
from fertutor.saliency.rivals import RIVALS, rival_maps
from fertutor.saliency.scores import (
    FILLS,
    average_precision,
    bootstrap,
    deletion,
    insertion,
    pointing_chance,
    pointing_game,
    rank_correlation,
    sanity_check,
)
from fertutor.training.device import choose_setting

NETWORK = "drawn"
"""Released network that was trained on drawn faces."""

REAL_NETWORKS = ("paper", "paper-fixed", "compact", "best")
"""Released networks that were trained on FER-2013's seven expressions."""

SQUARES = ((4, 2), (8, 2), (8, 4), (12, 4), (16, 4), (16, 8), (24, 8))
TOLERANCE = 2
Way = Callable[[nn.Module, Tensor, Tensor], Tensor]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return every way's scores, the sanity check and the sparsity of each expression's maps."""
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device(choose_setting(args.device).device)
    network = load_network(NETWORK).to(device)
    images, masks, labels = drawn_truth(network, 24 if args.quick else 150)
    rows = {}
    for name, way in progress(_ways().items(), "scoring", len(_ways())):
        rows[name] = _scores(network, images, masks, labels, way(network, images, labels))
    figures: dict[str, Any] = {
        "machine": machine(),
        "network": NETWORK,
        "faces": len(images),
        "tolerance": TOLERANCE,
        "chance": {
            "pointing": plain(bootstrap(pointing_chance(masks, TOLERANCE))),
            "precision": plain(bootstrap(masks.float().mean((1, 2)))),
        },
        "rows": rows,
        "sanity": _sanity(network, images[:24], labels[:24]),
    }
    most = 10 if args.quick else 100
    table = load_faces("drawn-posed", seed=1).train
    assert table is not None
    figures["sparsity"] = {"drawn-posed": maps_by_expression(network, table, most=most).as_dict()}
    if args.root:
        for name in REAL_NETWORKS:
            found = _real(name, args.root, device, most, record=not args.quick)
            figures["sparsity"][f"fer2013 val, {name}"] = found
    return figures


def describe(figures: dict[str, Any]) -> str:
    """Put the figures in tables."""
    columns = list(next(iter(figures["rows"].values())))
    lines = [
        f"{figures['faces']} drawn faces, network {figures['network']!r}; mean [95 % bootstrap interval]",
        f"chance: pointing {_words(figures['chance']['pointing'])}, "
        f"precision {_words(figures['chance']['precision'])}",
        "",
        f"| map | {' | '.join(columns)} |",
        "|" + "---|" * (len(columns) + 1),
    ]
    for name, row in figures["rows"].items():
        lines.append(f"| {name} | {' | '.join(_words(row[column]) for column in columns)} |")
    lines += [
        "",
        "Rank correlation with the trained network's map as layers are shuffled from the output back:",
    ]
    for name, steps in figures["sanity"].items():
        lines.append(f"{name}: " + ", ".join(f"{layer} {_words(value)}" for layer, value in steps.items()))
    for name, found in figures["sparsity"].items():
        lines += ["", f"Sparsity (Gini index) of the loss maps, {name}:"]
        lines += [f"{e} {_words(v['sparsity_drop'])}" for e, v in found["expressions"].items()]
        for kind, contrast in found["sparser_less_others"].items():
            lines.append(f"happy, fear and surprise less the others, {kind} maps: {_words(contrast)}")
        lines.append("Share of the lost probability in the lower half of the picture:")
        lines += [f"{e} {_words(v['lower_half'])}" for e, v in found["expressions"].items()]
        for way, scores in found.get("scores", {}).items():
            lines.append(f"{way}: " + ", ".join(f"{kind} {_words(v)}" for kind, v in scores.items()))
    return "\n".join(lines)


def _real(name: str, root: str, device: torch.device, most: int, record: bool) -> dict[str, Any]:
    """What can be said of a network's maps of FER-2013's validation faces, and its entry in the ledger."""
    table = load_faces("fer2013", root=root).val
    assert table is not None
    network = load_network(name).to(device)
    found = maps_by_expression(network, table, most=most, show_progress=True).as_dict()
    right = table[predicted(network, table) == table.labels]
    right = right[torch.arange(min(most, len(right)))]
    images, labels = right.images.to(device).float() / 255, right.labels.to(device)
    found["scores"] = {
        words: {
            kind: plain(bootstrap(score(network, images, way(network, images, labels), labels, "blur")))
            for kind, score in (("deletion", deletion), ("insertion", insertion))
        }
        for words, way in ({"occlusion N=8 s=4": _occlusion(8, 4)} | {n: _rival(n) for n in RIVALS}).items()
    }
    if record:
        entry = {
            "kind": "saliency",
            "weights": name,
            "weights_sha256": ledger.file_sha256(weights_path(name)),
            "dataset": "fer2013",
            "labels": "original",
            "split": "val",
            "faces": ledger.describe_table(table),
            "network": ledger.describe_network(network),
            "most_an_expression": most,
            "scored": len(right),
            **found,
            **circumstances(),
        }
        ledger.append(entry, f"saliency-{name}-fer2013-original-val")
    return found


def drawn_truth(network: nn.Module, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return recognised drawn faces, the masks of what moved, and their labels.

    Returns:
        Float ``(n, 1, 48, 48)``, bool ``(n, 48, 48)`` and int64 ``(n,)``, n at most `count`.
    """
    plan = plan_drawn("drawn-posed", seed=1).part("train")
    usable = (plan.acted == plan.labels) & (plan.labels != EXPRESSIONS.index("neutral"))
    plan = plan[usable.nonzero()[: 6 * count, 0]]
    images, masks = draw_faces(plan.action_units, plan.people, plan.scenes, mask=True)
    device = device_of(network)
    images, masks, labels = images.to(device), masks[:, 0].to(device), plan.labels.to(device)
    with torch.no_grad():
        said = torch.cat([network(part).argmax(1) for part in images.split(256)])
    kept = ((said == labels) & masks.flatten(1).any(1)).nonzero()[:count, 0]
    return images[kept], masks[kept], labels[kept]


def _ways() -> dict[str, Way]:
    ways: dict[str, Way] = {
        f"occlusion N={size} s={stride}": _occlusion(size, stride) for size, stride in SQUARES
    }
    return ways | {name: _rival(name) for name in RIVALS}


def _occlusion(size: int, stride: int) -> Way:
    return lambda network, images, labels: occlude(network, images, size, stride, labels).drop


def _rival(name: str) -> Way:
    return lambda network, images, labels: rival_maps(network, images, labels, name)


def _scores(
    network: nn.Module, images: Tensor, masks: Tensor, labels: Tensor, maps: Tensor
) -> dict[str, Any]:
    found = {
        "pointing": pointing_game(maps, masks, TOLERANCE),
        "precision": average_precision(maps, masks),
        "rank correlation": rank_correlation(maps, masks),
    }
    for fill in FILLS:
        found[f"deletion, {fill} (low is good)"] = deletion(network, images, maps, labels, fill)
        found[f"insertion, {fill} (high is good)"] = insertion(network, images, maps, labels, fill)
    return {name: plain(bootstrap(values)) for name, values in found.items()}


def _sanity(network: nn.Module, images: Tensor, labels: Tensor) -> dict[str, dict[str, Any]]:
    ways = {
        "occlusion N=8 s=4": _occlusion(8, 4),
        **{name: _rival(name) for name in RIVALS if name != "random"},
    }
    found = {}
    for name, way in ways.items():
        steps = sanity_check(network, lambda other, way=way: way(other, images, labels))  # type: ignore[misc]
        found[name] = {layer: plain(bootstrap(values)) for layer, values in steps}
    return found


def _words(value: dict[str, Any]) -> str:
    if value["mean"] is None:
        return "–"
    low, high = value["interval"]
    return f"{value['mean']:.3f} [{low:.3f}, {high:.3f}]"
