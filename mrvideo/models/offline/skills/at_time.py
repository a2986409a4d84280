"""What is shown or said at a time, or between two times?"""

from __future__ import annotations

from mrvideo.models.offline.decision import UNFOUND, Decision, supported, texts_of
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import overlapping
from mrvideo.models.offline.timeline import Item, Timeline, distinct

SLACK_SECONDS, MOST_TOLD = 0.5, 12


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """What is there then; next to it only where `after` or `before` asks for that."""
    if question.times is None or question.asks not in ("what", "who", "other"):
        return None
    if question.has("seeing", "not") or question.form:
        return None
    low, high = timeline.bounds(question.times)
    pool = [i for i in timeline.of(question.channel) if not i.standing or question.channel == "screen"]
    pool = [i for i in pool if question.content <= timeline.stems(i)]
    link = () if question.options or question.has("between") else question.link
    if low == high and "before" in link:
        pool = [i for i in pool if i.start_seconds < low][-1:]
    elif low == high and "after" in link:
        pool = [i for i in pool if i.start_seconds >= low][:1]
    else:
        pool = overlapping(pool, low, high, SLACK_SECONDS if low == high else 0.0)
    if question.options:
        hits = supported(question, [i.text for i in pool])
        pool = [i for i in pool if len(hits) == 1 and supported(question, [i.text]) == hits]
    cited = tuple(group[0] for group in distinct(pool))[:MOST_TOLD]
    sure = 3 if question.content else 4
    return Decision(_told(cited), sure, cited, "It is there at that time.") if cited else UNFOUND


def _told(items: tuple[Item, ...]) -> str:
    said = " ".join(dict.fromkeys(i.told for i in items if i.kind == "speech"))
    return " / ".join(part for part in (texts_of(i for i in items if i.kind == "screen"), said) if part)
