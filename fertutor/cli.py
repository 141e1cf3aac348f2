"""The command line: one module of :mod:`fertutor.commands` a command, loaded when it is called.

Exit status: 0 done; 1 something from outside cannot be used (one sentence says what and how to mend
it); 2 the command was called wrongly; 130 stopped by Ctrl-C, 143 by SIGTERM; 141 cut off because nobody
reads its output any more.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
import threading
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
    only_here = threading.current_thread() is threading.main_thread()  # other threads may set no signals
    before = signal.signal(signal.SIGTERM, _stop) if only_here else None
    try:
        return _run(argv)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _run(argv: list[str]) -> int:
    command = next((word for word in argv if word in COMMANDS), "")
    try:
        args = build_parser(command).parse_args(argv)
        import numpy  # noqa: F401  # torch would import it where the exception of a signal is lost

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
        return 141
    except (MemoryError, RuntimeError) as error:
        if not _lacks_memory(error):
            raise
        of_gpu = "CUDA" in str(error)
        whose = (
            "the GPU's memory does not suffice (nvidia-smi says who has it)"
            if of_gpu
            else "the memory does not suffice"
        )
        words = f"{whose}: close other programs, or take a smaller batch or fewer faces"
        print(f"fertutor: {words}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"fertutor: {_what_failed(error)}", file=sys.stderr)
        return 1
    return 0


def _stop(signum: int, frame: object) -> None:
    """End as after Ctrl-C, so that temporary files and other processes go, too."""
    sys.exit(128 + signum)


def _lacks_memory(error: Exception) -> bool:
    """Return whether that is what an error is about; torch tells it in words."""
    words = str(error)
    return isinstance(error, MemoryError) or "out of memory" in words or "allocate memory" in words


def _what_failed(error: OSError) -> str:
    """Put a file or device that refuses in one sentence."""
    reason = error.strerror or str(error)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"the system refuses ({reason}): raise its limit (ulimit -n) or close other programs"
    if error.filename is None:
        return f"the system refuses ({reason}): check the free space and the permissions"
    return f"{error.filename} cannot be read or written ({reason}): check the name, the folder and the space"
