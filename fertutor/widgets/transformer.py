"""The spatial transformer explorer. Book chapters: *Attention: the spatial transformer*, *A playground*."""

from __future__ import annotations

from typing import Any

import torch
import traitlets

from ..mode import device_of, evaluating
from .base import forced_theta, has_theta
from .gallery import Gallery

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class TransformerExplorer(Gallery):
    """Place the sampling grid of the spatial transformer by hand, and see what the network then says.

    Takes the arguments of :class:`~fertutor.widgets.gallery.Gallery`. Its traits ``theta`` (six
    numbers, row by row), ``padding`` and ``face`` can be read and set from Python too.

    Example:
        >>> explorer = TransformerExplorer("paper")
        >>> explorer.theta = [0.8, 0, 0, 0, 0.8, 0]  # zoom in
    """

    module = "transformer"

    theta = traitlets.List(traitlets.Float(), list(IDENTITY), minlen=6, maxlen=6).tag(sync=True)
    padding = traitlets.Enum(("zeros", "border", "reflection"), "zeros").tag(sync=True)
    sampler = traitlets.Unicode("none", help="What the network warps.").tag(sync=True)

    def __init__(self, *arguments: Any, **traits: Any) -> None:
        super().__init__(*arguments, **traits)
        self._follow_network()

    def _follow_network(self) -> None:
        self.sampler = getattr(self._network, "sampler", "none") if has_theta(self._network) else "none"

    def chosen(self) -> list[float] | None:
        """Return the θ that the network chooses for the face shown, or None without a transformer."""
        if not has_theta(self._network):
            return None
        with torch.inference_mode(), evaluating(self._network):
            found: list[float] = (
                self._network.theta(self.image().to(device_of(self._network))).flatten().tolist()
            )
        return found

    def __repr__(self) -> str:
        return (
            f"TransformerExplorer(network={self.network!r}, faces={len(self.names)}, "
            f"sampler={self.sampler!r})"
        )

    def picture(self) -> tuple[Any, str]:
        """The face with the grid, what it makes, and the probabilities."""
        from .pictures import draw_transformer

        image = self.public_image().to(device_of(self._network))
        theta = list(self.theta)
        forced = forced_theta(self._network, theta if has_theta(self._network) else None)
        with torch.inference_mode(), evaluating(self._network), forced:
            probabilities = self._network(image).softmax(1)[0].cpu()
        return draw_transformer(image[0].cpu(), torch.tensor(theta).view(2, 3), self.padding, probabilities)
