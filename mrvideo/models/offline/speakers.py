"""Who says a line: by the label of a cue, the name before a colon, or by introducing himself."""

from __future__ import annotations

import re
from dataclasses import replace

from mrvideo.models.offline.anchors import question_stems
from mrvideo.models.offline.conversing import answer_open
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision
from mrvideo.text import holds

_SPEAKER = re.compile(
    r"\b(?:speaker|narrator|presenter|host)'s name\b|\bname of the (?:speaker|narrator|presenter|host)\b|^who(?:'s| is| are) (?:speaking|talking|the (?:speaker|narrator|presenter|host))\b"
)
_NAME = r"([A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3})"
_INTRODUCTION = re.compile(rf"\b(?:[Mm]y name is|I'm|I am|[Tt]his is) {_NAME}")


def _said_by(text: str) -> str | None:
    """The name that a line of subtitles opens with: `Ken: A landslide …`."""
    match = re.match(rf"(?:- )?{_NAME}: \S", text)
    return match.group(1) if match else None


def _introduced(text: str) -> str | None:
    match = _INTRODUCTION.search(text.replace("’", "'"))
    return match.group(1) if match else None


def who(question: Question, timeline: Timeline) -> Decision | None:
    """Who says what the question quotes or means; else the line that tells it."""
    lines: list[Item] = []
    for target in question.targets:
        lines = holding(timeline.speech, target)
        if not lines and len(wanted := question_stems(target)) >= 1:
            scored = [(len(wanted & i.stems) / len(wanted), i) for i in timeline.speech]
            best = max((s for s, _ in scored), default=0.0)
            lines = [i for s, i in scored if s == best and best >= 0.6]
    if not lines and question.start_seconds is not None:
        at = question.start_seconds
        lines = [i for i in timeline.speech if i.start_seconds - 0.5 <= at <= i.stop_seconds + 0.5]
    lines = [replace(i, speaker=i.speaker or _said_by(i.text)) for i in lines]
    if not lines and _SPEAKER.search(question.text.lower()):
        lines = [replace(i, speaker=name) for i in timeline.speech if (name := _introduced(i.text))]
        lines = lines[:1] or list(timeline.distinct_speakers)
    named = [i for i in lines if i.speaker]
    if not named:
        return answer_open(question, timeline) if not question.targets else None
    speakers = list(dict.fromkeys(i.speaker or "" for i in named))
    if question.options:
        hits = [
            n for n, o in enumerate(question.options) if any(holds(o, s) or holds(s, o) for s in speakers)
        ]
        return (
            Decision(question.options[hits[0]], hits[0], 5, tuple(named[:1]), f"{speakers[0]} says it.")
            if len(hits) == 1
            else None
        )
    return Decision(
        " and ".join(speakers), None, 5 if len(speakers) == 1 else 3, tuple(named), f"{speakers[0]} says it."
    )
