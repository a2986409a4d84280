"""One generated film: shots with writing in them and cues beside it; where each word stands; the files it
becomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
import numpy as np
from PIL import Image, ImageChops, ImageDraw

from mrvideo.evals.offline.lettering import Words
from mrvideo.records import Span

FRAMES_PER_SECOND = 5
SIZE = (640, 360)
_SAMPLE_RATE = 16_000

Pen: TypeAlias = ImageDraw.ImageDraw
Backdrop: TypeAlias = Callable[[Pen], None]
Moves: TypeAlias = Callable[[Pen, float], None]
"""Draws what moves, at so many seconds of the shot."""
TimedText: TypeAlias = tuple[float, float, str]
"""A cue: start and stop in seconds, and its text; `\\n` parts its lines."""


@dataclass(frozen=True)
class Planted:
    """Words that can be read or heard in the film, and when. A mark (logo, watermark) stands there all the
    time.
    """

    text: str
    span: Span
    mark: bool = False
    cue: bool = False


@dataclass(frozen=True)
class Shot:
    """What lies between two cuts. The backdrop is drawn once, what moves over it for each frame, the writing
    on top.
    """

    seconds: float
    backdrop: Backdrop
    words: tuple[Words, ...] = ()
    moves: Moves | None = None
    hand_held: bool = False


@dataclass(frozen=True)
class Film:
    """A film to be generated. Raises `ValueError` for a time that does not lie on a frame, or a cue past the
    end.
    """

    name: str
    shots: tuple[Shot, ...]
    cues: tuple[TimedText, ...] = ()
    marks: tuple[Words, ...] = ()
    hum: bool = False

    def __post_init__(self) -> None:
        times = [shot.seconds for shot in self.shots]
        times += [t for words in self._every_words() for t in words.when or ()]
        off = [t for t in times if abs(t * FRAMES_PER_SECOND - round(t * FRAMES_PER_SECOND)) > 1e-6]
        if off:
            raise ValueError(f"{self.name}: {off[0]} s does not lie on a frame")
        late = [
            w.text for shot in self.shots for w in shot.words if w.when and w.when[1] > shot.seconds + 1e-6
        ]
        late += [text for start, stop, text in self.cues if not 0 <= start < stop <= self.duration_seconds]
        if late:
            raise ValueError(f"{self.name}: {late[0]!r} stands outside its shot or film")

    def _every_words(self) -> list[Words]:
        return [*self.marks, *(words for shot in self.shots for words in shot.words)]

    @property
    def duration_seconds(self) -> float:
        """Of all shots."""
        return round(sum(shot.seconds for shot in self.shots), 3)

    @property
    def starts_seconds(self) -> tuple[float, ...]:
        """When each shot begins."""
        return tuple(round(t, 3) for t in accumulate((shot.seconds for shot in self.shots[:-1]), initial=0.0))

    def planted(self) -> tuple[Planted, ...]:
        """Every text and cue with its span, in the order of their starts."""
        found = [
            Planted(w.said, Span(*(w.when or (0.0, self.duration_seconds))), mark=True) for w in self.marks
        ]
        for begin, shot in zip(self.starts_seconds, self.shots, strict=True):
            for words in shot.words:
                start, stop = words.when or (0.0, shot.seconds)
                found.append(Planted(words.said, Span(round(begin + start, 3), round(begin + stop, 3))))
        found += [Planted(text.replace("\n", " "), Span(a, b), cue=True) for a, b, text in self.cues]
        return tuple(sorted(found, key=lambda p: (p.span.start_seconds, p.span.stop_seconds)))

    def frames(self) -> Iterator[Image.Image]:
        """All pictures in order."""
        for begin, shot in zip(self.starts_seconds, self.shots, strict=True):
            still = Image.new("RGB", SIZE)
            shot.backdrop(ImageDraw.Draw(still))
            for number in range(round(shot.seconds * FRAMES_PER_SECOND)):
                now = number / FRAMES_PER_SECOND
                yield self._frame(shot, still, now, begin + now)

    def _frame(self, shot: Shot, still: Image.Image, now: float, of_film: float) -> Image.Image:
        picture = still.copy()
        if shot.moves is not None:
            shot.moves(ImageDraw.Draw(picture), now)
        for words in shot.words:
            if words.stands_at(now):
                words.put(picture, now)
        if shot.hand_held:
            picture = ImageChops.offset(picture, *shake(now))
        for mark in self.marks:
            if mark.stands_at(of_film):
                mark.put(picture, of_film)
        return picture

    def write(self, folder: Path) -> Path:
        """NAME.mp4 and, where there are cues, NAME.srt. The same libraries give the same bytes. Returns the
        film.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.mp4"
        if self.cues:
            (folder / f"{self.name}.srt").write_text(self.subtitles(), encoding="utf-8")
        partial = folder / f".{self.name}.partial.mp4"
        container: Any = av.open(str(partial), "w", format="mp4", options={"fflags": "+bitexact"})
        with container:
            self._encode(container)
        partial.replace(path)
        return path

    def subtitles(self) -> str:
        """The cues as SubRip, markup and all."""
        blocks = [
            f"{number}\n{_stamp(start)} --> {_stamp(stop)}\n{text}\n"
            for number, (start, stop, text) in enumerate(self.cues, start=1)
        ]
        return "\n".join(blocks)

    def _encode(self, container: Any) -> None:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        # One thread: the same bytes on every machine.
        video.options = {"crf": "22", "preset": "veryfast", "threads": "1", "g": "50", "flags": "+bitexact"}
        audio = container.add_stream("aac", rate=_SAMPLE_RATE, layout="mono") if self.hum else None
        make_frame = cast("Any", av.VideoFrame).from_image
        for number, picture in enumerate(self.frames()):
            frame = make_frame(picture)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            audio.bit_rate = 32_000
            for block in _hum(self.duration_seconds):
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))


def shake(seconds: float) -> tuple[int, int]:
    """How far a camera held in the hand has moved, in pixels to the right and down."""
    return round(2.4 * np.sin(1.9 * seconds)), round(1.6 * np.sin(2.7 * seconds + 1))


def _stamp(seconds: float) -> str:
    millis = round(seconds * 1000)
    return (
        f"{millis // 3_600_000:02d}:{millis // 60_000 % 60:02d}:{millis // 1000 % 60:02d},{millis % 1000:03d}"
    )


def _hum(duration_seconds: float) -> Iterator[Any]:
    """The sound of a hall, in blocks of 1024 samples: a low tone that swells, over noise. Nobody speaks."""
    noise = np.random.Generator(np.random.PCG64(11))
    for first in range(0, round(duration_seconds * _SAMPLE_RATE) - 1023, 1024):
        time = (first + np.arange(1024)) / _SAMPLE_RATE
        tone = 0.05 * np.sin(2 * np.pi * 110 * time) * (1 + np.sin(time / 3))
        samples = (tone + 0.01 * noise.standard_normal(1024)).astype(np.float32)
        block: Any = cast("Any", av.AudioFrame).from_ndarray(samples[None], format="fltp", layout="mono")
        block.sample_rate, block.pts = _SAMPLE_RATE, first
        yield block
