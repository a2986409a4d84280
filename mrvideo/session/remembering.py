"""The memory of an index: the kept one where there is one, else built and kept."""

from __future__ import annotations

from contextlib import closing

from anyio import to_thread

from mrvideo.library import Library
from mrvideo.mapreduce import portal
from mrvideo.memory.build import build_memory, memory_key
from mrvideo.memory.tree import Memory
from mrvideo.models import Budget
from mrvideo.models.base import Model
from mrvideo.records import EventSink, Index, Notice, Span, Usage
from mrvideo.session.models import check_reachable, opened_models
from mrvideo.settings import OFFLINE, Settings

KIND = "memory"

WALKED_FROM = 128
"""A video of more scenes than two calls read is walked by its memory; of others all is read."""


def is_walked(index: Index, settings: Settings) -> bool:
    """Whether questions read what a memory points to: not of short videos, without a model, or at effort
    `exhaustive`.
    """
    long = len(index.scenes) > WALKED_FROM
    return long and settings.text_model != OFFLINE and settings.effort != "exhaustive"


def kept_memory(index: Index, settings: Settings, library: Library) -> Memory | None:
    """The memory that these settings would build; where no text model is set, one that any model has built of
    this index.
    """
    if settings.fresh:
        return None
    body = library.part(memory_key(index, settings.text_model))
    if body is not None:
        return Memory.model_validate_json(body)
    for other in library.parts(index.video.digest, KIND) if settings.text_model == OFFLINE else ():
        memory = Memory.model_validate_json(other)
        if memory.key == memory_key(index, memory.made_by):
            return memory
    return None


def any_memory(index: Index, settings: Settings, library: Library) -> Memory | None:
    """The memory that these settings would build where it is kept, else one that any model has built of this
    index.
    """
    kept = kept_memory(index, settings, library)
    return kept or kept_memory(index, settings.updated(text=OFFLINE, fresh=False), library)


def memory_of(
    index: Index, settings: Settings, *, on_event: EventSink, budget: Budget | None = None
) -> Memory:
    """The memory of an index, from the library or built by the text model; for code outside the event-loop
    thread.

    `usage` is what this run took. Raises `ModelUnavailable`, `BudgetReached`, `LibraryError`; what was
    answered by then is kept.
    """
    with closing(Library.open(settings.library, create=False)) as library:
        kept = kept_memory(index, settings, library)
    if kept is not None:
        return _unpaid(kept)
    check_reachable(settings, lambda line: on_event(Notice(text=line)))
    with (
        closing(Library.open(settings.library)) as library,
        opened_models(settings, library, on_event, budget, video=index.video.digest) as models,
        library.claim(f"{index.video.digest} {KIND}"),
    ):
        built: Memory = portal().call(remembered, index, settings, library, models.text, on_event)
        return built.model_copy(update={"usage": models.ledger.total()})


async def remembered(
    index: Index, settings: Settings, library: Library, text: Model, on_event: EventSink
) -> Memory:
    """`memory_of` on the event-loop thread, with a model and a library that are open."""
    kept = await to_thread.run_sync(kept_memory, index, settings, library)
    if kept is not None:
        return _unpaid(kept)
    built = await build_memory(index, text=text, on_event=on_event)
    await to_thread.run_sync(_keep, index, built, library)
    return built


def _unpaid(kept: Memory) -> Memory:
    return kept.model_copy(update={"usage": Usage()})


def _keep(index: Index, memory: Memory, library: Library) -> None:
    """Keep it; one with failures is built again next time, when only the calls that failed are made."""
    if memory.failures or not library.writable:
        return
    whole = Span(0.0, index.video.duration_seconds)
    library.put_part(memory.key, KIND, index.video.digest, whole, memory.model_dump_json())
