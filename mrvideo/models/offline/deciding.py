"""From a question and a timeline to a decision: one small function for each kind of question.

Each returns None where the timeline does not tell, and never more than it tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mrvideo.models.offline.amounts import has_amounts
from mrvideo.models.offline.anchors import named_items
from mrvideo.models.offline.choosing import (
    choose_yes,
    match_option,
    says_none,
)
from mrvideo.models.offline.conversing import answer_open
from mrvideo.models.offline.counting import count_different, count_times, how_long, video_length
from mrvideo.models.offline.numbering import count_by_numbers
from mrvideo.models.offline.ordering import between, in_order, neighbour, precedes
from mrvideo.models.offline.prices import price_listed
from mrvideo.models.offline.questions import Kind, Question, parse_question
from mrvideo.models.offline.ranking import labels_another, nth_text
from mrvideo.models.offline.retrieving import answer_read
from mrvideo.models.offline.roles import holder_of_role
from mrvideo.models.offline.speakers import who
from mrvideo.models.offline.telling import told
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.timing import at_time, during, when
from mrvideo.models.offline.verdicts import Decision, span_words
from mrvideo.text import tokens


def decide(question: Question, timeline: Timeline) -> Decision | None:
    """The answer that the timeline supports, or None: not found."""
    if question.options and question.negated and question.kind in ("read", "open", "exists", "nth"):
        return _not_shown(question, timeline)
    if _COMPARES.search(question.text.lower()) and not question.options:
        return None
    if question.kind in ("who", "open", "read") and (decision := holder_of_role(question, timeline)):
        return decision
    if question.kind in ("open", "count_different") and (decision := count_by_numbers(question, timeline)):
        return decision
    plain = question.kind in ("open", "read") and not question.targets and question.start_seconds is None
    decision = price_listed(question, timeline) or told(question, timeline) if plain else None
    handler = _HANDLERS.get(question.kind)
    if decision is None and handler:
        decision = handler(question, timeline)
    if (
        decision is None
        and question.kind in ("nth", "who", "after", "before", "precedes")
        and not question.targets
        and not (question.kind == "nth" and question.where == "screen")
    ):
        decision = answer_open(question, timeline)
        if decision and any(labels_another(question, item) for item in decision.cited):
            return None
    return decision if decision and has_amounts(question, decision, timeline) else None


def decide_or_none(question: Question, timeline: Timeline) -> Decision | None:
    """As `decide`; where what was found is none of the options, the option that says so."""
    decision = decide(question, timeline)
    none = [n for n, option in enumerate(question.options) if says_none(option)]
    others = [option for n, option in enumerate(question.options) if n not in none]
    if (decision and decision.found) or len(none) != 1 or question.negated:
        return decision
    if question.kind not in ("read", "open", "nth", "after", "before", "between"):
        return decision
    free = decide(parse_question(question.text), timeline)
    if free is None or not free.found or free.confidence < 4:
        return decision
    if any(match_option(item, option) for item in free.cited for option in others):
        return decision
    words = question.options[none[0]]
    return Decision(words, none[0], 3, free.cited, f"It is {free.answer}, which is none of the options.")


def _colour(question: Question, timeline: Timeline) -> Decision | None:
    """Only the picture's colours as a whole were measured: not those of a text, a coat or a car."""
    if not re.search(
        r"\b(?:screen|background|picture|frame|image|scene|slide|backdrop)\b", question.text.lower()
    ):
        return None
    anchors = named_items(question, timeline) if question.targets else []
    if question.start_seconds is not None:
        at = (
            question.start_seconds
            if question.start_seconds >= 0
            else timeline.stop_seconds + question.start_seconds
        )
        scenes = [p for p in timeline.pictures if p.start_seconds <= at < p.stop_seconds]
    elif anchors:
        middle = (anchors[0].start_seconds + anchors[0].stop_seconds) / 2
        scenes = [p for p in timeline.pictures if p.start_seconds <= middle < p.stop_seconds]
    else:
        scenes = []
    if not scenes:
        return None
    name = scenes[0].text.removeprefix("The picture is mostly ").rstrip(".").partition(", with ")[0]
    cited = (scenes[0], *anchors[:1])
    if question.options:
        fitting = [
            n
            for n, o in enumerate(question.options)
            if set(tokens(o)) & set(tokens(name)) - {"dark", "light"}
        ]
        return (
            Decision(question.options[fitting[0]], fitting[0], 3, cited, f"Mostly {name}.")
            if len(fitting) == 1
            else None
        )
    return Decision(name, None, 3, cited, f"Mostly {name}.")


_COMPARES = re.compile(
    r"^(?:what|which) (?:\w+ ){0,2}(?:is|are|was|were|has|costs?) (?:the )?(?:(?!other|number|after)\w+er|more|less|better|worse)\b.*\bor\b"
)


def _exists(question: Question, timeline: Timeline) -> Decision | None:
    if not question.targets:
        return None
    found: list[Item] = []
    for target in question.targets:
        here = holding(timeline.of(question.where), target)
        if (not here and question.where == "any") or (
            not here and re.search(r"\bmention", question.text.lower())
        ):
            here = holding(timeline.everything, target)
        if not here:
            return None
        found.extend(here[:4])
    if question.start_seconds is not None:
        low = (
            question.start_seconds
            if question.start_seconds >= 0
            else timeline.stop_seconds + question.start_seconds
        )
        high = question.stop_seconds if question.stop_seconds is not None else timeline.stop_seconds
        found = [i for i in found if i.start_seconds <= high + 0.5 and i.stop_seconds >= low - 0.5]
        if not found:
            return None
    how = "is said" if found[0].channel == "speech" else "is on screen"
    yes = "No" if question.negated else "Yes"
    return Decision(
        f"{yes}: “{found[0].text}” {how} at {span_words(found[0])}",
        choose_yes(question.options, yes=not question.negated),
        5,
        tuple(found),
        "It was found.",
    )


def _not_shown(question: Question, timeline: Timeline) -> Decision | None:
    """The one option that nothing supports, when all others are supported."""
    pool = timeline.of(question.where)
    present = {n: [i for i in pool if match_option(i, o)] for n, o in enumerate(question.options)}
    missing = [n for n, items in present.items() if not items]
    if len(missing) != 1:
        return None
    cited = tuple(items[0] for items in present.values() if items)
    choice = missing[0]
    return Decision(
        question.options[choice],
        choice,
        4,
        cited,
        "All other options were found; this one was not.",
        missing=True,
    )


def _read(question: Question, timeline: Timeline) -> Decision | None:
    return answer_read(question, timeline)


_HANDLERS: dict[Kind, Callable[[Question, Timeline], Decision | None]] = {
    "video_length": video_length,
    "count_different": count_different,
    "count_times": count_times,
    "order": in_order,
    "after": neighbour,
    "before": neighbour,
    "between": between,
    "during": during,
    "at_time": at_time,
    "when": when,
    "how_long": how_long,
    "colour": _colour,
    "who": who,
    "nth": nth_text,
    "exists": _exists,
    "precedes": precedes,
    "read": _read,
    "open": answer_open,
}
