"""The mean map of each expression, how sparse its maps are, and where they lie.

The paper says in words that "maps for happiness, fear and surprise are sparser", and that happiness and
fear are seen at the mouth, anger at eyes and brows (section 4.4, Figures 11 and 12); this puts numbers to it.
Book chapter: *What does the network look at?*
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..evaluation.report import predict_probabilities
from ..expressions import class_names
from ..faces.table import FaceTable
from .occlusion import occlude
from .scores import DRAWS, Interval, bootstrap, sparsity

SPARSER = ("happy", "fear", "surprise")
"""The expressions whose maps the paper calls sparser."""


@dataclass(frozen=True)
class ExpressionMaps:
    """Occlusion maps over many faces of each expression.

    Attributes:
        names: the expressions.
        faces: float32 ``(classes, h, w)``, the mean face.
        drop, flips: float32 ``(classes, h, w)``, the mean maps.
        sparsity_drop, sparsity_flips: Gini index of the single faces' maps.
        flagged: share of a face that at least one wrong prediction touches, in the paper's sense
            its salient region.
        lower_half: share of the lost probability that the map shows in the lower half of the picture, where
            the mouth is; brows and eyes are in the upper one. Gains count as nothing lost.
        contrast_drop, contrast_flips: mean index of :data:`SPARSER` less that of the others; NaN where no
            face of some expression has an index, because no square matters.
        size, stride: of the square.
    """

    names: tuple[str, ...]
    faces: Tensor
    drop: Tensor
    flips: Tensor
    sparsity_drop: tuple[Interval, ...]
    sparsity_flips: tuple[Interval, ...]
    flagged: tuple[Interval, ...]
    lower_half: tuple[Interval, ...]
    contrast_drop: Interval
    contrast_flips: Interval
    size: int
    stride: int

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers, without the pictures, as plain JSON values."""
        columns = (self.sparsity_drop, self.sparsity_flips, self.flagged, self.lower_half)
        return {
            "size": self.size,
            "stride": self.stride,
            "sparser_less_others": {"drop": plain(self.contrast_drop), "flips": plain(self.contrast_flips)},
            "expressions": {
                name: {
                    "sparsity_drop": plain(drop),
                    "sparsity_flips": plain(flips),
                    "flagged": plain(flagged),
                    "lower_half": plain(lower),
                }
                for name, drop, flips, flagged, lower in zip(self.names, *columns, strict=True)
            },
        }


def maps_by_expression(
    network: nn.Module,
    table: FaceTable,
    size: int = 8,
    stride: int = 4,
    most: int = 100,
    show_progress: bool = False,
) -> ExpressionMaps:
    """Make the maps of the faces that the network gets right, up to `most` an expression.

    Args:
        network: faces → logits.
        table: the faces, with their labels.
        size, stride: of the square.
        most: faces an expression; the first ones that are right.
        show_progress: draw a progress bar on stderr.

    Raises:
        ValueError: when the network gets no face of some expression right.
    """
    names = class_names(table.classes)
    right = table[predicted(network, table) == table.labels]
    chosen = torch.cat([(right.labels == k).nonzero()[:most, 0] for k in range(table.classes)])
    right = right[chosen]
    missing = [name for name, count in right.counts().items() if count == 0]
    if missing:
        raise ValueError(f"the network recognises no face of {', '.join(missing)} in this table")
    maps = occlude(network, right.images, size, stride, right.labels, show_progress=show_progress)
    drop, flips, labels = maps.drop.cpu(), maps.flips.cpu(), right.labels.cpu()
    groups = [labels == k for k in range(table.classes)]
    gini_drop, gini_flips = sparsity(drop), sparsity(flips)
    flagged = (flips > 0).float().mean((1, 2))
    lower = lower_half(drop)
    return ExpressionMaps(
        names=names,
        faces=torch.stack([right.images.cpu()[group, 0].float().mean(0) / 255 for group in groups]),
        drop=torch.stack([drop[group].mean(0) for group in groups]),
        flips=torch.stack([flips[group].mean(0) for group in groups]),
        sparsity_drop=tuple(bootstrap(gini_drop[group]) for group in groups),
        sparsity_flips=tuple(bootstrap(gini_flips[group]) for group in groups),
        flagged=tuple(bootstrap(flagged[group]) for group in groups),
        lower_half=tuple(bootstrap(lower[group]) for group in groups),
        contrast_drop=_contrast([gini_drop[group] for group in groups], names),
        contrast_flips=_contrast([gini_flips[group] for group in groups], names),
        size=size,
        stride=stride,
    )


def lower_half(maps: Tensor) -> Tensor:
    """Return the share of each map's positive values that lies in the lower half of its rows.

    Args:
        maps: float ``(n, h, w)``.

    Returns:
        Float ``(n,)``; NaN for a map without a positive value.
    """
    lost = maps.nan_to_num(nan=0.0).clamp(min=0)  # of a pixel that no square hid nothing is known
    return lost[:, maps.shape[1] // 2 :].sum((1, 2)) / lost.sum((1, 2))


def surest(network: nn.Module, table: FaceTable, label: int, count: int = 1) -> Tensor:
    """Return the rows of the faces of one expression that the network recognises with most certainty.

    Args:
        network: faces → logits.
        table: the faces, with their labels.
        label: the expression.
        count: number of rows at most; fewer where fewer are recognised.

    Returns:
        int64 ``(count,)``, the surest first.
    """
    probabilities = predict_probabilities(network, table.images, device=None).to(table.images.device)
    right = (probabilities.argmax(1) == table.labels) & (table.labels == label)
    certainty = torch.where(right, probabilities[:, label], -1.0)
    return certainty.argsort(descending=True)[: min(count, int(right.sum()))]


def predicted(network: nn.Module, table: FaceTable) -> Tensor:
    """Return the network's predictions for a table, int64 ``(n,)`` on the table's device."""
    return predict_probabilities(network, table.images, device=None).argmax(1).to(table.images.device)


def _contrast(groups: list[Tensor], names: tuple[str, ...]) -> Interval:
    """Mean of the sparser expressions' means less the others', with the interval over resampled faces.

    NaNs are left out; the contrast itself is NaN where an expression has nothing else.
    """
    generator = torch.Generator().manual_seed(0)
    means, resampled = [], []
    groups = [group[~group.isnan()].double() for group in groups]
    n = sum(map(len, groups))
    if not all(map(len, groups)):
        return Interval(math.nan, math.nan, math.nan, n)
    for values in groups:
        rows = torch.randint(len(values), (DRAWS, len(values)), generator=generator)
        means.append(values.mean())
        resampled.append(values[rows].mean(1))
    sparser = torch.tensor([name in SPARSER for name in names])
    difference = torch.stack(means)[sparser].mean() - torch.stack(means)[~sparser].mean()
    spread = torch.stack(resampled)[sparser].mean(0) - torch.stack(resampled)[~sparser].mean(0)
    low, high = spread.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Interval(float(difference), low, high, n)


def plain(interval: Interval) -> dict[str, Any]:
    """Return an interval as JSON values; JSON has no NaN."""
    mean, low, high = (
        None if math.isnan(value) else round(value, 4)
        for value in (interval.mean, interval.low, interval.high)
    )
    return {"mean": mean, "interval": [low, high], "n": interval.n}
