"""How good is a saliency map? Scores against the pixels that carry the expression, and without them.

On drawn faces the truth is known: the mask of pixels that the action units moved. Book chapter: *Can
you trust the map?*
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..mode import check_network, evaluating
from .occlusion import as_float_images, checked_labels

FILLS = ("blur", "mean")

DRAWS = 2000
"""Resamples of the faces that a bootstrap interval is made of."""


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval over `n` faces."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(values: Tensor) -> Interval:
    """Return the mean of `values` with its 95 % percentile bootstrap interval; NaNs are left out.

    Args:
        values: ``(n,)``, one score a face.
    """
    values = values.detach().cpu().double()
    values = values[~values.isnan()]
    n = len(values)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    rows = torch.randint(n, (DRAWS, n), generator=torch.Generator().manual_seed(0))
    low, high = values[rows].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Interval(float(values.mean()), low, high, n)


# ---- against the truth ------------------------------------------------------------------------------


def pointing_game(maps: Tensor, masks: Tensor, tolerance: int = 2) -> Tensor:
    """Tell whether the map's highest point hits the mask (Zhang et al. 2016).

    Args:
        maps: float ``(n, h, w)``; of several highest points, their share that hits counts, and NaN is lowest.
        masks: bool ``(n, h, w)``.
        tolerance: a miss by up to this many pixels, along rows and columns, still counts.

    Returns:
        float32 ``(n,)``, 0 to 1; NaN where the mask is empty.
    """
    unknown = maps.isnan()
    maps, masks = _checked(maps, masks)
    maps = maps.masked_fill(unknown, -math.inf)
    near = _widened(masks, tolerance)
    highest = maps == maps.amax((1, 2), keepdim=True)
    hits = (highest & near).sum((1, 2)) / highest.sum((1, 2))
    return _where_there_is_a_mask(hits, masks)


def pointing_chance(masks: Tensor, tolerance: int = 2) -> Tensor:
    """Return the chance of a random point in the pointing game, float32 ``(n,)``."""
    near = _widened(masks, tolerance)
    return _where_there_is_a_mask(near.float().mean((1, 2)), masks)


def rank_correlation(maps: Tensor, others: Tensor) -> Tensor:
    """Return Spearman's rank correlation of two maps of each face, ties at their mean rank.

    Args:
        maps: float ``(n, h, w)``.
        others: float or bool ``(n, h, w)``: other maps, or masks.

    Returns:
        float32 ``(n,)``, -1 to 1, over the pixels that are NaN in neither; NaN where one is constant there.
    """
    known = ~(maps.isnan() | others.to(maps.device).isnan())
    maps, others = _checked(maps, others)
    pairs = zip(maps.flatten(1), others.flatten(1).float(), known.flatten(1), strict=True)
    found = [_correlation(_ranks(a[seen]), _ranks(b[seen])) for a, b, seen in pairs]
    return torch.stack(found).float() if found else maps.new_zeros(0)


def average_precision(maps: Tensor, masks: Tensor) -> Tensor:
    """Return the area under the precision-recall curve of "the map is high" for "the mask is set".

    A map without information scores the mask's share of the face.

    Args:
        maps: float ``(n, h, w)``.
        masks: bool ``(n, h, w)``.

    Returns:
        float32 ``(n,)``; NaN where the mask is empty.
    """
    maps, masks = _checked(maps, masks)
    scores = [_average_precision(m.flatten(), t.flatten()) for m, t in zip(maps, masks, strict=True)]
    return _where_there_is_a_mask(torch.tensor(scores, device=maps.device), masks)


def _average_precision(values: Tensor, truth: Tensor) -> float:
    order = values.argsort(descending=True)
    values, truth = values[order], truth[order].double()
    # equal values enter together: only the last of each run is a threshold
    last = torch.ones_like(values, dtype=torch.bool)
    last[:-1] = values[1:] != values[:-1]
    found = truth.cumsum(0)[last]
    taken = (torch.arange(len(values), device=values.device) + 1)[last]
    steps = torch.diff(found, prepend=found.new_zeros(1)) / truth.sum()
    return float((steps * found / taken).sum())


# ---- without the truth ------------------------------------------------------------------------------


def deletion(
    network: nn.Module, images: Tensor, maps: Tensor, labels: Tensor, fill: str = "blur", steps: int = 24
) -> Tensor:
    """Return the area under the label's probability while the map's highest pixels are taken away first.

    Lower is better (Petsiuk et al. 2018). See :func:`insertion` for the arguments.

    Raises:
        ValueError: as there.
    """
    return _curve(network, images, maps, labels, fill, steps, deleting=True).mean(1)


def insertion(
    network: nn.Module, images: Tensor, maps: Tensor, labels: Tensor, fill: str = "blur", steps: int = 24
) -> Tensor:
    """Return the area under the label's probability while the map's highest pixels are put in first.

    Higher is better (Petsiuk et al. 2018).

    Args:
        network: faces float ``(n, 1, h, w)`` in [0, 1] → logits; it runs in eval mode and is left as it was.
        images: float ``(n, 1, h, w)`` in [0, 1], or uint8.
        maps: float ``(n, h, w)``.
        labels: int64 ``(n,)``.
        fill: what a pixel is without the image: ``"blur"`` (the image, blurred by a Gaussian of 5
            pixels' deviation) or ``"mean"`` (the image's mean grey).
        steps: number of equal portions of pixels, 1 or more.

    Returns:
        float32 ``(n,)``, from 0 to 1.

    Raises:
        ValueError: for images, maps, labels, steps or a fill that do not fit.
    """
    return _curve(network, images, maps, labels, fill, steps, deleting=False).mean(1)


@torch.no_grad()
def _curve(
    network: nn.Module, images: Tensor, maps: Tensor, labels: Tensor, fill: str, steps: int, deleting: bool
) -> Tensor:
    """The label's probability after each portion, ``(n, steps)``: the mean of each step's two ends."""
    if fill not in FILLS:
        raise ValueError(f"fill must be one of {', '.join(FILLS)}, not {fill!r}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number from 1, not {steps!r}")
    images, maps = as_float_images(images), _finite(maps)
    if maps.shape != images[:, 0].shape:
        raise ValueError(
            f"maps must be {tuple(images[:, 0].shape)}, one for each face, not {tuple(maps.shape)}"
        )
    empty = _blurred(images) if fill == "blur" else images.mean((2, 3), keepdim=True).expand_as(images)
    # of equal values, the order is a fixed shuffle: reading order would favour the top of the face
    pixels = maps[0].numel()
    shuffle = torch.randperm(pixels, generator=torch.Generator().manual_seed(0)).to(maps.device)
    order = shuffle[maps.flatten(1)[:, shuffle].argsort(dim=1, descending=True, stable=True)]
    place = order.argsort(dim=1).view(len(images), 1, *images.shape[2:])
    points = []
    with evaluating(network):
        for step in range(steps + 1):
            reached = place < round(step * pixels / steps)
            shown = torch.where(reached, empty, images) if deleting else torch.where(reached, images, empty)
            said = network(shown).softmax(1)
            labels = checked_labels(labels, said) if step == 0 else labels
            points.append(said.gather(1, labels[:, None]).squeeze(1))
    curve = torch.stack(points, 1)
    return (curve[:, 1:] + curve[:, :-1]) / 2


# ---- does the map depend on the network? ------------------------------------------------------------


def randomised_networks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return copies of a network whose layers are made random from the output backwards, one more each time.

    The sanity check of Adebayo et al. (2018): a map that hardly changes does not show what the
    network has learnt. Each layer's weights are shuffled among themselves, so their distribution stays.

    Returns:
        (name of the layer that was shuffled last, network) for each layer with weights.
    """
    check_network(network)
    generator = torch.Generator().manual_seed(0)
    current, copies = copy.deepcopy(network), []
    named = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for name in reversed(named):
        module = current.get_submodule(name)
        with torch.no_grad():
            for parameter in module.parameters():
                order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
        copies.append((name, copy.deepcopy(current)))
    return copies


def sanity_check(network: nn.Module, explain: Callable[[nn.Module], Tensor]) -> list[tuple[str, Tensor]]:
    """Return how much a way of making maps agrees with itself as the network is made random.

    Args:
        network: the trained network.
        explain: makes maps float ``(n, h, w)`` with the network that it is given, about fixed classes.

    Returns:
        (layer, rank correlation with the trained network's maps ``(n,)``), from the output backwards;
        a sound map falls towards 0.
    """
    trained = explain(network)
    return [
        (name, rank_correlation(trained, explain(random))) for name, random in randomised_networks(network)
    ]


# ---- how sparse is it? ------------------------------------------------------------------------------


def sparsity(maps: Tensor) -> Tensor:
    """Return the Gini index of each map's positive part: 0 spread evenly, near 1 in few pixels.

    The index with the properties one expects of sparsity (Hurley and Rickard 2009); it does not
    depend on the map's scale.

    Args:
        maps: float ``(n, h, w)``.

    Returns:
        float32 ``(n,)``; NaN where nothing is positive.
    """
    values = _finite(maps).clamp(min=0).flatten(1).double().sort(dim=1).values
    n = values.shape[1]
    total = values.sum(1)
    weights = (n - torch.arange(1, n + 1, device=values.device) + 0.5) / n
    gini = 1 - 2 * (values * weights).sum(1) / total
    return torch.where(total > 0, gini, math.nan).float()


def _checked(maps: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    if maps.ndim != 3 or maps.shape != others.shape:
        raise ValueError(
            f"maps and masks must both be (n, h, w), not {tuple(maps.shape)} and {tuple(others.shape)}"
        )
    return _finite(maps), others.to(maps.device)


def _finite(maps: Tensor) -> Tensor:
    """Maps whose pixels that no square hid count as 0: nothing is known of them."""
    return maps.detach().float().nan_to_num(nan=0.0)


def _widened(masks: Tensor, tolerance: int) -> Tensor:
    size = 2 * tolerance + 1
    return F.max_pool2d(masks[:, None].float(), size, stride=1, padding=tolerance)[:, 0] > 0


def _where_there_is_a_mask(scores: Tensor, masks: Tensor) -> Tensor:
    return torch.where(masks.flatten(1).any(1).to(scores.device), scores.float(), math.nan)


def _ranks(values: Tensor) -> Tensor:
    """Ranks of the values ``(n,)``, ties at their mean rank, float64."""
    _, inverse, counts = torch.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum(0) - (counts.double() - 1) / 2)[inverse]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of two rows; NaN where one is constant or empty."""
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / (a.norm() * b.norm())


def _blurred(images: Tensor) -> Tensor:
    """Images under a Gaussian of 5 pixels' deviation, their borders mirrored."""
    deviation = 5.0
    radius = min(int(3 * deviation), images.shape[-1] - 1, images.shape[-2] - 1)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / deviation) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(images, (radius,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
