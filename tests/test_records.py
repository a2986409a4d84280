"""Failures say themselves what they hide, records of 0.1.0 are read as they were meant, and spans add up."""

from __future__ import annotations

import json

import pytest

from mrvideo.records import Failure, Frame, Span, Unseen, merge_spans


@pytest.mark.parametrize(
    ("stage", "hides", "final"),
    [
        ("caption", "pictures", False),
        ("open", "pictures", False),
        ("decode", "pictures", True),
        ("sound", "sound", True),
        ("speech", "sound", False),
        ("characters", "names", False),
        ("cast", "names", False),
        ("names", "names", False),
        ("merge", "borders", False),
    ],
)
def test_a_failure_of_010_hides_what_its_stage_hid(stage: str, hides: str, final: bool) -> None:
    """Dangerous: a failure read as one that hides pictures would leave its scenes out of the index."""
    kept = json.dumps({"start_seconds": 1.0, "stop_seconds": 2.0, "stage": stage, "reason": "503; try later"})
    failure = Failure.model_validate_json(kept)
    assert (failure.hides, failure.final, failure.reasons) == (hides, final, ("503; try later",))


def test_what_a_failure_says_survives_its_json() -> None:
    failure = Failure.of(Span(1.0, 2.0), "decode", "a", "b; c", hides="names", final=True)
    told = json.loads(failure.model_dump_json())
    assert told["reason"] == "a; b; c"
    assert Failure.model_validate(told) == failure
    unseen = Unseen.of(Span(1.0, 2.0), "a", "b; c")
    assert Unseen.model_validate_json(unseen.model_dump_json()) == unseen


def test_a_failure_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Failure.of(Span(1.0, 2.0), "caption")


def test_a_printed_frame_does_not_fill_the_screen_with_its_bytes() -> None:
    frame = Frame(1.0, b"x" * 100_000, 16, 9)
    assert "time_seconds=1.0" in repr(frame)
    assert len(repr(frame)) < 200


@pytest.mark.parametrize(
    ("gap_seconds", "merged"),
    [
        (0.0, [Span(0, 2), Span(2.5, 3), Span(4, 5)]),
        (0.5, [Span(0, 3), Span(4, 5)]),
        (1.0, [Span(0, 5)]),
        (None, [Span(0, 1), Span(1, 2), Span(2.5, 3), Span(4, 5)]),
    ],
)
def test_spans_that_touch_or_lie_as_far_apart_as_allowed_are_one(
    gap_seconds: float | None, merged: list[Span]
) -> None:
    spans = [Span(4, 5), Span(1, 2), Span(2.5, 3), Span(0, 1)]
    assert merge_spans(spans, gap_seconds=gap_seconds) == merged
