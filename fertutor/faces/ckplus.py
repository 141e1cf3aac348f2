"""CK+: 593 sequences of 123 people, each from a neutral face to the apex of an expression.

Source: Kanade et al. 2000, Lucey et al. 2010; the parts: paper, section 4.2. Book chapter: *Four data
sets*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import InputError
from ..expressions import CKPLUS_LABELS, EXPRESSIONS_WITH_CONTEMPT
from .cache import files_signature, remember
from .folders import listed
from .many import read_faces, to_face
from .protocol import Protocol, divide
from .table import FaceSplits, FaceTable

PROTOCOL = Protocol(train=420, val=60, test=113, level_test=False)

SEQUENCES = ("labelled", "all")
CONTEMPT = ("drop", "keep")

IMAGES, EMOTIONS, LANDMARKS = "cohn-kanade-images", "Emotion", "Landmarks"

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
"""The eyes' points among the 68 landmarks, as they lie in the picture."""

FRAME = 2.3
"""Side of the crop in distances between the eyes' centres, as FER-2013's kind of detector frames a face."""

EYES_AT = 0.38
"""Height of the eyes in the crop, from 0 at its top to 1."""

_FRAME_NAME = re.compile(r"S(\d+)_(\d+)_(\d+)\.png", re.IGNORECASE)


@dataclass(frozen=True)
class _Sequence:
    """One sequence: whose, its first frame and its apex, its label or None, whether that names the apex."""

    subject: int
    first: Path
    apex: Path
    label: int | None
    named: bool


def read_ckplus(
    root: str | Path,
    sequences: str = "labelled",
    contempt: str = "drop",
    by_subject: bool = False,
    seed: int = 0,
) -> FaceSplits:
    """Read CK+.

    The layout: ``cohn-kanade-images/S005/001/S005_001_00000011.png`` (640 x 490 or 640 x 480, grey or
    RGB), ``Emotion/S005/001/…_emotion.txt`` with one number, ``Landmarks/S005/001/…_landmarks.txt`` with
    68 lines x y; in `root` or in ``CK+`` below it.

    The face is cut out by its landmarks: a square 2.3 times as wide as the distance of the eyes, the eyes
    centred and at 38 % of its height, so that it is framed as in FER-2013; beyond the picture's edge its
    outermost pixels go on. A frame without landmarks is searched for its largest face, with the extra
    ``photo``. The crop is averaged down to 48 x 48, grey.

    Args:
        root: the folder.
        sequences: which images. The paper counts 593, one a sequence, but only 327 sequences have a
            label. ``"labelled"``: the last frames of those 327, all of them labelled by
            the set's makers; none is neutral. ``"all"``: 593 images, the last frames of the labelled
            sequences, and of each other one the *first* frame, which is neutral because every sequence
            begins so; the last frame's expression would have to be guessed.
        contempt: ``"drop"`` leaves the images of contempt out (18 in the full set), because the paper's
            networks know seven expressions; ``"keep"`` makes it the eighth class.
        by_subject: deal whole people into the parts. By default images are dealt at random, and a person can
            be in all of them; the paper does not say which it did.
        seed: of the division.

    Returns:
        420 / 60 / 113 faces for 593 images, for others in those proportions, with subjects (the number
        in ``S005``).

    Raises:
        InputError: names the file and the mend; also for other values of `sequences` or `contempt`.

    Example:
        >>> splits = load_faces("ckplus", root="data/ckplus", sequences="all", contempt="keep")
        >>> len(splits.train), len(splits.val), len(splits.test)
        (420, 60, 113)
    """
    for name, value, values in (("sequences", sequences, SEQUENCES), ("contempt", contempt, CONTEMPT)):
        if value not in values:
            raise InputError(f"{name} must be one of {', '.join(values)}, not {value!r}")
    root = _find_root(Path(root))
    found = _find(root)
    labelled = [sequence for sequence in found if sequence.label is not None]
    if not labelled:
        raise InputError(f"{root} has no labels: unpack CK+'s {EMOTIONS} folder into it")
    neutral = EXPRESSIONS_WITH_CONTEMPT.index("neutral")
    chosen = [(sequence.apex, sequence.label, sequence.subject) for sequence in labelled]
    if sequences == "all":
        others = [sequence for sequence in found if sequence.label is None]
        chosen += [(sequence.first, neutral, sequence.subject) for sequence in others]
    table = FaceTable(
        images=_read_images(root, [path for path, _, _ in chosen], sequences),
        labels=torch.tensor([label for _, label, _ in chosen]),
        subjects=torch.tensor([subject for _, _, subject in chosen]),
        classes=8,
    )
    notes = [f"{len(found)} sequences, {len(labelled)} of them labelled"]
    if unnamed := sum(not sequence.named for sequence in labelled):
        notes.append(
            f"the labels of {unnamed} sequences name a frame that is not there, and the last one that is was "
            f"taken: unpack {IMAGES} again"
        )
    if sequences == "all":
        notes.append("of a sequence without a label the first frame is taken, as neutral")
    if contempt == "drop":
        table, dropped = _without_contempt(table)
        notes.append(f"{dropped} images of contempt are left out")
    return divide("ckplus", table, PROTOCOL, people=by_subject, seed=seed, notes=tuple(notes))


def _find_root(root: Path) -> Path:
    for folder in (root, root / "CK+"):
        if (folder / IMAGES).is_dir():
            return folder
    raise InputError(
        f"{root} holds no CK+: expected the folder {IMAGES} in it, with {EMOTIONS} and {LANDMARKS}"
    )


def _find(root: Path) -> list[_Sequence]:
    """Return every sequence that has a frame, sorted by person and sequence."""
    frames: dict[tuple[int, str], list[tuple[int, Path]]] = {}
    sequences = (sequence for person in listed(root / IMAGES) for sequence in listed(person))
    for path in (path for sequence in sequences for path in listed(sequence)):
        match = _FRAME_NAME.fullmatch(path.name)
        if match is not None:
            frames.setdefault((int(match[1]), path.parent.name), []).append((int(match[3]), path))
    if not frames:
        raise InputError(
            f"{root / IMAGES} has no frames such as S005/001/S005_001_00000001.png: unpack it again"
        )
    found = []
    for (subject, _), numbered in sorted(frames.items()):
        first, last = min(numbered)[1], max(numbered)[1]
        file = _emotion_file(root, last)
        if file is None:
            found.append(_Sequence(subject, first, last, None, False))
            continue
        # the label's name is that of the frame it is about, which is the last unless frames are missing
        stem = file.name.removesuffix("_emotion.txt")
        named = [path for _, path in numbered if path.stem == stem]
        apex = named[0] if named else last
        found.append(_Sequence(subject, first, apex, _read_label(file), bool(named)))
    return found


def _emotion_file(root: Path, frame: Path) -> Path | None:
    folder = root / EMOTIONS / frame.parent.relative_to(root / IMAGES)
    files = [path for path in listed(folder) if path.name.endswith("_emotion.txt")]
    return files[-1] if files else None


def _read_label(file: Path) -> int:
    text = file.read_text(encoding="utf-8", errors="replace").strip()
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number not in CKPLUS_LABELS:
        raise InputError(
            f"{file} holds {text[:30]!r} instead of one number from 0 to {max(CKPLUS_LABELS)}: fetch it again"
        )
    return EXPRESSIONS_WITH_CONTEMPT.index(CKPLUS_LABELS[int(number)])


def _read_images(root: Path, paths: list[Path], sequences: str) -> Tensor:
    marks = [_landmark_path(root, path) for path in paths]
    points = [read_landmarks(path) if path.is_file() else None for path in marks]

    def frame(grey: Image.Image, number: int) -> Tensor:
        eyes = points[number]
        if eyes is None:
            return _detected_face(grey, paths[number])
        try:
            return crop_by_landmarks(grey, eyes)
        except ValueError as error:
            raise InputError(
                f"{marks[number]}: {error}; fetch it again, or remove it to have the face searched"
            ) from None

    sources = [*paths, *(path for path in marks if path.is_file())]
    return remember(
        # another choice of frames is another cache; 3: grey frames are turned as their EXIF says, too
        f"ckplus-3-{sequences}",
        lambda: files_signature(root, sources),
        lambda: {"images": read_faces(paths, "reading CK+", frame)},
    )["images"]


def _landmark_path(root: Path, frame: Path) -> Path:
    folder = root / LANDMARKS / frame.parent.relative_to(root / IMAGES)
    return folder / f"{frame.stem}_landmarks.txt"


def read_landmarks(path: Path) -> NDArray[np.float64]:
    """Return the 68 landmarks of a file, ``(68, 2)``: x and y in pixels of the picture.

    Raises:
        InputError: when the file holds anything else.
    """
    words = path.read_text(encoding="utf-8", errors="replace").split()
    try:
        points = np.array([float(word) for word in words])
    except ValueError:
        points = np.array([np.nan])
    if points.size != 136 or not np.isfinite(points).all():
        raise InputError(
            f"{path} does not hold 68 points x y: fetch it again, or remove it to have the face searched"
        )
    return points.reshape(68, 2)


def crop_by_landmarks(grey: Image.Image, points: NDArray[np.float64]) -> Tensor:
    """Return the face that the landmarks frame, uint8 ``(1, 48, 48)``; see :func:`read_ckplus`.

    Raises:
        ValueError: when an eye is outside of the picture, or both are in one place.
    """
    left, right = points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)
    for x, y in (left, right):
        if not (0 <= x < grey.width and 0 <= y < grey.height):
            raise ValueError("an eye is outside of the picture")
    if np.linalg.norm(right - left) < 2:
        raise ValueError("both eyes are in one place")
    side = max(2, round(FRAME * float(np.linalg.norm(right - left))))
    x, y = (left + right) / 2
    # pixels past an edge repeat the edge
    columns = np.clip(round(x - side / 2) + np.arange(side), 0, grey.width - 1)
    rows = np.clip(round(y - EYES_AT * side) + np.arange(side), 0, grey.height - 1)
    return to_face(Image.fromarray(np.asarray(grey)[np.ix_(rows, columns)]))


def _detected_face(grey: Image.Image, path: Path) -> Tensor:
    from .photo import crop_face, find_faces

    boxes = find_faces(grey)
    if not boxes:
        raise InputError(
            f"{path} has no landmarks and no face is found in it: unpack CK+'s {LANDMARKS} folder"
        )
    return crop_face(grey, boxes[0])


def _without_contempt(table: FaceTable) -> tuple[FaceTable, int]:
    keep = table.labels != EXPRESSIONS_WITH_CONTEMPT.index("contempt")
    kept = table[keep]
    return FaceTable(kept.images, kept.labels, subjects=kept.subjects), int((~keep).sum())
