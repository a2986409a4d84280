"""Where no skill answers: the sentence or text that holds what is asked, quoted with its span, if it holds
enough.

What a text says is helped by what is said right beside it and by what is on screen at the same time. It is
never called certain, and never told without its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from mrvideo.models.offline.decision import Decision, held_share, says_none, span_words, supported, supports
from mrvideo.models.offline.forms import counted, named, shows, tells
from mrvideo.models.offline.question import Question, parse
from mrvideo.models.offline.skills.base import labels_another, speakers_named
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.text import LOOKALIKE, holds, tokens

ENOUGH, CERTAIN = 0.66, 0.95
"""Share of the question's words, by weight, from which a text answers it."""

NEAR_SHARE, FILM_SHARE = 0.6, 0.3
"""What a word counts that stands beside a text, or that the film is about, against one in the text itself."""

MANY_WORDS, MANY_TYPED = 3, 2
"""From so many words of weight on, one may be nowhere: it may be worded otherwise. Fewer will do where the
answer's form is asked for, since that is one more sign.
"""

TOPIC_COUNT = 2
"""A word that so many texts hold is what the film is about: no single text has to repeat it."""

FIT_BONUS, CHANNEL_BONUS = 0.05, 0.03
NEAR_SECONDS, MOST_QUOTED, MOST_REPLIES = 6.0, 2, 2
TYPED = ("how_many", "how_much", "how_long", "how_often", "why", "who", "where")
ADDRESSES = ("email", "url", "phone")
"""Forms that are told apart by themselves."""

_LABEL = re.compile(r"^(?:\w+ )?\d+\s*[.):]\s+")


@dataclass(frozen=True)
class _Hit:
    """A text, how much of the question it and what stands beside it hold, and the texts that tell the answer."""

    item: Item
    score: float
    told: tuple[Item, ...]


def retrieve(question: Question, timeline: Timeline) -> Decision | None:
    """The best quote, or the option that it supports; None where nothing holds enough."""
    if question.has("compare") and question.has("or") and not question.options:
        return None
    if not question.content and not question.soft and not question.form and not question.options:
        return None
    search = _Search(question, timeline)
    hits = search.hits()
    if question.options:
        return _option(question, timeline, hits)
    hits = [hit for hit in hits if hit.score >= ENOUGH]
    if not hits:
        return None
    best = hits[0].score
    top: list[_Hit] = []
    for hit in (hit for hit in hits if hit.score >= best - 0.001):
        # Of passages that overlap, the last one begins with what is asked.
        spoken = top and hit.item.kind == top[-1].item.kind == "speech"
        if spoken and hit.item.span.overlaps(top[-1].item.span):
            top.pop()
        top.append(hit)
    top = top[:MOST_QUOTED]
    cited = tuple(dict.fromkeys(item for hit in top for item in hit.told))[: MOST_QUOTED + 1]
    quoted = [item for item in cited if not _is_question(item)] or list(cited)
    words = " / ".join(dict.fromkeys(item.told for item in quoted))
    timed = any(tells(i.text, "when", question.language) or shows(i.text, "date") for i in cited)
    if question.asks == "when" and not timed:
        words = f"{', '.join(span_words(item.span) for item in cited)}: {words}"
    if question.asks == "how_many" and (count := _counted_in(question, quoted[0].text)):
        first = next((w for w in tokens(quoted[0].text) if counted(w, question.language)), "")
        words = words if first in count.split() else f"{count}: {words}"
    return Decision(words, 3 if best > 0.85 and len(top) == 1 else 2, cited, "It holds the question's words.")


@dataclass(frozen=True)
class _Search:
    """What one question looks for in one timeline."""

    question: Question
    timeline: Timeline

    @cached_property
    def speakers(self) -> list[str]:
        """Whose lines are asked for."""
        named = self.question.has("says") and self.question.asks != "who"
        return speakers_named(self.question, self.timeline, self.question.runs()) if named else []

    @cached_property
    def words(self) -> frozenset[str]:
        """Stems that a text should hold."""
        words = (self.question.content | self.question.soft) - self.question.form_stems
        return words - frozenset(s for name in self.speakers for s in self.timeline.language.stems(name))

    @cached_property
    def plain(self) -> frozenset[str]:
        """Words of weight: one that stands nowhere near a text speaks against it."""
        plain = self.words - self.timeline.language.light - self.question.soft
        told_apart = self.question.form or self.numbered or self.clocks
        return plain or (frozenset() if told_apart else self.words)

    @cached_property
    def weights(self) -> dict[str, float]:
        """What each word counts; one of little meaning that no text holds, nothing."""
        light, rank = self.timeline.language.light - self.question.hard, self.timeline.ranker
        return {w: rank.weight(w) for w in self.words if w not in light or rank.alike(w)}

    @cached_property
    def topics(self) -> frozenset[str]:
        """Words that the film is about."""
        stems = self.timeline.ranker.stems
        return frozenset(w for w in self.words if sum(w in held for held in stems) >= TOPIC_COUNT)

    @cached_property
    def numbered(self) -> list[str]:
        """`step 4`, `platform 7`, `site D`: a number or a letter belongs to the word before it."""
        stem = self.question.language.stem
        return [
            f"{a.low} {b.low}"
            for a, b in pairwise(self.question.words)
            if (b.low.isdigit() or (b.capital and len(b.low) == 1 and b.low.isascii() and b.low not in "ai"))
            and stem(a.low) in self.question.content
        ]

    @cached_property
    def clocks(self) -> list[str]:
        """`the 10:05 train`: a time that stands on a board."""
        named = [word.low for word in self.question.words if word.timed]
        return [c for c in named if any(holds(i.text, c) >= LOOKALIKE for i in self.timeline.screen)]

    def hits(self) -> list[_Hit]:
        """The texts that may answer, best first."""
        hits = [hit for item in self.timeline.passages if (hit := self.hit(item)) and hit.score > 0]
        return sorted(hits, key=lambda hit: (-hit.score, hit.item.start_seconds))

    def hit(self, item: Item) -> _Hit | None:
        """How well a text answers, or None where it cannot."""
        if self.speakers and item.speaker not in self.speakers:
            return None
        if not all(holds(item.text, clock) >= LOOKALIKE for clock in self.clocks):
            return None
        if not self.question.form and labels_another(item, self.question, self.timeline.language):
            return None
        beside = _beside(self.timeline, item)
        own = self.own(item, beside)
        near = frozenset(stem for other in beside for stem in self.timeline.stems(other))
        score = self.score(own, near)
        if score is None or not all(
            any(holds(o.text, pair) >= LOOKALIKE for o in (item, *beside)) for pair in self.numbered
        ):
            return None
        # What a thing does (`begin`) is said in words of many kinds; a line of a board repeats its own.
        words = self.plain if item.kind == "speech" and self.plain else self.words
        told = self.told(item, beside, whole=all(self.timeline.ranker.held(w, own) for w in words))
        if not told or self.lacks(item, own, beside):
            return None
        fits, asked = any(self.fits(i.text) for i in told), item.kind == self.question.channel
        return _Hit(item, score + FIT_BONUS * fits + CHANNEL_BONUS * asked, told)

    def own(self, item: Item, beside: Sequence[Item]) -> frozenset[str]:
        """Stems of a text; who speaks of himself is who the cue or a sign beside it names."""
        if self.question.language.words("first_person") & set(tokens(item.text)):
            signs = (self.timeline.stems(o) for o in beside if o.kind == "screen")
            return self.timeline.stems(item).union(*(self.question.hard & stems for stems in signs))
        speech = self.question.channel == "speech"
        return self.timeline.stems(item) if speech else self.timeline.language.stems(item.text)

    def score(self, own: frozenset[str], near: frozenset[str]) -> float | None:
        """The share of the words' weight that is held; None where one that must be is not."""
        held = self.timeline.ranker.held
        if not all(held(word, own | near) for word in self.question.hard - self.question.form_stems):
            return None
        share = {
            word: max(held(word, own), NEAR_SHARE * held(word, near), FILM_SHARE * (word in self.topics))
            for word in self.words
        }
        firm = self.plain - self.question.hard
        typed = self.question.asks in TYPED
        if sum(not share[word] for word in self.plain) > (len(firm) >= (MANY_TYPED if typed else MANY_WORDS)):
            return None
        total = sum(self.weights.values())
        got = sum(self.weights[word] * share[word] for word in self.weights)
        score = got / total if total else float(not self.words)
        alone = self.question.form in ADDRESSES or self.clocks
        return max(score, ENOUGH) if not self.plain and (alone or score) else score

    def told(self, item: Item, beside: Sequence[Item], *, whole: bool) -> tuple[Item, ...]:
        """The text where it has the form that is asked for; else what stands beside it and has; () where
        nothing has.
        """
        if _is_question(item):
            return self.replies(item)
        if self.fits(item.text):
            return (item,)
        if item.kind == "screen" and whole:
            # The closest in the order of reading; what follows is closer.
            places = self.timeline.places
            board = (o for o in beside if o.kind == "screen" and self.fits(o.text))
            distance = ((abs(places[o] - places[item]), places[o] < places[item], o) for o in board)
            if near := min(distance, key=lambda row: row[:2], default=None):
                return (item, near[2])
        # A name alone tells who, but neither when nor why.
        deed = self.question.asks in ("when", "why") and self.words - self.question.hard
        enough = self.question.asks == "who" or deed
        return (item,) if whole and enough and not self.question.form else ()

    def lacks(self, item: Item, own: frozenset[str], beside: Sequence[Item]) -> bool:
        """Whether a line of a board lacks what its lines are told apart by: `10:30 Basel cancelled`, where a
        platform is asked for, and every platform but that of the train to Basel.
        """
        held = self.timeline.ranker.held
        rows = [self.timeline.stems(o) for o in (item, *beside) if o.kind == item.kind == "screen"]
        repeated = {word for word in self.words if sum(bool(held(word, row)) for row in rows) > 1}
        hard = self.question.hard & self.words
        return bool(repeated) and not all(held(word, own) for word in repeated | hard)

    def replies(self, item: Item) -> tuple[Item, ...]:
        """Somebody asks the same: what is said next may be the answer, if it comes at once."""
        channel = self.timeline.of(item.kind)
        place = channel.index(item)
        replies: list[Item] = []
        for last, other in pairwise(channel[place : place + 1 + MOST_REPLIES]):
            if _gap(other, last) > NEAR_SECONDS - 1 or _is_question(other):
                break
            replies.append(other)
        asked = parse(item.text).asks
        asks = ("yes_no", asked) if asked != "other" else ("yes_no", "what", "other")
        same = self.question.asks in asks and not self.question.form
        told = replies if same else [r for r in replies if self.fits(r.text)]
        return (item, *told) if told and (same or self.question.asks != "what" or self.question.form) else ()

    def fits(self, text: str) -> bool:
        """Whether a text has what the question asks for: its form, and a number beside what is counted."""
        question = self.question
        if question.form == "price" and question.asks == "how_much":
            costs = question.form_stems & question.language.stems(text)
            return shows(text, "price") or (bool(costs) and tells(text, "how_much", question.language))
        if question.form in ("date", "clock"):
            return shows(text, question.form) or tells(text, "when", question.language)
        if question.form:
            return shows(text, question.form)
        if question.asks == "how_many":
            return bool(_counted_in(question, text))
        names, language = self.timeline.names, question.language
        if question.asks_name and question.asks in ("what", "other", "who"):
            return named(self.words - question.hard or self.words, text, language, names)
        lows = frozenset(word.low for word in question.words)
        return tells(_LABEL.sub("", text), question.asks, language, names, lows)


def _beside(timeline: Timeline, item: Item) -> list[Item]:
    """What stands on screen at the same time; of speech, what stood there shortly before, as names do, and the
    sentences right before and after as well.
    """
    since = item.start_seconds - (NEAR_SECONDS if item.kind == "speech" else 0.0)
    signs = (o for o in timeline.screen if o is not item)
    here = [o for o in signs if o.start_seconds < item.stop_seconds and o.stop_seconds > since]
    if item.kind != "speech":
        return here + [o for o in timeline.speech if _gap(o, item) <= NEAR_SECONDS]
    if item not in timeline.places:
        return here  # A passage holds the lines beside it.
    place = timeline.speech.index(item)
    near = timeline.speech[max(place - 1, 0) : place + 2]
    return here + [o for o in near if o is not item and _gap(o, item) <= NEAR_SECONDS]


def _gap(one: Item, other: Item) -> float:
    return max(one.start_seconds - other.stop_seconds, other.start_seconds - one.stop_seconds)


def _is_question(item: Item) -> bool:
    return item.text.rstrip().endswith(("?", "？", "؟"))


def _counted_in(question: Question, text: str) -> str:
    """The number right before what is counted, or behind it after a colon, with it: `3 leeks`; any number where
    nothing is named; "" where there is none.
    """
    mark, language = question.find("how_many"), question.language
    behind = question.words[mark.stop : mark.stop + 2] if mark else ()
    goods = language.stems(" ".join(w.low for w in behind if not w.parted))
    words = tokens(_LABEL.sub("", text))
    numbers = [place for place, word in enumerate(words) if counted(word, language)]
    for place, word in enumerate(words):
        if language.stem(word) in goods:
            if before := [number for number in numbers if place - 3 <= number < place]:
                return " ".join(words[before[0] : place + 1])
            if place + 1 in numbers and re.search(rf"{re.escape(word)}\s*[:=]", text, re.IGNORECASE):
                return f"{word} {words[place + 1]}"
    return words[numbers[0]] if numbers and not goods else ""


def _option(question: Question, timeline: Timeline, hits: Sequence[_Hit]) -> Decision | None:
    """The option that the best texts hold; else the only one that is written or said at all, or that says none
    of them.
    """
    strong = [hit for hit in hits if hit.score >= ENOUGH - 0.16][:4]
    shares = [
        0.0 if says_none(option) else _best_share(question, option, strong, timeline)
        for option in question.options
    ]
    best = max(range(len(shares)), key=lambda n: shares[n])
    second = max((share for n, share in enumerate(shares) if n != best), default=0.0)
    if shares[best] >= 0.3 and (not second or shares[best] > second + 0.05):
        told = [i for hit in strong for i in hit.told]
        held = [i for i in told if held_share(question, question.options[best], i, timeline)]
        cited = tuple(dict.fromkeys(held or strong[0].told))[:3]
        reason = "What holds the question's words holds this option."
        return Decision(question.options[best], 3, cited, reason, choice=best)
    every = timeline.language.stems(" ".join(i.told for i in timeline.everything))
    if question.has("seeing") or question.hard - every:
        return None
    pool = timeline.of(question.channel)
    written = supported(question, [i.text for i in pool])
    asked = question.has("shows", "occurs", "texts", "mentions", "says")
    if len(written) == 1 and (strong or asked or not question.content):
        option, reason = question.options[written[0]], "Only this option is written or said."
        cited = tuple(i for i in pool if supports(i.text, option, question.language))[:4]
        return Decision(option, 2 if question.content else 3, cited, reason, choice=written[0])
    none = [n for n, option in enumerate(question.options) if says_none(option)]
    if len(none) != 1 or not strong or strong[0].score < CERTAIN:
        return None
    reason = "What is told is none of the others."
    return Decision(question.options[none[0]], 2, strong[0].told, reason, choice=none[0])


def _best_share(question: Question, option: str, hits: Sequence[_Hit], timeline: Timeline) -> float:
    """How much the best of the texts holds of an option, more where it holds more of the question."""
    shares = [(held_share(question, option, i, timeline), hit.score) for hit in hits for i in hit.told]
    return max((held * (0.2 + score) for held, score in shares), default=0.0)
