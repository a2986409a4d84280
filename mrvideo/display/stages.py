"""Stages and events in words for people. Stage names stay as they are in events, JSON and the library."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.records import (
    Checked,
    Drafted,
    Event,
    Looked,
    Notice,
    SegmentRead,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Usage,
)
from mrvideo.wording import counted, plain, stage_label


def spent(usage: Usage) -> str:
    """`12 calls, $0.031`; nothing when there was no call."""
    if not usage.calls:
        return ""
    cost = "cost unknown" if usage.cost is None else f"${usage.cost:.3f}"
    return f"{counted(usage.calls, 'call')}, {cost}"


def event_text(event: Event) -> str:
    """One event as one line for a log."""
    match event:
        case Notice():
            text = event.text
        case StageStarted():
            text = f"{stage_label(event.stage)}: {event.total} to do"
        case StageAdvanced():
            text = f"{stage_label(event.stage)}: {event.done} done"
            text += f" ({spent(event.usage)})" if event.usage.calls else ""
        case StageFinished():
            text = f"{stage_label(event.stage)}: finished"
        case SegmentRead():
            found = f"relevant: {_spans(event.relevant)}" if event.relevant else "nothing relevant"
            text = f"read the captions of {event.span}: {found} (confidence {event.confidence} of 5)"
        case Looked():
            text = f"looked at {_spans(event.spans)}: {'; '.join(event.observations) or 'nothing found'}"
        case Drafted():
            answer = event.answer or ("no answer" if event.choice is None else f"option {event.choice + 1}")
            text = f"draft {event.round}: {answer}"
        case Checked():
            verdict = {True: "holds", False: "does not hold", None: "could not be checked"}[event.holds]
            text = f"claim {verdict}: {event.claim}"
    return plain(text)


def _spans(spans: Sequence[Span]) -> str:
    return ", ".join(str(span) for span in spans)
