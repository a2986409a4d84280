"""What mrvideo makes is its owner's alone, whatever the umask; what is there already stays as it is, and
`doctor` says so.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mrvideo
from mrvideo.cli.app import run
from mrvideo.library import Library
from mrvideo.tracebacks import in_one_line

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights elsewhere")


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path: Path, film_maker: Callable[[Path, int], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    film_maker(tmp_path / "film.mp4", 2)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_a_library_and_all_beside_it_are_the_owners(folder: Path) -> None:
    """Captions, transcripts and answers of private films stood there for every user of the machine to read."""
    library = folder / "new" / "deep" / "library.db"
    mrvideo.index("film.mp4", library=library)
    with Library.open(library) as kept, kept.claim("x"):
        kept.put_cues(mrvideo.load("film.mp4", library=library).info.digest, (), origin="x")
        found = modes(folder / "new")
    assert {"deep/library.db", "deep/library.db-wal", "deep/library.db-shm"} <= found.keys()
    assert any(name.endswith(".lock") for name in found)
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o700
    for name, mode in found.items():
        assert mode == (0o700 if name in ("deep", "deep/library.db-claims") else 0o600), name


@pytest.mark.slow
def test_a_library_that_others_may_read_stays_so_and_doctor_tells(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A team may share one on purpose: its locks and side files then have the rights that it has."""
    library = folder / "library.db"
    mrvideo.index("film.mp4", library=library)
    capsys.readouterr()
    run(["doctor", "--library", str(library), "--json"])
    assert json.loads(capsys.readouterr().out)["library"]["open_to_others"] == []
    for path in [library, *folder.glob("library.db-*")]:
        path.chmod(0o775 if path.is_dir() else 0o664)
    for lock in (folder / "library.db-claims").iterdir():
        lock.unlink()
    mrvideo.index("film.mp4", library=library, fresh=True)
    assert modes(folder)["library.db"] == 0o664
    assert all(mode == 0o664 for name, mode in modes(folder).items() if name.endswith(".lock"))
    run(["doctor", "--library", str(library), "--json"])
    assert str(library) in json.loads(capsys.readouterr().out)["library"]["open_to_others"]
    run(["doctor", "--library", str(library)])
    told = capsys.readouterr().out
    assert f"chmod go= {library}" in told and "problem: " not in told


def test_logs_are_the_owners(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the paths and questions of a run, and tracebacks with what stood in them."""
    assert run(["--log-file", "logs/run.log", "list", "--library", "none.db"]) in (0, 1, 2)
    in_one_line(ValueError("x"), doing="a test")
    assert modes(folder)["logs"] == modes(folder)["state"] == modes(folder)["state/mrvideo"] == 0o700
    assert modes(folder)["logs/run.log"] == modes(folder)["state/mrvideo/errors.log"] == 0o600


def test_the_last_place_for_a_traceback_cannot_be_foreseen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the shared temporary folder others may lay a link under a name that they can guess, onto a file of
    yours.
    """
    shared, mine = folder / "shared", folder / "mine.txt"
    shared.mkdir()
    mine.write_text("precious")
    (shared / f"mrvideo-errors-{os.getpid()}.log").symlink_to(mine)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    (folder / "state").write_text("no folder can be made here")
    line = in_one_line(ValueError("x"))
    assert mine.read_text() == "precious"
    [log] = [path for path in shared.iterdir() if not path.is_symlink()]
    assert str(log) in line and stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_folder_that_is_there_keeps_its_rights(folder: Path) -> None:
    (folder / "there").mkdir(mode=0o755)
    mrvideo.index("film.mp4", library=folder / "there" / "library.db")
    assert modes(folder)["there"] == 0o755
    assert modes(folder)["there/library.db"] == 0o600
