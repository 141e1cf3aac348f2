"""A user asks what a set holds before training on it: duplicates across splits flatter a network."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
import torch

from fertutor import FaceSplits, FaceTable, expressions
from fertutor.cli import main
from fertutor.commands import datasets
from fertutor.errors import InputError
from fertutor.faces import catalogue
from fertutor.faces.catalogue import FACE_SETS
from fertutor.faces.survey import copies, count_blank, survey


def table(values, labels):
    """Faces that differ in one pixel; value 0 is blank."""
    images = torch.zeros(len(values), 1, 48, 48, dtype=torch.uint8)
    images[:, 0, 5, 5] = torch.tensor(values, dtype=torch.uint8)
    return FaceTable(images, torch.tensor(labels))


@pytest.fixture
def splits():
    return FaceSplits(
        "fer2013",
        train=table([0, 1, 2, 1, 1, 3, 3], [0, 0, 1, 0, 5, 2, 2]),
        val=table([4, 1, 2], [6, 0, 3]),
        test=None,
        notes=("made up",),
    )


def test_a_picture_of_one_grey_is_blank_too():
    images = torch.full((2, 1, 48, 48), 90, dtype=torch.uint8)
    images[1, 0, 5, 5] = 91
    assert count_blank(FaceTable(images, torch.tensor([0, 1]))) == 1


def test_duplicates_and_blanks_are_counted(splits):
    figures = survey(splits)
    train = figures["splits"]["train"]
    assert train["duplicates"] == {"images": 2, "rows": 5, "with_different_labels": 1}
    assert train["blank"] == 1
    assert figures["splits"]["val"]["duplicates"] == {"images": 0, "rows": 0, "with_different_labels": 0}
    assert figures["across"] == {"train-val": {"images": 2, "rows": 6, "with_different_labels": 2}}
    assert figures["splits"]["val"]["counts"]["neutral"] == 1


def test_faces_that_were_learnt_can_be_left_out(splits, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(catalogue, "load_faces", lambda *args, **options: splits)
    command = ["evaluate", "paper", "fer2013", "--json", "--ledger", str(tmp_path)]
    assert copies(splits.val, splits.train).tolist() == [False, True, True]
    assert main(command) == main([*command, "--without-copies"]) == 0
    whole, rest = map(json.loads, capsys.readouterr().out.splitlines())
    assert (whole["n"], rest["n"]) == (3, 1)
    assert rest["faces"]["counts"]["neutral"] == 1 and rest["without_copies"] is True
    assert "without_copies" not in whole
    assert {path.stem.removeprefix("evaluate-paper-fer2013-original-val") for path in tmp_path.iterdir()} == {
        "-1",
        "-without-copies-1",
    }
    assert main([*command, "--without-copies", "--split", "train"]) == 1
    assert "choose --split val or test" in capsys.readouterr().err
    monkeypatch.setattr(catalogue, "load_faces", lambda *args, **options: replace(splits, train=None))
    assert main([*command, "--without-copies"]) == 1
    assert "no training faces to compare with" in capsys.readouterr().err


def test_words_and_json_tell_the_same(splits, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "survey_set", lambda name, root, labels: survey(splits))
    assert main(["datasets", "fer2013", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == survey(splits)
    assert main(["datasets", "fer2013"]) == 0
    words = capsys.readouterr().out
    assert "made up" in words
    assert "2 exact images are in both train and val (6 rows), 2 of them with different labels" in words
    assert "blank images: train 1, val 0" in words
    rows = [line.split() for line in words.splitlines()]
    assert ["train", "val"] in rows
    assert ["angry", "3", "1"] in rows and ["all", "7", "3"] in rows


def test_a_broken_file_of_votes_does_not_hide_the_sets_own_labels(splits, tmp_path, monkeypatch, capsys):
    def load(name, root, labels, **_):
        if labels != "original":
            raise InputError("fer2013new.csv is empty: fetch it again")
        return splits

    monkeypatch.setattr(catalogue, "load_faces", load)
    monkeypatch.setattr("fertutor.faces.fer2013.has_votes", lambda root: True)
    assert main(["datasets", "fer2013", "--root", str(tmp_path)]) == 0
    assert "FER+ is left out: fer2013new.csv is empty" in capsys.readouterr().out


def test_a_division_by_people_can_be_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FERTUTOR_CACHE", str(tmp_path))
    parts = []
    for option in ([], ["--by-subject"]):
        assert main(["datasets", "drawn-studio", "--json", *option]) == 0
        parts.append(json.loads(capsys.readouterr().out)["splits"])
    assert [{part["n"] for part in found.values()} for found in parts] == [{120, 23, 70}, {129, 21, 63}]
    assert main(["datasets", "drawn-wild", "--by-subject"]) == 1
    assert "no option of drawn-wild" in capsys.readouterr().err


def test_the_list_says_where_each_set_is_looked_for(tmp_path, monkeypatch, capsys):
    (tmp_path / "jaffe").mkdir()
    monkeypatch.setenv("FERTUTOR_DATA", str(tmp_path))
    assert main(["datasets", "--json"]) == 0
    sets = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(sets) == list(FACE_SETS)
    assert sets["jaffe"]["present"]
    assert sets["ckplus"]["root"] == str(tmp_path / "ckplus")
    assert not sets["ckplus"]["present"]
    assert main(["datasets"]) == 0
    assert f"{tmp_path / 'ckplus'} (not there)" in capsys.readouterr().out


def test_the_list_is_there_where_the_folder_may_not_be_looked_into(tmp_path, monkeypatch, capsys):
    stat = os.stat

    def refuse(path, **options):
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setenv("FERTUTOR_DATA", str(tmp_path))
    monkeypatch.setattr(os, "stat", refuse)
    assert main(["datasets"]) == 0
    assert f"{tmp_path / 'jaffe'} (not there)" in capsys.readouterr().out


def test_an_unknown_set_is_one_sentence(capsys):
    assert main(["datasets", "fer2014"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fertutor: no face set is called 'fer2014'")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("place", ["--root", "FERTUTOR_DATA"])
def test_the_home_of_nobody_is_a_folder_that_is_missing(place, monkeypatch, capsys):
    """Who forgets the slash of ~/data has named another user."""
    monkeypatch.setenv("FERTUTOR_DATA", "~nobody-of-this-name")
    root = ["--root", "~nobody-of-this-name/fer2013"] if place == "--root" else []
    assert main(["datasets", "fer2013", *root]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "~nobody-of-this-name/fer2013" in said


def test_the_words_of_each_set_are_those_of_its_makers():
    """Two that change places would mislead every number of the set, and no picture of ours would tell."""
    seven = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert list(expressions.EXPRESSIONS) == seven  # 0 to 6 of FER-2013
    contempt = [*seven, "contempt"]
    assert list(expressions.EXPRESSIONS_WITH_CONTEMPT) == contempt
    plus = "neutral happiness surprise sadness anger disgust fear contempt unknown NF"
    assert " ".join(expressions.FERPLUS_COLUMNS) == plus  # the header of fer2013new.csv
    words = {"anger": "angry", "happiness": "happy", "sadness": "sad", "joy": "happy"}
    assert expressions.FERPLUS_LABELS == {word: words.get(word, word) for word in plus.split()[:8]}
    ferg = ["anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"]
    assert expressions.FERG_LABELS == {word: words.get(word, word) for word in ferg}
    assert expressions.JAFFE_LABELS == {word[:2].upper(): word for word in seven}
    ckplus = ["neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"]
    assert expressions.CKPLUS_LABELS == dict(enumerate(ckplus))
