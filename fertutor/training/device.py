"""Where and in which number format training runs fastest.

The choice follows from what the hardware is, never from a stopwatch: the same machine must choose
the same again, or a resumed run would not end where the unbroken one ends.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch

from ..errors import InputError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


@dataclass(frozen=True)
class Setting:
    """Device (``"cpu"`` or ``"cuda"``), precision (``"fp32"`` or ``"bf16"``), and the one memory layout."""

    device: str
    precision: str
    memory_format: ClassVar[torch.memory_format] = torch.channels_last

    def as_dict(self) -> dict[str, Any]:
        """Return the setting as plain JSON values."""
        return {**asdict(self), "channels_last": True}  # a choice once, and entries and checkpoints name it


def choose_setting(device: str = "auto", precision: str = "auto") -> Setting:
    """Return the fastest setting of this machine.

    bf16 pays where the hardware multiplies it: on GPUs that support it and on processors with AMX or
    AVX-512 BF16; on others it was measured ten times slower than fp32. With bf16, channels_last was faster
    on every processor and GPU measured; with TF32 on a GPU, which fp32 then meant, it was faster for large
    networks and slower for that of Figure 3 (benchmarks/README.md).

    Raises:
        InputError: for an unknown device or precision, or "cuda" where there is none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device must be auto, cpu or cuda, not {device!r}")
    if precision not in ("auto", "fp32", "bf16"):
        raise InputError(f"precision must be auto, fp32 or bf16, not {precision!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("torch finds no CUDA GPU here: use --device cpu, or install a CUDA build of torch")
    if device == "cuda" and not _has_code():
        raise InputError(
            f"this build of torch has no code for the GPU here ({torch.cuda.get_device_name()}): use "
            "--device cpu, or install an older build of torch that has"
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() and _has_code() else "cpu"
    if precision == "auto":
        precision = "bf16" if _multiplies_bf16(device) else "fp32"
    return Setting(device, precision)


def describe(setting: Setting) -> str:
    """Return device and precision in words, such as ``"NVIDIA H200, bf16"``."""
    if setting.device == "cuda":
        return f"{torch.cuda.get_device_name()}, {setting.precision}"
    return f"the processor, {setting.precision}"


def _has_code() -> bool:
    """Tell whether torch was built for the first GPU: for its kind, or as PTX that its driver compiles."""
    major, minor = torch.cuda.get_device_capability()
    for built in torch.cuda.get_arch_list():
        kind, _, number = built.partition("_")
        number = number.rstrip("af")
        if not number.isdigit():  # of another maker
            return True
        own = int(number[:-1]), int(number[-1])
        if own <= (major, minor) and (kind == "compute" or own[0] == major):
            return True
    return False


def _multiplies_bf16(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch has no public question for these yet, and an older torch may lack one of them
    questions = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, question, bool)() for question in questions)


@contextmanager
def full_precision() -> Iterator[None]:
    """Let float32 convolutions be of float32 for a while, not of TF32, which torch allows GPUs by default.

    TF32 keeps 10 bits of each factor: too few to compare the probabilities of two ways to 1e-5.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def keep_freed_memory() -> None:
    """Let the C library keep freed blocks of up to 32 MB, for the whole process.

    Layer outputs of a batch are some megabytes each. By default glibc may hand such a block back to
    the system when it is freed, and the next step pays again for every page of it: up to a third
    of a training step's time was spent so. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option, value in ((_M_MMAP_THRESHOLD, 32 << 20), (_M_TRIM_THRESHOLD, 1 << 30)):
            mallopt(option, value)
