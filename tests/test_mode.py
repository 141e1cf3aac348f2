"""Where a network is, and eval mode for the while: a layer that its owner has frozen must not learn again because somebody looked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import fertutor
from fertutor.errors import InputError
from fertutor.evaluation.leakage import linear_probe
from fertutor.evaluation.units import count_units
from fertutor.faces.photo import predict_photo
from fertutor.faces.table import FaceTable
from fertutor.figures.occlusion import draw_nine
from fertutor.mode import device_of, evaluating
from fertutor.network.export import export_network
from fertutor.saliency.by_expression import predicted
from fertutor.saliency.occlusion import occlude
from fertutor.saliency.rivals import rival_maps
from fertutor.saliency.scores import deletion, randomised_networks
from fertutor.training.augment import Augmentation
from fertutor.training.device import choose_setting, describe
from fertutor.training.teachers import taught

GREY = torch.randint(0, 256, (3, 1, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
FACES, LABELS = GREY.float() / 255, torch.tensor([0, 3, 6])
TABLE = FaceTable(GREY, LABELS)


class Watchful(nn.Module):
    """Keeps whether convolutions on a GPU might have been TF32 when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.classes, self.config, self.tf32 = 7, {}, set[bool]()
        self.layer = nn.Linear(1, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.tf32.add(torch.backends.cudnn.allow_tf32)
        return self.layer(x.mean((1, 2, 3))[:, None])


def test_what_is_measured_is_measured_in_full_precision() -> None:
    network, before = Watchful(), torch.backends.cudnn.allow_tf32
    fertutor.evaluate(network, TABLE, device="cpu")
    occlude(network, FACES, 24, 24, method="plain")
    assert network.tf32 == {False}
    assert torch.backends.cudnn.allow_tf32 is before


LOOKS: dict[str, Callable[[nn.Module], object]] = {
    "evaluate": lambda network: fertutor.evaluate(network, TABLE, device="cpu").confusion.tolist(),
    "predict": lambda network: predict_photo(network, np.zeros((48, 48), np.uint8), whole=True)[0].as_dict(),
    "units": lambda network: count_units(network, TABLE),
    "occlude": lambda network: occlude(network, FACES, 24, 24).probabilities.tolist(),
    "predicted": lambda network: predicted(network, TABLE).tolist(),
    "deletion": lambda network: deletion(network, FACES, FACES[:, 0], LABELS, steps=2).tolist(),
    "gradient": lambda network: rival_maps(network, FACES, LABELS, "gradient").tolist(),
    "nine": lambda network: draw_nine(network, FACES, LABELS).get_label(),
}
"""Everything that asks a network something on the quiet."""


@pytest.fixture
def network() -> nn.Module:
    """In training, with much dropout and its first batch normalisation frozen."""
    torch.manual_seed(0)
    network = fertutor.build_network("compact", widths=[4] * 7, dropout=0.9)
    next(module for module in network.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    return network


def modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


@pytest.mark.parametrize("name", list(LOOKS))
def test_a_look_is_in_eval_mode_and_leaves_every_module_in_its_own(name: str, network: nn.Module) -> None:
    before = modes(network)
    assert True in before[1:] and False in before
    numbers = [value.clone() for value in network.state_dict().values()]
    said = LOOKS[name](network)
    assert modes(network) == before
    assert all(map(torch.equal, numbers, network.state_dict().values()))
    assert said == LOOKS[name](network.eval())


@pytest.mark.parametrize("name", [*LOOKS, "compare", "shuffle", "export"])
def test_the_name_of_a_network_is_no_network(name: str, network: nn.Module, tmp_path: Path) -> None:
    looks = LOOKS | {
        "compare": lambda name: fertutor.compare(network, name, TABLE),
        "shuffle": randomised_networks,
        "export": lambda name: export_network(name, tmp_path / "network.onnx"),
    }
    with pytest.raises(InputError, match=r"^a network is asked for, as load_network.* not 'drawn'$"):
        looks[name]("drawn")  # type: ignore[arg-type]


def test_a_network_is_where_its_numbers_are() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.ones(1, device="meta"), persistent=False)

    assert device_of(nn.Linear(1, 1, device="meta")) == device_of(Scaled()) == torch.device("meta")
    assert device_of(nn.Flatten()) == torch.device("cpu")


def test_a_network_without_numbers_is_asked_like_any_other() -> None:
    network = nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(7))
    assert fertutor.evaluate(network, TABLE).n == 3
    assert predicted(network, TABLE).shape == (3,)
    assert occlude(network, FACES, 24, 24).drop.shape == (3, 48, 48)
    assert len(predict_photo(network, np.zeros((48, 48), np.uint8), whole=True)) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_faces_may_be_elsewhere_than_the_network() -> None:
    network = fertutor.AttentionalCNN().eval()
    setting = choose_setting("cpu", "fp32")
    for table in (TABLE, TABLE.to("cuda")):
        for device in ("cpu", "cuda"):
            assert count_units(network.to(device), table).theta is not None
        votes = taught(table, [network], 0.5, Augmentation(), seed=0, setting=setting).votes
        assert votes is not None
        assert votes.device == table.labels.device
        assert 0 <= linear_probe(table, torch.tensor([0, 1]), torch.tensor([2])) <= 1
    assert draw_nine(network.to("cuda"), FACES, LABELS).get_label()


def test_an_export_leaves_every_module_in_its_own_mode(network: nn.Module, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    before = modes(network)
    export_network(network, tmp_path / "net.onnx", batch=1)
    assert modes(network) == before


def test_the_modes_come_back_after_an_error_too(network: nn.Module) -> None:
    before = modes(network)

    def fail() -> None:
        with evaluating(network):
            assert not any(modes(network))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert modes(network) == before


@pytest.mark.parametrize(
    ("capability", "built", "runs"),
    [
        ((7, 0), ["sm_75", "sm_80", "sm_90"], False),  # older than all
        ((8, 9), ["sm_75", "sm_80", "sm_90"], True),  # a minor number on
        ((8, 0), ["sm_75", "sm_86"], False),  # a minor number back
        ((12, 0), ["sm_75", "sm_90"], False),
        ((12, 0), ["sm_75", "sm_90", "compute_90"], True),  # its driver compiles that
        ((9, 0), ["sm_80", "sm_90a"], True),
        ((9, 0), ["gfx90a"], True),  # another maker's
    ],
)
def test_a_gpu_for_which_torch_was_not_built_is_not_chosen(
    capability: tuple[int, int], built: list[str], runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    assert choose_setting("auto", "fp32").device == ("cuda" if runs else "cpu")
    if runs:
        assert describe(choose_setting("cuda", "fp32")) == "Some GPU, fp32"
    else:
        with pytest.raises(InputError, match=r"no code for the GPU here \(Some GPU\): use --device cpu"):
            choose_setting("cuda", "fp32")
