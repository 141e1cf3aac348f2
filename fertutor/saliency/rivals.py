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
            black image, 32 steps), ``"grad-cam"`` (at :func:`last_maps`) or ``"random"``; captum makes the
            middle two. Grad-CAM's map is enlarged from those maps as if they lay on the face: where a
            transformer has moved the picture before them, it lies in the moved picture.
        seed: of the random map.

    Returns:
        float32 ``(n, h, w)``.

    Raises:
        InputError: when captum, in the extra ``bench``, is missing.
        ValueError: for an unknown name, or images that are no faces.
    """
    if name not in RIVALS:
        raise ValueError(f"there is no way {name!r} to make a map: choose one of {', '.join(RIVALS)}")
    images = as_float_images(images)
    if name == "random":
        noise = torch.rand(len(images), *images.shape[2:], generator=torch.Generator().manual_seed(seed))
        return noise.to(images.device)
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
    coarse = attr.LayerGradCam(network, last_maps(network, images)).attribute(images, target=labels)
    fine = F.interpolate(coarse.clamp(min=0), images.shape[2:], mode="bilinear", align_corners=False)
    return fine[:, 0].detach()


def _gradient(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.enable_grad():
        images = images.detach().clone().requires_grad_()
        chosen = network(images).gather(1, labels[:, None]).sum()
        (slope,) = torch.autograd.grad(chosen, images)
    return slope[:, 0].abs()


def last_maps(network: nn.Module, images: Tensor) -> nn.Module:
    """Return the layer that makes a network's last maps, which Grad-CAM weighs.

    It is the convolution outside the localization network that is applied last, and where its maps go
    through batch normalisation, that and its ReLU: the normalisation takes away what the convolution has
    added to all pixels, so that a Grad-CAM of the convolution's own maps would depend on a number that the
    network does not. Of the network of Figure 3 it is the trunk's last convolution; of compact and best the
    end of ``top``, after the transformer; of deep the last normalisation, before what came into its block is
    added.

    Args:
        network: in eval mode.
        images: float ``(n, 1, h, w)``, of which the first is shown to it.

    Raises:
        ValueError: when it applies no convolution.
    """
    calls: list[tuple[nn.Module, tuple[Any, ...], Any]] = []
    hooks = [
        module.register_forward_hook(lambda *call: calls.append(call))
        for name, module in network.named_modules()
        if "localization" not in name
    ]
    try:
        with torch.no_grad():
            network(images[:1])
    finally:
        for hook in hooks:
            hook.remove()
    convolutions = [(layer, maps) for layer, _, maps in calls if isinstance(layer, nn.Conv2d)]
    if not convolutions:
        raise ValueError("Grad-CAM needs a network with a convolution")
    last: nn.Module
    last, maps = convolutions[-1]
    for kind in (nn.BatchNorm2d, nn.ReLU):
        following = [call for call in calls if isinstance(call[0], kind) and call[1] and call[1][0] is maps]
        if not following:
            break
        last, _, maps = following[0]
    return last


def _captum() -> Any:
    try:
        import captum.attr
    except ImportError as error:
        raise InputError('captum makes these maps: install it with pip install "fertutor[bench]"') from error
    return captum.attr
