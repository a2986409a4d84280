"""How long is the video; how many shots, scenes, speakers, different texts or numbered items has it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mrvideo.models.offline.decision import Decision, texts_of
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import numbered
from mrvideo.models.offline.timeline import Item, Timeline, distinct
from mrvideo.models.offline.wording import is_last_frame
from mrvideo.records import Confidence, clock
from mrvideo.text import tokens


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """A length of time, or a count of what the video is made of; None where what is counted is nothing of it."""
    named = question.runs()
    if question.asks == "how_long" and question.has("whole") and not named:
        return _length(timeline)
    if question.asks != "how_many" or question.has("seconds", "minutes"):
        return None
    counted = next((c for c in ("speakers", "shots", "scenes") if question.has(c)), None)
    if counted is None:
        return _numbered(question, timeline) or _different(question, timeline)
    if named:
        return None
    return _speakers(timeline) if counted == "speakers" else _cuts(timeline, counted)


def _speakers(timeline: Timeline) -> Decision | None:
    firsts = {item.speaker: item for item in reversed(timeline.speech) if item.speaker}
    people = sorted(firsts.values(), key=lambda item: item.start_seconds)
    told = (item.speaker or "" for item in people)
    return _counted(people, told, 3, "So many are named in the cues.") if people else None


def _cuts(timeline: Timeline, counted: str) -> Decision | None:
    count, sure = (len(timeline.shots), 4) if counted == "shots" else (timeline.scenes, 3)
    cited = (*timeline.pictures[:1], *timeline.pictures[1:][-1:])
    reason = "Counted by camera cuts."
    return Decision(str(count), sure, cited, reason, float(count), whole=True) if count and cited else None


def _length(timeline: Timeline) -> Decision | None:
    looked = next((item for item in timeline.looks if is_last_frame(item.text)), None)
    end = looked or next((replace(item, kind="end") for item in timeline.pictures[-1:]), None)
    seconds = timeline.stop_seconds
    words, reason = f"{clock(seconds)} ({seconds:.1f} s)", "The last scene ends there."
    return Decision(words, 4, (end,), reason, seconds, whole=True) if end else None


def _counted(items: Sequence[Item], told: Iterable[str], sure: Confidence, reason: str) -> Decision:
    count, cited = len(items), tuple(dict.fromkeys(items))
    return Decision(f"{count}: {', '.join(told)}", sure, cited, reason, float(count), whole=True)


def _different(question: Question, timeline: Timeline) -> Decision | None:
    """Different texts on screen that hold what is named; else those that begin with it and go on with a name:
    `STOP ALPHA`, `STOP BRAVO`.
    """
    if question.channel == "speech":
        return None
    signs, told = timeline.signs, question.has("different", "texts")
    if told:
        pool = [i for i in signs if question.content | question.soft <= timeline.stems(i)]
        pool = pool or [i for i in signs if question.content <= timeline.stems(i)]
    else:
        heads = [(i, tokens(i.text)) for i in signs if len(tokens(i.text)) > 1 and len(question.content) == 1]
        stem = timeline.language.stem
        pool = [i for i, words in heads if stem(words[0]) in question.content and not words[1][0].isdigit()]
    groups = [group[0] for group in distinct(pool)]
    if len(groups) < (1 if told else 2):
        return None
    return _counted(groups, [texts_of(groups)], 4 if told else 3, "So many different texts were read.")


def _numbered(question: Question, timeline: Timeline) -> Decision | None:
    """Numbered from 1 without a gap."""
    held = numbered(timeline, question.content)
    if len(held) < 2 or sorted(held) != list(range(1, len(held) + 1)):
        return None
    told, items = zip(*(held[number] for number in sorted(held)), strict=True)
    return _counted(items, told, 4, "They are numbered.")
