"""Files that are either the old ones or the new ones, whole, whenever the machine stops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; on success it is synced and renamed to `path`.

    On an exception the temporary file is removed and `path` stays as it was.

    Raises:
        OSError: names `path` and says why it cannot be written.

    Example:
        >>> with replacing("result.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        # some writers make files that only their owner may read: give what the umask gives
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:  # a full disk speaks through either
        number, reason = getattr(error, "errno", None), getattr(error, "strerror", None)
        raise OSError(number, reason or str(error), str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
