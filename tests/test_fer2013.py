"""Without these a reader of FER-2013 trains on wrong pixels, wrong labels or somebody else's votes."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import forbid, png_header
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fertutor import InputError, load_faces
from fertutor.cli import main
from fertutor.expressions import EXPRESSIONS, FERPLUS_COLUMNS
from fertutor.faces import ferplus
from fertutor.faces.fer2013_csv import BLOCK
from fertutor.faces.pixels import PIXELS, parse_row, parse_rows

USAGES = ["Training"] * 40 + ["PublicTest"] * 9 + ["PrivateTest"] * 8
FER2013_HEADER = ("emotion", "pixels", "Usage")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("FERTUTOR_CACHE", str(folder))
    return folder


@pytest.fixture
def faces():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (len(USAGES), PIXELS), dtype=np.uint8)
    return images, random.integers(0, 7, len(USAGES))


def write(path, rows, header=FER2013_HEADER, age=60):
    """Write a CSV that looks `age` seconds old."""
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    set_age(path, age)
    return path


def set_age(path, age):
    then = time.time() - age
    os.utime(path, (then, then))


def text(pixels):
    return " ".join(map(str, pixels))


def official(faces):
    return [
        (emotion, text(image), usage)
        for image, emotion, usage in zip(faces[0], faces[1], USAGES, strict=True)
    ]


def check_parts(splits, faces):
    """Each part has its images and labels in file order."""
    images = torch.from_numpy(faces[0]).view(-1, 1, 48, 48)
    labels = torch.from_numpy(faces[1])
    for table, rows in (
        (splits.train, slice(0, 40)),
        (splits.val, slice(40, 49)),
        (splits.test, slice(49, 57)),
    ):
        assert torch.equal(table.images, images[rows])
        assert torch.equal(table.labels, labels[rows])
        assert table.votes is None


# the layouts


def test_official_csv(tmp_path, faces):
    write(tmp_path / "fer2013.csv", official(faces))
    check_parts(load_faces("fer2013", tmp_path), faces)


def test_the_csv_may_be_named_itself_or_lie_in_a_folder_fer2013(tmp_path, faces, monkeypatch):
    (tmp_path / "fer2013").mkdir()
    path = write(tmp_path / "fer2013" / "fer2013.csv", official(faces))
    check_parts(load_faces("fer2013", path), faces)
    check_parts(load_faces("fer2013", tmp_path), faces)
    monkeypatch.setenv("FERTUTOR_DATA", str(tmp_path))
    check_parts(load_faces("fer2013"), faces)


def test_icml_csv_with_spaces_in_its_header(tmp_path, faces):
    rows = [(emotion, usage, pixels) for emotion, pixels, usage in official(faces)]
    write(tmp_path / "icml_face_data.csv", rows, header=("emotion", " Usage", " pixels"))
    check_parts(load_faces("fer2013", tmp_path), faces)


def test_windows_line_ends_quotes_and_a_byte_order_mark(tmp_path, faces):
    with open(tmp_path / "fer2013.csv", "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(
            [FER2013_HEADER, *official(faces), ()]
        )
    check_parts(load_faces("fer2013", tmp_path), faces)


def test_kaggle_train_csv_is_all_training(tmp_path, faces):
    write(tmp_path / "train.csv", [row[:2] for row in official(faces)], header=("emotion", "pixels"))
    splits = load_faces("fer2013", tmp_path)
    assert torch.equal(splits.train.images.flatten(1), torch.from_numpy(faces[0]))
    assert splits.val is None
    assert splits.test is None
    assert any("no Usage column" in note for note in splits.notes)


def test_a_missing_private_test_is_none(tmp_path, faces):
    write(tmp_path / "fer2013.csv", official(faces)[:49])
    splits = load_faces("fer2013", tmp_path)
    assert len(splits.val) == 9
    assert splits.test is None


@pytest.mark.parametrize("prefixes", [True, False])
def test_image_folders(tmp_path, faces, prefixes):
    for number, (image, emotion, usage) in enumerate(zip(*faces, USAGES, strict=True)):
        folder = tmp_path / ("train" if usage == "Training" else "test") / EXPRESSIONS[emotion]
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{usage}_{number}.png" if prefixes else f"{number:03}.png"
        Image.fromarray(image.reshape(48, 48)).save(folder / name)
    (tmp_path / "train" / "happy" / ".DS_Store").write_bytes(b"no image")
    (tmp_path / "train" / "happy" / "._0.png").write_bytes(b"what macOS writes beside an image")
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    splits = load_faces("fer2013", tmp_path)
    sizes = {part: len(table) for part, table in splits.parts().items()}
    assert sizes == ({"train": 40, "val": 9, "test": 8} if prefixes else {"train": 40, "test": 17})
    assert any("do not say" in note for note in splits.notes) != prefixes
    known = {image.tobytes(): emotion for image, emotion in zip(*faces, strict=True)}
    for table in splits.parts().values():
        for image, label in zip(table.images, table.labels.tolist(), strict=True):
            assert known[image.numpy().tobytes()] == label


def test_other_image_sizes_are_resized_and_said(tmp_path):
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    Image.new("RGB", (100, 80), (200, 200, 200)).save(folder / "Training_1.jpg")
    splits = load_faces("fer2013", tmp_path)
    assert (splits.train.images.int() - 200).abs().max() <= 1
    assert any("resized" in note for note in splits.notes)


def test_sixteen_bit_transparent_and_turned_pictures_are_read_as_everywhere(tmp_path):
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    ramp = np.linspace(0, 65535, 48 * 48).astype(np.uint16).reshape(48, 48)
    upright = Image.fromarray((ramp // 256).astype(np.uint8))
    Image.fromarray(ramp).save(folder / "a.png")
    Image.new("RGBA", (48, 48), (0, 0, 0, 0)).save(folder / "b.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / "c.png", exif=exif)
    deep, clear, turned = load_faces("fer2013", tmp_path).train.images[:, 0].numpy()
    assert np.array_equal(deep, np.asarray(upright))
    assert (clear == 255).all()
    assert np.array_equal(turned, np.asarray(upright))


# the pixels


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([2, 11, 101, 256]))
def test_any_images_survive_the_round_trip_through_text(seed, rows, top):
    images = np.random.default_rng(seed).integers(0, top, (rows, PIXELS), dtype=np.uint8)
    lines = [text(image).encode() for image in images]
    quick = parse_rows(lines)
    assert quick is not None
    assert np.array_equal(quick, images)
    assert np.array_equal(parse_row(lines[0]), images[0])


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 8000), st.binary(min_size=0, max_size=3), st.integers(0, 3))
def test_the_quick_way_never_accepts_what_the_careful_way_refuses(place, junk, cut):
    row = text(np.arange(PIXELS) % 256).encode()
    row = row[:place] + junk + row[place + cut :]
    quick = parse_rows([row])
    if quick is not None:
        assert np.array_equal(quick[0], parse_row(row))


def test_unusual_spaces_are_read_with_care():
    row = b" " + text(range(100)).encode() + b"  " + text([7] * (PIXELS - 100)).encode()
    assert parse_rows([row]) is None
    assert parse_row(row)[99:101].tolist() == [99, 7]


# FER+


def plus_rows(votes):
    return [(usage, "fer.png", *row) for usage, row in zip(USAGES, votes, strict=False)]


PLUS_HEADER = ("Usage", "Image name", *FERPLUS_COLUMNS)
#        neu hap sur sad ang dis fea con unk NF
VOTES = {
    "happy, single votes do not count": (1, 8, 1, 0, 0, 0, 0, 0, 0, 0),
    "dropped: five of ten is not more than half": (5, 0, 0, 3, 2, 0, 0, 0, 0, 0),
    "neutral: five of nine is": (5, 0, 0, 4, 1, 0, 0, 0, 0, 0),
    "dropped: unknown counts among the rest": (4, 0, 0, 2, 0, 0, 0, 0, 2, 0),
    "dropped: not a face": (0, 0, 0, 0, 0, 0, 0, 0, 0, 10),
    "contempt": (3, 0, 0, 0, 0, 0, 0, 7, 0, 0),
    "dropped: no votes remain": (1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
}


@pytest.fixture
def with_votes(tmp_path, faces):
    write(tmp_path / "fer2013.csv", official(faces))
    votes = [list(VOTES.values())[row % len(VOTES)] for row in range(len(USAGES))]
    write(tmp_path / "fer2013new.csv", plus_rows(votes), header=PLUS_HEADER)
    return tmp_path


@pytest.mark.parametrize(
    ("labels", "kept"),
    [("ferplus", {0: "happy", 2: "neutral"}), ("ferplus8", {0: "happy", 2: "neutral", 5: "contempt"})],
)
def test_majority_rule_and_soft_targets(with_votes, faces, labels, kept):
    train = load_faces("fer2013", with_votes, labels=labels).train
    rows = [row for row in range(40) if row % len(VOTES) in kept]
    assert torch.equal(train.images.flatten(1), torch.from_numpy(faces[0][rows]))
    assert {name for name, count in train.counts().items() if count} == set(kept.values())
    assert torch.equal(train.votes.argmax(1), train.labels)
    torch.testing.assert_close(train.votes.sum(1), torch.ones(len(train)))
    neutral = train.votes[train.labels == EXPRESSIONS.index("neutral")][0]
    torch.testing.assert_close(neutral[[4, 6]], torch.tensor([4 / 9, 5 / 9]))


def test_most_votes_keep_the_disputed_faces(with_votes):
    """Contempt and what is no expression are set aside; of equals the first in FER+'s file counts."""
    splits = load_faces("fer2013", with_votes, labels="ferplus-plurality")
    expected = ("happy", "neutral", "neutral", "neutral", None, "neutral", "neutral")
    rows = [expected[row % len(VOTES)] for row in range(40)]
    assert [EXPRESSIONS[label] for label in splits.train.labels] == [name for name in rows if name]
    happy, neutral = splits.train.votes[:2]
    torch.testing.assert_close(happy, torch.tensor([0, 0, 0, 8, 0, 1, 1]) / 10)
    torch.testing.assert_close(neutral, torch.tensor([2, 0, 0, 0, 3, 0, 5]) / 10)
    assert "keeps 34 of 40" in " ".join(splits.notes)


def test_a_blank_line_ends_the_votes_but_does_not_part_them(with_votes):
    before = load_faces("fer2013", with_votes, labels="ferplus").notes
    path = with_votes / "fer2013new.csv"
    text = path.read_text()
    path.write_text(text + "\n  \n")
    assert load_faces("fer2013", with_votes, labels="ferplus").notes == before
    lines = text.splitlines(keepends=True)
    path.write_text("".join([*lines[:5], "\n", *lines[5:]]))
    with pytest.raises(InputError, match=r"row 5 \(line 6\): it is empty"):
        load_faces("fer2013", with_votes, labels="ferplus")


def test_votes_may_be_quoted_as_the_csv_may(with_votes):
    before = load_faces("fer2013", with_votes, labels="ferplus").train.fingerprint()
    path = with_votes / "fer2013new.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    assert load_faces("fer2013", with_votes, labels="ferplus").train.fingerprint() == before


def test_dropped_rows_are_said(with_votes):
    notes = " ".join(load_faces("fer2013", with_votes, labels="ferplus").notes)
    assert "keeps 12 of 40" in notes


@pytest.mark.parametrize("labels", ["ferplus", "ferplus-plurality"])
@pytest.mark.parametrize("command", [["datasets"], ["evaluate", "paper"]])
def test_votes_that_leave_no_face_are_one_sentence(with_votes, command, labels, capsys):
    write(with_votes / "fer2013new.csv", plus_rows([[0] * 8 + [10, 0]] * len(USAGES)), header=PLUS_HEADER)
    options = ["--root", str(with_votes), "--labels", labels]
    assert main([*command, "fer2013", *options, *(["--no-ledger"] if "paper" in command else [])]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "fer2013new.csv leaves no face" in said and " rule " in said and f"drops all {len(USAGES)}" in said


def test_private_test_may_be_missing_from_either_file(with_votes, faces):
    whole = load_faces("fer2013", with_votes, labels="ferplus8")
    plus = with_votes / "fer2013new.csv"
    lines = plus.read_text().splitlines(keepends=True)
    plus.write_text("".join(lines[:50]))
    shorter = load_faces("fer2013", with_votes, labels="ferplus8")
    assert shorter.val.fingerprint() == whole.val.fingerprint()
    assert shorter.test is None
    plus.write_text("".join(lines))
    write(with_votes / "fer2013.csv", official(faces)[:49])
    shorter = load_faces("fer2013", with_votes, labels="ferplus8")
    assert shorter.val.fingerprint() == whole.val.fingerprint()
    assert shorter.test is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rows: rows[:20] + rows[45:46] + rows[21:],
            "row 21: it is PublicTest where FER-2013 has Training",
        ),
        (lambda rows: rows[:45], "45 rows and FER-2013 has 57"),
        (lambda rows: [*rows[:3], ("Training", "x", 1, 2), *rows[4:]], r"row 4 .* 4 fields instead of 12"),
        (lambda rows: [*rows[:3], ("Training", "x", *["-1"] * 10), *rows[4:]], "row 4 .*not whole numbers"),
        (lambda rows: [*rows[:3], ("Training", "x", *["11"] * 10), *rows[4:]], "row 4 .*not whole numbers"),
        (lambda rows: [*rows[:3], ("Training", "x" * 200_000, *rows[3][2:]), *rows[4:]], "row 4 .*larger"),
        (lambda rows: [*rows[:3], ("Test", *rows[3][1:]), *rows[4:]], "row 4 .*'Test'"),
        (lambda rows: [], "no rows"),
    ],
)
def test_votes_that_do_not_belong_to_the_faces(with_votes, change, said):
    votes = list(VOTES.values())[:1] * len(USAGES)
    write(with_votes / "fer2013new.csv", change(plus_rows(votes)), header=PLUS_HEADER)
    with pytest.raises(InputError, match=said):
        load_faces("fer2013", with_votes, labels="ferplus")


def test_missing_or_wrong_votes_file(tmp_path, faces):
    path = write(tmp_path / "fer2013.csv", official(faces))
    with pytest.raises(InputError, match=r"fer2013new.csv does not exist"):
        load_faces("fer2013", tmp_path, labels="ferplus")
    with pytest.raises(InputError, match="header of FER"):
        load_faces("fer2013", tmp_path, labels="ferplus", votes_file=path)


def test_row_order_joins_so_image_folders_have_no_votes(tmp_path):
    (tmp_path / "train" / "sad").mkdir(parents=True)
    Image.new("L", (48, 48)).save(tmp_path / "train" / "sad" / "1.png")
    with pytest.raises(InputError, match="row order"):
        load_faces("fer2013", tmp_path, labels="ferplus")


def test_classes_come_from_the_expressions_module():
    votes = torch.zeros(10, 10, dtype=torch.int64)
    votes.fill_diagonal_(10)
    keep, labels, _ = ferplus.majority(votes, 8)
    assert keep.tolist() == [True] * 8 + [False] * 2
    assert labels[:8].tolist() == list(range(8))


# bad input


def bad_csv(faces, row, emotion=None, pixels=None, usage=None):
    rows = official(faces)
    old = rows[row - 1]
    rows[row - 1] = (emotion or old[0], old[1] if pixels is None else pixels, usage or old[2])
    return rows


ROW = BLOCK + 3  # in the second block


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pixels": text([1] * 2303)}, "2303 pixels instead of 2304"),
        ({"pixels": text([1] * 2305)}, "2305 pixels instead of 2304"),
        ({"pixels": ""}, "0 pixels"),
        ({"pixels": text([256] + [1] * 2303)}, "pixel 1 is '256'"),
        ({"pixels": text([1] * 2303 + [1000])}, "pixel 2304 is '1000'"),
        ({"pixels": text([1] * 2303 + ["9" * 5000])}, "pixel 2304 is '9999"),
        ({"pixels": text([1, -1] + [1] * 2302)}, "pixel 2 is '-1'"),
        ({"pixels": text([1, 0.5] + [1] * 2302)}, "pixel 2 is '0.5'"),
        ({"pixels": text(["nan"] + [1] * 2303)}, "pixel 1 is 'nan'"),
        ({"emotion": "7"}, "emotion is '7'"),
        ({"emotion": "happy"}, "emotion is 'happy'"),
        ({"usage": "Test"}, "Usage is 'Test'"),
        ({"usage": "PublicTest,more"}, "4 fields instead of 3|none of"),
    ],
)
def test_bad_rows_are_named(tmp_path, faces, change, said):
    path = write(tmp_path / "fer2013.csv", bad_csv(faces, ROW, **change))
    with pytest.raises(InputError, match=said) as caught:
        load_faces("fer2013", tmp_path)
    message = str(caught.value)
    assert f"{path}, row {ROW} (line {ROW + 1})" in message
    assert "download" in message
    assert "\n" not in message


def test_two_rows_whose_errors_cancel_out(tmp_path, faces):
    rows = bad_csv(faces, 2, pixels=text([1] * 2303))
    rows[2] = (0, text([1] * 2305), "Training")
    write(tmp_path / "fer2013.csv", rows)
    with pytest.raises(InputError, match=r"row 2 .*2303"):
        load_faces("fer2013", tmp_path)


@pytest.mark.parametrize("cut", [3, 20, 6000])
def test_a_file_cut_short(tmp_path, faces, cut):
    path = write(tmp_path / "fer2013.csv", official(faces))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=f"row {len(USAGES)} "):
        load_faces("fer2013", tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"emotion,pixels,Usage\n", "no rows"),
        (b"some,other,table\n1,2,3\n", "header of FER-2013"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "header of FER-2013"),
        (b"emotion,pixels,Usage\n0," + b"1" * 100_000, "longer than"),
        (b"emotion,pixels,Usage\n\n0,1 2 3,Training\n", "row 1 .*empty"),
        (b"emotion,pixels,Usage\r0,1 2 3,Training\r", "carriage returns alone"),
        (b'emotion,pixels,Usage\n"0",1 2\r3,Training\n', "row 1 .*new-line character"),
        (b"emotion,pixels,pixels,Usage\n0,1,1,Training\n", "column twice"),
    ],
)
def test_files_that_are_no_fer2013(tmp_path, content, said):
    (tmp_path / "fer2013.csv").write_bytes(content)
    with pytest.raises(InputError, match=said):
        load_faces("fer2013", tmp_path)


def test_unlabelled_test_csv(tmp_path):
    write(tmp_path / "test.csv", [(text([0] * PIXELS),)], header=("pixels",))
    for root in (tmp_path, tmp_path / "test.csv"):
        with pytest.raises(InputError, match=r"unlabelled test\.csv"):
            load_faces("fer2013", root)


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("fertutor.faces.fer2013.read_csv", refuse)
    (tmp_path / "fer2013.csv").write_bytes(b"x")
    with pytest.raises(InputError, match=r"fer2013\.csv: Permission denied"):
        load_faces("fer2013", tmp_path)


def test_wrong_places_and_names(tmp_path, monkeypatch):
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "archive.zip").touch()
    with pytest.raises(InputError, match=r"unpack archive\.zip there"):
        load_faces("fer2013", root=tmp_path / "packed")
    with pytest.raises(InputError, match=r"archive\.zip is an archive: unpack it"):
        load_faces("fer2013", root=tmp_path / "packed" / "archive.zip")
    with pytest.raises(InputError, match=r"holds no FER-2013: expected fer2013\.csv"):
        load_faces("fer2013", tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        load_faces("fer2013", tmp_path / "nowhere")
    monkeypatch.delenv("FERTUTOR_DATA", raising=False)
    with pytest.raises(InputError, match="set FERTUTOR_DATA"):
        load_faces("fer2013")
    with pytest.raises(InputError, match="no face set is called 'fer2014'"):
        load_faces("fer2014")
    with pytest.raises(InputError, match="no labels are called 'plus'"):
        load_faces("fer2013", labels="plus")
    with pytest.raises(InputError, match="belongs to fer2013"):
        load_faces("jaffe", labels="ferplus")
    (tmp_path / "fer2013.csv").touch()
    with pytest.raises(InputError, match="fer2013 has no option by_subject: it takes labels, votes_file"):
        load_faces("fer2013", tmp_path, by_subject=True)
    with pytest.raises(
        InputError, match="drawn-wild has no option contempt: it takes size, seed, by_subject"
    ):
        load_faces("drawn-wild", contempt="keep")
    with pytest.raises(InputError, match="leave root away"):
        load_faces("drawn-wild", root=tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.jpg", b"", r"empty\.jpg is empty \(0 bytes\)"),
        ("text.jpg", b"no image at all", r"text\.jpg is not an image"),
        ("cut.png", None, r"cut\.png is damaged"),
        ("huge.png", "huge", r"huge\.png has .* pixels"),
    ],
)
def test_bad_images_in_folders(tmp_path, name, content, said):
    folder = tmp_path / "train" / "fear"
    folder.mkdir(parents=True)
    if content == "huge":
        (folder / name).write_bytes(png_header(30_000, 30_000))
    elif content is None:
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)).save(
            folder / name
        )
        (folder / name).write_bytes((folder / name).read_bytes()[:1000])
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        load_faces("fer2013", tmp_path)


def test_a_part_by_another_name_is_known_or_refused(tmp_path):
    for part in ("train", "valid"):
        (tmp_path / part / "happy").mkdir(parents=True)
        Image.new("L", (48, 48), 90).save(tmp_path / part / "happy" / "a.png")
    splits = load_faces("fer2013", root=tmp_path)
    assert len(splits.train) == len(splits.val) == 1
    (tmp_path / "valid").rename(tmp_path / "dev")
    with pytest.raises(InputError, match="dev holds expressions and is no part of the set"):
        load_faces("fer2013", root=tmp_path)


@pytest.mark.parametrize(("part", "name"), [("Test", "Happy"), ("testing", "3"), ("dev", "happiness")])
def test_no_part_is_lost_by_its_name(part, name, tmp_path):
    for folder in (tmp_path / "train" / "happy", tmp_path / part / name):
        folder.mkdir(parents=True)
        Image.new("L", (48, 48), 90).save(folder / "a.png")
    with pytest.raises(InputError, match=f"{part} holds expressions and is no part of the set"):
        load_faces("fer2013", root=tmp_path)


def test_a_part_without_a_picture_that_is_read_is_named(tmp_path):
    for part, suffix in (("train", "png"), ("test", "bmp")):
        (tmp_path / part / "happy").mkdir(parents=True)
        Image.new("L", (48, 48), 90).save(tmp_path / part / "happy" / f"a.{suffix}")
    with pytest.raises(InputError, match="test has folders of expressions and no image"):
        load_faces("fer2013", root=tmp_path)


def test_names_beat_folders_and_that_is_said(tmp_path):
    """Who moved training faces into a folder of their own would train on them without a word."""
    for part, file in (("train", "Training_1"), ("validation", "Training_2"), ("test", "PublicTest_3")):
        (tmp_path / part / "happy").mkdir(parents=True)
        Image.new("L", (48, 48), 90).save(tmp_path / part / "happy" / f"{file}.jpg")
    splits = load_faces("fer2013", root=tmp_path)
    assert (len(splits.train), len(splits.val)) == (2, 1)
    assert [note for note in splits.notes if "their names say" in note] == [
        "1 images lie in another part's folder than their names say: the names count"
    ]


def test_an_unknown_expression_folder(tmp_path):
    (tmp_path / "train" / "bored").mkdir(parents=True)
    with pytest.raises(InputError, match="bored is named after no expression"):
        load_faces("fer2013", tmp_path)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    """A training would go on without one of the expressions."""
    for folder in ("train/happy", "train/sad", "lost+found"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("L", (48, 48), 90).save(tmp_path / folder / "a.png")
    forbid(tmp_path / "lost+found", monkeypatch)  # no part of the set
    assert len(load_faces("fer2013", tmp_path).train) == 2
    forbid(tmp_path / "train" / "sad", monkeypatch)
    with pytest.raises(InputError, match="sad: Permission denied"):
        load_faces("fer2013", tmp_path)


# the cache


def caches(folder):
    return sorted(folder.glob("*.safetensors"))


def test_a_second_reading_comes_from_the_cache(tmp_path, faces, cache, monkeypatch):
    write(tmp_path / "fer2013.csv", official(faces))
    load_faces("fer2013", tmp_path)
    assert len(caches(cache)) == 1
    monkeypatch.setattr("fertutor.faces.fer2013_csv._parse", lambda path: pytest.fail("read the CSV again"))
    check_parts(load_faces("fer2013", tmp_path), faces)


def test_the_cache_notices_a_changed_file_of_the_same_size_and_time(tmp_path, faces):
    path = write(tmp_path / "fer2013.csv", official(faces))
    time_before = path.stat().st_mtime_ns
    load_faces("fer2013", tmp_path)
    changed = faces[0][:, ::-1].copy(), faces[1]
    write(path, official(changed))
    os.utime(path, ns=(time_before, time_before))
    check_parts(load_faces("fer2013", tmp_path), changed)


def test_a_file_written_just_now_is_not_trusted(tmp_path, faces, cache):
    write(tmp_path / "fer2013.csv", official(faces), age=0)
    check_parts(load_faces("fer2013", tmp_path), faces)
    assert not caches(cache)


@pytest.mark.parametrize(
    "damage", [lambda old: b"", lambda old: old[:-100], lambda old: old[:-1] + b"\x07", None]
)
def test_a_damaged_cache_is_passed_over(tmp_path, faces, cache, damage):
    write(tmp_path / "fer2013.csv", official(faces))
    load_faces("fer2013", tmp_path)
    (path,) = caches(cache)
    path.write_bytes(damage(path.read_bytes()) if damage else b"no safetensors at all")
    check_parts(load_faces("fer2013", tmp_path), faces)
    check_parts(load_faces("fer2013", tmp_path), faces)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, faces, cache):
    cache.write_text("a file where the folder should be")
    write(tmp_path / "fer2013.csv", official(faces))
    check_parts(load_faces("fer2013", tmp_path), faces)


def test_image_folders_are_cached_and_changes_noticed(tmp_path, cache):
    folder = tmp_path / "train" / "sad"
    folder.mkdir(parents=True)
    for name in "ab":
        Image.new("L", (48, 48), 9).save(folder / f"{name}.png")
        set_age(folder / f"{name}.png", 60)
    assert len(load_faces("fer2013", tmp_path).train) == 2
    assert len(caches(cache)) == 1
    Image.new("L", (48, 48), 200).save(folder / "b.png")
    set_age(folder / "b.png", 30)
    assert load_faces("fer2013", tmp_path).train.images[1].unique().tolist() == [200]
    (folder / "a.png").unlink()
    assert len(load_faces("fer2013", tmp_path).train) == 1


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_a_file_name_that_is_not_unicode_can_be_read(tmp_path, cache):
    folder = tmp_path / "train" / "sad"
    folder.mkdir(parents=True)
    path = folder / os.fsdecode(b"caf\xe9.png")
    Image.new("L", (48, 48), 9).save(path)
    set_age(path, 60)
    assert len(load_faces("fer2013", tmp_path).train) == 1
    named = Path(shutil.copytree(tmp_path, tmp_path / os.fsdecode(b"f\xe9r")))
    assert len(load_faces("fer2013", named).train) == 1
    assert len(caches(cache)) == 2


def test_other_names_of_the_folders(tmp_path, faces):
    """Copies of the set call the folders otherwise, and a validation part is the public one."""
    other = ["anger", "disgusted", "fearful", "happiness", "sadness", "surprised", "neutral"]
    for part in ("train", "validation"):
        for number, name in enumerate(other):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            Image.fromarray(faces[0][number].reshape(48, 48)).save(folder / "0.png")
    splits = load_faces("fer2013", tmp_path)
    assert splits.test is None
    known = {image.tobytes(): number for number, image in enumerate(faces[0][:7])}
    for table in (splits.train, splits.val):
        assert sorted(table.labels.tolist()) == list(range(7))
        for image, label in zip(table.images, table.labels.tolist(), strict=True):
            assert known[image.numpy().tobytes()] == label
