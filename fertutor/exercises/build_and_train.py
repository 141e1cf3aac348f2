"""Checkers for the chapter *Build it, train it*."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import exp, isfinite, log
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..network.attentional import AttentionalCNN
from .verdict import Verdict, called, called_number, not_yet, number, right, scalar, shown

CLASSES = 7


def check_side(answer: float, side: int = 64) -> Verdict:
    """Check the side of the trunk's last maps for a face of `side` x `side` pixels."""
    found = number(answer)
    if isinstance(found, Verdict):
        return found
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
    found = number(answer)
    if isinstance(found, Verdict):
        return found
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

    Some of the logits are too large for an exponential in float32, some in float64.
    """
    generator = torch.Generator().manual_seed(0)
    rows = [
        torch.zeros(CLASSES),
        torch.randn(CLASSES, generator=generator),
        3 * torch.randn(CLASSES, generator=generator),
        200 * torch.eye(CLASSES)[2],
        2000 * torch.eye(CLASSES)[2],
        torch.full((CLASSES,), -2000.0),
    ]
    for place, logits in enumerate(rows):
        for label in (2, 0, 6):  # that of the large logit first: it tells what is infinite from what vanishes
            expected = float(F.cross_entropy(logits[None], torch.tensor([label])))
            answer = called(cross_entropy, logits, label)
            if isinstance(answer, Verdict):
                return answer
            where = "seven logits of 0" if place == 0 else f"{_listed(logits)} and class {label}"
            if _not_finite(answer):
                if logits.max() < 0:
                    hint = (
                        "every exponential is 0: take the largest logit off all of them, whatever its sign."
                    )
                elif label == 2:
                    hint = (
                        "an exponential of a large logit is infinite. Take the largest logit off all of them "
                        "first; the probabilities stay as they are."
                    )
                else:
                    hint = (
                        "a probability that is too small for a float becomes 0 and has no logarithm. "
                        "The logarithm of a quotient is a difference: write it so, and form no quotient."
                    )
                return not_yet(f"of {where} yours makes {shown(answer)}: {hint}")
            found = number(answer)
            if isinstance(found, Verdict):
                return found
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
        found = called_number(step, weight, gradient, rate, decay)
        if isinstance(found, Verdict):
            return found
        where = f"weight {weight:g}, gradient {gradient:g}, rate {rate:g} and decay {decay:g}"
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
        elif abs(found - (weight - rate * sign) * (1 - rate * decay)) < 2e-6:
            hint = "the decay comes first, and shrinks the weight, not the step."
        elif abs(found - (weight * (1 - rate * decay) + rate * sign)) < 2e-6:
            hint = "a step goes downhill, against the gradient."
        return not_yet(f"with {where} it is {expected:.6f}, not {found:.6f}: {hint}")
    return right("the weight shrinks by the same share, whatever its gradient is.")


def _first_step(kind: Any, weight: float, gradient: float, rate: float, decay: float) -> float:
    value = torch.tensor([weight], dtype=torch.float64, requires_grad=True)
    value.grad = torch.tensor([gradient], dtype=torch.float64)
    kind([value], lr=rate, weight_decay=decay).step()
    return float(value.detach())


def _not_finite(answer: Any) -> bool:
    """Return whether an answer is a number, and none that is finite."""
    with suppress(ArithmeticError, RuntimeError, TypeError, ValueError):
        return not isinstance(answer, str) and not isfinite(float(scalar(answer)))
    return False


def _listed(logits: Tensor) -> str:
    return "[" + ", ".join(f"{value:.1f}" for value in logits.tolist()) + "]"


def _hint(found: float, expected: float) -> str:
    """Say what a wrong cross-entropy looks like."""
    if abs(found + expected) < 1e-4:
        return "a logarithm of a probability is negative, and the loss is minus that."
    if abs(found * log(2) - expected) < 1e-4:
        return "this is in bits; the natural logarithm is meant."
    if abs(found - exp(-expected)) < 1e-4:
        return "this is the probability of the true class; the loss is minus its logarithm."
    if expected > 20 and found < expected:
        return "a small number added, or a limit, hides the loss: write the logarithm as a difference."
    return "softmax first, then minus the logarithm of what the true class has."
