"""Questions whose answer is a set of times: how they are asked, and how times are read from an answer."""

from __future__ import annotations

import re

from mrvideo.evals.files import clock_spans
from mrvideo.records import Answer, Span, merge_spans

ASK = 'At which times of the video does this happen: "{query}"? Give the start and the stop of every time it happens.'
_SECONDS_SPAN = re.compile(
    r"\[?\(?(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?\s*(?:-|–|—|to|,|~)\s*(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?\b"
)


def question_for(query: str) -> str:
    """The query as a question."""
    return ASK.format(query=query.strip().rstrip("."))


def spans_of_answer(answer: Answer) -> tuple[Span, ...]:
    """The times an answer gives: those in its own words, else those of the evidence it cites, most important
    first.
    """
    return spans_in_text(answer.answer or "") or cited_spans(answer)


def spans_in_text(text: str) -> tuple[Span, ...]:
    """`1:05–1:12`, `65.0 s to 72.0 s`, `[65.0, 72.0]`, in order. Ranges the wrong way round are left out."""
    if re.search(r"\d:\d\d", text):
        return clock_spans(text)
    pairs = [(float(a), float(b)) for a, b in _SECONDS_SPAN.findall(text)]
    return tuple(Span(start, stop) for start, stop in pairs if start <= stop)


def cited_spans(answer: Answer) -> tuple[Span, ...]:
    """The evidence that claims rest on, in the order of the claims; spans that touch are one.

    An answer without claims is taken by all of its evidence.
    """
    by_id = {evidence.id: evidence.span for evidence in answer.evidence}
    cited = [by_id[i] for claim in answer.claims for i in claim.evidence_ids if i in by_id]
    ranked = cited or [evidence.span for evidence in answer.evidence]
    merged = merge_spans(ranked)
    order = {span: min(i for i, part in enumerate(ranked) if _within(part, span)) for span in merged}
    return tuple(sorted(merged, key=lambda span: order[span]))


def _within(part: Span, whole: Span) -> bool:
    return whole.start_seconds <= part.start_seconds and part.stop_seconds <= whole.stop_seconds
