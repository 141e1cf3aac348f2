"""Image files from outside, opened with care."""

from __future__ import annotations

import errno
import io
import warnings
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..errors import InputError

PIXEL_LIMIT = 16_000_000
"""Larger images are refused before they are decoded."""

BACKGROUND = (255, 255, 255)
"""What shows through where a picture is transparent: white, as on paper."""


def open_picture(path: Path, pixel_limit: int = PIXEL_LIMIT) -> Image.Image:
    """Return the decoded image of a file, in the file's own mode.

    Raises:
        InputError: when the file is missing, no ordinary file, empty, no image, cut short, may not be
            read, or has more than `pixel_limit` pixels (which is looked up before the pixels are decoded).
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: name an image file in it")
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be opened: {error}") from None
    if not S_ISREG(status.st_mode):
        raise InputError(f"{path} is no ordinary file: save the picture first and name that")
    return _decode(path, str(path), status.st_size == 0, pixel_limit)


def decode_picture(data: bytes, pixel_limit: int = PIXEL_LIMIT) -> Image.Image:
    """Return the image of a file's bytes; like :func:`open_picture`, with "the picture" in its errors."""
    return _decode(io.BytesIO(data), "the picture", not data, pixel_limit)


def _decode(source: Path | io.BytesIO, name: str, empty: bool, pixel_limit: int) -> Image.Image:
    if empty:
        raise InputError(f"{name} is empty (0 bytes): fetch it again or remove it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            picture = Image.open(source)
        check_size(picture, pixel_limit, name)
        picture.load()
    except Image.DecompressionBombError:
        raise InputError(f"{name} has far too many pixels: scale it down first") from None
    except UnidentifiedImageError:
        raise InputError(
            f"{name} is not an image that Pillow can read: save it as JPEG or PNG, or fetch it again"
        ) from None
    except InputError:
        raise
    except OSError as error:
        # Pillow's own errors have no number; EINVAL: a broken picture sent it to before the file's start
        if error.errno in (None, errno.EINVAL):
            raise _damaged(name, error) from None
        raise InputError(
            f"{name} cannot be opened ({error.strerror}): check its permissions and the disk"
        ) from None
    except Exception as error:  # each of Pillow's decoders fails in its own way
        raise _damaged(name, error) from None
    return picture


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(f"{name} is damaged ({error}): fetch it again or remove it")


def open_grey(path: Path) -> Image.Image:
    """Return the image of a file as :func:`upright_rgb` has it, made grey (ITU-R 601 luma).

    Raises:
        InputError: as :func:`open_picture` and :func:`upright_rgb`.
    """
    return upright_rgb(open_picture(path), str(path)).convert("L")


def centred_square(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the largest centred square of a picture: left, top, width, height."""
    side = min(picture.size)
    return (picture.width - side) // 2, (picture.height - side) // 2, side, side


def check_size(picture: Image.Image, pixel_limit: int, name: str = "the picture") -> None:
    """Refuse a picture of more than `pixel_limit` pixels, or of none."""
    width, height = picture.size
    if width * height > pixel_limit:
        raise InputError(
            f"{name} has {width} x {height} pixels, more than {pixel_limit // 1_000_000} million: "
            "scale it down first"
        )
    if width * height == 0:
        raise InputError(f"{name} has {width} x {height} pixels: give a picture with some")


def upright_rgb(picture: Image.Image, name: str = "the picture") -> Image.Image:
    """Return a picture of any mode as RGB, turned as its EXIF orientation says.

    Transparent pixels show :data:`BACKGROUND`. Of 16 bits the upper eight are kept; numbers with a
    fraction count as 0 to 1 when none is larger, else as 0 to 255. An animation shows its first frame.

    Raises:
        InputError: for a mode that has no conversion to RGB.
    """
    # where the EXIF data are damaged, the picture itself is still there
    with suppress(OSError, SyntaxError, ValueError, KeyError, TypeError, ArithmeticError):
        picture = ImageOps.exif_transpose(picture)
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(picture))).convert("RGB")
    try:
        if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            return Image.alpha_composite(
                Image.new("RGBA", picture.size, (*BACKGROUND, 255)), picture
            ).convert("RGB")
        return picture.convert("RGB")
    except ValueError:
        raise InputError(f"{name} has the colour mode {picture.mode}: save it as RGB or grey") from None


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Return grey levels of 16 bits, or with a fraction, as uint8."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(values)
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
        return (values * scale).clip(0, 255).round().astype(np.uint8)
    if values.max(initial=0) > 255:
        values = values.clip(0, 65535) // 256
    return values.clip(0, 255).astype(np.uint8)
