"""Where in the video is what a question names? By the very words, else by the line that holds most of them."""

from __future__ import annotations

from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.words import RELATING, SAYING, SHOWING, STOP, TEXT_NOUNS, stem, stems
from mrvideo.text import tokens

_ANCHORED = frozenset({"after", "before", "during", "between", "precedes"})


def anchors_of(question: Question, timeline: Timeline, target: str) -> list[Item]:
    """Where a text that the question names stands: on screen, or in speech where it is asked for or nowhere else."""
    signs, lines = holding(timeline.screen, target), holding(timeline.speech, target)
    if question.where == "speech" or question.anchor_is_speech:
        return lines or signs
    if question.where == "screen" and question.kind not in _ANCHORED:
        return signs
    return signs or lines


def anchors_or_clause(question: Question, timeline: Timeline, target: str) -> list[Item]:
    """Where the target stands; else the lines that hold most of its words: `Tom talks about Bergen`."""
    if found := anchors_of(question, timeline, target):
        return found
    wanted = frozenset(
        stem(w) for w in tokens(target) if w not in STOP | SAYING | SHOWING | TEXT_NOUNS | RELATING
    )
    scored = [(len(wanted & i.stems) / len(wanted), i) for i in timeline.everything] if wanted else []
    best = max((score for score, _ in scored), default=0.0)
    return [i for score, i in scored if score == best] if best >= 0.6 else []


def named_items(question: Question, timeline: Timeline) -> list[Item]:
    """Where the text that the question is about stands, named outright or by its other words."""
    for target in question.targets:
        if found := anchors_of(question, timeline, target):
            return found
        wanted = frozenset(question_stems(target))
        if len(wanted) >= 2 and (found := [i for i in timeline.of(question.where) if wanted <= i.stems]):
            return found
    if question.targets or not question.content:
        return []
    return [i for i in timeline.of(question.where) if question.content <= i.stems]


def question_stems(text: str) -> frozenset[str]:
    """Of a phrase, without words that only point at texts."""
    return stems(" ".join(w for w in tokens(text) if w not in TEXT_NOUNS))
