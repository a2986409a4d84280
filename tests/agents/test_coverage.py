"""What was not seen: spans that overlap, or touch for one reason, are told as one."""

from __future__ import annotations

import pytest

from mrvideo.agents.ask.coverage import merge_unseen
from mrvideo.records import Span, Unseen


def unseen(start: float, stop: float, *reasons: str) -> Unseen:
    return Unseen.of(Span(start, stop), *reasons)


@pytest.mark.parametrize(
    ("parts", "merged"),
    [
        # Spans that overlap are one, for every reason of both; the earlier part's stand first.
        ([unseen(5, 12, "b"), unseen(0, 10, "a")], [unseen(0, 12, "a", "b")]),
        ([unseen(0, 20, "a"), unseen(5, 12, "b")], [unseen(0, 20, "a", "b")]),
        ([unseen(0, 10, "a"), unseen(5, 12, "a")], [unseen(0, 12, "a")]),
        # Spans that touch are one only for the same reason.
        ([unseen(0, 10, "a"), unseen(10, 12, "a")], [unseen(0, 12, "a")]),
        ([unseen(0, 10, "a"), unseen(10, 12, "b")], [unseen(0, 10, "a"), unseen(10, 12, "b")]),
        ([unseen(0, 10, "a"), unseen(11, 12, "a")], [unseen(0, 10, "a"), unseen(11, 12, "a")]),
        ([], []),
    ],
)
def test_spans_not_seen_are_merged_with_their_reasons(parts: list[Unseen], merged: list[Unseen]) -> None:
    assert merge_unseen(parts) == tuple(merged)
