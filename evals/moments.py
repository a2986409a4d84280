"""Questions whose answer is a set of times: how they are asked, and how times are read from an answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from mrvideo.evals.files import clock_spans
from mrvideo.evals.items import Outcome
from mrvideo.records import Answer, Span, merge_spans

ASK = 'At which times of the video does this happen: "{query}"? Give the start and the stop of every time it happens.'
_SECONDS_SPAN = re.compile(
    r"\[?\(?(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?\s*(?:-|–|—|to|,|~)\s*(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?\b"
)


LEADING = 0.5
"""Where a set of times is asked for, found spans with less than this share of the best's score are left out:
the ranks below serve measures of ranking alone. Not fitted to any benchmark.
"""


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


def leading(outcome: Outcome) -> tuple[Span, ...]:
    """The spans as a set of times: all of them, or of scored ones those near the best score."""
    if not outcome.scores:
        return outcome.spans
    least = LEADING * max(outcome.scores)
    return tuple(span for span, score in zip(outcome.spans, outcome.scores, strict=True) if score >= least)


def stretches(duration_seconds: float, seconds: float) -> tuple[Span, ...]:
    """A video cut into stretches of `seconds` from its start; the last one may be shorter."""
    count = max(math.ceil(duration_seconds / seconds - 1e-9), 1)
    return tuple(Span(n * seconds, min((n + 1) * seconds, duration_seconds)) for n in range(count))


def score_stretches(outcome: Outcome, parts: Sequence[Span]) -> list[float]:
    """A score for each part of a video, 0 where no span touches it.

    A part has the best of what the spans lend it: a span's score times the share of the shorter one of both
    that lies in both. Spans without scores count 1, 1/2, 1/3 … by their place.
    """
    scores = outcome.scores or tuple(1 / place for place in range(1, len(outcome.spans) + 1))
    pairs = list(zip(outcome.spans, scores, strict=True))
    return [max((score * _share(span, part) for span, score in pairs), default=0.0) for part in parts]


def _share(one: Span, other: Span) -> float:
    shared = one.intersection(other)
    shorter = min(one.duration_seconds, other.duration_seconds)
    return shared.duration_seconds / shorter if shared is not None and shorter > 0 else 0.0


def _within(part: Span, whole: Span) -> bool:
    return whole.start_seconds <= part.start_seconds and part.stop_seconds <= whole.stop_seconds
