"""How many, how often, how long."""

from __future__ import annotations

from mrvideo.models.offline.anchors import anchors_of, named_items
from mrvideo.models.offline.choosing import (
    choose_by_number,
)
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.singling import wanted_texts
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision, seconds_words, span_words, texts_words
from mrvideo.models.offline.wording import LAST_FRAME
from mrvideo.text import tokens


def video_length(question: Question, timeline: Timeline) -> Decision | None:
    """Up to where the last scene reaches."""
    if not timeline.pictures:
        return None
    length = timeline.stop_seconds
    words = f"{seconds_words(length)} ({length:.1f} s)"
    return Decision(
        words,
        choose_by_number(question.options, length, as_time=True),
        4,
        (next((i for i in timeline.looks if i.text.startswith(LAST_FRAME)), timeline.pictures[-1]),),
        "The last scene ends there.",
    )


_BEARERS = frozenset(
    ["slide", "slides", "card", "cards", "board", "boards", "poster", "posters", "billboard"]
)
"""What bears texts, several at once, is not counted by them."""


def count_different(question: Question, timeline: Timeline) -> Decision | None:
    """Different texts of the kind asked for; sightings of the same one count once."""
    if question.main_nouns and question.main_nouns <= _BEARERS:
        return None
    pool = wanted_texts(question, timeline)
    groups = timeline.distinct(pool)
    if not groups:
        return None
    count = len(groups)
    cited = tuple(group[0] for group in groups)
    words = f"{count}: {texts_words([g[0].text for g in groups])}"
    choice = choose_by_number(question.options, count)
    return Decision(
        words,
        choice,
        4,
        cited,
        f"{count} different texts were read.",
        found=not question.options or choice is not None,
    )


def count_times(question: Question, timeline: Timeline) -> Decision | None:
    """Sightings of one text, or lines that say it."""
    found: list[Item] = []
    target = question.targets[0] if question.targets else ""
    if target:
        found = anchors_of(question, timeline, target)
    elif question.content:
        found = [i for i in timeline.of(question.where) if question.content <= i.stems]
    if not found:
        return None
    count = len(found)
    if found[0].channel == "speech":
        count = sum(max(_times_said(item.text, target), 1) for item in found)
    where = ", ".join(span_words(item) for item in found)
    times = "once" if count == 1 else "twice" if count == 2 else f"{count} times"
    choice = choose_by_number(question.options, count)
    return Decision(
        f"{count} ({times}: {where})",
        choice,
        4,
        tuple(found),
        f"It was found {times}.",
        found=not question.options or choice is not None,
    )


def _times_said(text: str, phrase: str) -> int:
    words, wanted = tokens(text), tokens(phrase)
    return sum(words[i : i + len(wanted)] == wanted for i in range(len(words))) if wanted else 0


def how_long(question: Question, timeline: Timeline) -> Decision | None:
    """From a text's first frame to its last, over all its sightings."""
    found = named_items(question, timeline)
    if not found:
        return None
    total = sum(i.stop_seconds - i.start_seconds for i in found)
    words = f"{total:.1f} s ({', '.join(span_words(i) for i in found)})"
    choice = choose_by_number(question.options, total, as_time=True)
    return Decision(
        words,
        choice,
        4,
        tuple(found),
        "From its first to its last frame.",
        found=not question.options or choice is not None,
    )
