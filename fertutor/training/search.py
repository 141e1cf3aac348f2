"""Search of a recipe's numbers on validation faces, by Optuna (an optional extra).

Paper, section 3: λ "is tuned based on the model performance on the validation set".
Book chapter: *The record*.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from ..errors import InputError
from ..faces.table import FaceSplits
from ..seed import check_seed
from .device import choose_setting
from .loop import train
from .objective import penalised_layers
from .recipes import Recipe
from .seeds import seed_for

SEARCHABLE = ("penalty", "learning_rate", "weight_decay")
"""Numbers of a recipe that are searched on a logarithmic scale."""

ATTEMPTS = 5
"""How often a storage is opened while other workers are setting it up."""


def search(
    build: Callable[[], nn.Module],
    splits: FaceSplits,
    recipe: Recipe,
    ranges: dict[str, tuple[float, float]],
    trials: int,
    *,
    seed: int = 0,
    device: str = "auto",
    storage: str | None = None,
    study: str = "fertutor",
    report: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Train `trials` networks with numbers that Optuna proposes; return every finished trial, best first.

    Args:
        build: returns a fresh network.
        splits: `.train` and `.val` are used.
        recipe: gives all numbers that are not searched, `epochs` among them.
        ranges: number in :data:`SEARCHABLE` → its lowest and highest value, both above 0.
        trials: trainings of this call; those that `storage` holds already come on top.
        seed: of the proposals and of every training, from 0 to 4294967295.
        device: see :func:`fertutor.train`.
        storage: an Optuna storage address such as ``sqlite:///runs/search.db``, which several workers
            may share; None keeps the trials in memory.
        study: name of the search in `storage`; a search of other faces, ranges or numbers needs another.
        report: called with one line a trial.

    Returns:
        One dict a trial: the searched numbers, ``val_accuracy``, ``best_epoch``, and ``diverged`` where the
        training did, which comes after all others.

    Raises:
        InputError: when Optuna is missing, a range makes no sense, the storage cannot be used, or a penalty
            is asked for on another network than that of Figure 3.
    """
    _check(ranges, trials, seed)
    choose_setting(device)  # Optuna would log what a trial raises
    if recipe.penalty or "penalty" in ranges:
        _refuse_penalty(build(), "penalty" in ranges)
    optuna = _optuna()

    def objective(trial: Any) -> float:
        # by the trial's number in the storage: neither a second call nor another worker repeats proposals
        sampler_seed = seed_for(seed, trial.number, "proposals") % 2**32
        found.sampler = optuna.samplers.TPESampler(seed=sampler_seed)
        numbers = {name: trial.suggest_float(name, *ends, log=True) for name, ends in ranges.items()}
        run = train(
            build(), splits, replace(recipe, **numbers), seed=seed, device=device, report=lambda line: None
        )
        trial.set_user_attr("best_epoch", run.best_epoch)
        trial.set_user_attr("val_accuracy", run.best_val_accuracy)
        # what it reached before it diverged is no merit of these numbers
        return -1.0 if run.diverged else run.best_val_accuracy

    def say(_: Any, trial: Any) -> None:  # the trial is in the storage by now, whatever becomes of the report
        said = "  ".join(f"{name} {value:.3g}" for name, value in trial.params.items())
        ended = ", diverged" if trial.value < 0 else ""
        report(f"trial {trial.number + 1}  {said}  val {trial.user_attrs['val_accuracy']:.2%}{ended}")

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it would warn at length of a trial that is stopped
    found = _open_study(optuna, storage, study)
    try:
        found.optimize(objective, n_trials=trials, callbacks=[say])
    except optuna.exceptions.StorageInternalError as error:
        raise _unusable(storage, error) from error
    finished = [trial for trial in found.trials if trial.value is not None]
    return [
        {
            **trial.params,
            "val_accuracy": trial.user_attrs.get("val_accuracy", trial.value),
            "best_epoch": trial.user_attrs["best_epoch"],
            **({"diverged": True} if trial.value < 0 else {}),
        }
        for trial in sorted(finished, key=lambda trial: -trial.value)
    ]


def _open_study(optuna: Any, storage: str | None, study: str) -> Any:
    """Return a study of a storage, which is set up where it is new."""
    attempt = 1
    while True:
        try:
            return optuna.create_study(
                storage=storage, study_name=study, load_if_exists=True, direction="maximize"
            )
        except Exception as error:  # Optuna hands on what SQLAlchemy and each database's driver raise
            if attempt == ATTEMPTS or not _met_another(error):
                raise _unusable(storage, error) from error
        time.sleep(0.2 * attempt)
        attempt += 1


def _met_another(error: Exception) -> bool:
    """Return whether another worker was setting the same storage up, which Optuna does without a lock."""
    reason = f"{error} {error.__cause__ or ''}".lower()
    return any(words in reason for words in ("already exists", "unique constraint", "duplicate", "locked"))


def _refuse_penalty(network: nn.Module, searched: bool) -> None:
    """Raise InputError for a network without the two layers of equation (1)."""
    try:
        penalised_layers(network)
    except InputError as error:
        mend = "search another number" if searched else "take a recipe without it, such as compact"
        raise InputError(f"{str(error).partition(':')[0]}: {mend}") from None


def _unusable(storage: str | None, error: Exception) -> InputError:
    reason = str(error.__cause__ or error).splitlines()[0]
    return InputError(
        f"the trials cannot be kept in the storage {storage} ({reason}): give an address such as "
        "sqlite:///runs/search.db, in a folder that can be written"
    )


def _check(ranges: dict[str, tuple[float, float]], trials: int, seed: int) -> None:
    if trials < 1:
        raise InputError(f"trials must be 1 or more, not {trials}")
    check_seed(seed)
    if not ranges:
        raise InputError(f"nothing to search: name at least one of {', '.join(SEARCHABLE)}")
    for name, (low, high) in ranges.items():
        if name not in SEARCHABLE:
            raise InputError(f"{name} cannot be searched, only {', '.join(SEARCHABLE)}")
        if not 0 < low < high < float("inf"):
            raise InputError(
                f"the range of {name} must run from above 0 upwards, not from {low:g} to {high:g}"
            )


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise InputError("the search needs the package optuna: pip install 'fertutor[search]'") from error
    return optuna
