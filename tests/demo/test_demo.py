"""The demo film: small, whole, and what its script draws."""

from __future__ import annotations

import importlib
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from rich.console import Console
from support.films import part_of

FOLDER = Path(__file__).resolve().parents[2] / "demo"
FILM = FOLDER / "harbour.mp4"


@pytest.mark.slow
def test_the_demo_replays_what_a_model_answered_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale recording must not break `make demo`. The scene with the key stands for the film."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    ask = importlib.import_module("ask")
    monkeypatch.setattr(ask, "SEEN", (("Which word stands on the tag of the key?", ["K-17", "K-38"]),))
    film = part_of(FILM, tmp_path / "key.mp4", 98.8, 107.2)
    file = tmp_path / "recorded.jsonl"
    ask.record(Console(file=io.StringIO()), film, "offline", None, file)
    # The demo replays with the defaults, whatever the environment says.
    monkeypatch.setenv("MRVIDEO_EFFORT", "low")

    shown = io.StringIO()
    ask.replay(Console(file=shown, width=200), film, file)
    text = shown.getvalue()
    assert "Recorded: what a vision model answered" in text
    assert "● K-38" in text
    assert "answered by replay:offline (recorded " in text
    assert "not recorded" not in text

    file.write_text(re.sub(r'"prompt_digest":"\w+"', '"prompt_digest":"older"', file.read_text()))
    shown = io.StringIO()
    ask.replay(Console(file=shown, width=200), film, file)
    assert "changed since this was recorded" in shown.getvalue()


@pytest.mark.slow
def test_the_recording_that_is_shipped_answers_every_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies of a model that sees. Where a prompt, frames or cuts have changed, CONTRIBUTING says how to record
    anew.
    """
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    ask = importlib.import_module("ask")
    shown = io.StringIO()
    ask.replay(Console(file=shown, width=400), FILM)
    text = shown.getvalue()
    assert "not recorded" not in text and "holds no reply" not in text
    assert text.count("answered by replay:vision-model (recorded ") == len(ask.SEEN)
    assert "● K-38" in text and "● KITTIWAKE, NO SWIMMING, 77 STEPS UP" in text
    assert "mackerel" in text and "red" in text and "brown dog" in text and "THE END" in text
    assert text.count("checked by pixels") == len(ask.SEEN) - 1


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("drawing", "scenes", "make_demo"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("make_demo")


def test_the_film_is_small_and_of_the_length_promised(script: ModuleType) -> None:
    assert FILM.stat().st_size <= 2_000_000
    with av.open(str(FILM)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.average_rate, video.codec_context.name) == (25, "h264")
        assert audio.codec_context.name == "aac"
        seconds = container.duration / av.time_base
    assert 120 <= seconds <= 240
    assert seconds == pytest.approx(script.starts()[-1], abs=0.1)


def test_its_scenes_do_not_line_up_with_clips(script: ModuleType) -> None:
    borders = script.starts()[1:-1]
    assert len(borders) + 1 >= 12
    assert all(round(border, 2) % 10 for border in borders)
    assert sum(scene.dissolve_seconds > 0 for scene in script.FILM) == 1


def test_its_lines_stand_in_order_inside_the_film(script: ModuleType) -> None:
    text = (FOLDER / "harbour.srt").read_text(encoding="utf-8")
    assert text == script.subtitles()
    stamps = re.findall(r"(\d\d):(\d\d):(\d\d),(\d{3})", text)
    times = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in stamps]
    assert times == sorted(times)
    assert times[-1] <= script.starts()[-1]


@pytest.mark.slow
def test_the_film_shows_what_the_script_draws(script: ModuleType) -> None:
    begin = script.starts()
    wanted = {round((begin[n] + 2.0) * 25): n for n in (1, 4, 9)}
    seen: dict[int, np.ndarray] = {}
    with av.open(str(FILM)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                seen[number] = frame.to_ndarray(format="rgb24")
            if len(seen) == len(wanted):
                break
    for number, place in wanted.items():
        scene = script.FILM[place]
        drawn = np.asarray(script.picture(scene, scene.still(), number / 25 - begin[place]))
        assert np.abs(drawn.astype(int) - seen[number].astype(int)).mean() < 6
