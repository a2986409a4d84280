"""What comes right after it, or right before? `What does X come after?` asks for what comes before X."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.decision import Decision, named_by_options, texts_of
from mrvideo.models.offline.question import Channel, Question
from mrvideo.models.offline.skills.base import (
    AT_ONCE_SECONDS,
    Match,
    find_clause,
    joined,
    speakers_named,
    without,
)
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.text import tokens

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
)
_OTHER = {"before": "after", "after": "before"}


def match(question: Question) -> Match | None:
    """One text is named, and what is asked for stands next to it."""
    link = question.relation
    if link is None or question.asks not in ("what", "who", "other") or question.times is not None:
        return None
    relation = next((c for c in ("before", "after") if c in link.concepts), "")
    if not relation or "between" in link.concepts:
        return None
    stop = question.main[0] if link.start == 0 else len(question.words)
    behind, ahead = question.runs(link.stop, stop), question.runs(0, link.start)
    if behind and not (question.language.postposed and ahead):
        return Match(
            question, _channel(question, link.stop, stop), joined(behind)[:1], _steps(question), relation
        )
    if not ahead:
        return None
    relation = relation if question.language.postposed else _OTHER[relation]
    return Match(question, _channel(question, 0, link.start), joined(ahead)[:1], _steps(question), relation)


def _channel(question: Question, start: int, stop: int) -> Channel:
    """Where the anchor stands, by the verbs of its own clause."""
    if start == 0:
        return "any"
    concepts = {c for m in question.marks if start <= m.start < stop for c in m.concepts}
    return "speech" if concepts & {"says", "lines"} else "screen" if concepts & {"shows", "leaves"} else "any"


def _steps(question: Question) -> int:
    """`Two after BERGEN` is no neighbour."""
    link = question.relation
    before = question.words[max((link.start if link else 0) - 2, 0) : link.start if link else 0]
    return max((int(question.language.numbers.get(w.low, w.low.isdigit())) for w in before), default=0)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """The text or line next to it, of the channel that is asked for, else of its own."""
    question = match.question
    found = find_clause(timeline, match.anchors[0], match.channel)
    if not found.items:
        return None
    anchor = found.items[0]
    spoken = question.channel == "speech" or (question.channel == "any" and anchor.kind == "speech")
    pool = [i for i in (timeline.speech if spoken else timeline.signs) if i not in found.items]
    pool = without(pool, match.anchors) if spoken == (anchor.kind == "speech") else pool
    pool = named_by_options(question, _wanted(question, timeline, anchor, pool)) or []
    near = _next_to(anchor, pool, after=match.relation == "after", gone=question.has("leaves"))
    for _ in range(match.ordinal - 1):
        near = _next_to(near[0], pool, after=match.relation == "after", gone=False) if near else []
    if not near:
        return None
    several = len(found.items) > 1
    sure = 2 if not found.exact else 3 if several or _between(anchor, near[0]) > 120 else 5
    words = " / ".join(i.speaker or i.text for i in near) if question.asks == "who" else texts_of(near)
    return Decision(words, sure, (anchor, *near), f"It comes right {match.relation} “{anchor.text}”.")


def _between(anchor: Item, near: Item) -> float:
    return max(near.start_seconds - anchor.stop_seconds, anchor.start_seconds - near.stop_seconds)


def _wanted(question: Question, timeline: Timeline, anchor: Item, pool: list[Item]) -> list[Item]:
    """Those of the speaker, with the words, or worded like the anchor, as the question asks for them."""
    start, stop = question.main
    link = question.relation
    own = question.runs(start, stop) if link and (link.start == 0 or stop == link.start) else ()
    own = (
        ()
        if link and link.start and not question.runs(link.stop) and not question.language.postposed
        else own
    )
    if question.language.postposed or not own:
        return _alike(anchor, pool)
    if names := speakers_named(question, timeline, own):
        return [i for i in pool if i.speaker in names]
    stems = question.stems_of(own)
    held = [i for i in pool if stems <= timeline.stems(i)]
    if held and (anchor.kind == "speech" or stems <= timeline.stems(anchor)):
        return held
    return [i for i in pool if _of_one_kind(anchor, i, timeline)] if anchor.kind == "screen" else pool


def _alike(anchor: Item, pool: list[Item]) -> list[Item]:
    """Texts worded like the anchor ("The secret word is …"), where there are any."""
    words = tokens(anchor.text)
    if anchor.kind != "screen" or len(words) < 4:
        return pool
    return [
        i for i in pool if sum(a == b for a, b in zip(words, tokens(i.text), strict=False)) >= len(words) - 1
    ] or pool


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
