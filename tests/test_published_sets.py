"""CK+, JAFFE and FERG in exactly their published layouts: without these, who has waited weeks for a
licence would get a traceback, the wrong label, or a face cut out beside the face."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import forbid
from PIL import Image

from fertutor import InputError, draw_faces, load_faces
from fertutor.expressions import EXPRESSIONS, EXPRESSIONS_WITH_CONTEMPT, PROTOTYPES
from fertutor.faces import ckplus, ferg, jaffe
from fertutor.faces.drawn import prototype
from fertutor.faces.drawn.characters import cast
from fertutor.faces.lookalikes import write_ckplus, write_ferg, write_jaffe
from fertutor.faces.many import read_faces
from fertutor.faces.protocol import Protocol, divide
from fertutor.faces.table import FaceTable

NAMES = ("ckplus", "jaffe", "ferg")
PROTOCOLS = {"ckplus": ckplus.PROTOCOL, "jaffe": jaffe.PROTOCOL, "ferg": ferg.PROTOCOL}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One tree of each set, never changed."""
    folder = tmp_path_factory.mktemp("sets")
    return {
        "ckplus": write_ckplus(folder / "ckplus", people=4, sequences=9),
        "jaffe": write_jaffe(folder / "jaffe", each=10),
        "ferg": write_ferg(folder / "ferg", each=2),
    }


@pytest.fixture
def trees(originals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Copies that a test may spoil, and a cache of its own."""
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path / "cache"))
    return {name: Path(shutil.copytree(root, tmp_path / name)) for name, root in originals.items()}


def whole(name: str, root: Path, **options: object) -> FaceTable:
    """All faces of a set, its parts one after the other."""
    parts = load_faces(name, root=root, **options).parts().values()
    return FaceTable(
        torch.cat([part.images for part in parts]),
        torch.cat([part.labels for part in parts]),
        subjects=torch.cat([part.subjects for part in parts if part.subjects is not None]),
        classes=next(iter(parts)).classes,
    )


def people_of(table: FaceTable) -> torch.Tensor:
    """The subjects, which every published set but FER-2013 has."""
    assert table.subjects is not None
    return table.subjects


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by_subject", [False, True])
def test_every_image_is_in_exactly_one_part(trees, name, by_subject):
    splits = load_faces(name, root=trees[name], by_subject=by_subject)
    n = {"ckplus": 4 * 6, "jaffe": 70, "ferg": 84}[name]  # of CK+, seven labels without contempt
    assert sum(len(part) for part in splits.parts().values()) == n
    assert len(splits.parts()) == 3
    assert any(f"here are {n}" in note for note in splits.notes)


@pytest.mark.parametrize("name", NAMES)
def test_a_split_by_subject_leaves_nobody_in_two_parts(trees, name):
    parts = load_faces(name, root=trees[name], by_subject=True).parts().values()
    people = [set(part.subjects.tolist()) for part in parts]
    assert sum(map(len, people)) == len(set.union(*people))
    random = load_faces(name, root=trees[name]).parts().values()
    people = [set(part.subjects.tolist()) for part in random]
    met, everybody = len(set.intersection(*people)), len(set.union(*people))
    notes = load_faces(name, root=trees[name]).notes
    assert any(f"{met} of {everybody} people are in all three parts" in note for note in notes)
    assert sum(map(len, people)) > len(set.union(*people))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_parts_and_another_seed_others(trees, name):
    first, again, other = (load_faces(name, root=trees[name], seed=seed) for seed in (3, 3, 4))
    assert first.test.fingerprint() == again.test.fingerprint()
    assert first.test.fingerprint() != other.test.fingerprint()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_seed_is_refused(trees, name):
    with pytest.raises(InputError, match="a seed is a whole number from 0 to 4294967295, not 'a'"):
        load_faces(name, root=trees[name], seed="a")


@pytest.mark.parametrize("name", NAMES)
def test_the_cache_gives_what_the_files_give_and_sees_a_changed_file(trees, name, monkeypatch):
    monkeypatch.setattr("fertutor.faces.cache.SETTLED_NS", 0)
    first, again = whole(name, trees[name]), whole(name, trees[name])
    assert first.fingerprint() == again.fingerprint()
    path = next(path for path in sorted(trees[name].rglob("*")) if path.suffix in (".png", ".tiff", ".tif"))
    paths = [path] if name != "ckplus" else sorted(path.parent.glob("*.png"))
    for path in paths:
        with Image.open(path) as picture:
            blank = Image.new("L", picture.size, 77)
        blank.save(path)
    changed = whole(name, trees[name])
    assert int((changed.images.flatten(1) == 77).all(1).sum()) == 1


@pytest.mark.parametrize("name", ["jaffe", "ferg"])
def test_the_test_part_has_as_many_of_each_expression(trees, name):
    test = load_faces(name, root=trees[name]).test
    assert test is not None
    counts = test.counts()
    assert len(set(counts.values())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_full_set_is_divided_in_the_papers_sizes(name):
    protocol = PROTOCOLS[name]
    labels = torch.arange(protocol.n) % 7
    table = FaceTable(torch.zeros(protocol.n, 1, 48, 48, dtype=torch.uint8), labels, subjects=labels)
    splits = divide(name, table, protocol)
    assert splits.train is not None
    assert splits.val is not None
    assert splits.test is not None
    assert (len(splits.train), len(splits.val), len(splits.test)) == (
        protocol.train,
        protocol.val,
        protocol.test,
    )
    if protocol.level_test:
        assert set(splits.test.counts().values()) == {protocol.test // 7}


def test_labels_are_the_drawn_expressions(trees):
    """The label comes from the file's name; the picture must be that person's with that expression."""
    table = whole("jaffe", trees["jaffe"])
    happy = table[table.labels == EXPRESSIONS.index("happy")]
    # a 256 x 256 enlargement, averaged down again, is nearly the drawn face
    drawn = draw_faces(dict.fromkeys(PROTOTYPES["happy"], 1.0), people=range(10))
    read = happy.images[people_of(happy).argsort()].float() / 255
    assert float((read - drawn).abs().mean()) < 0.02
    sad = draw_faces(dict.fromkeys(PROTOTYPES["sad"], 1.0), people=range(10))
    assert float((read - drawn).abs().mean()) < float((read - sad).abs().mean())


def test_jaffe_reads_names_in_any_case_and_suffix(trees):
    names = [path.name for path in trees["jaffe"].iterdir()]
    assert any(name.islower() for name in names)
    assert any(name.endswith(".tif") for name in names)
    assert whole("jaffe", trees["jaffe"]).counts() == dict.fromkeys(EXPRESSIONS, 10)


def test_jaffe_passes_over_what_is_hidden(trees):
    before = whole("jaffe", trees["jaffe"]).fingerprint()
    (trees["jaffe"] / ".ipynb_checkpoints").mkdir()
    (trees["jaffe"] / ".ipynb_checkpoints" / "KA-checkpoint.tiff").write_bytes(b"a copy")
    (trees["jaffe"] / "._KA.AN1.39.tiff").write_bytes(b"what macOS writes beside an image")
    assert whole("jaffe", trees["jaffe"]).fingerprint() == before


def test_grey_files_are_turned_as_their_exif_says(tmp_path):
    upright = Image.fromarray(np.arange(48 * 48, dtype=np.uint16).reshape(48, 48).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    paths = [tmp_path / "plain.png", tmp_path / "turned.png"]
    upright.save(paths[0])
    upright.transpose(Image.Transpose.ROTATE_90).save(paths[1], exif=exif)
    plain, turned = read_faces(paths, "reading")
    assert torch.equal(plain[0], torch.from_numpy(np.array(upright)))
    assert torch.equal(turned, plain)


def test_ckplus_crops_by_the_landmarks(trees):
    """The lookalike's eyes are placed so that the crop is the drawn face."""
    table = whole("ckplus", trees["ckplus"])
    surprise = table[table.labels == EXPRESSIONS.index("surprise")]
    drawn = draw_faces(dict.fromkeys(PROTOTYPES["surprise"], 1.0), people=range(4))
    read = surprise.images[people_of(surprise).argsort()].float() / 255
    assert float((read - drawn).abs().mean()) < 0.02
    assert sorted(people_of(surprise).tolist()) == [5, 6, 7, 8]


def test_ckplus_contempt_is_dropped_or_the_eighth_class(trees):
    dropped, kept = (whole("ckplus", trees["ckplus"], contempt=value) for value in ("drop", "keep"))
    assert (dropped.classes, kept.classes) == (7, 8)
    assert kept.counts()["contempt"] == len(kept) - len(dropped) == 4
    assert set(kept.counts()) == set(EXPRESSIONS_WITH_CONTEMPT)
    with pytest.raises(InputError, match="contempt must be one of drop, keep"):
        load_faces("ckplus", root=trees["ckplus"], contempt="merge")


def test_the_label_of_ckplus_is_about_the_frame_that_it_names(trees):
    root = trees["ckplus"]
    label = min((root / ckplus.EMOTIONS).glob("*/*/*_emotion.txt"))
    folder = root / ckplus.IMAGES / label.parent.relative_to(root / ckplus.EMOTIONS)
    apex = folder / label.name.replace("_emotion.txt", ".png")
    before = whole("ckplus", root).fingerprint()
    later = apex.with_name(apex.name.replace(apex.stem[-8:], f"{int(apex.stem[-8:]) + 1:08}"))
    later.write_bytes(min(folder.glob("*.png")).read_bytes())  # a frame more, at rest
    assert whole("ckplus", root).fingerprint() == before
    apex.unlink()
    notes = load_faces("ckplus", root=root).notes
    assert any("labels of 1 sequences name a frame that is not there" in note for note in notes)


def test_ckplus_all_sequences_takes_first_frames_as_neutral(trees):
    """Of the sequences without a label, only the first frame's expression is known."""
    labelled, everything = (whole("ckplus", trees["ckplus"], sequences=value) for value in ckplus.SEQUENCES)
    assert len(everything) == len(labelled) + 4 * 2
    assert everything.counts()["neutral"] == 8
    neutral = everything[everything.labels == EXPRESSIONS.index("neutral")]
    people, seen = people_of(neutral) - 5, neutral.images.float() / 255
    rest = draw_faces({}, people=people)
    # nearer to the face at rest than half way to what the last frames of those sequences show
    for last in ("angry", "disgust"):
        acted = draw_faces(prototype(last), people=people)
        distances = ((seen - face).abs().mean((1, 2, 3)) for face in (rest, acted))
        near, far = distances
        assert (near < far / 2).all(), last


def test_the_crop_of_ckplus_is_as_wide_and_as_high_as_said():
    """2.3 distances of the eyes wide, the eyes at 38 % of its height: what the reader's text promises."""
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = (100, 200), (160, 200)
    across = np.arange(600) // 3
    level = Image.fromarray(np.tile(across.astype(np.uint8), (600, 1)))
    face = ckplus.crop_by_landmarks(level, points)[0].float()
    assert face[:, 0].mean() == pytest.approx((130 - 1.15 * 60) / 3, abs=1.5)
    assert face[:, -1].mean() == pytest.approx((130 + 1.15 * 60) / 3, abs=1.5)
    upright = Image.fromarray(np.tile((np.arange(600) // 3).astype(np.uint8)[:, None], (1, 600)))
    face = ckplus.crop_by_landmarks(upright, points)[0].float()
    assert face[0].mean() == pytest.approx((200 - 0.38 * 138) / 3, abs=1.5)
    assert face[-1].mean() == pytest.approx((200 + 0.62 * 138) / 3, abs=1.5)


def test_the_people_of_ferg_are_its_characters(tmp_path, monkeypatch):
    """Who deals "by people" must not deal by expression."""
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path / "cache"))
    table = whole("ferg", write_ferg(tmp_path / "ferg", each=1, odd=False))
    subjects = people_of(table)
    for label, name in enumerate(EXPRESSIONS):
        rows = table.labels == label
        assert sorted(subjects[rows].tolist()) == list(range(6))
        drawn = draw_faces(prototype(name), people=cast()[subjects[rows]])
        assert float((table.images[rows].float() / 255 - drawn).abs().mean()) < 0.02


def test_ckplus_beyond_the_edge_repeats_the_edge():
    from fertutor.faces.ckplus import crop_by_landmarks

    grey = Image.fromarray(np.tile(np.linspace(50, 200, 100).astype(np.uint8), (100, 1)))
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = (5, 20), (45, 20)
    face = crop_by_landmarks(grey, points)
    assert int(face.min()) == 50
    assert not bool((face == 0).any())


def test_ckplus_without_landmarks_searches_the_face(trees):
    pytest.importorskip("cv2")
    data = pytest.importorskip("skimage.data")
    root = trees["ckplus"]
    frame = root / "cohn-kanade-images/S005/001/S005_001_00000004.png"
    Image.fromarray(data.astronaut()).save(frame)
    mark = root / "Landmarks/S005/001/S005_001_00000004_landmarks.txt"
    mark.unlink()
    assert len(whole("ckplus", root)) == 24
    Image.new("L", (640, 490), 90).save(frame)
    with pytest.raises(InputError, match=r"S005_001_00000004\.png has no landmarks and no face is found"):
        whole("ckplus", root)


def test_ferg_transparent_parts_are_white(trees):
    with Image.open(trees["ferg"] / "aia/aia_anger/aia_anger_1.png") as picture:
        assert picture.mode == "RGBA"
    table = whole("ferg", trees["ferg"])
    assert int((table.images[:, 0, :6, :6] == 255).flatten(1).all(1).sum()) == 1


def test_sets_are_found_one_folder_down(trees, tmp_path):
    for name, inner in (("ckplus", "CK+"), ("ferg", "FERG_DB_256"), ("jaffe", "jaffedbase")):
        outer = tmp_path / f"outer-{name}"
        shutil.copytree(trees[name], outer / inner)
        assert whole(name, outer).fingerprint() == whole(name, trees[name]).fingerprint()


def spoil_text(path: str, text: str):
    return lambda root: (root / path).write_text(text)


def rename(old: str, new: str):
    return lambda root: (root / old).rename(root / new)


def remove(path: str):
    return lambda root: shutil.rmtree(root / path)


EMOTION = "Emotion/S005/001/S005_001_00000004_emotion.txt"
MARKS = "Landmarks/S005/001/S005_001_00000004_landmarks.txt"
BAD = [
    ("ckplus", remove("cohn-kanade-images"), "holds no CK+"),
    ("ckplus", remove("Emotion"), "has no labels"),
    ("ckplus", spoil_text(EMOTION, ""), "S005_001_00000004_emotion.txt holds ''"),
    ("ckplus", spoil_text(EMOTION, "angry"), "holds 'angry'"),
    ("ckplus", spoil_text(EMOTION, "9.0"), "from 0 to 7"),
    ("ckplus", spoil_text(EMOTION, "nan"), "from 0 to 7"),
    ("ckplus", spoil_text(MARKS, "1 2\n3 4\n"), "does not hold 68 points"),
    ("ckplus", spoil_text(MARKS, "nan " * 136), "does not hold 68 points"),
    ("ckplus", spoil_text(MARKS, "1e300 " * 136), "an eye is outside of the picture"),
    ("ckplus", spoil_text(MARKS, "-5 " * 136), "an eye is outside of the picture"),
    ("ckplus", spoil_text(MARKS, "20 " * 136), "both eyes are in one place"),
    ("ckplus", spoil_text("cohn-kanade-images/S006/001/S006_001_00000004.png", "no"), "not an image"),
    ("jaffe", spoil_text("KA.XX1.3.tiff", ""), "KA.XX1.3.tiff is not named like JAFFE's"),
    ("jaffe", spoil_text("KM.AN1.3.tif", ""), "same image"),
    ("jaffe", spoil_text("KM.AN1.3.tiff", ""), "is empty"),
    ("ferg", rename("ray/ray_joy", "ray/ray_happy"), "ray_happy is not named like ray_anger"),
    ("ferg", rename("ray/ray_joy", "ray/mery_joy"), "mery_joy is not named like ray_anger"),
    ("ferg", spoil_text("ray/ray_joy/ray_joy_1.png", "x"), "ray_joy_1.png is not an image"),
]


@pytest.mark.parametrize(("name", "spoil", "words"), BAD, ids=[f"{n}-{w[:24]}" for n, _, w in BAD])
def test_what_is_wrong_is_said_in_one_sentence(trees, name, spoil, words):
    spoil(trees[name])
    with pytest.raises(InputError) as caught:
        load_faces(name, root=trees[name])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("jaffe", ""),
        ("jaffe", "below"),
        ("ckplus", "cohn-kanade-images/S005"),
        ("ckplus", "cohn-kanade-images/S005/001"),
        ("ckplus", "Emotion/S005/001"),
        ("ferg", "aia/aia_joy"),
    ],
)
def test_a_folder_that_may_not_be_read_is_named(trees, name, folder, monkeypatch):
    """Its faces would be left out in silence."""
    closed = trees[name] / folder
    closed.mkdir(exist_ok=True)
    forbid(closed, monkeypatch)
    with pytest.raises(InputError, match=f"^{name} cannot be read: {closed}: Permission denied"):
        load_faces(name, root=trees[name])


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_folder_says_what_belongs_there(name, tmp_path):
    with pytest.raises(InputError, match="holds no"):
        load_faces(name, root=tmp_path)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_images_are_refused(n):
    table = FaceTable(
        torch.zeros(n, 1, 48, 48, dtype=torch.uint8),
        torch.zeros(n, dtype=torch.int64),
        subjects=torch.zeros(n, dtype=torch.int64),
    )
    with pytest.raises(InputError, match="too few"):
        divide("jaffe", table, Protocol(1, 1, 70, level_test=True))
    with pytest.raises(InputError, match=r"too few|cannot be divided by people"):
        divide("ckplus", table, Protocol(4, 3, 3, level_test=False), people=True)
