"""Questions on what is said or told: answered with the line that holds most of the question, if it holds enough."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.models.offline.choosing import (
    match_option,
    only_supported,
    option_text,
    says_none,
    supported_option,
)
from mrvideo.models.offline.naming import PERCEPTUAL
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.singling import held_by_content, measures, texts_decision, worded_alike
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision
from mrvideo.models.offline.words import LIGHT, number_in, stem, stems
from mrvideo.text import holds, squeezed, tokens


def answer_open(question: Question, timeline: Timeline) -> Decision | None:
    """The line that holds most of the question's words, if it holds enough of them."""
    if question.start_seconds is not None and question.kind == "open":
        return None
    lines = lines_of_speaker(question, timeline)
    if lines is not None and not (question.content - _spoken_names(timeline)):
        if question.options:
            return supported_option(question, timeline, lines, 4) if lines else None
        return (
            Decision(
                " ".join(i.text for i in lines[:5]),
                None,
                3,
                tuple(lines[:5]),
                "These lines are that speaker's.",
            )
            if lines
            else None
        )
    held = held_by_content(question, timeline.screen) if len(question.content | question.literal) >= 2 else []
    held = [i for i in held if measures(question, i)]
    if held and not question.options and question.where != "speech" and not question.perceptual:
        return texts_decision(question, timeline, worded_alike(question, held), 5)
    pool = lines if lines else list(timeline.of("speech" if question.where == "speech" else "any"))
    scored = [(timeline.relevance(question, i), i) for i in pool if _bears(question, timeline, i)]
    if not scored:
        return _loose_option(question, pool) if question.options and not question.perceptual else None
    best = max(score for score, _ in scored)
    top = [i for score, i in scored if score >= best - 1e-9][:3]
    if question.options:
        return _option_of_lines(question, timeline, [i for _, i in sorted(scored, key=lambda s: -s[0])[:4]])
    replies = [_reply_to(i, timeline) for i in top] if top[0].text.endswith("?") else []
    cited = tuple(i for pair in zip(top, replies, strict=True) for i in pair) if replies else tuple(top)
    texts = [f"{i.speaker}: {i.text}" if i.speaker else i.text for i in (replies or top)]
    return Decision(
        " / ".join(dict.fromkeys(texts)),
        None,
        4 if best >= 0.99 and len(top) == 1 else 3 if best > 0.6 else 2,
        cited,
        "It holds the question's words.",
    )


def _spoken_names(timeline: Timeline) -> frozenset[str]:
    return frozenset(stem(w) for i in timeline.speech if i.speaker for w in tokens(i.speaker))


def lines_of_speaker(question: Question, timeline: Timeline) -> list[Item] | None:
    """The lines of the speaker whom the question asks about (`what does Ben say …`), or None."""
    if question.where == "screen":
        return None
    speakers = list(dict.fromkeys(i.speaker for i in timeline.speech if i.speaker))
    match = re.search(
        r"\b(?:does|did|do|has|is)\s+(.+?)\s+(?:say|saying|said|tell|ask|reply|answer|mention|announce|shout|talk)",
        question.text,
        re.IGNORECASE,
    )
    if not match:
        return None
    named = [s for s in speakers if holds(match.group(1), s)]
    return [i for i in timeline.speech if i.speaker in named] if named else None


def _reply_to(item: Item, timeline: Timeline) -> Item:
    """The line after a question that somebody asks."""
    place = timeline.speech.index(item)
    return timeline.speech[place + 1]


def _bears(question: Question, timeline: Timeline, item: Item) -> bool:
    """Whether a line holds enough of the question in itself to be quoted as its answer."""
    if not measures(question, item):
        return False
    core = question.content - question.names
    if item.channel == "speech" and item.text.endswith("?"):
        # Somebody asks the same: the next line may be the answer, if it comes at once.
        place = timeline.speech.index(item)
        following = timeline.speech[place + 1 : place + 2]
        names = question.names & frozenset(stem(w) for w in tokens(item.text))
        if not following or following[0].start_seconds > item.stop_seconds + 5.0 or names != question.names:
            return False
    where = question.text.lower().startswith("where ")
    if where:
        core -= _HAPPENING
        if not _PLACE.search(item.text):
            return False
    mine = core & item.stems
    known = question.names & (item.stems | _shown_speaker(item, timeline))
    if where and len(core) == 1 and mine and not PERCEPTUAL.search(_HAPPENS.sub("", question.text)):
        return not question.names - known
    if question.perceptual:
        return len(core) >= 2 and core <= item.stems
    if re.search(
        r"\bhow (?:many|much|old|far|tall|high|long)\b|\b(?:which|what) year\b", question.text.lower()
    ):
        return (
            bool(mine)
            and number_in(item.text) is not None
            and 2 * len(mine - LIGHT) >= len(core - LIGHT)
            and measures(question, item)
        )
    if not mine or 2 * len(mine) < len(core):
        return False
    if question.nouns & {"name", "names"} and core <= item.stems:
        return bool(item.stems & {"call", "nam"})
    if question.where == "speech" and re.search(r"\b(?:about|mention\w*|regarding)\b", question.text.lower()):
        return True
    return len(mine) + len(known) >= 2 or (
        len(core) == 1 and len(question.names) == 0 and question.where == "speech"
    )


_HAPPENS = re.compile(r"\bhappen\w*", re.IGNORECASE)
_HAPPENING = frozenset(stem(word) for word in ("happen", "take", "place", "occur", "come"))
_PLACE = re.compile(
    r"\b(?:in|at|on|near|by|from|to|under|behind|beside|inside|outside|between|into|through|along|above|below|opposite)\b",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:I|my|me|we|our|us)\b", re.IGNORECASE)


def _shown_speaker(item: Item, timeline: Timeline) -> frozenset[str]:
    """The words of a caption that names who speaks of himself: `Tomas Reyk` on screen, while it is said: I learned it from Olga."""
    if item.channel != "speech" or not _OWN.search(item.text):
        return frozenset()
    shown = [
        sign
        for sign in timeline.screen
        if sign.start_seconds < item.stop_seconds and sign.stop_seconds > item.start_seconds
    ]
    return frozenset(s for sign in shown for s in sign.stems) if len(shown) == 1 else frozenset()


def _option_of_lines(question: Question, timeline: Timeline, lines: Sequence[Item]) -> Decision | None:
    """The option whose words these lines hold, the first lines counting most."""
    scores: list[float] = []
    for option in question.options:
        wanted = stems(option_text(option)) - question.content
        best = 0.0
        for line in lines:
            if says_none(option):
                continue
            share = (
                1.0
                if match_option(line, option)
                else len(wanted & line.stems) / len(wanted)
                if wanted
                else 0.0
            )
            best = max(best, share * (0.2 + timeline.relevance(question, line)))
        scores.append(best)
    order = sorted(range(len(scores)), key=lambda n: -scores[n])
    first = order[0]
    if scores[first] < 0.3 or (len(order) > 1 and scores[first] < scores[order[1]] + 0.05):
        return None
    wanted = stems(option_text(question.options[first])) - question.content
    cited = [i for i in lines if match_option(i, question.options[first]) or wanted & i.stems]
    return Decision(
        question.options[first],
        first,
        3,
        tuple(cited[:3]),
        "A line that holds the question's words holds this option.",
    )


def _loose_option(question: Question, pool: Sequence[Item]) -> Decision | None:
    """When no line answers by itself: the single option that is written or said at all."""
    hits = only_supported(question.options, pool)
    if len(hits) != 1:
        hits = [
            h
            for h in hits
            if any(squeezed(i.text) == squeezed(option_text(question.options[h])) for i in pool)
        ]
    if len(hits) != 1:
        return None
    cited = [i for i in pool if match_option(i, question.options[hits[0]])]
    return Decision(
        question.options[hits[0]],
        hits[0],
        2,
        tuple(cited[:4]),
        "Only this option is written or said anywhere.",
    )
