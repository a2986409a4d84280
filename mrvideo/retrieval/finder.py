"""Moments of one or many videos that fit a query: each source ranks, time brings them together, and chance is
told apart.

Words are above chance where a moment holds more than half of what the query's words weigh, all sources of it
together; pictures, and texts by what they mean, where whoever ranks them says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mrvideo.records import Index, Moment, MomentSource, Reason, Span
from mrvideo.retrieval.fusion import Meeting, Ranked, fuse, shared_ranks
from mrvideo.retrieval.passages import Line, Passage, passages_of
from mrvideo.retrieval.words import LIGHT, Match, WordIndex, sampled_language
from mrvideo.text import Language

ABOVE_CHANCE = 0.5
"""More of a query's weight than this, and a moment is told as found."""

_RANKED_AT_MOST = 400
"""Of one source; what ranks lower changes no score by as much as a place among the first does."""

_OF_WORDS: tuple[MomentSource, ...] = ("caption", "text", "speech")
_NEAREST = 3
_ADJOINING_SECONDS = 0.05


@dataclass(frozen=True)
class Compared:
    """A span whose pictures, or whose text by meaning, were compared with a query: how near, and whether nearer
    than chance.
    """

    video: str
    span: Span
    score: float
    above_chance: bool
    quote: str


@dataclass(frozen=True)
class _Words:
    """One source: its passages, and their index."""

    passages: tuple[Passage, ...]
    languages: tuple[Language, ...]
    index: WordIndex


@dataclass(frozen=True)
class _Told:
    """A moment on its way: what it covers of the query, and the scene it lies in where captions tell it."""

    moment: Moment
    covered: float
    held: frozenset[str]
    group: int | None


class Finder:
    """Finds in the videos of these indexes. Building it reads all their texts once; finding takes
    milliseconds. Thread-safe.
    """

    def __init__(self, indexes: Sequence[Index]) -> None:
        self._paths = {index.video.digest: index.video.path for index in indexes}
        own: dict[MomentSource, list[tuple[Passage, Language]]] = defaultdict(list)
        for index in indexes:
            by_source: dict[MomentSource, list[Passage]] = defaultdict(list)
            for passage in passages_of(index):
                by_source[passage.source].append(passage)
            for source, passages in by_source.items():
                # Of each video's source its own language: a film may be captioned in one and spoken in
                # another.
                language = sampled_language([passage.text for passage in passages])
                own[source] += [(passage, language) for passage in passages]
        self._sources: dict[MomentSource, _Words] = {}
        for source, pairs in own.items():
            passages, languages = tuple(p for p, _ in pairs), tuple(language for _, language in pairs)
            words = WordIndex([passage.text for passage in passages], languages)
            self._sources[source] = _Words(passages, languages, words)

    @property
    def searched(self) -> tuple[MomentSource, ...]:
        """The sources of words that these videos have."""
        return tuple(source for source in _OF_WORDS if source in self._sources)

    def find(
        self,
        query: str,
        *,
        top: int,
        within: Span | None = None,
        pictures: Sequence[Compared] = (),
        meanings: Sequence[Compared] = (),
    ) -> tuple[tuple[Moment, ...], tuple[Moment, ...]]:
        """The best `top` moments above chance, best first, and, where there are none, those that come
        closest.
        """
        weights = self._weights(query)
        matches: dict[MomentSource, list[Match]] = {
            source: self._matches(source, query, within) for source in self.searched
        }
        rankings = [_ranking(self._sources[source].passages, own, within) for source, own in matches.items()]
        held: dict[MomentSource, dict[int, frozenset[str]]] = {
            source: {match.place: frozenset(match.held) for match in own} for source, own in matches.items()
        }
        compared: dict[MomentSource, Sequence[Compared]] = {"picture": pictures, "meaning": meanings}
        # What is no nearer than chance has a time of its own, and would lend it to the words beside it.
        fitting: dict[MomentSource, Sequence[Compared]] = {
            source: [one for one in own if one.above_chance] for source, own in compared.items()
        }
        most = max(10 * top, 100)
        told = self._met(rankings, fitting, query, weights, held, within, most=most)
        found = _joined([one for one in told if one.covered > ABOVE_CHANCE])
        if found:
            return tuple(found[:top]), ()
        told = self._met(rankings, compared, query, weights, held, within, most=most)
        return (), tuple(one.moment for one in told[:_NEAREST])

    def _met(
        self,
        rankings: Sequence[Sequence[Ranked]],
        compared: Mapping[MomentSource, Sequence[Compared]],
        query: str,
        weights: Mapping[str, float],
        held: Mapping[MomentSource, Mapping[int, frozenset[str]]],
        within: Span | None,
        *,
        most: int,
    ) -> list[_Told]:
        """The moments in which the rankings of words meet what was compared, best first."""
        near = [_compared_ranking(source, own, within) for source, own in compared.items()]
        told = [
            self._told(meeting, query, weights, held, compared)
            for meeting in fuse([*rankings, *near], most=most)
        ]
        told.sort(key=lambda one: (-one.moment.score, one.moment.video_digest, one.moment.start_seconds))
        return told

    def _weights(self, query: str) -> dict[str, float]:
        """The words that every source takes for words of meaning, by weight: the more passages hold one, the
        less it tells.
        """
        asked = [
            {word.word: len(words.index.holding(word)) for word in words.index.asked(query)}
            for words in self._sources.values()
        ]
        common = set[str].intersection(*map(set, asked)) if asked else set[str]()
        counts = {word: sum(own.get(word, 0) for own in asked) for word in common}
        light = {word for words in self._sources.values() for word in common if words.index.is_light(word)}
        return {
            word: (LIGHT if word in light else 1.0) / (1.0 + 0.5 * math.log(max(count, 1)))
            for word, count in sorted(counts.items())
        }

    def _matches(self, source: MomentSource, query: str, within: Span | None) -> list[Match]:
        words = self._sources[source]
        ranked = words.index.rank(query)
        if within is not None:
            ranked = [match for match in ranked if words.passages[match.place].span.overlaps(within)]
        if not ranked:
            return []
        # What holds little of a query beside what holds all of it would lend its rank to a place that has
        # nothing to do with it.
        most = max(match.covered for match in ranked)
        return [match for match in ranked if match.covered >= most / 2][:_RANKED_AT_MOST]

    def _told(
        self,
        meeting: Meeting,
        query: str,
        weights: Mapping[str, float],
        held: Mapping[MomentSource, Mapping[int, frozenset[str]]],
        compared: Mapping[MomentSource, Sequence[Compared]],
    ) -> _Told:
        reasons: list[Reason] = []
        there: set[str] = set()
        fits = False
        group: int | None = None
        for member in meeting.members:
            if member.source in compared:
                near = compared[member.source][member.place]
                fits |= near.above_chance
                reasons.append(Reason(**_times(member.span), source=member.source, quote=near.quote))
                continue
            own = held[member.source][member.place]
            there |= own
            passage = self._sources[member.source].passages[member.place]
            lines = self._lines(member.source, member.place, query)
            span = _hull(lines)
            reasons.append(
                Reason(**_times(span), source=member.source, quote=lines[0].text, words=tuple(sorted(own)))
            )
            group = passage.group if group is None else group
        total = sum(weights.values())
        share = sum(weight for word, weight in weights.items() if word in there) / total if total else 0.0
        covered = 1.0 if fits else share
        span = meeting.span
        said = [Line(reason.span, "") for reason in reasons if reason.source == "speech"]
        if said and {member.source for member in meeting.members} <= {"speech", "meaning"}:
            span = _hull(said)
        lacks = () if fits else tuple(word for word in weights if word not in there)
        moment = Moment(
            **_times(span),
            video_digest=meeting.video,
            video=self._paths[meeting.video],
            # Ranks say which is better of those that hold as much; what is missing counts more than where
            # else it is told.
            score=meeting.score * covered**2,
            why=tuple(reasons),
            lacks=lacks,
        )
        return _Told(moment, covered, frozenset(there), group)

    def _lines(self, source: MomentSource, place: int, query: str) -> list[Line]:
        """The lines of a passage that hold words of the query, the best first; all of them where a word runs
        over two.
        """
        words = self._sources[source]
        lines = words.passages[place].lines
        if len(lines) == 1:
            return list(lines)
        own = WordIndex([line.text for line in lines], [words.languages[place]] * len(lines))
        return [lines[match.place] for match in own.rank(query)] or list(lines)


def _times(span: Span) -> dict[str, Any]:
    return {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}


def _hull(lines: Iterable[Line]) -> Span:
    spans = [line.span for line in lines]
    return Span(min(s.start_seconds for s in spans), max(s.stop_seconds for s in spans))


def _cut(span: Span, within: Span | None) -> Span:
    return span if within is None else span.intersection(within) or span


def _ranking(passages: Sequence[Passage], matches: Sequence[Match], within: Span | None) -> list[Ranked]:
    ranks = shared_ranks([match.score for match in matches])
    return [
        Ranked(passage.source, passage.video, _cut(passage.span, within), rank, match.place)
        for match, rank in zip(matches, ranks, strict=True)
        for passage in (passages[match.place],)
    ]


def _compared_ranking(
    source: MomentSource, compared: Sequence[Compared], within: Span | None
) -> list[Ranked]:
    order = sorted(range(len(compared)), key=lambda place: -compared[place].score)
    order = [place for place in order if within is None or compared[place].span.overlaps(within)]
    ranks = shared_ranks([compared[place].score for place in order])
    return [
        Ranked(source, compared[place].video, _cut(compared[place].span, within), rank, place)
        for place, rank in zip(order, ranks, strict=True)
    ][:_RANKED_AT_MOST]


def _joined(told: Sequence[_Told]) -> list[Moment]:
    """Moments in order, those grown that go on in the next part of their scene and hold the same words there."""
    kept: list[_Told] = []
    for one in told:
        place = next((n for n, other in enumerate(kept) if _goes_on(one, other)), None)
        if place is None:
            kept.append(one)
            continue
        other = kept[place]
        span = Span(
            min(one.moment.start_seconds, other.moment.start_seconds),
            max(one.moment.stop_seconds, other.moment.stop_seconds),
        )
        grown = other.moment.model_copy(update=_times(span))
        kept[place] = _Told(grown, other.covered, other.held, other.group)
    return [one.moment for one in kept]


def _goes_on(one: _Told, other: _Told) -> bool:
    if one.group is None or (one.group, one.moment.video_digest) != (other.group, other.moment.video_digest):
        return False
    gap = max(one.moment.start_seconds, other.moment.start_seconds) - min(
        one.moment.stop_seconds, other.moment.stop_seconds
    )
    return one.held == other.held and gap <= _ADJOINING_SECONDS
