"""``fertutor occlude``: where a network looks, on a photograph or on a face of a set."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import expanded, replacing
from .device_option import add_device_option
from .output_files import refuse_replacing
from .weights_option import add_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..saliency.occlusion import OcclusionMap

PLACES = 6
"""Decimal places of the numbers in the JSON answer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network, the face, the square and the form of the answer."""
    add_weights(parser)
    parser.add_argument(
        "image",
        metavar="IMAGE",
        help="a photograph, or a face of a set as SET:SPLIT:ROW (drawn-wild:test:12)",
    )
    parser.add_argument("--size", default="8", metavar="N", help="side of the square in pixels (default 8)")
    parser.add_argument("--stride", default="4", metavar="S", help="step in pixels (default 4)")
    parser.add_argument(
        "--edge",
        default="clamp",
        choices=("clamp", "cut"),
        help="the last square: clamp moves it inside the picture, cut leaves out what is beyond (default "
        "clamp)",
    )
    parser.add_argument("--method", default="auto", choices=("auto", "plain", "incremental"))
    parser.add_argument("--label", help="the true expression (default: the set's label, or the prediction)")
    parser.add_argument("--root", help="folder of the set, where IMAGE is a published one's face")
    parser.add_argument(
        "--whole", action="store_true", help="the photograph is one face already, framed as in FER-2013"
    )
    add_device_option(parser)
    parser.add_argument("--out", type=expanded, metavar="FILE", help="write the map as PNG")
    parser.add_argument("--json", action="store_true", help="print the numbers as one JSON value")


def run(args: argparse.Namespace) -> None:
    """Find the face, make its map, write and print it."""
    import torch

    from ..faces.catalogue import default_root
    from ..network.weights import load_network, weights_path
    from ..saliency.occlusion import occlude
    from ..saliency.windows import Windows
    from ..training.device import choose_setting

    size, stride = _whole(args.size), _whole(args.stride)
    Windows(size, stride, args.edge)  # a wrong size is named before anything is read
    inputs = {"IMAGE": expanded(args.image), "WEIGHTS": weights_path(args.weights)}
    refuse_replacing({"--out": args.out}, inputs)
    name, colon, _ = args.image.partition(":")
    root = args.root or (default_root(name) if colon else None)
    if args.out and args.out.exists() and root and expanded(root).resolve() in args.out.resolve().parents:
        raise InputError(f"--out {args.out} would replace a file of {root}: name another file")
    if args.out is not None:
        _refuse_without_matplotlib()
    network = load_network(args.weights)
    network.to(choose_setting(args.device, "fp32").device)
    classes: Any = network.classes  # a number in every kind of network
    face, label = _face(args, classes)
    labels = None if label is None else torch.tensor([label])
    result = occlude(network, face[None], size, stride, labels, args.method, args.edge, show_progress=True)
    if args.out is not None:
        _write(face, result, args.out)
    print(json.dumps(as_json(args.image, result)) if args.json else describe(args.image, result, args.out))


def as_json(name: str, result: OcclusionMap) -> dict[str, Any]:
    """Return the map of one face as plain JSON values."""
    from ..expressions import class_names

    names = class_names(result.clean.shape[1])
    windows = result.windows
    return {
        "image": name,
        "expression": names[int(result.labels[0])],
        "prediction": names[int(result.clean[0].argmax())],
        "size": windows.size,
        "stride": windows.stride,
        "edge": windows.edge,
        "method": result.method,
        "note": result.note,
        "expressions": list(names),
        "clean": _rounded(result.clean[0].tolist()),
        "positions": result.positions.tolist(),
        "probabilities": _rounded(result.probabilities[0].tolist()),
        "drop": _rounded(result.drop[0].tolist()),
        "flips": _rounded(result.flips[0].tolist()),
    }


def describe(name: str, result: OcclusionMap, out: Path | None) -> str:
    """Put the map in words."""
    from ..expressions import class_names

    names = class_names(result.clean.shape[1])
    label, clean = int(result.labels[0]), result.clean[0]
    wrong = int((result.probabilities[0].argmax(1) != label).sum())
    losses = clean[label] - result.probabilities[0, :, label]
    row, column = result.positions[int(losses.argmax())].tolist()
    taken = round(float(losses.max()), 3) + 0.0  # no -0.0
    windows = result.windows
    lines = [
        f"{name}: the network says {names[int(clean.argmax())]} ({float(clean.max()):.1%}); "
        f"the map is about {names[label]}",
        f"{windows.count} squares of {windows.size} pixels, {windows.stride} apart; {wrong} of them make "
        "the prediction wrong" + (" (it is wrong without any)" if int(clean.argmax()) != label else ""),
        f"the costliest, at row {row} and column {column}, takes {taken:.1%} of probability",
    ]
    if result.note:
        lines.append(result.note)
    if out is not None:
        lines.append(f"written to {out}")
    return "\n".join(lines)


def _whole(text: str) -> Any:
    """The number that a word says, or the word itself, which the size check then names."""
    try:
        return int(text)
    except ValueError:
        return text


def _rounded(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return None if math.isnan(values) else round(values, PLACES)


def _face(args: argparse.Namespace, classes: int) -> tuple[Tensor, int | None]:
    """The face, uint8 ``(1, 48, 48)``, and its label where one is known."""
    from ..faces.catalogue import FACE_SETS

    parts = args.image.split(":")
    if parts[0] in FACE_SETS and not Path(args.image).exists():
        if args.whole:
            raise InputError(f"--whole is of a photograph, and {args.image} a face of a set: leave it out")
        face, label = _set_face(args.image, args.root)
    else:
        face, label = _photo_face(args.image, args.whole), None
    return face, label if args.label is None else _label(args.label, classes)


def _label(name: str, classes: int) -> int:
    """Return the class of an expression that the network knows."""
    from ..expressions import class_names

    names = class_names(classes)
    if name not in names:
        raise InputError(f"{name!r} is no expression of the network: choose one of {', '.join(names)}")
    return names.index(name)


def _set_face(image: str, root: str | None) -> tuple[Tensor, int]:
    from ..faces.catalogue import load_faces

    name, split, row = (*image.split(":"), "", "")[:3]
    if image.count(":") != 2:
        raise InputError(f"{image} names no face: write SET:SPLIT:ROW, such as {name}:val:0")
    parts = load_faces(name, root=root).parts()
    if split not in parts:
        raise InputError(f"{image}: {name} has no part {split!r}, it has {', '.join(parts)}")
    table = parts[split]
    if not (row.isascii() and row.isdigit() and int(row) < len(table)):
        raise InputError(f"{image}: the {split} faces of {name} are rows 0 to {len(table) - 1}, not {row!r}")
    return table.images[int(row)], int(table.labels[int(row)])


def _photo_face(image: str, whole: bool) -> Tensor:
    from ..faces.photo import crop_face, find_faces, open_photo
    from ..faces.pictures import centred_square

    photo = open_photo(image)
    if whole:
        return crop_face(photo, centred_square(photo))
    boxes = find_faces(photo)
    if not boxes:
        raise InputError(
            f"no face found in {image}: if the picture is one face and nothing else, add --whole"
        )
    return crop_face(photo, boxes[0])


def _refuse_without_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(
            "a map's picture needs matplotlib: pip install 'fertutor[chapters]', or leave --out away and "
            "take --json"
        ) from None


def _write(face: Tensor, result: OcclusionMap, path: Path) -> None:
    from ..figures.occlusion import draw_map

    figure = draw_map(face, result)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=200)
