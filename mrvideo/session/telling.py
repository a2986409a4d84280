"""Summaries, chapters and stories of an index: views of its memory."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from mrvideo.errors import InputError, NotWritten, VideoError
from mrvideo.files import DISK_FAULTS
from mrvideo.library import Library
from mrvideo.mapreduce import portal
from mrvideo.media.chapters import read_chapters, write_chapters
from mrvideo.memory.tell import SENTENCES, Style, tell
from mrvideo.memory.tree import Memory, Node
from mrvideo.memory.views import Length, Telling, listed, summary, with_names
from mrvideo.models import Budget
from mrvideo.questions import check_words
from mrvideo.records import EventSink, GivenChapter, Index, Span
from mrvideo.session.models import opened_models
from mrvideo.session.options import cropped_source
from mrvideo.session.remembering import any_memory, memory_of
from mrvideo.settings import Settings

ChapterOrigin: TypeAlias = Literal["file", "page", "made"]
"""Whose chapters: those inside the file, those of the page that it was fetched from, or ours."""

STORY_SENTENCES = 24
"""Of a story, for each dozen chapters."""


def summarise(
    index: Index,
    settings: Settings,
    *,
    length: Length = "page",
    about: str = "",
    within: Span | None = None,
    steps: bool = False,
    on_event: EventSink,
    budget: Budget | None = None,
) -> Telling:
    """A summary whose every sentence cites spans. Of the whole video it is read from the memory, without a
    call.

    Raises `QuestionError` for an `about` that is no text, `InputError` for a span outside the video,
    `ModelUnavailable`, `BudgetReached`.
    """
    if about:
        check_words("about", about)
    if within is not None and not within.overlaps(index.span):
        raise InputError(f"{within} lies outside the video, which is {index.span} long")
    memory = memory_of(index, settings, on_event=on_event, budget=budget)
    if not about and within is None and not steps:
        return summary(index, memory, length)
    style: Style = "steps" if steps else "summary"
    return _told(
        index, memory, settings, style, about, within, SENTENCES[length], on_event=on_event, budget=budget
    )


def story(index: Index, settings: Settings, *, on_event: EventSink, budget: Budget | None = None) -> Telling:
    """What is seen, read and said, told as one. Raises `ModelUnavailable`, `BudgetReached`."""
    memory = memory_of(index, settings, on_event=on_event, budget=budget)
    return _told(
        index, memory, settings, "story", "", None, STORY_SENTENCES, on_event=on_event, budget=budget
    )


def chapters(
    index: Index,
    settings: Settings,
    *,
    every: bool = False,
    on_event: EventSink,
    budget: Budget | None = None,
) -> tuple[Node, ...]:
    """The chapters; of a long video the parts above them, unless every one is asked for. Titles have people's
    own names.
    """
    memory = memory_of(index, settings, on_event=on_event, budget=budget)
    return tuple(
        node.model_copy(update={"title": with_names(node.title, index.entities)})
        for node in listed(memory, every=every)
    )


def kept_chapters(index: Index, settings: Settings) -> tuple[Node, ...] | None:
    """The chapters as `chapters` lists them, where a memory of any model is kept, else None. No model is
    called.

    Titles and summaries have people's own names.
    """
    with closing(Library.open(settings.library, create=False)) as library:
        memory = any_memory(index, settings, library)
    return None if memory is None else tuple(_named(node, index) for node in listed(memory))


def _named(node: Node, index: Index) -> Node:
    summary = tuple(
        one.model_copy(update={"text": with_names(one.text, index.entities)}) for one in node.summary
    )
    title = with_names(node.title, index.entities)
    return node.model_copy(update={"title": title, "summary": summary})


def brought_chapters(index: Index, settings: Settings) -> tuple[ChapterOrigin, tuple[GivenChapter, ...]]:
    """The chapters that came with the video: those inside its file, else those of the page that it was fetched
    from; none where neither has any, or the file is gone or of another film by now.
    """
    with suppress(VideoError):
        cropped_source(index, settings, long_side_pixels=64).check()
        inside = read_chapters(
            index.video.path, allow_url=settings.allow_url, allow_private=settings.allow_private
        )
        if inside:
            return "file", inside
    page = index.video.page
    return "page", () if page is None else page.chapters


def copy_with_chapters(
    index: Index, nodes: Sequence[Node | GivenChapter], target: Path, settings: Settings
) -> None:
    """The video file with the chapters inside, as another file. Raises `InputError`, `VideoError`, and
    `NotWritten` where the disk has no room for it.
    """
    rows = [(node.start_seconds, node.stop_seconds, node.title) for node in nodes]
    folder, size_bytes = target.absolute().parent, index.video.size_bytes
    if not folder.is_dir():
        raise InputError(f"cannot write {target}: its folder is missing; name a writable file")
    if shutil.disk_usage(folder).free < size_bytes:
        raise NotWritten(
            f"cannot write {target}: its disk has no room for {size_bytes:,} bytes; {DISK_FAULTS[errno.ENOSPC]}"
        )
    # Of another film by now, the chapters would be those of this one.
    cropped_source(index, settings, long_side_pixels=64).check()
    write_chapters(
        index.video.path, target, rows, allow_url=settings.allow_url, allow_private=settings.allow_private
    )


def _told(
    index: Index,
    memory: Memory,
    settings: Settings,
    style: Style,
    about: str,
    within: Span | None,
    sentences: int,
    *,
    on_event: EventSink,
    budget: Budget | None,
) -> Telling:
    with (
        closing(Library.open(settings.library)) as library,
        opened_models(settings, library, on_event, budget, video=index.video.digest) as models,
    ):
        told: Telling = portal().call(
            partial(
                tell, index, memory, text=models.text, style=style, about=about, within=within,
                sentences=sentences, on_event=on_event,
            )
        )  # fmt: skip
        return told.model_copy(update={"usage": memory.usage + models.ledger.total()})
