"""Baselines of the paper's time: hand-made features and a linear classifier.

- ``hog-svm``: histograms of oriented gradients (Dalal and Triggs 2005) and a linear SVM;
- ``lbp-svm``: histograms of local binary patterns (Shan et al. 2009) and a linear SVM;
- ``fisherfaces``: principal components, then linear discriminants (Belhumeur et al. 1997).

Features are scikit-image's, classifiers scikit-learn's (the extra ``baselines``). The paper compares
with such methods in its tables 1 to 4. Book chapter: *Four data sets*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..faces.splits import hold_out, hold_out_people
from ..faces.table import SIDE, FaceTable
from ..progress import progress
from .report import Report

CELL = 8
"""Side of a cell in pixels: 6 x 6 cells a face, for both kinds of histogram."""

HELD_OUT = 0.2
"""Share of the training faces on which the setting is chosen."""

FACES_NEEDED = 50

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Baseline:
    """A method.

    Attributes:
        features: images uint8 ``(n, 1, 48, 48)`` → float32 ``(n, features)``.
        classifier: value of the setting, seed → an unfitted scikit-learn classifier.
        setting: what is chosen on held-out training faces.
        candidates: the values tried.
    """

    features: Callable[[Tensor], Features]
    classifier: Callable[[Any, int], Any]
    setting: str
    candidates: tuple[float, ...]


@dataclass(frozen=True)
class FittedBaseline:
    """A fitted method.

    Attributes:
        name: its name in :data:`BASELINES`.
        classifier: the fitted scikit-learn classifier.
        chosen: the setting's name and the value that was chosen.
        searched: value → accuracy on held-out training faces.
        classes: 7, or 8 with contempt.
    """

    name: str
    classifier: Any
    chosen: dict[str, float]
    searched: dict[str, float]
    classes: int

    @property
    def parameters(self) -> int:
        """The number of fitted values."""
        steps = [step for _, step in getattr(self.classifier, "steps", [("", self.classifier)])]
        names = ("mean_", "components_", "coef_", "intercept_")
        return sum(getattr(step, name).size for step in steps for name in names if hasattr(step, name))

    def predict(self, images: Tensor) -> Tensor:
        """Return a label, int64 ``(n,)``, for each of the images, uint8 ``(n, 1, 48, 48)``."""
        labels = self.classifier.predict(BASELINES[self.name].features(images))
        return torch.from_numpy(labels.astype(np.int64))

    def evaluate(self, table: FaceTable) -> Report:
        """Measure on a face table, like :func:`fertutor.evaluate`.

        Raises:
            InputError: when the table is empty.
        """
        if not len(table):
            raise InputError("there are no faces to evaluate on: choose another split or set")
        pairs = table.labels.cpu() * self.classes + self.predict(table.images)
        return Report(torch.bincount(pairs, minlength=self.classes**2).view(self.classes, self.classes))


def fit_baseline(name: str, table: FaceTable, seed: int = 0, by_subject: bool = False) -> FittedBaseline:
    """Fit a method on training faces.

    The setting is chosen on held-out *training* faces, so that neither validation nor test faces have
    a say; the method is then fitted on all of `table`.

    Args:
        name: one of :data:`BASELINES`.
        table: the training faces.
        seed: of the faces held out and of the classifier.
        by_subject: hold out whole people, as befits a set that is divided by people.

    Raises:
        InputError: an unknown name, packages that are missing, or too few faces or people.
    """
    if name not in BASELINES:
        raise InputError(f"no baseline is called {name!r}: choose one of {', '.join(BASELINES)}")
    if not (find_spec("skimage") and find_spec("sklearn")):
        raise InputError("baselines need scikit-image and scikit-learn: pip install 'fertutor[baselines]'")
    if len(table) < FACES_NEEDED or len(table.labels.unique()) < 2:
        raise InputError(
            f"a baseline needs {FACES_NEEDED} training faces of two classes or more: give more faces"
        )
    method = BASELINES[name]
    features, labels = method.features(table.images), table.labels.cpu().numpy()
    rows = _held_out(table, seed, by_subject)
    searched = _search(method, features, labels, rows, seed)
    best = max(searched, key=lambda value: searched[value])  # the first of equals: the most regular
    classifier = method.classifier(best, seed).fit(features, labels)
    accuracies = {str(value): accuracy for value, accuracy in searched.items()}
    return FittedBaseline(name, classifier, {method.setting: best}, accuracies, table.classes)


def _held_out(table: FaceTable, seed: int, by_subject: bool) -> tuple[Tensor, Tensor]:
    """Return the rows to fit on and the rows to choose by."""
    if not by_subject:
        return hold_out(table.labels, HELD_OUT, seed)
    if table.subjects is None:
        raise InputError("these faces do not say who is on them: fit without by_subject")
    try:
        return hold_out_people(table.subjects, HELD_OUT, seed)
    except ValueError as error:
        raise InputError(f"a baseline needs people to hold out: {error}") from None


def _search(
    method: Baseline,
    features: Features,
    labels: NDArray[np.int64],
    rows: tuple[Tensor, Tensor],
    seed: int,
) -> dict[float, float]:
    """Return the accuracy on held-out faces for each candidate, the most regular first."""
    fit_rows, held_rows = (part.numpy() for part in rows)
    candidates = method.candidates
    if method.setting == "components":  # there are never more than faces
        candidates = tuple(sorted({min(value, len(fit_rows) - 1) for value in candidates}))
    searched = {}
    for value in candidates:
        classifier = method.classifier(value, seed).fit(features[fit_rows], labels[fit_rows])
        searched[value] = float((classifier.predict(features[held_rows]) == labels[held_rows]).mean())
    return searched


def hog_features(images: Tensor) -> Features:
    """Return histograms of oriented gradients: 8 directions, 6 x 6 cells, blocks of 2 x 2 cells."""
    from skimage.feature import hog

    faces = images[:, 0].cpu().numpy()
    rows = [
        hog(face, orientations=8, pixels_per_cell=(CELL, CELL), cells_per_block=(2, 2))
        for face in progress(faces, "histograms of gradients")
    ]
    return np.asarray(rows, dtype=np.float32)


def lbp_features(images: Tensor) -> Features:
    """Return square roots of the shares of 59 uniform patterns (8 points, radius 2) in 6 x 6 cells."""
    from skimage.feature import local_binary_pattern

    patterns, cells = 59, SIDE // CELL
    line = np.arange(SIDE) // CELL
    first = (line[:, None] * cells + line[None, :]) * patterns
    faces = images[:, 0].cpu().numpy()
    rows = [
        np.bincount(
            (first + local_binary_pattern(face, 8, 2, "nri_uniform").astype(np.int64)).ravel(),
            minlength=cells * cells * patterns,
        )
        for face in progress(faces, "local binary patterns")
    ]
    shares: Features = np.asarray(rows, dtype=np.float32)
    shares /= CELL**2
    np.sqrt(shares, out=shares)
    return shares


def pixel_features(images: Tensor) -> Features:
    """Return the grey levels, 0 to 1."""
    pixels: Features = images.flatten(1).cpu().float().div(255).numpy()
    return pixels


def _linear_svm(strength: float, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=strength, dual=False, tol=1e-3, random_state=seed)


def _fisherfaces(components: float, seed: int) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline

    reduce = PCA(n_components=int(components), svd_solver="randomized", random_state=seed)
    return make_pipeline(reduce, LinearDiscriminantAnalysis())


BASELINES: dict[str, Baseline] = {
    "hog-svm": Baseline(hog_features, _linear_svm, "C", (0.001, 0.01, 0.1)),
    "lbp-svm": Baseline(lbp_features, _linear_svm, "C", (0.001, 0.01, 0.1)),
    "fisherfaces": Baseline(pixel_features, _fisherfaces, "components", (30, 100, 300)),
}
"""The methods by name."""
