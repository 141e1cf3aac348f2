"""The network and its weights files: what a reader would lose if they were not the paper's, or unsafe."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn

import fertutor
from fertutor.errors import InputError
from fertutor.network.attention import SAMPLERS
from fertutor.network.sampler import sample_affine
from fertutor.network.weights import KINDS, build_network, kind_of, released_networks, weights_path


def test_it_has_the_parameters_of_figure_3() -> None:
    assert sum(value.numel() for value in fertutor.AttentionalCNN().parameters()) == 76_777
    hidden, output = fertutor.AttentionalCNN().last_two_linear()
    assert tuple(hidden.weight.shape) == (50, 810)
    assert tuple(output.weight.shape) == (7, 50)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("classes", [7, 8])
def test_it_maps_faces_to_logits(sampler: str, classes: int) -> None:
    network = fertutor.AttentionalCNN(sampler, channels=6, classes=classes).eval()
    logits = network(torch.rand(3, 1, 48, 48))
    assert logits.shape == (3, classes)
    assert torch.isfinite(logits).all()


def test_both_readings_agree_while_the_transformer_is_the_identity() -> None:
    """At the start θ is the identity, so where the sampler sits makes no difference."""
    networks = [fertutor.AttentionalCNN(sampler).eval() for sampler in ("features", "input")]
    networks[1].load_state_dict(networks[0].state_dict())
    x = torch.rand(4, 1, 48, 48)
    assert torch.allclose(networks[0].theta(x), torch.eye(2, 3).expand(4, 2, 3))
    assert torch.allclose(networks[0](x), networks[1](x), atol=1e-5)


@pytest.mark.parametrize("sampler", ["features", "input"])
def test_no_faces_leave_gradients_of_nought(sampler: str) -> None:
    """As one of several processes may have none of a last batch, and its gradients are waited for."""
    network = fertutor.AttentionalCNN(sampler=sampler)
    logits = network(torch.rand(0, 1, 48, 48))
    assert logits.shape == (0, 7)
    logits.sum().backward()
    for name, value in network.named_parameters():
        assert value.grad is not None and not value.grad.any(), name


def test_the_two_readings_differ_once_the_transformer_moves() -> None:
    networks = [fertutor.AttentionalCNN(sampler).eval() for sampler in ("features", "input")]
    with torch.no_grad():
        networks[0].localization.theta.bias.copy_(torch.tensor([0.7, 0.0, 0.2, 0.0, 0.7, 0.0]))
    networks[1].load_state_dict(networks[0].state_dict())
    x = torch.rand(4, 1, 48, 48)
    assert (networks[0](x) - networks[1](x)).abs().max() > 1e-3


def test_the_sampler_is_torchs_affine_warp_and_zooms_out_above_one() -> None:
    x = torch.rand(2, 3, 9, 9)
    theta = torch.tensor([[2.0, 0, 0], [0, 2.0, 0]]).expand(2, 2, 3)
    out = sample_affine(x, theta)
    expected = F.grid_sample(x, F.affine_grid(theta, [2, 3, 9, 9], align_corners=False), align_corners=False)
    assert torch.equal(out, expected)
    assert out[:, :, 0].abs().max() == 0  # the rim lies outside the input and reads zeros
    assert sample_affine(x, theta, "border")[:, :, 0].min() > 0


def test_a_network_without_transformer_has_no_map() -> None:
    with pytest.raises(ValueError, match="chooses no affine map"):
        fertutor.AttentionalCNN("none").theta(torch.rand(1, 1, 48, 48))
    with pytest.raises(ValueError, match="sampler must be one of"):
        fertutor.AttentionalCNN("image")


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    network = fertutor.AttentionalCNN("input", channels=5, classes=8).eval()
    path = fertutor.save_network(network, tmp_path / "w.safetensors")
    again = fertutor.load_network(path)
    x = torch.rand(2, 1, 48, 48)
    assert not again.training
    assert again.config == network.config
    assert torch.equal(again(x), network(x))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("thing", "words"), [("drawn", "a network is asked for.* not 'drawn'"), (nn.Flatten(), "Flatten is none")]
)
def test_only_networks_of_ours_are_saved(thing: nn.Module, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        fertutor.save_network(thing, tmp_path / "new" / "w.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    trap = tmp_path / "trap.safetensors"

    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "sprung",))

    trap.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="it is a pickle"):
        fertutor.load_network(trap)
    torch.save(fertutor.AttentionalCNN().state_dict(), trap)
    with pytest.raises(InputError, match="it is a pickle"):
        fertutor.load_network(trap)
    assert not (tmp_path / "sprung").exists()


def test_unusable_weights_are_named_in_one_sentence(tmp_path: Path) -> None:
    whole = fertutor.save_network(fertutor.AttentionalCNN(), tmp_path / "w.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:5000])
    empty = tmp_path / "empty.safetensors"
    empty.touch()
    foreign = tmp_path / "foreign.safetensors"
    import safetensors.torch

    safetensors.torch.save_file({"a": torch.zeros(1)}, foreign)
    unfit = tmp_path / "unfit.safetensors"
    header = {"fertutor": json.dumps({"kind": "attentional", "arguments": {}})}
    safetensors.torch.save_file({"a": torch.zeros(1)}, unfit, metadata=header)
    few = fertutor.save_network(fertutor.AttentionalCNN(classes=5), tmp_path / "few.safetensors")
    cases = {
        few: "tells 5 classes apart, not the 7 expressions or 8 with contempt",
        cut: "damaged",
        empty: "damaged",
        foreign: "does not say which network",
        unfit: "do not fit",
        tmp_path: "is a folder",
        tmp_path / "none.safetensors": "no weights at",
        None: "the name of a released network, not None",
    }
    for path, words in cases.items():
        with pytest.raises(InputError, match=words) as error:
            fertutor.load_network(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_every_released_network_loads_and_has_a_card() -> None:
    cards = released_networks()
    for name, card in cards.items():
        network = fertutor.load_network(name)
        assert sum(value.numel() for value in network.parameters()) == card["network"]["parameters"]
        assert network.config == card["network"]["arguments"]
        assert {"summary", "dataset", "labels", "recipe", "seed", "commit", "val_accuracy", "val_n"} <= set(
            card
        )
        assert weights_path(name).suffix == ".safetensors"


@pytest.mark.parametrize(
    ("arguments", "value", "said"),
    [
        ({"channels": 10**9}, 0.0, "do not fit"),
        ({"channels": -3}, 0.0, "do not fit"),
        ({"widths": [1]}, 0.0, "do not fit"),
        ({"padding": "everywhere"}, 1.0, "cannot be built"),
        ({"mean": 10**400}, 0.0, "do not fit"),
        ({"std": 0}, 0.0, "do not fit"),
        ({}, float("nan"), "not finite"),
        ({}, 0.0, "a std that is not above 0"),
    ],
)
def test_a_header_or_numbers_that_make_no_sense(
    tmp_path: Path, arguments: dict[str, object], value: float, said: str
) -> None:
    """Nothing is allocated for a header's word alone: 10⁹ channels would be 36 GB."""
    network = fertutor.AttentionalCNN()
    tensors = {name: torch.full_like(tensor, value) for name, tensor in network.state_dict().items()}
    header = {"fertutor": json.dumps({"kind": "attentional", "arguments": network.config | arguments})}
    path = tmp_path / "odd.safetensors"
    safetensors.torch.save_file(tensors, path, metadata=header)
    with pytest.raises(InputError, match=said):
        fertutor.load_network(path)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        *[("attentional", name) for name in ("float8_e4m3fn", "int32", "bool")],
        ("compact", "int32"),
        ("compact", "float32"),
    ],
)
def test_numbers_of_other_kinds_are_no_weights(tmp_path: Path, kind: str, dtype: str) -> None:
    """Also of a counter, which is of whole numbers."""
    network = build_network(kind)
    name = "output.bias" if kind == "attentional" else "trunk.1.num_batches_tracked"
    path = saved(network, tmp_path, **{name: network.state_dict()[name].to(getattr(torch, dtype))})
    with pytest.raises(InputError, match=rf"{name}: torch\.{dtype}\): save it with"):
        fertutor.load_network(path)


def saved(network: nn.Module, folder: Path, /, **changes: torch.Tensor) -> Path:
    """A weights file with some other tensors."""
    header = {"fertutor": json.dumps({"kind": kind_of(network), "arguments": network.config})}
    path = folder / "other.safetensors"
    safetensors.torch.save_file(network.state_dict() | changes, path, metadata=header)
    return path


def test_other_floats_are_weights_where_they_fit_float32(tmp_path: Path) -> None:
    network = fertutor.AttentionalCNN()
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        other = {name: value.to(dtype) for name, value in network.state_dict().items()}
        loaded = fertutor.load_network(saved(network, tmp_path, **other)).state_dict()
        assert all(torch.equal(loaded[name], value.float()) for name, value in other.items())
    with pytest.raises(InputError, match="not finite"):
        fertutor.load_network(
            saved(network, tmp_path, **{"output.bias": torch.full((7,), 1e300, dtype=torch.float64)})
        )


def test_a_header_without_end_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "deep.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, metadata={"fertutor": "[" * 100_000})
    with pytest.raises(InputError, match="does not say which network"):
        fertutor.load_network(path)


def test_loading_leaves_torch_as_it_is() -> None:
    """Neither the caller's next random number nor the network's float32 depends on what torch does by default."""
    before = torch.get_rng_state()
    fertutor.load_network("drawn")
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_default_dtype(torch.float64)
    try:
        network = fertutor.load_network("drawn")
    finally:
        torch.set_default_dtype(torch.float32)
    assert {value.dtype for value in network.state_dict().values() if value.is_floating_point()} == {
        torch.float32
    }


def test_a_path_is_not_the_path_with_a_suffix(tmp_path: Path) -> None:
    """The file that was named is read, or an error names it."""
    for name in ("m", "m.safetensors"):
        (tmp_path / name).touch()
    assert weights_path(tmp_path / "m") == tmp_path / "m"
    with pytest.raises(InputError, match=r"no weights at .*other:"):
        weights_path(f"{tmp_path}/other")
    with pytest.raises(InputError, match=r"^m{5000} cannot be read|no weights at m{5000}"):
        weights_path("m" * 5000)


@pytest.mark.parametrize(
    "arguments",
    [
        *[{"channels": channels} for channels in (0, -1, 10**9)],
        *[{"classes": 9}, {"classes": 0}, {"std": 0}, {"std": -1}, {"mean": 10**400}],
    ],
)
def test_a_network_that_cannot_be_is_one_sentence(arguments: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"network 'attentional' cannot be built"):
        build_network("attentional", **arguments)


@pytest.mark.parametrize("kind", ["compact", "deep"])
def test_grey_levels_are_not_divided_by_nought(kind: str) -> None:
    with pytest.raises(ValueError, match="std must be above 0, not 0"):
        KINDS[kind](std=0)


@pytest.mark.parametrize("kind", ["attentional", "compact", "best", "deep"])
def test_bytes_are_no_floats(kind: str) -> None:
    """Unscaled, they would get an answer, and a wrong one."""
    network = build_network(kind).eval()
    with pytest.raises(InputError, match=r"floats from 0 to 1, not torch.uint8: take \.float\(\) / 255"):
        network(torch.zeros(2, 1, 48, 48, dtype=torch.uint8))
