"""Released networks: a run's best weights with a card that says where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import replacing
from ..network.weights import RELEASED, load_network, save_network
from .ledger import describe_network, file_sha256


def release(name: str, summary: str, weights: Path, entry_path: Path, folder: Path = RELEASED) -> Path:
    """Copy weights into `folder` as ``name.safetensors`` and write the card ``name.json``.

    Args:
        name: of the released network.
        summary: one sentence for people.
        weights: the run's ``best.safetensors``.
        entry_path: the run's ledger entry, from which the card takes its numbers.
        folder: the package's own folder of weights.

    Raises:
        InputError: for a name that is no plain word or is taken, or an entry that is not that of a
            training run of this very network. Entries from before they held ``weights_sha256`` are
            compared by the network's kind, arguments and size alone.
    """
    if not name.replace("-", "").isalnum():
        raise InputError(f"a network cannot be released as {name!r}: choose letters, digits and hyphens")
    path = folder / f"{name}.safetensors"
    if path.exists():
        raise InputError(f"{path} is released already: choose another name, or remove it and its card first")
    try:
        entry: dict[str, Any] = json.loads(entry_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{entry_path} cannot be read as a ledger entry ({error}): name the run's own"
        ) from error
    network = load_network(weights)
    digest = {"weights_sha256": file_sha256(weights)}
    own = {"kind": "training", "network": describe_network(network)} | digest
    # an older entry does not say its weights' digest
    if not isinstance(entry, dict) or any((digest | entry).get(key) != own[key] for key in own):
        raise InputError(
            f"{entry_path} is not the training run of {weights}: name the run's own ledger entry"
        )
    card = {
        "summary": summary,
        "ledger": entry_path.stem,
        **{
            key: entry[key] for key in ("dataset", "labels", "network", "seed", "commit", "date", "selection")
        },
        "recipe": entry["recipe"]["name"],
        "epochs": entry["epochs_done"],
        "best_epoch": entry["best_epoch"],
        "val_accuracy": entry["best_val_accuracy"],
        "val_n": entry["splits"]["val"]["n"],
        "train_n": entry["splits"]["train"]["n"],
        "fingerprints": {split: facts["fingerprint"] for split, facts in entry["splits"].items()},
    }
    save_network(network, path)
    with replacing(folder / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return path
