"""``fertutor draw``: a drawn face, or a contact sheet, as a PNG file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files import expanded
from .output_files import refuse_replacing, write_png
from .seed_option import seed

if TYPE_CHECKING:
    from torch import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is drawn, whom, and where it goes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--action-units",
        metavar="LIST",
        help='intensities from 0 to 1, e.g. "6=1,12=0.8"; 12L and 12R are the person\'s left and right',
    )
    what.add_argument("--expression", help="the prototype of one of the seven expressions")
    what.add_argument(
        "--sheet", type=int, metavar="N", help="all expressions of 1 to 32 people, from --person on"
    )
    parser.add_argument("--strength", type=float, help="intensity of the prototype, 0 to 1 (default 1)")
    parser.add_argument("--person", type=int, default=0, help="who: any number from 0")
    parser.add_argument(
        "--size", type=int, default=192, help="side of the picture, 16 to 1024 pixels (default 192)"
    )
    parser.add_argument("--scene", default="", metavar="LIST", help='e.g. "yaw=0.3,light_x=0.8,hand=1"')
    parser.add_argument("--wild", action="store_true", help="photograph it as carelessly as the web does")
    parser.add_argument("--seed", type=seed, default=0, help="seed of what --wild leaves to chance")
    parser.add_argument("--mask", type=expanded, metavar="FILE", help="also write which pixels moved, as PNG")
    parser.add_argument("--out", type=expanded, required=True, metavar="FILE", help="PNG file to write")


def run(args: argparse.Namespace) -> None:
    """Draw and write the file."""
    from PIL import Image

    from ..faces.drawn import draw_faces, parse_action_units, prototype
    from ..faces.drawn.sheet import contact_sheet

    def write(picture: Tensor, path: Path) -> None:
        write_png(Image.fromarray((picture * 255).round().byte().numpy()), path)
        print(path)

    refuse_replacing({"--out": args.out, "--mask": args.mask})
    strength = 1.0 if args.strength is None else args.strength
    if args.sheet is not None:
        _refuse_beside_sheet(args)
        if not 1 <= args.sheet <= 32:
            raise InputError(f"a sheet of {args.sheet} people: expected 1 to 32")
        people = range(args.person, args.person + args.sheet)
        write(contact_sheet(people, args.size, strength), args.out)
        return
    if args.seed and not args.wild:
        raise InputError("--seed is of what --wild leaves to chance: leave it out, or add --wild")
    if args.strength is not None and args.expression is None:
        raise InputError("--strength is of an --expression: give each action unit its own, such as 12=0.5")
    if args.expression is not None:
        units = prototype(args.expression, strength)
    else:
        units = parse_action_units(args.action_units)
    pictures, moved = draw_faces(units, args.person, _scene(args), args.size, seed=args.seed, mask=True)
    write(pictures[0, 0], args.out)
    if args.mask is not None:
        write(moved[0, 0].float(), args.mask)


def _refuse_beside_sheet(args: argparse.Namespace) -> None:
    """Refuse options of a single face where a sheet is asked for."""
    for option in ("mask", "scene", "wild", "seed"):
        if getattr(args, option):
            raise InputError(f"--{option} is of a single face: leave it out, or --sheet")


def _scene(args: argparse.Namespace) -> Tensor:
    """Return the scene of the command line's words, over a random one with ``--wild``."""
    import torch

    from ..expressions import EXPRESSIONS
    from ..faces.drawn import make_scene
    from ..faces.drawn.scene import COLUMN
    from ..faces.drawn.shoot import wild_scenes

    words = {}
    for part in filter(None, (part.strip() for part in args.scene.split(","))):
        name, _, value = part.partition("=")
        if name.strip() in words:
            raise InputError(f"scene parameter {part!r}: {name.strip()} is given a second time")
        try:
            words[name.strip()] = float(value)
        except ValueError:
            raise InputError(f"scene parameter {part!r}: expected name=number") from None
    scene = make_scene(words)
    if args.wild:
        label = EXPRESSIONS.index(args.expression or "neutral")
        wild = wild_scenes(torch.tensor([label]), torch.Generator().manual_seed(args.seed))
        for name in words:
            wild[:, COLUMN[name]] = scene[:, COLUMN[name]]
        scene = wild
    return scene
