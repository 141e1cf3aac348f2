"""The face sets by name: where each is looked for, what reads it, on which terms it may be had.

Book chapter: *Four data sets*.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..expressions import LABELS
from ..files import expanded
from .table import FaceSplits


@dataclass(frozen=True)
class FaceSet:
    """What is known of a face set before it is read.

    Attributes:
        name: its name in :func:`load_faces`.
        reader: ``module:function`` under :mod:`fertutor.faces`.
        about: one line for a list.
        licence: on which terms it may be had.
        drawn: True for the stand-ins, which need no folder.
    """

    name: str
    reader: str
    about: str
    licence: str
    drawn: bool = False

    def read(self, *arguments: Any, **options: Any) -> FaceSplits:
        """Call the reader, which is imported now.

        Raises:
            InputError: for an option that it does not have, or what it refuses.
        """
        module, function = self.reader.split(":")
        read = getattr(import_module(f"fertutor.faces.{module}"), function)
        own = list(signature(read).parameters)[1:]  # after the name or the root
        for option in options:
            if option not in own:
                raise InputError(f"{self.name} has no option {option}: it takes {', '.join(own)}")
        splits: FaceSplits = read(*arguments, **options)
        return splits


_RESEARCH = "research use, on request from its makers"
_OURS = "drawn by this library: free, nothing to download"

FACE_SETS = {
    face_set.name: face_set
    for face_set in (
        FaceSet(
            "fer2013",
            "fer2013:read_fer2013",
            "35,887 faces found on the web, 48 x 48 (Goodfellow et al. 2013)",
            "research use; from Kaggle (fer2013.csv), FER+ votes from github.com/microsoft/FERPlus",
        ),
        FaceSet(
            "ckplus", "ckplus:read_ckplus", "593 posed sequences of 123 people (Lucey et al. 2010)", _RESEARCH
        ),
        FaceSet("jaffe", "jaffe:read_jaffe", "213 posed faces of 10 women (Lyons et al. 1998)", _RESEARCH),
        FaceSet(
            "ferg", "ferg:read_ferg", "55,767 faces of six cartoon characters (Aneja et al. 2016)", _RESEARCH
        ),
        FaceSet("drawn-wild", "drawn:load_drawn", "stand-in for FER-2013", _OURS, drawn=True),
        FaceSet("drawn-posed", "drawn:load_drawn", "stand-in for CK+", _OURS, drawn=True),
        FaceSet("drawn-studio", "drawn:load_drawn", "stand-in for JAFFE", _OURS, drawn=True),
        FaceSet("drawn-cartoon", "drawn:load_drawn", "stand-in for FERG", _OURS, drawn=True),
    )
}


def load_faces(
    name: str, root: str | Path | None = None, labels: str = "original", **options: Any
) -> FaceSplits:
    """Load a face set.

    Args:
        name: one of :data:`FACE_SETS`: fer2013, ckplus, jaffe, ferg, drawn-wild, drawn-posed,
            drawn-studio, drawn-cartoon.
        root: where a published set lies; None looks in the folder `name` of ``$FERTUTOR_DATA``.
            The drawn sets have none.
        labels: ``"original"``; for fer2013 also ``"ferplus"`` (seven classes, contempt left out),
            ``"ferplus8"`` (with contempt) and ``"ferplus-plurality"`` (seven, disputed faces too).
        options: the reader's own.

    Returns:
        The set's ``train``, ``val`` and ``test``, each a FaceTable or None.

    Raises:
        InputError: an unknown name, labels or option, a missing folder, or what the reader refuses.

    Example:
        >>> splits = load_faces("fer2013", root="data/fer2013", labels="ferplus")
        >>> splits.train.images.shape
        torch.Size([24941, 1, 48, 48])
    """
    if name not in FACE_SETS:
        raise InputError(f"no face set is called {name!r}: choose one of {', '.join(FACE_SETS)}")
    if labels not in LABELS:
        raise InputError(f"no labels are called {labels!r}: choose one of {', '.join(LABELS)}")
    if labels != "original" and name != "fer2013":
        raise InputError(f"{name} has its original labels only: {labels} belongs to fer2013")
    face_set = FACE_SETS[name]
    if face_set.drawn:
        if root is not None:
            raise InputError(f"{name} is drawn, not read: leave root away")
        return face_set.read(name, **options)
    if name == "fer2013":
        options["labels"] = labels
    try:
        return face_set.read(find_root(name, root), **options)
    except OSError as error:  # no permission, a disk that fails
        raise InputError(
            f"{name} cannot be read: {error.filename}: {error.strerror}; "
            "check that it is there and that you may read it"
        ) from None


def default_root(name: str) -> Path | None:
    """Return the folder `name` of ``$FERTUTOR_DATA``, or None where that is not set."""
    folder = os.environ.get("FERTUTOR_DATA")
    return expanded(folder) / name if folder else None


def find_root(name: str, root: str | Path | None) -> Path:
    """Return where set `name` lies.

    Raises:
        InputError: when nothing is there, or it is not known where to look.
    """
    found = default_root(name) if root is None else expanded(root)
    if found is None:
        raise InputError(
            f"{name}: say where it lies with root (--root), or set FERTUTOR_DATA to its parent folder"
        )
    if not found.exists():
        raise InputError(f"{name}: {found} does not exist; say where it lies with root (--root)")
    return found
