"""`mrvideo doctor` tries what it speaks of: a film, a text in it, the library."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.casts import cast_index
from support.engine_program import Programs

from mrvideo.library import Library
from mrvideo.media.options import ReadOptions
from mrvideo.media.selfcheck import film_of, frame_of
from mrvideo.retrieval.embedders.port import unit

Run = Callable[..., subprocess.CompletedProcess[str]]

CHECKS = {"opens a video": "ok", "reads text in it": "ok", "opens the library": "ok"}


def test_all_is_well_and_nothing_is_written(mrvideo: Run, folder: Path) -> None:
    done = mrvideo("doctor", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["checks"] == CHECKS
    assert list(folder.iterdir()) == []
    told = mrvideo("doctor").stdout
    assert [f"{name}: ok" in told for name in CHECKS] == [True] * 3


def broken(*_: Any, **__: Any) -> Any:
    raise TypeError("open() got an unexpected keyword argument 'metadata_errors'")


def unreadable(jpeg: bytes) -> tuple[()]:
    return ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "instead", "failed", "told"),
    [
        ("av.open", broken, ["opens a video", "reads text in it"], "metadata_errors"),
        (
            "mrvideo.models.offline.reading.engine.read_picture",
            unreadable,
            ["reads text in it"],
            "was read as ''",
        ),
        ("mrvideo.library.Library.search", broken, ["opens the library"], "metadata_errors"),
    ],
)
def test_what_does_not_work_is_found(
    mrvideo: Run, monkeypatch: pytest.MonkeyPatch, target: str, instead: Any, failed: list[str], told: str
) -> None:
    """With a PyAV that opened nothing it said that all was well."""
    monkeypatch.setattr(target, instead)
    done = mrvideo("doctor", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [name for name, found in report["checks"].items() if found != "ok"] == failed
    assert any(told in problem for problem in report["problems"])
    lines = mrvideo("doctor").stdout.splitlines()
    assert [f"{name}: FAILED" in lines for name in failed] == [True] * len(failed)
    assert any(line.startswith("problem: ") and told in line for line in lines)


def test_a_place_where_no_library_can_be_made_is_found(mrvideo: Run, folder: Path) -> None:
    (folder / "file").touch()
    done = mrvideo("doctor", "--library", folder / "file" / "library.db")
    assert done.returncode == 1 and "problem: " in done.stdout and "library.db" in done.stdout


def test_the_transcriber_is_examined_when_one_is_named(mrvideo: Run) -> None:
    done = mrvideo("doctor", "--speech", "openai:whisper-1")
    assert done.returncode == 1
    assert "speech model: openai:whisper-1" in done.stdout and "OPENAI_API_KEY" in done.stdout


def test_where_logs_and_downloads_lie_is_told(mrvideo: Run, tmp_path: Path) -> None:
    state = tmp_path / "state"
    report = json.loads(mrvideo("doctor", "--json", XDG_STATE_HOME=str(state)).stdout)
    assert report["folders"]["logs"] == str(state / "mrvideo")
    assert "downloaded speech models" in report["folders"]


def test_a_relative_state_folder_is_ignored(mrvideo: Run) -> None:
    report = json.loads(mrvideo("doctor", "--json", XDG_STATE_HOME="here").stdout)
    assert Path(report["folders"]["logs"]).is_absolute()


def test_the_film_shows_what_it_was_made_of() -> None:
    frame = frame_of(film_of("READ 7351"), ReadOptions())
    assert (frame.width, frame.height, frame.jpeg[:2]) == (320, 96, b"\xff\xd8")
    assert 0.3 <= frame.time_seconds <= 0.5


@pytest.mark.slow
def test_a_torchvision_that_cannot_be_imported_is_told_once_and_is_no_problem(
    process: Run, tmp_path: Path
) -> None:
    for name, source in {
        "torch": "",
        "torchvision": "raise RuntimeError('operator nms does not exist')",
    }.items():
        package = tmp_path / "site" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(source, encoding="utf-8")
    site = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2])])
    done = process("doctor", PYTHONPATH=site)
    assert (done.returncode, done.stderr) == (0, "")
    told = [line for line in done.stdout.splitlines() if "torchvision" in line]
    assert told == [
        "torchvision: broken (RuntimeError: operator nms does not exist); pictures for hf: models are prepared with Pillow"
    ]


def test_the_machine_and_its_command_are_told(mrvideo: Run) -> None:
    report = json.loads(mrvideo("doctor", "--json").stdout)
    assert set(report["machine"]) == {"gpus", "engines", "local", "ollama", "servers", "models"}
    lines = mrvideo("doctor").stdout.splitlines()
    for begin in ("GPUs: ", "engines installed: ", "models on disk that take pictures: "):
        assert sum(line.startswith(begin) for line in lines) == 1
    assert lines[-1] == f"for this machine: {report['advice']['command']}  ({report['advice']['why']})"


def test_a_run_without_a_model_repeats_the_command(
    mrvideo: Run, folder: Path, write_film: Callable[[Path], Path], tmp_path: Path
) -> None:
    write_film(folder / "grey.mp4")
    state = str(tmp_path / "state")
    sentence = "it does not see people; mrvideo doctor"
    told = mrvideo("index", "grey.mp4", XDG_STATE_HOME=state).stderr
    assert f"{sentence} tells which model fits this machine\n" in told
    command = json.loads(mrvideo("doctor", "--json", XDG_STATE_HOME=state).stdout)["advice"]["command"]
    told = mrvideo("index", "grey.mp4", "--no-cache", XDG_STATE_HOME=state).stderr
    assert f"{sentence} proposed: {command}\n" in told


def test_an_engine_is_checked_and_not_started(
    mrvideo: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrvideo.models.engines.backend.already_there", lambda settings: None)
    programs = Programs(tmp_path, monkeypatch)
    missing = mrvideo("doctor", "--vision", "sglang:acme/vlm")
    assert missing.returncode == 1
    assert (
        "problem: vision model: sglang:acme/vlm: SGLang is not installed; pip install sglang"
        in missing.stdout
    )
    programs.install("sglang")
    done = mrvideo("doctor", "--vision", "sglang:acme/vlm")
    assert done.returncode == 0 and "engines installed: sglang" in done.stdout
    assert not programs.starts()


@pytest.mark.slow
def test_recall_is_measured_against_every_vector(mrvideo: Run, folder: Path) -> None:
    told = mrvideo("doctor", "--recall", "--library", "none.db").stdout
    assert "recall: no frames are kept as vectors" in told and not (folder / "none.db").exists()
    size = 64
    chance = np.random.default_rng(0)
    rows = unit((2 * chance.normal(size=size) + chance.normal(size=(300, size))).astype(np.float32))
    with Library.open(folder / "library.db") as library:
        index = cast_index()
        library.put_index(index)
        kept = {float(n): row.astype("<f4").tobytes() for n, row in enumerate(rows)}
        library.put_embeddings(index.video.digest, "dual a", kept)
    done = mrvideo("doctor", "--recall", "--library", "library.db", "--json")
    assert done.returncode == 0
    (row,) = json.loads(done.stdout)["recall"]
    assert (row["embedder"], row["frames"], row["queries_asked"], row["in_use"]) == ("dual a", 300, 20, False)
    assert row["recall"] == 1.0 and row["p95_milliseconds"] > 0
    line = next(
        x
        for x in mrvideo("doctor", "--recall", "--library", "library.db").stdout.splitlines()
        if "recall" in x
    )
    assert line.startswith(
        "recall of dual a, 300 frames: 1.000 of the 20 nearest by signs, 1.00 at the worst of 20"
    )


@pytest.mark.slow
def test_a_recall_that_is_too_low_is_a_problem_where_signs_are_in_use(
    mrvideo: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32))
    with Library.open(folder / "library.db") as library:
        library.put_index(cast_index())
        kept = {float(n): row.astype("<f4").tobytes() for n, row in enumerate(rows)}
        library.put_embeddings(cast_index().video.digest, "dual a", kept)
    for name, value in (("ESTIMATED", 40), ("RERANKED", 20), ("_OVER", 1)):
        monkeypatch.setattr(f"mrvideo.retrieval.vectors.signs.{name}", value)
    assert mrvideo("doctor", "--recall", "--library", "library.db").returncode == 0
    monkeypatch.setattr("mrvideo.session.recall.EXACT_UP_TO", 300)
    done = mrvideo("doctor", "--recall", "--library", "library.db")
    assert done.returncode == 1
    assert "problem: recall of dual a: 0." in done.stdout and "in use" in done.stdout
