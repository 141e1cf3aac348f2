"""Files that are either the old ones or the new ones, whole, whenever the machine stops."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from .errors import InputError

if TYPE_CHECKING:  # the command line's help need not wait for torch
    from torch import Tensor

LEFT_BEHIND = 3600
"""Seconds after which a temporary file counts as left behind by a process that was killed."""

NAME_LIMIT = 255
"""Bytes of a name that file systems take."""

_UMASK = threading.Lock()
"""The umask can only be read by setting it, for all threads."""


def checksum(tensors: Mapping[str, Tensor]) -> int:
    """Return the CRC-32 of the tensors' bytes, in the order of their names."""
    found = 0
    for name in sorted(tensors):
        found = zlib.crc32(tensors[name].contiguous().numpy().data, found)
    return found


WAITS = 20 if os.name == "nt" else 0
"""Tenths of a second that a file may be in another program's hands, of which Windows makes an error."""


def _replace(temporary: Path, path: Path) -> None:
    for _ in range(WAITS):
        with suppress(PermissionError):
            os.replace(temporary, path)
            return
        time.sleep(0.1)
    os.replace(temporary, path)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; on success it is synced and renamed to `path`.

    On an exception the temporary file is removed and `path` stays as it was. Where `path` is a link, the
    file that it leads to is replaced, and the link stays.

    Raises:
        OSError: names `path` and says why it cannot be written: it is no file but a folder or a device, say.

    Example:
        >>> with replacing("result.json") as temporary:
        ...     temporary.write_text("{}")
    """
    with _whole(Path(path), _replace) as temporary:
        yield temporary


def write_new(path: Path, text: str) -> bool:
    """Write a text file that is not there yet; of several processes that try, one succeeds.

    Returns:
        False, and nothing is changed, where `path` exists already.

    Raises:
        OSError: names `path` and says why it cannot be written.
    """
    taken = path.exists()

    def claim(temporary: Path, path: Path) -> None:
        nonlocal taken
        try:
            _link(temporary, path)
        except FileExistsError:
            taken = True

    if not taken:
        with _whole(path, claim) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return not taken


def expanded(path: str | Path) -> Path:
    """Return a path whose ``~`` at the start is the user's home folder, as in a shell."""
    return Path(os.path.expanduser(path))  # unlike Path.expanduser, leaves the home of nobody as it is


def refuse_foreign_name(path: Path) -> None:
    """Raise InputError for a name that is no UTF-8: safetensors can neither write nor read such a file."""
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        raise InputError(f"{path} has a name that is no UTF-8: rename it, or name another") from None


def shortened(name: str, limit: int = NAME_LIMIT) -> str:
    """Return the name of a file or folder; where it is longer than `limit` bytes, a hash ends it."""
    whole = name.encode("utf-8", "surrogateescape")
    if len(whole) <= limit:
        return name
    return f"{whole[: limit - 9].decode(errors='ignore')}-{hashlib.sha256(whole).hexdigest()[:8]}"


def refuse_unwritable(folder: Path, option: str = "") -> None:
    """Raise InputError where files cannot be written to a folder, which need not exist yet.

    Args:
        folder: to write to.
        option: of the command line, which names another.
    """
    refuse_foreign_name(folder)
    try:
        _refuse_unknown_home(folder)
        place = Path(os.path.realpath(folder))
        while not place.exists():
            if place.is_symlink():  # only one that leads to itself is left
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            place = place.parent
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written to ({error.strerror or error}): name another folder"
            f"{option and f' with {option}'}, or check its permissions"
        ) from error


def _refuse_unknown_home(path: Path) -> None:
    """Raise OSError for a path in ``~``, or ``~name``, that is nobody's: it would be made here."""
    first = path.parts[0] if path.parts else ""
    if first.startswith("~") and (first == "~" or len(path.parts) > 1) and not os.path.isdir(first):
        raise OSError(errno.ENOENT, f"the home folder {first} is not known")


def _link(temporary: Path, path: Path) -> None:
    """Give a file its name; unlike ``os.replace``, only where no file has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # not every file system has links: the name is then claimed before the file is whole
        with open(path, "xb") as file:
            try:
                file.write(temporary.read_bytes())
                file.flush()
            except BaseException:  # Ctrl-C, too
                path.unlink(missing_ok=True)
                raise


@contextmanager
def _whole(path: Path, publish: Callable[[Path, Path], None]) -> Iterator[Path]:
    """Give a temporary path to write to; on success sync it and `publish` it as `path`."""
    target = Path(os.path.realpath(path))  # a rename would put the file in the place of a link
    temporary = target.parent / f".{target.name}.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        _refuse_unknown_home(path)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is no ordinary file")
        target.parent.mkdir(parents=True, exist_ok=True)
        _forget_the_killed(target)
        yield temporary
        with open(temporary, "r+b") as file:  # Windows syncs only what may be written
            os.fsync(file.fileno())
        # some writers make files that only their owner may read: give what the umask gives
        with _UMASK:
            umask = os.umask(0)
            os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        publish(temporary, target)
    except (OSError, SafetensorError) as error:  # a full disk speaks through either
        number, reason = getattr(error, "errno", None), getattr(error, "strerror", None)
        raise OSError(number, reason or str(error), str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _forget_the_killed(path: Path) -> None:
    """Remove the temporary files of `path` that are too old to be anybody's: a kill leaves its own."""
    for leftover in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFT_BEHIND:
                leftover.unlink()
