"""The occlusion explorer. Book chapters: *What does the network look at?*, *A playground*."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import traitlets

from ..faces.table import SIDE
from ..mode import device_of, evaluating
from ..saliency.occlusion import OcclusionMap, occlude
from .base import Answer, face_of, finite
from .gallery import LABELS, Gallery, is_label


class OcclusionExplorer(Gallery):
    """Slide a black patch over a face and see what it does to the network's answer.

    Takes the arguments of :class:`~fertutor.widgets.gallery.Gallery`. Its traits ``size`` (N),
    ``stride``, ``face``, ``label``, ``view`` (``"drop"`` or ``"flips"``) and ``opacity`` can be read
    and set from Python too.

    Example:
        >>> explorer = OcclusionExplorer("paper", networks=["compact"], size=8, stride=4)
        >>> explorer.size = 12
    """

    module = "occlusion"

    label = traitlets.Int(-1, help="Class that the map is about; -1 is the network's answer.").tag(sync=True)
    size = traitlets.Int(8, min=1, max=SIDE).tag(sync=True)
    stride = traitlets.Int(4, min=1, max=SIDE).tag(sync=True)
    view = traitlets.Enum(("drop", "flips"), "drop").tag(sync=True)
    opacity = traitlets.Float(0.5, min=0, max=1).tag(sync=True)

    def __init__(self, *arguments: Any, **traits: Any) -> None:
        super().__init__(*arguments, **traits)
        if "label" not in traits:
            self._follow_face()
        self.observe(self._follow_face, "face")

    def _follow_face(self, _: Any = None) -> None:
        """Another face, another question; the front end does the same."""
        self.label = self.labels[self.face] if self.face >= 0 else -1

    @traitlets.validate("label")
    def _check_label(self, proposal: Any) -> int:
        label: int = proposal["value"]
        if not is_label(label):
            raise traitlets.TraitError(f"label {label}: {LABELS}")
        return label

    def answer_occlude(self, question: dict[str, Any], face: bytes) -> Iterator[Answer]:
        """The probabilities that each window leaves, from coarse strides to the one asked for."""
        network = self._asked(question)
        image = face_of(face, device_of(network))
        for stride in question["passes"]:
            found = occlude(network, image, question["size"], stride)
            data = found.probabilities[0].float().cpu().contiguous().numpy().tobytes()
            yield {"stride": stride, "clean": finite(found.clean[0].tolist())}, [data]

    def occlusion(self) -> OcclusionMap:
        """Return the map that is shown, computed here, for `self.size` and `self.stride`."""
        labels = None if self.label < 0 else torch.tensor([self.label])
        image = self.image().to(device_of(self._network))
        return occlude(self._network, image, self.size, self.stride, labels=labels)

    def page_values(self) -> dict[str, Any]:
        """Return what a page needs, without the own photo."""
        return super().page_values() | {"label": self.labels[0] if self.face < 0 else self.label}

    def __repr__(self) -> str:
        return (
            f"OcclusionExplorer(network={self.network!r}, faces={len(self.names)}, "
            f"size={self.size}, stride={self.stride})"
        )

    def picture(self) -> tuple[Any, str]:
        """The face, its map and the probabilities."""
        from .pictures import draw_occlusion

        face, label = self.public_image(), self.page_values()["label"]
        image = face.to(device_of(self._network))
        with torch.inference_mode(), evaluating(self._network):
            classes = self._network(image).shape[1]
        # of a class that the network lacks there is no map
        labels = torch.tensor([label]) if 0 <= label < classes else None
        found = occlude(self._network, image, self.size, self.stride, labels=labels)
        return draw_occlusion(face[0, 0], found, self.view)
