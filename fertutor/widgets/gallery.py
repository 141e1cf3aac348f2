"""Faces to choose from: what the widgets that look at one face have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets
from torch import Tensor, nn

from ..errors import InputError
from ..expressions import EXPRESSIONS_WITH_CONTEMPT
from ..faces.table import SIDE, FaceTable
from .base import Explorer, face_of, grey_bytes
from .examples import example_faces

LABELS = f"expected a class, 0 to {len(EXPRESSIONS_WITH_CONTEMPT) - 1}, or -1 for whatever the network says"


def is_label(label: int) -> bool:
    """Whether a number is a class of seven or eight expressions, or -1."""
    return -1 <= label < len(EXPRESSIONS_WITH_CONTEMPT)


class Gallery(Explorer):
    """Base of the widgets with a row of faces and the reader's own photo.

    Args:
        network: a module of yours, or the name of a released network.
        faces: uint8 or float ``(n, 1, 48, 48)``, or a FaceTable; one drawn face an expression when None.
        names: what stands under each face; the expressions of `labels` when None.
        labels: the true class of each face, or -1 for "whatever the network says".
        traits: ``networks``, names to choose among, and the widget's traits.

    Raises:
        InputError: for no faces, or names or labels that do not fit them.
    """

    faces = traitlets.Bytes(help="Grey levels of the faces to choose from.").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    face = traitlets.Int(0, help="Index of the face shown; -1 is the own photo.").tag(sync=True)
    photo = traitlets.Bytes(b"", help="Grey levels of the own photo.").tag(
        sync=True,
        from_json=lambda value, _: bytes(value),  # a front end's bytes come as a memoryview
    )

    def __init__(
        self,
        network: nn.Module | str = "paper",
        faces: Tensor | FaceTable | None = None,
        names: Sequence[str] | None = None,
        labels: Sequence[int] | None = None,
        **traits: Any,
    ) -> None:
        if faces is None:
            faces = example_faces()
            traits.setdefault("face", 3)
        grey = grey_bytes(faces)
        count = len(grey) // SIDE**2
        if labels is None:
            labels = faces.labels.tolist() if isinstance(faces, FaceTable) else [-1] * count
        for label in labels:
            if not is_label(label):
                raise InputError(f"label {label}: {LABELS}")
        if names is None:
            names = [
                EXPRESSIONS_WITH_CONTEMPT[k] if k >= 0 else f"face {i + 1}" for i, k in enumerate(labels)
            ]
        if len(labels) != count or len(names) != count:
            raise InputError(f"{count} faces, but {len(names)} names and {len(labels)} labels")
        super().__init__(network, faces=grey, names=list(names), labels=list(labels), **traits)

    @traitlets.validate("face")
    def _check_face(self, proposal: Any) -> int:
        face: int = proposal["value"]
        if not -1 <= face < len(self.names):
            raise traitlets.TraitError(f"face {face}: there are faces 0 to {len(self.names) - 1}")
        if face == -1 and not self.photo:
            raise traitlets.TraitError("face -1 is the own photo, and there is none: set photo first")
        return face

    @traitlets.validate("photo")
    def _check_photo(self, proposal: Any) -> bytes:
        photo: bytes = proposal["value"]
        if len(photo) not in (0, SIDE**2):
            raise traitlets.TraitError(f"photo: a face has {SIDE**2} grey levels, not {len(photo)}")
        return photo

    def image(self) -> Tensor:
        """Return the face that is shown, float ``(1, 1, 48, 48)`` in [0, 1]."""
        start = self.face * SIDE**2
        return face_of(self.photo if self.face < 0 else self.faces[start : start + SIDE**2])
