"""Broken and hostile input ends soon, in a typed error of one line or in frames plus what was lost."""

from __future__ import annotations

import random
import re
import struct
import time
import zlib
from pathlib import Path

import pytest
from support.films import frames_of

from mrvideo.errors import DecodeError, NoVideoStream, VideoError
from mrvideo.media import open_video
from mrvideo.media.identity import probe
from mrvideo.media.options import ReadOptions

ENOUGH_SECONDS = 10.0
TEXT = "Notes of the meeting\n- buy milk\n"


def refused(path: Path, kind: type[VideoError] = VideoError, **what) -> str:
    """The message with which the path is refused, checked to be one line that names the path."""
    with pytest.raises(kind) as caught:
        probe(path, **what)
    message = str(caught.value)
    assert "\n" not in message
    assert Path(path).name in message
    return message


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 14))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.mp4", TEXT.encode(), "its content is text"),
        ("utf16.mp4", TEXT.encode("utf-16"), "its content is text"),
        ("page.mp4", b"<!DOCTYPE html><html><body>404</body></html>", "its content is a web page"),
        ("empty.mp4", b"", "is empty"),
        ("zeros.mp4", bytes(100_000), "begins with zeros"),
        ("paper.mp4", b"%PDF-1.7\n" + bytes(range(256)), "PDF"),
        ("archive.mp4", b"PK\x03\x04" + bytes(100), "ZIP"),
        ("photo.mp4", png(), "still picture"),
        ("photo.avif", b"\0\0\0\x1cftypavif" + bytes(100), "still picture"),
        ("noise.mp4", random.Random(1).randbytes(50_000), "cannot be decoded"),
    ],
)
def test_what_is_no_video_is_told_apart(tmp_path: Path, name: str, content: bytes, says: str):
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path / name)
    assert says in message
    assert re.search(r"; (give|copy|fetch|download|check|name)", message), "no way out in the message"


def test_a_missing_path_and_a_folder(tmp_path: Path):
    assert "does not exist" in refused(tmp_path / "nowhere.mp4")
    assert "is a folder" in refused(tmp_path)


def test_sound_alone_is_not_a_video(tmp_path: Path, silent_track):
    assert "sound only" in refused(silent_track(tmp_path / "song.m4a"), NoVideoStream)
    assert "sound only" in refused(silent_track(tmp_path / "song.mp3", codec="mp3"), NoVideoStream)


def test_a_cover_picture_is_not_a_video(tmp_path: Path, silent_track):
    assert "cover picture" in refused(silent_track(tmp_path / "album.m4a", cover=True), NoVideoStream)


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{film}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{film}'\n",
        "# a list\nfile '{film}'\n",
        '<?xml version="1.0"?><MPD><BaseURL>{film}</BaseURL></MPD>',
        "[playlist]\nFile1={film}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_a_playlist_opens_nothing_it_names(tmp_path: Path, plain_film, content: str):
    """Dangerous: whoever sends a 'video' could have any local file read, or any address asked."""
    for name in ("list.mp4", "list.m3u8", "list.ffconcat"):
        path = tmp_path / name
        path.write_text(content.format(film=plain_film.path))
        assert re.search(r"playlist|text", refused(path))


def test_the_decoder_itself_refuses_playlists_behind_binary_noise(tmp_path: Path, plain_film):
    """Were the first look fooled, the container layer still knows no playlist format."""
    from mrvideo.media import containers

    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{plain_film.path}\n#EXT-X-ENDLIST\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(containers.sources, "check_file", lambda path: 1)
        with pytest.raises(VideoError):
            containers.open_container(str(path))


@pytest.mark.parametrize(
    "url", ["http://localhost:1/a.mp4", "https://x.test/a.mp4", "s3://b/a.mp4", "rtsp://x/a"]
)
def test_addresses_need_permission(url: str):
    with pytest.raises(VideoError, match="--allow-url"):
        open_video(url)


@pytest.mark.parametrize(
    "url",
    ["ftp://x.test/a.mp4", "concat://a|b", "file:///etc/passwd", "rtsp://x/a", "subfile://a", "data://x"],
)
def test_other_protocols_are_refused_even_with_permission(url: str):
    with pytest.raises(VideoError, match="not fetched"):
        open_video(url, ReadOptions(allow_url=True))


@pytest.mark.parametrize(
    "name", ["concat:a.mp4|b.mp4", "pipe:0", "cache:x.mp4", "crypto:x.mp4", "data:video/mp4,xx"]
)
def test_protocols_without_slashes_are_file_names(name: str):
    with pytest.raises(VideoError, match="does not exist"):
        open_video(name)


def test_a_file_whose_name_looks_like_a_protocol_opens(tmp_path: Path, plain_film, monkeypatch):
    (tmp_path / "concat:a.mp4").write_bytes(plain_film.path.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert probe("concat:a.mp4").width == 160


def test_a_recording_without_its_index(tmp_path: Path, plain_film):
    data = plain_film.path.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: data.index(b"moov") - 4])
    assert "moov" in refused(path, DecodeError)


def test_a_corrupt_index_is_an_error_not_an_empty_video(tmp_path: Path, plain_film):
    """Dangerous: PyAV opens such a file without a word and yields no frames."""
    data = bytearray(plain_film.path.read_bytes())
    at = data.index(b"moov")
    for kind in (b"stsz", b"stco", b"stsc", b"stts", b"avcC", b"stsd"):
        broken = bytearray(data)
        found = broken.index(kind, at)
        broken[found + 8 : found + 24] = b"\xff" * 16
        path = tmp_path / f"{kind.decode()}.mp4"
        path.write_bytes(broken)
        ends_in_time_and_tells(path)


@pytest.mark.parametrize("name", ["25fps.mp4", "h264.mkv", "h264.ts", "mpeg4.avi", "fragmented.mp4"])
def test_what_a_cut_takes_away_is_lost_not_silent(tmp_path: Path, film_maker, films, number_in, name: str):
    film = film_maker(name, **films[name])
    data = film.path.read_bytes()
    if name == "25fps.mp4":  # its index is at the end: move it before the pictures
        data = film_maker(
            "early_index.mp4", container_options={"movflags": "faststart"}, **films[name]
        ).path.read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * 6 // 10])
    with open_video(path) as video:
        got = dict(video.read_at(film.middles_seconds))
        lost = video.lost
        duration = video.info.duration_seconds
    assert all(number_in(frame) == film.number_at(time) for time, frame in got.items())
    assert len(got) > 20
    for asked in film.middles_seconds:
        assert asked in got or any(failure.span.contains(asked) for failure in lost)
    if name in ("25fps.mp4", "h264.mkv"):  # the others state no length: what is gone leaves no trace
        assert duration == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("name", ["hevc.ts", "h264.ts", "mpeg2.ts"])
def test_a_recording_that_begins_between_key_frames_begins_at_one(
    tmp_path: Path, film_maker, films, number_in, name
):
    """Dangerous: PyAV 15's decoder of HEVC painted grey what it lacked, and called that a picture."""
    data = film_maker(name, **films[name]).path.read_bytes()
    tables, from_packet = 3 * 188, len(data) // 188 // 5
    path = tmp_path / name
    path.write_bytes(data[:tables] + data[from_packet * 188 :])
    with open_video(path) as video:
        times = [i / 25 + 0.02 for i in range(int(video.info.duration_seconds * 25))]
        shown = [number_in(frame) for frame in frames_of(video, times)]
        assert shown[0]
        assert shown == list(range(shown[0], 75))
        assert not video.lost


def test_a_hole_in_the_middle_is_reported(tmp_path: Path, plain_film, number_in):
    data = bytearray(plain_film.path.read_bytes())
    at, end = data.index(b"mdat"), data.index(b"moov")
    middle = at + (end - at) * 5 // 10
    data[middle : middle + 800] = bytes(800)
    path = tmp_path / "hole.mp4"
    path.write_bytes(data)
    with open_video(path) as video:
        got = dict(video.read_at(plain_film.middles_seconds))
        lost = video.lost
    assert lost
    assert 0 < len(got) < len(plain_film.middles_seconds)
    assert all(number_in(frame) == plain_film.number_at(time) for time, frame in got.items())
    for asked in plain_film.middles_seconds:
        assert (asked in got) != any(failure.span.contains(asked) for failure in lost)


@pytest.mark.parametrize("side", [65535, 32768])
def test_an_absurd_size_is_refused_before_memory_is_asked_for(tmp_path: Path, film_maker, films, side: int):
    data = bytearray(film_maker("gif.gif", **films["gif.gif"]).path.read_bytes())
    data[6:10] = struct.pack("<HH", side, side)
    path = tmp_path / "huge.gif"
    path.write_bytes(data)
    ends_in_time_and_tells(path)


def test_a_claim_of_100000_pixels_square(tmp_path: Path, film_maker, films):
    """The size stands in Matroska's header; the stream's own is told to be read only later."""
    data = film_maker("vp8.webm", **films["vp8.webm"]).path.read_bytes()
    width, height = b"\xb0\x81\xa0", b"\xba\x81\x60"
    assert width in data
    assert height in data
    # An element may be any number of bytes long: make room by taking it from the void beside it.
    path = tmp_path / "huge.webm"
    path.write_bytes(data.replace(width, b"\xb0\x81\xff").replace(height, b"\xba\x81\xff"))
    ends_in_time_and_tells(path)


def test_a_claimed_length_of_centuries_is_not_believed(tmp_path: Path, plain_film):
    """Dangerous: it would be planned as millions of shards."""
    data = bytearray(plain_film.path.read_bytes())
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(kind) + 4
        data[at + (20 if kind == b"tkhd" else 16) :][:4]
        offset = at + (20 if kind == b"tkhd" else 16)
        data[offset : offset + 4] = b"\xff\xff\xff\xf0"
    path = tmp_path / "long.mp4"
    path.write_bytes(data)
    assert probe(path).duration_seconds < 60


def ends_in_time_and_tells(path: Path, times: list[float] | None = None) -> bool:
    """Opens and reads; True when frames came. What did not come is in `lost`."""
    started = time.monotonic()
    came = False
    try:
        with open_video(path) as video:
            times = times or [i * 0.3 for i in range(10)]
            got = dict(video.read_at(times))
            for asked in times:
                assert asked in got or any(failure.span.contains(asked) for failure in video.lost)
            came = bool(got)
    except VideoError as error:
        assert "\n" not in str(error)
    assert time.monotonic() - started < ENOUGH_SECONDS
    return came


def mutated(data: bytes, seed: int) -> bytes:
    """Bits flipped, a stretch zeroed or scrambled, or the end cut off."""
    chance = random.Random(seed)
    broken = bytearray(data)
    at = chance.randrange(len(broken))
    if seed % 4 == 0:
        for _ in range(chance.choice([1, 3, 10, 50])):
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    elif seed % 4 == 1:
        del broken[at + 1 :]
    elif seed % 4 == 2:
        length = min(chance.randrange(1, 2000), len(broken) - at)
        broken[at : at + length] = bytes(length)
    else:
        length = min(chance.randrange(1, 200), len(broken) - at)
        broken[at : at + length] = chance.randbytes(length)
    return bytes(broken)


MUTATED = [
    "25fps.mp4",
    "h264.mkv",
    "h264.ts",
    "hevc.mp4",
    "vp9.webm",
    "av1.mkv",
    "mpeg4.avi",
    "fragmented.mp4",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATED)
def test_a_thousand_mutations_end_in_an_error_or_in_frames_and_losses(
    tmp_path: Path, film_maker, films, name: str
):
    film = film_maker(f"short_{name}", **{**films[name], "count": 30, "sound": False})
    data = film.path.read_bytes()
    path = tmp_path / name
    came = 0
    for seed in range(1000 // len(MUTATED)):
        path.write_bytes(mutated(data, seed))
        came += ends_in_time_and_tells(path, [0.1, 0.5, 0.7, 1.1])
    assert came > 30
