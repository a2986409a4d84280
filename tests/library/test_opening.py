"""Opening: what cannot be used is said in one line, and is never overwritten."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, inspect
from sqlalchemy.engine import Engine
from support.threads import together

from mrvideo.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryLocked,
    LibraryTooNew,
)
from mrvideo.library import Library, schema
from mrvideo.records import Usage

RELEASED = sorted((Path(__file__).parent / "released").glob("*.db.gz"))


def _refusal(kind: type[LibraryError], path: Path, **options) -> str:
    """The one line with which opening fails; the file must be the same before and after."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(LibraryError) as caught:
        Library.open(path, **options)
    assert type(caught.value) is kind
    assert (path.read_bytes() if path.is_file() else None) == before
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_library_is_made_with_its_folder(path):
    Library.open(path).close()
    assert path.is_file()
    assert [p.name for p in path.parent.iterdir()] == ["library.db"]


def test_without_create_nothing_is_written_and_the_library_is_empty(path, index):
    with Library.open(path, create=False) as library:
        assert library.videos() == ()
        assert library.search("x") == ()
        assert not library.writable
        with pytest.raises(LibraryError, match="index a video first"):
            library.put_index(index())
        with pytest.raises(LibraryError):
            library.claim("k")
    assert not path.parent.exists()


@pytest.mark.slow
def test_opening_a_current_library_imports_no_migrations(path):
    """Alembic takes longer to import than any command should take to start."""
    Library.open(path).close()
    script = (
        "import sys; from mrvideo.library import Library; Library.open(sys.argv[1]).close(); "
        "raise SystemExit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, path]).returncode == 0


def test_an_empty_file_is_one_that_was_killed_while_it_was_made(path, index):
    path.parent.mkdir()
    path.touch()
    with Library.open(path) as library:
        library.put_index(index())


def test_a_folder_is_refused_and_the_message_names_a_file(tmp_path):
    assert str(tmp_path / "library.db") in _refusal(LibraryError, tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_before_anything_is_waited_for(tmp_path):
    """Whoever opened it waited for ever, for somebody to write."""
    os.mkfifo(tmp_path / "pipe.db")
    assert "pipe.db is a named pipe, no library" in _refusal(LibraryError, tmp_path / "pipe.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "pipe.db")
    assert "is a named pipe" in _refusal(LibraryError, tmp_path / "link.db")


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    _refusal(LibraryError, tmp_path / "file" / "library.db")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "content", [b"just text", b"SQLite format 3", b"\0" * 4096, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_what_is_no_library_is_left_alone(tmp_path, content):
    path = tmp_path / "library.db"
    path.write_bytes(content)
    _refusal(LibraryDamaged, path)


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photos (id INTEGER)")
    other.close()
    assert "another program" in _refusal(LibraryDamaged, path)


def test_a_library_of_a_newer_version_says_to_upgrade(path):
    Library.open(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    raw.close()
    assert "upgrade mrvideo" in _refusal(LibraryTooNew, path)


def test_a_library_damaged_at_its_root_is_left_alone(path, index):
    with Library.open(path) as library:
        library.put_index(index())
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    assert "nothing was changed" in _refusal(LibraryDamaged, path)


def test_damaged_pages_are_told_when_met_and_nothing_is_overwritten(path, index):
    with Library.open(path) as library:
        library.put_index(index(detailed="A long story. " * 20_000))
    content = bytearray(path.read_bytes())
    # The pages that hold what was kept lie behind those that describe the tables.
    behind = len(content) // 4
    content[behind:] = b"\x5a" * (len(content) - behind)
    path.write_bytes(content)
    with Library.open(path) as library:
        with pytest.raises(LibraryDamaged, match="nothing was changed"):
            library.latest_index(index().video.digest)
        with pytest.raises(LibraryDamaged):
            library.put_index(index())
    assert path.read_bytes() == content


def test_a_record_that_cannot_be_read_is_damage_not_a_traceback(path, index):
    with Library.open(path) as library:
        library.put_index(index())
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE scenes SET body = '{\"index\": -1}'")
    raw.close()
    with Library.open(path) as library:
        with pytest.raises(LibraryDamaged, match="cannot be read"):
            library.latest_index(index().video.digest)


def test_a_library_that_another_process_holds_is_locked_after_a_bounded_wait(path, video):
    with Library.open(path, busy_seconds=0.05) as library:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            assert library.videos() == (), "reading goes on"
            with pytest.raises(LibraryLocked, match="another process holds"):
                library.put_video(video())
        finally:
            other.rollback()
            other.close()
        library.put_video(video())


def test_a_full_disk_is_one_line_and_what_was_kept_stays(path, video):
    def small(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    event.listen(Engine, "connect", small)
    try:
        with Library.open(path) as library:
            library.put_video(video())
            with pytest.raises(LibraryFull, match="no space left"):
                library.put_reply("k", "x" * 400_000, model="m", prompt="p", usage=Usage())
            assert library.videos() == (video(),)
            assert library.get_reply("k") is None
    finally:
        event.remove(Engine, "connect", small)
    with Library.open(path) as library:
        library.put_reply("k", "x" * 400_000, model="m", prompt="p", usage=Usage())


@pytest.fixture
def tiny_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_disk_that_is_really_full_is_one_line(tiny_disk, video):
    path = tiny_disk / "library.db"
    with Library.open(path) as library:
        library.put_video(video())
        with pytest.raises(LibraryFull):
            for n in range(200):
                library.put_reply(str(n), "x" * 10_000, model="m", prompt="p", usage=Usage())
        assert library.videos() == (video(),)
        assert library.get_reply("0") is not None
    (tiny_disk / "filler").write_bytes(b"x" * max(0, shutil.disk_usage(tiny_disk).free))
    with pytest.raises(LibraryFull, match="no space left"):
        Library.open(tiny_disk / "new.db")


_AS_NOBODY = """
import os, sys
os.setgid(65534); os.setuid(65534)
from mrvideo.errors import LibraryError
from mrvideo.library import Library
from mrvideo.records import VideoInfo, Usage
try:
    with Library.open(sys.argv[1]) as library:
        print(len(library.videos()), len(library.search("waiters")), flush=True)
        library.put_reply("k", "{}", model="m", prompt="p", usage=Usage())
except LibraryError as error:
    print(type(error).__name__, error)
"""


def _as_nobody(path: Path) -> list[str]:
    """What a user without rights gets to see. Root may write anything, so a child gives up being root."""
    if os.getuid() != 0:
        pytest.skip("a user's rights can only be tried by root")
    script = "import mrvideo.library.store\n" + _AS_NOBODY
    for folder in path.parents:
        if folder.owner() == "root" and not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_library_without_the_right_to_write_is_read_and_not_written(path, index):
    with Library.open(path) as library:
        library.put_index(index())
    path.parent.chmod(0o755)
    path.chmod(0o644)
    before = path.read_bytes()
    read, refusal = _as_nobody(path)
    assert read == "1 1"
    assert refusal.startswith(f"LibraryReadOnly {path}: no right to write")
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["library.db"]


@pytest.mark.slow
def test_a_folder_without_the_right_to_write_gets_no_library(path):
    path.parent.mkdir()
    assert _as_nobody(path) == [
        f"LibraryReadOnly {path}: no right to write this library; allow it (chmod), or name another with --library"
    ]


def test_the_migrations_lead_to_the_tables_that_queries_see(path):
    Library.open(path).close()
    engine = create_engine(f"sqlite:///{path}")
    found = inspect(engine)

    def shape(columns) -> set[tuple[str, str, bool]]:
        return {(column["name"], str(column["type"]), column["nullable"]) for column in columns}

    for name, table in schema.metadata.tables.items():
        expected = [{"name": c.name, "type": c.type, "nullable": c.nullable} for c in table.columns]
        assert shape(found.get_columns(name)) == shape(expected), name
        assert {index["name"] for index in found.get_indexes(name)} == {index.name for index in table.indexes}
    own = {name for name in found.get_table_names() if "texts_fts" not in name} - {"alembic_version"}
    assert own == set(schema.metadata.tables)
    engine.dispose()


@pytest.mark.parametrize("file", RELEASED, ids=lambda file: file.name)
def test_a_library_of_every_released_schema_is_read_whole(tmp_path, file, index, answer):
    path = tmp_path / "library.db"
    path.write_bytes(gzip.decompress(file.read_bytes()))
    with Library.open(path) as library:
        digest = index().video.digest
        assert library.latest_index(digest) == index()
        assert library.answers(digest) == (answer(),)
        assert library.cues(digest) == index().cues
        assert library.part("p1") == '{"a": 1}'
        assert library.get_reply("r1") == '{"x": 1}'
        assert [hit.start_seconds for hit in library.search("waiters")] == [6.5]
        library.put_index(index("k2"))


def test_every_released_schema_is_tested():
    assert [int(file.name.split(".")[0]) for file in RELEASED] == list(range(1, schema.SCHEMA_VERSION + 1))


def test_a_migration_that_breaks_leaves_the_file_as_it_was(path, index, monkeypatch):
    from alembic import command

    Library.open(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 0")
    raw.close()
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(KeyboardInterrupt):
        Library.open(path)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_many_processes_may_make_the_same_library_at_once(path):
    script = "import sys; from mrvideo.library import Library; sys.stdin.read(1); Library.open(sys.argv[1]).close()"
    several = [
        subprocess.Popen([sys.executable, "-c", script, path], stdin=subprocess.PIPE) for _ in range(4)
    ]
    for process in several:
        process.communicate(b"x")
    assert [process.returncode for process in several] == [0, 0, 0, 0]
    assert Library.open(path).videos() == ()


def test_whoever_opens_while_another_makes_the_library_waits(path: Path) -> None:
    """It failed at once: SQLite waits for no writer where the journal's mode is changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryLocked, match="another process holds"):
        Library.open(path, busy_seconds=0.05)
    done = threading.Timer(0.1, other.rollback)
    done.start()
    Library.open(path).close()
    done.join()
    other.close()


def test_libraries_that_are_made_at_once_in_one_process_do_not_mix(tmp_path: Path) -> None:
    """Two users of a service who begin at the same moment: one's tables were built into the other's file."""
    paths = [tmp_path / f"{number}.db" for number in range(12)]
    assert together([lambda path=path: Library.open(path).close() for path in paths]) == []
    for path in paths:
        with Library.open(path, create=False) as library:
            assert library.search("anything") == () == library.kept()
