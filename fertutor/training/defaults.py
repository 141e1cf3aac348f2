"""What ``fertutor train`` chooses where nothing is said.

Apart from the rest of the room, because the command's options are listed without loading torch.
"""

from __future__ import annotations

from types import MappingProxyType

from ..expressions import LABELS

DEFAULTS: MappingProxyType[str, str | int | float] = MappingProxyType(
    {
        "labels": LABELS[0],
        "network": "attentional",
        "sampler": "features",
        "channels": 10,
        "recipe": "paper",
        "seed": 0,
        "teacher_share": 0.7,
    }
)
"""Option → its value."""
