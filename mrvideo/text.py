"""When are two texts the same, and does one stand in the other? Forgiving about case, spaces, marks and OCR's
habits.

"K-38" = "k 38"      "HARBOURDAY" = "Harbour Day"      "0CEAN" = "Ocean"      "horse" ≠ "house"      "9:35" ≠ "9:36"
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LOOKALIKES = str.maketrans({"o": "0", "i": "1", "l": "1", "|": "1", "s": "5", "b": "8", "z": "2"})
_WIDE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_WIDE}]|\d+(?:[.,:]\d+)+|[^\W_{_WIDE}]+(?:['’][^\W\d_]+)?|\|")

EXACT, LOOKALIKE, CLOSE = 1.0, 0.97, 0.9


@lru_cache(maxsize=20_000)
def tokens(text: str) -> tuple[str, ...]:
    """Words and numbers in lower case without marks; each Chinese, Japanese or Korean sign is one."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    found = [
        token.replace(",", ".").replace(":", ".") if token[0].isdigit() else token
        for token in _TOKEN.findall(plain)
    ]
    # "Bread & Buns" and "bread and buns" are the same.
    return tuple(token for token in found if token not in ("and",)) or tuple(found)


def squeezed(text: str) -> str:
    """The tokens without any space."""
    return "".join(tokens(text)).replace("'", "")


def _run_together(text: str) -> str:
    """Letters and digits alone: "Bread and Buns" read as "BREADANDBUNS"."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def skeleton(text: str) -> str:
    """Squeezed, with letters and digits that look alike made one."""
    return squeezed(text).translate(_LOOKALIKES)


def distance(first: str, second: str, limit: int) -> int:
    """Edits from one to the other; `limit + 1` when there are more than `limit`."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def _digits(word: str) -> str:
    return "".join(c for c in word if c.isdigit())


@lru_cache(maxsize=50_000)
def word_likeness(first: str, second: str) -> float:
    """Of two squeezed words: 1 the same, 0.97 look alike, 0.9 a misreading of a long one, else 0."""
    if first == second:
        return EXACT
    if first.translate(_LOOKALIKES) == second.translate(_LOOKALIKES):
        return LOOKALIKE
    shorter = min(len(first), len(second))
    # Short words an edit apart are mostly two words: house and horse.
    limit = 0 if shorter < 7 else 1 if shorter < 12 else 2
    if limit and _digits(first) == _digits(second) and distance(first, second, limit) <= limit:
        return CLOSE
    return 0.0


@lru_cache(maxsize=50_000)
def likeness(first: str, second: str) -> float:
    """Of two whole texts, by words; 0 when one word differs."""
    one, other = squeezed(first), squeezed(second)
    if not one or not other:
        return EXACT if first.strip() == second.strip() else 0.0
    if _run_together(first) == _run_together(second):
        return EXACT
    return _run_likeness(one, other, tokens(first), tokens(second))


def _run_likeness(run: str, goal: str, words: tuple[str, ...], wanted: tuple[str, ...]) -> float:
    """Of two squeezed texts, and of their words where there are as many."""
    if run == goal:
        return EXACT
    if run.translate(_LOOKALIKES) == goal.translate(_LOOKALIKES):
        return LOOKALIKE
    if len(words) == len(wanted):
        return min(word_likeness(a, b) for a, b in zip(words, wanted, strict=True))
    return 0.0


def same_text(first: str, second: str) -> bool:
    """Whether the two are readings of one text."""
    return likeness(first, second) > 0


def resemblance(first: str, second: str) -> float:
    """How much two readings share, 0 to 1, by edits of their skeletons."""
    one, other = skeleton(first), skeleton(second)
    longest = max(len(one), len(other))
    return 1 - distance(one, other, longest) / longest if longest else 1.0


@lru_cache(maxsize=100_000)
def holds(text: str, phrase: str) -> float:
    """How surely `phrase` stands in `text` as whole words, 0 to 1."""
    wanted = tokens(phrase)
    goal = squeezed(phrase)
    if not goal:
        return 0.0
    words = tokens(text)
    best = 0.0
    for first in range(len(words)):
        run = ""
        for last in range(first, len(words)):
            run += words[last].replace("'", "")
            if len(run) > len(goal) + 2:
                break
            if len(run) < len(goal) - 2:
                continue
            score = _run_likeness(run, goal, words[first : last + 1], wanted)
            if score == EXACT:
                return EXACT
            best = max(best, score)
    if best == 0.0 and len(goal) >= 6 and len(wanted) == 1:
        # OCR joins words: "wordisKangaroo". A word's start or end must still be one.
        for word in words:
            if len(word) > len(goal) and (word.endswith(goal) or word.startswith(goal)):
                best = CLOSE if not word[len(goal) :].startswith(("s", "ed", "ing")) else best
    return best


# Words of languages ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Language:
    """A table of `mrvideo/words/`: what the words of questions mean in one language. All words are tokens of
    `tokens`.
    """

    code: str
    stop: frozenset[str]
    light: frozenset[str]
    endings: tuple[tuple[str, str], ...]
    irregular: Mapping[str, str]
    synonyms: Mapping[str, frozenset[str]]
    numbers: Mapping[str, float]
    scales: Mapping[str, float]
    ordinals: Mapping[str, int]
    phrases: Mapping[tuple[str, ...], tuple[str, ...]]
    """A phrase → the concepts that it may stand for."""
    forms: Mapping[tuple[str, ...], str]
    sets: Mapping[str, frozenset[str]]
    answers: Mapping[str, str]
    capital_nouns: bool
    """Nouns have capitals: one says nothing of a name."""
    postposed: bool
    """`After X` is written `X after`."""

    def words(self, key: str) -> frozenset[str]:
        """A set of words of the table; empty where it has none."""
        return self.sets.get(key, frozenset())

    def stem(self, word: str) -> str:
        """Without the endings of plurals and verbs; crude, and the same for question and text."""
        word = word.partition("'")[0] if "'" in word and self.code == "en" else word
        if word in self.irregular:
            return self.irregular[word]
        for ending, instead in self.endings:
            if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
                root = word[: -len(ending)] + instead
                if len(root) >= 4 and root[-1] == root[-2] and root[-1] not in "lszeo":
                    root = root[:-1]
                return root.rstrip("e") if len(root) > 3 else root
        return word.rstrip("e") if len(word) > 3 else word

    def stems(self, text: str) -> frozenset[str]:
        """Of every word that is not a stop word."""
        return frozenset(self.stem(word) for word in tokens(text) if word not in self.stop)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.casefold().replace("’", "'").split())


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(word for word, _, _ in placed_words(text))


def placed_words(text: str) -> list[tuple[str, int, int]]:
    """Every word in lower case, with where it begins and ends; none is left out."""
    plain = text.replace("’", "'")
    return [(match.group().casefold(), *match.span()) for match in _TOKEN.finditer(plain)]


@cache
def languages() -> Mapping[str, Language]:
    """Every table, by code."""
    folder = resources.files("mrvideo") / "words"
    return {
        name.removesuffix(".toml"): _language(name.removesuffix(".toml"), (folder / name).read_text("utf-8"))
        for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    }


def _language(code: str, text: str) -> Language:
    table: dict[str, Any] = tomllib.loads(text)
    phrases: dict[tuple[str, ...], list[str]] = {}
    for concept, listed in table["phrases"].items():
        for phrase in listed.split(","):
            phrases.setdefault(_phrase(phrase), []).append(concept)
    forms = {_phrase(p): form for form, listed in table.get("forms", {}).items() for p in listed.split(",")}
    numbers = {word: float(n) for n, word in enumerate(_split(table["numbers"]))}
    numbers |= {word: 10.0 * n for n, word in enumerate(_split(table.get("tens", "")), 2)}
    ordinals = {word: n for n, word in enumerate(_split(table["ordinals"]), 1)}
    ordinals |= {f"{n}{end}": n for n in range(1, 31) for end in _split(table.get("ordinal_endings", ""))}
    scales = dict(pair.split("=") for pair in _split(table.get("scales", "")))
    made = Language(
        code=code,
        stop=frozenset(_split(table["stop"])),
        light=frozenset(),
        endings=tuple((e.partition(">")[0], e.partition(">")[2]) for e in _split(table.get("endings", ""))),
        irregular={},
        synonyms={},
        numbers=numbers,
        scales={word: float(value) for word, value in scales.items()},
        ordinals=ordinals,
        phrases={phrase: tuple(concepts) for phrase, concepts in phrases.items() if phrase},
        forms={phrase: form for phrase, form in forms.items() if phrase},
        sets={key: frozenset(_split(value)) for key, value in table.items() if isinstance(value, str)},
        answers=table.get("answers", {}),
        capital_nouns=table.get("capital_nouns", False),
        postposed=table.get("postposed", False),
    )
    groups = [_split(group) for group in table.get("irregular", "").split(",")]
    irregular = {word: made.stem(group[0]) for group in groups if group for word in group}
    made = replace(made, irregular=irregular)
    synonyms: dict[str, frozenset[str]] = {}
    for group in table.get("synonyms", "").split(","):
        alike = frozenset(made.stem(word) for word in _split(group))
        synonyms |= {word: synonyms.get(word, frozenset()) | alike - {word} for word in alike}
    light = frozenset(made.stem(word) for word in _split(table.get("light", "")))
    return replace(made, synonyms=synonyms, light=light)


@lru_cache(maxsize=256)
def language_of(text: str) -> Language:
    """The language of a question, by its script, else by how many of its words a table knows; English where
    none does.
    """
    known = languages()
    letters = [letter for letter in text if letter.isalpha()]
    for code, script in _SCRIPTS:
        if code in known and letters and sum(bool(script.match(c)) for c in letters) >= 0.2 * len(letters):
            return known[code]
    words = tokens(text)

    def worth(table: Language) -> tuple[int, bool]:
        own = sum(len(p) for p in table.phrases if len(p) <= len(words) and _stands_in(p, words))
        return (sum(word in table.stop for word in words) + own, table.code == "en")

    return max((table for table in known.values() if table.code not in ("zh", "ja", "ar")), key=worth)


def _stands_in(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return phrase[0] in words and any(
        words[i : i + len(phrase)] == phrase for i in range(len(words) - len(phrase) + 1)
    )


_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
)


# Numbers and times -----------------------------------------------------------------------------------


def numbers_in(text: str, language: Language | None = None) -> list[float]:
    """Every number a text spells: `300`, `three hundred`, `twenty-five thousand`, `4.2 million`."""
    language = language or languages()["en"]
    found: list[float] = []
    run = False
    for word in tokens(text):
        digits = re.fullmatch(r"\d+(?:\.\d+)?", word) is not None
        if digits or word in language.numbers:
            value = float(word) if digits else language.numbers[word]
            last = found[-1] if run else 0.0
            if run and not digits and last >= 20 and last % 10 == 0 and value < 10:
                found[-1] += value
            else:
                found.append(value)
            run = True
        elif word in language.scales and run:
            found[-1] *= language.scales[word]
        else:
            run = False
    return found


_CLOCK = re.compile(r"(?<![\d:])(?:(\d{1,2}):)?(\d{1,3}):(\d{2})(?:[.,](\d{1,3}))?(?![\d:])")
_UNITS = re.compile(r"(\d+(?:[.,]\d+)?)[\s-]*([^\W\d_]+)")


def times_in(text: str, language: Language | None = None) -> list[float]:
    """Every time a text names, in seconds: `1:23`, `0:01:23.5`, `83 s`, `1 min 23 s`, in order."""
    language = language or languages()["en"]
    found: list[tuple[int, float]] = []
    for match in _CLOCK.finditer(text):
        hours, minutes, seconds, part = match.groups()
        value = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{part or 0}")
        found.append((match.start(), value))
    largest, stop = 0.0, -9
    for match in _UNITS.finditer(text):
        scale = unit_seconds(match.group(2).casefold(), language)
        if scale is None:
            continue
        value = float(match.group(1).replace(",", ".")) * scale
        between = text[stop : match.start()] if stop >= 0 else "…"
        if found and scale < largest and len(between) <= 5 and not re.search(r"[,\d]", between):
            found[-1] = (found[-1][0], found[-1][1] + value)
        else:
            found.append((match.start(), value))
        largest, stop = scale, match.end()
    for match in re.finditer(r"([^\W\d_]+)\s+(\d+(?:\.\d+)?)(?![:\d])", text):
        scale = unit_seconds(match.group(1).casefold(), language)
        behind = _UNITS.match(text, match.start(2))
        if scale and scale < 3600 and not (behind and unit_seconds(behind.group(2).casefold(), language)):
            found.append((match.start(), float(match.group(2)) * scale))
    return [value for _, value in sorted(found)]


def unit_seconds(word: str, language: Language) -> float | None:
    """How long a unit of time lasts, or None where the word is none."""
    concepts = language.phrases.get((word,), ())
    scales = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
    return next((scale for concept, scale in scales.items() if concept in concepts), None)


# Ranking ---------------------------------------------------------------------------------------------


def words_alike(first: str, second: str, language: Language) -> float:
    """Of two stems: 1 the same, 0.9 a misreading or a synonym, 0.8 one root (`direct`, `director`), else 0."""
    if first == second:
        return 1.0
    if second in language.synonyms.get(first, ()) or word_likeness(first, second) > 0:
        return 0.9
    shared = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    rest = max(len(first), len(second)) - shared
    if shared >= 4 and shared >= 2 * rest and rest <= 4:
        return 0.8
    # Words run together by spelling or by OCR: `clean room`, `cleanroom`.
    shorter, longer = sorted((first, second), key=len)
    inside = (len(shorter) >= 5 and longer.startswith(shorter)) or (
        len(shorter) >= 4 and longer.endswith(shorter)
    )
    return 0.8 if inside else 0.0


class Ranker:
    """Ranks texts by how much of a question they hold; rare words weigh more. Texts are given once, in order."""

    def __init__(self, texts: Sequence[str], language: Language) -> None:
        self.language = language
        self.stems = [language.stems(text) for text in texts]
        counts = Counter(stem for held in self.stems for stem in held)
        self._counts = counts
        self._alike: dict[str, dict[str, float]] = {}

    def alike(self, word: str) -> dict[str, float]:
        """The words of the texts that a word may mean, each with how surely."""
        if word not in self._alike:
            scored = {other: words_alike(word, other, self.language) for other in self._counts}
            self._alike[word] = {other: score for other, score in scored.items() if score > 0}
        return self._alike[word]

    def weight(self, word: str) -> float:
        """1 for a word held once or nowhere, less the more texts hold it; words of little meaning weigh a
        third.
        """
        count = sum(self._counts[other] for other in self.alike(word))
        weight = 1.0 / (1.0 + 0.5 * math.log(max(count, 1)))
        return weight * (0.33 if word in self.language.light else 1.0)

    def held(self, word: str, stems: frozenset[str]) -> float:
        """How surely a set of stems holds the word, 0 to 1."""
        return max((score for other, score in self.alike(word).items() if other in stems), default=0.0)

    def coverage(self, words: Iterable[str], place: int) -> float:
        """The share of the words' weight that a text holds, 0 to 1."""
        total = got = 0.0
        for word in words:
            weight = self.weight(word)
            total += weight
            got += weight * self.held(word, self.stems[place])
        return got / total if total else 0.0

    def nearest(self, question: str, most: int) -> list[int]:
        """The places of the texts that share most with a question, best first; by letters where no word is
        shared.
        """
        words = self.language.stems(question)
        scores = [(self.coverage(words, place), place) for place in range(len(self.stems))]
        best = sorted((s for s in scores if s[0] > 0), key=lambda s: (-s[0], s[1]))[:most]
        return [place for _, place in best]
