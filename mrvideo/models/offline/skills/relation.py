"""What stands beside a text in time: right after it, right before it, between two, or at the same time.

    before   |== what is asked for ==|  |== the text ==|
    while       |== what is asked for ==|
                     |== the text ==|

`What does X come after?` asks for what comes before X.
"""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.decision import UNFOUND, Decision, named_by_options, texts_of
from mrvideo.models.offline.question import Channel, Mark, Question
from mrvideo.models.offline.skills.base import (
    AT_ONCE_SECONDS,
    find,
    joined,
    overlapping,
    speakers_named,
    without,
)
from mrvideo.models.offline.timeline import Item, Timeline, distinct
from mrvideo.text import tokens

SLACK_SECONDS = 0.5
FAR_SECONDS = 120.0
"""What lies further away is hardly what `right after` means."""


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """The texts or lines beside one text, or between two, of the channel that is asked for, else of its own."""
    if question.times is not None:
        return None
    between = question.find("between")
    link = question.relation
    inner = between or (link if question.has("before") and question.has("after") else None)
    two = inner and (question.runs(inner.stop) or question.runs(0, inner.start))
    if two and len(two) > 1 and question.asks != "yes_no":
        return _between(question, timeline, [run.text for run in two[:2]]) or UNFOUND
    if link is None or between or question.asks not in ("what", "who", "other"):
        return None
    beside = _while if "while" in link.concepts else _to_one_side
    return beside(question, timeline, link)


def _while(question: Question, timeline: Timeline, link: Mark) -> Decision | None:
    told = question.has("says", "shows", "texts", "lines", "occurs") and not question.has("seeing")
    anchors = joined(question.runs(link.stop), question)[:1]
    plain = told and anchors and question.asks == "what"
    return (_at_once(question, timeline, anchors) or UNFOUND) if plain else None


def _between(question: Question, timeline: Timeline, anchors: Sequence[str]) -> Decision | None:
    ends = [find(timeline, anchor, "any") for anchor in anchors]
    if not all(ends):
        return None
    low, high = sorted((end[0] for end in ends), key=lambda i: i.start_seconds)
    pool = without(timeline.speech if question.channel == "speech" else timeline.signs, anchors)
    first, last = low.start_seconds + AT_ONCE_SECONDS, high.start_seconds - AT_ONCE_SECONDS
    inside = _each_once(question, [i for i in pool if first < i.start_seconds < last])
    sure = 5 if all(len(end) == 1 for end in ends) else 3
    cited, reason = (low, *inside, high), "It stands between the two."
    return Decision(texts_of(inside), sure, cited, reason, whole=True) if inside else None


def _at_once(question: Question, timeline: Timeline, anchors: Sequence[str]) -> Decision | None:
    """What overlaps the first place where there is anything."""
    found = find(timeline, anchors[0], "any")
    for anchor in found:
        spoken = question.channel == "speech" or (question.channel == "any" and anchor.kind == "screen")
        pool = without(timeline.speech if spoken else timeline.screen, anchors)
        near = _each_once(
            question, overlapping(pool, anchor.start_seconds, anchor.stop_seconds, SLACK_SECONDS)
        )
        if near:
            sure = 4 if len(found) == 1 else 3
            return Decision(texts_of(near), sure, (anchor, *near), "They are there at the same time.")
    return None


def _each_once(question: Question, items: Sequence[Item]) -> list[Item]:
    return [group[0] for group in distinct(named_by_options(question, items))]


def _to_one_side(question: Question, timeline: Timeline, link: Mark) -> Decision | None:
    postposed, after = question.language.postposed, "before" not in link.concepts
    start, stop = link.stop, question.main[0] if link.start == 0 else len(question.words)
    runs = question.runs(start, stop)
    if (ahead := question.runs(0, link.start)) and (not runs or postposed):
        start, stop, runs = 0, link.start, ahead
        after = after if postposed else not after
    if not runs:
        return None
    anchors, channel = joined(runs, question)[:1], _channel(question, start, stop)
    return _next(question, timeline, anchors, channel, after=after) or UNFOUND


def _channel(question: Question, start: int, stop: int) -> Channel:
    """Where the anchor stands, by the verbs of its own clause."""
    if start == 0:
        return "any"
    concepts = question.concepts(start, stop)
    return "speech" if concepts & {"says", "lines"} else "screen" if concepts & {"shows", "leaves"} else "any"


def _next(
    question: Question, timeline: Timeline, anchors: Sequence[str], channel: Channel, *, after: bool
) -> Decision | None:
    found = find(timeline, anchors[0], channel)
    if not found:
        return None
    anchor = found[0]
    spoken = question.channel == "speech" or (question.channel == "any" and anchor.kind == "speech")
    pool = [i for i in (timeline.speech if spoken else timeline.signs) if i not in found]
    pool = without(pool, anchors) if spoken == (anchor.kind == "speech") else pool
    pool = named_by_options(question, _wanted(question, timeline, anchor, pool))
    near = _next_to(anchor, pool, after=after, gone=question.has("leaves"))
    for _ in range((question.ordinal or _steps(question)) - 1):
        near = _next_to(near[0], pool, after=after, gone=False) if near else []
    if not near:
        return None
    gap = max(near[0].start_seconds - anchor.stop_seconds, anchor.start_seconds - near[0].stop_seconds)
    sure = 3 if len(found) > 1 or gap > FAR_SECONDS else 5
    words = " / ".join(i.speaker or i.text for i in near) if question.asks == "who" else texts_of(near)
    reason = f"It comes right {'after' if after else 'before'} “{anchor.text}”."
    return Decision(words, sure, (anchor, *near), reason, whole=True)


def _steps(question: Question) -> int:
    """`Two after BERGEN` is no neighbour."""
    place = question.relation.start if question.relation else 0
    before = question.words[max(place - 2, 0) : place]
    return max((int(question.language.numbers.get(w.low, w.low.isdigit())) for w in before), default=0)


def _wanted(question: Question, timeline: Timeline, anchor: Item, pool: list[Item]) -> list[Item]:
    """Those of the speaker, or with the words, as the question asks for them."""
    start, stop = question.main
    link = question.relation
    aside = link and (link.start == 0 or (stop == link.start and question.runs(link.stop)))
    own = question.runs(start, stop) if aside and not question.language.postposed else ()
    if not own:
        return pool
    if names := speakers_named(question, timeline, own):
        return [i for i in pool if i.speaker in names]
    stems = question.stems_of(own) - set(question.language.numbers)
    held = [i for i in pool if stems <= timeline.stems(i)]
    if stems - timeline.language.light or (held and stems <= timeline.stems(anchor)):
        return held
    return [i for i in pool if _of_one_kind(anchor, i, timeline)] if anchor.kind == "screen" else pool


def _of_one_kind(anchor: Item, item: Item, timeline: Timeline) -> bool:
    """`Which city comes after Lowmoor?`: after the name of a city comes no price list, and no person with a
    role.
    """
    mine, yours = tokens(anchor.text), tokens(item.text)
    if item.kind != "screen" or mine[:1] == yours[:1]:
        return True
    figures = any(c.isdigit() for c in anchor.text) == any(c.isdigit() for c in item.text)
    return figures and len(yours) <= len(mine) + 1 and _alone(anchor, timeline) == _alone(item, timeline)


def _alone(item: Item, timeline: Timeline) -> bool:
    near = [o for o in timeline.signs if abs(o.start_seconds - item.start_seconds) <= AT_ONCE_SECONDS]
    return len(near) <= 1


def _next_to(anchor: Item, pool: Sequence[Item], *, after: bool, gone: bool) -> list[Item]:
    """The pool's items that come next (or came last before); several when they come at once."""
    if not after:
        earlier = [i for i in pool if i.start_seconds < anchor.start_seconds - AT_ONCE_SECONDS]
        last = max((i.start_seconds for i in earlier), default=0.0)
        return [i for i in earlier if i.start_seconds >= last - AT_ONCE_SECONDS]
    since = anchor.stop_seconds - 2 * AT_ONCE_SECONDS if gone else anchor.start_seconds
    later = [i for i in pool if i.start_seconds > since + AT_ONCE_SECONDS]
    first = min((i.start_seconds for i in later), default=0.0)
    return [i for i in later if i.start_seconds <= first + AT_ONCE_SECONDS]
