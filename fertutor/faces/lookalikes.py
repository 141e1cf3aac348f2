"""Small trees of drawn faces in exactly the layouts of the published sets.

Who has no licence (yet) can try the readers, and every command with ``--root``, on these. They hold the
odd cases of the real files too, unless `odd` is False. Book chapter: *Four data sets*.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ..expressions import CKPLUS_LABELS, FERG_LABELS, JAFFE_LABELS
from ..files import replacing
from . import jaffe
from .ckplus import EMOTIONS, EYES_AT, FRAME, IMAGES, LANDMARKS, LEFT_EYE, RIGHT_EYE
from .ferg import CHARACTERS
from .table import SIDE

JAFFE_PEOPLE = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")

CKPLUS_FRAMES = 4
"""Frames of a sequence, from neutral to the apex; the real ones have 4 to 71."""

CKPLUS_SIZES = ((640, 490), (640, 480))

Units = dict[int | str, float]


def write_jaffe(root: str | Path, each: int | None = None, odd: bool = True) -> Path:
    """Write JAFFE's layout: ``KA.AN1.39.tiff``, 256 x 256 grey, ten people.

    Args:
        root: folder to write to.
        each: images of each expression; None is JAFFE's own 213 images.
        odd: one name in lower case, one ``.tif``, and a text file among the images.
    """
    root = Path(root)
    counts = jaffe.COUNTS if each is None else dict.fromkeys(jaffe.COUNTS, each)
    jobs = [(place % 10, code, place // 10 + 1) for code, count in counts.items() for place in range(count)]
    units = [_act(JAFFE_LABELS[code], _strength(take)) for _, code, take in jobs]
    pictures = _draw(units, [person for person, _, _ in jobs])
    for number, ((person, code, take), picture) in enumerate(zip(jobs, pictures, strict=True), start=1):
        name = f"{JAFFE_PEOPLE[person]}.{code}{take}.{number}.tiff"
        if odd and number <= 2:
            name = (name.lower(), name.removesuffix("f"))[number - 1]
        _save(_enlarge(picture, 256), root / name, "TIFF")
    if odd:
        (root / "README").write_text("Drawn faces in the layout of JAFFE.\n", encoding="utf-8")
    return root


def write_ferg(root: str | Path, each: int = 3, odd: bool = True) -> Path:
    """Write FERG's layout: ``aia/aia_anger/aia_anger_1.png``, 256 x 256 RGB, six characters.

    Args:
        root: folder to write to.
        each: images of each character and expression (the real set has more than a thousand).
        odd: an RGBA picture with transparent corners, and a file of the Finder's.
    """
    from .drawn.characters import cast

    root = Path(root)
    jobs = [
        (character, name, take)
        for character in range(len(CHARACTERS))
        for name in FERG_LABELS
        for take in range(1, each + 1)
    ]
    units = [_act(FERG_LABELS[name], _strength(take)) for _, name, take in jobs]
    pictures = _draw(units, cast()[torch.tensor([character for character, _, _ in jobs])])
    for number, ((character, name, take), picture) in enumerate(zip(jobs, pictures, strict=True)):
        who = CHARACTERS[character]
        image = _enlarge(picture, 256).convert("RGB")
        if odd and number == 0:
            image = image.convert("RGBA")
            image.paste((0, 0, 0, 0), (0, 0, 40, 40))
        _save(image, root / who / f"{who}_{name}" / f"{who}_{name}_{take}.png", "PNG")
    if odd:
        (root / "aia" / ".DS_Store").write_bytes(b"\0")
    return root


def write_ckplus(root: str | Path, people: int = 6, sequences: int = 9) -> Path:
    """Write CK+'s layout: frames, emotion files and landmarks.

    There are one RGB frame, one of 640 x 480, one without landmarks that is not used, and a file of the
    Finder's.

    Sequence 1 to 7 of each person have labels 1 to 7 (2 is contempt); those past the seventh have none,
    as 266 of the real 593.

    Args:
        root: folder to write to.
        people: number of people, S005 and so on.
        sequences: sequences a person.
    """
    root = Path(root)
    jobs = [
        (person, sequence, frame)
        for person in range(people)
        for sequence in range(1, sequences + 1)
        for frame in range(1, CKPLUS_FRAMES + 1)
    ]
    units = [
        _act(CKPLUS_LABELS[(sequence - 1) % 7 + 1], (frame - 1) / (CKPLUS_FRAMES - 1))
        for _, sequence, frame in jobs
    ]
    pictures = _draw(units, [person for person, _, _ in jobs])
    for number, ((person, sequence, frame), picture) in enumerate(zip(jobs, pictures, strict=True)):
        who, which = f"S{person + 5:03d}", f"{sequence:03d}"
        stem = f"{who}_{which}_{frame:08d}"
        unusual = number == CKPLUS_FRAMES - 1
        image, points = _portrait(picture, CKPLUS_SIZES[int(unusual)])
        _save(image.convert("RGB") if unusual else image, root / IMAGES / who / which / f"{stem}.png", "PNG")
        if number != 1:
            _write_landmarks(root / LANDMARKS / who / which / f"{stem}_landmarks.txt", points)
        if frame == CKPLUS_FRAMES and sequence <= 7:
            path = root / EMOTIONS / who / which / f"{stem}_emotion.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"   {sequence:.7e}\n", encoding="ascii")
    (root / IMAGES / "S005" / ".DS_Store").write_bytes(b"\0")
    return root


def _strength(take: int) -> float:
    """Return how strongly an expression is acted: less in every later take, as nobody repeats exactly."""
    return max(0.5, 1 - 0.12 * (take - 1))


def _act(expression: str, strength: float) -> Units:
    from .drawn import prototype

    if expression == "contempt":
        return {"12L": 0.7 * strength}
    return prototype(expression, strength)


def _draw(units: list[Units], people: Sequence[int] | torch.Tensor) -> NDArray[np.uint8]:
    """Return drawn faces, uint8 ``(n, 48, 48)``."""
    from .drawn import draw_faces

    pictures = draw_faces(units, people, size=SIDE)
    assert isinstance(pictures, torch.Tensor)
    levels: NDArray[np.uint8] = (pictures[:, 0] * 255).round().to(torch.uint8).numpy()
    return levels


def _enlarge(picture: NDArray[np.uint8], side: int) -> Image.Image:
    return Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)


def _portrait(picture: NDArray[np.uint8], size: tuple[int, int]) -> tuple[Image.Image, NDArray[np.float64]]:
    """Return a face in the middle of a frame of `size`, and its 68 landmarks.

    The eyes' landmarks are placed so that the crop of :func:`fertutor.faces.ckplus.crop_by_landmarks`
    is the drawn picture; the other points only have to be there.
    """
    side = 300
    image = Image.new("L", size, int(np.median(picture[:3])))
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    image.paste(_enlarge(picture, side), (left, top))
    points = np.zeros((68, 2))
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[:, 0], points[:, 1] = 0.5 + 0.4 * np.cos(turn), 0.5 + 0.45 * np.sin(turn)
    for eye, direction in ((LEFT_EYE, -1), (RIGHT_EYE, 1)):
        turn = np.linspace(0, 2 * np.pi, 6, endpoint=False)
        points[eye, 0] = 0.5 + direction / (2 * FRAME) + 0.06 * np.cos(turn)
        points[eye, 1] = EYES_AT + 0.03 * np.sin(turn)
    return image, points * side + (left, top)


def _write_landmarks(path: Path, points: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points), encoding="ascii")


def _save(image: Image.Image, path: Path, kind: str) -> None:
    with replacing(path) as temporary:
        image.save(temporary, format=kind)
