"""Networks by name, and their weights on disk: safetensors only, never pickle.

A weights file says itself which network it belongs to: its header holds the kind and the
arguments. A released network also has a card, ``name.json``, beside it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ..errors import InputError, called
from ..expressions import EXPRESSIONS, EXPRESSIONS_WITH_CONTEMPT
from ..faces.table import SIDE
from ..files import expanded, refuse_foreign_name, replacing
from ..mode import check_network
from .attentional import AttentionalCNN
from .compact import BestCNN, CompactCNN
from .deep import DeepCNN

KINDS: dict[str, Callable[..., nn.Module]] = {
    "attentional": AttentionalCNN,
    "compact": CompactCNN,
    "best": BestCNN,
    "deep": DeepCNN,
}
"""Network names of the command line's ``--network`` and of weights files."""

CLASSES = (len(EXPRESSIONS), len(EXPRESSIONS_WITH_CONTEMPT))
"""How many expressions a network may tell apart."""

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

RELEASED = Path(__file__).resolve().parent.parent / "weights"


def build_network(kind: str, **arguments: Any) -> nn.Module:
    """Return a new network of a kind in :data:`KINDS`.

    Raises:
        InputError: for a kind that does not exist, or arguments that do not fit it: among them other
            `classes` than 7 and 8.
    """
    if kind not in KINDS:
        raise InputError(f"there is no network {kind!r}: choose one of {', '.join(KINDS)}")
    try:
        network = KINDS[kind](**arguments)
        if network.classes not in CLASSES:
            raise ValueError(f"classes must be 7, or 8 with contempt, not {network.classes}")
        with torch.no_grad():
            network.eval()(torch.zeros(1, 1, SIDE, SIDE))
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        # Python's own words name a class and its method
        _, foreign, name = reason.partition("got an unexpected keyword argument ")
        if foreign:
            reason = f"it takes no {name.strip(chr(39))}"
        raise InputError(f"network {kind!r} cannot be built: {reason}; choose other arguments") from error
    return network.train()


def own_argument(kind: str, name: str) -> Any:
    """Return what a kind of network takes for an argument where none is given; None if it has no such one."""
    argument = inspect.signature(KINDS[kind]).parameters.get(name)
    return None if argument is None else argument.default


def kind_of(network: nn.Module) -> str:
    """Return the name in :data:`KINDS` of a network's class.

    Raises:
        InputError: for a network of another class, or what is no network.
    """
    check_network(network)
    for kind, cls in KINDS.items():
        if type(network) is cls:
            return kind
    raise InputError(
        f"{type(network).__name__} is none of this library's networks: build one of {', '.join(KINDS)}"
    )


def save_network(network: nn.Module, path: str | Path) -> Path:
    """Write weights with the kind and arguments in the header; atomically, so nothing is lost.

    Args:
        network: one of :data:`KINDS`.
        path: the file to write, by custom ``*.safetensors``.

    Raises:
        InputError: for what is none of these networks.
    """
    path, content = expanded(path), weights_bytes(network)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def weights_bytes(network: nn.Module) -> bytes:
    """Return what :func:`save_network` writes: the same bytes for the same weights."""
    header = {"fertutor": json.dumps({"kind": kind_of(network), "arguments": network.config})}
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    return safetensors.torch.save(tensors, metadata=header)


def released_networks() -> dict[str, dict[str, Any]]:
    """Return the card of every released network, by name."""
    cards = sorted(RELEASED.glob("*.json"), key=lambda card: card.stem)
    return {card.stem: json.loads(card.read_text(encoding="utf-8")) for card in cards}


def weights_path(name_or_path: str | Path) -> Path:
    """Return the file of a released name, or the path itself.

    Raises:
        InputError: when neither exists or it may not be looked for, or for what is neither.
    """
    if not isinstance(name_or_path, str | Path):
        raise InputError(
            "weights are asked for by a file's path or the name of a released network, not "
            f"{called(name_or_path)}"
        )
    name, path = str(name_or_path), expanded(name_or_path)
    if Path(name).name == name:  # a path is never that of a released network
        path = next((file for file in RELEASED.glob("*.safetensors") if file.stem == name), path)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # too long a name, or a folder that may not be looked into
        raise InputError(
            f"{path} cannot be read ({error.strerror}): check its name and the permissions of its folder"
        ) from error
    if is_folder:
        raise InputError(f"{path} is a folder: name the .safetensors file in it")
    if not is_file:
        names = ", ".join(released_networks()) or "none yet"
        raise InputError(f"no weights at {path}: name a .safetensors file or a released network ({names})")
    return path


def name_of_weights(path: Path) -> str:
    """Return what to call a weights file: a released network's name, or for a run's best its folder's."""
    path = path.resolve()
    return path.parent.name if path.stem == "best" and path.parent != RELEASED else path.stem


def load_network(name_or_path: str | Path) -> nn.Module:
    """Return a network in eval mode from a released name or a ``.safetensors`` file.

    Raises:
        InputError: when the file is missing, cut short, a pickle, not one of ours, of numbers that are no
            floats of a usual kind, not finite as float32 or no spread above 0, or of a network that tells
            neither the 7 expressions apart nor 8 with contempt.

    Example:
        >>> network = fertutor.load_network("paper")
    """
    path = weights_path(name_or_path)
    refuse_foreign_name(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        if _looks_pickled(path):
            reason = (
                "it is a pickle, which can run code, and is never read: save it with fertutor.save_network"
            )
        else:
            reason = f"it is damaged or not a safetensors file ({error}): fetch or train it again"
        raise InputError(f"{path} cannot be read as weights: {reason}") from error
    try:
        description = json.loads(metadata["fertutor"])
        kind, arguments = str(description["kind"]), dict(description["arguments"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if "facts" in metadata:
            raise InputError(f"{path} is a run's checkpoint: name best.safetensors beside it") from error
        raise InputError(
            f"{path} does not say which network it belongs to: save it with fertutor.save_network"
        ) from error
    try:
        with torch.device("meta"):  # a header may ask for any size: nothing is allocated before it fits
            empty = KINDS[kind](**arguments).float()
        wanted = empty.state_dict()
        fits = _shapes(wanted) == _shapes(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError):
        fits = False
    if not fits:
        raise InputError(
            f"the tensors of {path} do not fit the network that its header names ({kind}): "
            "train or fetch it again"
        )
    classes: Any = empty.classes  # a number in every kind of network
    if classes not in CLASSES:
        raise InputError(
            f"{path} tells {classes} classes apart, not the 7 expressions or 8 with contempt: "
            "train a network for one of these"
        )
    for name, own in wanted.items():
        kind_of_number = tensors[name].dtype
        if kind_of_number not in (_FLOATS if own.is_floating_point() else (own.dtype,)):
            raise InputError(
                f"{path} holds numbers that no network of ours has ({name}: {kind_of_number}): save it with "
                "fertutor.save_network"
            )
    tensors = {name: value.to(wanted[name].dtype) for name, value in tensors.items()}
    if not all(bool(value.isfinite().all()) for value in tensors.values()):
        raise InputError(f"{path} holds numbers that are not finite: train or fetch it again")
    if not tensors["std"] > 0:
        raise InputError(f"{path} divides grey levels by a std that is not above 0: train or fetch it again")
    # the caller's own draws go on as if nothing was, and torch may have another default than float32
    with torch.random.fork_rng(devices=[]):
        network = build_network(kind, **arguments).float()
    network.load_state_dict(tensors)
    return network.eval()


def _shapes(tensors: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in tensors.items()}


def _looks_pickled(path: Path) -> bool:
    with open(path, "rb") as file:
        start = file.read(2)
    return start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
