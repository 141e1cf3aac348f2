"""Occlusion saliency: hide a square, ask the network again (paper, section 4.4).

This module is the plain definition: one full forward pass a square. :mod:`.incremental` computes
the same numbers faster. Book chapter: *What does the network look at?*
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..errors import called
from ..faces.table import SIDE
from ..mode import check_network, device_of, evaluating
from ..progress import progress
from ..training.device import full_precision
from .incremental import follows, incremental_probabilities
from .plan import Plan
from .windows import Windows

METHODS = ("auto", "plain", "incremental")
WORTH_IT = 0.95
"""Share of the plain arithmetic up to which ``method="auto"`` takes the incremental method."""
MOST_ROUNDING = 1e-4
"""Largest difference of probabilities that rounding makes, where several samplers stand in a row."""


@dataclass(frozen=True)
class OcclusionMap:
    """What a network says of faces with one square hidden, for every position of the square.

    Attributes:
        positions: int64 ``(p, 2)``, (row, column) of each square's top-left pixel.
        probabilities: float32 ``(n, p, classes)``, the softmax output for each occluded face.
        drop: float32 ``(n, h, w)``, the probability that the label loses, averaged over the squares
            that hide a pixel; negative where hiding helps.
        flips: float32 ``(n, h, w)``, the share of those squares that make the prediction wrong: the
            paper's definition.
        clean: float32 ``(n, classes)``, the softmax output for the untouched faces.
        labels: int64 ``(n,)``, the classes that `drop` and `flips` are about.
        windows: size, stride and edge rule of the squares.
        method: the method that computed it, ``"plain"`` or ``"incremental"``.
        note: why this method, in a sentence, where the choice was not the caller's; or empty.

    With a stride above the size some pixels are never hidden: `drop` and `flips` are NaN there.
    """

    positions: Tensor
    probabilities: Tensor
    drop: Tensor
    flips: Tensor
    clean: Tensor
    labels: Tensor
    windows: Windows
    method: str
    note: str = ""


def occlude(
    network: nn.Module,
    images: Tensor,
    size: int,
    stride: int,
    labels: Tensor | None = None,
    method: str = "auto",
    edge: str = "clamp",
    *,
    fill: float = 0.0,
    batch: int | None = None,
    show_progress: bool = False,
) -> OcclusionMap:
    """Slide a square over faces and record what the network says of each occluded face.

    Args:
        network: maps float ``(n, 1, h, w)`` in [0, 1] to logits ``(n, classes)``. It runs in eval
            mode and is left as it was.
        images: ``(n, 1, 48, 48)``, float in [0, 1] or uint8 (then divided by 255).
        size: side of the square in pixels, 1 to 48 (N in the paper).
        stride: step between squares in pixels, 1 to 48 (s in the paper).
        labels: int64 ``(n,)``, the true classes; the network's own predictions when None.
        method: ``"plain"`` runs the network on every occluded face; ``"incremental"`` recomputes
            only what the square can reach, with the same result within 1e-5 (1e-4 for several samplers
            in a row, whose rounding adds up); ``"auto"`` takes the one that needs less arithmetic.
        edge: ``"clamp"`` or ``"cut"``, see :class:`~fertutor.saliency.windows.Windows`. With
            ``"cut"``, `drop` is captum's ``Occlusion`` attribution of the softmax output.
        fill: grey level of the square in [0, 1], for bytes too; the paper zeroes it out.
        batch: most occluded faces in work at a time, which bounds the memory (default: 128 on a
            CPU and 4096 on a GPU; on a CPU fewer where the maps are large, because more is slower).
        show_progress: draw a progress bar on stderr.

    Returns:
        An :class:`OcclusionMap`, its tensors on the network's device.

    Raises:
        ValueError: for images, labels, sizes, strides, grey levels or names that do not fit, or what is no
            network.

    Example:
        >>> network = fertutor.AttentionalCNN()
        >>> occlude(network, torch.rand(2, 1, 48, 48), size=8, stride=4).drop.shape
        torch.Size([2, 48, 48])
    """
    check_network(network)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    fill = _grey_level(fill)
    images = as_float_images(images).to(device_of(network))
    windows = Windows(size, stride, edge, *images.shape[-2:])
    batch = default_batch(images.device) if batch is None else batch
    if batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    with torch.inference_mode(), evaluating(network), full_precision():
        clean = torch.cat([_answers(network, part) for part in images.split(batch)])
        labels = clean.argmax(1) if labels is None else checked_labels(labels, clean)
        plan, note = _plan_for(network, windows, images, clean, batch, method)
        if plan is None:
            probabilities = _plain(network, images, windows, fill, batch, show_progress)
        else:
            probabilities = incremental_probabilities(plan, images, fill, show_progress)
            plan.forget_weights()
            _PLANS[network] = plan
    # out of inference mode, so that the caller may go on computing with them
    clean, probabilities, labels = clean.clone(), probabilities.clone(), labels.clone()
    lost = clean.gather(1, labels[:, None]) - probabilities.gather(
        2, labels[:, None, None].expand(-1, windows.count, 1)
    ).squeeze(2)
    wrong = probabilities.argmax(2) != labels[:, None]
    return OcclusionMap(
        positions=windows.positions().to(images.device),
        probabilities=probabilities,
        drop=windows.mean_per_pixel(lost),
        flips=windows.mean_per_pixel(wrong),
        clean=clean,
        labels=labels,
        windows=windows,
        method="plain" if plan is None else "incremental",
        note=note,
    )


_PLANS: WeakKeyDictionary[nn.Module, Plan] = WeakKeyDictionary()
"""The last plan of each network, without its weights: the next map with the same squares needs no other."""


def _plan_for(
    network: nn.Module, windows: Windows, images: Tensor, clean: Tensor, batch: int, method: str
) -> tuple[Plan | None, str]:
    """The plan of the incremental method, or None for the plain one; and why, in a sentence."""
    if method == "plain":
        return None, ""
    plan = _PLANS.pop(network, None)  # taken out while in use: another thread makes its own
    try:
        if (
            plan is None
            or not plan.serves(windows, len(images), batch, images.device)
            or not follows(plan, images[:1], clean[:1])
        ):
            plan = Plan(network, windows, len(images), batch)
            if not follows(plan, images[:1], clean[:1], MOST_ROUNDING):
                return None, "plain, because the traced layers do not give the network's own answer"
    except Exception as error:  # whatever a foreign forward method may raise
        return None, f"plain, because the network cannot be traced layer by layer: {error}".splitlines()[0]
    share = plan.multiply_adds / max(1, plan.plain_multiply_adds)
    if method == "auto" and share > WORTH_IT:
        return None, f"plain, because {share:.0%} of the arithmetic would have to be done again anyway"
    where = f"; whole maps are read by {', '.join(plan.full_from)}" if plan.full_from else ""
    return plan, f"incremental, with {share:.0%} of the plain arithmetic{where}"


def _answers(network: nn.Module, images: Tensor) -> Tensor:
    try:
        return network(images).softmax(1)
    except RuntimeError as error:
        height, width = images.shape[-2:]
        if (height, width) == (SIDE, SIDE):
            raise
        raise ValueError(
            f"the network does not take faces of {height} × {width} pixels: "
            f"resize them to the size that it was made for, as a rule {SIDE} × {SIDE}"
        ) from error


def occluded_images(image: Tensor, windows: Windows, fill: float = 0.0) -> Tensor:
    """Return one image with each square hidden in turn.

    Args:
        image: float ``(1, h, w)``.
        windows: the squares.
        fill: grey level of the square in [0, 1].

    Returns:
        Float ``(windows.count, 1, h, w)``: for looking at; :func:`occlude` makes them in chunks.

    Raises:
        ValueError: for another grey level.
    """
    return torch.where(_masks(windows, slice(None), image.device), _grey_level(fill), image)


def _plain(
    network: nn.Module, images: Tensor, windows: Windows, fill: float, batch: int, show_progress: bool
) -> Tensor:
    """The definition: every occluded image goes through the whole network."""
    n, count = len(images), windows.count
    parts = []
    jobs = torch.arange(n * count, device=images.device).split(batch)
    for job in progress(jobs, "occluding", show=show_progress):
        masks = _masks(windows, job % count, images.device)
        occluded = torch.where(masks, fill, images[job // count])
        parts.append(network(occluded).softmax(1))
    return torch.cat(parts).view(n, count, -1)


def _masks(windows: Windows, which: Tensor | slice, device: torch.device) -> Tensor:
    """Bool ``(squares, 1, h, w)``, True where the chosen squares hide."""
    positions = torch.arange(windows.count, device=device)[which]
    down, across = (cover.to(device) for cover in windows.covers())
    columns = len(windows.columns)
    return (down[positions // columns, :, None] & across[positions % columns, None, :])[:, None]


def as_float_images(images: Tensor) -> Tensor:
    """Return faces as float32 ``(n, 1, h, w)`` in [0, 1].

    Raises:
        ValueError: for what is neither such floats nor uint8.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] != 1:
        found = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"images must be a tensor (n, 1, 48, 48), not {found}")
    if len(images) == 0:
        raise ValueError("images must hold at least one face")
    if images.dtype == torch.uint8:
        return images.to(torch.float32) / 255
    if not images.is_floating_point():
        raise ValueError(f"images must be float in [0, 1] or uint8, not {images.dtype}")
    low, high = float(images.min()), float(images.max())
    if low < 0 or not high <= 1:
        raise ValueError(f"float images must lie in [0, 1], not [{low:g}, {high:g}]: divide bytes by 255")
    return images.to(torch.float32)


def _grey_level(fill: float) -> float:
    """Return `fill` as a number, which must be a grey level."""
    try:
        level = float(fill)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # a tensor of several is a RuntimeError
        level = math.nan
    if not 0 <= level <= 1 or isinstance(fill, str):
        said = fill if isinstance(fill, int | float) else called(fill)
        raise ValueError(f"fill must be a grey level from 0 to 1, not {said}")
    return level


def checked_labels(labels: Tensor, clean: Tensor) -> Tensor:
    """Return labels as int64 ``(n,)`` where the answers `clean`, ``(n, classes)``, are.

    Raises:
        ValueError: for other labels than one of the classes for each.
    """
    n, classes = clean.shape
    labels = torch.as_tensor(labels, device=clean.device)
    if labels.shape != (n,) or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be {n} whole numbers, not {labels.dtype} {tuple(labels.shape)}")
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(f"labels must lie in 0..{classes - 1}, not {labels.tolist()[:8]}")
    return labels.to(torch.int64)


def default_batch(device: torch.device) -> int:
    """Most occluded faces in work at a time where the caller does not say."""
    return 128 if device.type == "cpu" else 4096
