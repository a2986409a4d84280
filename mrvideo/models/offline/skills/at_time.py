"""What is shown or said at a time, or between two times?"""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, supported, texts_of
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, overlapping
from mrvideo.models.offline.timeline import Item, Timeline, distinct

SLACK_SECONDS, MOST_TOLD = 0.5, 12
EXAMPLES = (
    ("What happens at 1:36?", "A cat sits on the wall."),
    ("What is said between 1:00 and 1:40?", "Now we cross the river."),
    ("Which text is on screen at 95 seconds?", "STOP GOLF"),
    ("What is said in the first 10 seconds?", "Welcome to the tram tour."),
    ("What is said at 0:50?", None),
    ("What text is shown right after 1:45?", "STOP HOTEL"),
)


def match(question: Question) -> Match | None:
    """A time is named, and nothing that would have to hold more than that."""
    if question.times is None or question.asks not in ("what", "who", "other", "when"):
        return None
    if question.asks == "when" or question.has("seeing", "not") or question.form:
        return None
    link = question.relation
    beside = link is not None and len(question.options) == 0 and not question.has("between")
    relation = next((c for c in ("before", "after") if beside and link and c in link.concepts), "")
    return Match(question, question.channel, relation=relation)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """What is there then; next to it only where `after` or `before` asks for that."""
    low, high = timeline.bounds(match.question.times or (0.0, None))
    pool = [i for i in timeline.of(match.channel) if not i.standing or match.channel == "screen"]
    content = match.question.content
    pool = [i for i in pool if content <= timeline.stems(i)]
    if match.relation and low == high:
        pool = _beside(pool, low, match.relation)
    else:
        pool = overlapping(pool, low, high, SLACK_SECONDS if low == high else 0.0)
    if match.question.options:
        hits = supported(match.question, [i.text for i in pool])
        pool = [i for i in pool if len(hits) == 1 and supported(match.question, [i.text]) == hits]
    cited = tuple(group[0] for group in distinct(pool))[:MOST_TOLD]
    sure = 3 if content else 4
    return Decision(_told(cited), sure, cited, "It is there at that time.") if cited else None


def _beside(pool: list[Item], seconds: float, relation: str) -> list[Item]:
    if relation == "after":
        return [i for i in pool if i.start_seconds >= seconds][:1]
    return [i for i in pool if i.start_seconds < seconds][-1:]


def _told(items: tuple[Item, ...]) -> str:
    screen, speech = [i for i in items if i.kind == "screen"], [i for i in items if i.kind == "speech"]
    said = " ".join(dict.fromkeys(i.told for i in speech))
    return " / ".join(part for part in (texts_of(screen), said) if part)
