"""Other ways to make a saliency map, to compare occlusion with: captum's, and one that knows nothing.

Book chapter: *Can you trust the map?*
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..mode import evaluating
from .occlusion import as_float_images

RIVALS = ("gradient", "integrated gradients", "grad-cam", "random")


def rival_maps(network: nn.Module, images: Tensor, labels: Tensor, name: str, seed: int = 0) -> Tensor:
    """Return maps by one of :data:`RIVALS`, larger where the pixel counts more.

    Args:
        network: faces float ``(n, 1, h, w)`` in [0, 1] → logits; it runs in eval mode and is left as it was.
        images: float ``(n, 1, h, w)`` in [0, 1], or uint8.
        labels: int64 ``(n,)``, the classes that the maps are about.
        name: ``"gradient"`` (absolute, of the logit), ``"integrated gradients"`` (absolute, from a
            black image, 32 steps), ``"grad-cam"`` (at :func:`last_convolution`) or
            ``"random"``; captum makes the middle two.
        seed: of the random map.

    Returns:
        float32 ``(n, h, w)``.

    Raises:
        InputError: when captum, in the extra ``bench``, is missing.
        ValueError: for an unknown name, or images that are no faces.
    """
    if name not in RIVALS:
        raise ValueError(f"there is no way {name!r} to make a map: choose one of {', '.join(RIVALS)}")
    if name == "random":
        noise = torch.rand(len(images), *images.shape[2:], generator=torch.Generator().manual_seed(seed))
        return noise.to(images.device)
    images = as_float_images(images)
    with evaluating(network):
        if name == "gradient":
            return _gradient(network, images, labels)
        return _captums(network, images, labels, name)


def _captums(network: nn.Module, images: Tensor, labels: Tensor, name: str) -> Tensor:
    attr = _captum()
    if name == "integrated gradients":
        way = attr.IntegratedGradients(network)
        found = way.attribute(images, target=labels, n_steps=32, internal_batch_size=256)
        return found[:, 0].abs().detach().float()
    coarse = attr.LayerGradCam(network, last_convolution(network)).attribute(images, target=labels)
    fine = F.interpolate(coarse.clamp(min=0), images.shape[2:], mode="bilinear", align_corners=False)
    return fine[:, 0].detach()


def _gradient(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.enable_grad():
        images = images.detach().clone().requires_grad_()
        chosen = network(images).gather(1, labels[:, None]).sum()
        (slope,) = torch.autograd.grad(chosen, images)
    return slope[:, 0].abs()


def last_convolution(network: nn.Module) -> nn.Conv2d:
    """Return the last convolution that a network applies outside its localization network.

    Of the network of Figure 3 that is the trunk's last; of compact and best it is the last of ``top``,
    after the transformer.

    Raises:
        ValueError: when it has none.
    """
    found = [
        module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and "localization" not in name
    ]
    if not found:
        raise ValueError("Grad-CAM needs a network with a convolution")
    return found[-1]


def _captum() -> Any:
    try:
        import captum.attr
    except ImportError as error:
        raise InputError('captum makes these maps: install it with pip install "fertutor[bench]"') from error
    return captum.attr
