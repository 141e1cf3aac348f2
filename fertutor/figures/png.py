"""PNG files with a palette: a third of the bytes, so that a page full of faces loads quickly."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SOLID, SHEER = 192, 64
"""Colours for opaque pixels, which show pictures, and for translucent ones, which are edges of text.

With 64 for opaque ones, bars in the colours of seven expressions took those of the face beside them."""


def with_palette(image: Image.Image) -> bytes:
    """Return an image as a PNG of at most 256 colours.

    Pillow has one way that knows transparency and leaves fifteen greys of a face, and one that keeps its
    greys and knows no transparency: each is given the pixels that it is good at.

    Args:
        image: of any mode.
    """
    from PIL import Image

    image = image.convert("RGBA")
    solid = image.convert("RGB").quantize(SOLID, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    sheer = image.quantize(SHEER, method=Image.Quantize.FASTOCTREE)
    opaque = np.asarray(image)[..., 3] == 255
    places = np.where(opaque, np.asarray(solid), SOLID + np.asarray(sheer)).astype(np.uint8)
    solid_colours = np.zeros((SOLID, 4), np.uint8)
    found = np.array(solid.getpalette("RGB"), np.uint8).reshape(-1, 3)[:SOLID]
    solid_colours[: len(found), :3], solid_colours[:, 3] = found, 255
    sheer_colours = np.zeros((SHEER, 4), np.uint8)
    found = np.array(sheer.getpalette("RGBA"), np.uint8).reshape(-1, 4)[:SHEER]
    sheer_colours[: len(found)] = found
    colours = np.concatenate([solid_colours, sheer_colours])
    packed = Image.frombytes("P", image.size, places.tobytes())
    packed.putpalette(colours[:, :3].tobytes())
    file = io.BytesIO()
    packed.save(file, format="png", optimize=True, transparency=colours[:, 3].tobytes())
    return file.getvalue()
