"""From what the SDK gave to an outcome: what counts as answered, and what never becomes a guess."""

from __future__ import annotations

from mrvideo.evals.items import Outcome, Question, Status
from mrvideo.evals.moments import cited_spans, spans_of_answer
from mrvideo.evals.salience import Salience
from mrvideo.records import Answer, Found, Span


def outcome_of(
    question: Question, system: str, answer: Answer, *, seconds: float, video_seconds: float | None = None
) -> Outcome:
    """The answer as the benchmark reads it."""
    status, spans = _read(question, answer)
    return Outcome(
        id=question.id,
        system=system,
        video=question.video,
        status=status,
        choice=answer.choice,
        answer=answer.answer,
        spans=spans,
        guessed=answer.guessed,
        verified=answer.verified,
        confidence=answer.confidence,
        reason="" if status != "unparsed" else "the answer gives no option and no times",
        seconds=seconds,
        usage=answer.usage,
        cached=answer.usage.calls == 0,
        video_seconds=video_seconds,
    )


def outcome_of_found(
    question: Question, system: str, found: Found, *, seconds: float, video_seconds: float | None = None
) -> Outcome:
    """What was found, best first. Where nothing is above chance and the benchmark promises a moment, what comes
    closest is given and counts as guessed.
    """
    guessed = question.certain and not found.moments and bool(found.nearest)
    moments = found.nearest if guessed else found.moments
    return Outcome(
        id=question.id,
        system=system,
        video=question.video,
        status="answered" if moments else "not_found",
        answer=moments[0].why[0].quote if moments and moments[0].why else None,
        spans=tuple(moment.span for moment in moments),
        scores=tuple(moment.score for moment in moments),
        guessed=guessed,
        verified=any(moment.confirmed for moment in moments),
        seconds=seconds,
        usage=found.usage,
        video_seconds=video_seconds,
    )


def outcome_of_salience(
    question: Question, system: str, made: Salience, *, seconds: float, video_seconds: float
) -> Outcome:
    """A score for every scene, and the summary in words; nothing is found where there is no scene."""
    return Outcome(
        id=question.id,
        system=system,
        video=question.video,
        status="answered" if made.spans else "not_found",
        answer=made.text or None,
        spans=made.spans,
        scores=made.scores,
        seconds=seconds,
        usage=made.usage,
        cached=made.usage.calls == 0,
        video_seconds=video_seconds,
    )


def without_answer(question: Question, system: str, status: Status, reason: str) -> Outcome:
    """An item that never got an answer, and why."""
    return Outcome(id=question.id, system=system, video=question.video, status=status, reason=reason)


def _read(question: Question, answer: Answer) -> tuple[Status, tuple[Span, ...]]:
    if answer.answer is None and answer.choice is None:
        return "not_found", ()
    if question.kind == "moments":
        spans = spans_of_answer(answer)
        return ("answered" if spans else "unparsed"), spans
    if answer.choice is None and (
        question.kind == "choice" or (question.kind == "open" and question.options)
    ):
        return "unparsed", cited_spans(answer)
    return "answered", cited_spans(answer)
