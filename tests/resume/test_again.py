"""The second run does what is missing and nothing else: retries, invalidation, two at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from mrvideo.library import Library
from mrvideo.media.identity import digest_of

QUESTION = "Which colours are the walls?"


def _kinds(server, since: int) -> Counter[str]:
    return Counter(asked.schema_name for asked in server.asked[since:])


def test_a_second_index_and_a_second_ask_call_nothing(commands, film, server):
    assert commands.run("index", film, "--quiet").code == 0
    first = commands.run("ask", film, QUESTION, "--json", "--quiet")
    before = server.calls
    assert commands.run("index", film, "--quiet").code == 0
    second = commands.run("ask", film, QUESTION, "--json", "--quiet")
    assert server.calls == before
    unlike = {"usage"}
    one, other = json.loads(first.output), json.loads(second.output)
    assert {k: v for k, v in one.items() if k not in unlike} == {
        k: v for k, v in other.items() if k not in unlike
    }


def test_failed_clips_are_listed_named_as_unseen_and_alone_tried_again(commands, film, server, model):
    """A clip that fails must be seen to have failed: by status, by every answer, until it is mended."""
    model.broken = lambda asked: (
        asked.schema_name == "CaptionClipReply"
        and any(label.startswith("12.00") for label, _ in asked.pictures)
    )
    assert commands.run("index", film, "--quiet").code == 1
    status = json.loads(commands.run("status", film, "--json").output)
    assert [(f["start_seconds"], f["stop_seconds"]) for f in status["failures"]] == [(12.0, 14.0)]
    assert all(failure["reason"] for failure in status["failures"])
    answer = json.loads(commands.run("ask", film, QUESTION, "--json", "--quiet").output)
    assert [(u["start_seconds"], u["stop_seconds"]) for u in answer["unseen"]] == [(12.0, 14.0)]
    # The plan looks at 11 to 14 s, so the answer may hang on what nobody saw.
    assert "Not seen, though the answer may lie there: 0:12.0–0:14.0" in answer["searched"]
    told = commands.run("ask", film, QUESTION, "--quiet").output
    assert "not seen: 0:12.0–0:14.0" in told
    assert "Not seen, though the answer may lie there" in told

    model.broken = lambda asked: False
    before = len(server.asked)
    assert commands.run("index", film, "--quiet").code == 0
    assert _kinds(server, before)["CaptionClipReply"] == 1
    assert _kinds(server, before)["CharactersReply"] == 0
    assert json.loads(commands.run("status", film, "--json").output)["failures"] == []
    mended = json.loads(commands.run("ask", film, QUESTION, "--json", "--quiet").output)
    assert mended["unseen"] == []


@pytest.mark.parametrize(
    ("name", "value", "again"),
    [
        # Six seconds fit the two stretches too, so who appears in them is kept, and so are the frames that
        # show them.
        ("MRVIDEO_CLIP_SECONDS", "6", {"CaptionClipReply"}),
        # The sharpest frame of a shot is another one.
        ("MRVIDEO_FRAMES_PER_SECOND", "1", {"CaptionClipReply", "CharactersReply"}),
        ("MRVIDEO_VISION", "openai:other-vlm", {"CaptionClipReply", "CharactersReply", "LinkCastReply"}),
    ],
)
def test_what_hangs_on_a_changed_setting_is_redone_and_the_rest_is_kept(
    commands, film, server, contents, name, value, again
):
    server.models = ("test-vlm", "other-vlm")
    library = commands.folder / ".mrvideo" / "library.db"
    commands.run("ask", film, QUESTION, "--quiet")
    old = contents(library, film)
    before = len(server.asked)
    commands.environment = {**commands.environment, name: value}
    assert commands.run("index", film, "--quiet").code == 0
    assert set(_kinds(server, before)) == again
    with Library.open(library) as kept:
        digest = digest_of(film)
        assert len(kept.answers(digest)) == 1
        first = old["index"]
        assert kept.index(digest, first.key).scenes == first.scenes, "the index before stays readable"
        assert kept.answers(digest)[0].settings["index"] == first.key
    # And back again: all of it is still there.
    before = len(server.asked)
    back = {"MRVIDEO_VISION": "openai:test-vlm"}.get(name, "2")
    commands.environment = {**commands.environment, name: back}
    assert commands.run("index", film, "--quiet").code == 0
    assert len(server.asked) == before


def _start(commands, *arguments) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mrvideo", *map(str, arguments)],
        cwd=commands.folder,
        env={**os.environ, **commands.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_processes_on_the_same_video_pay_once_and_both_end_right(commands, film, server, model, contents):
    library = commands.folder / "undisturbed.db"
    assert commands.run("index", film, "--library", library, "--quiet").code == 0
    once, expected = model.asked.total(), contents(library, film)
    model.asked.clear()
    first = _start(commands, "index", film)
    second = _start(commands, "index", film)
    outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert model.asked.total() == once
    found = contents(commands.folder / ".mrvideo" / "library.db", film)
    assert found["index"] == expected["index"]
    assert found["replies"] == expected["replies"]


def test_two_processes_on_two_videos_share_one_library(commands, film, tmp_path, contents):
    other = tmp_path / "other.mp4"
    other.write_bytes(film.read_bytes() + b"\0" * 16)
    processes = [_start(commands, "index", path) for path in (film, other)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    library = commands.folder / ".mrvideo" / "library.db"
    for path in (film, other):
        assert len(contents(library, path)["index"].scenes) == 12


def test_worker_processes_find_the_same_as_threads(commands, film, contents):
    for name, arguments in {"threads.db": (), "workers.db": ("--workers", "2")}.items():
        ended = commands.run("index", film, "--library", commands.folder / name, "--quiet", *arguments)
        assert ended.code == 0, ended.output
    threads, workers = (contents(commands.folder / name, film) for name in ("threads.db", "workers.db"))
    assert threads["index"].scenes == workers["index"].scenes
    assert threads["index"].entities == workers["index"].entities
    assert threads["index"].shots == workers["index"].shots
    # What workers were told is kept, and under the same keys: the next run finds it, however it runs.
    assert threads["replies"] == workers["replies"] != {}


def test_a_folder_is_indexed_though_some_of_its_files_are_broken(commands, film, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    content = film.read_bytes()
    for number in range(4):
        # Each a video of its own: a box that readers skip makes the content differ.
        (folder / f"{number}.mp4").write_bytes(
            content + (9 + number).to_bytes(4, "big") + b"free" + bytes(number + 1)
        )
    (folder / "cut.mp4").write_bytes(content[: len(content) // 3])
    (folder / "text.mp4").write_text("not a video")
    (folder / "empty.mp4").touch()
    ended = commands.run("index", folder)
    assert ended.code == 1, ended.output
    assert "Traceback" not in ended.output
    assert ended.output.count("videos: 7 of 7") == 1, "one bar for them all"
    assert "caption:" not in ended.output
    assert all(name in ended.output for name in ("cut.mp4", "text.mp4", "empty.mp4"))
    with Library.open(commands.folder / ".mrvideo" / "library.db", create=False) as library:
        assert len(library.videos()) == 4
        assert all(library.latest_index(info.digest) for info in library.videos())


def test_worker_processes_share_the_budget_and_never_pass_it(commands, film, model):
    """They cannot ask for each call: unbounded, a bill could grow with the number of workers."""
    stopped = commands.run("index", film, "--workers", "2", "--max-tokens", "10", "--quiet")
    assert stopped.code == 1
    assert "max_tokens 10 would be passed by the next call (0 taken)" in stopped.output
    assert model.asked.total() == 0
    stopped = commands.run("index", film, "--workers", "2", "--max-tokens", "12000", "--quiet")
    assert stopped.code == 1
    told = re.search(r"max_tokens 12000 would be passed by the next call \((\d+) taken\)", stopped.output)
    assert told is not None, stopped.output
    assert 0 < int(told[1]) <= 12_000
    assert model.asked.total() > 0
    done = commands.run("index", film, "--workers", "1", "--quiet")
    assert done.code == 0, done.output
