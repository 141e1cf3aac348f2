"""A reader's photograph: whatever file comes, the right face is found and framed, or one sentence says
why not. Without these, a phone's picture would be read lying on its side, or a bad file would end in a
traceback or a full memory."""

from __future__ import annotations

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import png_header
from PIL import Image

from fertutor import AttentionalCNN, InputError, save_network
from fertutor.cli import main
from fertutor.commands.predict import describe
from fertutor.expressions import EXPRESSIONS
from fertutor.faces.photo import (
    Box,
    annotate,
    crop_face,
    find_faces,
    open_photo,
    predict_photo,
    webcam_frames,
)

pytest.importorskip("cv2")
data = pytest.importorskip("skimage.data")

FACE = (177, 66, 95, 95)  # where the astronaut's face is, by eye


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def network() -> AttentionalCNN:
    torch.manual_seed(0)
    return AttentionalCNN().eval()


@pytest.fixture(scope="module")
def weights(network: AttentionalCNN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(network, tmp_path_factory.mktemp("weights") / "net.safetensors")


def overlap(a: Box, b: Box) -> float:
    """Shared area over joint area."""
    width = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    height = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def group(astronaut: Image.Image) -> tuple[Image.Image, list[Box]]:
    """Three people in front of a wall: one near, one farther and mirrored, one far and darker."""
    photo = Image.new("RGB", (900, 500), (90, 110, 130))
    boxes = []
    for left, scale, mirror, light in ((0, 1.0, False, 1.0), (450, 0.7, True, 0.9), (740, 0.4, False, 0.6)):
        portrait = astronaut.crop((90, 20, 360, 240)).point(lambda value, light=light: int(value * light))
        portrait = portrait.resize((round(270 * scale), round(220 * scale)), Image.Resampling.BOX)
        x, y, side = (FACE[0] - 90) * scale, (FACE[1] - 20) * scale, FACE[2] * scale
        if mirror:
            portrait = portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            x = portrait.width - x - side
        photo.paste(portrait, (left, 200))
        boxes.append((round(left + x), round(200 + y), round(side), round(side)))
    return photo, boxes


def test_finds_the_astronaut(network):
    faces = predict_photo(network, data.astronaut())
    assert len(faces) == 1
    assert overlap(faces[0].box, FACE) > 0.7
    assert faces[0].image.shape == (1, 48, 48)
    assert faces[0].image.dtype == torch.uint8
    assert faces[0].expression in EXPRESSIONS
    assert float(faces[0].probabilities.sum()) == pytest.approx(1, abs=1e-6)


def test_finds_everyone_in_a_group_largest_first(astronaut):
    photo, boxes = group(astronaut)
    found = find_faces(photo)
    assert len(found) == len(boxes)
    assert all(overlap(a, b) > 0.5 for a, b in zip(found, boxes, strict=True))


def test_finds_a_face_of_twenty_pixels(astronaut):
    scale = 20 / FACE[2]
    small = astronaut.resize((round(512 * scale), round(512 * scale)), Image.Resampling.BOX)
    x, y, width, height = (round(value * scale) for value in FACE)
    (found,) = find_faces(small)
    assert overlap(found, (x, y, width, height)) > 0.5
    large = Image.new("RGB", (1600, 900), (90, 110, 130))
    large.paste(small, (700, 400))
    (found,) = find_faces(large)
    assert overlap(found, (700 + x, 400 + y, width, height)) > 0.5


def test_finds_no_face_in_a_landscape_and_says_so(weights, tmp_path, capsys):
    path = tmp_path / "rocket.png"
    Image.fromarray(data.rocket()).save(path)
    assert main(["predict", str(weights), str(path)]) == 0
    assert "no face found" in capsys.readouterr().out
    assert main(["predict", str(weights), str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["faces"] == []


def test_the_same_photo_always_gives_the_same_faces(astronaut):
    photo, _ = group(astronaut)
    assert find_faces(photo) == find_faces(photo.copy())


def test_threads_find_the_faces_that_one_finds(astronaut):
    """CK+'s frames without landmarks are searched side by side."""
    portrait = astronaut.crop((60, 0, 340, 260))
    photos = [portrait.crop((20 * (i % 4), 5 * i, 280, 260)) for i in range(8)]
    photos = [photo.resize((photo.width + 9 * i, photo.height + 9 * i)) for i, photo in enumerate(photos)]
    one_by_one = [find_faces(photo) for photo in photos]
    assert sum(map(len, one_by_one)) >= len(photos) / 2
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            assert list(pool.map(find_faces, photos)) == one_by_one


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_phones_picture_is_turned_upright(astronaut, tmp_path, orientation):
    # the eight ways a camera may be held: what has to be done to the upright picture to store it so
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = astronaut.crop((100, 0, 400, 300))
    turn = turns[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "phone.png"
    (upright if turn is None else upright.transpose(turn)).save(path, exif=exif)
    assert np.array_equal(np.asarray(open_photo(path)), np.asarray(upright))


def test_a_transparent_picture_stands_before_white():
    photo = open_photo(np.zeros((4, 4, 4), np.uint8))
    assert photo.mode == "RGB"
    assert (np.asarray(photo) == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"])
def test_every_colour_mode_becomes_the_same_face(astronaut, mode):
    mild = astronaut.crop((177, 66, 272, 161))
    base = mild.convert("RGBA") if mode == "PA" else mild
    image = base.convert("L").convert(mode) if mode in ("I", "F", "LA") else base.convert(mode)
    grey = np.asarray(open_photo(image).convert("L"), dtype=float)
    expected = np.asarray(mild.convert("L"), dtype=float)
    # dithered black and white keeps the mean only; a palette keeps the levels nearly
    assert abs(grey.mean() - expected.mean()) < 3
    if mode not in ("1", "P", "PA"):
        assert np.abs(grey - expected).max() <= 6


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_not_cut_to_white(tmp_path, suffix):
    ramp = np.linspace(0, 65535, 48 * 48).astype(np.uint16).reshape(48, 48)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(ramp).save(path)
    assert np.array_equal(np.asarray(open_photo(path).convert("L")), (ramp // 256).astype(np.uint8))


def test_a_fer2013_face_passes_through_whole_untouched(network):
    face = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    (found,) = predict_photo(network, face, whole=True)
    assert found.box == (0, 0, 48, 48)
    assert np.array_equal(found.image[0].numpy(), face)


def test_a_crop_is_averaged_over_areas():
    checks = np.kron(np.indices((48, 48)).sum(0) % 2, np.ones((2, 2))).astype(np.uint8) * 200
    photo = open_photo(np.pad(np.repeat(checks, 2, 0).repeat(2, 1), 10))
    face = crop_face(photo, (10, 10, 192, 192))
    expected = (np.indices((48, 48)).sum(0) % 2) * 200
    assert np.array_equal(face[0].numpy(), expected)


def bad_files() -> dict[str, tuple[bytes, str]]:
    """File name → its bytes, and what the sentence must say."""
    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).save(buffer, format="JPEG")
    spoilt = {}
    for name, mode, place in (("DDS", "RGB", 77), ("BLP", "P", 4)):  # of a kind that Pillow cannot read
        picture = io.BytesIO()
        Image.new(mode, (60, 60)).save(picture, format=name)
        spoilt[name] = picture.getvalue()[:place] + b"\0\xf3\0\0" + picture.getvalue()[place + 4 :]
    return {
        "spoilt.dds": (spoilt["DDS"], "damaged"),
        "spoilt.blp": (spoilt["BLP"], "damaged"),
        "empty.png": (b"", "is empty"),
        "notes.jpg": (b"Dear diary, this is no picture at all.\n", "not an image"),
        "cut.jpg": (buffer.getvalue()[:9000], "damaged"),
        "100-megapixel.png": (png_header(10_000, 10_000), "10000 x 10000 pixels, more than 64 million"),
        "bomb.png": (png_header(30_000, 30_000), "too many pixels"),
        "no-pixels.png": (png_header(40, 40), "damaged"),
    }


@pytest.mark.parametrize("name", list(bad_files()))
def test_a_bad_file_ends_in_one_sentence(name, weights, tmp_path, capsys):
    content, words = bad_files()[name]
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["predict", str(weights), str(path)]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert str(path) in error
    assert error.count("\n") == 1
    with pytest.raises(InputError, match=words):
        open_photo(content)
    if name == "cut.jpg":  # Pillow opens it, and reads no further yet
        with pytest.raises(InputError, match=words):
            open_photo(Image.open(path))


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    """Who removes it, as a damaged one, loses a good picture."""
    path = tmp_path / "face.png"
    Image.new("L", (48, 48)).save(path)

    def refuse(source):
        raise OSError(24, "Too many open files", str(source))

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(InputError, match=r"face\.png cannot be opened \(Too many open files\)"):
        open_photo(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_not_called_empty(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match=f"{path} is no ordinary file: save the picture first"):
            open_photo(path)


@pytest.mark.parametrize("path", ["nowhere.jpg", ".", "a\0b.png"])
def test_a_path_without_a_picture_ends_in_one_sentence(path):
    with pytest.raises(InputError, match=r"does not exist|is a folder|cannot be opened"):
        open_photo(path)


@pytest.mark.parametrize("array", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)])
def test_an_array_that_is_no_picture_is_refused(array):
    with pytest.raises(InputError, match="must be uint8"):
        open_photo(array)


def test_the_bytes_of_an_upload_are_a_picture():
    """ipywidgets 8 gives a memoryview."""
    file = io.BytesIO()
    Image.new("L", (30, 20), 77).save(file, format="PNG")
    for content in (file.getvalue(), bytearray(file.getvalue()), memoryview(file.getvalue())):
        assert open_photo(content).size == (30, 20)


@pytest.mark.parametrize(("thing", "word"), [(None, "None"), (5, "int"), ([[0, 1]], "list")])
def test_what_is_no_photograph_is_one_sentence(thing, word):
    with pytest.raises(InputError, match=f"a photograph must be a file's path or bytes.* not {word}$"):
        open_photo(thing)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (19, 19)])
def test_a_sliver_has_no_face(shape):
    assert find_faces(open_photo(np.full(shape, 128, np.uint8))) == []


def test_the_command_answers_in_json_and_draws_the_boxes(astronaut, weights, tmp_path, capsys):
    photo, boxes = group(astronaut)
    photo.save(tmp_path / "group.jpg", quality=95)
    out = tmp_path / "out" / "boxes.png"
    command = ["predict", str(weights), str(tmp_path / "group.jpg"), "--json", "--annotated", str(out)]
    assert main(command) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["width"], answer["height"]) == photo.size
    assert len(answer["faces"]) == len(boxes)
    assert list(answer["faces"][0]["probabilities"]) == list(EXPRESSIONS)
    with Image.open(out) as drawn:
        assert drawn.size == photo.size


def test_annotating_leaves_the_photo_as_it_was(astronaut, network):
    before = np.asarray(astronaut).copy()
    drawn = annotate(astronaut, predict_photo(network, astronaut))
    assert np.array_equal(np.asarray(astronaut), before)
    assert not np.array_equal(np.asarray(drawn), before)


def test_a_camera_is_read_until_its_end_and_a_missing_one_is_said(tmp_path):
    import cv2

    path = tmp_path / "film.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(3):
        film.write(np.full((48, 64, 3), (200, 20, 20), np.uint8))  # OpenCV's order: blue, green, red
    film.release()
    frames = list(webcam_frames(str(path)))
    assert len(frames) == 3
    assert frames[0].size == (64, 48)
    red, _, blue = np.asarray(frames[0])[24, 32].tolist()
    assert blue > 150 > 60 > red
    with pytest.raises(InputError, match="gives no picture"):
        next(webcam_frames(str(tmp_path / "none.avi")))


def test_each_face_of_a_group_has_its_own_answer(astronaut):
    torch.manual_seed(0)
    sure = AttentionalCNN().eval()
    with torch.no_grad():
        sure.output.weight.mul_(50)  # so that the answers differ
    faces = predict_photo(sure, group(astronaut)[0])
    with torch.no_grad():
        answers = [sure(face.image[None].float() / 255).softmax(1)[0] for face in faces]
    for face, answer in zip(faces, answers, strict=True):
        assert torch.allclose(face.probabilities, answer, atol=1e-5)
    assert not torch.allclose(answers[0], answers[-1], atol=1e-3)
    words = describe("group.png", faces[:1]).splitlines()[2:]
    chances = [float(line.split()[-1].rstrip("%")) for line in words]
    assert chances == sorted(chances, reverse=True)
    assert words[0].split()[0] == faces[0].expression
