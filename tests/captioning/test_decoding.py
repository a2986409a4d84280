"""A long video is decoded in processes of their own, its calls made here; a short one in this process alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mrvideo.captioning import index as index_module
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.mapreduce import DecodingProcesses
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index, Notice, Span, VideoInfo

OPTIONS = CaptioningOptions(shard_seconds=10)  # 65 s: seven shards of one clip
Build = Callable[..., Index]


def plain(request: Request[Any]) -> dict[str, Any]:
    """One scene a clip, and nobody in it; it tells the pictures' bytes, so that another picture is another index."""
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
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    """The spans that are read in processes of their own."""
    spans: list[Span] = []
    decode = DecodingProcesses.decode

    def noting(processes: DecodingProcesses, work: Any) -> Any:
        spans.append(work.args[1])
        return decode(processes, work)

    monkeypatch.setattr(DecodingProcesses, "decode", noting)
    return spans


def scenes(index: Index) -> list[tuple[Span, str]]:
    return [(scene.span, scene.detailed) for scene in index.scenes]


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


def test_a_decoder_that_crashes_costs_its_stretch_and_is_tried_again_next_time(
    moving_video: VideoInfo, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crashing:
        decode = DecodingProcesses.decode

        def deadly(processes: DecodingProcesses, work: Any) -> Any:
            # As suddenly as a decoder that reads where it may not, but without a core file.
            return decode(processes, partial(os._exit, 1) if work.args[1].contains(25.0) else work)

        crashing.setattr(DecodingProcesses, "decode", deadly)
        model = ScriptedModel(plain)
        index = build(moving_video, model, OPTIONS)
    (failure,) = index.failures
    assert failure.span == Span(20.0, 30.0) and failure.stage == "open"
    assert "died, also alone" in failure.reason and moving_video.path in failure.reason
    captioned = [scene.span for scene in index.scenes]
    assert sum(span.duration_seconds for span in captioned) == pytest.approx(55.0, abs=0.2)

    asked = len(model.requests)
    whole = build(moving_video, model, OPTIONS)
    assert whole.failures == ()
    assert len(model.requests) == asked + 2, "one stretch's characters and its clip; nothing is asked twice"


def test_where_no_process_is_lent_threads_decode_and_the_user_hears_of_it(
    moving_video: VideoInfo, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("[Errno 38] Function not implemented")

    monkeypatch.setattr(DecodingProcesses, "__enter__", refuse)
    events: list[Any] = []
    index = build(moving_video, ScriptedModel(plain), OPTIONS, events=events)
    assert index.failures == () and len(index.scenes) >= 7
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told == [
        "no processes to decode in ([Errno 38] Function not implemented); decoding on threads, more slowly"
    ]
