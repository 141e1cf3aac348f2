"""``fertutor predict``: the expressions of the faces in a photograph."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ..files import expanded
from .output_files import refuse_replacing, write_png
from .weights_option import add_weights

if TYPE_CHECKING:
    from ..faces.photo import PhotoFace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network, the photograph and the form of the answer."""
    add_weights(parser)
    parser.add_argument("photo", metavar="PHOTO", help="any image file that Pillow reads")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument(
        "--annotated", type=expanded, metavar="FILE", help="also write the photo with boxes, as PNG"
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="the picture is one face already, framed as in FER-2013: search nothing",
    )


def run(args: argparse.Namespace) -> None:
    """Predict, print, and write the annotated photograph on request."""
    from ..faces.photo import annotate, open_photo, predict_photo
    from ..network.weights import load_network, weights_path

    inputs = {"PHOTO": expanded(args.photo), "WEIGHTS": weights_path(args.weights)}
    refuse_replacing({"--annotated": args.annotated}, inputs)
    network = load_network(args.weights)
    photo = open_photo(args.photo)
    faces = predict_photo(network, photo, whole=args.whole)
    if args.annotated is not None:
        write_png(annotate(photo, faces), args.annotated)
    if args.json:
        answer = {
            "photo": args.photo,
            "width": photo.width,
            "height": photo.height,
            "faces": [face.as_dict() for face in faces],
        }
        print(json.dumps(answer))
    else:
        print(describe(args.photo, faces))


def describe(name: str, faces: list[PhotoFace]) -> str:
    """Put the answer in words."""
    if not faces:
        return (
            f"no face found in {name}: the search knows upright, frontal faces of 20 pixels or more; "
            "if the picture is one face and nothing else, add --whole"
        )
    lines = [f"{len(faces)} {'face' if len(faces) == 1 else 'faces'} in {name}"]
    for face in faces:
        left, top, width, height = face.box
        lines.append(f"{face.expression} at {left},{top}, {width} x {height} pixels")
        chances = sorted(face.as_dict()["probabilities"].items(), key=lambda item: -item[1])
        lines += [f"  {name:9} {chance:6.1%}" for name, chance in chances]
    return "\n".join(lines)
