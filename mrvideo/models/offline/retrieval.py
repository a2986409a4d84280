"""Where no skill answers: the sentence or text that holds most of what is asked, quoted with its span, if it holds enough.

What a text says is helped by what is said right beside it and by what is on screen at the same time. It is never called
certain, and never told without its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mrvideo.models.offline.decision import Decision, option_text, says_none, span_words, supported, supports
from mrvideo.models.offline.forms import counted, shows, tells
from mrvideo.models.offline.question import Question, parse
from mrvideo.models.offline.skills.base import speakers_named
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.text import tokens

ENOUGH = 0.66
"""Share of the question's words, by weight, from which a text answers it; measured on benchmarks/offline.py."""

BESIDE_SHARE = 0.6
"""What a word beside a text counts, against one in it."""

NAME_WEIGHT = 0.8
"""The least that a name or a number of the question weighs, however often it is held."""

NEAR_SECONDS, MOST_QUOTED, MOST_REPLIES = 6.0, 3, 2


@dataclass(frozen=True)
class _Hit:
    """A text with what stands beside it, how much of the question they hold, and the text that tells the answer's form."""

    item: Item
    score: float
    told: tuple[Item, ...]


def retrieve(question: Question, timeline: Timeline) -> Decision | None:
    """The best quote, or the option that it supports; None where nothing holds enough."""
    if question.has("compare") and question.has("or") and not question.options:
        return None
    if question.has("beside") and question.asks in ("what", "other", "who"):
        return None
    if not question.content and not question.soft and not question.form and not question.options:
        return None
    hits = _hits(question, timeline)
    if question.options:
        return _option(question, timeline, hits)
    hits = [hit for hit in hits if hit.score >= ENOUGH]
    if not hits:
        return None
    best = hits[0].score
    top = [hit for hit in hits if hit.score >= best - 0.02][:MOST_QUOTED]
    cited = tuple(dict.fromkeys(item for hit in top for item in hit.told))[: MOST_QUOTED + 1]
    quoted = [item for item in cited if not _is_question(item)] if question.asks in ("why", "who") else cited
    words = " / ".join(dict.fromkeys(item.told for item in quoted))
    if question.asks == "when" and not any(
        tells(i.text, "when", question.language) or shows(i.text, "date") for i in cited
    ):
        words = f"{', '.join(span_words(item.span) for item in cited)}: {words}"
    return Decision(words, 3 if best > 0.85 and len(top) == 1 else 2, cited, "It holds the question's words.")


def nearest(question: Question, timeline: Timeline, most: int = 3) -> list[Item]:
    """The texts that come closest to what is asked, best first."""
    return [hit.item for hit in _hits(question, timeline, strict=False)[:most]]


def _hits(question: Question, timeline: Timeline, *, strict: bool = True) -> list[_Hit]:
    """By how much of the question they hold; `strict`: only those that may answer it."""
    words = (question.content | question.soft) - question.form_stems
    asked = _asked_noun(question)
    who = speakers_named(question, timeline, question.runs()) if question.has("says") and strict else []
    words -= frozenset(stem for name in who for stem in question.language.stems(name))
    hits: list[_Hit] = []
    for place, item in enumerate(timeline.everything):
        if who and item.speaker not in who:
            continue
        own = timeline.ranker.coverage(words, place)
        if strict and own == 0 and words:
            continue
        beside = _beside(timeline, item)
        score = _score(question, timeline, words, item, beside)
        score += 0.03 * (item.kind == {"screen": "screen", "speech": "speech"}.get(question.channel))
        score += 0.05 * (question.asks == "when" and tells(item.text, "when", question.language))
        score += 0.05 * bool(asked and timeline.ranker.held(asked, timeline.stems(item)))
        told = _told(question, timeline, item, beside)
        if not strict:
            hits.append(_Hit(item, score + 0.1 * bool(told), (item,)))
        elif told and _holds_what_it_must(question, timeline, item, beside):
            hits.append(_Hit(item, score, told))
    return sorted((h for h in hits if h.score > 0), key=lambda hit: (-hit.score, hit.item.start_seconds))


def _asked_noun(question: Question) -> str | None:
    """`Which gate …` asks for a gate."""
    mark = question.find("what")
    runs = question.runs(mark.stop) if mark else ()
    if not mark or not runs or runs[0].start != mark.stop:
        return None
    return question.language.stem(tokens(runs[0].text)[0])


def _score(
    question: Question, timeline: Timeline, words: frozenset[str], item: Item, beside: Sequence[Item]
) -> float:
    """The share of the words' weight that the item holds, and at a lower rate what stands beside it."""
    ranker, own = timeline.ranker, timeline.stems(item)
    near = frozenset(stem for other in beside for stem in timeline.stems(other))
    total = got = 0.0
    for word in words:
        weight = ranker.weight(word) * (0.33 if word in question.soft else 1.0)
        weight = max(weight, NAME_WEIGHT) if word in question.hard else weight
        total += weight
        got += weight * max(ranker.held(word, own), BESIDE_SHARE * ranker.held(word, near))
    return got / total if total else 1.0


def _beside(timeline: Timeline, item: Item) -> list[Item]:
    """What stands on screen at the same time; of speech, the sentences right before and after as well."""
    here = [
        o
        for o in timeline.screen
        if o is not item and o.start_seconds < item.stop_seconds and o.stop_seconds > item.start_seconds
    ]
    if item.kind != "speech":
        return here
    place = timeline.speech.index(item)
    near = timeline.speech[max(place - 1, 0) : place + 2]
    return here + [o for o in near if o is not item and _gap(o, item) <= NEAR_SECONDS]


def _gap(one: Item, other: Item) -> float:
    return max(one.start_seconds - other.stop_seconds, other.start_seconds - one.stop_seconds)


def _holds_what_it_must(question: Question, timeline: Timeline, item: Item, beside: Sequence[Item]) -> bool:
    """A word of weight stands in the text itself; names, numbers and quotations there or right beside it."""
    ranker, own = timeline.ranker, timeline.stems(item)
    hard = question.hard - question.form_stems
    content = question.content - question.form_stems
    heavy = content - question.language.light or content
    if heavy and not any(ranker.held(word, own) for word in heavy):
        return False
    subject = own
    if item.speaker and not question.language.words("first_person") & set(tokens(item.text)):
        # Who says a line is meant by a name of the question only where they speak of themselves.
        subject = question.language.stems(item.text) if question.channel != "speech" else own
    near = subject | frozenset(s for other in beside for s in timeline.stems(other))
    seeing = question.has("seeing")
    return all(ranker.held(word, subject if seeing else near) for word in hard)


def _told(question: Question, timeline: Timeline, item: Item, beside: Sequence[Item]) -> tuple[Item, ...]:
    """The text itself where it has the form that is asked for; else what stands beside it and has; () where nothing has."""
    if _is_question(item):
        return _replies(question, timeline, item)
    if question.asks == "when" and not question.form and not tells(item.text, "when", question.language):
        return (
            item,
            *[
                o
                for o in beside
                if o.kind == item.kind == "screen" and tells(o.text, "when", question.language)
            ][:1],
        )
    if _fits(question, timeline, item.text):
        return (item,)
    if item.kind == "screen" or question.form:
        board = [o for o in beside if o.kind == item.kind and _fits(question, timeline, o.text)]
        return (item, *board[:1])[-2:] if board else ()
    return ()


def _is_question(item: Item) -> bool:
    return item.kind == "speech" and item.text.rstrip().endswith(("?", "？", "؟"))


def _replies(question: Question, timeline: Timeline, item: Item) -> tuple[Item, ...]:
    """Somebody asks the same: what is said next may be the answer, if it comes at once."""
    place = timeline.speech.index(item)
    replies: list[Item] = []
    for other in timeline.speech[place + 1 : place + 1 + MOST_REPLIES]:
        if _gap(other, (replies or [item])[-1]) > NEAR_SECONDS - 1:
            break
        replies.append(other)
    told = (
        [r for r in replies if _fits(question, timeline, r.text)]
        if question.asks not in ("what", parse(item.text).asks)
        else replies
    )
    return (item, *told) if told else ()


def _fits(question: Question, timeline: Timeline, text: str) -> bool:
    """Whether a text has what the question asks for: its form, and a number beside what is counted."""
    if question.form == "price" and question.asks == "how_much":
        costs = question.form_stems & question.language.stems(text)
        return shows(text, "price") or (bool(costs) and tells(text, "how_much", question.language))
    if question.form and question.form != "date":
        return shows(text, question.form)
    if question.form == "date" or question.asks == "when":
        return question.form != "date" or shows(text, "date") or tells(text, "when", question.language)
    if question.asks == "how_many":
        return _counts(question, text)
    asks = "who" if question.asks == "what" and question.asks_name else question.asks
    lows = frozenset(word.low for word in question.words)
    return tells(_LABEL.sub("", text), asks, question.language, timeline.names, lows)


_LABEL = re.compile(r"^(?:\w+ )?\d+\s*[.):]\s+")


def _counts(question: Question, text: str) -> bool:
    """A number right before what is counted, or behind it after a colon."""
    mark = question.find("how_many")
    language = question.language
    goods = (
        language.stems(" ".join(w.low for w in question.words[mark.stop : mark.stop + 2]))
        if mark
        else frozenset[str]()
    )
    words = tokens(_LABEL.sub("", text))
    for place, word in enumerate(words):
        if language.stem(word) in goods:
            before = words[max(place - 3, 0) : place]
            if any(counted(w, language) for w in before) or re.search(
                rf"{re.escape(word)}\s*[:=]\s*\d", text.casefold()
            ):
                return True
    return False


def _option(question: Question, timeline: Timeline, hits: Sequence[_Hit]) -> Decision | None:
    """The option that the best texts hold; else the only one that is written or said at all."""
    strong = [hit for hit in hits if hit.score >= ENOUGH - 0.16][:4]
    scores = [
        max((_share(question, option, hit, timeline) for hit in strong), default=0.0)
        for option in question.options
    ]
    order = sorted(range(len(scores)), key=lambda n: -scores[n])
    if strong and scores[order[0]] >= 0.3 and (len(order) == 1 or scores[order[0]] > scores[order[1]] + 0.05):
        held = [
            i
            for hit in strong
            for i in hit.told
            if _holds_option(question, question.options[order[0]], i, timeline)
        ]
        cited = tuple(dict.fromkeys(held or strong[0].told))[:3]
        return Decision(
            question.options[order[0]],
            3,
            cited,
            "A text that holds the question's words holds this option.",
            choice=order[0],
        )
    if question.has("seeing") or question.hard - timeline.language.stems(
        " ".join(i.told for i in timeline.everything)
    ):
        return None
    pool = timeline.screen if question.channel == "screen" else timeline.of(question.channel)
    named = question.content and not strong
    found = supported(question, [i.text for i in pool])
    if len(found) != 1 or (named and not question.has("shows", "occurs", "texts", "mentions", "says")):
        return None if not strong else _none_of_these(question, strong)
    cited = tuple(i for i in pool if supports(i.text, question.options[found[0]], question.language))[:4]
    sure = 2 if question.content else 3
    return Decision(
        question.options[found[0]], sure, cited, "Only this option is written or said.", choice=found[0]
    )


def _none_of_these(question: Question, strong: Sequence[_Hit]) -> Decision | None:
    none = [n for n, option in enumerate(question.options) if says_none(option)]
    if len(none) != 1 or strong[0].score < 0.95:
        return None
    return Decision(
        question.options[none[0]], 2, strong[0].told, "What is told is none of the others.", choice=none[0]
    )


def _share(question: Question, option: str, hit: _Hit, timeline: Timeline) -> float:
    if says_none(option):
        return 0.0
    held = max(_holds_option(question, option, item, timeline) for item in hit.told)
    return held * (0.2 + hit.score)


def _holds_option(question: Question, option: str, item: Item, timeline: Timeline) -> float:
    if supports(item.text, option, question.language):
        return 1.0
    wanted = timeline.language.stems(option_text(option)) - question.content
    held = sum(timeline.ranker.held(word, timeline.stems(item)) for word in wanted)
    return held / len(wanted) if wanted else 0.0
