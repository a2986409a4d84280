"""Only files that really lie below a served folder are read, whatever they are called and whatever leads to them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import InputError
from mrvideo.settings import load_settings
from mrvideo.tools.toolbox import Toolbox


@pytest.fixture
def folders(tmp_path: Path, write_film: Any) -> Path:
    """inside/ and second/ are served, outside/ is not."""
    for name in ("inside", "second", "outside"):
        (tmp_path / name / "deep").mkdir(parents=True)
    write_film(tmp_path / "outside" / "secret.mp4", seconds=3, hue=90)
    write_film(tmp_path / "inside" / "mine.mp4", seconds=3)
    shutil.copy(tmp_path / "inside" / "mine.mp4", tmp_path / "second" / "deep" / "other.mp4")
    (tmp_path / "inside" / "link.mp4").symlink_to(tmp_path / "outside" / "secret.mp4")
    (tmp_path / "inside" / "away").symlink_to(tmp_path / "outside")
    (tmp_path / "inside" / "across.mp4").symlink_to(tmp_path / "second" / "deep" / "other.mp4")
    (tmp_path / "inside" / "loop").symlink_to(tmp_path / "inside" / "loop")
    (tmp_path / "inside2").mkdir()
    shutil.copy(tmp_path / "outside" / "secret.mp4", tmp_path / "inside2" / "secret.mp4")
    return tmp_path


def box(folders: Path, **more: Any) -> Toolbox:
    settings = load_settings(library=folders / "library.db", **more)
    return Toolbox(settings, (folders / "inside", folders / "second"))


def test_files_below_a_root_are_found_from_any_root(folders: Path) -> None:
    served = box(folders)
    mine = str((folders / "inside" / "mine.mp4").resolve())
    other = str((folders / "second" / "deep" / "other.mp4").resolve())
    assert served.file("mine.mp4") == served.file("deep/../mine.mp4") == served.file(mine) == mine
    assert served.file("deep/other.mp4") == served.file("across.mp4") == other


@pytest.mark.parametrize(
    "name",
    [
        "../outside/secret.mp4",
        "deep/../../outside/secret.mp4",
        "{folders}/outside/secret.mp4",
        "{folders}/inside/../outside/secret.mp4",
        "{folders}/inside2/secret.mp4",
        "../inside2/secret.mp4",
        "link.mp4",
        "away/secret.mp4",
        "{folders}/inside/away/secret.mp4",
        "file://{folders}/outside/secret.mp4",
        "file://{folders}/inside/mine.mp4",
        "file:{folders}/outside/secret.mp4",
        "http://127.0.0.1/secret.mp4",
        "s3://bucket/secret.mp4",
        "concat:{folders}/outside/secret.mp4",
        "subfile,,start,0,end,0,,:{folders}/outside/secret.mp4",
        "C:\\Windows\\secret.mp4",
        "\\\\server\\share\\secret.mp4",
        "~/secret.mp4",
        "/etc/passwd",
        "loop",
        "loop/secret.mp4",
        "mine.mp4\0.txt",
        pytest.param("x" * 5000, id="long"),
        "",
        ".",
        "..",
        "/",
        "nothing.mp4",
    ],
)
def test_nothing_else_is(folders: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The working folder must not matter: here the secret lies in it.
    monkeypatch.chdir(folders / "outside")
    for wanted in (name.format(folders=folders), name.format(folders=folders).replace("outside/", "")):
        with pytest.raises(InputError) as caught:
            box(folders).file(wanted)
        assert "\n" not in str(caught.value)


async def test_every_tool_refuses_a_video_outside(folders: Path) -> None:
    served = box(folders)
    span = {"start_seconds": 0, "stop_seconds": 1}
    for name, more in [
        ("index_video", {}),
        ("video_status", {}),
        ("ask_video", {"question": "What is it?"}),
        ("search_video", {"words": "grey"}),
        ("read_scenes", span),
        ("list_entities", {}),
        ("look", {**span, "question": "What is it?"}),
    ]:
        with pytest.raises(InputError, match="outside the served folders"):
            await served.call(name, {"video": "../outside/secret.mp4", **more})
    assert not (folders / "library.db").exists()


async def test_a_video_that_was_indexed_from_outside_stays_untold(folders: Path) -> None:
    open_to_all = Toolbox(load_settings(library=folders / "library.db"))
    secret = await open_to_all.call("index_video", {"video": str(folders / "outside" / "secret.mp4")})
    assert (await open_to_all.call("search_video", {"words": "picture"})).output.hits  # type: ignore[attr-defined]
    served = box(folders)
    assert not (await served.call("search_video", {"words": "picture"})).output.hits  # type: ignore[attr-defined]
    for name in (secret.output.digest, secret.output.digest[:8]):  # type: ignore[attr-defined]
        with pytest.raises(InputError, match="outside the served folders"):
            await served.call("video_status", {"video": name})


async def test_subtitles_that_lead_outside_are_not_read(folders: Path) -> None:
    (folders / "outside" / "notes.srt").write_text(
        "1\n00:00:00,000 --> 00:00:02,000\nthe password is swordfish\n"
    )
    for name in ("mine.srt", "mine.en.srt"):
        beside = folders / "inside" / name
        beside.symlink_to(folders / "outside" / "notes.srt")
        with pytest.raises(InputError, match="leads outside"):
            await box(folders).call("index_video", {"video": "mine.mp4"})
        beside.unlink()
    shutil.copy(folders / "outside" / "notes.srt", folders / "inside" / "mine.srt")
    indexed = await box(folders).call("index_video", {"video": "mine.mp4"})
    assert indexed.output.cues == 1  # type: ignore[attr-defined]


async def test_an_unindexed_video_is_said_with_the_way_out(folders: Path) -> None:
    with pytest.raises(InputError, match="call index_video"):
        await box(folders).call("ask_video", {"video": "mine.mp4", "question": "What is it?"})
