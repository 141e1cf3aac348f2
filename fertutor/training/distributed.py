"""Several processes, one training run: torch's DistributedDataParallel over a shared batch.

Every process draws the whole batch's random numbers and trains on its own rows of it, so that the
run is the one that a single process would make, within rounding.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import InputError
from ..network.dropout import Dropout


@dataclass(frozen=True)
class Group:
    """This process among those of the run."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def part(self, n: int) -> tuple[int, int]:
        """Return this process's rows ``start, stop`` of a batch of `n`."""
        return self.rank * n // self.size, (self.rank + 1) * n // self.size

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of `values` over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def share(self, network: nn.Module) -> nn.Module:
        """Return the network as one whose gradients are averaged over all processes.

        Batch normalisation is replaced in `network` itself, by one whose statistics are of the whole batch.
        """
        if self.size == 1:
            return network
        for parent in list(network.modules()):
            for name, module in parent.named_children():
                if isinstance(module, nn.BatchNorm2d):
                    setattr(parent, name, SharedBatchNorm(module))
        return DistributedDataParallel(network)


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the rows of all processes, with the weights and buffers of `norm`.

    torch's SyncBatchNorm does the same for GPUs only.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.load_state_dict(norm.state_dict(), assign=True)
        self.weight, self.bias = norm.weight, norm.bias  # the very parameters

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` normalised for each channel; a float tensor ``(n, c, h, w)`` of the same dtype."""
        if not self.training:
            return super().forward(x)
        wide = x.float()
        places = wide.new_tensor([x.numel() / x.shape[1]])
        sums = _Total.apply(torch.cat([wide.sum((0, 2, 3)), places]))
        count = sums[-1].item()
        mean = sums[:-1] / count
        centred = wide - mean.view(1, -1, 1, 1)
        variance = _Total.apply(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (variance * count / (count - 1) - self.running_var)
        scale = (variance + self.eps).rsqrt() * self.weight
        return (centred * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)).to(x.dtype)


class _Total(torch.autograd.Function):
    """The sum over all processes, and the way back: each process's gradient counts for all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient


def join_group(device: str) -> Group:
    """Return this process's place; joins the run that ``torchrun`` or :func:`spawn` started."""
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Group()
        dist.init_process_group(_backend(device))
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", dist.get_rank())) % torch.cuda.device_count())
    return Group(dist.get_rank(), dist.get_world_size())


def _backend(device: str) -> str:
    return "nccl" if device == "cuda" else "gloo"


def take_part(network: nn.Module, part: tuple[int, int, int]) -> None:
    """Tell every dropout layer which rows of the shared batch come next."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.part = part


def spawn(work: Callable[..., None], processes: int, device: str, checkpoint: Path, *arguments: Any) -> None:
    """Run ``work(*arguments)`` in several processes on this machine and wait for all of them.

    Args:
        work: a function that can be imported.
        processes: how many.
        device: ``"cpu"`` or ``"cuda"``.
        checkpoint: the file that `work` keeps after each epoch.
        arguments: of `work`.

    Raises:
        InputError: for more processes than processors or GPUs; when a process fails or is killed (the others
            are then ended).
    """
    if device == "cuda" and processes > torch.cuda.device_count():
        raise InputError(f"--devices {processes}: there are {torch.cuda.device_count()} GPUs here")
    most = max(2, os.cpu_count() or 1)  # two share one processor in a small machine's tests
    if device == "cpu" and processes > most:
        raise InputError(f"--devices {processes}: there are {os.cpu_count()} processors here")
    with tempfile.TemporaryDirectory() as folder:
        start = (f"{folder}/store", processes, device, work, arguments)
        try:
            context = _start(start, processes)
            try:
                while not context.join():
                    pass
            finally:  # none goes on where this process was told to stop
                for process in context.processes:
                    process.terminate()
                for process in context.processes:
                    process.join()
                    for half in checkpoint.parent.glob(f".*.{process.pid}-*.tmp"):  # see files.replacing
                        half.unlink(missing_ok=True)
        except torch.multiprocessing.ProcessExitedException as error:
            how = error.signal_name or f"exit code {error.exit_code}"
            mend = (
                "go on from the last whole epoch with --resume"
                if checkpoint.exists()
                else "no epoch was kept, so start again, in a script of your own under "
                'if __name__ == "__main__":'
            )
            raise InputError(
                f"training process {error.error_index} of {processes} ended ({how}) and the others were "
                f"stopped: {mend}"
            ) from error
        except torch.multiprocessing.ProcessRaisedException as error:
            said = _what_was_raised(str(error))
            raise InputError(f"training process {error.error_index} of {processes} failed: {said}") from error
        except RuntimeError as error:
            if "shared memory" not in str(error):
                raise
            raise InputError(
                "the faces do not fit into the shared memory of this machine: give it more (docker run "
                "--shm-size=1g), or train without --devices"
            ) from error


def _what_was_raised(traceback: str) -> str:
    """Return the line of a traceback that names the error: CUDA's go on with advice for developers."""
    lines = traceback.strip().splitlines()
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (named or lines)[-1]


def _start(arguments: tuple[Any, ...], processes: int) -> Any:
    """Start the processes; to them Ctrl-C means nothing until :func:`_work` says what it means."""
    only_here = threading.current_thread() is threading.main_thread()  # other threads may set no signals
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if only_here else None
    try:
        return torch.multiprocessing.spawn(_work, arguments, nprocs=processes, join=False, daemon=True)
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def _work(
    rank: int, store: str, processes: int, device: str, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    # torch sends it when the first process is gone, and it may be ignored here, as in a script's background;
    # Python's own handler would wait for the others, and torch would take the end for a success
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(ImportError):  # its bars share a lock with other processes, which a killed one would leave
        from tqdm import tqdm

        tqdm.set_lock(threading.RLock())
    torch.set_num_threads(max(1, torch.get_num_threads() // processes))
    shared = dist.FileStore(store, processes)
    dist.init_process_group(_backend(device), store=shared, rank=rank, world_size=processes)
    try:
        work(*arguments)
    finally:
        dist.destroy_process_group()
