"""A film behind a model server of every manner: what is read, what is listed, what ends a run, and what is
paid twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support import manners

import mrvideo
from mrvideo.errors import ModelUnavailable

CLIPS = 3
CLIP_SECONDS = 2
RIGHT = "A keeper waves."


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, film_maker: Callable[[Path, int], None]) -> Path:
    path = tmp_path_factory.mktemp("film") / "keeper.mp4"
    film_maker(path, CLIPS * CLIP_SECONDS)
    return path


def right_reply(asked: Any) -> dict[str, Any]:
    """What a good model says, whatever form it was asked in."""
    if '"continues_previous"' not in asked.text and asked.schema_name != "CaptionClipReply":
        return {"characters": [], "pairs": []}
    times = [float(label.removesuffix(" s")) for label, _ in asked.pictures if label.endswith(" s")]
    scene = {"start_seconds": times[0], "stop_seconds": times[-1], "brief": RIGHT, "detailed": RIGHT}
    return {"continues_previous": False, "scenes": [scene | {"appearing": [], "screen_text": []}]}


@pytest.fixture
def serve(chat: ModuleType) -> Iterator[Callable[..., Any]]:
    """`server = serve(manner)`, or `serve(manner, only=…)` for some requests, with the plain manner for the
    others.
    """
    servers: list[Any] = []

    def start(manner: Any, only: Callable[[Any], bool] = lambda asked: True) -> Any:
        def answer(asked: Any) -> Any:
            reply = right_reply(asked)
            status, body = manner(asked, reply) if only(asked) else (200, plain(reply))
            data = (
                body
                if isinstance(body, bytes)
                else (body if isinstance(body, str) else json.dumps(body)).encode()
            )
            packed = {"content-encoding": "gzip"} if data[:2] == b"\x1f\x8b" else {}
            return chat.Raw(data, status, packed)

        servers.append(chat.ChatServer(answer=answer).__enter__())
        return servers[-1]

    def plain(reply: dict[str, Any]) -> dict[str, Any]:
        return {"choices": [{"finish_reason": "stop", "message": {"content": json.dumps(reply)}}]}

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def index(film: Path, tmp_path: Path) -> Callable[..., mrvideo.Video]:
    def run(server: Any, **settings: Any) -> mrvideo.Video:
        return mrvideo.index(
            film,
            library=tmp_path / "library.db",
            vision="openai:test-vlm",
            base_url=server.base_url,
            clip_seconds=CLIP_SECONDS,
            shard_seconds=10,
            **settings,
        )

    return run


def of(outcome: type[Any]) -> Any:
    """The manners that must come to that outcome, each a test of its own."""
    rows = {name: row for name, row in manners.MANNERS.items() if isinstance(row[1], outcome)}
    return pytest.mark.parametrize(("manner", "expected"), rows.values(), ids=rows.keys())


# asked of each: one call for the characters and one for each clip
REQUESTS = 1 + CLIPS


@pytest.mark.slow
@of(manners.Good)
def test_good_replies_are_read_in_whatever_manner_they_come(serve, index, manner, expected):
    server = serve(manner)
    indexed = index(server)
    assert indexed.failures == ()
    told = [scene.detailed for scene in indexed.scenes]
    assert len(told) == CLIPS
    assert all("DRAFT" not in words and words.startswith("A keeper") for words in told), told
    json.dumps([scene.model_dump(mode="json") for scene in indexed.scenes], ensure_ascii=False).encode()
    # Those in flight at once may all meet the first refusal; nobody meets another one of its kind.
    assert server.calls <= REQUESTS * (1 + expected.further_calls)
    usage = indexed.index.usage
    assert 0 < usage.input_tokens < 200_000 and 0 < usage.output_tokens < 50_000

    server.asked.clear()
    index(server)
    assert server.asked == [], "what is kept is not asked again"


@pytest.mark.slow
@of(manners.Lost)
def test_lost_replies_are_listed_in_the_servers_words(serve, index, manner, expected):
    server = serve(manner)
    indexed = index(server)
    captions = [failure for failure in indexed.failures if failure.hides == "pictures"]
    assert sum(failure.duration_seconds for failure in captions) == pytest.approx(
        CLIPS * CLIP_SECONDS, abs=0.6
    )
    for failure in captions:
        for reason in failure.reasons:
            assert expected.words in reason and "\n" not in reason and len(reason) < 900, reason
    assert server.calls <= REQUESTS * expected.calls


@pytest.mark.slow
@of(manners.Over)
def test_a_run_that_can_bring_nothing_ends_at_once_with_what_to_do(serve, index, manner, expected):
    server = serve(manner)
    with pytest.raises(ModelUnavailable) as caught:
        index(server)
    line = str(caught.value)
    assert expected.words in line and "\n" not in line and len(line) < 900, line
    assert server.calls <= expected.calls


def second_clip(asked: Any) -> bool:
    return (
        any(label == "2.00 s" for label, _ in asked.pictures) and right_reply(asked).get("scenes") is not None
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000, b'{"choices": [{"message": {"content": "{\\"scenes\\": 7}"}}]}', b"", b"\xff\xfe\x00", b"{}",
        b'{"choices": [{"message": {"content": {"scenes": [[[]]]}}}]}', b'{"choices": 7}', b"null",
    ],
    ids=lambda body: repr(body)[:30],
)  # fmt: skip
def test_one_bad_reply_costs_its_own_clip_and_nothing_twice(serve, index, body, monkeypatch):
    """It ended the run with a traceback, nothing was kept, and each further run paid for all of it again."""
    monkeypatch.setattr("mrvideo.models.retry.Backoff.wait_seconds", lambda *_: 0.0)
    server = serve(lambda asked, reply: (200, body), only=second_clip)
    indexed = index(server)
    assert [scene.detailed for scene in indexed.scenes if scene.detailed] == [RIGHT, RIGHT]
    (failure,) = indexed.failures
    assert (failure.start_seconds, failure.stop_seconds) == pytest.approx((2.0, 4.0), abs=0.6)

    answer, server.answer = server.answer, lambda asked: json.dumps(right_reply(asked))
    server.asked.clear()
    repaired = index(server)
    assert repaired.failures == ()
    assert [second_clip(asked) for asked in server.asked] == [True], "the others are not paid for again"
    assert answer is not None


def test_a_reply_that_trips_up_the_code_behind_it_costs_its_own_clip(serve, index, monkeypatch):
    """The gate: an exception that nobody thought of is a listed failure, and the next run asks for that clip
    alone.
    """
    from mrvideo.models.base import Request

    parse = Request.parse

    def trip(self: Any, data: Any) -> Any:
        if "2.00 s" in {picture.label for picture in self.pictures} and "scenes" in data:
            raise RuntimeError("nobody\nthought of this")
        return parse(self, data)

    server = serve(lambda asked, reply: (200, {"choices": [{"message": {"content": json.dumps(reply)}}]}))
    with monkeypatch.context() as patched:
        patched.setattr(Request, "parse", trip)
        indexed = index(server)
    (failure,) = indexed.failures
    assert "RuntimeError: nobody thought of this" in failure.reasons[0]
    assert len([scene for scene in indexed.scenes if scene.detailed == RIGHT]) == CLIPS - 1

    server.asked.clear()
    assert index(server).failures == ()
    assert [second_clip(asked) for asked in server.asked] == [True]


@pytest.mark.parametrize(
    ("setting", "value"), [("max_images", 2), ("context_tokens", 4096), ("max_output_tokens", 300)]
)
def test_what_a_server_takes_can_be_said_beforehand(serve, index, setting, value):
    server = serve(lambda asked, reply: (200, {"choices": [{"message": {"content": json.dumps(reply)}}]}))
    assert index(server, **{setting: value}).failures == ()
    assert len(server.asked) == REQUESTS
    for asked in server.asked:
        if setting == "max_images":
            assert len(asked.pictures) <= 2
        else:
            assert asked.body["max_tokens"] <= {"context_tokens": 1024, "max_output_tokens": 300}[setting]


def test_what_was_learnt_is_told_once_and_holds_for_the_next_run(serve, index, manners_of_one_image):
    notes: list[str] = []

    def hear(event: Any) -> None:
        if type(event).__name__ == "Notice":
            notes.append(event.text)

    server = serve(manners_of_one_image)
    index(server, on_event=hear)
    told = [note for note in notes if "at most 1 image in one request" in note]
    assert len(told) == 1 and "max_images" in told[0]
    refused = len(server.asked) - REQUESTS
    server.asked.clear()
    index(server, fresh=True, on_event=hear)
    assert refused > 0 and len(server.asked) == REQUESTS, "the second run is not refused any more"
    assert len([note for note in notes if "at most 1 image" in note]) == 1


@pytest.fixture
def manners_of_one_image() -> Any:
    words = {"error": {"message": "At most 1 image(s) may be provided in one request.", "code": 400}}

    def manner(asked: Any, reply: Any) -> Any:
        if len(asked.pictures) > 1:
            return 400, words
        return 200, {"choices": [{"message": {"content": json.dumps(reply)}}]}

    return manner
