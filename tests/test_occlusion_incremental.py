"""The fast occlusion map is the plain one; a user would lose trust in every map if it were not."""

from __future__ import annotations

import gc
import operator
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import fertutor
from fertutor.network.sampler import Localization, sample_affine
from fertutor.network.weights import build_network
from fertutor.saliency.occlusion import occlude
from fertutor.saliency.plan import Plan
from fertutor.saliency.windows import Windows

SIDE = 24


class Residual(nn.Module):
    """x + a layer of x; or their channels side by side."""

    def __init__(self, layer: nn.Module, joined: bool) -> None:
        super().__init__()
        self.layer, self.joined = layer, joined

    def forward(self, x: Tensor) -> Tensor:
        if self.joined:
            return torch.cat([x, self.layer(x)], dim=1)
        out = self.layer(x)
        out += x
        return F.relu(out, inplace=True)


class Squeeze(nn.Module):
    """Channels scaled by what the whole map holds: not local."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.dense(x.mean((2, 3))))[:, :, None, None]


class Sampled(nn.Module):
    """A spatial transformer in the middle of a network."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.theta = nn.LazyLinear(6)

    def forward(self, x: Tensor) -> Tensor:
        theta = self.theta(self.features(x).flatten(1)).view(-1, 2, 3)
        return sample_affine(x, theta, "border")


class Head(nn.Module):
    """The end of a network, in the forms that people write it."""

    def __init__(self, body: nn.Sequential, form: str) -> None:
        super().__init__()
        self.body, self.form = body, form
        self.register_buffer("mean", torch.tensor(0.4))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.output = nn.LazyLinear(7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body((x - self.mean) / 0.3)
        if self.form == "pool":
            x = torch.flatten(self.pool(x), 1)
        elif self.form == "mean":
            x = x.mean(dim=(-2, -1))
        elif self.form == "view":
            x = x.view(x.size(0), -1)
        else:
            x = x.amax((2, 3))
        return self.output(x)


def _as_after_training(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """Running means and scales that are not those of a new layer."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.normal_(0, 0.3)
    norm.running_var.uniform_(0.5, 2)
    nn.init.normal_(norm.weight, 1, 0.3)
    nn.init.normal_(norm.bias, 0, 0.3)
    return norm


@st.composite
def networks(draw: st.DrawFn) -> nn.Module:
    """Networks of the pieces that ours are made of, and some that end locality."""
    torch.manual_seed(draw(st.integers(0, 99)))
    channels, side, layers = 1, SIDE, []
    kinds = ["conv", "conv", "conv", "pool", "norm", "act", "residual", "squeeze", "sample"]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=7)):
        if kind == "conv":
            groups = draw(st.sampled_from([1, 1, channels]))
            kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 2))
            padding, stride = draw(st.integers(0, 2)), draw(st.integers(1, 2))
            after = (side + 2 * padding - (kernel - 1) * dilation - 1) // stride + 1
            if after < 3:
                continue
            out = channels * draw(st.integers(1, 2)) if groups > 1 else draw(st.integers(2, 5))
            layers.append(nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups))
            channels, side = out, after
        elif kind == "pool" and side >= 6:
            pool = draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))
            kernel = draw(st.integers(2, 3))
            layers.append(pool(kernel, draw(st.integers(1, kernel)), draw(st.integers(0, 1))))
            side = (side + 2 * layers[-1].padding - kernel) // layers[-1].stride + 1
        elif kind == "norm":
            layers.append(_as_after_training(nn.BatchNorm2d(channels)))
        elif kind == "act":
            layers.append(draw(st.sampled_from([nn.ReLU(inplace=True), nn.SiLU(), nn.Dropout(0.5)])))
        elif kind == "residual":
            joined = draw(st.booleans())
            layers.append(Residual(nn.Conv2d(channels, channels, 3, padding=1), joined))
            channels *= 1 + joined
        elif kind == "squeeze":
            layers.append(Squeeze(channels))
        elif kind == "sample" and side >= 6 and not any(isinstance(layer, Sampled) for layer in layers):
            # a second one would blow the first one's rounding up: plain runs of other batches differ as much
            layers.append(Sampled(channels))
    form = draw(st.sampled_from(["pool", "mean", "view", "max"]))
    network = Head(nn.Sequential(*layers), form).eval()
    with torch.no_grad():
        network(torch.zeros(1, 1, SIDE, SIDE))
    return network


@settings(max_examples=60, deadline=None)
@given(
    network=networks(),
    size=st.integers(1, SIDE),
    stride=st.integers(1, SIDE),
    edge=st.sampled_from(["clamp", "cut"]),
    images=st.integers(1, 5),
    batch=st.integers(1, 100),
    fill=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 99),
)
def test_equal_to_plain(
    network: nn.Module,
    size: int,
    stride: int,
    edge: str,
    images: int,
    batch: int,
    fill: float,
    seed: int,
) -> None:
    """Whatever the layers, the squares and the memory: the same probabilities within 1e-5."""
    stride = max(stride, (SIDE - size) // 6, 1)
    faces = torch.rand(images, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    plain = occlude(network, faces, size, stride, method="plain", edge=edge, fill=fill)
    fast = occlude(network, faces, size, stride, method="incremental", edge=edge, fill=fill, batch=batch)
    assert fast.method == "incremental", fast.note
    assert (plain.probabilities - fast.probabilities).abs().max() < 1e-5


NARROW = {"attentional": {}, "compact": {"widths": [6, 6, 8, 8, 9, 9, 10]}, "best": {"widths": [6] * 8}}


@pytest.mark.parametrize("kind", list(NARROW))
@pytest.mark.parametrize("sampler", ["features", "input", "none"])
@pytest.mark.parametrize(("size", "stride", "edge"), [(8, 4, "clamp"), (7, 3, "cut"), (30, 17, "clamp")])
def test_our_networks(kind: str, sampler: str, size: int, stride: int, edge: str) -> None:
    """Figure 3 in both readings and the networks beside it, whose transformers do look at their input."""
    torch.manual_seed(3)
    network = build_network(kind, sampler=sampler, **NARROW[kind])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            _as_after_training(module)
        elif isinstance(module, Localization):
            nn.init.normal_(module.theta.weight, 0, 0.3)
    faces = torch.rand(2, 1, 48, 48)
    plain = occlude(network, faces, size, stride, method="plain", edge=edge)
    fast = occlude(network, faces, size, stride, method="incremental", edge=edge)
    assert (plain.probabilities - fast.probabilities).abs().max() < 1e-5
    assert (plain.drop - fast.drop).abs().max() < 1e-5


def test_it_saves_what_can_be_saved() -> None:
    """The arithmetic stays near the limit that the receptive fields set, and far below plain."""
    network = fertutor.AttentionalCNN(channels=64).eval()
    plan = Plan(network, Windows(8, 4), images=16, batch=64)
    assert plan.least_multiply_adds <= plan.multiply_adds
    assert plan.multiply_adds < 1.1 * plan.least_multiply_adds
    assert plan.multiply_adds < 0.1 * plan.plain_multiply_adds


def test_the_count_of_multiply_adds_is_that_of_figure_3() -> None:
    """The plain count is 121 squares times the network's own arithmetic, layer by layer by hand."""
    network = fertutor.AttentionalCNN().eval()
    trunk = 46 * 46 * 90 + 44 * 44 * 900 + 20 * 20 * 900 + 18 * 18 * 900 + 810 * 50 + 50 * 7
    localization = 46 * 46 * 72 + 21 * 21 * 720 + 1000 * 32 + 32 * 6
    plan = Plan(network, Windows(8, 4), images=1, batch=64)
    assert plan.plain_multiply_adds == 121 * (trunk + localization)


def test_where_locality_ends_is_said() -> None:
    """The note names the layer that needs the whole map."""
    fast = occlude(fertutor.AttentionalCNN(), torch.rand(1, 1, 48, 48), 16, 16, method="incremental")
    assert "sample_affine" in fast.note


def test_a_network_that_cannot_be_traced_falls_back_and_says_so() -> None:
    """A foreign network gets the right map, by the plain method."""

    class Looking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(48 * 48, 7)

        def forward(self, x: Tensor) -> Tensor:
            return self.dense(x.flatten(1) * (2 if x.sum() > 0 else 1))

    result = occlude(Looking(), torch.rand(1, 1, 48, 48), 16, 16)
    assert result.method == "plain"
    assert "traced" in result.note


@pytest.mark.parametrize("where", ["", "trunk", "trunk.2"])
@pytest.mark.parametrize("method", ["auto", "incremental"])
def test_a_hook_that_changes_a_layer_is_in_the_map(where: str, method: str) -> None:
    """The layers' rules know nothing of hooks: the plain method is taken, or the hook was traced."""
    torch.manual_seed(0)
    network, faces = fertutor.AttentionalCNN(sampler="none"), torch.rand(2, 1, 48, 48)
    nn.init.normal_(network.output.weight, 0, 1)
    network.get_submodule(where).register_forward_hook(lambda module, inputs, output: output * 3)
    plain = occlude(network, faces, 16, 16, method="plain")
    for _ in range(2):
        found = occlude(network, faces, 16, 16, method=method)
        assert (plain.probabilities - found.probabilities).abs().max() < 1e-5
        assert found.method == "incremental" or "do not give the network's own answer" in found.note
    assert found.method == "plain" or where == "trunk"


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(inplace=True),
    "keyword": lambda h: F.relu(h, inplace=True),
    "argument": lambda h: F.relu(h, True),
    "function": torch.relu_,
    "method": lambda h: h.relu_(),
    "unknown": lambda h: h.add_(0.5),
    "another layer": nn.Threshold(0.1, 0.2, inplace=True),
    "behind a view": lambda h: h.view(h.shape).relu_(),
    "behind no dropout": lambda h: F.dropout(h, 0.5, False).relu_(),
    "+=": lambda h: operator.iadd(h, 0.5),
}
"""Ways to change a map in place."""


class Changing(nn.Module):
    """Changes a map in place, and reads it again afterwards or not."""

    def __init__(self, way: str, again: bool) -> None:
        super().__init__()
        self.way, self.again = CHANGES[way], again
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.output = nn.Linear(4, 7)
        nn.init.normal_(self.output.weight, 0, 9)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        before = self.second(h)
        y = self.second(self.way(h))
        return self.output((before + y + h if self.again else before + y).mean((2, 3)))


@pytest.mark.parametrize("way", list(CHANGES))
@pytest.mark.parametrize("again", [True, False])
def test_a_map_that_is_changed_in_place_is_right_for_all_its_readers(way: str, again: bool) -> None:
    torch.manual_seed(0)
    network, faces = Changing(way, again), torch.rand(2, 1, 24, 24)
    plain = occlude(network, faces, 6, 6, method="plain")
    fast = occlude(network, faces, 6, 6, method="incremental")
    assert (plain.probabilities - fast.probabilities).abs().max() < 1e-5
    assert fast.method == ("plain" if again else "incremental"), fast.note
    assert ("in place, which is read again later" in fast.note) == again


def test_auto_does_not_take_the_detour() -> None:
    """With a square as large as the face nothing is local, and plain is the shorter way."""
    network, faces = fertutor.AttentionalCNN(), torch.rand(1, 1, 48, 48)
    assert occlude(network, faces, 48, 48).method == "plain"
    assert occlude(network, faces, 8, 8).method == "incremental"


def test_weights_are_read_anew_each_time() -> None:
    """A map made while a network trains shows its present weights."""
    network, faces = fertutor.AttentionalCNN(sampler="none"), torch.rand(1, 1, 48, 48)
    before = occlude(network, faces, 16, 16)
    with torch.no_grad():
        network.trunk[0].weight.mul_(-1)
    after = occlude(network, faces, 16, 16)
    plain = occlude(network, faces, 16, 16, method="plain")
    assert not torch.allclose(before.probabilities, after.probabilities)
    assert torch.allclose(after.probabilities, plain.probabilities, atol=1e-5)


def test_a_network_that_was_altered_is_analysed_anew() -> None:
    """What is kept from the last map is not used for a network whose layers or forward method changed."""
    network, faces = fertutor.AttentionalCNN(sampler="none").eval(), torch.rand(1, 1, 48, 48)
    nn.init.normal_(network.output.weight, 0, 1)
    occlude(network, faces, 16, 16)
    network.trunk[0] = nn.Conv2d(1, 10, 5, padding=1)
    network.trunk[1] = nn.SiLU()
    network.trunk[4] = nn.ReLU()
    for layer in (nn.Identity(), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)):
        network.trunk[3] = layer
        network.hidden = nn.LazyLinear(50)
        plain = occlude(network, faces, 16, 16, method="plain")
        for _ in range(2):
            fast = occlude(network, faces, 16, 16, method="incremental")
            assert (plain.probabilities - fast.probabilities).abs().max() < 1e-5


def test_a_network_is_not_kept_alive() -> None:
    """A notebook that makes a hundred networks and their maps does not fill the memory with them."""
    network = fertutor.AttentionalCNN()
    occlude(network, torch.rand(1, 1, 48, 48), 16, 16)
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


class Largest(TorchDispatchMode):
    """Watches the largest map that any call makes; a kernel, of three columns, is none."""

    faces, numbers = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[-1] > 3 and not out._is_view():
            self.faces, self.numbers = max(self.faces, len(out)), max(self.numbers, out.numel())
        return out


@pytest.mark.parametrize("method", ["plain", "incremental"])
def test_memory_is_bounded_by_batch(method: str) -> None:
    """More images and a smaller stride make no map larger, on a machine with little memory."""
    network = build_network("compact", widths=[4] * 7).eval()
    seen = []
    for images, stride in ((4, 16), (12, 16), (4, 6)):
        faces = torch.rand(images, 1, 48, 48)
        with Largest() as largest:
            occlude(network, faces, 16, stride, method=method, batch=4)
        assert largest.faces <= 4
        seen.append(largest.numbers)
    assert max(seen) == seen[0] > 0


def test_statistics_of_the_whole_map_are_not_taken_from_a_part() -> None:
    """A batch normalisation without running statistics reads every pixel."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    head = [nn.Flatten(), nn.Linear(4 * 44 * 44, 7)]
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.Conv2d(4, 4, 3), *head).eval()
    face = torch.rand(1, 1, 48, 48)
    plain, auto = (
        occlude(network, face, 8, 8, method=method, batch=1) for method in ("plain", "incremental")
    )
    assert torch.allclose(auto.probabilities, plain.probabilities, atol=1e-5)


class Odd(nn.Module):
    """A convolution, one layer with a rule of its own, another convolution and a sharp answer."""

    def __init__(self, layer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.layer, self.last = nn.Conv2d(1, 4, 3, padding=1), layer, nn.Conv2d(4, 5, 3)
        self.output = nn.Linear(5, 7)
        nn.init.normal_(self.output.weight, 0, 5)
        self.register_buffer("table", torch.rand(1, 4, SIDE, SIDE))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = self.layer(self, x) if isinstance(self.layer, Rule) else self.layer(x)
        return self.output(self.last(x).mean((2, 3)))


class Rule:
    """A function of the network and its maps."""

    def __init__(self, function: Callable[[nn.Module, Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, network: nn.Module, x: Tensor) -> Tensor:
        return self.function(network, x)


ODD: dict[str, Callable[[], Any]] = {
    "a dilated pool": lambda: nn.MaxPool2d(2, 2, dilation=2),
    "a pool that rounds up": lambda: nn.MaxPool2d(5, 3, ceil_mode=True),
    "a mean without its padding": lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "a mean by another number": lambda: nn.AvgPool2d(2, divisor_override=3),
    "a mirrored edge": lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    "a number for each place": lambda: Rule(lambda network, x: F.relu(x * network.table)),
    "rows joined": lambda: Rule(lambda network, x: torch.cat([x, x.relu()], 2)),
    "a padded pool of negative numbers": lambda: nn.Sequential(
        nn.Softplus(), Negative(), nn.MaxPool2d(3, 2, 1)
    ),
}


class Negative(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return -x


@pytest.mark.parametrize("name", ODD)
def test_layers_with_rules_of_their_own(name: str) -> None:
    """Where the incremental method does not know a rule, it must not guess."""
    torch.manual_seed(0)
    network = Odd(ODD[name]()).eval()
    faces = torch.rand(2, 1, SIDE, SIDE)
    plain, fast = (occlude(network, faces, 6, 5, method=method) for method in ("plain", "incremental"))
    assert (plain.probabilities - fast.probabilities).abs().max() < 1e-5
