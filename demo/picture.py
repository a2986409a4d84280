"""Draws the picture on the first page of the docs: the demo film's timeline, a question, its answer and the
evidence.

python demo/picture.py      writes docs/answer.jpg; indexes the film without a model when that was not done yet
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from drawing import font
from PIL import Image, ImageDraw

import mrvideo
from mrvideo.records import Answer, Evidence, clock

FILM = Path(__file__).resolve().parent / "harbour.mp4"
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "answer.jpg"
QUESTION = "What is written on the ferry's sign?"

WIDTH, HEIGHT, MARGIN = 1200, 470, 40
THUMBNAILS = 8
PAPER, INK, GREY = (255, 255, 255), (40, 44, 60), (120, 124, 138)
BLUES, AMBER = ((76, 120, 168), (114, 160, 208)), (228, 161, 27)


def draw(video: mrvideo.Video, answer: Answer) -> Image.Image:
    """The film from left to right, and below it what was asked, answered and cited."""
    sheet = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(sheet)
    length = video.info.duration_seconds
    inner = WIDTH - 2 * MARGIN

    def across(seconds: float) -> float:
        return MARGIN + inner * seconds / length

    top = MARGIN
    step = inner / THUMBNAILS
    times = [length * (i + 0.5) / THUMBNAILS for i in range(THUMBNAILS)]
    for i, frame in enumerate(video.frames(times, long_side_pixels=320)):
        thumbnail = Image.open(io.BytesIO(frame.jpeg)).resize((round(step) - 6, round(step * 9 / 16) - 3))
        sheet.paste(thumbnail, (round(MARGIN + step * i) + 3, top))
    top += round(step * 9 / 16) + 8
    for i, scene in enumerate(video.scenes):
        pen.rectangle(
            (across(scene.start_seconds), top, across(scene.stop_seconds) - 1, top + 22), BLUES[i % 2]
        )
    evidence = answer.evidence[0]
    left, right = across(evidence.start_seconds), across(evidence.stop_seconds)
    pen.rectangle((left, top - 4, max(right, left + 8), top + 26), AMBER)
    pen.text((MARGIN, top + 30), clock(0), GREY, font=font(16))
    pen.text((WIDTH - MARGIN, top + 30), clock(length), GREY, font=font(16), anchor="ra")
    _cite(sheet, pen, video, answer, evidence, top + 26, (left + right) / 2)
    return sheet


def _cite(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    video: mrvideo.Video,
    answer: Answer,
    evidence: Evidence,
    bar: int,
    middle: float,
) -> None:
    """The frame that is cited, joined to its place on the bar, beside the words."""
    (frame,) = video.frames([evidence.span.middle_seconds], long_side_pixels=640)
    cited = Image.open(io.BytesIO(frame.jpeg)).resize((400, 225))
    left, top = WIDTH - MARGIN - cited.width, HEIGHT - MARGIN - cited.height
    pen.line((middle, bar, middle, top), AMBER, width=3)
    sheet.paste(cited, (left, top))
    pen.rectangle((left - 2, top - 2, left + cited.width + 1, top + cited.height + 1), outline=AMBER, width=3)
    pen.text((MARGIN, top + 4), QUESTION, GREY, font=font(26))
    pen.text((MARGIN, top + 50), answer.told, INK, font=font(48), stroke_width=1)
    pen.text((MARGIN, top + 124), f"confidence {answer.confidence} of 5", GREY, font=font(20))
    # Pillow's own typeface has no such dash.
    span = str(evidence.span).replace("–", " - ")
    pen.text((MARGIN, top + 156), f"{span}   {evidence.source}:", INK, font=font(22))
    pen.text((MARGIN, top + 188), f"“{evidence.quote}”", INK, font=font(22))


def main() -> None:
    """Ask without a model, in a library that goes away, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        video = mrvideo.index(FILM, vision="offline", library=Path(folder) / "library.db")
        draw(video, video.ask(QUESTION, effort="high")).save(PICTURE, quality=85, optimize=True)


if __name__ == "__main__":
    main()
