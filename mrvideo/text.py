"""When are two texts the same, and does one stand in the other? Forgiving about case, spaces, marks and OCR's habits.

"K-38" = "k 38"      "HARBOURDAY" = "Harbour Day"      "0CEAN" = "Ocean"      "horse" ≠ "house"      "9:35" ≠ "9:36"
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

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
    if one == other or _run_together(first) == _run_together(second):
        return EXACT
    if one.translate(_LOOKALIKES) == other.translate(_LOOKALIKES):
        return LOOKALIKE
    mine, yours = tokens(first), tokens(second)
    if len(mine) == len(yours):
        return min(word_likeness(a, b) for a, b in zip(mine, yours, strict=True))
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


def _run_likeness(run: str, goal: str, words: tuple[str, ...], wanted: tuple[str, ...]) -> float:
    if run == goal:
        return EXACT
    if run.translate(_LOOKALIKES) == goal.translate(_LOOKALIKES):
        return LOOKALIKE
    if len(words) == len(wanted):
        return min(word_likeness(a, b) for a, b in zip(words, wanted, strict=True))
    return 0.0
