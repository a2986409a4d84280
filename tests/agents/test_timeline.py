"""Found by time, exactly as if every item had been asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mrvideo.agents.ask.timeline import SpanIndex
from mrvideo.records import Span

ticks = st.integers(0, 30)
spans = st.tuples(ticks, ticks).map(lambda pair: Span(float(min(pair)), float(max(pair))))


@given(st.lists(spans, max_size=12), spans)
def test_overlapping_items_are_those_that_span_arithmetic_names(items: list[Span], asked: Span) -> None:
    found = SpanIndex(items).overlapping(asked)
    expected = sorted(
        (item for item in items if item.overlaps(asked)), key=lambda s: (s.start_seconds, s.stop_seconds)
    )
    assert found == expected
