"""Texts ranked by the words that they share with a query, in the language of each text.

mended nets   finds  "He mends a net."       stems
harb*         finds  "the harbour"           beginnings
harbor        finds  "the harbour"           misspellings, where no text holds the word itself
fish market   finds  "FISHMARKET"            neighbours written as one, as signs are and as they are read
東京          finds  "東京駅"                 pairs of signs, in scripts written without spaces
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mrvideo.text import LOOKALIKE, Language, language_of, tokens, word_likeness

# Thai, Lao, Burmese, Khmer; kana, Han, Hangul.
_RUN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_BEGINNING = re.compile(r"([^\W_]{2,})\*")
_DIGITS = re.compile(r"\d+")

_EXACT, _SYNONYM, _MISSPELT = 1.0, 0.6, 0.6
"""How surely a word of a text is the one that was asked for."""

# BM25's usual constants: how soon repetitions stop to count, and how much long texts are held back.
_SATURATION, _LENGTH_SHARE = 1.2, 0.75

LIGHT = 0.33
"""Weight of words of little meaning, such as `see` and `video`."""

_SAMPLE_TEXTS, _SAMPLE_CHARACTERS = 24, 200


@dataclass(frozen=True)
class AskedWord:
    """A word of a query, as typed, and the terms of the texts that it may mean, each with how surely."""

    word: str
    terms: Mapping[str, float]


@dataclass(frozen=True)
class Match:
    """A text that shares words with a query.

    `score` is BM25's, to be compared within one `WordIndex` only. `covered` is the share of the query's
    weight that the text holds, 0 to 1. `held` are the words of the query that it holds.
    """

    place: int
    score: float
    covered: float
    held: tuple[str, ...]


def sampled_language(texts: Sequence[str]) -> Language:
    """The language that most of the texts are in, by a sample spread over them."""
    step = max(len(texts) // _SAMPLE_TEXTS, 1)
    return language_of(" ".join(text[:_SAMPLE_CHARACTERS] for text in texts[::step]))


class WordIndex:
    """An inverted index over texts, given once, in order; each has its language. Thread-safe once built.

    `tags` are further terms of each text that no word is taken for: a query names them as they are.
    """

    def __init__(
        self,
        texts: Sequence[str],
        languages: Sequence[Language],
        *,
        tags: Sequence[Iterable[str]] = (),
    ) -> None:
        self._languages = tuple({language.code: language for language in languages}.values())
        self._stems: dict[tuple[str, str], frozenset[str]] = {}
        self._holding: dict[str, dict[int, int]] = defaultdict(dict)
        self._sizes: list[int] = []
        beginnings: dict[str, set[str]] = defaultdict(set)
        own_tags = tags or [()] * len(texts)
        for place, (text, language, given) in enumerate(zip(texts, languages, own_tags, strict=True)):
            counts: Counter[str] = Counter(dict.fromkeys(given, 1))
            for word in _spaced_words(text):
                if word not in language.stop:
                    terms = self._stemmed(word, language)
                    beginnings[word] |= terms
                    counts.update(terms)
            counts.update(_grams(text))
            self._sizes.append(counts.total())
            for term, count in counts.items():
                self._holding[term][place] = count
        self._words = sorted(beginnings)
        self._terms_of_word = beginnings
        self._average = sum(self._sizes) / max(len(self._sizes), 1) or 1.0

    def __len__(self) -> int:
        return len(self._sizes)

    def asked(self, query: str, *, tags: Iterable[str] = ()) -> tuple[AskedWord, ...]:
        """The words of a query that mean something, with what they may stand for in these texts; all of its
        words where none does.
        """
        found = {tag: AskedWord(tag, self._known({tag: _EXACT})) for tag in tags}
        for beginning in _BEGINNING.findall(_plain(query)):
            found.setdefault(f"{beginning}*", AskedWord(f"{beginning}*", self._begun(beginning)))
        rest = _BEGINNING.sub(" ", _plain(query))
        for gram in _grams(rest, single=False):
            found.setdefault(gram, AskedWord(gram, self._known({gram: _EXACT})))
        spoken = _spaced_words(rest)
        words = list(dict.fromkeys(spoken))
        stop = language_of(rest).stop.union(*(language.stop for language in self._languages[:1]))
        meant = [word for word in words if word not in stop]
        for word in meant or (words if not found else ()):
            found.setdefault(word, AskedWord(word, self._meant(word)))
        for first, second in pairwise(spoken):
            together = self._known(dict.fromkeys(self._all_stems(first + second), _EXACT))
            for word in (first, second) if together else ():
                if word in found:
                    found[word] = AskedWord(word, {**found[word].terms, **together})
        return tuple(found.values())

    def holding(self, word: AskedWord) -> frozenset[int]:
        """The places of the texts that hold a word."""
        return frozenset(place for term in word.terms for place in self._holding[term])

    def is_light(self, word: str) -> bool:
        """Whether a word means little, such as `see`."""
        return any(language.stem(word) in language.light for language in self._languages)

    def rank(self, query: str, *, tags: Iterable[str] = ()) -> list[Match]:
        """The texts that hold any word of a query, best first; of equal ones the earlier first."""
        asked = self.asked(query, tags=tags)
        scores: Counter[int] = Counter()
        covered: dict[int, float] = defaultdict(float)
        held: dict[int, list[str]] = defaultdict(list)
        total = 0.0
        for word in asked:
            best: dict[int, float] = {}
            surest: dict[int, float] = {}
            for term, surely in word.terms.items():
                for place, count in self._holding[term].items():
                    long = 1 - _LENGTH_SHARE + _LENGTH_SHARE * self._sizes[place] / self._average
                    worth = surely * count * (_SATURATION + 1) / (count + _SATURATION * long)
                    best[place] = max(best.get(place, 0.0), worth)
                    surest[place] = max(surest.get(place, 0.0), surely)
            rarity = math.log(1 + (len(self) - len(best) + 0.5) / (len(best) + 0.5))
            light = self.is_light(word.word)
            weight = (LIGHT if light else 1.0) / (1.0 + 0.5 * math.log(max(len(best), 1)))
            total += weight
            for place, worth in best.items():
                scores[place] += (LIGHT if light else 1.0) * rarity * worth  # pyright: ignore[reportArgumentType]
                # A misspelling is the word that was meant: what it lacks in certainty is told by its rank.
                covered[place] += weight
                held[place].append(word.word)
        ranked = sorted(scores, key=lambda place: (-scores[place], place))
        return [Match(p, float(scores[p]), min(covered[p] / total, 1.0), tuple(held[p])) for p in ranked]

    def _stemmed(self, word: str, language: Language) -> frozenset[str]:
        """The word's stem without accents, and that of the word as written by those who leave them out:
        `café`, `cafe`.
        """
        key = (language.code, word)
        if key not in self._stems:
            bare = _unmarked(word)
            stems = {language.stem(word)} if bare == word else {language.stem(word), language.stem(bare)}
            self._stems[key] = frozenset(map(_unmarked, stems))
        return self._stems[key]

    def _known(self, terms: Mapping[str, float]) -> dict[str, float]:
        return {term: surely for term, surely in terms.items() if term in self._holding}

    def _begun(self, beginning: str) -> dict[str, float]:
        terms: dict[str, float] = {}
        for word in self._words[bisect_left(self._words, beginning) :]:
            if not word.startswith(beginning):
                break
            terms |= dict.fromkeys(self._terms_of_word[word], _EXACT)
        return terms

    def _all_stems(self, word: str) -> set[str]:
        return {stem for language in self._languages for stem in self._stemmed(word, language)}

    def _meant(self, word: str) -> dict[str, float]:
        stems = self._all_stems(word)
        terms = {
            _unmarked(other): _SYNONYM
            for language in self._languages
            for other in language.synonyms.get(language.stem(word), frozenset[str]())
        }
        exact = self._known(dict.fromkeys(stems, _EXACT))
        if not exact:
            alike = [own for own in self._words if any(misspelt(asked, own) for asked in {word, *stems})]
            terms |= {term: _MISSPELT for own in alike for term in self._terms_of_word[own]}
        return self._known(terms) | exact


def misspelt(first: str, second: str) -> bool:
    """Whether two words are one, written wrongly or by another custom: `harbor`, `harbour`; not `house` and
    `horse`.

    One letter more, less or exchanged with its neighbour from five letters on, another letter from six on,
    two edits from nine on. Numbers must agree.
    """
    if first == second or word_likeness(first, second) >= LOOKALIKE:
        return True
    shorter = min(len(first), len(second))
    if shorter < 5 or _DIGITS.findall(first) != _DIGITS.findall(second):
        return False
    limit = 2 if shorter >= 9 else 1
    if abs(len(first) - len(second)) > limit:
        return False
    if shorter == 5 and len(first) == len(second):
        return sorted(first) == sorted(second) and _edits(first, second, 1) == 1
    return _edits(first, second, limit) <= limit


def _edits(first: str, second: str, limit: int) -> int:
    """Letters added, left out, changed, or neighbours exchanged; `limit + 1` for more than that."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        following = [i]
        for j, b in enumerate(second, 1):
            cost = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (a != b))
            if before and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
        if min(row) > limit and min(before) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _unmarked(word: str) -> str:
    """Without accents: `häuser` is the plural of `haus`, and many leave them out."""
    if word.isascii():
        return word
    letters = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(c for c in letters if not "\u0300" <= c <= "\u036f"))


def _spaced_words(text: str) -> tuple[str, ...]:
    """The words that are written with spaces between them."""
    if text.isascii():
        return tokens(text)
    return tokens(_RUN.sub(" ", _plain(text)))


def _grams(text: str, *, single: bool = True) -> Iterator[str]:
    """Pairs of neighbouring signs of unspaced scripts; with `single`, also the signs themselves."""
    if text.isascii():
        return
    for run in _RUN.findall(_plain(text)):
        if single or len(run) == 1:
            yield from run
        for place in range(len(run) - 1):
            yield run[place : place + 2]
