"""In which order do they come; which comes first; does one come before the other?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from mrvideo.models.offline.decision import UNFOUND, Decision, choose_order, span_words, texts_of
from mrvideo.models.offline.question import Question, Run
from mrvideo.models.offline.skills.base import find
from mrvideo.models.offline.timeline import Item, Timeline, distinct
from mrvideo.records import Confidence

_Rows: TypeAlias = tuple[tuple[str, Item], ...]


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """All of them must be found; sorted by where each comes first."""
    anchors = _listed(question.runs())
    if question.has("order") and question.asks in ("what", "other", "yes_no"):
        return _in_order(question, timeline, anchors) or UNFOUND
    if abs(question.ordinal) == 1 and question.has("or") and len(anchors) > 1 and not question.link:
        last = question.ordinal < 0
        rows = _sorted(question, timeline, anchors, last=last)
        return _decided(rows[-1 if last else 0][0], 4, rows) if rows else UNFOUND
    if question.asks == "yes_no" and {"before", "after"} & set(question.link) and len(anchors) == 2:
        rows = _sorted(question, timeline, anchors)
        return _compared(question, anchors[0], rows) if rows else UNFOUND
    return None


def _listed(runs: Sequence[Run]) -> list[str]:
    """`The towns Ostwick, Lowmoor and Bramford`: what the first one is called is none of them."""
    texts = [run.text for run in runs]
    if len(runs) > 1 and not runs[0].quoted:
        opening = "[A-Z]?" if runs[0].start == 0 else ""
        texts[0] = re.sub(rf"^(?:{opening}[a-z]+ ){{1,4}}(?=[A-Z\d])", "", texts[0])
    return texts


def _in_order(question: Question, timeline: Timeline, anchors: Sequence[str]) -> Decision | None:
    pool, content = timeline.of(question.channel), question.content
    if question.options:
        held = [i for i in pool if content and content <= timeline.stems(i)]
        pools = (held, pool, timeline.everything)
        return next((d for each in pools if (d := choose_order(question, each))), None)
    if len(anchors) > 1:
        rows = _sorted(question, timeline, anchors)
        return _decided(", ".join(anchor for anchor, _ in rows), 5, rows) if rows else None
    if question.channel == "speech" or not content:
        return None
    firsts = [group[0] for group in distinct(i for i in timeline.signs if content <= timeline.stems(i))]
    reason = "All texts read, by first appearance."
    return Decision(texts_of(firsts), 4, tuple(firsts), reason, whole=True) if firsts else None


def _sorted(question: Question, timeline: Timeline, anchors: Sequence[str], *, last: bool = False) -> _Rows:
    """Each anchor with where it comes first (or last), in order of time; () where one is not there, or two are
    one text.
    """
    found = [_found(question, timeline, anchor) for anchor in anchors]
    rows = [(anchor, items[-1 if last else 0]) for anchor, items in zip(anchors, found, strict=True) if items]
    if len({item for _, item in rows}) < len(anchors):
        return ()
    return tuple(sorted(rows, key=lambda row: row[1].start_seconds))


def _found(question: Question, timeline: Timeline, anchor: str) -> Sequence[Item]:
    """On the channel that is asked for; where none is, or it is not there, wherever it comes first."""
    found = find(timeline, anchor, question.channel) if question.channel != "any" else ()
    anywhere = (*find(timeline, anchor, "screen"), *find(timeline, anchor, "speech"))
    return found or sorted(anywhere, key=lambda item: item.start_seconds)


def _compared(question: Question, first: str, rows: _Rows) -> Decision:
    earlier, words = rows[0][0] == first, question.language.answers
    told = ", ".join(f"“{i.text}” {span_words(i.span)}" for _, i in (rows if earlier else rows[::-1]))
    if question.has("or"):
        return _decided(f"{words['before' if earlier else 'after']}: {told}", 5, rows)
    yes = earlier == ("before" in question.link)
    return replace(_decided(f"{words['yes' if yes else 'no']}: {told}", 5, rows), value=yes)


def _decided(words: str, sure: Confidence, rows: _Rows) -> Decision:
    cited = tuple(item for _, item in rows)
    return Decision(words, sure, cited, "All were found; sorted by time.", whole=True)
