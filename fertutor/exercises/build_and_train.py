"""Checkers for the chapter *Build it, train it*."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network.attentional import AttentionalCNN
from .verdict import Verdict, not_yet, right

CLASSES = 7


def check_side(answer: float, side: int = 64) -> Verdict:
    """Check the side of the trunk's last maps for a face of `side` x `side` pixels."""
    found = _number(answer)
    if found is None:
        return not_yet(f"one number is asked for, the side of the last maps; this is {_said(answer)}.")
    trunk = AttentionalCNN(channels=1).trunk
    sides, x = [side], torch.zeros(1, 1, side, side)
    with torch.no_grad():
        for layer in trunk:
            x = layer(x)
            if x.shape[-1] != sides[-1]:
                sides.append(x.shape[-1])
    if found == sides[-1]:
        return right(f"{' → '.join(map(str, sides))}.")
    if found == side // 4:
        return not_yet("two poolings make a quarter of it, but each convolution takes something, too.")
    if found in sides:
        return not_yet("that is a map on the way; the layers after it are still to come.")
    return not_yet("a 3x3 convolution without padding takes 2 from the side, and pooling halves it.")


def check_parameters(answer: float, channels: int = 32) -> Verdict:
    """Check the number of parameters of the first fully connected layer with `channels` kernels."""
    found = _number(answer)
    if found is None:
        return not_yet(f"one number is asked for, the count of parameters; this is {_said(answer)}.")
    layer = AttentionalCNN(channels=channels).hidden
    if found == layer.weight.numel() + layer.bias.numel():
        return right(f"{layer.in_features:,} · {layer.out_features} weights and {layer.out_features} biases.")
    if found == layer.weight.numel():
        return not_yet(f"these are the weights; each of the {layer.out_features} units has a bias, too.")
    ten = AttentionalCNN().hidden
    if found == ten.weight.numel() + ten.bias.numel():
        return not_yet(
            f"that is the layer with 10 kernels; {channels} kernels make {channels} maps of 9 x 9."
        )
    return not_yet(
        f"{channels} maps of 9 x 9 values go in, {layer.out_features} come out, and every value that comes "
        "out weighs all that go in."
    )


def check_cross_entropy(cross_entropy: Callable[[Tensor, int], float | Tensor]) -> Verdict:
    """Check ``cross_entropy(logits, label)``: the loss of one face, from logits ``(7,)``.

    Some of the logits are too large for an exponential in float32.
    """
    generator = torch.Generator().manual_seed(0)
    rows = [
        torch.zeros(CLASSES),
        torch.randn(CLASSES, generator=generator),
        3 * torch.randn(CLASSES, generator=generator),
        200 * torch.eye(CLASSES)[2],
    ]
    for number, logits in enumerate(rows):
        for label in (0, 2, 6):
            expected = float(F.cross_entropy(logits[None], torch.tensor([label])))
            before = logits.clone()
            try:
                answer = cross_entropy(logits, label)
            except Exception as error:  # the reader's code may fail in any way
                return not_yet(f"your function raises {type(error).__name__}: {error}")
            if not torch.equal(logits, before):
                return not_yet("your function changes the logits that it is given.")
            where = "seven logits of 0" if number == 0 else f"{_listed(logits)} and class {label}"
            found = _number(answer, finite=False)
            if found is None:
                return not_yet(f"one number is asked for; of {where} yours makes {_said(answer)}.")
            if not isfinite(found):
                return not_yet(
                    f"of {where} yours makes {found}: an exponential of a large logit is infinite. "
                    "Take the largest logit off all of them first; the probabilities stay as they are."
                )
            if abs(found - expected) > 1e-4 * max(1.0, expected):
                return not_yet(f"of {where} it is {expected:.4f}, not {found:.4f}: {_hint(found, expected)}")
    return right("equal to torch's, also where an exponential alone would be infinite.")


def check_decoupled_step(step: Callable[[float, float, float, float], float | Tensor]) -> Verdict:
    """Check ``step(weight, gradient, rate, decay)``: the weight after the first step of AdamW."""
    for weight, gradient, rate, decay in (
        (0.5, -0.01, 0.005, 0.001),
        (0.5, 3.0, 0.005, 0.001),
        (-2.0, 0.5, 0.01, 0.5),
        (1.0, -0.02, 0.1, 0.9),
    ):
        expected = _first_step(torch.optim.AdamW, weight, gradient, rate, decay)
        try:
            answer = step(weight, gradient, rate, decay)
        except Exception as error:  # the reader's code may fail in any way
            return not_yet(f"your function raises {type(error).__name__}: {error}")
        found = _number(answer)
        where = f"weight {weight:g}, gradient {gradient:g}, rate {rate:g} and decay {decay:g}"
        if found is None:
            return not_yet(f"one finite number is asked for; with {where} yours makes {_said(answer)}.")
        if abs(found - expected) < 2e-6:
            continue
        sign = 1 if gradient > 0 else -1
        hint = "Adam's first step has the size of the rate and the sign of the gradient, whatever its size."
        if abs(found - (weight - rate * sign)) < 2e-6 or (
            abs(found - _first_step(torch.optim.Adam, weight, gradient, rate, decay)) < 2e-6
        ):
            hint = "the decay has to act on the weight itself, apart from the gradient."
        elif abs(found - (weight * (1 - decay) - rate * sign)) < 2e-6:
            hint = "the decay of one step is the product of rate and decay."
        elif abs(found - (weight * (1 - rate * decay) + rate * sign)) < 2e-6:
            hint = "a step goes downhill, against the gradient."
        return not_yet(f"with {where} it is {expected:.6f}, not {found:.6f}: {hint}")
    return right("the weight shrinks by the same share, whatever its gradient is.")


def _first_step(kind: Any, weight: float, gradient: float, rate: float, decay: float) -> float:
    value = torch.tensor([weight], dtype=torch.float64, requires_grad=True)
    value.grad = torch.tensor([gradient], dtype=torch.float64)
    kind([value], lr=rate, weight_decay=decay).step()
    return float(value.detach())


def _number(answer: Any, finite: bool = True) -> float | None:
    """Return an answer as a float, or None where it is no single number."""
    if isinstance(answer, bool | str):
        return None
    try:
        found = float(answer)
    except Exception:  # the reader's answer may be anything
        return None
    return None if finite and not isfinite(found) else found


def _said(answer: Any) -> str:
    """Return in a few words what an answer is."""
    shape = getattr(answer, "shape", None)
    if shape is not None and tuple(shape):
        return f"a {type(answer).__name__} of the shape {tuple(shape)}"
    return f"{answer!r}"[:40]


def _listed(logits: Tensor) -> str:
    return "[" + ", ".join(f"{value:.1f}" for value in logits.tolist()) + "]"


def _hint(found: float, expected: float) -> str:
    """Say what a wrong cross-entropy looks like."""
    if abs(found + expected) < 1e-4:
        return "a logarithm of a probability is negative, and the loss is minus that."
    if abs(found * 0.6931472 - expected) < 1e-4:
        return "this is in bits; the natural logarithm is meant."
    if abs(found - 2.718281828**-expected) < 1e-4:
        return "this is the probability of the true class; the loss is minus its logarithm."
    return "softmax first, then minus the logarithm of what the true class has."
