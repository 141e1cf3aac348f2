"""The training loop: data on the device, whole batches augmented there, a checkpoint an epoch.

Paper, section 4.2, and 4.5: "the model with the highest validation accuracy is used".
Book chapter: *Build it, train it*.
"""

from __future__ import annotations

import copy
import json
import math
import pickle
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..circumstances import circumstances
from ..errors import InputError, called
from ..faces.table import FaceSplits, FaceTable
from ..files import expanded, refuse_unwritable, replacing
from ..network.weights import kind_of, save_network
from ..progress import progress
from ..seed import check_seed
from .augment import apply_augmentation, draw_augmentation
from .balance import epoch_order
from .checkpoint import (
    FILE,
    State,
    load_checkpoint,
    optimizer_state,
    restore_optimizer,
    save_checkpoint,
    writer,
)
from .device import Setting, choose_setting, full_precision, keep_freed_memory
from .distributed import Group, join_group, spawn, take_part
from .graph import Batch, GraphedStep, Step
from .mixup import draw_mix, mix
from .objective import penalised_layers, penalty, soft_targets
from .optimizer import initialise, make_optimizer, move_average, rate_at, set_rate
from .recipes import Recipe, find_recipe
from .seeds import generator_for, seed_for

BEST, HISTORY = "best.safetensors", "history.json"
"""What a run writes beside its checkpoint: its best weights and its log."""


SMALLEST = 8
"""A last batch of fewer faces joins the one before it where a network has batch normalisation, which would
else take a tenth of what it validates with from these few."""


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        network: with the weights of the epoch that was best on validation, in eval mode.
        history: one dict an epoch: epoch, loss, train_accuracy, val_loss, val_accuracy,
            learning_rate, seconds.
        best_epoch: counted from 1; the first of equals.
        recipe, seed, setting: what it was trained with.
        fingerprints: of the training and validation faces.
        diverged: whether a loss left the finite numbers, which ended the run.
        sessions: one dict for each call of :func:`train` that kept some of its epochs: first_epoch, and the
            date, versions, machine and commit that it began with, where they are known.
    """

    network: nn.Module
    history: list[dict[str, float]]
    best_epoch: int
    recipe: Recipe
    seed: int
    setting: Setting
    fingerprints: dict[str, str]
    diverged: bool
    sessions: list[dict[str, Any]] = field(default_factory=lambda: [{"first_epoch": 1}])

    @property
    def best_val_accuracy(self) -> float:
        """The validation accuracy of the network that was kept."""
        return self.history[self.best_epoch - 1]["val_accuracy"]

    @property
    def divergence(self) -> str:
        """What is to be said of a diverged run, in one sentence; empty for others."""
        if not self.diverged:
            return ""
        return (
            f"the run diverged in epoch {len(self.history)}, its loss is no longer a finite number: try a "
            f"smaller --learning-rate than {self.recipe.learning_rate:g}"
        )


def train(
    network: nn.Module,
    splits: FaceSplits,
    recipe: Recipe | str = "paper",
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    devices: int = 1,
    graphs: bool = True,
    start: str | None = None,
    report: Callable[[str], None] | None = None,
) -> Run:
    """Train a network and return it as it was at its best on validation.

    Args:
        network: one of :data:`fertutor.network.weights.KINDS`; it is trained from the weights it
            has, unless the recipe asks for a Gaussian initialisation. It is not changed.
        splits: `.train` and `.val` are used, `.test` never.
        recipe: a Recipe or the name of one.
        seed: of initialisation, order, augmentation and dropout, from 0 to 4294967295.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``; see :func:`choose_setting`.
        out: folder for the checkpoint, the best weights and the log; None keeps nothing on disk.
        resume: go on with the run in `out`.
        devices: processes on this machine that share each batch, one a GPU where there are GPUs;
            more than one needs `out`, and a script that asks for them must call this function under
            ``if __name__ == "__main__":``, because each process imports the script. Under ``torchrun``
            leave it at 1.
        graphs: on a GPU that is not shared, record a step as a CUDA graph and replay it, which is faster
            and the same within rounding; False takes each step as it is.
        start: what the network's weights are, where they are not new, such as their file's digest: the run in
            `out` is resumed with the same only.
        report: called with one line an epoch; None prints it to stderr. With `devices` above 1 another
            process calls it: it must be a function that can be imported, no lambda.

    Raises:
        InputError: for what is none of these networks, no face set, no recipe or no seed, when the set has no
            training or validation faces or other expressions than the network, the recipe has a penalty and
            the network another shape than Figure 3, `out` cannot be written or already holds a run, the run
            in `out` is damaged, was started with something else or has more epochs behind it, `report` cannot
            be sent to another process, or one of several processes ends early.

    Example:
        >>> run = fertutor.train(fertutor.AttentionalCNN(), fertutor.load_faces("drawn-studio"))
        >>> run.best_val_accuracy
    """
    kind_of(network)  # which refuses any other
    if not isinstance(splits, FaceSplits):
        raise InputError(
            f"a face set is asked for, as load_faces('drawn-studio') returns, not {called(splits)}"
        )
    seed = check_seed(seed)
    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    if not isinstance(recipe, Recipe):
        raise InputError(f"a recipe or the name of one is asked for, such as 'paper', not {called(recipe)}")
    if not splits.train or not splits.val:  # missing, or a table without rows
        raise InputError(
            f"{splits.name} has no validation faces: hold some of the training faces out (--hold-out 0.1)"
            if splits.train
            else f"{splits.name} has no training faces: give a copy of the set that has them"
        )
    classes: Any = network.classes  # a number in every kind of network
    if classes != splits.train.classes:
        raise InputError(
            f"the network tells {classes} expressions apart and {splits.name} has {splits.train.classes}: "
            "train a network or choose labels of as many"
        )
    if recipe.penalty:
        penalised_layers(network)
    setting = choose_setting(device, precision)
    folder = None if out is None else expanded(out)
    if devices < 1:
        raise InputError(f"devices must be 1 or more, not {devices}")
    if devices > 1:
        _refuse_unsendable(report)
    if folder is None:
        if resume or devices > 1:
            raise InputError("resuming a run and sharing it among devices need its folder: give out=")
    else:
        if not resume:
            refuse_old_run(folder)
        refuse_unwritable(folder)
    if folder is not None and devices > 1:
        parts = replace(splits, test=None)  # the test part need not travel
        arguments = (network, parts, recipe, seed, setting, folder, resume, start, report)
        spawn(_share, devices, setting.device, folder / FILE, *arguments)
        trainer = _Trainer(network, splits.train, splits.val, recipe, seed, setting, Group(), start)
        trainer.restore(folder)
        return trainer.run()
    group = join_group(setting.device)
    trainer = _Trainer(network, splits.train, splits.val, recipe, seed, setting, group, start)
    if folder is not None and resume:
        trainer.restore(folder)
        if group.leads:
            trainer.publish(folder)  # a kill may have come between the checkpoint and these
    trainer.finish(folder, report or _print, graphs)
    return trainer.run()


def refuse_old_run(folder: Path) -> None:
    """Raise InputError where a run is to begin in a folder that holds one, or one of its files."""
    if (folder / FILE).exists():
        raise InputError(
            f"{folder} already holds a run: add --resume to go on with it, or name another folder"
        )
    for name in (BEST, HISTORY):
        if (folder / name).exists():
            raise InputError(
                f"{folder} already holds a {name}, which a new run would replace: name another folder, or "
                "move the file away"
            )


def _refuse_unsendable(report: Callable[[str], None] | None) -> None:
    """Raise InputError where the processes of a run cannot be told what to report to."""
    try:
        pickle.dumps(report)
    except Exception as error:  # each object refuses in its own way
        raise InputError(
            f"report={getattr(report, '__name__', report)} cannot be sent to the processes of devices=: give "
            "a function that can be imported, no lambda, or leave it out"
        ) from error


def plain_history(history: list[dict[str, float]]) -> list[dict[str, float | None]]:
    """Return a run's history as JSON has it: None where a number is not finite, as after a divergence."""
    return [
        {name: value if math.isfinite(value) else None for name, value in epoch.items()} for epoch in history
    ]


def _share(
    network: nn.Module,
    splits: FaceSplits,
    recipe: Recipe,
    seed: int,
    setting: Setting,
    folder: Path,
    resume: bool,
    start: str | None,
    report: Callable[[str], None] | None,
) -> None:
    """Do one process's part of a run that several share."""
    train(
        network,
        splits,
        recipe,
        seed=seed,
        device=setting.device,
        precision=setting.precision,
        out=folder,
        resume=resume,
        start=start,
        report=report,
    )


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _Trainer:
    """The state of a run between two epochs."""

    def __init__(
        self,
        network: nn.Module,
        train: FaceTable,
        val: FaceTable,
        recipe: Recipe,
        seed: int,
        setting: Setting,
        group: Group,
        start: str | None,
    ) -> None:
        keep_freed_memory()
        self.recipe, self.seed, self.setting, self.group = recipe, seed, setting, group
        self.fingerprints = {"train": train.fingerprint(), "val": val.fingerprint()}
        self.identity = {
            "network": {"kind": kind_of(network), "arguments": network.config},
            "recipe": recipe.as_dict(),
            "seed": seed,
            "setting": setting.as_dict(),
            "fingerprints": self.fingerprints,
            "start": start,
        }
        self.given = network
        self.network = copy.deepcopy(network).to(setting.device).to(memory_format=setting.memory_format)
        if recipe.gaussian is not None:
            initialise(self.network, recipe.gaussian, generator_for(seed, 0, "weights"))
        self.normalises = any(isinstance(module, nn.BatchNorm2d) for module in self.network.modules())
        self.shared = group.share(self.network)
        self.averaged = copy.deepcopy(self.network) if recipe.average else self.network
        self.optimizer = make_optimizer(self.network, recipe)
        self.train, self.val = train.to(setting.device), val.to(setting.device)
        self.sums = torch.zeros(2, dtype=torch.float64, device=setting.device)
        self.best: State = _copy(self.averaged.state_dict())
        self.history: list[dict[str, float]] = []
        self.best_epoch = 0
        self.diverged = False
        self.sessions: list[dict[str, Any]] = []
        self.token = uuid.uuid4().hex
        self.kept: str | None = None

    @property
    def finished(self) -> bool:
        return self.diverged or len(self.history) >= self.recipe.epochs

    def finish(self, folder: Path | None, report: Callable[[str], None], graphs: bool) -> None:
        """Train the epochs that are left; the leading process keeps and tells of each."""
        step: Step = self._step
        if not self.finished:
            with_what = circumstances(gpu=self.setting.device == "cuda")
            self.sessions.append({"first_epoch": len(self.history) + 1, **with_what})
        # processes that share a batch talk to each other within a step, which is not recorded
        if graphs and self.setting.device == "cuda" and self.group.size == 1:
            step = GraphedStep(step, self.optimizer)
        marks = [time.perf_counter()]
        # the fork: the caller's own draws go on as if nothing was
        with full_precision(), torch.random.fork_rng(devices=[]):
            while not self.finished:
                self.epoch(step)
                if self.group.leads:
                    if folder is not None:
                        if len(self.history) == 1:  # another run may have begun there meanwhile
                            refuse_old_run(folder)
                        self.save(folder)
                    marks.append(time.perf_counter())
                    report(self.line(marks))

    def epoch(self, step: Step) -> None:
        """Train one epoch, validate, and keep the weights if they are the best so far."""
        start = time.perf_counter()
        number = len(self.history) + 1
        generator = generator_for(self.seed, number, "faces")
        torch.manual_seed(seed_for(self.seed, number, "dropout"))
        order = epoch_order(self.train.labels, self.recipe.oversample, generator)
        batches = list(order.split(self.recipe.batch))
        if self.normalises and len(batches) > 1 and len(batches[-1]) < min(SMALLEST, self.recipe.batch):
            batches[-2:] = [torch.cat(batches[-2:])]
        self.network.train()
        self.sums.zero_()
        bar = progress(batches, f"epoch {number}/{self.recipe.epochs}", show=self.group.leads)
        for index, rows in enumerate(bar):
            done = number - 1 + index / len(batches)
            rate = rate_at(self.recipe, done / self.recipe.epochs)
            set_rate(self.optimizer, rate)
            step(self._draw(rows, generator))
        loss_sum, right = self.group.total(self.sums).tolist()
        val_loss, val_accuracy = self._validate()
        self.diverged = not (math.isfinite(loss_sum) and math.isfinite(val_loss))
        self.history.append(
            {
                "epoch": number,
                "loss": loss_sum / len(order),
                "train_accuracy": right / len(order),
                "val_loss": val_loss,
                "val_accuracy": val_accuracy,
                "learning_rate": rate,
                "seconds": time.perf_counter() - start,
            }
        )
        better = self.best_epoch == 0 or val_accuracy > self.history[self.best_epoch - 1]["val_accuracy"]
        # a diverged network gives one answer to all faces, whose share may be the highest so far
        if better and not (self.diverged and self.best_epoch):
            self.best_epoch = number
            self.best = _copy(self.averaged.state_dict())

    def _draw(self, rows: Tensor, generator: torch.Generator) -> Batch:
        """Return a batch: its rows and all the random numbers that it needs, on the CPU."""
        recipe, n = self.recipe, len(rows)
        batch = {"rows": rows}
        batch |= draw_augmentation(n, recipe.augmentation, self.train.images.shape[-2:], generator)
        if recipe.mixup:
            batch |= draw_mix(n, recipe.mixup, generator)
        return batch

    def _step(self, batch: Batch) -> None:
        """Take one step on a batch; add this process's share of its summed loss and hits to `sums`."""
        recipe, setting = self.recipe, self.setting
        batch = {name: value.to(setting.device) for name, value in batch.items()}
        rows, n = batch["rows"], len(batch["rows"])
        x = apply_augmentation(self.train.images[rows], recipe.augmentation, batch)
        labels = self.train.labels[rows]
        votes = self.train.votes[rows] if recipe.soft and self.train.votes is not None else None
        targets = soft_targets(labels, votes, self.train.classes)
        if recipe.mixup:
            x, targets = mix(x, targets, batch)
        if self.group.size > 1:
            start, stop = self.group.part(n)
            take_part(self.network, (start, stop, n))
            x, targets, labels = x[start:stop], targets[start:stop], labels[start:stop]
        x = x.to(memory_format=setting.memory_format)
        with torch.autocast(setting.device, torch.bfloat16, enabled=setting.precision == "bf16"):
            logits = self.shared(x)
        # gradients are averaged over the processes, so each counts its faces `size` times
        loss = F.cross_entropy(logits.float(), targets, reduction="sum", label_smoothing=recipe.smoothing)
        loss = loss / n * self.group.size
        if recipe.penalty:
            loss = loss + recipe.penalty * penalty(self.network)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if recipe.average:
            move_average(self.averaged, self.network, recipe.average)
        wanted = targets.argmax(1) if recipe.mixup else labels  # of two mixed faces, the larger share's
        hits = (logits.argmax(1) == wanted).sum()
        # summed where they are: to ask a GPU for a number at each step is to wait for it
        self.sums += torch.stack([loss.detach().double() * n / self.group.size, hits.double()])

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        network = self.averaged.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self.setting.device)
        for rows in torch.arange(len(self.val), device=self.setting.device).split(512):
            x = (self.val.images[rows].float() / 255).to(memory_format=self.setting.memory_format)
            logits, labels = network(x), self.val.labels[rows]
            loss = F.cross_entropy(logits, labels, reduction="sum")
            sums += torch.stack([loss.double(), (logits.argmax(1) == labels).sum().double()])
        loss_sum, right = sums.tolist()
        return loss_sum / len(self.val), right / len(self.val)

    def line(self, marks: list[float]) -> str:
        """Return what the last epoch came to, and how long the rest will take.

        The marks are the seconds at which this session began and each of its epochs was kept: a slow disk
        counts, and among ten epochs a pause of the machine does not.
        """
        last, best = self.history[-1], self.history[self.best_epoch - 1]
        recent = [end - start for start, end in pairwise(marks[-11:])]
        left = (self.recipe.epochs - len(self.history)) * median(recent)
        return (
            f"epoch {last['epoch']}/{self.recipe.epochs}  loss {last['loss']:.4f}  "
            f"train {last['train_accuracy']:.2%}  val {last['val_accuracy']:.2%}  "
            f"best {best['val_accuracy']:.2%} (epoch {self.best_epoch})  "
            f"{last['seconds']:.1f} s, {_duration(left)} left"
        )

    def save(self, folder: Path) -> None:
        """Write the checkpoint first, then what is read by people."""
        parts = {
            "network": self.network.state_dict(),
            "best": self.best,
            "optimizer": optimizer_state(self.optimizer),
        }
        if self.recipe.average:
            parts["averaged"] = self.averaged.state_dict()
        facts = {
            "identity": self.identity,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "diverged": self.diverged,
            "sessions": self.sessions,
        }
        written = writer(folder)
        if self.kept and written and self.kept != written:
            raise InputError(
                f"another process goes on with the run in {folder}, whose checkpoint is no longer ours: this "
                "one ends, and the other's epochs are kept"
            )
        save_checkpoint(folder, parts, facts, self.token)
        self.kept = self.token
        self.publish(folder, new_best=self.best_epoch == len(self.history))

    def publish(self, folder: Path, new_best: bool = True) -> None:
        """Write what is made of the checkpoint: the best network and the log."""
        if new_best:
            save_network(self._best_network(), folder / BEST)
        with replacing(folder / HISTORY) as temporary:
            text = json.dumps(plain_history(self.history), indent=1, allow_nan=False)
            temporary.write_text(text, encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Take up the run in `folder`, which must be this very run."""
        parts, facts = load_checkpoint(folder)
        facts.setdefault("sessions", [{"first_epoch": 1}])  # older checkpoints have none
        if not _make_sense(facts):
            raise _unfit(folder)
        for name, value in self.identity.items():
            if _comparable(facts["identity"].get(name)) != _comparable(json.loads(json.dumps(value))):
                what = _changed(name, facts["identity"].get(name))
                raise InputError(
                    f"the run in {folder} was started with {what}: resume it with what it was "
                    f"started with, or name another folder with --out{_anew(name, folder)}"
                )
        done = len(facts["history"])
        if done > self.recipe.epochs:
            raise InputError(
                f"the run in {folder} has {done} epochs behind it, more than {self.recipe.epochs}: resume it "
                f"with --epochs {done} or more"
            )
        remembers = self.recipe.optimizer != "sgd" or self.recipe.momentum > 0
        try:
            self.network.load_state_dict(parts["best"])  # to see whether they fit
            self.network.load_state_dict(parts["network"])
            if self.recipe.average:
                self.averaged.load_state_dict(parts["averaged"])
            restore_optimizer(self.optimizer, parts["optimizer"] if remembers else {})
        except (KeyError, IndexError, ValueError, RuntimeError) as error:
            raise _unfit(folder) from error
        self.kept = writer(folder)
        self.best = parts["best"]
        self.history, self.best_epoch = facts["history"], facts["best_epoch"]
        self.diverged = facts["diverged"]
        self.sessions = facts["sessions"]

    def _best_network(self) -> nn.Module:
        # of the given network: in a run of several processes the trained one's layers ask the others
        network = copy.deepcopy(self.given).to("cpu").to(memory_format=torch.contiguous_format)
        network.load_state_dict(self.best)
        return network.eval()

    def run(self) -> Run:
        return Run(
            network=self._best_network(),
            history=self.history,
            best_epoch=self.best_epoch,
            recipe=self.recipe,
            seed=self.seed,
            setting=self.setting,
            fingerprints=self.fingerprints,
            diverged=self.diverged,
            sessions=self.sessions,
        )


NUMBERS = {"epoch", "loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}
"""What the history says of each epoch."""


def _make_sense(facts: dict[str, Any]) -> bool:
    """Tell whether a checkpoint's facts are those of a run with at least one epoch behind it."""
    history, best, identity = facts["history"], facts["best_epoch"], facts["identity"]
    sessions = facts["sessions"]
    return (
        isinstance(identity, dict)
        and isinstance(history, list)
        and all(isinstance(epoch, dict) and epoch.keys() >= NUMBERS for epoch in history)
        and all(type(epoch[name]) in (int, float) for epoch in history for name in NUMBERS)
        and type(best) is int
        and 1 <= best <= len(history)
        and type(facts["diverged"]) is bool
        and isinstance(sessions, list)
        and sessions != []
        and all(isinstance(one, dict) and type(one.get("first_epoch")) is int for one in sessions)
        and sessions[0]["first_epoch"] == 1
    )


def _anew(name: str, folder: Path) -> str:
    """Return how to go on where a run's device may be out of reach."""
    return f" and begin with --from {folder / BEST}" if name == "setting" else ""


def _changed(name: str, before: Any) -> str:
    """Return what a run was started with, in words, from a part of its identity that is another now."""
    if name == "fingerprints":
        return "other faces"
    if name == "start":
        return "other weights in --from, or none"
    if name == "setting" and isinstance(before, dict) and {"device", "precision"} <= before.keys():
        return f"--device {before['device']} --precision {before['precision']}"
    return f"another {name}"


def _unfit(folder: Path) -> InputError:
    return InputError(
        f"{folder / FILE} is damaged or no checkpoint of this version: start the run again in another folder"
    )


def _comparable(value: Any) -> Any:
    """Return a part of a run's identity without what may change: words, and epochs at a constant rate."""
    if not isinstance(value, dict):
        return value
    free = ("why", "epochs") if value.get("schedule") == "constant" else ("why",)
    return {name: entry for name, entry in value.items() if name not in free}


def _copy(state: State) -> State:
    return {name: value.detach().clone() for name, value in state.items()}


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
