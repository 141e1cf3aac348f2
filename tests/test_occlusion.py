"""Occlusion maps by their plain definition; a user would lose the paper's central picture."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import fertutor
from fertutor.saliency.occlusion import occlude, occluded_images
from fertutor.saliency.windows import Windows


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return _decided(fertutor.AttentionalCNN(channels=3).eval())


def _decided(network: nn.Module) -> nn.Module:
    """Larger weights, so that a hidden square moves the probabilities."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    return network


def _faces(n: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 1, 48, 48, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 48), data=st.data())
def test_cut_is_captums_attribution(network: nn.Module, size: int, data: st.DataObject) -> None:
    """Published occlusion maps made with captum can be compared with ours."""
    occlusion = pytest.importorskip("captum.attr").Occlusion
    stride = data.draw(st.integers(max(1, size // 3), size))
    faces, labels = _faces(2), torch.tensor([3, 5])
    ours = occlude(network, faces, size, stride, labels, method="plain", edge="cut")
    theirs = occlusion(lambda x: network(x).softmax(1)).attribute(
        faces,
        target=labels,
        sliding_window_shapes=(1, size, size),
        strides=(1, stride, stride),
        perturbations_per_eval=8,
    )
    assert (ours.drop - theirs[:, 0]).abs().max() < 1e-6


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 48), stride=st.integers(1, 48), edge=st.sampled_from(["clamp", "cut"]))
def test_every_pixel_is_hidden_unless_the_stride_jumps_over_it(size: int, stride: int, edge: str) -> None:
    """A map has no holes and no square beyond the face."""
    windows = Windows(size, stride, edge)
    down, across = windows.covers()
    assert windows.count == len(windows.positions())
    assert down.any(1).all()
    assert across.any(1).all()
    assert len(set(windows.rows)) == len(windows.rows)
    if stride <= size:
        assert down.any(0).all()
        assert across.any(0).all()
    if edge == "clamp":
        assert (down.sum(1) == size).all()


def test_definition_by_hand(network: nn.Module) -> None:
    """`drop` and `flips` of each pixel are the means over the squares that hide it."""
    faces = _faces(2)
    labels = torch.tensor([0, 6])
    result = occlude(network, faces, 16, 12, labels, method="plain")
    with torch.inference_mode():
        clean = network(faces).softmax(1)
    for i in range(2):
        drop, flips, hits = (torch.zeros(48, 48) for _ in range(3))
        for p, (row, column) in enumerate(result.positions.tolist()):
            occluded = faces[i : i + 1].clone()
            occluded[..., row : row + 16, column : column + 16] = 0
            with torch.inference_mode():
                probabilities = network(occluded).softmax(1)[0]
            assert torch.allclose(result.probabilities[i, p], probabilities, atol=1e-6)
            square = (slice(row, row + 16), slice(column, column + 16))
            drop[square] += clean[i, labels[i]] - probabilities[labels[i]]
            flips[square] += probabilities.argmax() != labels[i]
            hits[square] += 1
        assert torch.allclose(result.drop[i], drop / hits, atol=1e-6)
        assert torch.allclose(result.flips[i], flips / hits, atol=1e-6)


def test_reading_order_and_last_square() -> None:
    """Positions match the order of `probabilities`; a stride that does not divide reaches the border."""
    windows = Windows(8, 7)
    assert windows.rows == [0, 7, 14, 21, 28, 35, 40]
    assert windows.positions()[:2].tolist() == [[0, 0], [0, 7]]
    assert Windows(8, 7, "cut").rows[-1] == 42


def test_bytes_and_floats_give_the_same_map(network: nn.Module) -> None:
    """A face table's bytes can be passed as they are."""
    grey = (_faces(1) * 255).to(torch.uint8)
    from_bytes = occlude(network, grey, 12, 12, method="plain")
    from_floats = occlude(network, grey / 255, 12, 12, method="plain")
    assert torch.equal(from_bytes.probabilities, from_floats.probabilities)


def test_own_prediction_when_no_labels_are_given(network: nn.Module) -> None:
    """A photograph without a label still has a map: of what the network says."""
    result = occlude(network, _faces(3), 24, 24, method="plain")
    assert torch.equal(result.labels, result.clean.argmax(1))


@pytest.mark.parametrize("batch", [1, 5, 1000])
def test_chunks_do_not_change_the_map(network: nn.Module, batch: int) -> None:
    """Memory can be bounded without changing a number."""
    faces = _faces(2)
    whole = occlude(network, faces, 16, 8, method="plain")
    parts = occlude(network, faces, 16, 8, method="plain", batch=batch)
    assert torch.allclose(whole.probabilities, parts.probabilities, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="on a CPU there is one device only")
@pytest.mark.parametrize("method", ["plain", "incremental"])
def test_every_part_of_a_map_is_on_the_networks_device(method: str) -> None:
    """The squares' places are there too, to find the one that matters most."""
    result = occlude(fertutor.AttentionalCNN().cuda(), _faces(1), 24, 24, method=method)
    parts = [value for value in vars(result).values() if isinstance(value, torch.Tensor)]
    assert len(parts) == 6
    assert all(value.is_cuda for value in parts)


def test_occluded_images_show_the_squares() -> None:
    """The pictures of Figure 11 are the images that the network saw."""
    face = _faces(1)[0]
    pictures = occluded_images(face, Windows(16, 16), fill=0.5)
    assert pictures.shape == (9, 1, 48, 48)
    assert (pictures[4, 0, 16:32, 16:32] == 0.5).all()
    assert torch.equal(pictures[4, 0, :16], face[0, :16])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"size": 0}, "size"),
        ({"size": 49}, "size"),
        ({"size": 2.5}, "2.5"),
        ({"size": True}, "True"),
        ({"stride": -1}, "-1"),
        ({"stride": 0}, "stride"),
        ({"stride": "4"}, "'4'"),
        ({"edge": "wrap"}, "wrap"),
        ({"method": "magic"}, "magic"),
        ({"batch": 0}, "batch"),
        ({"fill": 128}, "grey level from 0 to 1, not 128"),
        ({"fill": -0.1}, "-0.1"),
        ({"fill": float("nan")}, "nan"),
        ({"fill": None}, "None"),
        ({"fill": "0"}, "'0'"),
        ({"fill": torch.rand(2)}, "not Tensor"),
        ({"labels": torch.tensor([7])}, "0..6"),
        ({"labels": torch.tensor([1, 2])}, "labels"),
        ({"images": torch.rand(48, 48)}, "images"),
        ({"images": torch.rand(1, 1, 40, 64)}, "40 × 64 pixels: resize"),
        ({"images": torch.rand(1, 1, 48, 48) * 255}, "255"),
        ({"images": torch.zeros(1, 1, 48, 48, dtype=torch.int64)}, "int64"),
    ],
)
def test_wrong_arguments_are_named(network: nn.Module, changes: dict[str, object], word: str) -> None:
    """One sentence says which argument cannot be used."""
    arguments: dict[str, object] = {"images": _faces(1), "size": 8, "stride": 8, **changes}
    with pytest.raises(ValueError, match=word.replace("'", ".")) as caught:
        occlude(network, **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
