"""Only files that really lie below a served folder are read, whatever they are called and whatever leads to
them.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import InputError, MrVideoError
from mrvideo.library import Library
from mrvideo.session.loading import load_index
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
        ("find_moments", {"query": "grey"}),
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
    with pytest.raises(InputError, match="no indexed video"):
        await served.call("find_moments", {"query": "picture"})
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


class SwappingBox(Toolbox):
    """A toolbox whose client swaps something right after a path was looked at, and before it is opened."""

    def file(self, video: str) -> str:
        found = super().file(video)
        for path, leads_to in SwappingBox.swaps:
            path.unlink()
            path.symlink_to(leads_to)
        return found

    swaps: list[tuple[Path, Path]] = []  # noqa: RUF012 - the toolbox is frozen


def swapping(folders: Path, *swaps: tuple[Path, Path]) -> Toolbox:
    SwappingBox.swaps = list(swaps)
    return SwappingBox(load_settings(library=folders / "library.db"), (folders / "inside",))


async def test_a_file_that_is_swapped_for_a_link_after_the_check_is_not_read(folders: Path) -> None:
    """The path was looked at, and opened later: whoever may write in the folder had any film of the
    operator's read out.
    """
    mine, secret = folders / "inside" / "mine.mp4", folders / "outside" / "secret.mp4"
    with pytest.raises(MrVideoError, match="leads outside the served folders"):
        await swapping(folders, (mine, secret)).call("index_video", {"video": "mine.mp4"})
    with closing(Library.open(folders / "library.db", create=False)) as library:
        assert library.videos() == ()


async def test_a_folder_that_is_swapped_for_a_link_after_the_check_is_not_read(folders: Path) -> None:
    deep = folders / "inside" / "deep"
    (deep / "secret.mp4").write_bytes((folders / "inside" / "mine.mp4").read_bytes())
    box = swapping(folders)
    moved = folders / "moved"

    def swap(video: str) -> str:
        found = Toolbox.file(box, video)
        deep.rename(moved)
        deep.symlink_to(folders / "outside")
        return found

    object.__setattr__(box, "file", swap)
    with pytest.raises(MrVideoError, match="leads outside the served folders"):
        await box.call("index_video", {"video": "deep/secret.mp4"})


async def test_an_index_is_not_told_by_a_file_that_is_swapped_between_the_checks(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was indexed elsewhere, by the operator, would be told to a client who lays a link at the right
    moment.
    """
    open_to_all = Toolbox(load_settings(library=folders / "library.db"))
    secret = folders / "outside" / "secret.mp4"
    await open_to_all.call("index_video", {"video": str(secret)})
    span = {"start_seconds": 0, "stop_seconds": 1}
    mine = folders / "inside" / "mine.mp4"
    content = mine.read_bytes()
    box = swapping(folders, (mine, secret))

    def load_and_swap_back(*args: Any) -> Any:
        found = load_index(*args)
        mine.unlink()
        mine.write_bytes(content)
        return found

    monkeypatch.setattr("mrvideo.tools.toolbox.load_index", load_and_swap_back)
    with pytest.raises(MrVideoError, match="was replaced while it was opened"):
        await box.call("read_scenes", {"video": "mine.mp4", **span})


async def test_subtitles_that_are_swapped_for_a_link_after_the_check_are_not_read(folders: Path) -> None:
    beside, notes = folders / "inside" / "mine.srt", folders / "outside" / "notes.srt"
    for path, word in ((beside, "harmless"), (notes, "swordfish")):
        path.write_text(f"1\n00:00:00,000 --> 00:00:02,000\n{word}\n")
    told = await swapping(folders, (beside, notes)).call("index_video", {"video": "mine.mp4"})
    assert told.output.cues == 0  # type: ignore[attr-defined]
    assert all(b"swordfish" not in path.read_bytes() for path in kept_files(folders))


def kept_files(folders: Path) -> list[Path]:
    return [path for path in folders.glob("library.db*") if path.is_file()]


async def test_a_hard_link_is_a_file_of_its_folder(folders: Path) -> None:
    """As documented: nothing tells which of its names was first."""
    (folders / "inside" / "hard.mp4").hardlink_to(folders / "outside" / "secret.mp4")
    told = await box(folders).call("index_video", {"video": "hard.mp4"})
    assert told.output.scenes > 0  # type: ignore[attr-defined]
