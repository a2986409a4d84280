"""The main road, from the command line: index, ask, search, show, export."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.films import part_of

from mrvideo.library import Library
from mrvideo.session.embedding import planned_frames

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def at_home(mrvideo: Run, indexed_demo: Path) -> Run:
    """The working folder holds talk.mp4, talk.srt and their index."""
    shutil.copytree(indexed_demo, mrvideo.folder, dirs_exist_ok=True)  # type: ignore[attr-defined]
    return mrvideo


def ask(run: Run, question: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = run("ask", "talk.mp4", question, "--json", "--quiet", *arguments)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_an_answer_holds_every_promised_field(at_home: Run) -> None:
    code, answer = ask(at_home, "What is written on the ferry?")
    assert code == (0 if answer["answer"] else 1)
    assert isinstance(answer["verified"], bool)
    assert answer["confidence"] in range(1, 6)
    assert set(answer["usage"]) >= {"calls", "input_tokens", "output_tokens", "images", "seconds", "cost"}
    assert answer["models"] == {"vision": "offline", "text": "offline"}
    assert answer["question"] == "What is written on the ferry?"
    assert answer["unseen"] == []
    for evidence in answer["evidence"]:
        assert 0 <= evidence["start_seconds"] <= evidence["stop_seconds"]
        assert evidence["source"] in ("caption", "cue", "frame")
        assert evidence["quote"]


def test_what_the_video_does_not_hold_is_not_found(at_home: Run) -> None:
    code, answer = ask(at_home, "When is the word XYLOPHONE QUARTZ shown?")
    assert (code, answer["answer"], answer["choice"], answer["evidence"]) == (1, None, None, [])
    assert answer["searched"]


def test_a_forced_choice_without_evidence_is_marked_as_a_guess(at_home: Run) -> None:
    _, answer = ask(
        at_home, "Which word is shown?", "--option", "QUIXOTIC", "--option", "ZEPPELIN", "--must-choose"
    )
    assert answer["choice"] in (0, 1)
    assert answer["guessed"] is True
    assert answer["confidence"] == 1


def test_the_same_content_under_another_name_is_known(at_home: Run) -> None:
    folder: Path = at_home.folder  # type: ignore[attr-defined]
    (folder / "talk.mp4").rename(folder / "renamed.mp4")
    (folder / "talk.srt").unlink()
    done = at_home("index", "renamed.mp4", "--json")
    summary = json.loads(done.stdout)
    assert done.returncode == 0
    assert summary["videos"][0]["video"].endswith("renamed.mp4")
    assert "captions" not in done.stderr  # no stage ran
    assert summary["videos"][0]["cues"] > 0


def test_search_finds_what_is_said_and_what_is_shown(at_home: Run) -> None:
    hits = json.loads(at_home("search", "ferry", "--json").stdout)["hits"]
    assert {hit["source"] for hit in hits} & {"cue", "caption"}
    nothing = at_home("search", "xylophone")
    assert nothing.returncode == 1


def test_show_lists_scenes_that_tile_the_video(at_home: Run) -> None:
    shown = json.loads(at_home("show", "talk.mp4", "--scenes", "--cues", "--json").stdout)
    scenes = shown["scenes"]
    assert len(scenes) >= 12
    assert scenes[0]["start_seconds"] == 0
    for before, after in itertools.pairwise(scenes):
        assert before["stop_seconds"] == after["start_seconds"]
    assert scenes[-1]["stop_seconds"] == pytest.approx(shown["video"]["duration_seconds"], abs=0.1)
    assert shown["cues"]


@pytest.mark.parametrize("name", ["json", "jsonl", "srt", "vtt", "md"])
def test_every_export_format_holds_the_scenes(at_home: Run, name: str) -> None:
    done = at_home("export", "talk.mp4", "--format", name)
    assert done.returncode == 0, done.stderr
    if name == "json":
        assert json.loads(done.stdout)["scenes"]
    elif name == "jsonl":
        assert all(json.loads(line)["brief"] for line in done.stdout.splitlines())
    elif name in ("srt", "vtt"):
        assert " --> " in done.stdout
    else:
        assert done.stdout.startswith("# ")


def test_status_tells_what_is_kept(at_home: Run) -> None:
    done = at_home("status", "talk.mp4")
    assert done.returncode == 0
    assert "offline" in done.stdout


@pytest.mark.slow
def test_doctor_names_the_model_and_the_reason(mrvideo: Run) -> None:
    report = json.loads(mrvideo("doctor", "--json").stdout)
    assert report["models"]["vision"]["name"] == "offline"
    assert "no model is configured" in report["models"]["vision"]["why"]
    missing = mrvideo("doctor", "--vision", "openai:gpt-x", "--json")
    assert missing.returncode == 1
    assert "OPENAI_API_KEY" in json.loads(missing.stdout)["problems"][0]


def test_estimate_asks_no_model_and_writes_nothing(mrvideo: Run, indexed_demo: Path) -> None:
    done = mrvideo("estimate", indexed_demo / "talk.mp4", "--vision", "openai:gpt-5-mini", "--json")
    assert done.returncode == 0, done.stderr
    estimate = json.loads(done.stdout)
    assert set(estimate["recipes"]) == {"fused", "paper"}
    for recipe in estimate["recipes"].values():
        assert recipe["total"]["calls"] > 0
    assert estimate["embedded_frames"] == 0
    assert list(mrvideo.folder.iterdir()) == []  # type: ignore[attr-defined]


def test_the_estimate_tells_of_frames_that_become_vectors(at_home: Run) -> None:
    done = at_home("estimate", "talk.mp4", "--embed", "offline")
    told = re.search(r"--embed offline: about (\d+) frames become vectors on this machine", done.stdout)
    assert told is not None
    with Library.open(at_home.folder / ".mrvideo" / "library.db") as library:  # type: ignore[attr-defined]
        index = library.latest_index(library.videos()[0].digest)
    assert index is not None
    planned = sum(len(times) for _, times in planned_frames(index))
    assert 0.5 < int(told[1]) / planned < 2


def test_settings_tell_where_they_come_from(mrvideo: Run) -> None:
    folder: Path = mrvideo.folder  # type: ignore[attr-defined]
    (folder / "mrvideo.toml").write_text('recipe = "paper"\neffort = "low"\n')
    shown = json.loads(mrvideo("config", "show", "--json", MRVIDEO_EFFORT="medium").stdout)
    assert shown["recipe"] == {"value": "paper", "from": "mrvideo.toml"}
    assert shown["effort"] == {"value": "medium", "from": "MRVIDEO_EFFORT"}
    assert shown["reader"] == {"value": "pyav", "from": "default"}


def test_a_key_is_never_shown(mrvideo: Run) -> None:
    done = mrvideo("config", "show", OPENAI_API_KEY="sk-very-secret")
    assert "(set)" in done.stdout
    assert "sk-very-secret" not in done.stdout + done.stderr


@pytest.mark.slow
def test_ctrl_c_leaves_one_line_and_everything_done_so_far(
    mrvideo: Run, repository: Path, folder: Path
) -> None:
    film = part_of(repository / "demo" / "harbour.mp4", folder / "talk.mp4", 0.0, 35.8)
    running = subprocess.Popen(
        [sys.executable, "-m", "mrvideo", "index", str(film)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    library = folder / ".mrvideo" / "library.db"
    while not library.exists():
        assert running.poll() is None, "it ended before it began to write"
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert "run the same command again" in err.splitlines()[-1]
    again = mrvideo("index", film, "--quiet", "--json")
    assert again.returncode == 0, again.stderr
