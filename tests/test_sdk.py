"""Spans in Python: a `Span`, a pair of seconds, or a record that has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mrvideo
from mrvideo.errors import InputError, QuestionError
from mrvideo.models.offline import OfflineModel
from mrvideo.records import Span


@pytest.fixture(scope="module")
def video(indexed_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> mrvideo.Video:
    return mrvideo.load(indexed_demo / "talk.mp4", library=indexed_demo / ".mrvideo" / "library.db")


def test_a_pair_is_a_span_of_frames(video: mrvideo.Video) -> None:
    pair, span = video.frames((107, 110)), video.frames(Span(107, 110))
    assert [frame.time_seconds for frame in pair] == [frame.time_seconds for frame in span]
    assert len(pair) == 8
    assert all(106.9 <= frame.time_seconds < 110 for frame in pair)
    assert [frame.jpeg[:2] for frame in pair] == [b"\xff\xd8"] * 8


def test_a_record_with_a_span_stands_for_it(video: mrvideo.Video) -> None:
    scene = video.scenes[3]
    frames = video.frames(scene, max_frames=3)
    assert len(frames) == 3
    assert all(scene.start_seconds - 0.1 <= frame.time_seconds < scene.stop_seconds for frame in frames)


def test_a_list_of_times_is_one_frame_each(video: mrvideo.Video) -> None:
    frames = video.frames([20.0, 10.0], long_side_pixels=120)
    assert [frame.time_seconds for frame in frames] == pytest.approx([10.0, 20.0], abs=0.05)
    assert frames[0].width == 120


def test_one_instant_is_one_frame(video: mrvideo.Video) -> None:
    (frame,) = video.frames((30.0, 30.0))
    assert frame.time_seconds == pytest.approx(30.0, abs=0.05)


def test_a_look_takes_a_pair_a_span_and_a_record(video: mrvideo.Video) -> None:
    (scene,) = [scene for scene in video.scenes if scene.span.contains(108.0)]
    for where in ((107, 110), Span(107, 110), scene):
        reply, frames = video.look(where, "What is written on the sign?")
        assert "FERRY" in reply.conclusion and frames


async def test_a_look_without_blocking_takes_them_too(video: mrvideo.Video) -> None:
    reply, frames = await video.alook((107, 110), "What is written on the sign?", max_frames=2)
    assert "FERRY" in reply.conclusion and len(frames) == 2


@pytest.mark.parametrize(
    "where", [(110, 107), (-1, 5), (1, float("nan")), ("a", "b"), (1, 2, 3), 7, "107-110", None]
)
def test_what_is_no_span_is_one_line(video: mrvideo.Video, where: Any) -> None:
    with pytest.raises(InputError) as refused:
        video.look(where, "What is written?")
    assert "\n" not in str(refused.value) and "(start_seconds, stop_seconds)" in str(refused.value)


def test_a_span_outside_the_video_is_refused(video: mrvideo.Video) -> None:
    with pytest.raises(InputError, match=r"outside the video, which is 2:48\.0 long"):
        video.frames((1000, 1001))


def test_a_video_counts_in_words(video: mrvideo.Video) -> None:
    assert repr(video).endswith("168.0 s, 16 scenes, 4 entities, 25 cues, 0 failures)")


def test_times_are_spread_in_the_middle_of_equal_parts() -> None:
    assert Span(10, 20).spread(4) == [11.25, 13.75, 16.25, 18.75]
    assert Span(10, 20).spread(1) == [15.0]


@pytest.mark.parametrize(("question", "options"), [("", None), ("  \n", None), ("Who?", ["only one"])])
def test_what_cannot_be_asked_opens_no_model(
    video: mrvideo.Video, question: str, options: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrvideo.session.models.open_model", None)
    with pytest.raises(QuestionError):
        video.ask(question, options)
    if options is None:
        with pytest.raises(QuestionError):
            video.look((107, 110), question)


def test_a_look_shows_no_more_frames_than_the_model_takes(video: mrvideo.Video) -> None:
    _, frames = video.look((20, 60), "What is written?", max_frames=30)
    assert len(frames) == OfflineModel.capabilities.look_images
