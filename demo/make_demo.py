"""Draws, scores and subtitles the demo film: `python demo/make_demo.py` writes harbour.mp4 and harbour.srt
beside itself.

Everything is drawn by this script, so the film may be used for anything. The same libraries give the same
bytes.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from drawing import WIDTH
from PIL import Image, ImageDraw
from scenes import FILM, FilmScene

FRAMES_PER_SECOND = 25
SIZE = (640, 360)
SAMPLE_RATE = 22_050

LINES = (
    (1.2, 6.4, "This is Saltwick, a small harbour town, early in the morning."),
    (8.4, 12.6, "Mara wants to sail today. Her boat is called the Kittiwake."),
    (14.0, 19.8, "But the key of the boat is gone. It is not in her pocket."),
    (22.6, 26.4, "Mara: Good morning, Ben. Have you seen the key of my boat?"),
    (26.8, 31.0, "Ben: No, Mara. But Iris found a note. Ask her at the market."),
    (31.4, 35.0, "Mara: Thank you, Ben. Keep a bun for me."),
    (37.0, 41.4, "Iris: Hello, Mara. This note lay under my plums."),
    (41.9, 46.6, "Iris: I do not know who wrote it. Read it yourself."),
    (50.0, 55.6, "Mara reads the note twice, and then she understands."),
    (57.6, 62.4, "Mara: Come, Pip! The gulls sleep at the lighthouse."),
    (63.0, 67.2, "Pip the dog is faster than she is."),
    (69.4, 74.0, "The old lighthouse has been empty for eleven years."),
    (74.8, 79.4, "Nobody lives there but the gulls."),
    (81.4, 88.0, "Mara counts the steps. Pip waits at the door."),
    (91.6, 97.4, "From the top she can see the whole coast."),
    (100.2, 105.8, "Mara: There it is! A gull has carried my key into its nest."),
    (107.8, 113.2, "She must be quick, for the ferry leaves in five minutes and blocks the quay."),
    (115.6, 119.4, "Ben: You found it! Here is your bun, it is still warm."),
    (119.8, 123.8, "Mara: Thank you. I will bring you a mackerel tonight."),
    (126.4, 131.4, "The Kittiwake leaves the harbour, and Iris waves."),
    (132.0, 137.0, "Iris: Come back before the weather turns!"),
    (140.2, 145.6, "Radio: All boats, return to port. Gale force nine is expected."),
    (145.9, 148.6, "Mara: Then I turn round now."),
    (151.2, 156.4, "That evening all of them stand on the quay, and the storm stays out at sea."),
    (157.0, 161.4, "Ben: And where is my mackerel? Mara: Pip ate it."),
)


def starts() -> list[float]:
    """When each scene begins, in seconds."""
    times = [0.0]
    for scene in FILM:
        times.append(round(times[-1] + scene.duration_seconds, 3))
    return times


def picture(scene: FilmScene, still: Image.Image, seconds: float) -> Image.Image:
    """One frame of a scene, drawn large and scaled down so that edges are smooth."""
    sheet = still.copy()
    scene.moving(ImageDraw.Draw(sheet), seconds)
    return sheet.resize(SIZE, Image.Resampling.BOX, reducing_gap=None)


def pictures():
    """All frames in order. A scene with a dissolve fades in over the end of the one before it."""
    stills = [scene.still() for scene in FILM]
    begin = starts()
    for number in range(round(begin[-1] * FRAMES_PER_SECOND)):
        now = number / FRAMES_PER_SECOND
        index = max(i for i in range(len(FILM)) if begin[i] <= now + 1e-6)
        frame = picture(FILM[index], stills[index], now - begin[index])
        if index + 1 < len(FILM) and (fade := FILM[index + 1].dissolve_seconds):
            share = 1 - (begin[index + 1] - now) / fade
            if share > 0:
                coming = picture(FILM[index + 1], stills[index + 1], 0.0)
                frame = Image.blend(frame, coming, share)
        yield frame


def sound(duration_seconds: float) -> np.ndarray:
    """The sea, and a slow tune over it: float samples in [-1, 1], one channel."""
    count = round(duration_seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    noise = np.random.Generator(np.random.PCG64(7)).standard_normal(count)
    window = np.hanning(96)
    sea = np.convolve(noise, window / window.sum(), mode="same")
    sea *= 0.22 * (0.6 + 0.4 * np.sin(2 * np.pi * time / 6.3))
    tune = np.zeros(count)
    scale = (220.0, 246.9, 277.2, 329.6, 370.0, 440.0, 493.9)
    melody = (0, 2, 3, 5, 3, 2, 4, 3, 1, 0, 3, 5, 6, 5, 3, 2)
    for beat in range(int(duration_seconds / 0.8) - 2):
        if beat % 8 == 7:
            continue
        first = round(beat * 0.8 * SAMPLE_RATE)
        length = round(1.6 * SAMPLE_RATE)
        t = np.arange(length) / SAMPLE_RATE
        pitch = scale[melody[(beat + beat // 16) % 16]]
        note = (np.sin(2 * np.pi * pitch * t) + 0.3 * np.sin(4 * np.pi * pitch * t)) * np.exp(-3.2 * t)
        tune[first : first + length] += 0.11 * note[: count - first]
    fade = np.clip(np.minimum(time, duration_seconds - time) / 1.5, 0, 1)
    return ((sea + tune) * fade).clip(-1, 1).astype(np.float32)


def subtitles() -> str:
    """The lines as SubRip."""

    def stamp(seconds: float) -> str:
        millis = round(seconds * 1000)
        return f"{millis // 3_600_000:02d}:{millis // 60_000 % 60:02d}:{millis // 1000 % 60:02d},{millis % 1000:03d}"

    return "\n".join(
        f"{number}\n{stamp(start)} --> {stamp(stop)}\n{text}\n"
        for number, (start, stop, text) in enumerate(LINES, 1)
    )


def make(folder: Path) -> Path:
    """Write the film and its subtitles into `folder`; the film's path."""
    path = folder / "harbour.mp4"
    with av.open(str(path), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        # One thread: x264 gives the same bytes on every machine only then.
        video.options = {
            "crf": "27",
            "preset": "slow",
            "tune": "animation",
            "threads": "1",
            "g": "125",
            "flags": "+bitexact",
        }
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 28_000
        samples = sound(starts()[-1])
        written = 0
        for number, image in enumerate(pictures()):
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(video.encode(frame))
            upto = min(round((number + 1) / FRAMES_PER_SECOND * SAMPLE_RATE), len(samples))
            while written + 1024 <= upto:
                block = av.AudioFrame.from_ndarray(
                    samples[None, written : written + 1024], format="fltp", layout="mono"
                )
                block.sample_rate, block.pts = SAMPLE_RATE, written
                container.mux(audio.encode(block))
                written += 1024
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    (folder / "harbour.srt").write_text(subtitles(), encoding="utf-8")
    return path


if __name__ == "__main__":
    assert 2 * SIZE[0] == WIDTH
    made = make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
    print(f"{made}: {made.stat().st_size / 1e6:.2f} MB, {starts()[-1]:.1f} s")
