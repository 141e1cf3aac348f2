"""The book's table of reproduced results: the paper's accuracies beside those of the ledger.

Paper, tables 1 to 4. Book page: *Reproductions*.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files import replacing
from . import ledger

PAPER_ACCURACY = {"fer2013": 0.7002, "ckplus": 0.980, "jaffe": 0.928, "ferg": 0.993}
"""The paper's own, tables 1 to 4."""

STAND_INS = {
    "fer2013": "drawn-wild",
    "ckplus": "drawn-posed",
    "jaffe": "drawn-studio",
    "ferg": "drawn-cartoon",
}

PAGE = Path("book") / "reproductions.md"

HEAD = """# Reproductions

`fertutor reproduce NAME` trains the network of Figure 3 on a face set, keeps the weights that are best on
validation, opens the test part once, writes both to the ledger, and rewrites this page from the ledger. A
published set needs its licence and `--root DIR`; the drawn stand-ins need nothing. Accuracies of drawn and
real faces cannot be compared with each other, only the rows of one set.

| set | paper | test accuracy | 95 % interval | n | division | recipe | seed | ledger |
|---|---|---|---|---|---|---|---|---|
"""


def page(entries: dict[str, dict[str, Any]]) -> str:
    """Return the page, Markdown, from ledger entries by name."""
    rows = []
    for real, drawn in STAND_INS.items():
        for name in (real, drawn):
            made = {
                key: entry
                for key, entry in entries.items()
                if entry.get("kind") == "evaluation" and entry.get("reproduces") and entry["dataset"] == name
            }
            rows += [_row(name, key, entry) for key, entry in sorted(made.items())]
            if not made and name == real:
                paper = f"{PAPER_ACCURACY[name]:.1%}"
                command = f"`fertutor reproduce {name} --root DIR`"
                rows.append(f"| {name} | {paper} | not measured: {command} " + "| – " * 6 + "|")
    return HEAD + "\n".join(rows) + "\n"


def _row(name: str, key: str, entry: dict[str, Any]) -> str:
    paper = f"{PAPER_ACCURACY[name]:.1%}" if name in PAPER_ACCURACY else "–"
    low, high = entry["interval"]
    division = "by people" if entry["options"].get("by_subject") else "as in the paper"
    rest = [f"{option} {value}" for option, value in entry["options"].items() if option != "by_subject"]
    if entry["labels"] != "original":
        rest.append(f"labels {entry['labels']}")
    cells = [
        name,
        paper,
        f"{entry['accuracy']:.1%}",
        f"{low:.1%} to {high:.1%}",
        str(entry["n"]),
        ", ".join([division, *rest]),
        f"{entry['recipe']}, {entry['epochs']} epochs",
        str(entry["seed"]),
        f"`{key}`",
    ]
    return f"| {' | '.join(cells)} |"


def write_page(folder: Path | None = None) -> Path | None:
    """Rewrite the book's page from the ledger; None where there is no book (an installed library)."""
    path = ledger.ROOT / PAGE
    if not path.parent.is_dir():
        return None
    text = page(ledger.read(folder))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
