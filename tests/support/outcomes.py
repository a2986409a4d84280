"""What a system made of a question, as benchmarks score it."""

from __future__ import annotations

from mrvideo.evals.items import Outcome, Question, Scores, Status
from mrvideo.records import Span


def scored_outcome(
    question: Question,
    *scored: tuple[float, float, float],
    video_seconds: float | None = None,
    status: Status = "answered",
    system: str = "ask",
) -> Outcome:
    """Spans as (start, stop, score)."""
    return Outcome(
        id=question.id,
        system=system,
        video=question.video,
        status=status,
        spans=tuple(Span(start, stop) for start, stop, _ in scored),
        scores=tuple(score for _, _, score in scored),
        video_seconds=video_seconds,
    )


def official(scores: Scores) -> dict[str, float]:
    """The metrics that papers quote, rounded."""
    return {name: round(n.value, 4) for name, n in scores.metrics.items() if "strict" not in name}
