"""What of an index can be found by words: captions by part, texts on screen, and what is said from one long
pause to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mrvideo.records import CaptionPart, Cue, Index, MomentSource, Sighting, Span, merge_spans

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|[\r\n]+")

_MARK = re.compile(r"<([^<>\s]+)>")

_SAME_TEXT_GAP_SECONDS = 0.5
_PAUSE_SECONDS, _SPEECH_SECONDS = 2.0, 15.0
"""Speech is one passage until such a pause, and no longer than this: a sentence runs over several cues."""


@dataclass(frozen=True)
class Line:
    """A sentence or cue of a passage, as it stands there."""

    span: Span
    text: str


@dataclass(frozen=True)
class Passage:
    """The unit that a source of words ranks. `text` is what is searched: its lines, with people by their
    names.

    `video` is the digest. `group` is the scene that a caption belongs to; None for other sources.
    """

    source: MomentSource
    video: str
    span: Span
    text: str
    lines: tuple[Line, ...]
    group: int | None = None


def passages_of(index: Index) -> tuple[Passage, ...]:
    """All passages of an index."""
    return (*_captions(index), *_texts(index), *_speech(index))


def _captions(index: Index) -> Iterator[Passage]:
    called = {e.name: f"<{e.name}> {e.display_name}" for e in index.entities if e.display_name}
    for scene in index.scenes:
        for part in scene.parts or (CaptionPart(**scene.span.model_dump(), text="", brief=scene.brief),):
            sentences = [
                line.strip() for text in (part.brief, part.text) for line in _SENTENCE_END.split(text)
            ]
            lines = tuple(Line(part.span, line) for line in dict.fromkeys(sentences) if line)
            text = "\n".join(line.text for line in lines)
            # By the marks that are there: hours have thousands of people.
            text = _MARK.sub(lambda mark: called.get(mark[1], mark[0]), text)
            if text:
                yield Passage("caption", index.video.digest, part.span, text, lines, scene.index)


def _texts(index: Index) -> Iterator[Passage]:
    sightings: dict[str, list[Sighting]] = {}
    for scene in index.scenes:
        for sighting in scene.sightings:
            sightings.setdefault(sighting.text, []).append(sighting)
    for text, seen in sightings.items():
        if text.strip():
            for span in merge_spans([s.span for s in seen], gap_seconds=_SAME_TEXT_GAP_SECONDS):
                yield Passage("text", index.video.digest, span, text, (Line(span, text),))


def _speech(index: Index) -> Iterator[Passage]:
    spoken: list[Cue] = []
    for cue in sorted(index.cues, key=lambda cue: (cue.start_seconds, cue.stop_seconds)):
        if spoken and (
            cue.start_seconds - spoken[-1].stop_seconds > _PAUSE_SECONDS
            or cue.stop_seconds - spoken[0].start_seconds > _SPEECH_SECONDS
        ):
            yield _said(index.video.digest, spoken)
            spoken = []
        if cue.text.strip():
            spoken.append(cue)
    if spoken:
        yield _said(index.video.digest, spoken)


def _said(video: str, cues: list[Cue]) -> Passage:
    lines = tuple(Line(cue.span, f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text) for cue in cues)
    span = Span(cues[0].start_seconds, max(cue.stop_seconds for cue in cues))
    return Passage("speech", video, span, " ".join(line.text for line in lines), lines)
