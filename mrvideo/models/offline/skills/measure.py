"""How long is the video, or is a text shown; how many shots, scenes and speakers are there?"""

from __future__ import annotations

from dataclasses import replace

from mrvideo.models.offline.decision import Decision, choose_number, span_words
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find, joined
from mrvideo.models.offline.timeline import Item, Timeline, spans_of
from mrvideo.models.offline.wording import is_last_frame
from mrvideo.records import clock
from mrvideo.text import unit_seconds

EXAMPLES = (
    ("How long is the video?", "3:00.0"),
    ("How long is STOP GOLF shown?", "14.9 s"),
    ("How many shots are there?", "3"),
    ("How many scenes are there?", "18"),
    ("How many speakers are there?", "2"),
    ("How long is STOP ZULU shown?", None),
    ("Wie lang ist das Video?", "3:00.0"),
)


def match(question: Question) -> Match | None:
    """A length of time, or a count of what the video is made of."""
    runs = question.runs()
    if question.asks == "how_many" and not runs and question.has("shots", "scenes", "speakers"):
        of = next(c for c in ("speakers", "shots", "scenes") if question.has(c))
        return Match(question, relation=of)
    if question.asks != "how_long":
        return None
    if question.has("whole") and not runs:
        return Match(question, relation="video")
    hours = any((unit_seconds(word.low, question.language) or 0) >= 3600 for word in question.words)
    told = question.has("shows", "occurs", "texts", "lasts", "leaves") and not hours
    return Match(question, "screen", joined(runs)[:1], relation="text") if runs and told else None


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """As measured."""
    if match.relation == "text":
        found = find(timeline, match.anchors[0], "screen")
        seconds = sum(span.duration_seconds for span in spans_of(found.items))
        told = ", ".join(span_words(item.span) for item in found.items)
        return (
            _chosen(
                match,
                Decision(
                    f"{seconds:.1f} s ({told})", 4, found.items, "From its first to its last frame.", seconds
                ),
            )
            if found.items
            else None
        )
    if match.relation == "video":
        end = next((i for i in timeline.looks if is_last_frame(i.text)), None) or next(
            iter(timeline.pictures[-1:]), None
        )
        seconds = timeline.stop_seconds
        words = f"{clock(seconds)} ({seconds:.1f} s)"
        return (
            _chosen(
                match,
                Decision(
                    words,
                    4,
                    (replace(end, kind="end") if end.kind == "picture" else end,),
                    "The last scene ends there.",
                    seconds,
                ),
            )
            if end
            else None
        )
    if match.relation == "speakers":
        firsts: dict[str, Item] = {}
        for item in timeline.speech:
            firsts.setdefault(item.speaker or "", item)
        named = [item for name, item in firsts.items() if name]
        who = ", ".join(i.speaker or "" for i in named)
        return (
            Decision(
                f"{len(named)}: {who}", 3, tuple(named), "So many are named in the cues.", float(len(named))
            )
            if named
            else None
        )
    count = len(timeline.shots) if match.relation == "shots" else timeline.scenes
    cited = (*timeline.pictures[:1], *timeline.pictures[1:][-1:])
    sure = 4 if match.relation == "shots" else 3
    return (
        Decision(str(count), sure, cited, "Counted by camera cuts.", float(count))
        if count and cited
        else None
    )


def _chosen(match: Match, decision: Decision) -> Decision | None:
    if not match.question.options or not isinstance(decision.value, float):
        return decision
    choice = choose_number(match.question, decision.value, slack=max(1.5, decision.value / 10))
    return None if choice is None else replace(decision, choice=choice, answer=match.question.options[choice])
