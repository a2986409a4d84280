"""Clips are the film of those times: every picture is looked at by its number, and sound by when a beep is
heard.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from mrvideo.errors import DecodeError, InputError, VideoError
from mrvideo.media import open_video
from mrvideo.media.audio import SAMPLE_RATE, Sound, read_sound
from mrvideo.media.cutting import cut_clip, cut_gif, join_clips, writer
from mrvideo.media.edit_lists import edit_list
from mrvideo.media.images import frame_of
from mrvideo.media.options import ReadOptions
from mrvideo.records import Frame, Span, VideoInfo

Maker = Callable[..., Any]
Number = Callable[[Frame], "int | None"]
FRAME = 0.04

KINDS = [
    "25fps.mp4", "ntsc.mp4", "vfr.mp4", "vfr.mkv", "open_gop.ts", "one_gop.mp4", "h264.mkv", "h264.ts", "hevc.ts", "hevc_10bit.mkv",
    "vp9.webm", "vp8.webm", "mpeg2_with_sound.mpg", "mpeg4_b_frames.avi", "fragmented.mp4", "odd_size.mp4", "wide_pixels.mp4",
    "turned_90.mp4", "turned_270.mp4", "late_start.mp4", "late_start.ts", "late_start.mkv", "edit_list.mp4", "two_streams.mp4",
    "joined_with_sound.ts",
]  # fmt: skip


def shown_in(path: Path, times: list[float], number_in: Number) -> list[int | None]:
    with open_video(path) as video:
        return [number_in(frame) for _, frame in video.read_at(times)]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_clip_shows_the_pictures_of_those_times(
    name: str, film_maker: Maker, films: dict[str, Any], number_in: Number, tmp_path: Path
) -> None:
    """A clip that is a picture off, or torn after a key frame that was none, would prove what was not there."""
    film = film_maker(name, **films.get(name, {}))
    for start, stop in ((0.0, 0.6), (0.52, 1.31), (1.2, 2.4)):
        target = tmp_path / f"{start}.mp4"
        cut_clip(str(film.path), Span(start, stop), target)
        middles = [t for t in film.middles_seconds if start < t < stop]
        assert shown_in(target, [t - start for t in middles], number_in) == [
            film.number_at(t) for t in middles
        ]
        ends = [0.0, stop - start - 0.003]
        assert shown_in(target, ends, number_in) == [film.number_at(start), film.number_at(stop - 0.003)]
        with open_video(target) as clip, open_video(film.path) as whole:
            assert clip.info.duration_seconds == pytest.approx(stop - start, abs=FRAME / 2)
            assert abs(clip.info.width - whole.info.width) <= 2
            assert clip.info.has_audio == whole.info.has_audio


def test_pictures_are_copied_where_a_key_frame_and_the_end_allow(
    film_maker: Maker, films: dict[str, Any], tmp_path: Path
) -> None:
    film = film_maker("25fps.mp4", **films["25fps.mp4"])  # Key frames at 0, 1.2 and 2.4 s.
    assert cut_clip(str(film.path), Span(1.2, 2.4), tmp_path / "copy.mp4")
    with av.open(str(film.path)) as before, av.open(str(tmp_path / "copy.mp4")) as after:
        source, copied = ([bytes(p) for p in c.demux(c.streams.video[0]) if p.size] for c in (before, after))
    assert copied == source[30:60]
    # Elsewhere a picture before the stop may lean on one after it, which comes first in the file.
    with av.open(str(film.path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size][30:60]
    ends = [1.76, 1.8, 1.84, 1.88, 1.92]
    before = [[float(p.pts * p.time_base) < end - 1e-6 for p in packets] for end in ends]  # type: ignore[operator]
    expected = [shown == sorted(shown, reverse=True) for shown in before]
    assert len(set(expected)) == 2
    for end, copies in zip(ends, expected, strict=True):
        assert cut_clip(str(film.path), Span(1.2, end), tmp_path / f"{end}.mp4") == copies
    assert not cut_clip(str(film.path), Span(1.24, 2.4), tmp_path / "start.mp4")


def test_a_key_frame_that_leans_on_what_was_before_is_not_copied(
    film_maker: Maker, number_in: Number, tmp_path: Path
) -> None:
    """Transport streams mark the pictures of an intra refresh as key frames: copied from there, half of each
    would be missing.
    """
    film = film_maker("refreshed.ts", options={"intra-refresh": "1", "g": "25", "bf": "0"})
    assert not cut_clip(str(film.path), Span(1.0, 2.0), tmp_path / "clip.mp4")
    assert shown_in(tmp_path / "clip.mp4", [0.0], number_in) == [25]


def test_key_frames_ten_seconds_apart(film_maker: Maker, number_in: Number, tmp_path: Path) -> None:
    film = film_maker("sparse_keys.mp4", count=500, options={"bf": "2", "g": "250", "sc_threshold": "0"})
    assert not cut_clip(str(film.path), Span(9.0, 10.8), tmp_path / "across.mp4")
    assert shown_in(tmp_path / "across.mp4", [0.0, 1.0, 1.79], number_in) == [225, 250, 269]
    assert cut_clip(str(film.path), Span(10.0, 20.0), tmp_path / "whole.mp4")
    assert shown_in(tmp_path / "whole.mp4", [0.0, 9.99], number_in) == [250, 499]


def test_a_picture_that_stays_long_is_cut_to_the_span(
    film_maker: Maker, number_in: Number, tmp_path: Path
) -> None:
    film = film_maker(
        "slides.mp4", ticks=[0, 5000, 12000, 13000], time_base=Fraction(1, 1000), options={"bf": "2"}
    )
    assert not cut_clip(str(film.path), Span(3.0, 7.5), tmp_path / "clip.mp4")
    assert shown_in(tmp_path / "clip.mp4", [0.0, 1.98, 2.02, 4.49], number_in) == [0, 0, 1, 1]
    with open_video(tmp_path / "clip.mp4") as clip:
        assert clip.info.duration_seconds == pytest.approx(4.5, abs=0.01)


def flashing_film(
    path: Path, *, flash_seconds: list[float], seconds: int = 8, sound_from: float = 0.0, first: float = 0.0,
    codec: str = "aac", gop: int = 50,
) -> Path:  # fmt: skip
    """Black, with a white flash and a beep of 200 ms at each of the times; the sound track begins at
    `sound_from`.
    """
    rate = 48_000
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream(
            "libx264", rate=25, options={"bf": "2", "g": str(gop), "sc_threshold": "0"}
        )
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tone: Any = output.add_stream(codec, rate=rate, layout="mono")
        for number in range(25 * seconds):
            light = any(at - 1e-6 <= number / 25 < at + 0.2 - 1e-6 for at in flash_seconds)
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 235 * light, np.uint8), format="rgb24")
            picture.pts, picture.time_base = number + round(first * 25), Fraction(1, 25)
            output.mux(video.encode(picture))
        output.mux(video.encode(None))
        at = np.arange(round(sound_from * rate), seconds * rate)
        loud = np.zeros(len(at), bool)
        for flash in flash_seconds:
            loud |= (at >= flash * rate) & (at < (flash + 0.2) * rate)
        wave = (np.sin(at * 2 * np.pi * 1000 / rate) * loud * 12_000).astype(np.int16)[None]
        for start in range(0, wave.shape[1], 1024):
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(wave[:, start : start + 1024]), format="s16", layout="mono"
            )
            block.sample_rate, block.time_base = rate, Fraction(1, rate)
            block.pts = start + round((sound_from + first) * rate)
            output.mux(tone.encode(block))
        output.mux(tone.encode(None))
    return path


def flashes_and_beeps(path: Path) -> tuple[list[float], list[float]]:
    """When the pictures turn white, and when the sound grows loud."""
    with open_video(path, ReadOptions(long_side_pixels=16)) as video:
        times = [i * 0.005 for i in range(int(video.info.duration_seconds / 0.005))]
        light = [
            (t, np.asarray(Image.open(_file(f)).convert("L")).mean() > 100) for t, f in video.read_at(times)
        ]
    flashes = [b[0] for a, b in pairwise([(-1.0, False), *light]) if b[1] and not a[1]]
    loud: list[tuple[float, bool]] = [(-1.0, False)]
    for sound in read_sound(path):
        assert isinstance(sound, Sound)
        size = SAMPLE_RATE // 200
        for i in range(0, len(sound.samples) - size + 1, size):
            level = np.abs(sound.samples[i : i + size].astype(float)).mean()
            loud.append((sound.start_seconds + i / SAMPLE_RATE, bool(level > 2000)))
    beeps = [b[0] for a, b in pairwise(loud) if b[1] and not a[1]]
    return flashes, beeps


def _file(frame: Frame) -> Any:
    return io.BytesIO(frame.jpeg)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("plain.mp4", {}),
        ("late_sound.mp4", {"sound_from": 2.5}),
        ("late_start.ts", {"first": 10.0}),
        ("sound.mkv", {"codec": "libopus", "sound_from": 1.0}),
        ("mp3.ts", {"codec": "libmp3lame"}),
    ],
)  # fmt: skip
def test_sound_stays_in_step(name: str, what: dict[str, Any], tmp_path: Path) -> None:
    film = flashing_film(tmp_path / name, flash_seconds=[1.0, 3.4, 5.0, 6.6], **what)
    for span in (Span(2.0, 4.0), Span(2.9, 5.73), Span(0.5, 7.0)):
        target = tmp_path / f"clip-{span.start_seconds}.mp4"
        copied = cut_clip(str(film), span, target)
        flashes, beeps = flashes_and_beeps(target)
        # Where the film has no sound yet, there is silence, and nothing moves up into its place.
        begins = what.get("sound_from", 0.0)
        due = [
            t - span.start_seconds
            for t in (1.0, 3.4, 5.0, 6.6)
            if span.start_seconds <= t < span.stop_seconds
        ]
        assert flashes == pytest.approx(due, abs=FRAME / 2), copied
        heard = [t for t in due if t + span.start_seconds >= begins]
        assert beeps == pytest.approx(heard, abs=0.025), copied
        with av.open(str(target)) as clip:
            for stream in clip.streams:
                assert float(stream.duration * stream.time_base) == pytest.approx(
                    span.duration_seconds, abs=FRAME
                )


def test_a_joined_film_has_the_spans_in_their_order_and_in_step(tmp_path: Path) -> None:
    film = flashing_film(tmp_path / "film.mp4", flash_seconds=[1.0, 3.4, 5.0, 6.6])
    spans = [Span(4.7, 5.51), Span(0.73, 1.4), Span(6.0, 7.33), Span(3.013, 3.7)]
    join_clips(str(film), spans, tmp_path / "joined.mp4")
    flashes, beeps = flashes_and_beeps(tmp_path / "joined.mp4")
    begins = [0.0, 0.81, 1.48, 2.81]
    due = [
        at + t - span.start_seconds for at, span, t in zip(begins, spans, [5.0, 1.0, 6.6, 3.4], strict=True)
    ]
    assert flashes == pytest.approx(due, abs=FRAME / 2)
    assert beeps == pytest.approx(due, abs=0.025)


def test_a_film_without_sound_gives_a_clip_without(
    film_maker: Maker, films: dict[str, Any], tmp_path: Path
) -> None:
    film = film_maker("h264.mkv", **films["h264.mkv"])
    cut_clip(str(film.path), Span(0.5, 1.0), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert [stream.type for stream in clip.streams] == ["video"]


def test_nothing_is_replaced_and_nothing_half_written_is_left(
    plain_film: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "clip.mp4"
    target.write_text("kept")
    with pytest.raises(InputError, match="exists already"):
        cut_clip(str(plain_film.path), Span(0.5, 1.0), target)
    assert target.read_text() == "kept"
    cut_clip(str(plain_film.path), Span(0.5, 1.0), target, overwrite=True)
    assert target.stat().st_size > 500
    target.unlink()

    written: list[int] = []
    write = writer.Writer.write

    def interrupted(self: Any, *arguments: Any) -> None:
        write(self, *arguments)
        written.append(1)
        if len(written) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(writer.Writer, "write", interrupted)
    for cut in (
        lambda: cut_clip(str(plain_film.path), Span(0.5, 1.0), target),
        lambda: join_clips(str(plain_film.path), [Span(0.5, 1.0)], target),
    ):
        written.clear()
        with pytest.raises(KeyboardInterrupt):
            cut()
        assert written and list(tmp_path.iterdir()) == []


def test_pictures_that_cannot_be_encoded_are_one_line(
    plain_film: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_AS_THEY_ARE", {"yuv420p": "none_such"})
    monkeypatch.setattr(writer, "_OPTIONS", {"none_such": {}})
    with pytest.raises(VideoError, match="no encoder none_such"):
        cut_clip(str(plain_film.path), Span(0.5, 1.0), tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_span_that_is_damaged_is_refused_and_others_are_cut(
    film_maker: Maker, number_in: Number, tmp_path: Path
) -> None:
    film = film_maker("to_damage.mp4", count=150, options={"bf": "0", "g": "25", "sc_threshold": "0"})
    data = bytearray(film.path.read_bytes())
    with av.open(str(film.path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
    noise = random.Random(3)
    for packet in packets[80:85]:
        assert packet.pos is not None
        for at in range(packet.pos + 5, packet.pos + packet.size):
            data[at] = noise.randrange(256)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with pytest.raises(DecodeError, match=r"broken\.mp4 at 0:03\.2.*cut before or after it"):
        cut_clip(str(broken), Span(2.5, 5.3), tmp_path / "clip.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["broken.mp4"]
    cut_clip(str(broken), Span(4.1, 5.3), tmp_path / "after.mp4")
    assert shown_in(tmp_path / "after.mp4", [0.0, 1.19], number_in) == [102, 132]


def test_a_film_that_breaks_off_within_the_span_is_refused(film_maker: Maker, tmp_path: Path) -> None:
    film = film_maker("to_cut.mkv", count=250, options={"bf": "2", "g": "25", "sc_threshold": "0"})
    short = tmp_path / "short.mkv"
    short.write_bytes(film.path.read_bytes()[: film.path.stat().st_size // 2])
    with pytest.raises(DecodeError, match="breaks off at"):
        cut_clip(str(short), Span(1.0, 9.5), tmp_path / "clip.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["short.mkv"]


@pytest.mark.slow
def test_a_gif_is_bounded_and_keeps_its_speed(film_maker: Maker, number_in: Number, tmp_path: Path) -> None:
    wide = film_maker("wide.mp4", size=(640, 384))
    long = film_maker("long.mp4", count=1000, options={"g": "250", "preset": "ultrafast"})
    cut_gif(str(wide.path), Span(1.0, 2.5), tmp_path / "wide.gif")
    cut_gif(str(long.path), Span(0.0, 36.0), tmp_path / "long.gif")
    for name, count, size, seconds, last in (
        ("wide", 15, (480, 288), 1.5, 60),
        ("long", 300, (160, 96), 36.0, 897),
    ):
        with Image.open(tmp_path / f"{name}.gif") as gif:
            frames: Any = gif
            assert (frames.n_frames, frames.size) == (count, size)
            stays = []
            for place in range(count):
                frames.seek(place)
                stays.append(frames.info["duration"])
            assert sum(stays) == round(seconds * 1000)
            assert number_in(frame_of(frames.convert("RGB"), 0.0)) == last


VIDEO = {
    "digest": "0" * 64, "duration_seconds": 4000.0, "width": 64, "height": 48, "codec": "h264", "size_bytes": 1,
}  # fmt: skip


@pytest.fixture
def told() -> Iterator[VideoInfo]:
    yield VideoInfo(path="/films/my talk.mp4", frames_per_second=30000 / 1001, has_audio=True, **VIDEO)


SPANS = [Span(10.01, 20.02), Span(3603.6, 3605.602)]


def test_an_edl_counts_frames(told: VideoInfo) -> None:
    """At 29.97 frames a second, time codes without drops run slower than the clock: an hour's frame 108,000
    is at 3603.6 s.
    """
    assert edit_list(told, SPANS, "edl") == (
        "TITLE: my talk.mp4\n"
        "FCM: NON-DROP FRAME\n"
        "\n"
        "001  AX       B     C        00:00:10:00 00:00:20:00 00:00:00:00 00:00:10:00\n"
        "* FROM CLIP NAME: my talk.mp4\n"
        "002  AX       B     C        01:00:00:00 01:00:02:00 00:00:10:00 00:00:12:00\n"
        "* FROM CLIP NAME: my talk.mp4\n"
    )


def test_a_timeline_has_a_clip_for_each_span_and_track(told: VideoInfo) -> None:
    timeline = json.loads(edit_list(told, SPANS, "otio"))
    assert timeline["OTIO_SCHEMA"] == "Timeline.1"
    assert [track["kind"] for track in timeline["tracks"]["children"]] == ["Video", "Audio"]
    for track in timeline["tracks"]["children"]:
        ranges = [clip["source_range"] for clip in track["children"]]
        assert [(r["start_time"]["value"], r["duration"]["value"]) for r in ranges] == [
            (300.0, 300.0),
            (108000.0, 60.0),
        ]
        reference = track["children"][0]["media_references"]["DEFAULT_MEDIA"]
        assert reference["target_url"] == "file:///films/my%20talk.mp4"
        assert reference["available_range"]["duration"]["value"] == round(4000 * 30000 / 1001)


def test_a_losslesscut_project_has_seconds(told: VideoInfo) -> None:
    project = json.loads(edit_list(told, SPANS, "llc"))
    assert (project["version"], project["mediaFileName"]) == (2, "my talk.mp4")
    assert [(s["start"], s["end"]) for s in project["cutSegments"]] == [(10.01, 20.02), (3603.6, 3605.602)]
