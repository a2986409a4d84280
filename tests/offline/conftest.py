"""Small films for the offline model: pictures drawn with Pillow at the times asked, and indexes of known
texts.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from support.films import video_info

from mrvideo.agents.ask.run import ask
from mrvideo.models.base import Picture
from mrvideo.models.offline import OfflineModel
from mrvideo.records import Answer, Cue, Frame, Index, Scene, Sighting, Span


@dataclass
class Film:
    """Texts over a background; `jpeg(t)` is the picture on screen at a time."""

    duration_seconds: float
    background: str = "moving"
    size: tuple[int, int] = (480, 270)
    texts: list[tuple[str, float, float, tuple[int, int], int]] = field(default_factory=list)

    def text(
        self, words: str, start: float, stop: float, *, at: tuple[int, int] = (40, 120), size: int = 34
    ) -> Film:
        """Show words over [start, stop)."""
        self.texts.append((words, start, stop, at, size))
        return self

    def jpeg(self, seconds: float) -> bytes:
        """The picture at a time."""
        width, height = self.size
        if self.background == "moving":
            noise = np.random.default_rng(3).integers(40, 200, (12, 40, 3), dtype=np.uint8)
            sheet = Image.fromarray(noise).resize((width * 3, height), Image.Resampling.BICUBIC)
            left = int(seconds * 29) % (2 * width)
            sheet = sheet.crop((left, 0, left + width, height))
        else:
            sheet = Image.new("RGB", self.size, self.background)
        pen = ImageDraw.Draw(sheet)
        for words, start, stop, at, size in self.texts:
            if start <= seconds < stop:
                pen.text(
                    at,
                    words,
                    font=ImageFont.load_default(size),
                    fill="white",
                    stroke_width=2,
                    stroke_fill="black",
                )
        held = io.BytesIO()
        sheet.save(held, "JPEG", quality=85)
        return held.getvalue()

    def pictures(self, span: Span, frames_per_second: float = 2.0) -> tuple[Picture, ...]:
        """Frames of a span, labelled as requests label them."""
        count = round(span.duration_seconds * frames_per_second)
        times = [span.start_seconds + n / frames_per_second for n in range(count)]
        return tuple(Picture(f"{t:.2f} s", self.jpeg(t), t) for t in times)

    def at(self, times_seconds: Sequence[float]) -> list[Frame]:
        """As a source of fresh frames."""
        return [Frame(t, self.jpeg(t), *self.size) for t in times_seconds]


@pytest.fixture
def make_film() -> Callable[..., Film]:
    """Builds a film."""
    return Film


def index_of(
    texts: Sequence[tuple[str, float, float]], cues: Sequence[Cue] = (), duration_seconds: float = 600.0
) -> Index:
    """An index that holds these texts on screen, in scenes of ten seconds."""
    sightings = [Sighting(text=t, start_seconds=a, stop_seconds=b) for t, a, b in texts]
    scenes: list[Scene] = []
    for number in range(int(duration_seconds // 10)):
        span = Span(number * 10.0, number * 10.0 + 10.0)
        here = tuple(s for s in sightings if s.span.overlaps(span))
        caption = "The picture is mostly dark blue, with white. Nothing moves. No text on screen."
        scenes.append(
            Scene(
                start_seconds=span.start_seconds,
                stop_seconds=span.stop_seconds,
                index=number,
                brief="Still, mostly dark blue",
                detailed=caption,
                sightings=here,
            )
        )
    info = video_info(duration_seconds, width=480, height=270)
    return Index(key="known", video=info, scenes=tuple(scenes), cues=tuple(cues))


@pytest.fixture
def make_index() -> Callable[..., Index]:
    """Builds an index of known texts."""
    return index_of


@pytest.fixture
def asked() -> Callable[..., Awaitable[Answer]]:
    """Asks an index a question (with options) by captions and cues alone."""

    async def of(
        index: Index, question: str, options: Sequence[str] = (), *, must_choose: bool = False
    ) -> Answer:
        model = OfflineModel()
        return await ask(
            question,
            options=options,
            index=index,
            frames=None,
            vision=model,
            text=model,
            effort="low",
            must_choose=must_choose,
        )

    return of
