"""The seven expressions: their order, colours, action units, and every data set's label map.

This module is the only place that knows which number means which expression. Book chapter:
*Faces and emotions*.
"""

from __future__ import annotations

from types import MappingProxyType

EXPRESSIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Label order of every FaceTable, network output and confusion matrix (FER-2013's own order)."""

EXPRESSIONS_WITH_CONTEMPT: tuple[str, ...] = (*EXPRESSIONS, "contempt")
"""The eight classes of FER+ (Barsoum et al. 2016); contempt follows the seven."""

COLOURS: MappingProxyType[str, str] = MappingProxyType(
    {
        "angry": "#D55E00",
        "disgust": "#009E73",
        "fear": "#CC79A7",
        "happy": "#E69F00",
        "sad": "#0072B2",
        "surprise": "#56B4E9",
        "neutral": "#888888",
        "contempt": "#A6761D",
    }
)
"""One colour an expression, told apart by colour-blind readers too (after Okabe and Ito 2008)."""

ACTION_UNITS: MappingProxyType[int, str] = MappingProxyType(
    {
        1: "inner brow raiser",
        2: "outer brow raiser",
        4: "brow lowerer",
        5: "upper lid raiser",
        6: "cheek raiser",
        7: "lid tightener",
        9: "nose wrinkler",
        10: "upper lip raiser",
        12: "lip corner puller",
        15: "lip corner depressor",
        16: "lower lip depressor",
        17: "chin raiser",
        20: "lip stretcher",
        23: "lip tightener",
        24: "lip pressor",
        25: "lips part",
        26: "jaw drop",
    }
)
"""The FACS action units that the drawn faces have, with their names in FACS."""

PROTOTYPES: MappingProxyType[str, tuple[int, ...]] = MappingProxyType(
    {
        "angry": (4, 5, 7, 24),
        "disgust": (4, 10, 17),
        "fear": (1, 2, 4, 5, 20, 25),
        "happy": (6, 12, 25),
        "sad": (1, 4, 15),
        "surprise": (1, 2, 5, 26),
        "neutral": (),
    }
)
"""Action units of the prototype of each expression: Ekman and Friesen 1978, table 11-1."""

PROTOTYPES_OPENDBM: MappingProxyType[str, tuple[int, ...]] = MappingProxyType(
    {
        "angry": (4, 5, 7, 23),
        "disgust": (9, 15, 16),
        "fear": (1, 2, 4, 5, 7, 20, 26),
        "happy": (6, 12),
        "sad": (1, 4, 15),
        "surprise": (1, 2, 5, 26),
        "neutral": (),
    }
)
"""The same in open_dbm 2.0: the sources differ, disgust most. A prototype is not ground truth."""

FERPLUS_COLUMNS: tuple[str, ...] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Vote columns of ``fer2013new.csv`` in file order."""

FERPLUS_LABELS: MappingProxyType[str, str] = MappingProxyType(
    {
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "happiness": "happy",
        "sadness": "sad",
        "surprise": "surprise",
        "neutral": "neutral",
        "contempt": "contempt",
    }
)
"""FER+ column → expression; ``unknown`` and ``NF`` (not a face) have none."""

CKPLUS_LABELS: MappingProxyType[int, str] = MappingProxyType(
    {
        0: "neutral",
        1: "angry",
        2: "contempt",
        3: "disgust",
        4: "fear",
        5: "happy",
        6: "sad",
        7: "surprise",
    }
)
"""Number in a CK+ ``_emotion.txt`` file → expression."""

JAFFE_LABELS: MappingProxyType[str, str] = MappingProxyType(
    {
        "AN": "angry",
        "DI": "disgust",
        "FE": "fear",
        "HA": "happy",
        "SA": "sad",
        "SU": "surprise",
        "NE": "neutral",
    }
)
"""Two-letter code in a JAFFE file name → expression."""

FERG_LABELS: MappingProxyType[str, str] = MappingProxyType(
    {
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "joy": "happy",
        "sadness": "sad",
        "surprise": "surprise",
        "neutral": "neutral",
    }
)
"""Expression folder of FERG → expression."""


LABELS: tuple[str, ...] = ("original", "ferplus", "ferplus8", "ferplus-plurality")
"""Names of the labels that FER-2013 is read with: its own, or those that FER+'s votes give by a majority of
seven or eight classes, or by most votes of seven."""


def class_names(classes: int) -> tuple[str, ...]:
    """Return the names of the first `classes` classes: 7, or 8 with contempt.

    Raises:
        ValueError: for any other number.
    """
    if classes not in (len(EXPRESSIONS), len(EXPRESSIONS_WITH_CONTEMPT)):
        raise ValueError(f"{classes} classes: expected 7 expressions, or 8 with contempt")
    return EXPRESSIONS_WITH_CONTEMPT[:classes]
