"""Animated PNG and WebP are videos; pictures that do not move are still refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from support.films import frames_of

from mrvideo.errors import DecodeError, NoVideoStream, VideoError
from mrvideo.media import open_video
from mrvideo.media.audio import read_sound
from mrvideo.media.identity import probe
from mrvideo.media.images import open_image
from mrvideo.media.subtitles import load_subtitles
from mrvideo.media.webp import Animation

LENGTHS_MS = [400, 40, 1000, 120, 40, 40, 700, 60]
STARTS_SECONDS = [sum(LENGTHS_MS[:i]) / 1000 for i in range(len(LENGTHS_MS))]
MIDDLES_SECONDS = [start + length / 2000 for start, length in zip(STARTS_SECONDS, LENGTHS_MS, strict=True)]


@pytest.fixture(scope="module", params=["png", "webp"])
def animation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, numbered) -> Path:
    """Numbered pictures of uneven lengths, 2.4 s in all."""
    if request.param == "webp" and not features.check("webp"):
        pytest.skip("this Pillow does not write WebP")
    path = tmp_path_factory.mktemp("animations") / f"film.{request.param}"
    what = {"lossless": True} if request.param == "webp" else {}
    save(path, [numbered(i) for i in range(len(LENGTHS_MS))], LENGTHS_MS, **what)
    return path


@pytest.fixture(scope="module")
def numbered(draw_number) -> Callable[[int], Image.Image]:
    return lambda number: Image.fromarray(draw_number(number))


def save(path: Path, images: list[Image.Image], lengths_ms: list[int], **what) -> None:
    images[0].save(path, save_all=True, append_images=images[1:], duration=lengths_ms, **what)


@pytest.mark.slow
def test_every_picture_comes_back_at_its_own_time(animation: Path, number_in):
    """Dangerous: it was taken for a still picture, and refused."""
    with open_video(animation) as video:
        frames = list(frames_of(video, MIDDLES_SECONDS))
        assert [number_in(frame) for frame in frames] == list(range(8))
        assert [frame.time_seconds for frame in frames] == pytest.approx(STARTS_SECONDS, abs=0.001)
        assert video.lost == ()


def test_times_in_any_order_and_a_pass_given_up(animation: Path, number_in):
    with open_video(animation) as video:
        next(iter(frames_of(video, MIDDLES_SECONDS)))
        for number in (6, 1, 7, 0, 4):
            (frame,) = frames_of(video, [MIDDLES_SECONDS[number]])
            assert number_in(frame) == number


def test_what_is_told_of_it(animation: Path):
    info = probe(animation)
    assert info.duration_seconds == pytest.approx(2.4, abs=0.001)
    assert (info.width, info.height) == (160, 96)
    assert info.size_bytes == animation.stat().st_size
    assert info.codec == {"png": "apng", "webp": "webp"}[animation.suffix[1:]]
    assert not info.has_audio


def test_other_rooms_find_nothing_to_read_in_it(animation: Path):
    assert list(read_sound(animation)) == []
    assert load_subtitles(animation).cues == ()


def test_transparency_is_white_as_on_a_page(tmp_path: Path):
    """Dangerous: black letters on what is transparent were black on black."""
    pictures = [Image.new("RGBA", (64, 48), (0, 0, 0, 0)) for _ in range(3)]
    for place, picture in enumerate(pictures):
        picture.paste((200, 0, 0, 255), (0, 16 * place, 64, 16 * place + 16))
    for name in ("stickers.png", "stickers.webp"):
        if name.endswith("webp") and not features.check("webp"):
            continue
        # Without key frames alone, the encoder leaves out that anything is transparent.
        what = {"kmin": 1, "kmax": 1} if name.endswith("webp") else {}
        save(tmp_path / name, pictures, [100, 100, 100], **what)
        with open_video(tmp_path / name) as video:
            (frame,) = frames_of(video, [0.15])
        pixels = np.asarray(open_image(frame)).astype(int)
        assert pixels[5, 30] == pytest.approx([255, 255, 255], abs=6), name
        assert pixels[24, 30] == pytest.approx([200, 0, 0], abs=12), name
        assert pixels[43, 30] == pytest.approx([255, 255, 255], abs=6), name


@pytest.mark.parametrize("name", ["still.png", "still.webp"])
def test_a_still_picture_is_still_refused(tmp_path: Path, numbered, name: str):
    if name.endswith("webp") and not features.check("webp"):
        pytest.skip("this Pillow does not write WebP")
    numbered(1).save(tmp_path / name)
    with pytest.raises(NoVideoStream, match="still picture"):
        open_video(tmp_path / name)


@pytest.fixture
def webp(tmp_path: Path, numbered) -> Path:
    if not features.check("webp"):
        pytest.skip("this Pillow does not write WebP")
    path = tmp_path / "film.webp"
    save(path, [numbered(i) for i in range(8)], LENGTHS_MS, lossless=True)
    return path


def test_what_a_cut_takes_away_is_lost_not_silent(webp: Path, number_in):
    data = webp.read_bytes()
    webp.write_bytes(data[: len(data) * 6 // 10])
    with open_video(webp) as video:
        got = dict(video.read_at(MIDDLES_SECONDS))
        assert len(got) >= 4
        assert video.info.duration_seconds == pytest.approx(STARTS_SECONDS[4], abs=0.001)
        for number, asked in enumerate(MIDDLES_SECONDS):
            if asked in got and asked < video.info.duration_seconds:
                assert number_in(got[asked]) == number
            elif asked not in got:
                assert any(failure.span.contains(asked) for failure in video.lost)


def test_a_picture_that_cannot_be_decoded_ends_in_an_error_or_a_loss(webp: Path):
    data = bytearray(webp.read_bytes())
    at = data.index(b"ANMF", data.index(b"ANMF") + 4) + 24
    data[at : at + 40] = b"\xff" * 40
    webp.write_bytes(data)
    try:
        with open_video(webp) as video:
            got = dict(video.read_at(MIDDLES_SECONDS))
            assert MIDDLES_SECONDS[7] not in got
            assert any(failure.span.contains(MIDDLES_SECONDS[7]) for failure in video.lost)
    except DecodeError as error:
        assert "no picture could be decoded from its webp stream" in str(error)


def test_an_absurd_size_is_refused_before_memory_is_asked_for(webp: Path):
    data = bytearray(webp.read_bytes())
    data[24:30] = b"\xff\xff\x00" * 2
    webp.write_bytes(data)
    with pytest.raises(VideoError, match="65536×65536"):
        open_video(webp)


def test_pictures_without_a_length_stand_as_long_as_in_a_browser(tmp_path: Path, numbered, number_in):
    if not features.check("webp"):
        pytest.skip("this Pillow does not write WebP")
    path = tmp_path / "film.webp"
    save(path, [numbered(i) for i in range(4)], [0, 10, 0, 0], lossless=True)
    with open_video(path) as video:
        assert video.info.duration_seconds == pytest.approx(0.4, abs=0.001)
        assert [number_in(frame) for frame in frames_of(video, [0.05, 0.15, 0.25, 0.35])] == [0, 1, 2, 3]


@pytest.mark.slow
def test_the_file_that_is_shown_reads_the_same_in_pieces_of_any_size(webp: Path):
    with Animation(str(webp), max_pixels=1 << 20) as whole:
        data = whole.read()
        assert whole.seek(0, 2) == len(data)
        for size in (1, 7, 4096, 61_447):
            if size == 1:
                whole.seek(len(data) - 50)
                assert b"".join(iter(lambda: whole.read(1), b"")) == data[-50:]
                continue
            whole.seek(0)
            assert b"".join(iter(lambda size=size: whole.read(size), b"")) == data
