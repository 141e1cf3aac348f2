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
    # not synchronised: the state of a widget is saved with the notebook, and a reader's face should not be
    photo = traitlets.Bytes(b"", help="Grey levels of the own photo.")

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
        self._photo_from = ""  # the view that chose the photo; none when it was set in Python
        super().__init__(network, faces=grey, names=list(names), labels=list(labels), **traits)
        self.observe(lambda _: self._tell_photo(), "photo")

    def _hear(self, widget: Any, question: dict[str, Any], buffers: list[Any]) -> None:
        if question["kind"] != "photo":
            super()._hear(widget, question, buffers)
        elif buffers:  # taken at once, not in slices: the front end says next that this is the face shown
            self._photo_from = question["view"]
            try:
                self.photo = bytes(buffers[0])
            finally:
                self._photo_from = ""
        else:
            self._tell_photo()  # a view has opened and asks

    def _tell_photo(self) -> None:
        if self.photo:
            self.send({"kind": "photo", "view": self._photo_from}, [self.photo])

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
        return face_of(self.photo) if self.face < 0 else self._row(self.face)

    def _row(self, index: int) -> Tensor:
        return face_of(self.faces[index * SIDE**2 : (index + 1) * SIDE**2])

    def public_image(self) -> Tensor:
        """Return the face for a picture that is saved or published: the first one, not the own photo."""
        return self._row(max(0, self.face))

    def page_values(self) -> dict[str, Any]:
        """Return what a page needs, without the own photo."""
        return super().page_values() | {"face": max(0, self.face)}
