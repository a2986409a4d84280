"""A long video is decoded in processes of their own, its calls made here; a short one in this process alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from mrvideo.captioning import index as index_module
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.mapreduce import Decode, decoding_processes
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index, Notice, Span, VideoInfo

OPTIONS = CaptioningOptions(shard_seconds=10)  # 65 s: seven shards of one clip
Build = Callable[..., Index]


def plain(request: Request[Any]) -> dict[str, Any]:
    """One scene a clip, and nobody in it; it tells the pictures' bytes, so that another picture is another
    index.
    """
    if request.prompt.name == "characters":
        return {"characters": []}
    span = request.span
    assert span is not None
    times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
    told = " ".join(picture.digest[:8] for picture in request.pictures)
    return {
        "continues_previous": False,
        "scenes": [{**times, "brief": "b", "detailed": told, "appearing": []}],
    }


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Decode, Any], Any]], None]:
    """through(way): `way(decode, work)` in place of `decode(work)` wherever processes of their own decode."""

    def put(way: Callable[[Decode, Any], Any]) -> None:
        @contextmanager
        def lent(count: int) -> Iterator[Any]:
            with decoding_processes(count) as decode:
                yield partial(way, decode)

        monkeypatch.setattr(index_module, "decoding_processes", lent)

    return put


@pytest.fixture
def decoded(through: Callable[..., None]) -> list[Span]:
    """The spans that are read in processes of their own."""
    spans: list[Span] = []

    def noting(decode: Decode, work: Any) -> Any:
        spans.append(work.args[1])
        return decode(work)

    through(noting)
    return spans


def scenes(index: Index) -> list[tuple[Span, str]]:
    return [(scene.span, scene.detailed) for scene in index.scenes]


@pytest.mark.slow
def test_a_long_video_is_read_elsewhere_and_the_calls_see_the_same(
    moving_video: VideoInfo, build: Build, decoded: list[Span], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = build(moving_video, ScriptedModel(plain), OPTIONS)
    assert [span.start_seconds for span in sorted(decoded, key=lambda span: span.start_seconds)] == [
        0, 10, 20, 30, 40, 50, 60,
    ]  # fmt: skip
    decoded.clear()
    monkeypatch.setattr(index_module, "_SHARDS_WORTH_PROCESSES", 8)
    here = build(moving_video, ScriptedModel(plain, name="again"), OPTIONS)
    assert decoded == []
    assert scenes(elsewhere) == scenes(here) and len(scenes(here)) >= 7
    assert elsewhere.failures == here.failures == ()


def test_a_short_video_starts_no_process(moving_video: VideoInfo, build: Build, decoded: list[Span]) -> None:
    build(moving_video, ScriptedModel(plain), CaptioningOptions(shard_seconds=20))
    assert decoded == []


@pytest.mark.slow
def test_a_decoder_that_crashes_costs_its_stretch_and_is_tried_again_next_time(
    moving_video: VideoInfo, build: Build, through: Callable[..., None]
) -> None:
    # As suddenly as a decoder that reads where it may not, but without a core file.
    through(lambda decode, work: decode(partial(os._exit, 1) if work.args[1].contains(25.0) else work))
    model = ScriptedModel(plain)
    index = build(moving_video, model, OPTIONS)
    (failure,) = index.failures
    assert failure.span == Span(20.0, 30.0) and failure.stage == "open"
    assert "ended its process, also alone (EXIT(1))" in failure.reason and moving_video.path in failure.reason
    captioned = [scene.span for scene in index.scenes]
    assert sum(span.duration_seconds for span in captioned) == pytest.approx(55.0, abs=0.2)

    through(lambda decode, work: decode(work))
    asked = len(model.requests)
    whole = build(moving_video, model, OPTIONS)
    assert whole.failures == ()
    assert len(model.requests) == asked + 2, "one stretch's characters and its clip; nothing is asked twice"


def test_where_no_process_can_be_started_threads_decode_and_the_user_hears_of_it(
    moving_video: VideoInfo, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    from joblib.externals.loky.backend.popen_loky_posix import Popen

    def refused(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(Popen, "_launch", refused)
    events: list[Any] = []
    index = build(moving_video, ScriptedModel(plain), OPTIONS, events=events)
    assert index.failures == () and len(index.scenes) >= 7
    (told,) = [event.text for event in events if isinstance(event, Notice)]
    assert told == (
        "no processes to decode in ([Errno 11] Resource temporarily unavailable); decoding on threads, more slowly"
    )
