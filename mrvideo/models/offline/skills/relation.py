"""What stands beside a text in time: right after it, right before it, between two, or at the same time.

    before   |== what is asked for ==|  |== the text ==|
    while       |== what is asked for ==|
                     |== the text ==|

`What does X come after?` asks for what comes before X.
"""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.decision import Decision, named_by_options, texts_of
from mrvideo.models.offline.question import Channel, Mark, Question
from mrvideo.models.offline.skills.base import (
    AT_ONCE_SECONDS,
    Match,
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
EXAMPLES = (
    ("What comes right after STOP GOLF?", "STOP HOTEL"),
    ('What does the sign "STOP GOLF" come after?', "STOP FOXTROT"),
    ("What does STOP GOLF follow?", "STOP FOXTROT"),
    ("STOP GOLF comes right after which sign?", "STOP FOXTROT"),
    ("What follows STOP GOLF?", "STOP HOTEL"),
    ("What is STOP GOLF followed by?", "STOP HOTEL"),
    ("After STOP GOLF, which sign is next?", "STOP HOTEL"),
    ("What is said after the river is crossed?", "A cat sits on the wall."),
    ("What comes after STOP ZULU?", None),
    ("Was kommt direkt nach STOP GOLF?", "STOP HOTEL"),
    ("STOP GOLF之后是什么？", "STOP HOTEL"),
    ("STOP GOLFの次は何ですか？", "STOP HOTEL"),
    ("What is shown between STOP FOXTROT and STOP HOTEL?", "STOP GOLF"),
    ("Which sign comes after STOP FOXTROT but before STOP HOTEL?", "STOP GOLF"),
    ("What is shown between STOP FOXTROT and STOP ZULU?", None),
    ("Was kommt zwischen STOP FOXTROT und STOP HOTEL?", "STOP GOLF"),
    ("Which text is on screen when the cat is mentioned?", "STOP GOLF"),
    ("What is said while STOP GOLF is shown?", "A cat sits on the wall."),
    ("What is said while STOP ZULU is shown?", None),
)
_OTHER = {"before": "after", "after": "before"}


def match(question: Question) -> Match | None:
    """One text is named, or one on either side, and what is asked for stands next to it."""
    if question.times is not None:
        return None
    between = question.find("between")
    link = question.relation
    inner = between or (link if question.has("before") and question.has("after") else None)
    two = inner and (question.runs(inner.stop) or question.runs(0, inner.start))
    if two and len(two) > 1 and question.asks != "yes_no":
        anchors = tuple(run.text for run in two[:2])
        return Match(question, question.channel, anchors, relation="between", whole=True)
    if link is None or between or question.asks not in ("what", "who", "other"):
        return None
    return _at_once(question, link) if "while" in link.concepts else _to_one_side(question, link)


def _at_once(question: Question, link: Mark) -> Match | None:
    told = question.has("says", "shows", "texts", "lines", "occurs") and not question.has("seeing")
    anchors = joined(question.runs(link.stop), question)
    plain = told and anchors and question.asks == "what"
    return Match(question, question.channel, anchors[:1], relation="while") if plain else None


def _to_one_side(question: Question, link: Mark) -> Match | None:
    postposed = question.language.postposed
    relation = "before" if "before" in link.concepts else "after"
    start, stop = link.stop, question.main[0] if link.start == 0 else len(question.words)
    runs = question.runs(start, stop)
    if (ahead := question.runs(0, link.start)) and (not runs or postposed):
        start, stop, runs = 0, link.start, ahead
        relation = relation if postposed else _OTHER[relation]
    steps, channel = question.ordinal or _steps(question), _channel(question, start, stop)
    return Match(question, channel, joined(runs, question)[:1], steps, relation, whole=True) if runs else None


def _channel(question: Question, start: int, stop: int) -> Channel:
    """Where the anchor stands, by the verbs of its own clause."""
    if start == 0:
        return "any"
    concepts = {c for m in question.marks if start <= m.start < stop for c in m.concepts}
    return "speech" if concepts & {"says", "lines"} else "screen" if concepts & {"shows", "leaves"} else "any"


def _steps(question: Question) -> int:
    """`Two after BERGEN` is no neighbour."""
    place = question.relation.start if question.relation else 0
    before = question.words[max(place - 2, 0) : place]
    return max((int(question.language.numbers.get(w.low, w.low.isdigit())) for w in before), default=0)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """The texts or lines beside it, of the channel that is asked for, else of its own."""
    if match.relation == "between":
        return _between(match, timeline)
    found = find(timeline, match.anchors[0], "any" if match.relation == "while" else match.channel)
    if not found:
        return None
    if match.relation == "while":
        return _while(match, timeline, found)
    return _next(match, timeline, found)


def _between(match: Match, timeline: Timeline) -> Decision | None:
    ends = [find(timeline, anchor, "any") for anchor in match.anchors]
    if not all(ends):
        return None
    low, high = sorted((end[0] for end in ends), key=lambda i: i.start_seconds)
    pool = without(timeline.speech if match.channel == "speech" else timeline.signs, match.anchors)
    first, last = low.start_seconds + AT_ONCE_SECONDS, high.start_seconds - AT_ONCE_SECONDS
    inside = _each_once(match, [i for i in pool if first < i.start_seconds < last])
    sure = 5 if all(len(end) == 1 for end in ends) else 3
    cited = (low, *inside, high)
    return Decision(texts_of(inside), sure, cited, "It stands between the two.") if inside else None


def _while(match: Match, timeline: Timeline, found: Sequence[Item]) -> Decision | None:
    """What overlaps the first place where there is anything."""
    for anchor in found:
        spoken = match.channel == "speech" or (match.channel == "any" and anchor.kind == "screen")
        pool = without(timeline.speech if spoken else timeline.screen, match.anchors)
        near = _each_once(match, overlapping(pool, anchor.start_seconds, anchor.stop_seconds, SLACK_SECONDS))
        if near:
            sure = 4 if len(found) == 1 else 3
            return Decision(texts_of(near), sure, (anchor, *near), "They are there at the same time.")
    return None


def _each_once(match: Match, items: Sequence[Item]) -> list[Item]:
    return [group[0] for group in distinct(named_by_options(match.question, items))]


def _next(match: Match, timeline: Timeline, found: Sequence[Item]) -> Decision | None:
    question, anchor, after = match.question, found[0], match.relation == "after"
    spoken = question.channel == "speech" or (question.channel == "any" and anchor.kind == "speech")
    pool = [i for i in (timeline.speech if spoken else timeline.signs) if i not in found]
    pool = without(pool, match.anchors) if spoken == (anchor.kind == "speech") else pool
    pool = named_by_options(question, _wanted(question, timeline, anchor, pool))
    near = _next_to(anchor, pool, after=after, gone=question.has("leaves"))
    for _ in range(match.ordinal - 1):
        near = _next_to(near[0], pool, after=after, gone=False) if near else []
    if not near:
        return None
    gap = max(near[0].start_seconds - anchor.stop_seconds, anchor.start_seconds - near[0].stop_seconds)
    sure = 3 if len(found) > 1 or gap > FAR_SECONDS else 5
    words = " / ".join(i.speaker or i.text for i in near) if question.asks == "who" else texts_of(near)
    return Decision(words, sure, (anchor, *near), f"It comes right {match.relation} “{anchor.text}”.")


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
