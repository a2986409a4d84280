"""What is the film called, or about? The text after `… presents`, else the first card; never more than likely."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mrvideo.models.offline.chapters import Centrality
from mrvideo.models.offline.decision import UNFOUND, Decision, named_by_options
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import AT_ONCE_SECONDS, joined
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.text import tokens

OPENING_SECONDS, OPENING_SHARE, SOON_SECONDS = 60.0, 0.1, 20.0


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """On screen in the opening; of what it is about, where no text opens it, the sentence that most others resemble."""
    if question.asks not in ("what", "other") or question.ordinal:
        return None
    about = question.has("about") and not question.content - question.language.light
    runs = () if about else question.runs()
    # Of the film, not of a book in it.
    if not (about or (question.has("title") and (not runs or question.has("whole")))):
        return None
    signs = named_by_options(question, timeline.signs)
    who = timeline.language.stems(" ".join(joined(runs, question)[:1]))
    if presented := _presented(timeline, signs, who):
        return presented
    limit = max(OPENING_SECONDS, OPENING_SHARE * timeline.stop_seconds)
    opening = [i for i in signs if i.start_seconds <= limit and not who]
    card = [i for i in opening if i.start_seconds <= opening[0].start_seconds + AT_ONCE_SECONDS]
    central = Centrality([item.text for item in timeline.everything], timeline.language)
    told = sorted(card, key=lambda item: -central(item.text))[:1]
    if about and timeline.speech and not told:
        told.append(max(timeline.speech, key=lambda item: central(item.text)))
    words = " / ".join(item.told for item in told)
    return (
        Decision(words, 2, tuple(told), "It opens the film, or is what most is said of.") if told else UNFOUND
    )


def _presented(timeline: Timeline, signs: Sequence[Item], who: frozenset[str]) -> Decision | None:
    presents = timeline.language.words("presents")
    for item, after in pairwise(signs):
        named = who <= timeline.stems(item) and presents & set(tokens(item.text))
        if named and after.start_seconds - item.stop_seconds < SOON_SECONDS:
            return Decision(after.text, 3, (after, item), "It follows who presents it.")
    return None
