"""A question taken apart by the words of its language: what it asks, of screen or speech, about which texts,
when, which of several.

`When is "STOP GOLF" shown for the second time?`
 when     [anchor]    shows    the 2nd occasion        what is in no table is an anchor
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

from mrvideo.text import (
    Language,
    language_of,
    numbers_in,
    placed_words,
    squeezed,
    times_in,
    tokens,
    unit_seconds,
)

Channel: TypeAlias = Literal["screen", "speech", "any"]
QUOTED = re.compile(
    r"[\"“”„«「『]\s*([^\"“”„«»「」『』]+?)\s*[\"“”»」』]|`([^`]+)`|(?<!\w)['‘’]([^'‘’\n]*(?:\b['’](?:s|t|m|re|ve|ll|d)\b[^'‘’\n]*)*)['’](?!\w)"
)
EDGES = {"at_start": (0.0, 10.0), "at_end": (-10.0, None), "near_end": (-20.0, None)}
TIMES = re.compile(r"(?<![\d:])(?:\d{1,2}:)?\d{1,3}:\d{2}(?![\d:])")
ASKS = ("when", "who", "where", "why", "how_often", "how_many", "how_long", "how_much", "colour", "what")
_STRUCTURE = frozenset(
    (*ASKS, "opener", "says", "shows", "occurs", "mentions", "there", "texts", "lines", "whole", "and", "or", "occasion", "next", "while", "name", "different", "time", "at", "seconds", "minutes", "hours")
)  # fmt: skip
"""Concepts whose words say nothing of what is asked about."""


@dataclass(frozen=True)
class Word:
    """One word of a question, or a whole quotation; `parted`: a comma or the like stands before it."""

    low: str
    start: int
    stop: int
    capital: bool
    quoted: bool = False
    parted: bool = False
    timed: bool = False


@dataclass(frozen=True)
class Mark:
    """Words of a question, `[start, stop)`, that a table of the language knows, and what they may mean."""

    start: int
    stop: int
    concepts: tuple[str, ...]

    @property
    def places(self) -> range:
        """Of its words."""
        return range(self.start, self.stop)


@dataclass(frozen=True)
class Run:
    """Words next to each other that no table knows: a text or a thing that the question names."""

    start: int
    stop: int
    text: str
    quoted: bool


@dataclass(frozen=True)
class Question:
    """`marks` lie in order, and do not overlap."""

    text: str
    options: tuple[str, ...]
    language: Language
    words: tuple[Word, ...]
    marks: tuple[Mark, ...]

    def has(self, *concepts: str) -> bool:
        """Whether any of the concepts is named."""
        return any(c in mark.concepts for mark in self.marks for c in concepts)

    def find(self, *concepts: str) -> Mark | None:
        """The first mark of any of the concepts."""
        return next((m for m in self.marks if any(c in m.concepts for c in concepts)), None)

    @cached_property
    def marked(self) -> frozenset[int]:
        """The places of all words that a table knows."""
        return frozenset(place for mark in self.marks for place in mark.places)

    @cached_property
    def asks(self) -> str:
        """What is asked: the first asking word decides; `yes_no`, or `other` where there is none."""
        opens = self.marks and self.marks[0].start == 0 and "opener" in self.marks[0].concepts
        if opens and not self.has("what", "who", "where") and not self.options_tell:
            return "yes_no"
        found = [(m.start, next((a for a in ASKS if a in m.concepts), "")) for m in self.marks]
        asking = next((ask for _, ask in sorted(found) if ask), "")
        return asking or ("yes_no" if opens else "other")

    @property
    def options_tell(self) -> bool:
        """Whether there are options, and they are not yes and no."""
        answers = self.language.answers
        yes_no = {"yes", "no", "true", "false", answers["yes"].casefold(), answers["no"].casefold()}
        return bool(self.options) and not any(squeezed(option) in yes_no for option in self.options)

    @cached_property
    def relation(self) -> Mark | None:
        """The word that sets what is asked for in relation to something else in time."""
        asked = next((m.start for m in self.marks if set(ASKS) & set(m.concepts)), len(self.words))
        for mark in self.marks:
            if {"before", "after", "between"} & set(mark.concepts):
                if "occurs" in mark.concepts and mark.stop == len(self.words):
                    continue  # `Kommt das Wort vor?`
                return mark
            if "while" in mark.concepts and asked < mark.start and mark.stop < len(self.words):
                return mark
        return None

    @property
    def link(self) -> tuple[str, ...]:
        """The concepts of `relation`; () where there is none."""
        return self.relation.concepts if self.relation else ()

    @cached_property
    def times(self) -> tuple[float, float | None] | None:
        """The span of the video that is named, in seconds; counted from its end where negative."""
        bare = QUOTED.sub(" ", self.text)
        if limit := self.find("in_first", "in_last"):
            rest = bare[self.words[limit.stop - 1].stop :]
            numbers = numbers_in(rest, self.language) or [1.0]
            units = (unit_seconds(word, self.language) for word in tokens(rest))
            if unit := next((u for u in units if u), None):
                seconds = numbers[0] * unit
                return (0.0, seconds) if "in_first" in limit.concepts else (-seconds, None)
        if edge := next((edge for concept, edge in EDGES.items() if self.has(concept)), None):
            return edge
        named = times_in(bare, self.language)
        if not named or self.asks in ("how_long", "how_many", "how_often"):
            return None
        span = self.has("between") or re.search(r"\d\s*[-–]\s*\d", bare) or named[0] < named[-1]
        if len(named) >= 2 and span:
            return named[0], named[1]
        return named[0], named[0]

    @cached_property
    def channel(self) -> Channel:
        """Screen or speech, where the clause that asks says so; verbs such as `appear` leave it open."""
        concepts = self.concepts(*self.main)
        if "lines" in concepts:
            return "speech"
        if "says" in concepts:
            # `Which texts does he say?`
            return (
                "any"
                if "shows" in concepts or ("leaves" in concepts and "texts" not in concepts)
                else "speech"
            )
        return "screen" if concepts & {"shows", "texts", "leaves"} else "any"

    def concepts(self, start: int, stop: int) -> frozenset[str]:
        """Those of the words from `start` to `stop`."""
        return frozenset(c for m in self.marks if start <= m.start < stop for c in m.concepts)

    @cached_property
    def main(self) -> tuple[int, int]:
        """The words of the clause that asks, without the one that only tells when."""
        link = self.relation
        if link is None or "between" in link.concepts:
            return 0, len(self.words)
        if link.start == 0:
            commas = (i for i, word in enumerate(self.words) if word.parted and i > link.stop)
            return next(commas, len(self.words)), len(self.words)
        return 0, link.start if link.stop < len(self.words) else len(self.words)

    @cached_property
    def ordinal(self) -> int:
        """First is 1, last is -1, none is 0."""
        counting = self.language.postposed and self.has("occasion")
        taken = {place for mark in self.marks if len(mark.places) > 1 for place in mark.places}
        for place, word in enumerate(self.words):
            if counting and (word.low in self.language.numbers or word.low.isdigit()):
                return int(self.language.numbers.get(word.low, 0) or word.low)
            beside = (w.low for w in self.words[max(place - 1, 0) : place + 2])
            plain = place not in taken and not word.capital and not any(low.isdigit() for low in beside)
            if plain and (number := self.language.ordinals.get(word.low, 0)):
                return number
        return -2 if self.has("second_last") else -1 if self.has("last") else 1 if self.has("early") else 0

    @cached_property
    def ordinal_things(self) -> tuple[str, ...]:
        """`the second chart`, `the final bell`: the ordinal with the thing behind it, as a film may say it."""
        lasts = tuple(p[0] for p, of in self.language.phrases.items() if "last" in of and len(p) == 1)
        return tuple(
            f"{low} {thing.low}"
            for place, (word, thing) in enumerate(pairwise(self.words))
            if place + 1 not in self.marked and not self._empty(place + 1)
            for low in (
                lasts if word.low in lasts else (word.low,) if word.low in self.language.ordinals else ()
            )
        )

    @property
    def occurrence(self) -> int:
        """Which time is meant: `for the second time`, `the first mention`; 0 where none is named."""
        return self.ordinal if self.has("occasion") and self.asks not in ("how_often",) else 0

    def runs(self, start: int = 0, stop: int | None = None) -> tuple[Run, ...]:
        """What the words of a text name: its quotations, else its runs of words that no table knows."""
        stop = len(self.words) if stop is None else stop
        quotes = [i for i in range(start, stop) if self.words[i].quoted]
        if quotes:
            return tuple(self._run(i, i + 1) for i in quotes)
        found: list[list[int]] = []
        goes_on = False
        for place in (place for place in range(start, stop) if place not in self.marked):
            goes_on = goes_on and place - 1 not in self.marked and not self.words[place].parted
            if goes_on:
                found[-1].append(place)
            elif not self._empty(place):
                found.append([place])
                goes_on = True
        lasts = [next(place for place in reversed(run) if not self._empty(place)) for run in found]
        return tuple(self._run(run[0], last + 1) for run, last in zip(found, lasts, strict=True))

    def _empty(self, place: int) -> bool:
        word = self.words[place]
        if word.quoted or (word.capital and place):
            return False
        return word.low in self.language.stop or word.low in self.language.ordinals

    def _run(self, start: int, stop: int) -> Run:
        if self.words[start].quoted:
            return Run(start, stop, self.words[start].low, quoted=True)
        text = self.text[self.words[start].start : self.words[stop - 1].stop]
        return Run(start, stop, re.sub(r"['’]s?$", "", text), quoted=False)

    @cached_property
    def content(self) -> frozenset[str]:
        """Stems of the words that carry meaning; words that no table knows, and quotations."""
        return self.stems_of(self.runs()) | frozenset(self.language.stem(low) for low in self._own_name)

    @property
    def _own_name(self) -> list[str]:
        return [] if self.asks_name else self._under("name")

    def _under(self, *concepts: str) -> list[str]:
        """The words of marks of any of the concepts."""
        return [self.words[i].low for m in self.marks if set(concepts) & set(m.concepts) for i in m.places]

    def stems_under(self, *concepts: str) -> frozenset[str]:
        """Stems of the words of marks of any of the concepts."""
        return self._stems(self._under(*concepts))

    def _stems(self, lows: Iterable[str]) -> frozenset[str]:
        return frozenset(self.language.stem(low) for low in lows if low not in self.language.stop)

    @cached_property
    def asks_name(self) -> bool:
        """Whether it asks what something is called: `the name of the inn`, and not `the secret name`."""
        mark, of = self.find("name"), self.language.words("of")
        if mark is None:
            return False
        behind = self.words[mark.stop].low if mark.stop < len(self.words) else ""
        ahead = self.words[mark.start - 1].low if mark.start else ""
        return not of or behind in of or "'" in ahead or self.words[mark.start].low not in ("name", "names")

    def stems_of(self, runs: Iterable[Run]) -> frozenset[str]:
        """Stems of the words of runs."""
        return frozenset(s for run in runs for s in self.language.stems(run.text))

    @cached_property
    def soft(self) -> frozenset[str]:
        """Stems of words that may be structure (`last`, `title`, `before`) or belong to what is asked about."""
        loose = [self.words[i].low for m in self.marks if not set(m.concepts) & _STRUCTURE for i in m.places]
        return self._stems([*loose, *self._ordinals]) - self.content

    @property
    def _ordinals(self) -> list[str]:
        return [word.low for word in self.words if word.low in self.language.ordinals]

    @cached_property
    def hard(self) -> frozenset[str]:
        """Stems that an answer's text or its surroundings must hold: names, numbers, quotations, and words of
        what is seen.
        """
        timed = {m.start for m in self.marks if "time" in m.concepts}
        cased = not self.language.capital_nouns
        names = [w.low for i, w in enumerate(self.words) if i and w.capital and cased]
        figures = [w.low for i, w in enumerate(self.words) if re.search(r"\d", w.low) and i not in timed]
        quotes = [token for w in self.words if w.quoted for token in tokens(w.low)]
        order = [*self._under("last", "early"), *([] if self.occurrence else self._ordinals)]
        return self._stems([*self._under("seeing"), *names, *figures, *quotes, *self._own_name, *order])

    @cached_property
    def form(self) -> str | None:
        """The form of text that is asked for: `email`, `price`, `year`."""
        plain = self.asks in ("how_long", "who", "where", "why")
        return None if plain else max(self._forms, default=(0, None, ()))[1]

    @cached_property
    def _forms(self) -> list[tuple[int, str, tuple[str, ...]]]:
        lows = tuple(word.low for word in self.words)
        phrases = self.language.forms.items()
        return [(len(p), f, p) for p, f in phrases for i in range(len(lows)) if lows[i : i + len(p)] == p]

    @property
    def form_stems(self) -> frozenset[str]:
        """Stems of the words that only name the form."""
        return frozenset(self.language.stem(w) for _, form, p in self._forms if form == self.form for w in p)


@lru_cache(maxsize=256)
def parse(text: str, options: tuple[str, ...] = ()) -> Question:
    """Take a question apart. Never fails: what no table knows is content."""
    text = " ".join(text.split())
    language = language_of(QUOTED.sub(" ", text))
    words = _words(text)
    return Question(text, options, language, words, _marks(words, language))


def _words(text: str) -> tuple[Word, ...]:
    words: list[Word] = []
    timed = {i for match in TIMES.finditer(text) for i in range(*match.span())}
    place = 0
    for quote in [*QUOTED.finditer(text), None]:
        until = quote.start() if quote else len(text)
        for low, start, stop in placed_words(text[place:until]):
            before = text[words[-1].stop if words else 0 : start + place]
            capital = text[start + place].isupper() and bool(words)
            parted = bool(re.search(r"[,;:，、]", before))
            words.append(
                Word(low, start + place, stop + place, capital, parted=parted, timed=start + place in timed)
            )
        if quote:
            held = next(g for g in quote.groups() if g is not None).strip(" .,;:?!")
            if squeezed(held):
                words.append(Word(held, quote.start(), quote.end(), capital=False, quoted=True))
            place = quote.end()
    return tuple(words)


def _marks(words: Sequence[Word], language: Language) -> tuple[Mark, ...]:
    longest = max(len(phrase) for phrase in language.phrases)
    marks: list[Mark] = []
    place = 0
    while place < len(words):
        beside = [w.low for w in words[max(place - 1, 0) : place + 2]]
        counted = words[place].low[0].isdigit() and any(unit_seconds(low, language) for low in beside)
        if words[place].timed or counted:
            marks.append(Mark(place, place + 1, ("time",)))
            place += 1
            continue
        for length in range(min(longest, len(words) - place), 0, -1):
            part = words[place : place + length]
            concepts = language.phrases.get(tuple(word.low.removesuffix("'s") for word in part), ())
            # A word with a capital inside a question is a name: `the sign Last Orders`.
            named = not language.capital_nouns and any(word.capital for word in part)
            if concepts and not named and not any(word.quoted for word in part):
                if concepts == ("opener",) and place:
                    continue
                marks.append(Mark(place, place + length, concepts))
                place += length
                break
        else:
            place += 1
    return tuple(marks)
