"""What is shown: counted nouns, text safe for a terminal, and JSON whose numbers people can read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mrvideo.display.stages import event_text, stage_label
from mrvideo.records import (
    Answer,
    Checked,
    Drafted,
    Event,
    Evidence,
    Looked,
    Notice,
    SegmentRead,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Unseen,
    Usage,
)
from mrvideo.wording import counted, plain, rounded


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 scenes"), (1, "1 scene"), (2, "2 scenes"), (1200, "1,200 scenes")]
)
def test_a_count_agrees_with_its_noun(count: int, told: str) -> None:
    assert counted(count, "scene") == told


def test_a_plural_of_its_own() -> None:
    assert [counted(n, "entity", "entities") for n in (1, 2)] == ["1 entity", "2 entities"]


def test_times_have_three_decimals_and_money_six_and_the_rest_all() -> None:
    third = 1 / 3
    value = {
        "start_seconds": third,
        "frame_times": [third, 2.0],
        "seconds_per_question": third,
        "t_start": third,
        "usage": {"seconds": third, "cost": third, "calls": 3},
        "cost_per_question": third,
        "scenes": [{"stop_seconds": third, "brief": "0.3333333333"}],
        "score": third,
        "frames_per_second": third,
        "duration_seconds": None,
    }
    assert rounded(value) == {
        "start_seconds": 0.333,
        "frame_times": [0.333, 2.0],
        "seconds_per_question": 0.333,
        "t_start": 0.333,
        "usage": {"seconds": 0.333, "cost": 0.333333, "calls": 3},
        "cost_per_question": 0.333333,
        "scenes": [{"stop_seconds": 0.333, "brief": "0.3333333333"}],
        "score": third,
        "frames_per_second": third,
        "duration_seconds": None,
    }


def answer(**fields: Any) -> Answer:
    made: dict[str, Any] = {
        "question": "What does the sign say?",
        "answer": "FERRY 09:40",
        "confidence": 4,
        "verified": True,
        "video": "talk.mp4",
        "video_digest": "00",
    }
    return Answer(**{**made, **fields})


def test_an_answer_is_printed_as_one_reads_it() -> None:
    evidence = Evidence(start_seconds=107.2, stop_seconds=109.2, source="caption", quote="FERRY 09:40")
    assert str(answer(evidence=(evidence,), checked_by=("pixels", "quote"), searched="12 cues")) == (
        "FERRY 09:40\nconfidence 4 of 5, checked by pixels, quote\n  1:47.2–1:49.2  caption: FERRY 09:40"
    )


def test_an_answer_that_was_not_found_says_what_was_searched_and_what_was_not_seen() -> None:
    unseen = Unseen(start_seconds=1.0, stop_seconds=2.5, reason="the file is broken there")
    near = Evidence(start_seconds=4.0, stop_seconds=5.0, source="cue", quote="the ferry leaves")
    told = answer(
        answer=None, confidence=1, verified=False, nearest=(near,), unseen=(unseen,), searched="12 cues"
    )
    assert str(told) == (
        "not found in the video\nconfidence 1 of 5\n  closest: 0:04.0–0:05.0  cue: the ferry leaves\n"
        "  not seen: 0:01.0–0:02.5: the file is broken there\nsearched: 12 cues"
    )


def test_a_choice_is_printed_as_its_option_and_a_guess_as_one() -> None:
    told = answer(answer=None, choice=1, options=("Airport", "Harbour"), guessed=True, confidence=1)
    assert str(told).splitlines()[:2] == [
        "Harbour",
        "confidence 1 of 5, not checked, a guess: a choice was demanded",
    ]


def test_what_a_video_says_gives_a_terminal_no_orders() -> None:
    told = str(answer(answer="red\x1b[31m\nline\u202e two"))
    assert told.splitlines()[0] == "red [31m line  two"
    assert plain("a\x07b") == "a b"


STAGES = (
    "videos", "open", "decode", "sound", "download", "speech", "split", "caption", "merge", "characters", "cast",
    "names", "segment_intention", "reduce_intentions", "global_intention", "goals", "look", "look_local",
    "look_global", "answer", "verify",
)  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_words_of_its_own(stage: str) -> None:
    label = stage_label(stage)
    assert "_" not in label
    assert [other for other in STAGES if stage_label(other) == label] == [stage]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Notice(text="a\nb"), "a b"),
        (StageStarted(stage="verify", total=3), "checking: 3 to do"),
        (
            StageAdvanced(stage="verify", usage=Usage(calls=1, cost=0.25)),
            "checking: 1 done (1 call, $0.250)",
        ),
        (StageFinished(stage="verify"), "checking: finished"),
        (
            SegmentRead(start_seconds=0, stop_seconds=60, relevant=(Span(5, 6),), confidence=3),
            "read the captions of 0:00.0–1:00.0: relevant: 0:05.0–0:06.0 (confidence 3 of 5)",
        ),
        (Looked(spans=(Span(5, 6),), observations=()), "looked at 0:05.0–0:06.0: nothing found"),
        (Drafted(answer=None, choice=1, round=2), "draft 2: option 2"),
        (Drafted(answer=None, choice=None, round=1), "draft 1: no answer"),
        (Checked(claim="It is red.", holds=None), "claim could not be checked: It is red."),
    ],
)
def test_an_event_is_one_line_of_a_log(event: Event, told: str) -> None:
    assert event_text(event) == told


def test_rounding_keeps_json_json() -> None:
    assert json.loads(json.dumps(rounded(answer().model_dump(mode="json"))))["answer"] == "FERRY 09:40"
