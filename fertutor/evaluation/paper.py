"""What the paper says: the accuracies of its Tables 1 to 4 and the counts of its Figure 8.

Book chapter: *The record*.
"""

from __future__ import annotations

from types import MappingProxyType

from ..expressions import EXPRESSIONS
from ..faces import fer2013

OURS = "The proposed algorithm"
"""The paper's own row in each of its tables."""

TABLES: MappingProxyType[str, MappingProxyType[str, float]] = MappingProxyType(
    {
        "fer2013": MappingProxyType(
            {
                "Unsupervised Domain Adaptation": 0.653,
                "Bag of Words": 0.674,
                "VGG+SVM": 0.6631,
                "GoogleNet": 0.652,
                "FER on SoC": 0.66,
                "Mollahosseini et al.": 0.664,
                OURS: 0.7002,
                "Aff-Wild2 (VGG backbone)": 0.75,
            }
        ),
        "ferg": MappingProxyType(
            {"DeepExpr": 0.8902, "Ensemble Multi-feature": 0.97, "Adversarial NN": 0.982, OURS: 0.993}
        ),
        "jaffe": MappingProxyType(
            {
                "LBP+ORB features": 0.885,
                "Fisherface": 0.892,
                "Deep Features + HOG": 0.9058,
                "Salient Facial Patch": 0.918,
                "CNN+SVM": 0.9531,
                OURS: 0.928,
            }
        ),
        "ckplus": MappingProxyType(
            {
                "MSR": 0.914,
                "3DCNN-DAP": 0.924,
                "LBP+ORB features": 0.932,
                "Inception": 0.932,
                "Deep Features + HOG": 0.9417,
                "IB-CNN": 0.951,
                "IACNN": 0.9537,
                "DTAGN": 0.972,
                "ST-RNN": 0.972,
                "PPDN": 0.973,
                "Dynamic cascaded classifier": 0.978,
                OURS: 0.98,
            }
        ),
    }
)
"""Face set → method → accuracy: Tables 1 (fer2013), 2 (ferg), 3 (jaffe) and 4 (ckplus), each in its order."""

TABLE_NUMBERS = MappingProxyType({name: number for number, name in enumerate(TABLES, 1)})
"""Face set → number of its table."""

FIGURE_8 = MappingProxyType(dict(zip(EXPRESSIONS, (328, 25, 99, 930, 450, 450, 1290), strict=True)))
"""Faces of each expression in the test set of Figure 8, from its caption; their sum is 3,572."""

PRIVATE_TEST = MappingProxyType(
    {
        "original labels": MappingProxyType(
            dict(zip(EXPRESSIONS, fer2013.COUNTS["PrivateTest"], strict=True))
        ),
        "FER+, most votes of 8": MappingProxyType(
            dict(zip(EXPRESSIONS, (326, 23, 94, 929, 448, 446, 1279), strict=True))
        ),
        "FER+, most votes of 7": MappingProxyType(
            dict(zip(EXPRESSIONS, (331, 28, 95, 929, 450, 446, 1295), strict=True))
        ),
    }
)
"""Way of labelling → faces of each expression in FER-2013's PrivateTest, as published; contempt left out."""
