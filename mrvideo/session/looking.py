"""Ask the vision model one question about fresh frames of a span."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from mrvideo.errors import InputError, RequestTooLarge
from mrvideo.mapreduce import in_thread, start_on_portal
from mrvideo.media.looks import FrameSource
from mrvideo.models import Budget
from mrvideo.models.base import Model, Picture, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.questions import check_question
from mrvideo.records import Event, Frame, Index, Span, clock
from mrvideo.schemas.analysis import LookInputs, LookReply
from mrvideo.schemas.shared import CueLine
from mrvideo.session.models import models_at_hand
from mrvideo.session.options import cropped_source
from mrvideo.settings import Settings
from mrvideo.speech.known import speech_of


def start_looking(
    index: Index,
    span: Span,
    question: str,
    settings: Settings,
    *,
    max_frames: int,
    uncropped: bool = False,
    budget: Budget | None = None,
) -> Future[tuple[LookReply, list[Frame]]]:
    """Start a look on the portal; cancelling the future stops the work. Thread-safe.

    Raises `QuestionError` at once for a question that cannot be asked.
    """
    check_question(question, None, must_choose=False)
    return start_on_portal(
        partial(
            look_again,
            index,
            span,
            question,
            settings,
            max_frames=max_frames,
            uncropped=uncropped,
            budget=budget,
        )
    )


async def look_again(
    index: Index,
    span: Span,
    question: str,
    settings: Settings,
    *,
    max_frames: int,
    uncropped: bool = False,
    budget: Budget | None = None,
) -> tuple[LookReply, list[Frame]]:
    """Put one question to frames spread evenly over a span, black bars and all if `uncropped`; on the
    event-loop thread.
    """
    shown = span.intersection(index.span)
    if shown is None:
        raise InputError(
            f"{span} lies outside the video, which is {clock(index.video.duration_seconds)} long"
        )
    async with models_at_hand(settings, budget, _no_events, video=index.video.digest) as models:
        vision = models.vision
        while True:
            able = vision.capabilities
            try:
                count = min(max_frames, able.look_images)
                return await _look(index, shown, question, settings, vision, count, uncropped)
            except RequestTooLarge:
                if vision.capabilities == able:
                    raise


async def _look(
    index: Index, shown: Span, question: str, settings: Settings, model: Model, count: int, uncropped: bool
) -> tuple[LookReply, list[Frame]]:
    source = cropped_source(index, settings, long_side_pixels=model.capabilities.long_side_pixels)
    source = source.uncropped() if uncropped else source
    step = shown.duration_seconds / count
    times = [shown.start_seconds + step * (i + 0.5) for i in range(count)]
    frames = await frames_at(source, times)
    heard = [cue for cue in index.cues if cue.span.overlaps(shown)]
    request = Request(
        prompt=load_prompt("look_local"),
        inputs=LookInputs(
            question=question,
            goal=question,
            spans=(shown,),
            frame_times=tuple(frame.time_seconds for frame in frames),
            cues=tuple(CueLine.of(cue) for cue in heard),
            speech=speech_of(index, [shown], heard),
        ),
        reply_type=LookReply,
        stage="look",
        pictures=tuple(map(Picture.of, frames)),
        span=shown,
    )
    return (await model.run(request)).value, frames


async def frames_at(source: FrameSource, times: Sequence[float]) -> list[Frame]:
    """The frames on screen at these times, each once."""
    frames = await in_thread(partial(source.at, times))
    return list({frame.time_seconds: frame for frame in frames}.values())


def _no_events(event: Event) -> None:
    """A look is short: it reports nothing on the way."""
