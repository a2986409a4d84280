"""The SDK: index a video, ask it, search it. Thin: the work is done in `session` and `tools`.

Every function has a sync and an async face over the same work: indexing runs in the calling thread (or a
helper thread for `aindex`), questions run on the process's event-loop thread. Both work inside a notebook's
running loop.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from mrvideo.display import html
from mrvideo.errors import InputError, VideoError
from mrvideo.media import open_video
from mrvideo.media.content import Content
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.memory import Node
from mrvideo.memory.views import Length, Telling
from mrvideo.models import Budget
from mrvideo.records import (
    HTML_VIEWS,
    Answer,
    Correction,
    Cue,
    Entity,
    Event,
    EventSink,
    Failure,
    Found,
    Frame,
    Hit,
    Index,
    Scene,
    Shot,
    Span,
    Spanned,
    VideoInfo,
    clock,
)
from mrvideo.schemas.analysis import LookReply
from mrvideo.session import casting, cutting, telling
from mrvideo.session.asking import start_asking
from mrvideo.session.casting import CastChange
from mrvideo.session.cutting import ClipFormat, WrittenClip
from mrvideo.session.exporting import FORMATS, Format, export_index
from mrvideo.session.finding import library_indexes, start_finding
from mrvideo.session.indexing import aindex_video, index_video
from mrvideo.session.loading import load_index
from mrvideo.session.looking import start_looking
from mrvideo.session.options import frame_source
from mrvideo.session.paging import (
    DEFAULT_PICTURES,
    check_page,
    film_linked,
    page_of_answer,
    page_of_index,
    write_page,
)
from mrvideo.session.searching import answers_of, search_library, search_video
from mrvideo.settings import Settings, choose_settings
from mrvideo.wording import counted

if TYPE_CHECKING:
    from mrvideo.tools.chat import Chat

PathLike: TypeAlias = str | Path
SpanLike: TypeAlias = Spanned | tuple[float, float]
"""A `Span`, anything that has one (a scene, a cue, evidence), or `(start_seconds, stop_seconds)`."""
ExportFormat: TypeAlias = Format | Literal["html"]
T = TypeVar("T")


def _ignore(event: Event) -> None:
    """The default sink."""


def index(
    video: PathLike,
    *,
    settings: Settings | None = None,
    subtitles: PathLike | None = None,
    on_event: EventSink = _ignore,
    budget: Budget | None = None,
    **overrides: Any,
) -> Video:
    """Caption a video, name its cast, and keep the result; what is kept already is not done again.

    `overrides` are fields of `Settings`, such as `vision="openai:gpt-5-mini"`. `on_event` is called from any
    thread. With `budget` the bound is shared with whatever else it is handed to. Raises `VideoError` for a
    file that is no video, `SettingsError`, `ModelUnavailable`, `BudgetReached` (what is done is kept),
    `LibraryError`. Spans that could not be captioned are no error: see `Video.failures`.
    """
    chosen = choose_settings(settings, overrides)
    found = index_video(str(video), chosen, subtitles=_path(subtitles), on_event=on_event, budget=budget)
    return Video(found, chosen, budget)


async def aindex(
    video: PathLike,
    *,
    settings: Settings | None = None,
    subtitles: PathLike | None = None,
    on_event: EventSink = _ignore,
    budget: Budget | None = None,
    **overrides: Any,
) -> Video:
    """`index` without blocking the running event loop; cancelling it stops the work, and what is done is
    kept.
    """
    chosen = await asyncio.to_thread(choose_settings, settings, overrides)
    found = await aindex_video(
        str(video), chosen, subtitles=_path(subtitles), on_event=on_event, budget=budget
    )
    return Video(found, chosen, budget)


def load(
    video: PathLike, *, settings: Settings | None = None, budget: Budget | None = None, **overrides: Any
) -> Video:
    """A video that is in the library already: by path, or by the first 8 or more digits of its digest.

    The newest index is taken, whatever settings it was made with. Nothing is decoded and no model is called;
    the file itself may be gone. Raises `InputError` when it was never indexed.
    """
    chosen = choose_settings(settings, overrides)
    return Video(load_index(str(video), chosen), chosen, budget)


async def aload(
    video: PathLike, *, settings: Settings | None = None, budget: Budget | None = None, **overrides: Any
) -> Video:
    """`load` without blocking the running event loop."""
    return await asyncio.to_thread(partial(load, video, settings=settings, budget=budget, **overrides))


def search(
    words: str, *, limit: int = 20, settings: Settings | None = None, **overrides: Any
) -> tuple[Hit, ...]:
    """Captions, cues and on-screen texts of all indexed videos that hold the words, best first.

    Raises `InputError` when there is no library yet.
    """
    return search_library(words, choose_settings(settings, overrides), limit=limit)


def find(
    query: str = "",
    *,
    folder: PathLike | None = None,
    like: PathLike | None = None,
    top: int = 10,
    confirm: bool = False,
    settings: Settings | None = None,
    on_event: EventSink = _ignore,
    **overrides: Any,
) -> Found:
    """The moments of all indexed videos, or of those below a folder, that fit a query, best first: see
    `Video.find`.

    Raises `InputError` where no indexed video is there.
    """
    chosen = choose_settings(settings, overrides)
    indexes = library_indexes(chosen, folder=None if folder is None else str(folder))
    return _result(
        start_finding(
            indexes,
            query,
            chosen,
            like=None if like is None else str(like),
            top=top,
            confirm=confirm,
            on_event=on_event,
        )
    )


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)


def _result(future: Future[T]) -> T:
    """What comes; a Ctrl-C stops the work."""
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


class Video:
    """An indexed video. Cheap to hold: records only; frames are read from the file when asked for."""

    def __init__(self, index: Index, settings: Settings, budget: Budget | None = None) -> None:
        """With `budget` all its questions share that bound; else each keeps to the settings' own."""
        self._index = index
        self._settings = settings
        self._budget = budget

    @property
    def index(self) -> Index:
        """Everything stage A knows."""
        return self._index

    @property
    def settings(self) -> Settings:
        """The settings that questions are asked with."""
        return self._settings

    @property
    def info(self) -> VideoInfo:
        """The file: digest, path, duration, size, codec."""
        return self._index.video

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Captioned events in order."""
        return self._index.scenes

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The cast, by first appearance."""
        return self._index.entities

    @property
    def cues(self) -> tuple[Cue, ...]:
        """Speech and subtitles in order."""
        return self._index.cues

    @property
    def shots(self) -> tuple[Shot, ...]:
        """What lies between camera cuts."""
        return self._index.shots

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Spans that could not be perceived; the next `index` tries them again."""
        return self._index.failures

    def __repr__(self) -> str:
        counts = (
            counted(len(self.scenes), "scene"),
            counted(len(self.entities), "entity", "entities"),
            counted(len(self.cues), "cue"),
            counted(len(self.failures), "failure"),
        )
        return f"Video({self.info.path!r}, {self.info.duration_seconds:.1f} s, {', '.join(counts)})"

    def _repr_html_(self) -> str:
        return html.video_html(self._index, self._thumbnails())

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """What was put right in the cast so far, in that order."""
        return casting.corrections_of(self._index, self._settings)

    def merge(self, keep: str, other: str, *, on_event: EventSink = _ignore) -> CastChange:
        """`other` is the same as `keep`, whose name stays. Names are those of `entities`, or real ones.

        Here, as in `split`, `rename`, `tell_apart`, `give_photo` and `undo`: captions, search, memories and
        this object follow, no model is called, and indexing again keeps it. Answers that rest on a changed name come back
        from `answers` with `stale` set. Raises `InputError` for a name that is not in the cast,
        `LibraryError`.
        """
        return self._changed(casting.merge(self._index, keep, other, self._settings, on_event=on_event))

    def split(
        self,
        name: str,
        *,
        scenes: Sequence[int] = (),
        mentions: Sequence[str] = (),
        on_event: EventSink = _ignore,
    ) -> CastChange:
        """Whom `name` means in these scenes (indexes of `scenes`), or in these mentions
        (`Entity.mention_ids`), is somebody else.
        """
        return self._changed(
            casting.split(
                self._index, name, self._settings, scenes=scenes, mentions=mentions, on_event=on_event
            )
        )

    def rename(self, name: str, called: str, *, on_event: EventSink = _ignore) -> CastChange:
        """Give a member of the cast a real name; an empty one takes it away."""
        return self._changed(casting.rename(self._index, name, called, self._settings, on_event=on_event))

    def tell_apart(self, one: str, other: str, *, on_event: EventSink = _ignore) -> CastChange:
        """The two are not the same, whatever indexing again finds."""
        return self._changed(casting.tell_apart(self._index, one, other, self._settings, on_event=on_event))

    def give_photo(self, name: str, photo: PathLike | bytes, *, on_event: EventSink = _ignore) -> CastChange:
        """Keep a photo of a member of the cast: a picture's path, or what its file holds. Questions that look
        at frames are shown it, and `Entity.photo` names it.

        Raises `InputError` for what is no picture that can be read.
        """
        given = photo if isinstance(photo, bytes) else Path(photo)
        return self._changed(casting.give_photo(self._index, name, given, self._settings, on_event=on_event))

    def photo(self, name: str) -> bytes | None:
        """The photo that was given of a member of the cast, as JPEG; None without one."""
        return casting.photo_named(self._index, name, self._settings)

    def undo(self, *, on_event: EventSink = _ignore) -> CastChange:
        """Take back the last correction of the cast. Raises `InputError` when there is none."""
        return self._changed(casting.undo(self._index, self._settings, on_event=on_event))

    def _changed(self, change: CastChange) -> CastChange:
        self._index = change.index
        return change

    def frames(
        self,
        where: SpanLike | Sequence[float],
        *,
        max_frames: int = 8,
        long_side_pixels: int = 512,
    ) -> list[Frame]:
        """Frames as JPEG bytes, in order of time.

        `where` is a span, `(start_seconds, stop_seconds)` or a record that has one: up to `max_frames` are
        spread evenly over it. Or it is a list of times in seconds: the frame on screen at each of them. Two
        times in a tuple are a span. Raises `InputError` for a span outside the video, `VideoError` when the
        file is gone.
        """
        source = self._frame_source(long_side_pixels)
        if isinstance(where, Spanned) or (isinstance(where, tuple) and len(where) == 2):
            span = _span_of(where)
            shown = span.intersection(self._index.span)
            if shown is None:
                length = clock(self.info.duration_seconds)
                raise InputError(f"{span} lies outside the video, which is {length} long")
            # A still picture is on screen at several of the times.
            return list({frame.time_seconds: frame for frame in source.at(shown.spread(max_frames))}.values())
        return source.at(sorted(where))

    def search(self, words: str, *, limit: int = 20) -> tuple[Hit, ...]:
        """Captions, cues and on-screen texts of this video that hold the words, best first."""
        return search_video(self.info.digest, words, self._settings, limit=limit)

    def summarise(
        self,
        length: Length = "page",
        *,
        about: str = "",
        within: SpanLike | None = None,
        steps: bool = False,
        on_event: EventSink = _ignore,
    ) -> Telling:
        """A summary; each of its sentences has the spans that bear it out. `print` it, or walk `sections`.

        Of the whole video in the given length; `about` somebody or something, of a span, or as `steps` of a
        procedure. The memory that it is read from is built by the text model on first need and kept. Raises
        `ModelUnavailable`, `BudgetReached`.
        """
        span = None if within is None else _span_of(within)
        return telling.summarise(
            self._index, self._settings, length=length, about=about, within=span, steps=steps,
            on_event=on_event, budget=self._budget,
        )  # fmt: skip

    def story(self, *, on_event: EventSink = _ignore) -> Telling:
        """Pictures, texts and speech as one telling; each of its sentences has its spans."""
        return telling.story(self._index, self._settings, on_event=on_event, budget=self._budget)

    @property
    def chapters(self) -> tuple[Node, ...]:
        """Every chapter: span, title, summary, who appears, facts with the scenes that bear them out."""
        return telling.chapters(
            self._index, self._settings, every=True, on_event=_ignore, budget=self._budget
        )

    def find(
        self,
        query: str = "",
        *,
        like: PathLike | None = None,
        within: SpanLike | None = None,
        top: int = 10,
        confirm: bool = False,
        on_event: EventSink = _ignore,
        **overrides: Any,
    ) -> Found:
        """The moments that fit a description, best first, with why: what was seen, read and said at the same
        time.

        Words are taken in all their forms, unlike in `search`. `moments` is empty where nothing is above
        chance; `nearest` then tells what comes closest. With `confirm` the vision model looks at the best
        `top` and drops what is not there. With `like`, a picture's file, shots whose frames look like it
        count too; `embed` names the model that compares, and without one colours and textures are compared.
        `embed_text` names one that compares what texts mean, where `index` has embedded them. `overrides` are fields of `Settings`. Raises `QuestionError` for an empty query, `InputError` for a
        span outside the video, `SettingsError` for `confirm` without a model that sees, `ModelUnavailable`,
        `BudgetReached`.
        """
        return _result(self._finding(query, like, within, top, confirm, on_event, overrides))

    async def afind(
        self,
        query: str = "",
        *,
        like: PathLike | None = None,
        within: SpanLike | None = None,
        top: int = 10,
        confirm: bool = False,
        on_event: EventSink = _ignore,
        **overrides: Any,
    ) -> Found:
        """`find` without blocking the running event loop."""
        return await asyncio.wrap_future(
            self._finding(query, like, within, top, confirm, on_event, overrides)
        )

    def clips(
        self,
        spans: SpanLike | Sequence[SpanLike] | Answer | Found,
        folder: PathLike,
        *,
        pad_seconds: float | None = None,
        format: ClipFormat = "mp4",
        join: bool = False,
        frames: int | None = None,
        overwrite: bool = False,
        on_event: EventSink = _ignore,
    ) -> list[WrittenClip]:
        """Write spans of this video as files whose names sort as the spans do: `01_00-12-03.mp4`.

        `spans` are a span or several, in that order, or an `Answer`, whose evidence is meant, or what `find`
        found; those are widened by `pad_seconds` (1 unless given), joined where they overlap, and in order of
        time. `format` is mp4, gif, edl, otio or llc; `join` makes one film of all; with `frames`, so many
        pictures of each span are written instead. Exact to the frame; see docs, "Clips". Raises `InputError`
        for a span outside the video, a file that exists unless `overwrite`, or a folder that cannot be
        written; `VideoChanged` where the path holds another video by now, `DecodeError` where a span is
        damaged.
        """
        way = cutting.Way(format=format, join=join, frames=frames, overwrite=overwrite)
        if isinstance(spans, Answer | Found):
            told = cutting.spans_cited(spans) if isinstance(spans, Answer) else cutting.spans_found(spans)
            wide = cutting.PADDED_SECONDS if pad_seconds is None else pad_seconds
            wanted = cutting.told_to_cut(
                told,
                self._settings,
                video=self.info,
                pad_seconds=wide,
                instants=frames is not None,
                on_event=on_event,
            )
        else:
            single = isinstance(spans, Spanned) or (
                isinstance(spans, tuple) and len(spans) == 2 and not isinstance(spans[0], Spanned | tuple)
            )
            several: Sequence[Any] = [spans] if single else spans  # pyright: ignore[reportAssignmentType]
            asked = [_span_of(span) for span in several]
            wanted = [
                cutting.to_cut(
                    self.info,
                    asked,
                    pad_seconds=pad_seconds or 0.0,
                    instants=frames is not None,
                    on_event=on_event,
                )
            ]
        return cutting.write_clips(wanted, Path(folder), self._settings, way, on_event=on_event)

    def export(
        self,
        output: PathLike | None = None,
        *,
        format: ExportFormat = "json",
        pictures: int = DEFAULT_PICTURES,
        link_video: bool = False,
    ) -> str:
        """The index as text: json, jsonl (a scene a line), srt, vtt, md, or html, and written to `output` where
        that is given.

        html is one page that needs nothing else, with up to `pictures` frames inside; with `link_video` it
        plays the video's file, by its path relative to `output`. Raises `InputError` where `output` cannot be
        written.
        """
        if format not in (*FORMATS, "html"):
            raise InputError(f"no format {format!r}; there are {', '.join(FORMATS)}, html")
        page = _path(output)
        if page is not None:
            check_page(page, self._settings, video=self.info.path)
        if format == "html":
            film = film_linked(page, self.info.path, link_video=link_video)
            text = page_of_index(self._index, self._settings, most_pictures=pictures, film=film)
        else:
            text = export_index(self._index, format)
        if page is not None:
            write_page(page, text)
        return text

    def report(
        self,
        answer: Answer,
        output: PathLike | None = None,
        *,
        pictures: int = DEFAULT_PICTURES,
        link_video: bool = False,
    ) -> str:
        """One page of an answer about this video, with frames of its evidence, and written to `output` where
        that is given. `pictures`, `link_video` and what is raised are those of `export`.

        Raises `InputError` for an answer about another video.
        """
        if answer.video_digest != self.info.digest:
            raise InputError(
                f"the answer is about {answer.video}, not about {self.info.path}; load that video"
            )
        page = _path(output)
        if page is not None:
            check_page(page, self._settings, video=self.info.path)
        film = film_linked(page, self.info.path, link_video=link_video)
        text = page_of_answer(answer, self._index, self._settings, most_pictures=pictures, film=film)
        if page is not None:
            write_page(page, text)
        return text

    def answers(self) -> tuple[Answer, ...]:
        """Every answer given so far, oldest first, with the settings it was made with."""
        return answers_of(self.info.digest, self._settings)

    def ask(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        must_choose: bool = False,
        on_event: EventSink = _ignore,
        **overrides: Any,
    ) -> Answer:
        """Answer a question, with evidence.

        With `options` the answer is one of them, or none when the video does not tell; `must_choose` forces
        one and marks it as guessed. `overrides` are fields of `Settings`, such as `effort="low"`. Raises
        `QuestionError` for an empty question or fewer than two options, `ModelUnavailable`, `BudgetReached`.
        """
        return _result(self._start(question, options, must_choose, on_event, overrides))

    async def aask(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        must_choose: bool = False,
        on_event: EventSink = _ignore,
        **overrides: Any,
    ) -> Answer:
        """`ask` without blocking the running event loop; cancelling it stops the work."""
        return await asyncio.wrap_future(self._start(question, options, must_choose, on_event, overrides))

    def stream(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        must_choose: bool = False,
        **overrides: Any,
    ) -> Iterator[Event | Answer]:
        """What happens while a question is answered, as it happens; the `Answer` comes last."""
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        future = self._start(question, options, must_choose, events.put, overrides)
        future.add_done_callback(lambda _: events.put(None))
        try:
            while (event := events.get()) is not None:
                yield event
            yield future.result()
        finally:
            future.cancel()

    async def astream(
        self,
        question: str,
        options: Sequence[str] | None = None,
        *,
        must_choose: bool = False,
        **overrides: Any,
    ) -> AsyncIterator[Event | Answer]:
        """`stream` for a running event loop: `async for event in video.astream("…")`."""
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(event: Event | None) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        future = self._start(question, options, must_choose, put, overrides)
        future.add_done_callback(lambda _: put(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield await asyncio.wrap_future(future)
        finally:
            future.cancel()

    def look(
        self, span: SpanLike, question: str, *, max_frames: int = 8, uncropped: bool = False
    ) -> tuple[LookReply, list[Frame]]:
        """Look again at frames spread over a span, with one question: what the vision model saw, and the
        frames.

        Black bars are left out unless `uncropped`; each frame's `crop` tells which part of the picture it
        shows. The span is a `Span`, `(start_seconds, stop_seconds)`, or a record that has one. Raises
        `VideoError` when the file is gone, `InputError` for a span outside the video, a `ModelError`
        otherwise.
        """
        return _result(self._looking(_span_of(span), question, max_frames, uncropped))

    async def alook(
        self, span: SpanLike, question: str, *, max_frames: int = 8, uncropped: bool = False
    ) -> tuple[LookReply, list[Frame]]:
        """`look` without blocking the running event loop."""
        return await asyncio.wrap_future(self._looking(_span_of(span), question, max_frames, uncropped))

    def chat(self, *, name: str = "chat", keep: bool = False, max_steps: int = 12) -> Chat:
        """A conversation about this video, led by an agent that calls the tools. `keep` takes it up again by
        its name.

        Raises `SettingsError` when the text model cannot call tools, as the offline model cannot.
        """
        from mrvideo.tools.chat import Chat

        kept = self._settings.library.parent / "chats.db" if keep else None
        return Chat([self.info.path], self._settings, name=name, checkpoints=kept, max_steps=max_steps)

    def _start(
        self,
        question: str,
        options: Sequence[str] | None,
        must_choose: bool,
        on_event: EventSink,
        overrides: dict[str, Any],
    ) -> Future[Answer]:
        return start_asking(
            self._index,
            question,
            options,
            self._settings.updated(**overrides),
            must_choose=must_choose,
            on_event=on_event,
            budget=self._budget,
        )

    def _finding(
        self,
        query: str,
        like: PathLike | None,
        within: SpanLike | None,
        top: int,
        confirm: bool,
        on_event: EventSink,
        overrides: dict[str, Any],
    ) -> Future[Found]:
        return start_finding(
            [self._index],
            query,
            self._settings.updated(**overrides),
            like=None if like is None else str(like),
            top=top,
            within=None if within is None else _span_of(within),
            confirm=confirm,
            on_event=on_event,
            budget=self._budget,
        )

    def _looking(
        self, span: Span, question: str, max_frames: int, uncropped: bool
    ) -> Future[tuple[LookReply, list[Frame]]]:
        return start_looking(
            self._index,
            span,
            question,
            self._settings,
            max_frames=max_frames,
            uncropped=uncropped,
            budget=self._budget,
        )

    def _thumbnails(self) -> FrameSource | None:
        if not Path(self.info.path).is_file():
            return None
        return self._frame_source(html.THUMBNAIL_PIXELS)

    def _frame_source(self, long_side_pixels: int) -> FrameSource:
        return frame_source(self._index.video, self._settings, long_side_pixels=long_side_pixels)


def _span_of(span: SpanLike) -> Span:
    if isinstance(span, Spanned):
        return span.span
    try:
        start, stop = span
        return Span(start, stop)
    except (TypeError, ValueError):
        # Pydantic's own words are many lines, and ValueErrors.
        raise InputError(
            f"{span!r} is no span: give (start_seconds, stop_seconds), both 0 or more, the start first"
        ) from None


def _answer_html(answer: Answer) -> str:
    """An answer knows its video's path only: pictures are shown while the file is there."""
    if not Path(answer.video).is_file():
        return html.answer_html(answer)
    options = ReadOptions(long_side_pixels=html.THUMBNAIL_PIXELS, content=Content(answer.video_digest))
    source = FrameSource(answer.video, options)
    try:
        source.check()
        with open_video(answer.video) as reader:
            info = reader.info
    except VideoError:
        # Another video by now, or none any more: pictures of it would prove nothing.
        return html.answer_html(answer)
    return html.answer_html(answer, duration_seconds=info.duration_seconds, source=source)


HTML_VIEWS[Answer] = _answer_html
HTML_VIEWS[Scene] = html.scene_html
HTML_VIEWS[Entity] = html.entity_html
