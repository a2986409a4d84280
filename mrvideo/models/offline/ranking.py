"""The first, the third, the last: texts by their place in an order, or by the number they bear."""

from __future__ import annotations

import re

from mrvideo.models.offline.choosing import match_option, only_supported
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.retrieving import answer_read
from mrvideo.models.offline.singling import held_by_content, pool_of, wanted_texts
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision
from mrvideo.models.offline.words import SAYING, SHOWING, stem, stems
from mrvideo.text import tokens


def nth_text(question: Question, timeline: Timeline) -> Decision | None:
    """The first, third or last text, or the option that comes so."""
    named = held_by_content(question, pool_of(question, timeline)) if question.literal else []
    if named and all(question.literal <= i.stems for i in named):
        # `What is the final animal?` where a text says "The final animal is …".
        return answer_read(question, timeline)
    if len(question.targets) > 1 and not question.options:
        return _nth_of(question, timeline)
    if numbered := _numbered(question, timeline):
        return numbered
    pool = wanted_texts(question, timeline)
    if (
        question.literal
        and not question.options
        and not frozenset(tokens(question.text)) & (SHOWING | SAYING)
    ):
        # `What is the final city?` asks for no order where `The silent city is Lima` shows that cities bear labels.
        pool = [i for i in pool if not labels_another(question, i)]
    if question.options:
        named = [i for i in pool if any(match_option(i, o) for o in question.options)]
        if not named and question.where != "speech":
            named = [i for i in timeline.everything if any(match_option(i, o) for o in question.options)]
        pool = named
    groups = timeline.distinct(pool)
    if question.nth < 0:
        groups.sort(key=lambda g: g[-1].start_seconds)
    place = question.nth - 1 if question.nth > 0 else question.nth
    if not -len(groups) <= place < len(groups):
        return None
    item = groups[place][-1 if question.nth < 0 else 0]
    if question.options:
        hits = only_supported(question.options, [item])
        return (
            Decision(question.options[hits[0]], hits[0], 5, (item,), "By order of appearance.")
            if len(hits) == 1
            else None
        )
    return Decision(item.text, None, 4, (item,), "By order of appearance.")


def labels_another(question: Question, item: Item) -> bool:
    """Whether a text gives its name to another of the kind: `The silent city is Lima`, where the final one is asked for."""
    match = re.match(r"^(?:the|our|my) (.+?) (?:is|was):? \S", item.text.lower())
    shown = frozenset(tokens(question.text)) & (SHOWING | SAYING | {"named"})
    if not match or not question.content or not question.literal or shown:
        return False
    label = [stem(w) for w in tokens(match.group(1))]
    return label[-1] in question.content and len(label) > 1 and not set(label[:-1]) <= question.content


def _nth_of(question: Question, timeline: Timeline) -> Decision | None:
    """`What comes first, the museum or the oven?`"""
    places = [
        (holding(timeline.of(question.where), t) or _lines_of(timeline, t), t) for t in question.targets
    ]
    if not all(items for items, _ in places):
        return None
    places.sort(key=lambda p: p[0][-1 if question.nth < 0 else 0].start_seconds)
    place = question.nth - 1 if question.nth > 0 else question.nth
    if not -len(places) <= place < len(places):
        return None
    cited = tuple(items[-1 if question.nth < 0 else 0] for items, _ in places)
    return Decision(places[place][1], None, 4, cited, "All were found; sorted by time.")


def _lines_of(timeline: Timeline, target: str) -> list[Item]:
    wanted = stems(target)
    return [i for i in timeline.everything if wanted and wanted <= i.stems]


_NUMBERED = re.compile(r"^(\d{1,2})\s*[.):]\s*(\S.*)$")


def _numbered(question: Question, timeline: Timeline) -> Decision | None:
    """The item of that number in a list on screen, under the heading that the question names: `2. Review of the year`."""
    if question.nth <= 0 or question.options or not question.content:
        return None
    for item in timeline.screen:
        label = re.match(rf"^(\w+)\s+{question.nth}\s*[.:)–-]\s*(\S.*)$", item.text)
        if label and question.content == frozenset({stem(label.group(1).lower())}):
            return Decision(label.group(2), None, 4, (item,), "It bears that number.")
    headings = [i for i in timeline.screen if i.stems == question.content]
    for heading in headings[:1]:
        for item in timeline.screen:
            match = _NUMBERED.match(item.text)
            overlap = item.start_seconds < heading.stop_seconds and item.stop_seconds > heading.start_seconds
            if match and overlap and int(match.group(1)) == question.nth:
                return Decision(match.group(2), None, 4, (item, heading), "It bears that number.")
    return None
