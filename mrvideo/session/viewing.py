"""A quick look that the caller drives: pictures that are new, notes of what they show, an answer that cites
only what was shown.

    view ──► sheets, what is kept: the times of all pictures that were shown
    note ──► observations, each within reach of a picture that was shown, or refused
    answer ──► claims, each citing spans within reach, or refused; what was never shown is told

What was shown is kept in the library, by video and by the conversation's name.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from mrvideo.errors import InputError, QuestionError
from mrvideo.library import Library
from mrvideo.media.content import check_lies_in
from mrvideo.media.identity import probe
from mrvideo.media.labelled import Sheet, labelled_sheets
from mrvideo.media.subtitles import load_subtitles
from mrvideo.records import Cue, Frame, Index, Record, Span, Spanned, VideoInfo, merge_spans
from mrvideo.session.fetching import fetched_video
from mrvideo.session.options import frame_source, read_options
from mrvideo.settings import Settings
from mrvideo.wording import is_url

Detail: TypeAlias = Literal["overview", "close", "text"]
NoteKind: TypeAlias = Literal["caption", "name", "text"]

REACH_SECONDS = 2.0
"""A picture stands for what lies within so many seconds of it; what is cited must lie within reach of
pictures that were shown.
"""

MOST_PICTURES = 400
"""Shown in one conversation about one video."""

MOST_NOTES = 500

_CELLS: dict[Detail, int] = {"overview": 20, "close": 12, "text": 4}
_PIXELS: dict[Detail, int] = {"overview": 384, "close": 512, "text": 1536}
_CLOSEST_SECONDS = 0.2
"""Two pictures nearer than this show the same."""
_MOST_CANDIDATES = 4_000
"""Times that are compared with all that were shown."""
_GRAIN_SECONDS = 1e-6


class Observation(Spanned):
    """What somebody saw in pictures that were shown: a caption, somebody's name, or a text on screen."""

    kind: NoteKind = "caption"
    text: str


class QuickClaim(Spanned):
    """One claim of an answer, and the span that shows it."""

    text: str


class QuickAnswer(Record):
    """An answer that was accepted."""

    question: str
    answer: str
    claims: tuple[QuickClaim, ...]


class Conversation(Record):
    """What was shown of one video and what was made of it."""

    shown_seconds: tuple[float, ...] = ()
    notes: tuple[Observation, ...] = ()
    answers: tuple[QuickAnswer, ...] = ()

    def noted(self, spans: Sequence[Span]) -> tuple[Observation, ...]:
        """The notes of these spans, ascending."""
        found = [
            note
            for note in self.notes
            # A note of a moment has no length: it overlaps nothing, and may lie in a span all the same.
            if any(s.overlaps(note.span) or s.contains(note.start_seconds) for s in spans)
        ]
        return tuple(sorted(found, key=lambda note: (note.start_seconds, note.stop_seconds)))

    def seen(self, info: VideoInfo, cuts: Sequence[float] = ()) -> tuple[Span, ...]:
        """The spans within reach of a picture that was shown, none of them across a camera cut, as far as
        cuts (ascending) are known.
        """
        stop = info.duration_seconds
        near: list[Span] = []
        for time in self.shown_seconds:
            place = bisect_right(cuts, time)
            low = cuts[place - 1] if place else 0.0
            high = cuts[place] if place < len(cuts) else stop
            start = max(low, time - REACH_SECONDS)
            near.append(Span(start, max(start, min(high, time + REACH_SECONDS))))
        return tuple(merge_spans(near))


@dataclass(frozen=True)
class Viewed:
    """What a look showed, and what this conversation noted of the span before. `pictures_left` is how many more this conversation may be shown."""

    info: VideoInfo
    span: Span
    sheets: tuple[Sheet, ...]
    times_seconds: tuple[float, ...]
    cues: tuple[Cue, ...]
    notes: tuple[Observation, ...]
    pictures_left: int


@dataclass(frozen=True)
class Refused:
    """What was not taken, by its place in the list, and why."""

    place: int
    reason: str


@dataclass(frozen=True)
class Answered:
    """Whether the answer was accepted; `unseen` was never shown, `unread` was shown and nothing was noted of
    it.
    """

    accepted: bool
    refused: tuple[Refused, ...]
    unseen: tuple[Span, ...]
    unread: tuple[Span, ...]


def view_span(
    path: str,
    settings: Settings,
    span: Span | None,
    *,
    detail: Detail = "overview",
    again: bool = False,
    conversation: str = "main",
    folders: Sequence[Path] | None = None,
) -> Viewed:
    """Pictures of a span that this conversation was not shown yet (with `again`, also those that it was), and
    what is said there.

    Raises `InputError` for a span outside the video and once `MOST_PICTURES` were shown.
    """
    info = _probed(path, settings, folders)
    whole = Span(0.0, info.duration_seconds)
    shown = whole if span is None else span.intersection(whole)
    if shown is None or shown.duration_seconds <= 0:
        raise InputError(f"{span} lies outside the video, which is {info.duration_seconds:.2f} s long")
    with _kept(info, conversation, settings) as kept:
        left = MOST_PICTURES - len(kept.now.shown_seconds)
        if left <= 0:
            raise InputError(
                f"{MOST_PICTURES} pictures of this video were shown in conversation {conversation!r}; answer from them, or begin another"
            )
        before = () if again else kept.now.shown_seconds
        times = new_times(shown, min(_CELLS[detail], left), before)
        frames = _frames(info, settings, times, _PIXELS[detail], before)
        own = tuple(frame.time_seconds for frame in frames)
        kept.now = kept.now.model_copy(
            update={"shown_seconds": tuple(sorted({*kept.now.shown_seconds, *own}))}
        )
        left = MOST_PICTURES - len(kept.now.shown_seconds)
        notes = kept.now.noted([shown])
    cues = load_subtitles(
        info.path, language=settings.language, allow_url=settings.allow_url, folders=folders
    ).cues
    return Viewed(
        info=info,
        span=shown,
        sheets=labelled_sheets((f"{frame.time_seconds:.2f} s", frame.jpeg) for frame in frames),
        times_seconds=own,
        cues=tuple(cue for cue in cues if cue.span.overlaps(shown)),
        notes=notes,
        pictures_left=max(0, left),
    )


def overview_sheets(index: Index, settings: Settings) -> tuple[Sheet, ...]:
    """An indexed video at a glance: a picture from the middle of each scene, of up to twenty evenly spread.
    Nothing is noted as shown.
    """
    count = min(len(index.scenes), _CELLS["overview"])
    chosen = [index.scenes[place * len(index.scenes) // count] for place in range(count)]
    source = frame_source(index.video, settings, long_side_pixels=_PIXELS["overview"])
    frames = source.at([scene.span.middle_seconds for scene in chosen]) if chosen else []
    return labelled_sheets((f"{frame.time_seconds:.2f} s", frame.jpeg) for frame in frames)


def note_observations(
    path: str,
    settings: Settings,
    observations: Sequence[Observation],
    *,
    conversation: str = "main",
    folders: Sequence[Path] | None = None,
) -> tuple[int, tuple[Refused, ...]]:
    """Keep what was observed; how many were, and those that were refused because nothing was shown there."""
    info = _probed(path, settings, folders)
    with _kept(info, conversation, settings) as kept:
        refused = _refusals((one.span for one in observations), kept)
        wrong = {one.place for one in refused}
        right = [one for place, one in enumerate(observations) if place not in wrong]
        room = MOST_NOTES - len(kept.now.notes)
        if len(right) > room:
            raise InputError(
                f"{MOST_NOTES} notes of this video are kept in conversation {conversation!r}; answer from them"
            )
        kept.now = kept.now.model_copy(update={"notes": (*kept.now.notes, *right)})
    return len(right), refused


def notes_of(
    digest: str, spans: Sequence[Span], settings: Settings, *, conversation: str = "main"
) -> tuple[Observation, ...]:
    """What a conversation noted of these spans of a video, ascending."""
    with closing(Library.open(settings.library, create=False)) as library:
        return _read(library, _key(digest, conversation)).noted(spans)


def give_answer(
    path: str,
    settings: Settings,
    answer: QuickAnswer,
    *,
    conversation: str = "main",
    folders: Sequence[Path] | None = None,
) -> Answered:
    """Check an answer's citations. It is kept when each lies within reach of pictures that were shown, else
    refused as a whole.
    """
    if not answer.question.strip() or not answer.answer.strip() or not answer.claims:
        raise QuestionError(
            "an answer needs a question, words, and at least one claim with the span that shows it"
        )
    info = _probed(path, settings, folders)
    with _kept(info, conversation, settings) as kept:
        now = kept.now
        refused = _refusals((claim.span for claim in answer.claims), kept)
        if not refused:
            kept.now = now.model_copy(update={"answers": (*now.answers, answer)})
        seen = kept.seen
    noted = merge_spans([one.span for one in now.notes])
    return Answered(
        accepted=not refused,
        refused=refused,
        unseen=_without(Span(0.0, info.duration_seconds), seen),
        unread=tuple(part for span in seen for part in _without(span, noted)),
    )


def new_times(span: Span, count: int, shown_seconds: Sequence[float]) -> tuple[float, ...]:
    """At most so many times of the span, ascending: evenly spread, or as far as can be from those that were
    shown.
    """
    step = span.duration_seconds / count
    if not any(span.start_seconds - step <= t <= span.stop_seconds + step for t in shown_seconds):
        return tuple(span.start_seconds + step * (i + 0.5) for i in range(count))
    fine = max(16 * count, min(math.ceil(span.duration_seconds / _CLOSEST_SECONDS), _MOST_CANDIDATES))
    grid = [span.start_seconds + span.duration_seconds * (i + 0.5) / fine for i in range(fine)]
    distance = [min(abs(time - other) for other in shown_seconds) for time in grid]
    chosen: list[float] = []
    while len(chosen) < count:
        far = max(range(fine), key=lambda place: (distance[place], -place))
        if distance[far] < _CLOSEST_SECONDS:
            break
        chosen.append(grid[far])
        distance = [min(d, abs(time - grid[far])) for d, time in zip(distance, grid, strict=True)]
    return tuple(sorted(chosen))


def _frames(
    info: VideoInfo, settings: Settings, times: Sequence[float], pixels: int, before: Sequence[float]
) -> list[Frame]:
    source = frame_source(info, settings, long_side_pixels=pixels)
    found = {frame.time_seconds: frame for frame in source.at(list(times))} if times else {}
    return [
        frame
        for time, frame in sorted(found.items())
        if not any(abs(time - other) < _GRAIN_SECONDS for other in before)
    ]


def _refusals(spans: Iterable[Span], kept: _Kept) -> tuple[Refused, ...]:
    seen, info = kept.seen, kept.info
    found: list[Refused] = []
    for place, span in enumerate(spans):
        if not 0 <= span.start_seconds <= span.stop_seconds <= info.duration_seconds + REACH_SECONDS:
            found.append(
                Refused(
                    place, f"{span} is no span of this video, which is {info.duration_seconds:.2f} s long"
                )
            )
            continue
        inside = span.intersection(Span(0.0, info.duration_seconds)) or span
        missing = _without(inside, seen)
        if not any(s.start_seconds <= inside.start_seconds <= s.stop_seconds for s in seen):
            missing = missing or (inside,)
        if missing:
            parts = ", ".join(str(part) for part in missing[:3])
            found.append(
                Refused(place, f"never shown: {parts}; call view_span there, or cite what was shown")
            )
    return tuple(found)


def _without(span: Span, others: Sequence[Span]) -> tuple[Span, ...]:
    """What of the span none of the others (ascending, apart) covers."""
    parts: list[Span] = []
    at = span.start_seconds
    for other in others:
        if other.start_seconds >= span.stop_seconds:
            break
        if other.start_seconds > at + _GRAIN_SECONDS:
            parts.append(Span(at, other.start_seconds))
        at = max(at, other.stop_seconds)
    if at < span.stop_seconds - _GRAIN_SECONDS:
        parts.append(Span(at, span.stop_seconds))
    return tuple(parts)


def _probed(path: str, settings: Settings, folders: Sequence[Path] | None) -> VideoInfo:
    path = fetched_video(path, settings, lambda event: None)
    info = probe(path, read_options(settings))
    if folders is not None and not is_url(path):
        check_lies_in(info, folders)
    return info


@dataclass
class _Kept:
    """A conversation, and the library and video that it is of."""

    now: Conversation
    info: VideoInfo
    library: Library

    @cached_property
    def cuts(self) -> tuple[float, ...]:
        """Those that an index of the video knows. A look needs none, and an index of hours takes a moment."""
        index = self.library.latest_index(self.info.digest)
        return () if index is None else tuple(shot.start_seconds for shot in index.shots)

    @property
    def seen(self) -> tuple[Span, ...]:
        """As `Conversation.seen`."""
        return self.now.seen(self.info, self.cuts)


def _key(digest: str, conversation: str) -> str:
    return hashlib.sha256(f"quick look\n{digest}\n{conversation}".encode()).hexdigest()


def _read(library: Library, key: str) -> Conversation:
    body = library.part(key)
    return Conversation() if body is None else Conversation.model_validate_json(body)


@contextmanager
def _kept(info: VideoInfo, conversation: str, settings: Settings) -> Generator[_Kept]:
    """What is kept of the conversation, written back when the block changed it; one caller at a time."""
    key = _key(info.digest, conversation)
    with closing(Library.open(settings.library)) as library, library.claim(key):
        now = _read(library, key)
        kept = _Kept(now, info, library)
        was = kept.now
        yield kept
        if kept.now is not was:
            whole = Span(0.0, info.duration_seconds)
            library.put_part(key, "quick look", info.digest, whole, kept.now.model_dump_json())
