"""Videos at an address: one download each, and through an object store."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mrvideo.errors import VideoError
from mrvideo.media import open_video, remote
from mrvideo.media.audio import read_sound
from mrvideo.media.content import Content
from mrvideo.media.identity import digest_of, probe
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.subtitles.embedded import look_into

HERE = ReadOptions(allow_url=True, allow_private=True)
"""Servers of tests stand on loopback."""


class Server(http.server.ThreadingHTTPServer):
    """Serves one folder on loopback, with or without ranges, and remembers what was asked."""

    def __init__(self, folder: Path, *, ranges: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.ranges = folder, ranges
        self.asked: list[tuple[str, str | None]] = []

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.lstrip("/").partition("?")[0]
        asked = self.headers.get("Range")
        self.server.asked.append((name, asked))
        path = self.server.folder / name
        if name == "moved.mp4":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        first, last = 0, len(data) - 1
        if asked and self.server.ranges:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        else:
            self.send_response(200)
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        try:
            self.wfile.write(data[first : last + 1])
        except OSError:
            return  # The reader has seen enough.

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(params=[True, False], ids=["ranges", "no-ranges"])
def server(request: pytest.FixtureRequest, plain_film) -> Iterator[Server]:
    with Server(plain_film.path.parent, ranges=request.param) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_an_address_reads_like_a_file(server: Server, plain_film, number_in):
    url = server.address(plain_film.path.name)
    with open_video(url, HERE) as video:
        got = dict(video.read_at(plain_film.middles_seconds[::7]))
        assert video.info.duration_seconds == pytest.approx(3.0, abs=0.05)
    assert [number_in(frame) for frame in got.values()] == [plain_film.number_at(time) for time in got]
    assert len(got) == 11


def test_its_identity_is_its_content(server: Server, plain_film):
    url = server.address(plain_film.path.name)
    assert digest_of(url, allow_url=True, allow_private=True) == digest_of(plain_film.path)
    assert probe(url, HERE).digest == digest_of(plain_film.path)


def test_digest_and_frames_come_from_one_download(server: Server, plain_film, number_in):
    """Two would be two films on a server that changes its mind, each true to itself and evidence of nothing."""
    url = server.address(plain_film.path.name)
    info = probe(url, HERE)
    source = FrameSource(url, replace(HERE, content=Content(info.digest)))
    for time in (2.5, 0.5, 1.5):
        (frame,) = source.at([time])
        assert number_in(frame) == plain_film.number_at(time)
    assert server.asked == [(plain_film.path.name, None)]


def test_what_is_not_there_is_told_in_one_line(server: Server):
    with pytest.raises(VideoError, match="404") as caught:
        probe(server.address("gone.mp4?signature=secret"), HERE)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_playlist_at_an_address_opens_nothing(server: Server, plain_film):
    playlist = plain_film.path.with_name("list.mp4")
    playlist.write_text(f"#EXTM3U\n#EXTINF:3,\nfile://{plain_film.path}\n")
    with pytest.raises(VideoError, match="playlist"):
        probe(server.address("list.mp4"), HERE)
    assert {name for name, _ in server.asked} == {"list.mp4"}


def test_a_redirect_to_a_local_file_is_refused(server: Server):
    with pytest.raises(VideoError, match="is not allowed"):
        probe(server.address("moved.mp4"), HERE)


def test_nobody_there():
    with pytest.raises(VideoError, match="cannot be fetched"):
        probe("http://127.0.0.1:9/a.mp4", HERE)


def test_an_object_store_through_fsspec(plain_film, number_in, monkeypatch):
    """The store is a local one under s3's name: what is tested is the road, not Amazon."""
    fsspec = pytest.importorskip("fsspec")
    opened: list[str] = []

    def fake_open(url: str, mode: str):
        opened.append(url)
        return fsspec.open(f"file://{plain_film.path}", mode)

    class Fake:
        open = staticmethod(fake_open)

    monkeypatch.setattr(remote, "import_module", lambda name: Fake)
    url = "s3://bucket/film.mp4"
    info = probe(url, HERE)
    assert info.digest == digest_of(plain_film.path)
    (frame,) = FrameSource(url, HERE).at([2.5])
    assert number_in(frame) == plain_film.number_at(2.5)
    assert set(opened) == {url}


def test_an_object_store_needs_its_package(monkeypatch):
    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(remote, "import_module", missing)
    with pytest.raises(VideoError, match=r"mrvideo\[url\]"):
        open_video("s3://bucket/other.mp4", HERE)


@pytest.fixture
def joined_server(film_maker) -> Iterator[Server]:
    with Server(film_maker("joined_with_sound.ts").path.parent, ranges=True) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["joined_with_sound.ts", "joined_with_sound.mpg", "joined.flv"])
def test_a_joined_recording_at_an_address_is_what_it_is_as_a_file(
    joined_server: Server, film_maker, number_in, name: str
):
    """Dangerous: the second part was dropped in silence, and a look at 0.5 s showed a picture of it as
    evidence.
    """
    film = film_maker(name)
    url = joined_server.address(name)
    told, of_file = probe(url, HERE), probe(film.path)
    assert told.model_copy(update={"path": of_file.path}) == of_file
    assert told.duration_seconds == pytest.approx(3.2, abs=0.05)
    assert "its 2 parts are read" in told.notes[0]
    frames = FrameSource(url, HERE).at([0.5, 2.5])
    assert [number_in(frame) for frame in frames] == [film.number_at(0.5), film.number_at(2.5)]
    sounds = list(read_sound(url, allow_url=True))
    assert [sound.start_seconds for sound in sounds] == [
        sound.start_seconds for sound in read_sound(film.path)
    ]
    assert look_into(url, clock=True, allow_url=True) == look_into(film.path, clock=True)
    assert joined_server.asked.count((name, None)) == 1


def test_an_address_is_read_with_what_helps_a_file(server: Server, film_maker, films, plain_film):
    """A fragmented recording that was cut off opened as a file and not at its address; the same of what the
    error says.
    """
    folder = plain_film.path.parent
    whole = film_maker("fragmented.mp4", **films["fragmented.mp4"]).path.read_bytes()
    cut = whole[: whole.rindex(b"moof") + 12]
    (folder / "cut_off.mp4").write_bytes(cut)
    told = probe(server.address("cut_off.mp4"), HERE)
    assert told.duration_seconds == probe(folder / "cut_off.mp4").duration_seconds > 1
    (folder / "no_index.mp4").write_bytes(whole[: whole.index(b"moov") - 4] + b"\0\0\0\x08mdat")
    with pytest.raises(VideoError, match="is missing or broken") as caught:
        probe(server.address("no_index.mp4"), HERE)
    assert str(caught.value).startswith(server.address("no_index.mp4"))
