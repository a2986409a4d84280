"""What was read and heard, in order of time: signs, sentences joined over cues, scenes. The one thing that
answers are made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from mrvideo.models.offline.forms import names_in
from mrvideo.models.offline.wording import lines_seen, tells_picture
from mrvideo.records import Cue, Sighting, Source, Span
from mrvideo.schemas.analysis import SightingLine
from mrvideo.schemas.shared import CueLine
from mrvideo.text import (
    LOOKALIKE,
    Language,
    Ranker,
    holds,
    language_of,
    likeness,
    resemblance,
    tokens,
)

Kind = Literal["screen", "speech", "picture", "look", "end"]

JOIN_SECONDS = 0.7
MISREAD_SECONDS, MISREAD_LIKENESS = 1.1, 0.75
"""Sightings of one text closer than this are one: a clip's or a scene's border lies between them."""

PAUSE_SECONDS = 1.5
"""A sentence goes on in the next cue when that comes within this time, and the last one did not end it."""

MOST_SENTENCE_LETTERS, MOST_LINE_LETTERS, MOST_PASSAGE_LETTERS = 400, 80, 240
MARKED_SHARE = 0.05
"""Where fewer cues than this end a sentence, as in captions made by machine, two or three of them are a line."""

STANDING_SECONDS, STANDING_CUTS = 15.0, 4
"""A text that stands this long, and over this many cuts, is a watermark or a channel's logo."""

_ENDS = re.compile(r"[.!?…。！？؟;:][\"'”’»)\]]*$")
_BRACKETS = re.compile(r"[\[(♪♫#][^\])♪♫]*[\])♪♫]|[♪♫]+")
_TURN = re.compile(r"(?:^|(?<=[.!?…\"”。！？]))\s*[-–—]\s+(?=\S)")
_LABEL = re.compile(r"(?:^|(?<=[.!?…])\s+)([A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,2}):\s+(?=\S)")


_NAME = r"([A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3})"
_INTRODUCES = re.compile(
    rf"\b(?:[Mm]y name is|I'm|I am|[Tt]his is|[Ii]ch bin|[Ii]ch heiße|[Jj]e suis|[Ss]oy|[Ss]ono|[Ss]ou|[Ii]k ben) {_NAME}"
)


@dataclass(frozen=True)
class Item:
    """One text over one span: a sign, a sentence, or what a picture looks like. `ids` are those of its
    evidence.
    """

    start_seconds: float
    stop_seconds: float
    text: str
    kind: Kind
    speaker: str | None = None
    ids: tuple[str, ...] = ()
    standing: bool = False

    @property
    def span(self) -> Span:
        """When it is there."""
        return Span(self.start_seconds, self.stop_seconds)

    @property
    def told(self) -> str:
        """With the speaker's name before it."""
        return f"{self.speaker}: {self.text}" if self.speaker else self.text


@dataclass(frozen=True)
class Timeline:
    """Signs, sentences, pictures and fresh looks, each in order of time; `shots` are their starts; `scenes`
    how many there are.
    """

    screen: tuple[Item, ...]
    speech: tuple[Item, ...]
    pictures: tuple[Item, ...]
    looks: tuple[Item, ...]
    stop_seconds: float
    shots: tuple[float, ...]
    scenes: int
    language: Language

    @cached_property
    def everything(self) -> tuple[Item, ...]:
        """Signs and speech, in order of time."""
        return tuple(sorted((*self.screen, *self.speech), key=_by_time))

    @cached_property
    def passages(self) -> tuple[Item, ...]:
        """Signs and sentences; lines that no mark ends with those that follow, each such passage from another
        line on.
        """
        passages: list[Item] = []
        for place, item in enumerate(self.speech):
            for line in self.speech[place + 1 :]:
                if not _goes_on(item, line, MOST_PASSAGE_LETTERS):
                    break
                item = _with(item, line)
            if not passages or item.stop_seconds > passages[-1].stop_seconds:
                passages.append(item)
        return (*self.screen, *passages)

    @cached_property
    def ranker(self) -> Ranker:
        """Ranks `everything` by words; a speaker's name belongs to what they say."""
        return Ranker([item.told for item in self.everything], self.language)

    @cached_property
    def names(self) -> frozenset[str]:
        """Words of speech that have a capital inside a sentence, and those of speakers."""
        said = (names_in(item.text, self.language) for item in self.speech)
        speakers = (tokens(item.speaker or "") for item in self.speech)
        return frozenset(word for words in (*said, *speakers) for word in words)

    @cached_property
    def places(self) -> dict[Item, int]:
        """Where each item lies in `everything`."""
        return {item: place for place, item in enumerate(self.everything)}

    @cached_property
    def signs(self) -> tuple[Item, ...]:
        """Texts on screen that come and go: no watermarks, unless there is nothing else."""
        return tuple(i for i in self.screen if not i.standing) or self.screen

    def of(self, channel: str) -> tuple[Item, ...]:
        """The items of `screen`, of `speech`, or of both (`any`)."""
        return {"screen": self.screen, "speech": self.speech}.get(channel, self.everything)

    def stems(self, item: Item) -> frozenset[str]:
        """Stems of what it says, and of who says it."""
        return self.ranker.stems[self.places[item]] if item in self.places else self.language.stems(item.told)

    def bounds(self, times: tuple[float, float | None]) -> tuple[float, float]:
        """Times as a question names them, counted from the start."""
        low, high = times
        return (self.stop_seconds + low if low < 0 else low), (self.stop_seconds if high is None else high)


def distinct(items: Iterable[Item]) -> list[list[Item]]:
    """Sightings of the same text together, in order of first appearance."""
    groups: list[list[Item]] = []
    for item in items:
        group = next((g for g in groups if likeness(g[0].text, item.text) >= LOOKALIKE), None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    return groups


def holding(items: Iterable[Item], phrase: str) -> list[Item]:
    """The items that hold a phrase. When some hold it exactly, the near ones are left out."""
    scored = [(holds(item.text, phrase), item) for item in items]
    least = 1.0 if any(score >= 1.0 for score, _ in scored) else 0.85
    return [item for score, item in scored if score >= least]


def introduced(text: str) -> str | None:
    """The name by which whoever says it introduces himself."""
    match = _INTRODUCES.search(text.replace("’", "'"))
    return match.group(1) if match else None


def timeline_of(
    items: Iterable[Item],
    language: Language,
    *,
    stop_seconds: float = 0.0,
    shots: tuple[float, ...] = (),
    scenes: int = 0,
) -> Timeline:
    """Signs and cues joined; `stop_seconds` is where the video ends at the least."""
    items = sorted(items, key=_by_time)
    screen, speech, pictures, looks = (
        [item for item in items if item.kind == kind] for kind in ("screen", "speech", "picture", "look")
    )
    stop = max([stop_seconds, *(item.stop_seconds for item in pictures or items)])
    signs = tuple(_marked(_joined(screen), shots))
    return Timeline(
        signs, tuple(_sentences(speech)), tuple(pictures), tuple(looks), stop, shots, scenes, language
    )


def timeline_of_lines(
    signs: Iterable[Sighting | SightingLine],
    cues: Sequence[Cue | CueLine],
    *,
    stop_seconds: float,
    shots: tuple[float, ...],
) -> Timeline:
    """From texts on screen and lines of speech as they are kept, or as a request lists them."""
    items = [
        *(
            i
            for s in signs
            if s.text.strip()
            for i in items_of(s.start_seconds, s.stop_seconds, "caption", s.text)
        ),
        *(i for c in cues for i in items_of(c.start_seconds, c.stop_seconds, "cue", c.text, c.speaker)),
    ]
    language = language_of(" ".join(cue.text for cue in cues[:50]))
    return timeline_of(items, language, stop_seconds=stop_seconds, shots=shots)


def items_of(
    start_seconds: float,
    stop_seconds: float,
    source: Source,
    text: str,
    speaker: str | None = None,
    ids: tuple[str, ...] = (),
) -> list[Item]:
    """What a line of evidence tells; a cue may hold several who speak, or a sound (`[door slams]`, `♪`) and no
    words.
    """
    if source == "cue":
        turns = _turns(_BRACKETS.sub(" ", text), speaker)
        return [Item(start_seconds, stop_seconds, words, "speech", who, ids) for who, words in turns]
    seen: Kind = "picture" if tells_picture(text) else "screen"
    kind = "look" if source == "frame" else seen
    return [Item(start_seconds, stop_seconds, text, kind, None, ids)]


def _turns(text: str, speaker: str | None) -> list[tuple[str | None, str]]:
    """`JOHN: Hello. MARY: Hi.` and `- Hello. - Hi.` are two who speak."""
    turns: list[tuple[str | None, str]] = []
    for part in _TURN.split(text):
        pieces = _LABEL.split(part)
        turns.append((speaker, pieces[0]))
        turns += [(name, words) for name, words in zip(pieces[1::2], pieces[2::2], strict=True)]
        speaker = None if len(_TURN.findall(text)) else speaker
    return [(who, " ".join(words.split())) for who, words in turns if tokens(words)]


def _sentences(cues: Sequence[Item]) -> list[Item]:
    """Cues joined to sentences: by the same speaker, one right after the other, until a mark ends them."""
    joined: list[Item] = []
    marked = sum(bool(_ENDS.search(cue.text)) for cue in cues) >= MARKED_SHARE * len(cues)
    most = MOST_SENTENCE_LETTERS if marked else MOST_LINE_LETTERS
    for cue in cues:
        last = joined[-1] if joined else None
        if last and cue.start_seconds >= last.stop_seconds - 0.3 and _goes_on(last, cue, most):
            joined[-1] = _with(last, cue)
        else:
            joined.append(cue)
    return joined


def _goes_on(last: Item, cue: Item, most_letters: int) -> bool:
    """Whether a sentence goes on in the next cue."""
    soon = cue.start_seconds - last.stop_seconds <= PAUSE_SECONDS
    short = len(last.text) + len(cue.text) <= most_letters
    return soon and short and cue.speaker in (None, last.speaker) and not _ENDS.search(last.text)


def _with(item: Item, other: Item) -> Item:
    stop = max(item.stop_seconds, other.stop_seconds)
    return replace(item, text=f"{item.text} {other.text}", stop_seconds=stop, ids=(*item.ids, *other.ids))


def _joined(items: Sequence[Item]) -> list[Item]:
    """Touching sightings of one text as one item."""
    joined: list[Item] = []
    for item in items:
        for place in range(len(joined) - 1, max(len(joined) - 40, -1), -1):
            last = joined[place]
            if item.start_seconds > last.stop_seconds + JOIN_SECONDS or not _one_text(last, item):
                continue
            longer = max(last, item, key=lambda i: i.stop_seconds - i.start_seconds)
            joined[place] = replace(
                longer,
                start_seconds=last.start_seconds,
                stop_seconds=max(last.stop_seconds, item.stop_seconds),
                ids=tuple(dict.fromkeys((*last.ids, *item.ids))),
            )
            break
        else:
            joined.append(item)
    return joined


def _one_text(one: Item, other: Item) -> bool:
    """Whether they are one text; what stands for a moment beside its like is a worse reading of it: `THEND`,
    `THE END`.
    """
    brief = min(one.stop_seconds - one.start_seconds, other.stop_seconds - other.start_seconds)
    misread = brief <= MISREAD_SECONDS and resemblance(one.text, other.text) >= MISREAD_LIKENESS
    same_figures = [c for c in one.text if c.isdigit()] == [c for c in other.text if c.isdigit()]
    return likeness(one.text, other.text) >= LOOKALIKE or (misread and same_figures)


def _marked(screen: Sequence[Item], shots: Sequence[float]) -> list[Item]:
    """Watermarks and logos marked: what stands on while the shots change."""
    marked: list[Item] = []
    for item in screen:
        over = sum(item.start_seconds < cut < item.stop_seconds for cut in shots)
        standing = item.stop_seconds - item.start_seconds >= STANDING_SECONDS and over >= STANDING_CUTS
        marked.append(replace(item, standing=standing))
    return marked


def seen_on_looks(timeline: Timeline) -> Timeline:
    """A timeline of only what fresh frames showed, its texts as signs."""
    signs = [
        replace(item, text=text, kind="screen") for item in timeline.looks for text in lines_seen(item.text)
    ]
    return replace(timeline, screen=tuple(signs), speech=())


def _by_time(item: Item) -> tuple[float, float]:
    return (item.start_seconds, item.stop_seconds)
