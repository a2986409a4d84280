"""What the offline model takes for text, against what is written: precision and recall by threshold, and what
a glance misses.

    python benchmarks/reading.py [--pictures 120] [--seed 100] [--film FILE --truth FILE] [--every 0.5]

Half of the drawn pictures hold one text of 12 to 48 px, plain, outlined or half faded, over a texture; half
hold none. A film is read whole, as an index reads it; its truth is a file with one text a line, and every
other text found on it is a false one. A line counts as found when it reads as its text does
(`mrvideo.text.same_text`).
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mrvideo.models.offline.reading import engine
from mrvideo.models.offline.reading.clips import read_clip
from mrvideo.models.offline.reading.pictures import Picture
from mrvideo.records import Span
from mrvideo.text import same_text

SIZE = (854, 480)
WORDS = [
    "Harbour",
    "opening",
    "ticket",
    "seven",
    "STATION",
    "River",
    "winter",
    "Platform",
    "closed",
    "garden",
    "NORTH",
    "music",
]
SCORES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
CLIP_SECONDS = 10.0


@dataclass(frozen=True)
class Drawn:
    """A picture, and the text on it; "" where there is none."""

    jpeg: bytes
    text: str
    letter_pixels: int


def drawn(dice: np.random.Generator) -> Drawn:
    """One picture with or without text."""
    cells = int(dice.integers(6, 60))
    noise = dice.integers(20, 235, (cells, cells * 2, 3), dtype=np.uint8)
    sheet = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)
    text, size = "", int(dice.choice([12, 14, 16, 20, 28, 36, 48]))
    if dice.random() < 0.5:
        text = " ".join(dice.choice(WORDS, 3, replace=False))
        layer = Image.new("RGBA", SIZE)
        where = (int(dice.integers(10, 400)), int(dice.integers(10, 420)))
        fill = (255, 255, 255, int(dice.choice([255, 255, 160])))
        font = ImageFont.load_default(size)
        ImageDraw.Draw(layer).text(
            where, text, font=font, fill=fill, stroke_width=max(size // 14, 1), stroke_fill="black"
        )
        sheet = Image.alpha_composite(sheet.convert("RGBA"), layer).convert("RGB")
    held = io.BytesIO()
    sheet.save(held, "JPEG", quality=85)
    return Drawn(held.getvalue(), text, size)


def measure(pictures: list[Drawn]) -> None:
    """Lines by score, and glances, of drawn pictures."""
    kept, engine.LEAST_SCORE, engine.LEAST_SHORT_SCORE = engine.LEAST_SCORE, 0.0, 0.0
    read = [(one, engine.read_picture(one.jpeg)) for one in pictures]
    engine.LEAST_SCORE = kept
    written = [one for one in pictures if one.text]
    print(
        f"{len(pictures)} pictures, {len(written)} with text\n\n| least score | precision | recall |\n|---|---|---|"
    )
    for least in SCORES:
        lines = [(one, line) for one, found in read for line in found if line.text and line.score >= least]
        right = [(one, line) for one, line in lines if one.text and same_text(line.text, one.text)]
        hit = {id(one) for one, _ in right}
        told = f"{len(right) / len(lines):.3f}" if lines else "-"
        print(f"| {least} | {told} | {len(hit) / len(written):.3f} |")
    glances = [(one, engine.glance(Picture(one.jpeg, 0.0).pixels) is not None) for one in pictures]
    missed = sorted(one.letter_pixels for one, hint in glances if one.text and not hint)
    idle = [hint for one, hint in glances if not one.text]
    print(f"\na glance missed {len(missed)} of {len(written)} texts (letters of {missed} px)")
    print(f"and sent {sum(idle)} of {len(idle)} pictures without text to be searched")


def measure_film(path: Path, truth: list[str], every_seconds: float) -> None:
    """The sightings of a film, against the texts that stand on it."""
    found: list[str] = []
    clip: list[Picture] = []
    with av.open(str(path)) as container:
        due = 0.0
        for frame in container.decode(video=0):
            if frame.time is None or frame.time < due:
                continue
            due = frame.time + every_seconds
            if clip and frame.time >= clip[0].time_seconds + CLIP_SECONDS:
                found += _read(clip)
                clip = []
            held = io.BytesIO()
            frame.to_image().save(held, "JPEG", quality=85)
            clip.append(Picture(held.getvalue(), float(frame.time)))
    found += _read(clip) if clip else []
    texts = list(dict.fromkeys(found))
    right = [text for text in texts if any(same_text(text, true) for true in truth)]
    seen = [true for true in truth if any(same_text(text, true) for text in texts)]
    print(f"\n{path.name}: precision {len(right)}/{len(texts)}, recall {len(seen)}/{len(truth)}")
    print("not written there:", [text for text in texts if text not in right])
    print("not read:", [true for true in truth if true not in seen])


def _read(clip: list[Picture]) -> list[str]:
    span = Span(clip[0].time_seconds, clip[-1].time_seconds + 0.5)
    return [sighting.text for sighting in read_clip(clip, span).sightings]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--film", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between the frames of a film")
    given = parser.parse_args()
    dice = np.random.default_rng(given.seed)
    measure([drawn(dice) for _ in range(given.pictures)])
    if given.film and given.truth:
        measure_film(given.film, given.truth.read_text("utf-8").splitlines(), given.every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
