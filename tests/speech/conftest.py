"""Videos with subtitles and sound, made by the tests themselves."""

from __future__ import annotations

import email
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mrvideo.media.mp4.boxes import full_box, wrap
from mrvideo.records import Cue, Scene, Usage

RATE = 48_000


def _movie_of_text() -> bytes:
    """An MP4 file with one track of text, and nothing in it."""
    counts = b"".join(full_box(kind, bytes(4)) for kind in (b"stts", b"stsc", b"stco"))
    entries = full_box(b"stsd", b"\0\0\0\1" + wrap(b"tx3g", bytes(6) + b"\0\1" + bytes(30)))
    tables = wrap(b"minf", wrap(b"stbl", entries + counts + full_box(b"stsz", bytes(8))))
    heads = full_box(b"mdhd", bytes(8) + (1000).to_bytes(4, "big") + bytes(8))
    heads += full_box(b"hdlr", bytes(4) + b"sbtl" + bytes(13))
    track = wrap(b"trak", full_box(b"tkhd", bytes(11) + b"\1" + bytes(68)) + wrap(b"mdia", heads + tables))
    return wrap(b"ftyp", b"isom\0\0\0\0") + wrap(b"moov", track)


TEXTS = {
    "subrip": b"1\n00:00:01,000 --> 00:00:02,000\nx\n",
    "webvtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n",
    "ass": b"[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, "
    b"MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,x\n",
    "mov_text": _movie_of_text(),
}
"""A small file of each kind of text."""


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """A video of grey pictures, with any sound and any subtitle packets, all on the container's clock.

    `subtitles`: (codec, language, [(start_seconds, duration_seconds, packet bytes)]) for each stream.
    """

    def make(
        name: str = "talk.mkv",
        *,
        seconds: float = 4.0,
        first_picture_seconds: float = 0.0,
        sound: NDArray[np.int16] | None = None,
        sound_starts_seconds: float = 0.0,
        subtitles: Sequence[tuple[str, str, Sequence[tuple[float, float, bytes]]]] = (),
        default_track: int | None = None,
        audio_codec: str | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            video = container.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            video.codec_context.time_base = Fraction(1, 1000)
            codec = audio_codec or ("pcm_s16le" if name.endswith("mkv") else "aac")
            audio = None if sound is None else container.add_stream(codec, rate=RATE)
            if audio is not None:
                audio.layout = "mono"
            tracks = []
            for codec, language, _ in subtitles:
                with av.open(io.BytesIO(TEXTS[codec])) as text:
                    # PyAV 15 makes a stream of text after another one only.
                    track = container.add_stream_from_template(text.streams.subtitles[0])
                track.time_base = Fraction(1, 1000)
                track.metadata["language"] = language
                tracks.append(track)
            if default_track is not None:
                tracks[default_track].disposition = av.stream.Disposition.default.value
            container.start_encoding()
            packets = []
            for n in range(round(seconds * 10)):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), n % 256, np.uint8), format="rgb24")
                frame.pts, frame.time_base = round(first_picture_seconds * 1000) + n * 100, Fraction(1, 1000)
                packets += video.encode(frame)
            packets += video.encode(None)
            if audio is not None and sound is not None:
                for at in range(0, len(sound), 1024):
                    piece = av.AudioFrame.from_ndarray(
                        sound[at : at + 1024].reshape(1, -1), format="s16", layout="mono"
                    )
                    piece.sample_rate, piece.time_base = RATE, Fraction(1, RATE)
                    piece.pts = round(sound_starts_seconds * RATE) + at
                    packets += audio.encode(piece)
                packets += audio.encode(None)
            for track, (_, _, lines) in zip(tracks, subtitles, strict=True):
                for start, duration, data in lines:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = track, Fraction(1, 1000)
                    packet.pts = packet.dts = round(start * 1000)
                    packet.duration = round(duration * 1000)
                    packets.append(packet)
            packets.sort(key=lambda packet: float(packet.dts * packet.time_base))
            for packet in packets:
                container.mux_one(packet)
        return path

    return make


@pytest.fixture
def cue() -> Callable[..., Cue]:
    """A cue from its essentials."""

    def make(start: float, stop: float, text: str, speaker: str | None = None) -> Cue:
        return Cue(start_seconds=start, stop_seconds=stop, text=text, speaker=speaker)

    return make


@pytest.fixture
def scene() -> Callable[..., Scene]:
    """A scene from its index (10 s each) and its entities."""

    def make(index: int, *entities: str) -> Scene:
        return Scene(
            index=index,
            start_seconds=index * 10.0,
            stop_seconds=index * 10.0 + 10.0,
            brief="",
            detailed="",
            entity_names=entities,
        )

    return make


TONES = {440: "alpha", 660: "bravo", 880: "charlie", 1320: "delta"}


@pytest.fixture
def bursts() -> Callable[..., NDArray[np.int16]]:
    """48 kHz sound with tones: `bursts(4.0, (1.0, 0.5, 440))` has one from 1.0 s, half a second long."""

    def make(seconds: float, *tones: tuple[float, float, int]) -> NDArray[np.int16]:
        sound = np.zeros(round(seconds * RATE), np.float64)
        for start, length, frequency in tones:
            t = np.arange(round(length * RATE)) / RATE
            at = round(start * RATE)
            sound[at : at + len(t)] = 9000 * np.sin(2 * np.pi * frequency * t)
        return sound.astype(np.int16)

    return make


def listen(audio: bytes) -> list[dict[str, object]]:
    """What a good transcriber would say: each loud stretch of the sound itself, named by its pitch."""
    with av.open(io.BytesIO(audio)) as container:
        assert container.streams.audio[0].sample_rate == 16_000
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    samples = np.concatenate(frames).astype(np.float64)
    hop = 160
    loud = np.array([np.abs(samples[i : i + hop]).max() > 500 for i in range(0, len(samples), hop)])
    # Stops inside words are bridged: 0.15 s.
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(int), [0]))))
    spans = [[int(a), int(b)] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    joined: list[list[int]] = []
    for span in spans:
        if joined and span[0] - joined[-1][1] < 15:
            joined[-1][1] = span[1]
        else:
            joined.append(span)
    segments: list[dict[str, object]] = []
    for a, b in joined:
        piece = samples[a * hop : b * hop]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
        peak = float(np.argmax(spectrum)) * 16_000 / len(piece)
        word = TONES[min(TONES, key=lambda tone: abs(tone - peak))]
        segments.append(
            {"start": a * hop / 16_000, "end": min(b * hop, len(samples)) / 16_000, "text": f" {word} "}
        )
    return segments


def _seconds(audio: bytes) -> float:
    with av.open(io.BytesIO(audio)) as container:
        return sum(frame.samples for frame in container.decode(audio=0)) / 16_000


class TranscriptionServer:
    """A loopback /v1/audio/transcriptions that listens to the sound it is sent.

    `answer(fields, segments)` gives the reply's body; `faults` are (status, body) given first, one a call;
    `gate` holds every call until as many are in flight as it wants.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        self.keys: list[tuple[str, str]] = []
        """Of each call the words that it sent, and what it was authorised with."""
        self.sizes: list[int] = []
        self.seconds: list[float] = []
        self.faults: list[tuple[int, str]] = []
        self.refuse: Callable[[dict[str, str], list[dict[str, object]]], tuple[int, str] | None] = (
            lambda f, s: None
        )
        self.answer: Callable[[dict[str, str], list[dict[str, object]]], str] = lambda fields, segments: (
            json.dumps(
                {
                    "text": "".join(str(s["text"]) for s in segments),
                    "language": "english",
                    "segments": segments,
                }
            )
        )
        self.gate: threading.Barrier | None = None
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                given = self.headers.get("authorization", "")
                status, reply = outer.handle(self.path, self.headers["content-type"], body, given)
                data = reply.encode()
                self.send_response(status)
                if status == 429:
                    self.send_header("retry-after", "0")
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def handle(self, path: str, content_type: str, body: bytes, given: str = "") -> tuple[int, str]:
        assert path == "/v1/audio/transcriptions"
        message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        fields: dict[str, str] = {}
        audio = b""
        for part in message.get_payload():
            name = part.get_param("name", header="content-disposition")
            if name == "file":
                audio = part.get_payload(decode=True)
            else:
                fields[name] = part.get_payload(decode=True).decode()
        segments = listen(audio)
        with self._lock:
            self.requests.append(fields)
            self.keys.append(("".join(str(s["text"]) for s in segments).strip(), given))
            self.sizes.append(len(audio))
            self.seconds.append(_seconds(audio))
            fault = self.faults.pop(0) if self.faults else None
        if self.gate is not None:
            self.gate.wait(30)
        fault = fault or self.refuse(fields, segments)
        return fault or (200, self.answer(fields, segments))

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[TranscriptionServer]:
    """A running transcription server."""
    server = TranscriptionServer()
    yield server
    server.close()


class Store:
    """Keeps replies in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get_reply(self, key: str) -> str | None:
        return self.kept.get(key)

    def put_reply(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> None:
        self.kept[key] = reply_json


@pytest.fixture
def store() -> Store:
    """A store of replies."""
    return Store()


@pytest.fixture
def damaged_sound(make_video: Callable[..., Path], bursts: Callable[..., NDArray[np.int16]]) -> Path:
    """10 s of FLAC with a tone at each half second; from 3.9 s to 5.9 s its packets hold zeros."""
    tones = [(n + 0.5, 0.2, 880) for n in range(10)]
    noise = np.random.default_rng(1).integers(-300, 300, 480_000).astype(np.int16)
    path: Path = make_video("flac.mkv", seconds=10.0, sound=bursts(10.0, *tones) + noise, audio_codec="flac")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        positions = [(float(p.pts * p.time_base), p.pos, p.size) for p in container.demux(audio=0) if p.size]
    for time, position, size in positions:
        if 3.9 < time < 5.9:
            at = data.index(bytes(data[position : position + 8]), position)
            data[at + 12 : at + size] = bytes(size - 12)
    path.write_bytes(bytes(data))
    return path
