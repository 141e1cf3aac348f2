"""A reader's own photograph: find the faces, frame them as in FER-2013, say their expressions.

Faces are found by the two Viola-Jones cascades that the OpenCV 4 package brings along: what
``frontalface_default`` finds, ``frontalface_alt`` has to confirm. They know upright, frontal faces; one in
profile, tilted, half hidden or hardly lighter or darker than what is behind it is often missed. Needs the
extra ``photo``. Book chapter: *Four data sets*.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..errors import InputError, called
from ..expressions import COLOURS, class_names
from ..files import expanded
from ..mode import check_network, device_of, evaluating
from .many import to_face
from .pictures import centred_square, check_size, decode_picture, open_picture, upright_rgb

if TYPE_CHECKING:
    from torch import nn

PHOTO_PIXELS = 64_000_000
"""Larger photographs are refused before they are decoded."""

SMALLEST_FACE = 20
"""Side in pixels of the smallest face that is looked for, in a photograph of up to 1600 pixels a side."""

SEARCH_SIDES = (400, 1600)
"""A photograph whose longer side is shorter is searched at twice its size, a longer one scaled down."""

ENLARGED = 1.2
"""By how much all others are enlarged: the first detector's window is 24 pixels wide, not 20."""

CASCADES = (("haarcascade_frontalface_default.xml", 2), ("haarcascade_frontalface_alt.xml", 1))
"""Detector and its confirmer, each with the number of neighbouring windows that must agree."""

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the upright photograph."""

Photo = str | Path | bytes | bytearray | memoryview | Image.Image | NDArray[Any]
"""A file's path or bytes (as an upload gives them), a Pillow image, or uint8 ``(height, width)`` or
``(height, width, 3 or 4)``."""


@dataclass(frozen=True)
class PhotoFace:
    """One face of a photograph.

    Attributes:
        box: left, top, width and height in pixels of the upright photograph.
        image: uint8 ``(1, 48, 48)``, what the network saw.
        probabilities: float32 ``(classes,)``.
    """

    box: Box
    image: Tensor
    probabilities: Tensor

    @property
    def expression(self) -> str:
        """The most probable expression."""
        return class_names(len(self.probabilities))[int(self.probabilities.argmax())]

    def as_dict(self) -> dict[str, Any]:
        """Return box, expression and probabilities as plain JSON values."""
        names = class_names(len(self.probabilities))
        return {
            "box": list(self.box),
            "expression": self.expression,
            "probabilities": dict(zip(names, self.probabilities.tolist(), strict=True)),
        }


def predict_photo(network: nn.Module, image: Photo, *, whole: bool = False) -> list[PhotoFace]:
    """Say the expression of every face in a photograph.

    Args:
        network: faces float ``(n, 1, 48, 48)`` in [0, 1] → logits; put in eval mode for the while.
        image: the photograph, see :data:`Photo`.
        whole: the picture is one face already, framed as in FER-2013: nothing is searched.

    Returns:
        The faces, largest first; empty where none was found.

    Raises:
        InputError: a file that cannot be used, what is no network, or OpenCV 4 is missing.

    Example:
        >>> predict_photo(fertutor.load_network("paper"), skimage.data.astronaut())[0].expression
    """
    check_network(network)
    photo = open_photo(image)
    boxes = [centred_square(photo)] if whole else find_faces(photo)
    if not boxes:
        return []
    faces = torch.stack([crop_face(photo, box) for box in boxes])
    with evaluating(network), torch.no_grad():
        probabilities = network(faces.to(device_of(network)).float() / 255).softmax(1).cpu()
    return [PhotoFace(*found) for found in zip(boxes, faces, probabilities, strict=True)]


def open_photo(image: Photo) -> Image.Image:
    """Return a photograph as an upright RGB image; see :func:`fertutor.faces.pictures.upright_rgb`.

    Raises:
        InputError: a file that is missing, empty, damaged, no image, or larger than
            :data:`PHOTO_PIXELS` (refused before it is decoded); or no :data:`Photo`.
    """
    if isinstance(image, str | Path):
        return upright_rgb(open_picture(expanded(image), PHOTO_PIXELS), str(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return upright_rgb(decode_picture(bytes(image), PHOTO_PIXELS))
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))):
            raise InputError(
                "a photograph as an array must be uint8 (height, width) or (height, width, 3 or 4), "
                f"not {image.dtype} {image.shape}"
            )
        image = Image.fromarray(image)
    if not isinstance(image, Image.Image):
        raise InputError(
            "a photograph must be a file's path or bytes, a Pillow image or a uint8 array, not "
            f"{called(image)}"
        )
    check_size(image, PHOTO_PIXELS)
    try:
        image.load()
    except Exception as error:  # each of Pillow's decoders fails in its own way
        raise InputError(f"the picture is damaged ({error}): fetch it again") from None
    return upright_rgb(image)


def find_faces(photo: Image.Image) -> list[Box]:
    """Return the boxes of all faces, largest first.

    Args:
        photo: an upright photograph, as :func:`open_photo` returns it.

    Raises:
        InputError: when OpenCV 4 is missing.
    """
    grey = photo.convert("L")
    longer = max(grey.size)
    scale = 2.0 if longer < SEARCH_SIDES[0] else ENLARGED * min(1.0, SEARCH_SIDES[1] / longer)
    size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
    # enlarged between pixels, scaled down over areas
    grey = grey.resize(size, Image.Resampling.BILINEAR if scale > 1 else Image.Resampling.BOX)
    smallest = round(SMALLEST_FACE * max(scale, 1))
    pixels = np.asarray(grey)
    candidates = _detect(pixels, *CASCADES[0], smallest)
    confirmers = _detect(pixels, *CASCADES[1], smallest) if candidates else []
    faces: list[Box] = []
    for box in sorted(candidates, key=lambda box: (-box[2], box)):
        confirmed = any(_shared(box, other) > 0.3 * _joint(box, other) for other in confirmers)
        # a window inside a larger face is a part of it
        if confirmed and all(_shared(box, kept) < 0.5 * box[2] * box[3] for kept in faces):
            faces.append(box)
    return [_within(tuple(round(value / scale) for value in box), photo) for box in faces]


def crop_face(photo: Image.Image, box: Box) -> Tensor:
    """Cut a face out: grey (ITU-R 601 luma), 48 x 48, averaged over areas.

    The crop is the detector's box as it is. On the faces of FER-2013 that the detector finds, its box is
    as wide as FER-2013's own frame (median ratio 1.01, centres within 1 % of the width), because
    FER-2013 was framed by such a detector.

    Returns:
        uint8 ``(1, 48, 48)``.
    """
    left, top, width, height = box
    face = photo.crop((left, top, left + width, top + height)).convert("L")
    return to_face(face)


def annotate(photo: Image.Image, faces: list[PhotoFace]) -> Image.Image:
    """Return a copy of the photograph with each face's box, expression and probability drawn in."""
    photo = photo.copy()
    draw = ImageDraw.Draw(photo)
    stroke = max(1, max(photo.size) // 300)
    for face in faces:
        left, top, width, height = face.box
        colour = COLOURS[face.expression]
        draw.rectangle((left, top, left + width - 1, top + height - 1), outline=colour, width=stroke)
        text = f"{face.expression} {float(face.probabilities.max()):.0%}"
        font = ImageFont.load_default(size=max(10, min(width / 6, max(photo.size) / 20)))
        x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
        # above the box, or below its upper edge where there is no room; never past the right edge
        x = max(0, min(left, photo.width - (x1 - x0) - 2 * stroke))
        y = top - (y1 - y0) - 2 * stroke if top >= (y1 - y0) + 2 * stroke else top
        draw.rectangle((x, y, x + x1 - x0 + 2 * stroke, y + y1 - y0 + 2 * stroke), fill=colour)
        draw.text((x + stroke - x0, y + stroke - y0), text, fill="black", font=font)
    return photo


def webcam_frames(camera: int | str = 0) -> Iterator[Image.Image]:
    """Yield the frames of a webcam as RGB images until the caller stops; the camera is then released.

    Args:
        camera: number of the camera, or the path of a video file.

    Raises:
        InputError: when OpenCV 4 is missing or the camera gives no picture.

    Example:
        >>> for frame in webcam_frames():
        ...     print([face.expression for face in predict_photo(network, frame)])
    """
    cv2 = _opencv()
    capture = cv2.VideoCapture(camera)
    try:
        read, frame = capture.read()
        if not read:
            raise InputError(
                f"camera {camera!r} gives no picture: check that it is plugged in and not in use"
            )
        while read:
            yield Image.fromarray(np.ascontiguousarray(frame[:, :, ::-1]))
            read, frame = capture.read()
    finally:
        capture.release()


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise InputError("photographs need OpenCV 4: pip install 'fertutor[photo]'") from None
    if not hasattr(cv2, "CascadeClassifier"):
        raise InputError(
            f"photographs need OpenCV 4, and {cv2.__version__} is installed: pip install 'fertutor[photo]'"
        )
    return cv2


_OF_THIS_THREAD = threading.local()
"""Each thread's own detectors: OpenCV's keep the picture that they search in themselves."""


def _cascade(name: str) -> Any:
    held: dict[str, Any] = _OF_THIS_THREAD.__dict__
    if name not in held:
        cv2 = _opencv()
        held[name] = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / name))
    return held[name]


def _detect(grey: NDArray[np.uint8], name: str, neighbours: int, smallest: int) -> list[Box]:
    found = _cascade(name).detectMultiScale(grey, 1.1, neighbours, minSize=(smallest, smallest))
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h in found]


def _shared(a: Box, b: Box) -> int:
    """Return the area that two boxes share, in pixels."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)


def _joint(a: Box, b: Box) -> int:
    """Return the area that two boxes cover together, in pixels."""
    return a[2] * a[3] + b[2] * b[3] - _shared(a, b)


def _within(box: tuple[int, ...], photo: Image.Image) -> Box:
    left, top, width, height = box
    return left, top, min(width, photo.width - left), min(height, photo.height - top)
