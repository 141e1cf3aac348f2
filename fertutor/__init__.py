"""FERTutor: rebuild, train, probe and challenge the Deep-Emotion paper.

Minaee, Minaei, Abdolrashidi: *Deep-Emotion: Facial Expression Recognition Using Attentional
Convolutional Network*, Sensors 2021. The public names below are loaded on first use, so that
``import fertutor`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "EXPRESSIONS": "expressions",
    "FaceSplits": "faces.table",
    "FaceTable": "faces.table",
    "load_faces": "faces.catalogue",
    "draw_faces": "faces.drawn",
    "AttentionalCNN": "network.attentional",
    "build_network": "network.weights",
    "load_network": "network.weights",
    "save_network": "network.weights",
    "train": "training.loop",
    "evaluate": "evaluation.report",
    "compare": "evaluation.comparison",
    "OcclusionMap": "saliency.occlusion",
    "occlude": "saliency.occlusion",
    "predict_photo": "faces.photo",
    "InputError": "errors",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fertutor' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
