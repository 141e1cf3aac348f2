"""The one exception for what comes from outside and cannot be used, and what its message calls it."""

from __future__ import annotations


class InputError(ValueError):
    """A file, image, argument or checkpoint that cannot be used.

    The message is one sentence that names the thing and the mend; the command line prints it
    without a traceback and exits with status 1.
    """


def called(thing: object) -> str:
    """Return what a message calls an argument of a wrong type: itself if a text or None, else its type."""
    return repr(thing) if thing is None or isinstance(thing, str) else type(thing).__name__
