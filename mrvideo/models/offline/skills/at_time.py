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
    cited = tuple(group[0] for group in distinct(_there(question, timeline)))[:MOST_TOLD]
    sure = 3 if question.content else 4
    return Decision(_told(cited), sure, cited, "It is there at that time.") if cited else UNFOUND


def _there(question: Question, timeline: Timeline) -> list[Item]:
    """With the question's words; of options, what supports the only one that is supported."""
    pool = [i for i in timeline.of(question.channel) if not i.standing or question.channel == "screen"]
    near = _near(question, timeline, [i for i in pool if question.content <= timeline.stems(i)])
    if not question.options:
        return near
    hits = supported(question, [i.text for i in near])
    return [i for i in near if len(hits) == 1 and supported(question, [i.text]) == hits]


def _near(question: Question, timeline: Timeline, pool: list[Item]) -> list[Item]:
    low, high = timeline.bounds(question.times or (0.0, None))
    link = () if low < high or question.options or question.has("between") else question.link
    if "before" in link:
        return [i for i in pool if i.start_seconds < low][-1:]
    if "after" in link:
        return [i for i in pool if i.start_seconds >= low][:1]
    return overlapping(pool, low, high, SLACK_SECONDS if low == high else 0.0)


def _told(items: tuple[Item, ...]) -> str:
    said = " ".join(dict.fromkeys(i.told for i in items if i.kind == "speech"))
    return " / ".join(part for part in (texts_of(i for i in items if i.kind == "screen"), said) if part)
