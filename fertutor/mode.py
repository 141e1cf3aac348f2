"""What a network is, where it is, and eval mode for the while: for every room that asks one something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn

from .errors import InputError, called


def check_network(network: object) -> None:
    """Raise InputError for what is no network, such as the name of one."""
    if not isinstance(network, nn.Module):
        raise InputError(f"a network is asked for, as load_network('drawn') returns, not {called(network)}")


def device_of(network: nn.Module) -> torch.device:
    """Return where a network's parameters and buffers are; the CPU where it has none.

    Raises:
        InputError: for what is no network.
    """
    check_network(network)
    values = chain(network.parameters(), network.buffers())
    return next((value.device for value in values), torch.device("cpu"))


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network in eval mode inside; give each of its modules its own mode back outside.

    ``network.train(mode)`` would give all modules the mode of the outermost: a batch normalisation
    that was frozen by ``.eval()`` would learn again.

    Example:
        >>> with evaluating(network), torch.no_grad():
        ...     network(faces)

    Raises:
        InputError: for what is no network.
    """
    check_network(network)
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
