"""The front ends by themselves, in Chromium, with answers made up here: no book, no kernel, no network."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from browser_pages import AXE, probabilities, set_slider
from PIL import Image

import fertutor
from fertutor.faces.pictures import upright_rgb
from fertutor.faces.table import FaceTable
from fertutor.widgets import ActionUnitFace, ConfusionExplorer, OcclusionExplorer, TransformerExplorer
from fertutor.widgets.base import STATIC, Explorer

pytestmark = pytest.mark.browser

ADDRESS = "http://localhost:59999/"  # where nobody listens: all files are given out below
CAMERA = """() => {
  window.cameras = []; // what the browser has been asked for, as functions that say yes
  window.opened = [];
  navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => window.cameras.push(() => {
    const canvas = document.createElement('canvas');
    canvas.getContext('2d').fillRect(0, 0, 9, 9);
    const stream = canvas.captureStream(5);
    window.opened.push(stream);
    resolve(stream);
  }));
  window.running = () => window.opened.map((stream) => stream.getTracks()[0].readyState);
}"""

# what anywidget's model offers; `send` writes down what the kernel would get, `say` is the kernel's word
MODEL = """(values) => {
  const listeners = {};
  const tell = (event, ...facts) => (listeners[event] ?? new Set()).forEach((listener) => listener(...facts));
  for (const [name, value] of Object.entries(values)) {
    if (!String(value).startsWith('data:')) continue;
    const raw = atob(value.slice(value.indexOf(',') + 1));
    values[name] = new DataView(Uint8Array.from(raw, (letter) => letter.charCodeAt(0)).buffer);
  }
  window.asked = [];
  window.photos = []; // the reader's own photo goes in messages of its own
  window.values = values;
  window.model = {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; tell(`change:${name}`); },
    save_changes() {},
    on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
    off: (event, listener) => listeners[event]?.delete(listener),
    send: (question, _, buffers) =>
      question.kind === "photo" ? window.photos.push({ question, buffers }) : window.asked.push(question),
  };
  window.say = (message, bytes) => tell('msg:custom', message, bytes.map((each) => new DataView(Uint8Array.from(each).buffer)));
  window.show = async (module) => {
    const el = document.body.appendChild(document.createElement('div'));
    return (await import(`/${module}.mjs`)).default.render({ model: window.model, el });
  };
}"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page of a server that has the front ends."""
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    page = context.new_page()

    def serve(route: Any) -> None:
        file = STATIC / route.request.url.removeprefix(ADDRESS)
        if file.is_file():
            route.fulfill(body=file.read_bytes(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>A widget</title>", content_type="text/html")

    context.route("**/*", serve)
    page.goto(ADDRESS)
    yield page
    context.close()


def show(page: Any, widget: Explorer, **values: Any) -> Any:
    """Show one view of a widget, some values of its model being others, and return its place."""
    page.evaluate(MODEL, widget.page_values() | values)
    page.evaluate("module => window.show(module).then(() => null)", widget.module)
    return page.locator(".ft").first


def asked(page: Any) -> list[dict[str, Any]]:
    questions: list[dict[str, Any]] = page.evaluate("window.asked")
    return questions


def answer(page: Any, question: dict[str, Any], said: dict[str, Any], *data: bytes) -> None:
    reply = {name: question[name] for name in ("kind", "id", "view")}
    page.evaluate(
        "([message, bytes]) => window.say(message, bytes)", [{**reply, **said}, [list(each) for each in data]]
    )


def answer_with(page: Any, question: dict[str, Any], numbers: list[float]) -> None:
    """Answer any question about a face with these probabilities, whatever is covered."""
    if question["kind"] == "occlude":
        windows = len(range(0, 48 - question["size"], question["passes"][-1])) + 1
        data = torch.tensor(numbers).repeat(windows**2).numpy().tobytes()
        answer(page, question, {"stride": question["passes"][-1], "clean": numbers}, data)
    else:
        said = {"probabilities": numbers, "theta": None, "side": 48}
        answer(page, question, said, *[bytes(2304)] * (question["kind"] == "draw"))


@pytest.mark.parametrize("widget", [OcclusionExplorer, TransformerExplorer, ActionUnitFace])
def test_bars_are_as_many_as_the_network_has_classes(widget: Any, page: Any) -> None:
    place = show(page, widget("paper"))
    for count in (8, 7):
        numbers = [(i + 1) / sum(range(count + 1)) for i in range(count)]
        answer_with(page, asked(page)[-1], numbers)
        assert probabilities(place) == pytest.approx(numbers, abs=1e-6)
        assert place.locator(".ft-bar").count() == count
        assert place.locator(".ft-top .ft-name").inner_text() == ("contempt" if count == 8 else "neutral")
        page.evaluate("window.say({ kind: 'again' }, [])")
    assert len(asked(page)) == 3


def test_the_menu_offers_the_expressions_that_the_network_tells_apart(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    answer_with(page, asked(page)[-1], [0.125] * 8)
    menu = place.get_by_label("Expression", exact=True)
    assert menu.locator("option").all_inner_texts()[-2:] == ["neutral", "contempt"]
    menu.select_option("7")
    assert page.evaluate("window.model.get('label')") == 7
    page.evaluate("window.say({ kind: 'again' }, [])")  # another network, which has no contempt
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    assert menu.locator("option").count() == 8
    assert "does not know contempt: choose another" in place.inner_text()
    menu.select_option("3")
    assert (
        "is angry to this network, not happy; 0 of 121 windows turn the answer to happy" in place.inner_text()
    )
    page.evaluate("window.say({ kind: 'again' }, [])")
    answer_with(page, asked(page)[-1], [0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1])
    assert "121 windows; 0 of them turn the answer away from happy" in place.inner_text()


@pytest.mark.parametrize(
    ("make", "label", "value"),
    [
        (lambda: OcclusionExplorer("paper", size=40, stride=20), "Patch size N", 40),
        (lambda: OcclusionExplorer("paper", size=40, stride=20), "Stride", 20),
        (lambda: OcclusionExplorer("paper", size=1, stride=20), "Patch size N", 1),
        (lambda: TransformerExplorer("paper", theta=[1, 0, -1.5, 0, 3, 0]), "Height", 3),
        (lambda: TransformerExplorer("paper", theta=[1, 0, -1.5, 0, 3, 0]), "Shift right", -1.5),
        (lambda: ActionUnitFace("paper", pose={"yaw": -1.0}), "Turn the head", -1),
    ],
)
def test_a_slider_shows_what_python_set(make: Any, label: str, value: float, page: Any) -> None:
    place = show(page, make())
    assert float(place.get_by_label(label, exact=True).input_value()) == pytest.approx(value)


def test_a_slider_widens_when_python_sets_more(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    page.evaluate("window.model.set('size', 48)")
    assert place.get_by_label("Patch size N", exact=True).input_value() == "48"
    assert "48 px" in place.inner_text()
    page.evaluate("window.model.set('size', 8)")
    assert place.get_by_label("Patch size N", exact=True).get_attribute("max") == "24"
    page.evaluate("window.model.set('size', 48)")
    place.get_by_label("Patch size N", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    assert place.get_by_label("Patch size N", exact=True).get_attribute("max") == "48", "not under a hand"


def test_a_grid_without_an_area_has_no_shear(page: Any) -> None:
    place = show(page, TransformerExplorer("paper"))
    shear = place.get_by_label("Shear", exact=True)
    for theta, seen in (([1, 1, 0, 1, 1, 0], 0), ([1, 0.5, 0, 0, 1, 0], 0.5)):
        page.evaluate("theta => window.model.set('theta', theta)", theta)
        assert float(shear.input_value()) == pytest.approx(seen)
        assert shear.get_attribute("max") == "1"


def test_nought_has_no_minus(page: Any) -> None:
    place = show(page, TransformerExplorer("paper"))
    answer(page, asked(page)[-1], {"probabilities": [1 / 7] * 7, "theta": [1, -0.004, -0.006, 0, 1, 0.004]})
    assert "θ = (1.00, 0.00, −0.01, 0.00, 1.00, 0.00)" in place.inner_text()


def test_the_padding_is_said_to_be_that_of_the_drawing(page: Any) -> None:
    place = show(page, TransformerExplorer("paper"))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    group = place.get_by_role("group", name="the network keeps its own padding")
    group.get_by_label("border").check(force=True)
    assert page.evaluate("window.model.get('padding')") == "border"
    assert len(asked(page)) == 1


def test_two_views_of_a_widget_get_their_own_answers(page: Any) -> None:
    first = show(page, TransformerExplorer("paper"))
    page.evaluate("window.show('transformer').then(() => null)")
    second = page.locator(".ft").nth(1)
    one, other = asked(page)
    assert one["id"] == other["id"]
    assert one["view"] != other["view"]
    answer_with(page, other, [0.4] + [0.1] * 6)
    answer_with(page, one, [0.1] * 6 + [0.4])
    assert probabilities(first)[6] == pytest.approx(0.4)
    assert probabilities(second)[0] == pytest.approx(0.4)
    page.evaluate("window.model.set('theta', [0.5, 0, 0, 0, 0.5, 0])")
    assert {question["view"] for question in asked(page)[2:]} == {one["view"], other["view"]}


def test_a_photo_from_python_is_shown(page: Any) -> None:
    """It comes when the view, which knows only that it is shown, has asked for it; and again when it changes."""
    place = show(page, TransformerExplorer("paper"), face=-1)
    photo = place.get_by_label("your photo", exact=True)
    ((request, buffers),) = page.evaluate("window.photos.map(({ question, buffers }) => [question, buffers])")
    assert buffers is None
    for level, view in ((9, ""), (200, "another view"), (90, request["view"])):
        page.evaluate(
            "([view, bytes]) => window.say({ kind: 'photo', view }, [bytes])", [view, [level] * 2304]
        )
        assert photo.count() == 1
        assert photo.is_checked()
        seen = min(level, 200) if view != request["view"] else 200  # a view knows what it has chosen itself
        shown = page.evaluate("document.querySelector('.ft').warped[1000]")
        assert shown == pytest.approx(seen, abs=0.01)
    place.get_by_label("sad", exact=True).check(force=True)
    page.evaluate("bytes => window.say({ kind: 'photo', view: '' }, [bytes])", [50] * 2304)
    assert place.get_by_label("sad", exact=True).is_checked(), "it can be chosen, but is not shown"
    assert page.evaluate("document.querySelector('.ft').warped[1000]") != pytest.approx(50, abs=0.01)


def test_the_own_photo_is_no_part_of_the_state_that_a_notebook_keeps(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    before = page.evaluate("Object.keys(window.values)")
    give_photo(place, Image.new("L", (48, 48), 90))
    assert "go to Python, where your kernel runs" in place.inner_text()
    assert page.evaluate("Object.keys(window.values)") == before
    grey = page.evaluate("Array.from(new Uint8Array(window.photos.at(-1).buffers[0]))")
    assert set(grey) == {90} and len(grey) == 2304
    assert page.evaluate("window.values.face") == -1


def test_of_two_photos_the_later_one_stays(page: Any) -> None:
    page.evaluate(
        """() => {
          const decode = window.createImageBitmap;
          window.slow = [];
          window.createImageBitmap = async (blob) => {
            const image = await decode(blob);
            if (image.width === 30) await new Promise((resolve) => window.slow.push(resolve));
            return image;
          };
        }"""
    )
    page.evaluate(MODEL, OcclusionExplorer("paper").page_values())
    page.evaluate("async () => { window.close_it = await window.show('occlusion'); }")
    place = page.locator(".ft").first
    slow = io.BytesIO()
    Image.new("L", (30, 30), 20).save(slow, format="PNG")
    file = {"name": "slow.png", "mimeType": "image/png", "buffer": slow.getvalue()}
    place.locator('input[type="file"]').set_input_files(file)
    page.wait_for_function("window.slow.length === 1")
    give_photo(place, Image.new("L", (48, 48), 220))
    last = "new Uint8Array(window.photos.at(-1).buffers[0])[0]"
    assert page.evaluate(last) == 220
    place.locator('input[type="file"]').set_input_files(file)
    page.wait_for_function("window.slow.length === 2")
    page.evaluate("window.close_it()")
    page.evaluate("window.slow.forEach((finish) => finish())")
    page.wait_for_timeout(200)
    assert page.evaluate(last) == 220


def test_a_file_can_be_chosen_again(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    give_photo(place, Image.new("L", (48, 48), 90))
    file = place.locator('input[type="file"]')
    assert "me.png" in file.input_value()
    page.evaluate("() => { HTMLInputElement.prototype.click = () => {}; }")
    place.get_by_role("button", name="Your own photo").click()
    assert file.input_value() == "", "the same name again would be no change"


def test_keys_are_not_taken_for_commands_of_the_notebook(page: Any) -> None:
    """JupyterLab would cut the cell when x is pressed on a button."""
    place = show(page, OcclusionExplorer("paper"))
    page.evaluate(
        "() => { window.keys = []; document.addEventListener('keydown', (event) => window.keys.push(event.key)); }"
    )
    place.get_by_role("button", name="Webcam").focus()
    page.keyboard.press("x")
    place.get_by_label("Stride", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert place.get_by_label("Stride", exact=True).input_value() == "5"
    assert page.evaluate("window.keys") == []
    page.keyboard.press("Control+s")
    assert page.evaluate("window.keys") == ["Control", "s"]


def test_what_a_hand_drags_is_followed(page: Any) -> None:
    """While the network is at a question the newest waits, and what is answered meanwhile is shown."""
    place = show(page, TransformerExplorer("paper"))
    for zoom in (0.9, 0.8, 0.7):
        page.evaluate("zoom => window.model.set('theta', [zoom, 0, 0, 0, zoom, 0])", zoom)
    assert [question["theta"][0] for question in asked(page)] == [1]
    answer_with(page, asked(page)[0], [0.4] + [0.1] * 6)
    assert probabilities(place)[0] == pytest.approx(0.4)
    assert [question["theta"][0] for question in asked(page)] == [1, 0.7]
    place.get_by_label("sad", exact=True).check(force=True)
    answer_with(page, asked(page)[-1], [0.1, 0.4] + [0.1] * 5)
    assert place.locator("[data-probabilities]").count() == 0, "the answer is about another face"
    assert len(asked(page)) == 3


def test_another_network_is_asked_at_once(page: Any) -> None:
    """The one before may be on its way here, and slow."""
    place = show(page, TransformerExplorer("paper", networks=["compact"]))
    place.get_by_label("Network", exact=True).select_option("compact")
    assert [question["network"] for question in asked(page)] == ["paper", "compact"]
    answer_with(page, asked(page)[1], [0.4] + [0.1] * 6)
    answer_with(page, asked(page)[0], [0.1] * 6 + [0.4])
    assert probabilities(place)[0] == pytest.approx(0.4)


def test_the_drawn_face_shows_no_answer_of_another_network(page: Any) -> None:
    place = show(page, ActionUnitFace("paper", networks=["compact"]))
    answer_with(page, asked(page)[0], [0.4] + [0.1] * 6)
    place.get_by_label("Network", exact=True).select_option("compact")
    assert place.locator("[data-probabilities]").count() == 0
    assert asked(page)[-1]["network"] == "compact"


def test_choices_and_bars_are_seen_in_forced_colours(page: Any) -> None:
    page.emulate_media(forced_colors="active")
    place = show(page, OcclusionExplorer("paper"))
    answer_with(page, asked(page)[-1], [0.4] + [0.1] * 6)
    colour = "element => getComputedStyle(element).backgroundColor"
    chosen, other = (place.locator(".ft-choice label").nth(i).evaluate(colour) for i in (0, 1))
    fill, track = (place.locator(name).first.evaluate(colour) for name in (".ft-fill", ".ft-track"))
    assert chosen != other
    assert fill != track


def give_photo(place: Any, picture: Image.Image) -> None:
    """Choose a picture of one's own, and wait for it among the faces."""
    file = io.BytesIO()
    picture.save(file, format="PNG")
    place.locator('input[type="file"]').set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    place.get_by_label("your photo", exact=True).wait_for(state="attached")


def test_a_transparent_photo_is_as_in_python(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    picture = Image.new("RGBA", (48, 48), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 102), (0, 0, 24, 48))
    give_photo(place, picture)
    grey = page.evaluate("Array.from(new Uint8Array(window.photos.at(-1).buffers[0]))")
    python = upright_rgb(picture).convert("L").tobytes()
    assert grey[0] == pytest.approx(python[0], abs=1)
    assert grey[47] == python[47] == 255


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_has_the_focus_is_seen(theme: str, judged: ConfusionExplorer, page: Any) -> None:
    """A ring stands around it on all four sides."""
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    place = show(page, OcclusionExplorer("paper", face=0))
    give_photo(place, Image.new("L", (48, 48), 90))
    place.get_by_label("Crop", exact=True).focus()
    page.keyboard.press("End")
    page.evaluate(MODEL, judged.page_values())
    page.evaluate("window.show('confusion').then(() => null)")
    colour = {"light": (194, 65, 12), "dark": (251, 146, 60)}[theme]
    last = page.locator("table tr").last.locator("button").last
    for control, seen in (
        (place.get_by_label("lost probability"), place.locator(".ft-choice label").first),
        (place.get_by_label("your photo", exact=True), place.locator(".ft-thumb canvas").last),
        (place.get_by_label("Crop box", exact=False), place.locator(".ft-crop")),
        (place.get_by_label("Face with its map", exact=False), place.locator(".ft-stage")),
        (last, last),
    ):
        page.keyboard.press("Tab")  # the keyboard is in use
        control.focus()
        seen.scroll_into_view_if_needed()
        box = seen.bounding_box()
        clip = {
            "x": box["x"] - 5,
            "y": box["y"] - 5,
            "width": box["width"] + 10,
            "height": box["height"] + 10,
        }
        picture = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"), int)
        rows, columns = (np.abs(picture - colour).max(2) < 4).nonzero()
        assert rows.size, seen
        height, width, _ = picture.shape
        gaps = (rows.min(), columns.min(), height - 1 - rows.max(), width - 1 - columns.max())
        assert max(gaps) < 10, seen


def test_without_a_photo_there_is_nothing_to_crop(page: Any) -> None:
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no')); }")
    place = show(page, OcclusionExplorer("paper"))
    place.get_by_role("button", name="Webcam").click()
    place.get_by_text("The webcam cannot be used here").wait_for()
    assert not place.get_by_label("Crop", exact=True).is_visible()


def test_keys_say_where_the_crop_box_is(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    give_photo(place, Image.new("L", (100, 200), 90))
    where = place.locator(".ft-photo [aria-live]:not(output)")
    assert where.text_content() == "", "nothing is said before a key is pressed"
    crop = place.get_by_label("Crop box", exact=False)
    for key, said in (
        ("Shift+ArrowDown", "15 % from the left, 38 % from the top, 70 % of the shorter side"),
        ("+", "13 % from the left, 36 % from the top, 75 % of the shorter side"),
        ("Shift+ArrowLeft", "3 % from the left, 36 % from the top, 75 % of the shorter side"),
        ("Shift+ArrowLeft", "0 % from the left, 36 % from the top, 75 % of the shorter side"),
    ):
        crop.press(key)
        assert where.text_content() == said


def test_a_second_finger_does_not_move_the_crop_box(page: Any) -> None:
    page.evaluate(
        "() => { Element.prototype.setPointerCapture = () => {}; }"
    )  # for fingers that are not there
    place = show(page, OcclusionExplorer("paper"))
    give_photo(place, Image.new("L", (100, 100), 90))
    crop = place.locator(".ft-crop")
    left = "box => parseFloat(box.style.left)"
    for kind, finger, x in (("pointerdown", 1, 50), ("pointerdown", 2, 90), ("pointermove", 2, 92)):
        at = {"pointerId": finger, "isPrimary": finger == 1, "clientX": x, "clientY": 50, "bubbles": True}
        crop.dispatch_event(kind, at)
    assert crop.evaluate(left) == pytest.approx(15)
    crop.dispatch_event("pointermove", {"pointerId": 1, "clientX": 49, "clientY": 50, "bubbles": True})
    assert 14 < crop.evaluate(left) < 15


def test_a_tall_photo_fits_the_screen(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    give_photo(place, Image.new("L", (40, 400), 90))
    box = place.get_by_label("Your photo", exact=True).bounding_box()
    assert box["height"] == pytest.approx(10 * box["width"], rel=0.02)
    assert box["height"] <= 480
    give_photo(place, Image.new("L", (400, 300), 90))
    assert place.get_by_label("Your photo", exact=True).bounding_box()["width"] > 250


def takes_key(place: Any, key: str, *held: str) -> bool:
    """Whether a place keeps a key to itself, with the keys that are held."""
    taken: bool = place.evaluate(
        """(place, [key, held]) => !place.dispatchEvent(new KeyboardEvent("keydown",
          { key, bubbles: true, cancelable: true, ...Object.fromEntries(held.map((each) => [each, true])) }))""",
        [key, held],
    )
    return taken


def test_zoom_and_back_are_left_to_the_browser(judged: ConfusionExplorer, page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    give_photo(place, Image.new("L", (60, 80), 90))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    crop = place.get_by_label("Crop box", exact=False)
    stage = place.get_by_label("Face with its map", exact=False)
    page.evaluate(MODEL, judged.page_values())
    page.evaluate("window.show('confusion').then(() => null)")
    cell = page.locator('table button[tabindex="0"]')
    for at, key in ((stage, "ArrowLeft"), (crop, "-"), (crop, "+"), (crop, "ArrowLeft"), (cell, "ArrowLeft")):
        assert takes_key(at, key)
        for held in ("ctrlKey", "metaKey", "altKey"):
            assert not takes_key(at, key, held), f"{held} and {key}"


def test_an_error_is_shown_and_the_next_question_is_asked(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    answer(page, asked(page)[-1], {"error": "TypeError: my own bug"})
    assert "TypeError: my own bug" in place.inner_text()
    set_slider(place, "Stride", 6)
    page.evaluate("window.model.set('stride', 6)")
    assert asked(page)[-1]["stride"] == 6


@pytest.mark.parametrize("widget", [OcclusionExplorer, TransformerExplorer])
def test_a_face_is_asked_about_once(widget: Any, page: Any) -> None:
    place = show(page, widget("paper"))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    place.get_by_label("sad", exact=True).check(force=True)
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    assert len(asked(page)) == 2
    give_photo(place, Image.new("L", (48, 48), 90))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    assert len(asked(page)) == 3


def test_a_patch_says_the_same_place_when_the_finer_map_comes(page: Any) -> None:
    place = show(page, OcclusionExplorer("paper", size=8, stride=2))
    question = asked(page)[-1]
    for stride in question["passes"]:
        along = [*range(0, 40, stride), 40]
        told = torch.tensor([[y / 100, x / 100, *[0.0] * 5] for y in along for x in along])
        said = {"stride": stride, "clean": [1 / 7] * 7}
        answer(page, question, said, told.numpy().tobytes())
        if stride == question["passes"][0]:
            place.get_by_label("Face with its map", exact=False).focus()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowDown")
        assert "Patch at column 24, row 32" in place.inner_text()
        assert probabilities(place)[:2] == pytest.approx([0.32, 0.24])


@pytest.mark.parametrize(("pointer", "stays"), [("touch", True), ("mouse", False)])
def test_a_tap_leaves_its_patch_on_the_face(pointer: str, stays: bool, page: Any) -> None:
    place = show(page, OcclusionExplorer("paper"))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    stage = place.get_by_label("Face with its map", exact=False)
    box = stage.bounding_box()
    at = {"clientX": box["x"] + box["width"] / 2, "clientY": box["y"] + box["height"] / 2}
    for event in ("pointerdown", "pointerup", "pointerleave"):
        stage.dispatch_event(event, {"pointerType": pointer, "bubbles": True, **at})
        if event == "pointerdown":
            assert "Patch at column 20, row 20" in place.inner_text()
    assert ("Patch at" in place.inner_text()) is stays


@pytest.mark.parametrize("widget", [OcclusionExplorer, TransformerExplorer])
def test_the_answer_for_one_face_is_not_shown_with_another(widget: Any, page: Any) -> None:
    place = show(page, widget("paper"))
    answer_with(page, asked(page)[-1], [0.4] + [0.1] * 6)
    assert probabilities(place)[0] == pytest.approx(0.4)
    place.get_by_label("sad", exact=True).check(force=True)
    assert "40.0 %" not in place.inner_text()
    assert not place.evaluate("card => card.map")
    answer(page, asked(page)[-1], {"error": "TypeError: my own bug"})
    assert "TypeError: my own bug" in place.inner_text()
    assert place.locator("[data-probabilities]").count() == 0


def test_a_face_that_cannot_be_judged_says_so(judged: ConfusionExplorer, page: Any) -> None:
    place = show(page, judged)
    answer(page, asked(page)[-1], {"sure": [0.5]}, bytes(2304))
    place.get_by_label("Face, 50 % sure").click()
    answer(page, asked(page)[-1], {"error": "TypeError: my own bug"})
    assert "TypeError: my own bug" in place.inner_text()


def test_a_late_answer_opens_no_face_of_another_cell(judged: ConfusionExplorer, page: Any) -> None:
    place = show(page, judged)
    answer(page, asked(page)[-1], {"sure": [0.5]}, bytes(2304))
    place.get_by_label("Face, 50 % sure").click()
    question = asked(page)[-1]
    place.locator("table button").last.click()
    answer_with(page, question, [0.4] + [0.1] * 6)
    assert not place.get_by_text("of the chosen face").is_visible()


def test_a_closed_view_asks_nothing(page: Any) -> None:
    page.evaluate(MODEL, TransformerExplorer("paper").page_values())
    page.evaluate("async () => { window.close_it = await window.show('transformer'); }")
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    page.evaluate("window.close_it()")
    page.evaluate("window.say({ kind: 'again' }, [])")
    assert len(asked(page)) == 1


def test_no_camera_stays_on(page: Any) -> None:
    """While the browser asks the reader for leave, the button can be pressed again, and the widget closed."""
    page.evaluate(CAMERA)
    page.evaluate(MODEL, OcclusionExplorer("paper").page_values())
    page.evaluate("async () => { window.close_it = await window.show('occlusion'); }")
    button = page.get_by_role("button", name="Webcam")
    button.click()
    button.click()
    page.evaluate("window.cameras.splice(0).forEach((allow) => allow())")
    page.get_by_role("button", name="Stop webcam").wait_for()
    assert page.evaluate("window.running()") == ["ended", "live"]
    page.get_by_role("button", name="Stop webcam").click()
    assert page.evaluate("window.running()") == ["ended", "ended"]
    button.click()
    page.evaluate("window.close_it()")
    page.evaluate("window.cameras.splice(0).forEach((allow) => allow())")
    page.wait_for_function("window.opened.length === 3 && window.running()[2] === 'ended'", timeout=5000)


def test_a_network_that_did_not_arrive_is_fetched_again(page: Any) -> None:
    fetched: list[str] = []

    def fail(route: Any) -> None:
        fetched.append(route.request.url)
        if len(fetched) == 1:
            route.abort("internetdisconnected")
        else:
            route.fulfill(status=404)

    page.context.route("**/networks/*", fail)
    page.set_content(TransformerExplorer("paper").twin())
    page.evaluate("() => import('/page.mjs').then(() => null)")
    place = page.locator(".ft")
    place.get_by_text("paper could not be loaded: try again").wait_for()
    place.get_by_role("button", name="Identity").click()
    place.get_by_text("paper is not in this book").wait_for()
    assert len(fetched) == 2


def test_a_page_that_cannot_compute_says_so_and_tries_again(page: Any) -> None:
    fetched: list[str] = []

    def fail(route: Any) -> None:
        fetched.append(route.request.url)
        route.fulfill(status=404)

    page.context.route("**/worker.mjs", fail)
    page.set_content(TransformerExplorer("paper").twin() + OcclusionExplorer("paper").twin())
    page.evaluate("() => import('/page.mjs').then(() => null)")
    for place in (page.locator(".ft").nth(0), page.locator(".ft").nth(1)):
        place.get_by_text("could not start its own computing: reload it").wait_for()
    before = len(fetched)
    page.get_by_role("button", name="Identity").click()
    page.wait_for_timeout(500)
    assert len(fetched) == before + 1


@pytest.fixture(scope="module")
def judged() -> ConfusionExplorer:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (70, 1, 48, 48), dtype=torch.uint8)
    return ConfusionExplorer(fertutor.AttentionalCNN(), FaceTable(images, torch.arange(70) % 7))


def test_a_page_says_that_it_has_some_of_the_faces_only(judged: ConfusionExplorer, page: Any) -> None:
    explorer = ConfusionExplorer("paper", judged._table)
    page.set_content(explorer.twin())
    page.evaluate("() => import('/page.mjs').then(() => null)")
    place = page.locator(".ft")
    place.wait_for()
    truth, said = explorer.cell
    count = explorer.matrix[truth][said]
    assert count > 3
    assert place.locator(".ft-thumbs button").count() == 3
    assert f"{count} of 10" in place.inner_text()
    assert "here the surest 3" in place.inner_text()


def test_the_matrix_follows_python(judged: ConfusionExplorer, page: Any) -> None:
    place = show(page, judged)
    page.evaluate("window.model.set('matrix', Array.from({ length: 7 }, (_, t) => Array(7).fill(t)))")
    assert place.locator("tbody tr").nth(5).inner_text().split() == ["surprise", *"5555555"]
    assert place.get_by_label("surprise called sad: 5").count() == 1
    truth = judged.cell[0]
    assert f"{truth} of {7 * truth} (" in place.inner_text()


def test_the_counts_can_be_read_in_the_dark(judged: ConfusionExplorer, page: Any) -> None:
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    place = show(page, judged)
    page.evaluate(
        "window.model.set('matrix', Array.from({ length: 7 }, (_, t) => Array(7).fill(0).fill(90, t, t + 1)))"
    )
    page.add_script_tag(path=AXE)
    found = page.evaluate(
        "axe.run('table', { runOnly: ['color-contrast'] }).then((found) => found.violations.length)"
    )
    assert "86, 180, 233" in place.locator("table button").first.get_attribute("style"), "it is dark"
    assert found == 0


@pytest.mark.parametrize("width", [380, 650, 1000])
@pytest.mark.parametrize("make", [OcclusionExplorer, TransformerExplorer, ActionUnitFace])
def test_nothing_sticks_out_of_the_card(make: Any, width: int, page: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    place = show(page, make("paper", networks=["compact"]))
    answer_with(page, asked(page)[-1], [1 / 7] * 7)
    page.wait_for_timeout(100)
    assert place.evaluate("card => card.scrollWidth - card.clientWidth") == 0


@pytest.mark.parametrize("classes", [7, 8])
def test_a_phone_shows_the_whole_matrix(classes: int, page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 800})  # the card has the width of the book's at 390
    table = FaceTable(
        torch.zeros(classes, 1, 48, 48, dtype=torch.uint8), torch.arange(classes), classes=classes
    )
    place = show(page, ConfusionExplorer(fertutor.AttentionalCNN(classes=classes), table))
    box = place.locator("table").locator("xpath=..")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert place.locator("table button").first.bounding_box()["width"] >= 24


def test_the_words_above_the_matrix_turn_in_safari_too(judged: ConfusionExplorer, page: Any) -> None:
    """WebKit ignores the writing mode of a table's cell: it then draws the word upside down over its neighbour."""
    place = show(page, judged)
    modes = (
        "cells => cells.map(cell => [cell, ...cell.children].map(part => getComputedStyle(part).writingMode))"
    )
    assert place.locator("thead th").evaluate_all(modes) == 7 * [["horizontal-tb", "vertical-rl"]]
