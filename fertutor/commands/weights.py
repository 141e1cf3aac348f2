"""``fertutor weights``: the released networks, and how one is released."""

from __future__ import annotations

import argparse
import json

from ..files import expanded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the form of the answer, and what a release needs."""
    parser.add_argument("--json", action="store_true", help="print the cards as one JSON value")
    group = parser.add_argument_group("releasing a network (for maintainers)")
    group.add_argument("--release", metavar="NAME", help="release a run's best network under this name")
    group.add_argument("--run", type=expanded, help="folder of the run")
    group.add_argument("--entry", type=expanded, help="the run's ledger entry")
    group.add_argument("--summary", help="one sentence for the card")


def run(args: argparse.Namespace) -> None:
    """Print every card, or release one."""
    from ..errors import InputError
    from ..network.weights import released_networks

    if args.release:
        from ..evaluation.release import release
        from ..training.loop import BEST

        if not (args.run and args.entry and args.summary):
            raise InputError("a release needs --run, --entry and --summary")
        print(release(args.release, args.summary, args.run / BEST, args.entry))
        return
    for option in ("run", "entry", "summary"):
        if getattr(args, option):
            raise InputError(f"--{option} is of a release: add --release NAME")
    cards = released_networks()
    if args.json:
        print(json.dumps(cards))
        return
    for name, card in cards.items():
        print(f"{name}: {card['summary']}")
        print(
            f"    {card['network']['parameters']:,} parameters; {card['dataset']} ({card['labels']} labels), "
            f"validation accuracy {card['val_accuracy']:.2%} (n = {card['val_n']})"
        )
