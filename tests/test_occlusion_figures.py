"""Pictures of maps, and the command that writes one; a user would lose what the paper is known for."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

import fertutor
from fertutor.cli import main
from fertutor.commands.occlude import as_json, describe
from fertutor.faces.table import FaceTable
from fertutor.network.compact import CompactCNN
from fertutor.saliency.by_expression import SPARSER, lower_half, maps_by_expression, predicted, surest
from fertutor.saliency.occlusion import OcclusionMap, occlude
from fertutor.saliency.rivals import last_maps, rival_maps
from fertutor.saliency.scores import sanity_check

matplotlib = pytest.importorskip("matplotlib")

from fertutor.figures import occlusion as pictures  # noqa: E402
from fertutor.figures import saliency as grades  # noqa: E402


@pytest.fixture(scope="module")
def network() -> fertutor.AttentionalCNN:
    torch.manual_seed(0)
    return fertutor.AttentionalCNN(channels=3).eval()


@pytest.fixture(scope="module")
def table() -> FaceTable:
    """Noise, labelled with each expression in turn."""
    images = torch.randint(256, (28, 1, 48, 48), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    return FaceTable(images, torch.arange(28) % 7)


@pytest.fixture(scope="module")
def result(network: fertutor.AttentionalCNN, table: FaceTable) -> OcclusionMap:
    return occlude(network, table.images[:7], 16, 16, table.labels[:7])


def test_every_figure_has_words_and_can_be_saved(
    network: fertutor.AttentionalCNN, table: FaceTable, result: OcclusionMap, tmp_path: Path
) -> None:
    """Each of the paper's figures can be made for any set and network, and read out."""
    faces, masks = table.images[:4].float() / 255, table.images[:4, 0] > 200
    ways = {"occlusion": result.drop[:4], "flips": result.flips[:4]}
    check = {
        "occlusion": sanity_check(network, lambda n: occlude(n, faces[:1], 24, 24, table.labels[:1]).drop)
    }
    figures = [
        pictures.draw_map(table.images[0], result),
        pictures.draw_nine(network, table.images[:2], table.labels[:2]),
        pictures.draw_maps(table.images[:7], result),
        pictures.draw_salient(table.images[:7], result.drop, list("abcdefg")),
        pictures.draw_sizes(network, table.images[0], 3, [16, 48]),
        grades.draw_truth(faces[0], faces[1], masks[0]),
        grades.draw_ways(faces, masks, ways),
        grades.draw_sanity(check),
    ]
    for number, figure in enumerate(figures):
        assert len(figure.get_label()) > 30
        figure.savefig(tmp_path / f"{number}.png")


def test_pixels_that_no_square_hides_do_not_break_a_figure(network: fertutor.AttentionalCNN) -> None:
    """A stride above N leaves holes in the map, not in the picture."""
    faces = torch.rand(1, 1, 48, 48)
    holes = occlude(network, faces, 4, 20)
    assert holes.drop.isnan().any()
    assert "nan" not in pictures.draw_map(faces[0], holes).get_label()


def test_expressions_that_are_never_recognised_are_named(
    network: fertutor.AttentionalCNN, table: FaceTable
) -> None:
    said = predicted(network, table)
    missing = [name for label, name in enumerate(fertutor.EXPRESSIONS) if label not in said]
    assert missing
    with pytest.raises(ValueError, match=f"recognises no face of {', '.join(missing)} in this table"):
        maps_by_expression(network, FaceTable(table.images, said), 24, 24)


def test_the_faces_that_a_network_is_surest_of_come_first(
    network: fertutor.AttentionalCNN, table: FaceTable
) -> None:
    said = predicted(network, table)
    label = int(said[10])
    with torch.no_grad():
        sure = network(table.images / 255).softmax(1)[:, label]
    rows = surest(network, FaceTable(table.images, said), label, count=3)
    assert (said[rows] == label).all()
    assert sure[rows].tolist() == pytest.approx(sorted(sure[said == label].tolist(), reverse=True)[:3])
    assert len(surest(network, FaceTable(table.images, (said + 1) % 7), label)) == 0


class Brightest(nn.Module):
    """Reads the class from the brightest pixel: on a plain face, one square never changes its mind."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        level = (x.amax((1, 2, 3)) * 255).round().long()
        return 30.0 * F.one_hot(level % 7, 7)


def test_faces_that_no_square_matters_to_are_not_counted() -> None:
    """Their maps have no sparsity; one expression of such faces alone used to end in a traceback."""
    labels = torch.arange(14) % 7
    images = (labels + 7).to(torch.uint8).view(-1, 1, 1, 1).repeat(1, 1, 48, 48)
    blank = maps_by_expression(Brightest(), FaceTable(images, labels), 8, 8)
    assert blank.contrast_flips.n == 0
    assert math.isnan(blank.contrast_flips.mean)
    values = json.loads(json.dumps(blank.as_dict(), allow_nan=False))
    assert values["sparser_less_others"]["drop"] == {"mean": None, "interval": [None, None], "n": 0}
    square = images[:7, :, 16:24, 16:24].clone()
    images[:7] = ((labels[:7] + 1) % 7).to(torch.uint8).view(-1, 1, 1, 1)
    images[:7, :, 16:24, 16:24] = square  # the first seven faces are what they are by one square
    half = maps_by_expression(Brightest(), FaceTable(images, labels), 8, 8)
    assert half.contrast_flips.n == sum(interval.n for interval in half.sparsity_flips) == 7
    assert [(interval.mean, interval.n) for interval in half.lower_half] == [(0.0, 1)] * 7


def test_the_lower_half_is_where_the_mouth_is() -> None:
    maps = torch.zeros(3, 5, 4)
    maps[0, 4] = 1.0  # in the lower half only
    maps[1, 0, 0], maps[1, 3, 0], maps[1, 4] = 3.0, 1.0, -5.0  # a gain is no loss
    assert lower_half(maps)[:2].tolist() == [1.0, 0.25]
    assert lower_half(maps)[2].isnan()
    maps[:, 1] = torch.nan  # hidden by no square
    assert lower_half(maps)[:2].tolist() == [1.0, 0.25]


@pytest.fixture(scope="module")
def weights(network: fertutor.AttentionalCNN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fertutor.save_network(network, tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "face.png"
    face = fertutor.draw_faces("12=1,6=1", people=2, size=96)[0, 0]
    Image.fromarray((face * 255).byte().numpy()).save(path)
    return path


def test_command_writes_a_picture_and_prints_the_numbers(
    weights: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`fertutor occlude WEIGHTS IMAGE --size N --stride S --out map.png --json`."""
    out = tmp_path / "map.png"
    words = [
        str(weights),
        str(photo),
        "--size",
        "12",
        "--stride",
        "12",
        "--out",
        str(out),
        "--whole",
        "--json",
    ]
    assert main(["occlude", *words]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Image.open(out).size[0] > 400
    assert len(answer["positions"]) == len(answer["probabilities"]) == 16
    assert len(answer["drop"]) == len(answer["flips"]) == 48
    assert sum(answer["clean"]) == pytest.approx(1, abs=1e-4)


def test_command_on_a_face_of_a_set(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A set's face is named SET:SPLIT:ROW, and its label is the set's."""
    assert (
        main(["occlude", str(weights), "drawn-studio:test:3", "--size", "24", "--stride", "24", "--json"])
        == 0
    )
    answer = json.loads(capsys.readouterr().out)
    table = fertutor.load_faces("drawn-studio").test
    assert table is not None
    assert answer["expression"] == fertutor.EXPRESSIONS[int(table.labels[3])]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--size", "0"], "size"),
        (["--size", "49"], "49"),
        (["--size", "-3"], "-3"),
        (["--size", "2.5"], "2.5"),
        (["--stride", "0"], "stride"),
        (["--stride", "four"], "four"),
        (["--label", "bored"], "bored"),
    ],
)
def test_wrong_arguments_get_one_sentence(
    words: list[str], named: str, weights: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sizes, strides and labels that cannot be used: status 1, one line, no traceback, nothing written."""
    assert main(["occlude", str(weights), str(photo), "--whole", *words]) == 1
    error = capsys.readouterr().err.strip()
    assert named in error
    assert "\n" not in error


@pytest.mark.parametrize(
    "image", ["drawn-studio:test:70", "drawn-studio:west:1", "drawn-studio:test:-1", "no.png"]
)
def test_images_that_do_not_exist_are_named(
    image: str, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row beyond the set's last, an unknown part, a missing file."""
    assert main(["occlude", str(weights), image]) == 1
    error = capsys.readouterr().err.strip()
    assert image in error
    assert "\n" not in error


class Marked(nn.Module):
    """Reads the class from the level of one pixel, not quite surely: the others have a say as well."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.randn(48 * 48, 7, generator=torch.Generator().manual_seed(1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        level = (x[:, 0, 40, 40] * 255).round().long()
        return 2.0 * F.one_hot(level % 7, 7) + 0.05 * x.flatten(1) @ self.weights


def test_the_means_of_each_expression_are_those_of_its_own_maps() -> None:
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 200, (210, 1, 48, 48), dtype=torch.uint8, generator=generator)
    labels = torch.arange(210) % 7
    images[:, 0, 40, 40] = (labels + 210).to(torch.uint8)
    network, table = Marked(), FaceTable(images, labels)
    found = maps_by_expression(network, table, 8, 8, most=10**6)
    table = table[predicted(network, table) == labels]
    maps = occlude(network, table.images, 8, 8, table.labels)
    for label in range(7):
        rows = table.labels == label
        assert torch.allclose(found.drop[label], maps.drop[rows].mean(0), atol=1e-5)
        assert torch.allclose(found.flips[label], maps.flips[rows].mean(0), atol=1e-5)
        flagged = (maps.flips[rows] > 0).float().mean((1, 2))
        assert found.flagged[label].mean == pytest.approx(float(flagged.mean()), abs=1e-5)
    assert not torch.allclose(found.drop, found.flips, atol=0.1)
    assert not torch.allclose(found.drop[1], found.drop[2], atol=0.01)
    sparse = torch.tensor([interval.mean for interval in found.sparsity_drop])
    three = torch.tensor([name in SPARSER for name in found.names])
    assert found.contrast_drop.mean == pytest.approx(
        float(sparse[three].mean() - sparse[~three].mean()), abs=1e-5
    )


class Crossed(nn.Module):
    """Its layers are not applied in the order in which they are named."""

    def __init__(self) -> None:
        super().__init__()
        self.relu, self.last, self.norm = nn.ReLU(), nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2)
        self.first, self.first_norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.last(self.first_norm(self.first(x)).relu())
        return self.relu(self.norm(x)).mean((2, 3))


def test_grad_cam_looks_at_the_last_maps() -> None:
    faces = torch.rand(1, 1, 48, 48)
    network = fertutor.AttentionalCNN().eval()
    assert last_maps(network, faces) is network.trunk[7]
    network = CompactCNN().eval()
    assert last_maps(network, faces) is network.top[2]
    network = Crossed().eval()
    assert last_maps(network, faces) is network.relu
    with pytest.raises(ValueError, match="convolution"):
        last_maps(nn.Linear(48, 2), faces)


def test_grad_cam_is_of_the_function_not_of_how_it_is_written() -> None:
    """What batch normalisation takes away, the convolution before it may add: the answers are the same."""
    pytest.importorskip("captum.attr")
    torch.manual_seed(0)
    network = CompactCNN().eval()
    other = copy.deepcopy(network)
    convolution, norm = other.top[0], other.top[1]
    shift = torch.linspace(-3, 3, norm.num_features)
    convolution.bias = nn.Parameter(shift.clone())
    norm.running_mean += shift
    faces, labels = torch.rand(2, 1, 48, 48), torch.tensor([1, 4])
    assert torch.allclose(network(faces), other(faces), atol=1e-4)
    ours, theirs = (rival_maps(each, faces, labels, "grad-cam") for each in (network, other))
    assert torch.allclose(ours, theirs, atol=1e-4 * float(ours.max()))
    assert ours.any()


def test_the_command_says_what_the_map_holds() -> None:
    face = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    face[0, 0, 40, 40] = 210 / 255  # angry, which the other pixels outvote
    result = occlude(Marked(), face, 12, 12)
    answer = as_json("face.png", result)
    for name in ("drop", "flips"):
        assert torch.allclose(torch.tensor(answer[name]), getattr(result, name)[0], atol=1e-3)
    assert not torch.allclose(result.drop, result.flips, atol=0.01)
    label = int(result.labels[0])
    lost = result.clean[0, label] - result.probabilities[0, :, label]
    row, column = result.positions[lost.argmax()].tolist()
    wrong = int((result.probabilities[0].argmax(1) != label).sum())
    assert wrong not in (0, 8, 16)
    words = describe("face.png", result, None)
    assert f"row {row} and column {column}, takes {float(lost.max()):.1%}" in words
    assert f"16 squares of 12 pixels, 12 apart; {wrong} of them" in words
