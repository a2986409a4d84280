"""Every request says whether speech is known: a question about words must not be asked of silent pictures."""

from __future__ import annotations

import pytest
from support.films import video_info

from mrvideo.records import Cue, Failure, Index, Span
from mrvideo.speech.known import HEARD, speech_of

CUE = Cue(start_seconds=40, stop_seconds=42, text="Good evening.")
HERE = Span(0, 10)


def index(*, cues: tuple[Cue, ...] = (), has_audio: bool = True, heard: bool | None = None) -> Index:
    video = video_info(60.0, path="talk.mp4", frames_per_second=10, has_audio=has_audio)
    failure = Failure.of(Span(20, 30), "speech", "the server was down", hides="sound")
    settings = {} if heard is None else {HEARD: heard}
    return Index(key="k", video=video, cues=cues, settings=settings, failures=(failure,))


@pytest.mark.parametrize(
    ("made", "span", "cues", "told"),
    [
        (index(cues=(CUE,)), Span(38, 50), (CUE,), "cues follow"),
        (index(cues=(CUE,)), Span(38, 50), (), "transcribed"),
        (index(cues=(CUE,)), HERE, (), "none"),
        (index(), HERE, (), "not transcribed"),
        (index(heard=False), HERE, (), "not transcribed"),
        (index(heard=True), HERE, (), "none"),
        (index(has_audio=False), HERE, (), "none"),
        (index(heard=True), Span(25, 35), (), "not transcribed"),
    ],
)
def test_speech_is_told_apart_from_silence_and_from_sound_that_nobody_heard(
    made: Index, span: Span, cues: tuple[Cue, ...], told: str
) -> None:
    assert speech_of(made, [span], cues) == told
