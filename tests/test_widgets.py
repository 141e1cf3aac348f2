"""The widgets' Python side: answers to the front end, their stable text, and their twins for pages."""

from __future__ import annotations

import asyncio
import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT
from traitlets import TraitError

import fertutor
from fertutor.errors import InputError
from fertutor.faces.drawn import SCENE, draw_faces, read_action_units, read_people
from fertutor.faces.table import FaceTable
from fertutor.widgets import ActionUnitFace, ConfusionExplorer, OcclusionExplorer, TransformerExplorer
from fertutor.widgets.base import STATIC, Explorer, forced_theta, grey_bytes


@pytest.fixture(scope="module")
def network() -> Any:
    torch.manual_seed(0)
    return fertutor.AttentionalCNN().eval()


@pytest.fixture(scope="module")
def table() -> FaceTable:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (20, 1, 48, 48), dtype=torch.uint8, generator=generator)
    return FaceTable(images, torch.arange(20) % 7)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[bytes]]]:
    """What a widget sends to its front end."""
    messages: list[tuple[dict[str, Any], list[bytes]]] = []
    monkeypatch.setattr(
        "ipywidgets.Widget.send",
        lambda self, content, buffers=None: messages.append((content, buffers or [])),
    )
    return messages


def test_occlusion_answers_are_those_of_the_library(network: Any, table: FaceTable, sent: list[Any]) -> None:
    explorer = OcclusionExplorer(network, table)
    question = {"kind": "occlude", "id": 1, "size": 10, "stride": 6, "passes": [12, 6]}
    explorer._hear(None, question, [memoryview(grey_bytes(table[3]))])
    assert [message["stride"] for message, _ in sent] == [12, 6]
    message, (data,) = sent[-1]
    found = fertutor.occlude(network, table.images[3:4], 10, 6)
    assert message["id"] == 1
    assert message["clean"] == pytest.approx(found.clean[0].tolist(), abs=1e-6)
    assert np.frombuffer(data, np.float32) == pytest.approx(
        found.probabilities[0].flatten().numpy(), abs=1e-5
    )


def test_the_traits_and_the_map_are_at_hand_in_python(network: Any, table: FaceTable) -> None:
    explorer = OcclusionExplorer(network, table, size=8, stride=4)
    explorer.size, explorer.face, explorer.label = 12, 2, 5
    found = explorer.occlusion()
    expected = fertutor.occlude(network, table.images[2:3], 12, 4, labels=torch.tensor([5]))
    assert torch.allclose(found.drop, expected.drop, atol=1e-6)
    with pytest.raises(Exception, match="faces 0 to 19"):
        explorer.face = 20


def test_a_bad_question_is_answered_with_a_sentence(network: Any, table: FaceTable, sent: list[Any]) -> None:
    explorer = OcclusionExplorer(network, table)
    explorer._hear(None, {"kind": "predict", "id": 7}, [memoryview(b"short")])
    explorer._hear(None, {"kind": "dance", "id": 8}, [])
    assert "2304 grey levels, not 5" in sent[0][0]["error"]
    assert "no question 'dance'" in sent[1][0]["error"]


def test_a_forced_theta_replaces_the_networks_own_and_only_then(
    network: Any, table: FaceTable, sent: list[Any]
) -> None:
    explorer = TransformerExplorer(network, table)
    face = [memoryview(grey_bytes(table[0]))]
    theta = [0.5, 0.1, 0, -0.1, 0.5, 0.2]
    explorer._hear(None, {"kind": "predict", "id": 1}, face)
    explorer._hear(None, {"kind": "predict", "id": 2, "theta": theta}, face)
    explorer._hear(None, {"kind": "predict", "id": 3}, face)
    first, forced, last = (message["probabilities"] for message, _ in sent)
    assert first == last
    assert forced != first
    assert sent[1][0]["theta"] == pytest.approx([1, 0, 0, 0, 1, 0]), "the θ of a new network is the identity"
    with forced_theta(network, theta), torch.no_grad():
        expected = network(table.images[:1] / 255).softmax(1)[0].tolist()
    assert forced == pytest.approx(expected, abs=1e-6)


def test_drawn_answers_are_those_of_draw_faces(network: Any, sent: list[Any]) -> None:
    face = ActionUnitFace(network, "1=1,2=1,26=0.5", people=[3, 5], person=5)
    units = read_action_units({1: 1, 2: 1, 26: 0.5})
    scene = torch.tensor([list(SCENE.values())])
    rows = [x.float().numpy().tobytes() for x in (units, read_people([5]), scene)]
    face._hear(None, {"kind": "draw", "id": 1}, [memoryview(row) for row in rows])
    expected = (draw_faces({1: 1, 2: 1, 26: 0.5}, people=[5]) * 255).round().to(torch.uint8)
    assert sent[0][1][0] == expected.numpy().tobytes()
    assert sent[1][0]["side"] > 48
    assert torch.equal((face.drawing() * 255).round().to(torch.uint8), expected)


def test_cells_of_the_confusion_matrix_hold_their_faces(
    network: Any, table: FaceTable, sent: list[Any]
) -> None:
    explorer = ConfusionExplorer(network, table, per_cell=1)
    report = fertutor.evaluate(network, table)
    assert explorer.matrix == torch.as_tensor(report.confusion).tolist()
    truth, said = explorer.cell
    explorer._hear(None, {"kind": "cell", "id": 1, "truth": truth, "said": said, "from": 0}, [])
    message, (data,) = sent[-1]
    assert len(data) == 2304 * explorer.matrix[truth][said] == 2304 * len(message["sure"])
    assert message["sure"] == sorted(message["sure"], reverse=True)
    members = explorer.members(truth, said)
    assert len(members) > 1
    assert data == grey_bytes(table[members])
    predicted = network(table.images.float() / 255).argmax(1)
    assert (table.labels[members] == truth).all() and (predicted[members] == said).all()
    for place, (true, called, _) in enumerate(explorer.rows):
        row = explorer.members(true, called)[0]
        assert explorer.faces[2304 * place : 2304 * (place + 1)] == grey_bytes(table[row : row + 1])
        assert (int(table.labels[row]), int(predicted[row])) == (true, called)
    assert len(explorer.rows) == sum(count > 0 for row in explorer.matrix for count in row)


@pytest.mark.parametrize("widget", [OcclusionExplorer, TransformerExplorer, ActionUnitFace])
def test_a_widget_has_a_stable_text_and_a_twin_with_a_picture(widget: Any, network: Any) -> None:
    bundles = [widget(network)._repr_mimebundle_()[0] for _ in range(2)]
    assert bundles[0]["text/plain"] == bundles[1]["text/plain"]
    assert "0x" not in bundles[0]["text/plain"]
    twin = bundles[0]["text/html"]
    assert twin == bundles[1]["text/html"]
    assert 'alt="' in twin
    values = json.loads(html.unescape(re.findall(r'data-props="(.*?)"', twin)[0]))
    assert values["network"] == "paper", "a page has the released networks only"
    assert "layout" not in values


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import fertutor.widgets

    for module in ("action_units", "base"):
        monkeypatch.delitem(sys.modules, f"fertutor.widgets.{module}")
    monkeypatch.delitem(vars(fertutor.widgets), "ActionUnitFace", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(InputError, match=r"the package anywidget: pip install 'fertutor\[widgets\]'"):
        _ = fertutor.widgets.ActionUnitFace


def test_a_widget_without_a_picture_cannot_be_made() -> None:
    with pytest.raises(TypeError, match=r"Bare needs a method picture\(\)"):
        type("Bare", (Explorer,), {"module": "occlusion"})


def test_colab_gets_the_widget_and_not_its_twin(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    bundle = TransformerExplorer(network)._repr_mimebundle_()
    assert bundle is not None
    assert "text/html" not in bundle[0]
    assert "application/vnd.jupyter.widget-view+json" in bundle[0]


def test_every_front_end_is_one_self_contained_module() -> None:
    """anywidget loads a module from a blob, where relative imports lead nowhere."""
    for widget in (OcclusionExplorer, TransformerExplorer, ActionUnitFace, ConfusionExplorer):
        text = (STATIC / f"{widget.module}.mjs").read_text(encoding="utf-8")
        assert not re.search(r'\bimport\s*[{*"\']|\bimport\(|\bfrom\s*"', text)
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
        read = set(re.findall(r'(?:model\.get\(|\(model, ?)"(\w+)"', text))
        assert len(read) > 3
        for trait in read:
            assert widget.class_traits()[trait].metadata.get("sync"), f"the front end reads {trait}"


def test_the_committed_front_ends_are_those_of_the_sources(tmp_path: Path) -> None:
    if not (ROOT / "web" / "node_modules" / "esbuild").is_dir():
        from conftest import missing

        missing("web/node_modules is missing: run `make book-build`")
    done = subprocess.run(
        [sys.executable, str(ROOT / "web" / "build.py"), "--into", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for built in tmp_path.iterdir():
        assert built.read_bytes() == (STATIC / built.name).read_bytes(), (
            f"{built.name}: run `make` and commit"
        )


def test_a_question_is_answered_by_the_network_that_it_names(table: FaceTable, sent: list[Any]) -> None:
    explorer = OcclusionExplorer("paper", table, networks=["compact"])
    assert explorer.networks == ["paper", "compact"]
    face = [memoryview(grey_bytes(table[0]))]
    for serial, name in enumerate(("paper", "compact", "best")):  # the last one is not in the menu
        explorer._hear(None, {"kind": "predict", "id": serial, "network": name}, face)
    said = [message["probabilities"] for message, _ in sent]
    expected = [
        fertutor.load_network(name)(table.images[:1] / 255).softmax(1)[0].tolist()
        for name in explorer.networks
    ]
    assert said[0] == pytest.approx(expected[0], abs=1e-6)
    assert said[1] == pytest.approx(expected[1], abs=1e-6)
    assert said[2] == said[0]


def test_the_map_in_python_follows_the_menu(network: Any, table: FaceTable) -> None:
    explorer = OcclusionExplorer(network, table, networks=["compact"], size=12, stride=6)
    assert explorer.networks == ["yours", "compact"]
    explorer.network = "compact"
    compact = fertutor.load_network("compact")
    assert torch.equal(explorer.occlusion().clean, fertutor.occlude(compact, table.images[:1], 12, 6).clean)
    explorer.network = "yours"
    assert torch.equal(explorer.occlusion().clean, fertutor.occlude(network, table.images[:1], 12, 6).clean)
    assert explorer.page_values()["networks"] == ["compact"]
    assert explorer.page_values()["network"] == "compact", "a page has the released networks only"


def test_a_menu_holds_released_networks_only(table: FaceTable) -> None:
    with pytest.raises(
        fertutor.InputError, match="no released network 'nothing': choose of best, best-ferplus8, compact"
    ):
        OcclusionExplorer("paper", table, networks=["nothing"])
    with pytest.raises(fertutor.InputError, match="judges one network"):
        ConfusionExplorer("paper", table, networks=["compact"])


def test_the_own_network_can_be_chosen_again(network: Any, table: FaceTable, sent: list[Any]) -> None:
    explorer = OcclusionExplorer("paper", table, networks=["compact"])
    explorer.use_network(network)
    explorer.network = "paper"
    sent.clear()
    question = {"kind": "predict", "id": 1, "network": "yours"}  # the question comes before the trait
    explorer._hear(None, question, [memoryview(grey_bytes(table[0]))])
    expected = network(table.images[:1] / 255).softmax(1)[0].tolist()
    assert sent[0][0]["probabilities"] == pytest.approx(expected, abs=1e-6)


def test_what_is_warped_follows_the_network(table: FaceTable) -> None:
    explorer = TransformerExplorer(fertutor.AttentionalCNN("input"), table, networks=["paper"])
    assert explorer.sampler == "input"
    explorer.network = "paper"
    assert explorer.sampler == "features"
    explorer.use_network(fertutor.AttentionalCNN("none"))
    explorer.use_network(fertutor.AttentionalCNN("input"))
    assert explorer.sampler == "input"


class Failing(torch.nn.Module):
    """A reader's network that is wrong in a way of its own."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.error = error

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        raise self.error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TypeError("my own bug\nand more"), "TypeError: my own bug"),
        (AssertionError("shape"), "AssertionError: shape"),
        (ValueError(), "ValueError"),
        (ValueError("a wrong size"), "a wrong size"),
    ],
)
def test_whatever_a_network_raises_is_answered(
    error: Exception, sentence: str, table: FaceTable, sent: list[Any]
) -> None:
    """A front end that gets no answer would hold every later question of that kind."""
    explorer = OcclusionExplorer("paper", table)
    explorer.use_network(Failing(error))
    sent.clear()

    async def ask() -> None:
        explorer._hear(None, {"kind": "predict", "id": 1}, [memoryview(grey_bytes(table[0]))])
        await asyncio.sleep(0.05)

    asyncio.run(ask())
    assert [message["error"] for message, _ in sent] == [sentence]


def test_two_views_are_both_answered(network: Any, table: FaceTable, sent: list[Any]) -> None:
    explorer = OcclusionExplorer(network, table)
    face = [memoryview(grey_bytes(table[0]))]

    async def ask() -> None:
        for view, serial in (("a", 5), ("b", 1), ("b", 2)):
            explorer._hear(None, {"kind": "predict", "id": serial, "view": view}, face)
        await asyncio.sleep(0.3)

    asyncio.run(ask())
    answered = [(message["view"], message["id"]) for message, _ in sent]
    assert answered == [("a", 5), ("b", 2)], "of each view the newest question"


def test_the_label_follows_the_face(network: Any, table: FaceTable) -> None:
    explorer = OcclusionExplorer(network, table)
    explorer.face = 12
    assert explorer.label == OcclusionExplorer(network, table, face=12).label == int(table.labels[12])
    assert OcclusionExplorer(network, table, face=12, label=2).label == 2
    explorer.photo = bytes(2304)
    explorer.face = -1
    assert explorer.label == -1


def test_a_photo_from_the_front_end_reaches_python(network: Any, table: FaceTable, sent: list[Any]) -> None:
    explorer = OcclusionExplorer(network, table)
    grey = bytes(range(256)) * 9
    explorer._hear(None, {"kind": "photo", "view": "a"}, [memoryview(grey)])
    explorer.set_state({"face": -1, "label": -1})
    assert (explorer.image() * 255).round().to(torch.uint8).numpy().tobytes() == grey
    assert sent == [({"kind": "photo", "view": "a"}, [grey])], "the other views hear of it"
    explorer._hear(None, {"kind": "photo", "view": "b"}, [])
    assert sent[1:] == [({"kind": "photo", "view": ""}, [grey])], "a view that has opened asks"


@pytest.mark.parametrize("widget", [OcclusionExplorer, TransformerExplorer])
def test_the_own_photo_is_not_saved_with_the_notebook(widget: Any, network: Any, table: FaceTable) -> None:
    """Neither with the state of the widget nor in the picture that stands for it."""
    explorer = widget(network, table, face=0)
    bundle = explorer._repr_mimebundle_()[0]
    explorer.photo = bytes(range(256)) * 9
    explorer.face = -1
    assert "photo" not in explorer.get_state()
    assert explorer._repr_mimebundle_()[0]["text/html"] == bundle["text/html"]


def test_a_widget_about_an_unknown_class_is_shown() -> None:
    """Contempt, chosen with a network of eight classes before this one."""
    twin = OcclusionExplorer("paper", label=7).twin()
    assert 'alt="' in twin


def test_a_network_that_has_diverged_is_told(table: FaceTable, sent: list[Any]) -> None:
    network = fertutor.AttentionalCNN()
    torch.nn.init.constant_(network.output.bias, float("nan"))
    occlude = {"kind": "occlude", "id": 1, "passes": [12], "size": 12}
    explorer, face = OcclusionExplorer(network, table), [grey_bytes(table[0])]
    for question in ({"kind": "predict", "id": 1}, occlude):
        explorer._hear(None, question, face)
    assert ["diverged" in message["error"] for message, _ in sent] == [True, True]


def test_a_matrix_of_a_network_of_ones_own_is_a_picture_in_a_page(network: Any, table: FaceTable) -> None:
    """The page would ask another network what it says of the faces."""
    assert "data-fertutor" not in ConfusionExplorer(network, table).twin()
    assert 'data-fertutor="confusion"' in ConfusionExplorer("paper", table).twin()


def test_the_matrix_is_that_of_the_network_in_use(table: FaceTable) -> None:
    explorer = ConfusionExplorer("paper", table)
    matrix = explorer.matrix
    drawn = ConfusionExplorer("drawn", table)
    assert drawn.matrix != matrix
    explorer.use_network("drawn")
    assert (explorer.matrix, explorer.rows, explorer.faces) == (drawn.matrix, drawn.rows, drawn.faces)
    explorer.network = "paper"
    assert explorer.matrix == matrix
    with pytest.raises(fertutor.InputError, match="the network has 8 classes, the table 7"):
        explorer.use_network(fertutor.AttentionalCNN(classes=8))
    assert (explorer.network, explorer.matrix) == ("paper", matrix), "the widget stays as it was"


IMAGES = torch.zeros(2, 1, 48, 48)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TransformerExplorer("paper", IMAGES.long()), "faces must be uint8 or float"),
        (lambda: OcclusionExplorer("paper", IMAGES + 255), r"must lie in \[0, 1\], not \[255, 255\]"),
        (lambda: TransformerExplorer("paper", IMAGES[:0]), "faces holds no face"),
        (lambda: OcclusionExplorer("paper", IMAGES[:0]), "faces holds no face"),
        (lambda: OcclusionExplorer("paper", IMAGES, labels=[0, 99]), "label 99: expected a class, 0 to 7"),
        (lambda: OcclusionExplorer("paper", IMAGES, label=99), "label 99: expected a class, 0 to 7"),
        (lambda: OcclusionExplorer("paper", IMAGES, face=2), "face 2: there are faces 0 to 1"),
        (lambda: OcclusionExplorer("paper", IMAGES.numpy()), "a tensor or a FaceTable, not ndarray"),
        (lambda: OcclusionExplorer("paper", IMAGES, face=-1), "face -1 is the own photo"),
        (lambda: OcclusionExplorer("paper", IMAGES, photo=b"short"), "2304 grey levels, not 5"),
        (lambda: setattr(OcclusionExplorer("paper"), "network", "nonsense"), "network 'nonsense': choose of"),
        (lambda: ActionUnitFace("paper", person=999), "person 999: choose of 8, 3"),
        (lambda: ActionUnitFace("paper", people=[5], person=0), "person 0: choose of 5"),
        (lambda: ActionUnitFace("paper", people=[]), "people is empty"),
        (
            lambda: ConfusionExplorer("paper", cell=[9, 9]),
            r"cell \[9, 9\]: expected two classes, each 0 to 6",
        ),
    ],
)
def test_a_value_that_cannot_be_shown_is_refused_in_a_sentence(make: Any, sentence: str) -> None:
    with pytest.raises((fertutor.InputError, TraitError), match=sentence):
        make()


@pytest.mark.parametrize(
    ("units", "sentence"),
    [
        ("12L=1", "'12L' is of one side, and the widget moves both: write 12$"),
        ({"12r": 1}, "'12r' is of one side"),
        ({3: 1}, "unknown action unit 3"),
        ({12: 2}, "intensity 2 of action unit 12"),
    ],
)
def test_action_units_that_cannot_be_shown_are_refused_like_everywhere(units: Any, sentence: str) -> None:
    with pytest.raises(fertutor.InputError, match=sentence):
        ActionUnitFace("paper", units)


def test_action_units_may_be_written_as_everywhere() -> None:
    assert ActionUnitFace("paper", {"AU6": 1, " 12": 0.5}).action_units == {"6": 1, "12": 0.5}


@pytest.mark.parametrize(
    "widget", [OcclusionExplorer, TransformerExplorer, ActionUnitFace, ConfusionExplorer]
)
def test_a_widget_leaves_a_network_in_training_as_it_is(widget: Any, sent: list[Any]) -> None:
    network = fertutor.AttentionalCNN().train()
    network.localization.eval()  # a part that its owner has frozen
    modes = [module.training for module in network.modules()]
    shown = widget(network)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    once, again = shown.twin(), shown.twin()
    shown._hear(None, {"kind": "predict", "id": 1}, [memoryview(bytes(2304))])
    if widget is TransformerExplorer:
        shown.chosen()
    assert "probabilities" in sent[-1][0]
    assert once == again, "no dropout in what is shown"
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
