"""The texts a quote may come from, and where in the video each of them stands.

finding   "…the quote…"  about 41–43 s
sources        [caption 30–38]     [caption 38–50]     [cue 40.1–42.7]     [sign 41–44]
                                            ^ the narrowest one that holds the words, near that time
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mrvideo.agents.ask.timeline import SpanIndex
from mrvideo.records import CaptionPart, Index, Source, Span

NEAR_SECONDS = 1.0
"""A model may miss the time of what it quotes by this much."""

LONG_SECONDS = 60.0
"""A source that stands longer than this is cited with the part of it that the finding named."""

_MAX_PLACES = 12
_EDGES = " \t\n\"'“”‘’«»„.…,;:!()[]"
_SPACELESS = ((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x10FFFF))


@dataclass(frozen=True)
class Folded:
    """A text with case, white space, brackets and quotation marks levelled; `origins` maps back to the
    original.
    """

    text: str
    origins: tuple[int, ...]


@lru_cache(maxsize=512)
def fold(text: str) -> Folded:
    """Level what a model changes when it copies: case, white space, marks of quotation, brackets around
    names.
    """
    # Kept for a while: each quote is compared with all others of its moment.
    letters: list[str] = []
    origins: list[int] = []
    for position, original in enumerate(text):
        for letter in _levelled(original):
            if letter == " " and (not letters or letters[-1] == " "):
                continue
            letters.append(letter)
            origins.append(position)
    return Folded("".join(letters), tuple(origins))


@lru_cache(maxsize=4096)
def _levelled(original: str) -> str:
    """What `fold` makes of one character: nothing, a space, or its letters."""
    letters: list[str] = []
    for letter in unicodedata.normalize("NFKC", original).casefold():
        if letter in '<>‹›◁▷◀▶[]⟦⟧"“”«»„*`' or unicodedata.category(letter) == "Cf":
            continue
        if letter in "‘’":
            letter = "'"
        letters.append(" " if letter.isspace() or not letter.isprintable() else letter)
    return "".join(letters)


def find_quote(quote: str, source: str) -> str | None:
    """The source's own words where the quote occurs in it as whole words, or None. An ellipsis may skip
    words.
    """
    return _find(_parts(quote), fold(source), source, ended=_ended(quote))


def _ended(quote: str) -> bool:
    return quote.rstrip("\"'“”‘’«»)] ").endswith((".", "!", "?")) and not quote.endswith("...")


def _parts(quote: str) -> tuple[str, ...]:
    parts = re.split(r"\.{3}|…", quote)
    return tuple(p for p in (fold(part.strip(_EDGES)).text.strip() for part in parts) if p)


def _find(parts: tuple[str, ...], folded: Folded, source: str, *, ended: bool) -> str | None:
    if not parts or not any(letter.isalnum() for part in parts for letter in part):
        return None
    first, position = -1, 0
    for part in parts:
        start = next((s for s in _places(part, folded.text, position)), -1)
        if start < 0:
            return None
        first = start if first < 0 else first
        position = start + len(part)
    start, stop = folded.origins[first], folded.origins[position - 1] + 1
    # The mark that a name opens with belongs to the words; one that a sentence ends with, where it is quoted.
    start -= source[max(start - 1, 0) : start] in ("<", "[")
    while source[stop : stop + 1] in ((">", "]", ".", "!", "?") if ended else (">", "]")):
        stop += 1
    return source[start:stop]


def _places(part: str, text: str, position: int) -> Iterator[int]:
    while (start := text.find(part, position)) >= 0:
        stop = start + len(part)
        if not (_joined(text[start - 1 : start], part[0]) or _joined(part[-1], text[stop : stop + 1])):
            yield start
        position = start + 1


def _joined(left: str, right: str) -> bool:
    """Whether a word runs across the two characters. Scripts without spaces have no such borders."""
    return bool(left and right and left.isalnum() and right.isalnum()) and not any(
        low <= ord(c) <= high for c in (left, right) for low, high in _SPACELESS
    )


@dataclass(frozen=True)
class Place:
    """Where a text stands: its source, its span, and its words; of a caption, the part that tells when in it."""

    source: Source
    start_seconds: float
    stop_seconds: float
    text: str
    part: CaptionPart | None = None

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start_seconds, self.stop_seconds)

    @cached_property
    def folded(self) -> Folded:
        """The text ready for comparison."""
        return fold(self.text)


@dataclass(frozen=True)
class Located:
    """A quote found in a source: the source's own span and words."""

    source: Source
    span: Span
    quote: str


class Sources:
    """Every caption, text on screen, and cue of an index."""

    def __init__(self, index: Index) -> None:
        # A part has a span of its own, shorter than its scene's: words that stand in it are cited with it.
        captions = [
            Place("caption", part.start_seconds, part.stop_seconds, text, part)
            for scene in index.scenes
            for part in (scene.parts if len(scene.parts) > 1 else ())
            for text in dict.fromkeys((part.text, part.brief))
            if text
        ]
        captions += [
            Place("caption", scene.start_seconds, scene.stop_seconds, text, scene.only_part)
            for scene in index.scenes
            for text in dict.fromkeys((scene.detailed, scene.brief))
        ]
        signs = [
            Place("caption", sighting.start_seconds, sighting.stop_seconds, sighting.text)
            for scene in index.scenes
            for sighting in scene.sightings
        ]
        cues = [Place("cue", cue.start_seconds, cue.stop_seconds, cue.text) for cue in index.cues]
        self.signs, self.captions, self.cues = SpanIndex(signs), SpanIndex(captions), SpanIndex(cues)

    def locate(self, quote: str, source: Source, near: Span) -> tuple[Located, ...]:
        """Where the quote stands, at most 12 places in order of time; () when it stands nowhere.

        Near the span given, each place counts. Elsewhere only a quote that stands in one single place does:
        the model then took the time wrong, and the source knows better.
        """
        parts, ended = _parts(quote), _ended(quote)
        orders = {
            "cue": (self.cues, self.signs, self.captions),
            "caption": (self.signs, self.captions, self.cues),
            "frame": (self.signs, self.captions, self.cues),
        }
        around = near.padded(NEAR_SECONDS)
        everywhere: dict[tuple[float, float, str], tuple[Place, str]] = {}
        for group in orders[source]:
            close = _holding(parts, group.overlapping(around), ended)
            if close:
                # A scene's two captions may both hold the words: the detailed one, listed first, stands for
                # both.
                once = {p.span: (p, w) for p, w in reversed(close)}
                found = {_located(p, w, near) for p, w in once.values()}
                return tuple(sorted(found, key=_by_time)[:_MAX_PLACES])
        for group in orders[source]:
            held = _holding(parts, group.items, ended)
            everywhere.update({(p.start_seconds, p.stop_seconds, p.source): (p, w) for p, w in held})
        if len(everywhere) != 1:
            return ()
        place, words = next(iter(everywhere.values()))
        return (Located(place.source, place.part.when(words) if place.part else place.span, words),)


def _holding(parts: tuple[str, ...], places: list[Place], ended: bool) -> list[tuple[Place, str]]:
    """The places that hold the words, the narrowest of those that lie in one another."""
    found = [
        (place, words) for place in places if (words := _find(parts, place.folded, place.text, ended=ended))
    ]
    return [(place, words) for place, words in found if not any(_within(other, place) for other, _ in found)]


def _within(place: Place, other: Place) -> bool:
    """Whether a place is a shorter part of another one of its source."""
    return (
        place.source == other.source
        and other.start_seconds <= place.start_seconds
        and place.stop_seconds <= other.stop_seconds
        and place.span != other.span
        and place.text in other.text
    )


def _located(place: Place, words: str, near: Span) -> Located:
    span = place.part.when(words) if place.part else place.span
    timed = place.part is not None and place.part.told != place.part.text
    if timed and span == place.span and _within_span(near, span):
        # The caption tells times, and none of these words: the finding's own is the best there is.
        span = near.intersection(span) or span
    if span.duration_seconds > LONG_SECONDS:
        span = span.intersection(near.padded(NEAR_SECONDS)) or span
    return Located(place.source, span, words)


def _within_span(one: Span, whole: Span) -> bool:
    near = whole.padded(NEAR_SECONDS)
    return near.start_seconds <= one.start_seconds and one.stop_seconds <= near.stop_seconds


def _by_time(located: Located) -> tuple[float, float, str]:
    return (located.span.start_seconds, located.span.stop_seconds, located.quote)
