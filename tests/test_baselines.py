"""A network is only worth what it adds to these; a baseline that is measured wrongly flatters it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")
pytest.importorskip("skimage")

from fertutor import FaceSplits, FaceTable, InputError
from fertutor.cli import main
from fertutor.evaluation import reproductions
from fertutor.evaluation.baselines import BASELINES, fit_baseline, hog_features, lbp_features


def stripes(n, seed):
    """Faces that differ by the direction of their stripes: three classes that any method tells apart."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    waves = torch.stack([torch.sin(y * 0.8), torch.sin(x * 0.8), torch.sin((x + y) * 0.6)])[labels]
    noise = torch.randn(n, 48, 48, generator=generator)
    images = (128 + 60 * waves + 20 * noise).clamp(0, 255).to(torch.uint8)
    return FaceTable(images[:, None], labels)


@pytest.fixture(scope="module")
def splits():
    return FaceSplits("fer2013", stripes(90, 0), stripes(30, 1), None)


@pytest.mark.parametrize("name", BASELINES)
def test_each_method_learns_what_is_there_to_learn(splits, name):
    fitted = fit_baseline(name, splits.train)
    report = fitted.evaluate(splits.val)
    assert report.accuracy == 1
    assert report.n == 30
    assert report.confusion.shape == (7, 7)
    again = fit_baseline(name, splits.train)
    assert again.chosen == fitted.chosen
    assert torch.equal(again.predict(splits.val.images), fitted.predict(splits.val.images))


def test_the_setting_is_chosen_on_other_people(splits):
    """Two people whose faces show opposite things: by the other one no setting is right."""
    first, second = stripes(60, 0), stripes(60, 1)
    liar = FaceTable(second.images, (second.labels + 3) % 7)
    both = FaceTable(
        torch.cat([first.images, liar.images]),
        torch.cat([first.labels, liar.labels]),
        subjects=torch.arange(120) // 60,
    )
    assert max(fit_baseline("hog-svm", both, by_subject=True).searched.values()) == 0
    with pytest.raises(InputError, match="who is on them"):
        fit_baseline("hog-svm", splits.train, by_subject=True)
    with pytest.raises(InputError, match="people to hold out"):
        fit_baseline("hog-svm", both[:60], by_subject=True)


def test_patterns_are_counted_cell_by_cell(splits):
    from skimage.feature import local_binary_pattern

    face = splits.train.images[5]
    codes = local_binary_pattern(face[0].numpy(), 8, 2, "nri_uniform")
    cell = codes[8:16, 40:48]  # row 1, column 5
    counts = [int((cell == code).sum()) for code in range(59)]
    features = lbp_features(face[None])[0].reshape(6, 6, 59)
    assert np.allclose(features[1, 5] ** 2 * 64, counts, atol=1e-4)
    assert np.allclose((features**2).sum(-1), 1)


def test_a_division_by_people_is_an_option_and_on_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path / "cache"))
    command = ["baselines", "drawn-studio", "--method", "fisherfaces", "--by-subject", "--json"]
    assert main([*command, "--ledger", str(tmp_path / "results")]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["options"] == {"by_subject": True}
    (path,) = (tmp_path / "results").iterdir()
    assert path.name == "baseline-fisherfaces-drawn-studio-original-by-subject-val-1.json"


def test_feature_shapes(splits):
    assert hog_features(splits.train.images[:2]).shape == (2, 5 * 5 * 4 * 8)
    assert lbp_features(splits.train.images[:2]).dtype == np.float32


def test_the_command_records_each_method(splits, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fertutor.faces.catalogue.load_faces", lambda *_, **__: splits)
    assert main(["baselines", "fer2013", "--limit", "60", "--json", "--ledger", str(tmp_path)]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["network"]["kind"] for entry in entries] == list(BASELINES)
    recorded = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("*.json"))]
    assert sorted(recorded, key=str) == sorted(entries, key=str)
    for entry in entries:
        assert entry["train"]["n"] == entry["limit"] == 60
        assert entry["faces"]["fingerprint"] == splits.val.fingerprint()
        assert entry["accuracy"] == sum(row[i] for i, row in enumerate(entry["confusion"])) / entry["n"]
    # a quick look is no row of the page, and nothing that a division is compared with
    assert reproductions.page({str(n): entry for n, entry in enumerate(entries)}) == reproductions.page({})
    assert main(["baselines", "fer2013", "--method", "hog-svm", "--ledger", str(tmp_path)]) == 0
    assert "100.00%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--split", "test"], "has no test split"),
        (["--limit", "1000"], "from 1 to 90"),
        (["--limit", "9"], "needs 50"),
    ],
)
def test_bad_input_is_one_sentence(splits, words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fertutor.faces.catalogue.load_faces", lambda *_, **__: splits)
    assert main(["baselines", "fer2013", "--ledger", str(tmp_path), *words]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_unknown_method(splits):
    with pytest.raises(InputError, match="choose one of hog-svm"):
        fit_baseline("surf", splits.train)


def test_mistakes_stand_in_the_row_of_the_truth_and_all_faces_are_fitted_on(splits, monkeypatch):
    from sklearn.metrics import confusion_matrix
    from sklearn.svm import LinearSVC

    fitted_on = []
    fit = LinearSVC.fit
    monkeypatch.setattr(
        LinearSVC, "fit", lambda self, x, y, *more: (fitted_on.append(len(x)), fit(self, x, y, *more))[1]
    )
    fitted = fit_baseline("hog-svm", splits.train)
    assert fitted_on[-1] == len(splits.train)
    labels = splits.val.labels.clone()
    labels[:7] = 2  # some of them are wrong now, and to one side
    table = FaceTable(splits.val.images, labels)
    said = fitted.predict(table.images)
    confusion = fitted.evaluate(table).confusion
    assert confusion.tolist() == confusion_matrix(labels, said, labels=range(7)).tolist()
    assert not torch.equal(torch.as_tensor(confusion), torch.as_tensor(confusion).T)
