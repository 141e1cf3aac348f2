"""What all widgets share: who answers the front end's questions, and what is shown without a kernel.

A widget's front end is one ES module in ``static/``. With a kernel it asks Python, through messages;
in a published page the same front end asks ``page.mjs``, which runs the exported networks in the
reader's browser. Both speak the same language: a question ``{kind, id, …}`` with bytes, answered by
one or more messages ``{kind, id, …}`` with bytes. To Python a question also says which ``view`` asks:
two views of one widget each count their own questions.
"""

from __future__ import annotations

import asyncio
import html
import io
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from torch import Tensor, nn

from ..errors import InputError, called
from ..faces.table import SIDE, FaceTable
from ..figures.style import data_url
from ..mode import device_of, evaluating
from ..network.weights import load_network, released_networks

STATIC = Path(__file__).resolve().parent / "static"
"""The built front ends, and what a page needs beside them."""

Answer = tuple[dict[str, Any], list[bytes]]
"""A message of an answer and its bytes."""


class Explorer(anywidget.AnyWidget):
    """Base of the widgets.

    A subclass has a class attribute ``module`` (the name of its ES module), a method
    ``answer_KIND(question, faces)`` for each kind of question, and ``picture()``, which returns a
    matplotlib figure that stands for the widget where scripts are off, and its alt text.

    Args:
        network: a module of yours, or the name of a released network.
        networks: names of released networks that the reader may choose among; `network` is one more.
        traits: the widget's traits.

    Raises:
        InputError: for a network that cannot be read, or a choice that is no released network.
        TypeError: when a class with a module is made that has no ``picture()``.
    """

    module = ""
    picture: Callable[[], tuple[Any, str]]

    def __init_subclass__(cls, **options: Any) -> None:
        if "module" in vars(cls):  # anywidget makes further subclasses, which are not widgets of their own
            if not hasattr(cls, "picture"):
                raise TypeError(f"{cls.__name__} needs a method picture(), for pages where scripts are off")
            cls._esm = STATIC / f"{cls.module}.mjs"
        super().__init_subclass__(**options)

    network = traitlets.Unicode("paper", help="Name of a released network, or 'yours'.").tag(sync=True)
    networks = traitlets.List(traitlets.Unicode(), help="Names to choose from; none: no menu.").tag(sync=True)

    def __init__(
        self, network: nn.Module | str = "paper", networks: Sequence[str] = (), **traits: Any
    ) -> None:
        self._newest: dict[tuple[str, str], int] = {}  # view and kind → id of the newest question
        self._loaded: dict[str, nn.Module] = {}
        name = self._take(network)
        for other in networks:
            if other not in released_networks():
                raise InputError(
                    f"there is no released network {other!r}: choose of {', '.join(released_networks())}"
                )
        choices = list(dict.fromkeys([name, *networks])) if networks else []
        super().__init__(network=name, networks=choices, **traits)
        self.observe(lambda _: self._follow_network(), "network")
        self.on_msg(self._hear)

    def use_network(self, network: nn.Module | str) -> None:
        """Let the widget ask another network: a module, for example one still in training, or a name."""
        before = self.network
        self.network = self._take(network)
        if self.network == before:  # the name is the same, and the network may be another
            self._follow_network()
        self.send({"kind": "again"})

    def _follow_network(self) -> None:
        """Bring up to date what a widget says of its network; some say nothing."""

    @traitlets.validate("network")
    def _check_network(self, proposal: Any) -> str:
        name: str = proposal["value"]
        if name not in self._loaded and name not in released_networks():
            known = ", ".join(dict.fromkeys([*self._loaded, *released_networks()]))
            raise traitlets.TraitError(f"network {name!r}: choose of {known}, or call use_network")
        return name

    def _take(self, network: nn.Module | str) -> str:
        """Hold a network; return its name."""
        named = isinstance(network, str) and network in released_networks()
        name = str(network) if named else "yours"
        self._loaded[name] = network if isinstance(network, nn.Module) else load_network(network)
        return name

    def _named(self, name: str) -> Any:
        """Return a network by its name, which is loaded on first use."""
        if name not in self._loaded:
            self._loaded[name] = load_network(name)
        return self._loaded[name]

    @property
    def _network(self) -> Any:
        return self._named(self.network)

    def _asked(self, question: dict[str, Any]) -> Any:
        """Return the network that a question is for: the menu's choice may arrive after the question."""
        name = question.get("network")
        return self._named(name) if name in (*self.networks, *self._loaded) else self._network

    # ---- questions ------------------------------------------------------------------------------
    def _hear(self, _: Any, question: dict[str, Any], buffers: list[Any]) -> None:
        self._newest[_line(question)] = question["id"]
        work = self._work(question, buffers)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop, as in a plain script: answer at once
            for _ in work:
                pass
        else:
            task = loop.create_task(self._in_slices(work))
            task.add_done_callback(lambda done: done.exception())

    async def _in_slices(self, work: Iterator[None]) -> None:
        """Between two parts of an answer the kernel may hear the next question, which makes it void."""
        for _ in work:
            await asyncio.sleep(0.001)

    def _work(self, question: dict[str, Any], buffers: list[Any]) -> Iterator[None]:
        reply: dict[str, Any] = {name: question[name] for name in ("kind", "id", "view") if name in question}
        try:
            for message, data in self.answer(question, [bytes(buffer) for buffer in buffers]):
                if self._newest[_line(question)] != question["id"]:
                    return
                self.send({**reply, **message}, data)
                yield
        except Exception as error:  # whatever a reader's network may raise: the front end waits for an answer
            self.send({**reply, "error": _sentence(error)})

    def answer(self, question: dict[str, Any], buffers: list[bytes]) -> Iterator[Answer]:
        """Yield the parts of the answer to a question of the front end.

        Raises:
            ValueError: for a kind of question that this widget does not know.
        """
        method = getattr(self, f"answer_{question['kind']}", None)
        if method is None:
            raise ValueError(f"{type(self).__name__} knows no question {question['kind']!r}")
        yield from method(question, *buffers)

    def answer_predict(self, question: dict[str, Any], face: bytes) -> Iterator[Answer]:
        """Probabilities of one face, and the θ that the network chooses; with a forced θ if one is given."""
        network = self._asked(question)
        image = face_of(face, device_of(network))
        with torch.inference_mode(), evaluating(network):  # it may be one in training
            chosen = network.theta(image) if has_theta(network) else None
            with forced_theta(network, question.get("theta") if chosen is not None else None):
                probabilities = network(image).softmax(1)[0]
        theta = None if chosen is None else chosen.flatten().tolist()
        yield {"probabilities": finite(probabilities.tolist()), "theta": theta}, []

    # ---- without a kernel -----------------------------------------------------------------------
    def __repr__(self) -> str:
        return f"{type(self).__name__}(network={self.network!r})"

    def page_values(self) -> dict[str, Any]:
        """Return the synchronised traits as a page needs them: bytes as data URLs."""
        hidden = {"layout", "tabbable", "tooltip", "comm"}
        values = {
            name: data_url(value) if isinstance(value, bytes) else value
            for name, value in self.get_state().items()
            if not name.startswith("_") and name not in hidden
        }
        # a page has the released networks only
        values["networks"] = [name for name in self.networks if name != "yours"]
        if self.network == "yours":
            values["network"] = values["networks"][0] if values["networks"] else "paper"
        return values

    def twin(self) -> str:
        """Return the widget as HTML: a picture, which the book's ``page.mjs`` turns into the widget."""
        values = html.escape(json.dumps(self.page_values(), sort_keys=True), quote=True)
        return f'<div data-fertutor="{self.module}" data-props="{values}">{self.still()}</div>'

    def still(self) -> str:
        """Return the picture that stands for the widget, as HTML."""
        figure, alt = self.picture()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=110)
        source = data_url(file.getvalue(), "image/png")
        return f'<img src="{source}" alt="{html.escape(alt, quote=True)}">'

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle
        data["text/plain"] = repr(self)
        if "google.colab" not in sys.modules:  # Colab would show the twin instead of the widget
            data["text/html"] = self.twin()
        return data, metadata


def _line(question: dict[str, Any]) -> tuple[str, str]:
    """Return whose questions a question stands in line with: a later one makes it void."""
    return question.get("view", ""), question["kind"]


def _sentence(error: Exception) -> str:
    """Return the first line of an error; with its type, where that says more than "wrong input"."""
    lines = str(error).strip().splitlines()
    name = type(error).__name__
    if not lines:
        return name
    return lines[0] if isinstance(error, (ValueError, RuntimeError)) else f"{name}: {lines[0]}"


def grey_bytes(faces: Tensor | FaceTable) -> bytes:
    """Return faces, uint8 or float in [0, 1] of any shape ending in 48x48, as grey bytes.

    Raises:
        InputError: when the tensor holds no faces of 48x48 pixels, or other numbers.
    """
    images = faces.images if isinstance(faces, FaceTable) else faces
    if not isinstance(images, Tensor):
        raise InputError(f"faces must be a tensor or a FaceTable, not {called(faces)}")
    if images.shape[-2:] != (SIDE, SIDE):
        raise InputError(f"faces must be {SIDE}x{SIDE} pixels, not {tuple(images.shape)}")
    if not images.numel():
        raise InputError("faces holds no face: give at least one")
    if images.is_floating_point():
        low, high = float(images.min()), float(images.max())
        if not (-0.001 <= low and high <= 1.001):  # resampling rounds
            raise InputError(f"faces must lie in [0, 1], not [{low:g}, {high:g}]: divide bytes by 255")
        images = (images.clamp(0, 1) * 255).round().to(torch.uint8)
    elif images.dtype != torch.uint8:
        raise InputError(f"faces must be uint8 or float in [0, 1], not {images.dtype}: convert them")
    return images.cpu().contiguous().numpy().tobytes()


def face_of(data: bytes, device: torch.device | str = "cpu") -> Tensor:
    """Return 2304 grey bytes as a face, float ``(1, 1, 48, 48)`` in [0, 1].

    Raises:
        ValueError: for any other number of bytes.
    """
    if len(data) != SIDE * SIDE:
        raise ValueError(f"a face has {SIDE * SIDE} grey levels, not {len(data)}")
    grey = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return grey.view(1, 1, SIDE, SIDE).to(device).float() / 255


def finite(probabilities: list[float]) -> list[float]:
    """Return probabilities that can be sent.

    Raises:
        ValueError: for one that is no number: a message has no word for it.
    """
    if not all(map(math.isfinite, probabilities)):
        raise ValueError("the network's answer is not a number: its training has diverged")
    return probabilities


def has_theta(network: nn.Module) -> bool:
    """Whether a network has a spatial transformer."""
    return getattr(network, "localization", None) is not None


@contextmanager
def forced_theta(network: Any, theta: list[float] | None) -> Iterator[None]:
    """Make a network's transformer use the given six numbers inside, its own θ where they are None."""
    if theta is None:
        yield
        return
    values = torch.tensor(theta, dtype=torch.float32).view(1, 2, 3)
    hook = network.localization.register_forward_hook(lambda module, inputs, output: values.to(output))
    try:
        yield
    finally:
        hook.remove()
