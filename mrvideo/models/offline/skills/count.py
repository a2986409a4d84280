"""How often is it shown or said; how many different ones are there?"""

from __future__ import annotations

import re

from mrvideo.models.offline.decision import Decision, span_words, texts_of
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find, joined
from mrvideo.models.offline.timeline import Item, Timeline, distinct
from mrvideo.text import numbers_in, tokens

EXAMPLES = (
    ("How many times is the bakery mentioned?", "2"),
    ("How often is the text STOP GOLF shown?", "1"),
    ("How many different signs are shown on screen?", "12"),
    ("How many times is STOP ZULU shown?", None),
    ("Wie oft wird die Bäckerei erwähnt?", None),
    ("Wie oft wird „bakery“ gesagt?", "2"),
)
_ITEM = re.compile(r"(?<![\w.])(\d{1,2})[.)]\s+(?=\S)")


def match(question: Question) -> Match | None:
    """A text whose times are counted, or texts of a kind."""
    if question.asks == "how_often":
        told = question.has("shows", "says", "occurs", "mentions", "texts", "lines")
        anchors = joined(question.runs()) if told or any(w.quoted for w in question.words) else ()
        return Match(question, question.channel, anchors[:1]) if anchors else None
    if question.asks != "how_many" or question.has("shots", "scenes", "speakers", "seconds", "minutes"):
        return None
    return Match(question, question.channel, (), relation="different")


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """Sightings, lines, or different texts; None where what is counted is no text."""
    if match.relation == "different":
        return _by_numbers(match, timeline) or _different(match, timeline)
    found = find(timeline, match.anchors[0], match.channel, spoken_first=match.question.has("mentions"))
    if not found.items:
        return None
    count = sum(max(_times_said(item, match.anchors[0]), 1) for item in found.items)
    spans = ", ".join(span_words(item.span) for item in found.items[:20])
    return Decision(f"{count}: {spans}", 4, found.items, "Each place was counted.", float(count))


def _times_said(item: Item, phrase: str) -> int:
    words, wanted = tokens(item.text), tokens(phrase)
    if item.kind != "speech" or not wanted:
        return 1
    return sum(words[i : i + len(wanted)] == wanted for i in range(len(words)))


def _different(match: Match, timeline: Timeline) -> Decision | None:
    question = match.question
    if match.channel == "speech":
        return None
    if not question.has("different", "texts"):
        return _of_a_kind(match, timeline)
    wanted = question.content | question.soft
    signs = timeline.signs
    pool = [i for i in signs if wanted <= timeline.stems(i)] or [
        i for i in signs if question.content <= timeline.stems(i)
    ]
    groups = [group[0] for group in distinct(pool)]
    if not groups:
        return None
    words = f"{len(groups)}: {texts_of(groups)}"
    return Decision(words, 4, tuple(groups), "So many different texts were read.", float(len(groups)))


def _of_a_kind(match: Match, timeline: Timeline) -> Decision | None:
    """`How many stops are there?` Texts that begin with the word and go on with a name: `STOP ALPHA`, `STOP
    BRAVO`.
    """
    content, language = match.question.content, timeline.language
    heads = [(i, tokens(i.text)) for i in timeline.signs]
    pool = [
        i
        for i, words in heads
        if len(content) == 1
        and len(words) > 1
        and language.stem(words[0]) in content
        and not words[1][0].isdigit()
    ]
    groups = [group[0] for group in distinct(pool)]
    if len(groups) < 2:
        return None
    words = f"{len(groups)}: {texts_of(groups)}"
    return Decision(words, 3, tuple(groups), "So many different texts were read.", float(len(groups)))


def _by_numbers(match: Match, timeline: Timeline) -> Decision | None:
    """Numbered from 1 without a gap: `Step 1: …` to `Step 5: …`, or a list under its heading."""
    content = match.question.content
    held: dict[int, Item] = {}
    for item in timeline.screen:
        words = tokens(item.text)
        if (
            len(words) > 1
            and content
            and timeline.language.stems(words[0]) == content
            and words[0] not in timeline.language.stop
        ):
            for number in numbers_in(words[1], timeline.language)[:1]:
                held.setdefault(int(number), item)
    if len(held) > 1 and sorted(held) == list(range(1, len(held) + 1)):
        items = [held[number] for number in sorted(held)]
        return Decision(
            f"{len(items)}: {texts_of(items)}", 4, tuple(items), "They are numbered.", float(len(items))
        )
    for heading in (i for i in timeline.screen if content and content & timeline.language.stems(i.text)):
        together = [i for i in timeline.screen if i.span.overlaps(heading.span)]
        numbers = sorted({int(n) for i in together for n in _ITEM.findall(i.text)})
        if (
            len(numbers) > 1
            and numbers == list(range(1, len(numbers) + 1))
            and content <= timeline.language.stems(" ".join(i.text for i in together))
        ):
            return Decision(str(len(numbers)), 4, tuple(together), "They are numbered.", float(len(numbers)))
    return None
