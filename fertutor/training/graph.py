"""Training steps as CUDA graphs: for faces of 48x48 pixels a GPU otherwise waits for Python.

A step of our networks is 190 to 1,100 kernels of a few microseconds each. Recorded once and replayed, they
follow one another without Python between them; the numbers are those of the plain step, within rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Batch = dict[str, Tensor]
"""What a step needs, by name: the rows of its faces and the random numbers that were drawn for them."""

Step = Callable[[Batch], None]

WARM_UP = 3
"""Steps before one is recorded: libraries choose their kernels, the optimizer makes its moments."""


class GraphedStep:
    """A training step that is recorded for batches as large as the first, and replayed for them.

    Batches of another size, as the last of an epoch, take the step as it is. What the step reads and writes
    beside its batch must stay where it is in memory: weights, moments, rates and sums are changed in place
    from the first call on, never replaced. The network stays in training mode while steps are taken.

    Args:
        step: takes a batch on the GPU; it must not wait for the GPU, and must leave its results in
            tensors that stay.
        optimizer: the one that `step` steps, with a learning rate that is a tensor on the GPU.
    """

    def __init__(self, step: Step, optimizer: torch.optim.Optimizer) -> None:
        self.step, self.optimizer = step, optimizer
        self.device: torch.device = optimizer.param_groups[0]["lr"].device
        self.stream = torch.cuda.Stream(self.device)
        self.size = 0
        self.taken = 0
        self.batch: Batch = {}
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, batch: Batch) -> None:
        """Take the step on a batch whose tensors are on the CPU, ``rows`` and the same names each time."""
        # from pinned memory they follow in the stream's order, while the next batch is being drawn
        batch = {name: value.pin_memory() for name, value in batch.items()}
        n = len(batch["rows"])
        self.size = self.size or n
        if self.graph is not None and n == self.size:
            for name, value in batch.items():
                self.batch[name].copy_(value, non_blocking=True)
            self.graph.replay()
            return
        on_gpu = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        if n != self.size:
            self.step(on_gpu)
        elif self.taken < WARM_UP:
            self.taken += 1
            self._aside(on_gpu)
        else:
            self.batch = on_gpu
            self.graph = self._record()
            self.graph.replay()

    def _aside(self, batch: Batch) -> None:
        """Take the step on a stream of its own, as one that is to be recorded must have been taken."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            self.step(batch)
        torch.cuda.current_stream().wait_stream(self.stream)

    def _record(self) -> torch.cuda.CUDAGraph:
        """Return the step on `batch`, recorded; nothing of it is done yet."""
        graph = torch.cuda.CUDAGraph()
        for group in self.optimizer.param_groups:
            # Adam refuses to be recorded without, and warns of plain steps with it
            group["capturable"] = True
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                self.step(self.batch)
        finally:
            for group in self.optimizer.param_groups:
                group["capturable"] = False
        return graph
