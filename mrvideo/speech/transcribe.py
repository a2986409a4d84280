"""Speech to text as a map: decode, cut at silences, ask for many chunks at once, put the times back.

video ─► read_sound ─► chunked ─► FLAC ─► model.run  (several in flight)  ─► cues on the video's clock
                                    silent chunks are not sent ┘              failures beside them
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path

from mrvideo.errors import ModelError, ModelUnavailable
from mrvideo.mapreduce import portal
from mrvideo.media.audio import LostSound, Sound, encode_flac, read_sound
from mrvideo.media.subtitles.languages import normalised
from mrvideo.models.base import Reply
from mrvideo.records import (
    Cue,
    Event,
    Failure,
    Record,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Usage,
)
from mrvideo.speech.chunks import Chunk, chunked
from mrvideo.speech.port import STAGE, Segment, Transcriber, Transcription, sound_request


class Transcript(Record):
    """The speech of a video. `failures` are the spans whose sound could not be transcribed.

    `notes` are for the user, one line each.
    """

    cues: tuple[Cue, ...] = ()
    failures: tuple[Failure, ...] = ()
    usage: Usage = Usage()
    notes: tuple[str, ...] = ()


def transcribe(
    video_path: Path | str,
    *,
    transcriber: Transcriber,
    language: str | None = None,
    hint: str = "",
    duration_seconds: float | None = None,
    allow_url: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Transcript:
    """The speech of a video as cues in order, on the video's clock. Empty where there is no audio track, or
    no sound.

    `language` (`en`) is told to the model and chooses among audio tracks. `hint` is text as it may be said:
    names, spellings. `duration_seconds` lets progress know how much lies ahead. A chunk whose call fails for
    good becomes a `Failure`, and what came back of the others is kept. Call it outside the event loop's
    thread. Raises the `VideoError` tree, `ModelUnavailable`, `BudgetReached`.
    """
    return _Map(transcriber, normalised(language) if language else None, hint, on_event).run(
        video_path, duration_seconds, allow_url
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """The span of a chunk, without its samples, which are freed once sent."""

    span: Span
    sounding: Span


class _Map:
    """One run: what is in flight and what came back."""

    def __init__(
        self, transcriber: Transcriber, language: str | None, hint: str, on_event: Callable[[Event], None]
    ) -> None:
        self._transcriber = transcriber
        self._language = language
        self._hint = hint
        self._on_event = on_event
        self._in_flight: dict[Future[Reply[Transcription]], _Place] = {}
        self._replies: list[tuple[_Place, Transcription]] = []
        self._failures: list[Failure] = []
        self._usage = Usage()

    def run(self, video_path: Path | str, duration_seconds: float | None, allow_url: bool) -> Transcript:
        total = max(math.ceil((duration_seconds or 0.0) / self._transcriber.longest_seconds), 1)
        self._on_event(StageStarted(stage=STAGE, total=total))
        try:
            sounds = read_sound(video_path, language=self._language, allow_url=allow_url)
            for chunk in chunked(self._heard(sounds), longest_seconds=self._transcriber.longest_seconds):
                self._send(chunk)
            while self._in_flight:
                self._collect()
        finally:
            # One that fails for the whole run ends the others too; nothing is paid for replies that nobody
            # reads.
            for future in self._in_flight:
                future.cancel()
        self._on_event(StageFinished(stage=STAGE))
        return Transcript(
            cues=self._cues(), failures=self._sorted_failures(), usage=self._usage, notes=tuple(self._notes())
        )

    def _heard(self, sounds: Iterator[Sound | LostSound]) -> Iterator[Sound]:
        for sound in sounds:
            if isinstance(sound, Sound):
                yield sound
            else:
                self._failures.append(
                    Failure.of(sound.span, "sound", sound.reason, hides="sound", final=True)
                )

    def _send(self, chunk: Chunk) -> None:
        sounding = chunk.sounding
        if sounding is None:
            self._on_event(StageAdvanced(stage=STAGE))
            return
        audio = encode_flac(chunk.samples)
        if len(audio) > self._transcriber.most_bytes and chunk.duration_seconds > 1.0:
            for half in chunk.halves():
                self._send(half)
            return
        # Two more than run at once: the next ones are decoded meanwhile, and no more stand in memory.
        while len(self._in_flight) >= self._transcriber.model.capabilities.concurrency + 2:
            self._collect()
        request = sound_request(audio, chunk.span, language=self._language, hint=self._hint)
        future = portal().start_task_soon(self._transcriber.model.run, request)
        self._in_flight[future] = _Place(chunk.span, sounding)

    def _collect(self) -> None:
        done, _ = wait(self._in_flight, return_when=FIRST_COMPLETED)
        for future in done:
            place = self._in_flight.pop(future)
            usage = Usage()
            try:
                reply = future.result()
            except ModelUnavailable:
                raise
            except ModelError as error:
                self._failures.append(Failure.of(place.span, STAGE, str(error), hides="sound"))
            else:
                usage = reply.usage
                self._usage += usage
                self._replies.append((place, reply.value))
            self._on_event(StageAdvanced(stage=STAGE, usage=usage))

    def _cues(self) -> tuple[Cue, ...]:
        replies = sorted(self._replies, key=lambda reply: reply[0].span.start_seconds)
        cues: list[Cue] = []
        for number, (place, transcription) in enumerate(replies, start=1):
            # A server numbers speakers anew in each chunk: "A" here need not be "A" there.
            part = f" ({number})" if len(replies) > 1 else ""
            language = transcription.language or self._language
            for segment in transcription.segments or _untimed(place, transcription):
                cue = _cue(
                    place.span, segment, language=normalised(language) if language else None, part=part
                )
                if cue is not None:
                    cues.append(cue)
        cues.sort(key=lambda cue: (cue.start_seconds, cue.stop_seconds))
        return tuple(cues)

    def _notes(self) -> Iterator[str]:
        if silent := sum(transcription.silent for _, transcription in self._replies):
            lines = "line of speech" if silent == 1 else "lines of speech"
            yield f"{silent} {lines} left out: the model itself takes the sound there for silence"

    def _sorted_failures(self) -> tuple[Failure, ...]:
        return tuple(sorted(self._failures, key=lambda failure: failure.start_seconds))


def _untimed(place: _Place, transcription: Transcription) -> tuple[Segment, ...]:
    """Text without times as one segment over all of the chunk's sound."""
    if not transcription.text:
        return ()
    return (
        Segment(
            start_seconds=place.sounding.start_seconds - place.span.start_seconds,
            stop_seconds=place.sounding.stop_seconds - place.span.start_seconds,
            text=transcription.text,
        ),
    )


def _cue(within: Span, segment: Segment, *, language: str | None, part: str) -> Cue | None:
    text = " ".join(segment.text.split())
    if not text:
        return None
    start = min(segment.start_seconds, within.duration_seconds)
    stop = min(max(segment.stop_seconds, start), within.duration_seconds)
    return Cue(
        start_seconds=round(within.start_seconds + start, 3),
        stop_seconds=round(within.start_seconds + stop, 3),
        text=text,
        speaker=f"{segment.speaker}{part}" if segment.speaker else None,
        source="speech",
        language=language,
    )
