"""Writing files: who loses a device, a link or a home folder to a result loses more than the result."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import SafetensorError

import fertutor
from fertutor import files
from fertutor.cli import main
from fertutor.commands.ledger_option import refuse_unwritable_ledger
from fertutor.errors import InputError
from fertutor.faces.cache import cache_folder
from fertutor.files import refuse_unwritable, replacing, write_new


def draw(out: Path | str) -> int:
    return main(["draw", "--expression", "happy", "--size", "48", "--out", str(out)])


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), SafetensorError("I/O error: No space left on device")]
)
def test_a_full_disk_keeps_the_old_file_and_is_named(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(OSError, match="No space left") as caught:
        fail()
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_anothers_hands_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a file that is being read cannot be replaced."""
    path, tries, replace = tmp_path / "result.txt", [], os.replace

    def refuse_twice(*paths: Path) -> None:
        tries.append(paths)
        if len(tries) < 3:
            raise PermissionError(13, "in use")
        replace(*paths)

    monkeypatch.setattr(os, "replace", refuse_twice)
    with pytest.raises(OSError, match=r"in use.*result\.txt"), replacing(path) as temporary:
        temporary.write_text("new")  # elsewhere a refusal is one
    assert len(tries) == 1
    monkeypatch.setattr(files, "WAITS", 3)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    old, new = (tmp_path / f".result.json.{pid}.tmp" for pid in (1, 2))
    for leftover in (old, new):
        leftover.write_text("half")
    os.utime(old, (0, 0))
    with replacing(tmp_path / "result.json") as temporary:
        temporary.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [new, tmp_path / "result.json"]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "face.png", tmp_path / "face.png"
    Image.new("L", (8, 8)).save(target)
    link.symlink_to(target)
    assert draw(link) == 0
    assert link.is_symlink()
    assert Image.open(target).size == (48, 48)
    assert [path.name for path in target.parent.iterdir()] == ["face.png"]


def test_without_links_an_interrupted_file_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise PermissionError

    def interrupted(path: Path) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "read_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "entry.json", "{}")
    assert not list(tmp_path.iterdir())


def test_a_new_file_goes_where_a_link_leads(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "elsewhere" / "entry.json")
    assert write_new(link, "{}")
    assert (tmp_path / "elsewhere" / "entry.json").read_text() == "{}"
    assert not write_new(link, "[]")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert draw(pipe) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fertutor: {pipe} cannot be read or written (it is no ordinary file)")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("out", ["", ".", "/"])
@pytest.mark.parametrize(
    "command",
    [
        ["draw", "--expression", "sad", "--out"],
        ["predict", "drawn", "photo.png", "--whole", "--annotated"],
        ["occlude", "drawn", "photo.png", "--whole", "--size", "24", "--out"],
    ],
)
def test_a_folder_is_no_picture(
    command: list[str],
    out: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (48, 48), 120).save("photo.png")
    assert main([*command, out]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"fertutor: {out or '.'} cannot be read or written (Is a directory)")


def test_the_file_is_synced_as_one_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to sync a file that was opened for reading."""
    fcntl = pytest.importorskip("fcntl")
    modes = []
    monkeypatch.setattr(os, "fsync", lambda file: modes.append(fcntl.fcntl(file, fcntl.F_GETFL)))
    with replacing(tmp_path / "result.json") as temporary:
        temporary.write_text("{}")
    assert [mode & os.O_ACCMODE for mode in modes] == [os.O_RDWR]


def test_a_tilde_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python gets it unexpanded, and so does a command in ``--out=~/face.png``."""
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))  # of Windows
    monkeypatch.chdir(here)
    network = fertutor.AttentionalCNN()
    fertutor.save_network(network, "~/own.safetensors")
    weights = fertutor.load_network("~/own.safetensors").state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert draw("~/face.png") == 0
    assert main(["predict", "drawn", "~/face.png", "--whole", "--annotated", "~/face.png"]) == 1
    assert "would replace the file of PHOTO" in capsys.readouterr().err
    assert main(["evaluate", "~/own.safetensors", "drawn-studio", "--ledger", "~/ledger"]) == 0
    assert len(list((home / "ledger").glob("evaluate-own-*.json"))) == 1
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "drawn"],
        ["compare", "drawn", "paper"],
        ["units", "drawn"],
        ["baselines"],
        ["search", "--over", "penalty=1e-6:1e-2"],
    ],
)
def test_a_ledger_that_cannot_be_written_is_noticed_before_the_work(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *words = command
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setattr(
        "fertutor.faces.catalogue.load_faces", lambda *_, **__: pytest.fail("faces were read")
    )
    assert main([name, *words, "drawn-studio", "--ledger", str(file / "ledger")]) == 1
    assert "ledger cannot be written to" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
@pytest.mark.parametrize("below", ["", "run"])
def test_a_link_that_leads_to_itself_is_noticed_before_the_work(below: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"cannot be written to \(Too many levels of symbolic links\)"):
        refuse_unwritable(tmp_path / "loop" / below)
    (tmp_path / "link").symlink_to(tmp_path / "later" / "run")  # one that leads to a new folder may be used
    refuse_unwritable(tmp_path / "link" / below)


def test_the_ledger_that_cannot_be_written_is_named_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="name another folder with --ledger, or check"):
        refuse_unwritable_ledger(tmp_path / "file")
    with pytest.raises(InputError, match="name another folder, or check"):
        refuse_unwritable(tmp_path / "file")


@pytest.mark.parametrize("home", ["~", "~nobody-of-this-name"])
def test_a_home_that_is_not_known_is_no_folder_of_that_name(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A container's user has none: results, and gigabytes of caches, went into a folder called ``~``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", str)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("FERTUTOR_CACHE", raising=False)
    assert draw(f"{home}/face.png") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{home}/face.png cannot be read or written (the home folder {home} is not known)" in line
    with pytest.raises(InputError, match=f"the home folder {home} is not known"):
        refuse_unwritable(Path(home, "run"))
    assert cache_folder().is_absolute() and "~" not in str(cache_folder())
    assert not list(tmp_path.iterdir())
    assert draw("~face.png") == 0  # an ordinary name, as in a shell
