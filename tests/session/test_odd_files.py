"""Films that are not taken as they are: their index is right, and says how they were read."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mrvideo.media.looks import FrameSource
from mrvideo.records import Index, Notice
from mrvideo.session.indexing import index_video
from mrvideo.settings import Settings

RATE = 25
BLUE, RED = (32, 64, 208), (192, 32, 32)


def write(path: Path, colour: tuple[int, int, int], *, seconds: int = 6, streams: int = 1) -> Path:
    """One colour, with a stripe that moves over it and a strip of noise."""
    with av.open(str(path), "w") as output:
        made: list[Any] = []
        for size in [(160, 96), (320, 192)][:streams]:
            codec = "mpeg2video" if path.suffix == ".mpg" else "libx264"
            stream: Any = output.add_stream(codec, rate=RATE, options={"g": "25"})
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            made.append(stream)
        chance = np.random.default_rng(1)
        for number in range(RATE * seconds):
            for stream in made:
                wall = np.full((stream.height, stream.width, 3), colour, np.uint8)
                # Something that moves, and something that takes room in the file.
                wall[:4, number * 2 % 60 : number * 2 % 60 + 8] = 255
                wall[-16:] = chance.integers(0, 255, (16, stream.width, 1))
                frame: Any = av.VideoFrame.from_ndarray(wall, format="rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                output.mux(stream.encode(frame))
        for stream in made:
            output.mux(stream.encode(None))
    return path


def indexed(path: Path, library: Path) -> tuple[Index, list[str]]:
    notices: list[str] = []

    def told(event: object) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)

    return index_video(str(path), Settings(library=library), on_event=told), notices


def colour_at(path: Path, time_seconds: float) -> tuple[int, ...]:
    (frame,) = FrameSource(path).at([time_seconds])
    pixels = np.asarray(Image.open(io.BytesIO(frame.jpeg)).convert("RGB")).astype(int)
    return tuple(int(value) for value in pixels[pixels.shape[0] // 2, pixels.shape[1] // 2])


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["ts", "mpg"])
def test_a_joined_recording_is_captioned_to_its_end_and_its_evidence_agrees(tmp_path: Path, ending: str):
    """Dangerous: half of it was not there, nothing said so, and evidence for the first half came from the
    second.
    """
    parts = [write(tmp_path / f"{name}.{ending}", colour) for name, colour in (("one", BLUE), ("two", RED))]
    path = tmp_path / f"both.{ending}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    index, notices = indexed(path, tmp_path / "library.db")
    assert index.video.duration_seconds == pytest.approx(12.0, abs=0.25)
    assert index.failures == ()
    assert any(text.startswith(f"{path}: the recording's clock starts anew at 0:06.") for text in notices)
    assert index.scenes[0].start_seconds == 0.0
    assert index.scenes[-1].stop_seconds == index.video.duration_seconds
    for scene in index.scenes:
        middle = (scene.start_seconds + scene.stop_seconds) / 2
        if abs(middle - 6.0) > 1.0:
            seen = colour_at(path, middle)
            assert seen == pytest.approx(BLUE if middle < 6.0 else RED, abs=12)
    captions = {scene.start_seconds: scene.detailed.lower() for scene in index.scenes}
    assert any("blue" in text for text in captions.values())
    assert any("red" in text for start, text in captions.items())
    assert colour_at(path, 0.5) == pytest.approx(BLUE, abs=12)
    assert colour_at(path, 11.0) == pytest.approx(RED, abs=12)


@pytest.mark.slow
def test_of_two_video_streams_it_is_told_which_one_is_read(tmp_path: Path):
    path = write(tmp_path / "two.mp4", BLUE, streams=2)
    _, notices = indexed(path, tmp_path / "library.db")
    assert (
        f"{path}: 2 video streams: stream 0 (h264, 160×96) is read, not stream 1 (h264, 320×192)" in notices
    )


def test_an_animated_picture_is_indexed(tmp_path: Path):
    path = tmp_path / "red.png"
    pictures = [Image.new("RGB", (96, 64), RED) for _ in range(6)]
    for number, picture in enumerate(pictures):
        picture.paste((255, 255, 255), (number * 8, 0, number * 8 + 8, 8))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=500)
    index, _ = indexed(path, tmp_path / "library.db")
    assert index.video.duration_seconds == pytest.approx(3.0, abs=0.01)
    assert any("red" in scene.detailed.lower() for scene in index.scenes)
