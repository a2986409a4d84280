"""Recordings: a whole run is recorded over HTTP and replayed without a network, and what is lacking is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support import seeing

import mrvideo
from mrvideo.errors import NotRecorded, SettingsError
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.base import Capabilities, Request
from mrvideo.models.recorder import FileRecorder, RecordingModel
from mrvideo.models.recording import load_recording
from mrvideo.models.replay import about
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Notice, Span

QUESTIONS = ("Which wall comes first?", "How many walls are there?", "What does the person do?")
FILM = "0" * 64


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen seconds: five of red, five of green, five of blue, and something that moves."""
    path = tmp_path_factory.mktemp("film") / "walls.mp4"
    colours = [(220, 30, 30), (30, 200, 30), (30, 30, 220)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(150):
            picture = np.full((96, 160, 3), colours[number // 50], dtype=np.uint8)
            picture[10:20, number : number + 10] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, a socket that connects to anywhere, this machine too, is a fault."""

    def shut() -> None:
        def connect(self: socket.socket, address: Any) -> None:
            raise AssertionError(f"a replay tried to reach {address}")

        monkeypatch.setattr(socket.socket, "connect", connect)
        monkeypatch.setattr(socket.socket, "connect_ex", connect)

    return shut


@pytest.mark.slow
def test_an_index_and_three_questions_are_replayed_without_network_on_other_jpegs(
    serve, film, tmp_path, no_network
):
    file = tmp_path / "walls.jsonl"
    server = serve(seeing.answer)
    live = mrvideo.index(
        film,
        vision="openai:test-vlm",
        base_url=server.base_url,
        record=file,
        library=tmp_path / "live.db",
        jpeg_quality=85,
    )
    answers = [live.ask(question) for question in QUESTIONS]
    assert server.refusals == []
    assert live.failures == ()
    asked_live = server.calls
    assert len(file.read_text().splitlines()) == server.answered, "each reply once"

    no_network()
    events: list[Any] = []
    again = mrvideo.index(
        film,
        vision=f"replay:{file}",
        library=tmp_path / "replayed.db",
        jpeg_quality=40,
        on_event=events.append,
    )
    replayed = [again.ask(question, on_event=events.append) for question in QUESTIONS]

    assert server.calls == asked_live
    assert [event.text for event in events if isinstance(event, Notice) and "record" in event.text] == []
    assert (again.scenes, again.entities, again.failures) == (live.scenes, live.entities, ())
    told = [(a.answer, a.evidence, a.claims, a.confidence, a.checked_by) for a in answers]
    assert [(a.answer, a.evidence, a.claims, a.confidence, a.checked_by) for a in replayed] == told
    date = load_recording(file).recorded_at[:10]
    label = f"replay:test-vlm (recorded {date})"
    assert [a.models for a in replayed] == [{"vision": label, "text": label}] * 3
    assert [a.models["vision"] for a in answers] == ["openai:test-vlm"] * 3
    assert {(a.usage.calls, a.usage.cost) for a in replayed} == {(0, 0.0)}


def test_what_is_kept_already_is_recorded_without_being_paid_again(serve, film, tmp_path, no_network):
    server = serve(seeing.answer)
    settings = {"vision": "openai:test-vlm", "base_url": server.base_url, "library": tmp_path / "l.db"}
    first = mrvideo.index(film, **settings)
    paid = server.calls
    file = tmp_path / "later.jsonl"
    recorded = mrvideo.index(film, record=file, **settings)
    assert server.calls == paid
    assert len(file.read_text().splitlines()) == paid
    assert mrvideo.load(film, **settings).index.usage == first.index.usage, "what it took is not forgotten"
    assert recorded.scenes == first.scenes

    no_network()
    again = mrvideo.index(film, vision=f"replay:{file}", library=tmp_path / "other.db")
    assert again.scenes == first.scenes


@pytest.mark.slow
def test_worker_processes_are_recorded_by_the_one_that_started_them(serve, film, tmp_path, no_network):
    server = serve(seeing.answer)
    file = tmp_path / "workers.jsonl"
    live = mrvideo.index(
        film, vision="openai:test-vlm", base_url=server.base_url, record=file, workers=2, shard_seconds=10,
        library=tmp_path / "live.db",
    )  # fmt: skip
    assert len(file.read_text().splitlines()) == server.answered
    # Loky's own pipes are no network, but its processes know nothing of the fixture: threads replay.
    no_network()
    again = mrvideo.index(
        film, vision=f"replay:{file}", shard_seconds=10, library=tmp_path / "replayed.db"
    )  # fmt: skip
    assert (again.scenes, again.failures) == (live.scenes, ())


def test_what_a_recording_lacks_is_told_by_kind_and_not_tried_for_ever(serve, film, tmp_path, no_network):
    """A failure that is not final has the next run try again, and the one after."""
    server = serve(seeing.answer)
    file = tmp_path / "part.jsonl"
    mrvideo.index(
        film, vision="openai:test-vlm", base_url=server.base_url, record=file, library=tmp_path / "live.db"
    )
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        if line["asked"]["prompt"] == "caption_clip":
            line["asked"]["prompt_digest"] = "an older one"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    no_network()
    events: list[Any] = []
    settings = {"vision": f"replay:{file}", "library": tmp_path / "replayed.db"}
    again = mrvideo.index(film, on_event=events.append, **settings)
    assert again.scenes == ()
    assert all(failure.final for failure in again.failures)
    why = "the prompt caption_clip changed since this was recorded"
    assert all(why in failure.reason for failure in again.failures)
    notices = [event.text for event in events if isinstance(event, Notice) and "record" in event.text]
    count = sum(line["asked"]["prompt"] == "caption_clip" for line in lines)
    assert notices[0].startswith(f"not recorded: {count} requests, captioning (0:00.0–0:10.0, 0:10.0–0:15.0)")
    assert notices[0].endswith(why)
    assert notices[1].startswith(f"{count} requests are not in {file}; record them with")
    assert len(notices) == 2


# one request -------------------------------------------------------------------------------------


def _settings(file: Path, **fields: Any) -> ModelSettings:
    return ModelSettings.parse(f"replay:{file}", **fields)


def _recorded(file: Path, replies: Any, *, name: str = "scripted", **options: Any) -> RecordingModel:
    model = ScriptedModel(replies, name=name, capabilities=options.pop("capabilities", None))
    return RecordingModel(model, FileRecorder(file), roles=options.pop("roles", ("vision",)), video=FILM)


def _replay(file: Path, *, role: str = "vision", video: str = FILM, notes: list[str] | None = None) -> Any:
    told = [] if notes is None else notes
    model = open_model(_settings(file), ledger=Ledger(), roles=(role,), on_note=told.append)
    return about(model, video)


async def test_requests_are_told_apart_by_all_but_the_bytes_of_pictures(ask_border, make_jpeg, tmp_path):
    file = tmp_path / "r.jsonl"
    request = ask_border(1, colours=("red", "blue"))
    await _recorded(file, [{"same_scene": True}]).run(request)

    def pictured(**change: Any) -> Request[Any]:
        first, second = request.pictures
        return replace(request, pictures=(first, replace(second, **change)))

    other_bytes = pictured(jpeg=make_jpeg("green"))
    assert (await _replay(file).run(other_bytes)).value.same_scene is True
    lacking = {
        "other pictures": [
            pictured(label="later"),
            pictured(time_seconds=1.5),
            pictured(jpeg=make_jpeg("blue", (48, 64))),
            replace(request, pictures=request.pictures[:1]),
        ],
        "other words beside them": [ask_border(2, colours=("red", "blue"))],
        "the prompt merge_border changed": [replace(request, prompt=replace(request.prompt, digest="new"))],
        "nothing of the prompt": [replace(request, prompt=replace(request.prompt, name="other"))],
    }
    for why, requests in lacking.items():
        for one in requests:
            with pytest.raises(NotRecorded, match=why):
                await _replay(file).run(one)
    with pytest.raises(NotRecorded, match="nothing of this video was recorded"):
        await _replay(file, video="1" * 64).run(request)


async def test_a_crop_tells_pictures_of_one_size_apart(ask_border, tmp_path):
    file = tmp_path / "r.jsonl"
    request = ask_border(1, colours=("red",))
    (picture,) = request.pictures
    from mrvideo.records import Box

    left, right = (
        replace(request, pictures=(replace(picture, crop=box),))
        for box in (Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1))
    )
    recorded = _recorded(file, [{"same_scene": True}, {"same_scene": False}])
    await recorded.run(left)
    await recorded.run(right)
    assert (await _replay(file).run(left)).value.same_scene is True
    assert (await _replay(file).run(right)).value.same_scene is False


async def test_a_request_without_pictures_belongs_to_no_video(ask_border, tmp_path):
    file = tmp_path / "r.jsonl"
    await _recorded(file, [{"same_scene": True}]).run(ask_border(1))
    assert (await _replay(file, video="1" * 64).run(ask_border(1))).value.same_scene is True


async def test_a_repaired_reply_is_recorded_once_as_it_was_accepted(serve, ask_border, chat, tmp_path):
    server = serve(lambda asked: {"same_scene": True})
    server.faults.append(chat.Fault.reply("no JSON"))
    file = tmp_path / "r.jsonl"
    settings = ModelSettings.parse("openai:test-vlm", base_url=server.base_url)
    model = open_model(settings, ledger=Ledger(), recorder=FileRecorder(file), roles=("text",))
    reply = await model.run(ask_border(1))
    await model.aclose()
    (line,) = (json.loads(line) for line in file.read_text().splitlines())
    assert line["reply"] == {"seen": "", "same_scene": True} == reply.value.model_dump()
    assert (line["usage"]["calls"], line["model"], line["roles"]) == (2, "openai:test-vlm", ["text"])
    assert "127.0.0.1" not in file.read_text(), "where the server is is nobody's business"


async def test_each_role_is_as_able_as_the_model_that_was_recorded_in_it(ask_border, tmp_path):
    file = tmp_path / "r.jsonl"
    sees = Capabilities(max_images=7, long_side_pixels=700, look_images=5, index_fingerprint="offline/9")
    reads = Capabilities(vision=False, context_tokens=9000)
    await _recorded(file, [{"same_scene": True}], name="openai:sees", capabilities=sees).run(ask_border(1))
    await _recorded(
        file, [{"same_scene": True}], name="openai:reads", capabilities=reads, roles=("text",)
    ).run(ask_border(2))
    vision, text = _replay(file), _replay(file, role="text")
    assert vision.capabilities == replace(sees, index_fingerprint=None)
    assert text.capabilities == reads
    assert (vision.name[:11], text.name[:12]) == ("replay:sees", "replay:reads")
    narrow = open_model(_settings(file, max_images=3), ledger=Ledger())
    assert (narrow.capabilities.max_images, narrow.capabilities.look_images) == (3, 3)


async def test_only_what_is_missing_is_asked_of_the_same_model_again(ask_border, tmp_path):
    file = tmp_path / "r.jsonl"
    await _recorded(file, [{"same_scene": True}]).run(ask_border(1))
    later = ScriptedModel([{"same_scene": False}])
    model = RecordingModel(later, FileRecorder(file), video=FILM)
    assert (await model.run(ask_border(1))).cached
    assert not (await model.run(ask_border(2))).cached
    assert len(later.requests) == 1
    fresh = RecordingModel(ScriptedModel([{"same_scene": False}]), FileRecorder(file), video=FILM, fresh=True)
    await fresh.run(ask_border(1))
    assert (await _replay(file).run(ask_border(1))).value.same_scene is False, "the last one counts"


async def test_a_recording_that_was_killed_is_used_and_goes_on(ask_border, tmp_path):
    file = tmp_path / "r.jsonl"
    await _recorded(file, [{"same_scene": True}]).run(ask_border(1))
    await _recorded(file, [{"same_scene": False}]).run(ask_border(2))
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    notes: list[str] = []
    replay = _replay(file, notes=notes)
    assert (await replay.run(ask_border(1))).value.same_scene is True
    with pytest.raises(NotRecorded):
        await replay.run(ask_border(2))
    await replay.aclose()
    assert any("1 line of" in note and "cannot be read" in note for note in notes)

    await _recorded(file, [{"same_scene": False}]).run(ask_border(2))
    assert (await _replay(file).run(ask_border(2))).value.same_scene is False

    # Killed within its very first line.
    file.write_bytes(whole[:40])
    await _recorded(file, [{"same_scene": True}]).run(ask_border(1))
    assert (await _replay(file).run(ask_border(1))).value.same_scene is True


async def test_a_reply_that_does_not_fit_any_more_is_no_reply(ask_border, tmp_path):
    file = tmp_path / "r.jsonl"
    await _recorded(file, [{"same_scene": True}]).run(ask_border(1))
    file.write_text(
        file.read_text().replace('"reply":{"seen":"","same_scene":true}', '"reply":{"same":true}')
    )
    with pytest.raises(NotRecorded, match="does not fit"):
        await _replay(file).run(ask_border(1))


_WRITER = """
import asyncio, sys
from pathlib import Path
from mrvideo.models.recorder import FileRecorder
from mrvideo.models.recording import Asked, RecordedReply
recorder = FileRecorder(Path(sys.argv[1]))
for number in range(200):
    asked = Asked(prompt="p", prompt_digest="d", inputs={"who": sys.argv[2], "number": number, "text": "x" * 20000})
    recorder.keep(RecordedReply(asked=asked, stage="s", reply={}, model="m", fingerprint="f", recorded_at="2026"))
"""


@pytest.mark.slow
def test_processes_that_record_at_once_tear_no_line(tmp_path):
    file = tmp_path / "r.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, file, str(who)]) for who in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    recording = load_recording(file)
    assert (len(recording.places), recording.broken) == (600, 0)


@pytest.mark.parametrize("content", [b"\0" * 100, b"not\na\nrecording\n", b'{"a": 1}\n', b"[]\n1\n"])
def test_a_file_that_is_no_recording_is_neither_read_nor_written(content, tmp_path):
    file = tmp_path / "film.mp4"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="is no recording"):
        _replay(file)
    with pytest.raises(SettingsError, match="is no recording"):
        FileRecorder(file)
    assert file.read_bytes() == content


def test_pipes_folders_huge_and_missing_files_are_told_at_once(tmp_path):
    pipe, huge = tmp_path / "pipe", tmp_path / "huge"
    os.mkfifo(pipe)
    with open(huge, "wb") as file:
        file.truncate(1 << 36)
    (tmp_path / "empty").touch()
    told = {
        pipe: "a named pipe",
        tmp_path: "a folder",
        huge: "a line of more than",
        tmp_path / "x": "no such",
    }
    for path, words in told.items():
        with pytest.raises(SettingsError, match=words):
            _replay(path)
    for path, words in list(told.items())[:3]:
        with pytest.raises(SettingsError, match=words):
            FileRecorder(path)
    with pytest.raises(SettingsError, match="there is no folder"):
        FileRecorder(tmp_path / "no" / "r.jsonl")
    with pytest.raises(SettingsError, match="holds no reply yet"):
        _replay(tmp_path / "empty")


def test_a_recording_of_a_newer_version_is_told(tmp_path):
    file = tmp_path / "r.jsonl"
    file.write_text('{"recording": 2}\n')
    with pytest.raises(SettingsError, match="by a newer mrvideo"):
        _replay(file)


def test_a_look_is_recorded_and_replayed(serve, film, tmp_path, no_network):
    file = tmp_path / "r.jsonl"
    server = serve(seeing.answer)
    settings = {"vision": "openai:test-vlm", "base_url": server.base_url, "library": tmp_path / "l.db"}
    indexed = mrvideo.index(film, record=file, **settings)
    seen, _ = indexed.look(Span(1, 4), "What stands there?")
    no_network()
    again = mrvideo.load(film, vision=f"replay:{file}", library=tmp_path / "l.db", jpeg_quality=30)
    assert again.look(Span(1, 4), "What stands there?")[0] == seen
    with pytest.raises(NotRecorded, match=r"it was recorded|other words|other pictures|no such request"):
        again.look(Span(1, 4), "Who stands there?")
