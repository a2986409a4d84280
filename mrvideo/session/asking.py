"""Stage B for one question: models, frames and library in, a kept answer out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from anyio import to_thread

from mrvideo.agents.ask.run import ask
from mrvideo.errors import LibraryError
from mrvideo.library import Library
from mrvideo.mapreduce import in_thread, start_on_portal
from mrvideo.media.looks import FrameSource
from mrvideo.memory import Memory
from mrvideo.models import Budget
from mrvideo.questions import check_question
from mrvideo.records import Answer, Effort, EventSink, Index, Moment, Notice
from mrvideo.retrieval.finder import Compared
from mrvideo.session.describing import described, is_described
from mrvideo.session.finding import has_pictures, moments_for
from mrvideo.session.meaning import meant
from mrvideo.session.models import Models, check_recording, open_models
from mrvideo.session.options import cropped_source
from mrvideo.session.remembering import is_walked, remembered
from mrvideo.settings import Settings
from mrvideo.wording import is_url

CHECKING: frozenset[Effort] = frozenset({"high", "exhaustive"})
"""Efforts at which claims are checked, perhaps by a model of its own."""

_SOURCE_PIXELS = 4096
"""No source is scaled down to less for crops of small text."""


def start_asking(
    index: Index,
    question: str,
    options: Sequence[str] | None,
    settings: Settings,
    *,
    must_choose: bool = False,
    on_event: EventSink,
    budget: Budget | None = None,
) -> Future[Answer]:
    """Start answering on the portal; cancelling the future stops the work. Thread-safe.

    Raises `QuestionError` at once for a question that cannot be asked.
    """
    check_question(question, options, must_choose=must_choose)
    return start_on_portal(
        partial(
            ask_index,
            index,
            question,
            tuple(options or ()),
            settings,
            must_choose=must_choose,
            on_event=on_event,
            budget=budget,
        )
    )


async def ask_index(
    index: Index,
    question: str,
    options: tuple[str, ...],
    settings: Settings,
    *,
    must_choose: bool,
    on_event: EventSink,
    budget: Budget | None = None,
) -> Answer:
    """Stage B for one question, on the event-loop thread. The answer is stored in the library."""
    await to_thread.run_sync(check_recording, settings)
    async with opened(settings, on_event, budget, video=index.video.digest) as (models, library):
        answer = await answer_from(
            models,
            index,
            question,
            options,
            settings,
            must_choose=must_choose,
            on_event=on_event,
            library=library,
        )
        try:
            await to_thread.run_sync(library.put_answer, answer)
        except LibraryError as error:
            # It is paid for and at hand: losing it for want of a place to keep it would help nobody.
            on_event(Notice(text=f"the answer is not kept: {error}"))
        return answer


@asynccontextmanager
async def opened(
    settings: Settings, on_event: EventSink, budget: Budget | None = None, *, video: str | None = None
) -> AsyncGenerator[tuple[Models, Library]]:
    """The models and the library of one question about that video, closed at the end; on the event-loop
    thread.

    Keys and servers are checked before the first call: replies that the library holds need neither.
    """
    library = await to_thread.run_sync(Library.open, settings.library)
    try:
        checking = settings.effort in CHECKING
        models = open_models(
            settings,
            library,
            on_event,
            budget,
            video=video,
            checking=checking,
            comparing=True,
            at_first_call=True,
        )
        try:
            yield models, library
        finally:
            await models.aclose()
    finally:
        library.close()


async def answer_from(
    models: Models,
    index: Index,
    question: str,
    options: tuple[str, ...],
    settings: Settings,
    *,
    must_choose: bool,
    on_event: EventSink,
    library: Library | None = None,
    walks: bool = True,
) -> Answer:
    """Answer with these models. The answer has their usage and is not stored. Without a library, or with
    `walks` False, all of the video is read.
    """
    frames = await frames_for(index, settings, models)
    answer = await ask(
        question,
        options=options,
        index=index,
        frames=frames,
        vision=models.vision,
        text=models.text,
        checker=models.verify,
        closeups=None if frames is None else _closeups(frames),
        photos={} if library is None else await in_thread(partial(_photos, index, library)),
        effort=settings.effort,
        must_choose=must_choose,
        max_rounds=settings.max_rounds,
        memory=await _memory(models, index, settings, library, on_event) if walks else None,
        max_opened=settings.max_opened,
        pointed=()
        if library is None
        else await _pointed(models, index, question, options, settings, on_event),
        on_event=on_event,
    )
    made = {"index": index.key, **index.settings, "max_rounds": settings.max_rounds}
    return answer.model_copy(
        update={"usage": models.ledger.total(), "models": models.names, "settings": made}
    )


async def _memory(
    models: Models, index: Index, settings: Settings, library: Library | None, on_event: EventSink
) -> Memory | None:
    """The memory to walk, built on first need; None where all is read."""
    if library is None or not is_walked(index, settings):
        return None
    return await remembered(index, settings, library, models.text, on_event)


async def _pointed(
    models: Models,
    index: Index,
    question: str,
    options: Sequence[str],
    settings: Settings,
    on_event: EventSink,
) -> tuple[Moment, ...]:
    """What `find` finds for the question, where pictures or meanings are compared: words alone find no more
    than the memory's own do.
    """
    if settings.embed is None and models.meaning is None:
        return ()
    asked = " ".join([question, *options])
    description = None
    if is_described(settings) and await in_thread(partial(has_pictures, index, settings)):
        description, _ = await described(asked, models.text, on_event)
    meanings: list[Compared] = []
    if models.meaning is not None:
        meanings, _ = await meant([index], asked, settings, models.meaning, on_event)
    return await in_thread(
        partial(moments_for, index, asked, settings, on_event, description=description, meanings=meanings)
    )


async def frames_for(index: Index, settings: Settings, models: Models) -> FrameSource | None:
    """The source of fresh frames, at the size that the vision model reads best; None when the video cannot be
    read.

    Raises `VideoChanged` when the path holds another video by now.
    """
    path = index.video.path
    there = settings.allow_url if is_url(path) else await to_thread.run_sync(Path(path).is_file)
    if not there:
        return None
    source = cropped_source(index, settings, long_side_pixels=models.vision.capabilities.long_side_pixels)
    # Before anything is paid for. What lies at an address is fetched here.
    await in_thread(source.check)
    return source


def _photos(index: Index, library: Library) -> dict[str, bytes]:
    """What the user gave of members of the cast, by `Entity.photo`."""
    names = {entity.photo for entity in index.entities if entity.photo is not None}
    found = {name: library.photo(index.video.digest, name) for name in names}
    return {name: jpeg for name, jpeg in found.items() if jpeg is not None}


def _closeups(source: FrameSource) -> FrameSource:
    """The same frames at the size of the source, of which crops show small text."""
    return FrameSource(source.path, replace(source.options, long_side_pixels=_SOURCE_PIXELS))
