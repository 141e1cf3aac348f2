"""Execute chapters in place, in the form in which they are committed.

Outputs are committed, and `make test` compares each of them with a fresh run. Widget
state is left out: it makes a notebook sixty times larger, and a page without a kernel
cannot use it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def execute(path: Path, timeout: int = 300) -> None:
    """Run every cell of the notebook at `path` in order and write its outputs back.

    Raises:
        nbclient.exceptions.CellExecutionError: when a cell fails; the file stays as it
            was.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env={**os.environ, "PYTHONHASHSEED": "0"})
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        keep_alt_text(cell)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)


def keep_alt_text(cell: nbformat.NotebookNode) -> None:
    """Copy the alt text that ``style.show`` published to where the page reads it."""
    for output in cell.get("outputs", []):
        shown = output.get("metadata", {}).get("image/png", {})
        if "alt" in shown:
            cell.metadata["mystnb"] = {
                "image": {
                    "alt": shown["alt"],
                    "width": f"{shown['width']}px",
                }
            }


def main() -> None:
    """Execute the notebooks named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="+", type=Path)
    for path in parser.parse_args().chapters:
        print(f"executing {path}", flush=True)
        execute(path)


if __name__ == "__main__":
    main()
