"""The command line: one module of :mod:`fertutor.commands` a command, loaded when it is called.

Exit status: 0 done; 1 something from outside cannot be used (one sentence says what and how to mend
it); 2 the command was called wrongly.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from importlib import import_module

from . import __version__
from .errors import InputError

COMMANDS = {
    "datasets": "say what a face set holds: counts, splits, duplicates, blank images",
    "train": "train a network on a face set",
    "search": "look for a recipe's best numbers on validation faces",
    "evaluate": "measure a network on one split of a face set",
    "compare": "compare two networks face by face",
    "baselines": "measure methods of the paper's time on a face set",
    "units": "say which units of a network are alive, and whether θ differs between faces",
    "predict": "find the faces in a photograph and say their expressions",
    "occlude": "map where a network looks, by occlusion",
    "draw": "draw a face from action units",
    "weights": "list the released networks",
    "bench": "measure speed, both sides in one run",
    "reproduce": "train, evaluate and record one of the paper's results",
}


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only `command`'s own arguments are loaded (all of them when None)."""
    parser = argparse.ArgumentParser(
        prog="fertutor", description="Rebuild, train, probe and challenge the Deep-Emotion paper."
    )
    parser.add_argument("--version", action="version", version=f"fertutor {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if command in (None, name):
            import_module(f".commands.{name}", __package__).add_arguments(subparser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    # a stream that the shell closed is None: what is said there is lost, and nothing else
    sys.stdout, sys.stderr = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a θ or a ✓ that the terminal's encoding lacks is no error
            stream.reconfigure(errors="backslashreplace")
    argv = sys.argv[1:] if argv is None else argv
    command = next((word for word in argv if word in COMMANDS), "")
    args = build_parser(command).parse_args(argv)
    try:
        import_module(f".commands.{args.command}", __package__).run(args)
        sys.stdout.flush()
    except InputError as error:
        print(f"fertutor: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fertutor: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of our output has gone (`fertutor … | head`); keep Python from saying so at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"fertutor: {_what_failed(error)}", file=sys.stderr)
        return 1
    return 0


def _what_failed(error: OSError) -> str:
    """Put a file or device that refuses in one sentence."""
    reason = error.strerror or str(error)
    if error.filename is None:
        return f"the system refuses ({reason}): check the free space and the permissions"
    return f"{error.filename} cannot be read or written ({reason}): check the name, the folder and the space"
