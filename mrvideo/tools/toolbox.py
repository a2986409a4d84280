"""The tools that LLM agents call, defined once: typed inputs, typed outputs, sizes bounded for a context
window.

`TOOLS` lists the definitions; a `Toolbox` runs them on one library, confined to folders. Servers and
frameworks (MCP, LangChain, OpenAI functions) only translate.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mrvideo.errors import InputError, QuestionError, SettingsError, VideoError
from mrvideo.files import is_file
from mrvideo.library import Library
from mrvideo.mapreduce import in_thread
from mrvideo.media.content import check_lies_in
from mrvideo.media.labelled import labelled_sheets
from mrvideo.media.subtitles.sidecar import sidecars
from mrvideo.models import Budget
from mrvideo.records import Event, Frame, Index, Span, VideoInfo
from mrvideo.session.asking import start_asking
from mrvideo.session.fetching import downloads_folder, fetched_video
from mrvideo.session.finding import check_finding, library_indexes, start_finding
from mrvideo.session.indexing import aindex_video
from mrvideo.session.loading import is_removed, load_index
from mrvideo.session.looking import start_looking
from mrvideo.session.searching import search_library, search_video
from mrvideo.session.thumbnails import pictures_of
from mrvideo.session.viewing import notes_of
from mrvideo.settings import Settings
from mrvideo.tools.jobs import Jobs
from mrvideo.tools.results import (
    LIST_CHARACTERS,
    MAX_CHARACTERS,
    NAME_CHARACTERS,
    PATH_CHARACTERS,
    compact_json,
    cut,
    evidence_span,
    failed_spans,
    fitting,
    json_characters,
    moment_line,
    note_lines,
    scene_line,
    summary_of,
)
from mrvideo.tools.types import (
    AskVideoInput,
    AskVideoOutput,
    EntityOutput,
    FindMomentsInput,
    FindMomentsOutput,
    FoundLine,
    IndexVideoInput,
    ListEntitiesInput,
    ListEntitiesOutput,
    LookInput,
    LookOutput,
    ObservationOutput,
    PendingOutput,
    ReadScenesInput,
    ReadScenesOutput,
    SceneLineOutput,
    SearchVideoInput,
    SearchVideoOutput,
    ToolInput,
    ToolOutput,
    VideoInput,
    VideoSummary,
)
from mrvideo.wording import is_url, rounded

LOOK_FRAMES = 8

_SEARCHED_HITS = 1_000

PENDING = PendingOutput()


@dataclass(frozen=True)
class ToolResult:
    """A tool's structured output, the frames that go with it (of `look` alone), and texts and pictures (JPEG)
    that follow in order.
    """

    output: ToolOutput
    frames: tuple[Frame, ...] = ()
    parts: tuple[str | bytes, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The output as JSON data: times to the millisecond, money to the millionth of a dollar."""
        return rounded(self.output.model_dump(mode="json"))

    @property
    def text(self) -> str:
        """The output as JSON text."""
        return compact_json(self.data)


@dataclass(frozen=True)
class Tool:
    """One definition: what it is called, what it does in words for a model, its types, and who runs it."""

    name: str
    description: str
    input_type: type[ToolInput]
    output_type: type[ToolOutput]
    run: Callable[[Toolbox, Any], Awaitable[ToolResult]]
    writes: bool = False
    """Whether it adds to the library, and may cost money."""
    asks: bool = False
    """Whether it asks models."""


def _ignore(event: Event) -> None:
    """The default sink."""


@dataclass(frozen=True)
class Toolbox:
    """Runs tools on one library. With `roots`, only files that really lie below one of them (links followed)
    are touched.

    With `budget` all its calls, and whatever else it is handed to, share one bound; else each keeps to the
    settings' own. Every method raises a `MrVideoError` that a model can act on.
    """

    settings: Settings
    roots: tuple[Path, ...] | None = None
    on_event: Callable[[Event], None] = field(default=_ignore)
    budget: Budget | None = None
    tools: tuple[Tool, ...] = field(default_factory=lambda: TOOLS)
    jobs: Jobs | None = None
    """Where calls go on in the background that wait for replies of the caller's own."""

    async def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool by name. Raises `InputError` for an unknown name and for arguments that do not fit."""
        tool = next((tool for tool in self.tools if tool.name == name), None)
        if tool is None:
            raise InputError(
                f"no tool named {name!r}; there are {', '.join(tool.name for tool in self.tools)}"
            )
        try:
            given = tool.input_type.model_validate(arguments)
        except ValidationError as error:
            raise InputError(_first_problem(name, error)) from error
        if self.jobs is None or not tool.asks:
            return await tool.run(self, given)
        key = f"{name} {compact_json(given.model_dump(mode='json'))}"
        result = await self.jobs.run(key, lambda: tool.run(self, given))
        return ToolResult(PENDING) if result is None else result

    @property
    def places(self) -> tuple[Path, ...] | None:
        """The roots, and where videos of pages are kept, which were fetched for whoever may name addresses."""
        if self.roots is None or not self.settings.allow_url:
            return self.roots
        return (*self.roots, downloads_folder(self.settings))

    def file(self, video: str) -> str:
        """The real path of a video file that may be read. Raises `InputError` when it lies outside the roots."""
        if self.roots is None:
            return video
        if is_url(video):
            if self.settings.allow_url:
                return video  # Where it may lead is checked at each hop.
            raise InputError(f"{video} is an address; only files below the served folders can be read")
        target = self._below_roots(video)
        if target is None:
            raise InputError(f"{video} is not there, or lies outside the served folders ({self._folders()})")
        for beside in sidecars(target):
            if not self._holds(beside.path):
                raise InputError(
                    f"{beside.path.name} beside {video} leads outside the served folders; remove or replace it"
                )
        return str(target)

    def known(self, video: str) -> str:
        """What names an indexed video in the library: its real path, or the begin of its digest."""
        if self.roots is None or _DIGEST.fullmatch(video):
            return video
        return self.file(video)

    async def index(self, name: str) -> Index:
        """The index of a video. Raises `InputError` when it is not indexed, or its file lies outside the
        roots.
        """
        known = await asyncio.to_thread(self.known, name)
        try:
            index = await asyncio.to_thread(load_index, known, self.settings)
        except (VideoError, SettingsError):
            raise
        except InputError as error:
            raise InputError(f"{name} is not indexed yet; call index_video with it first") from error
        path = index.video.path
        remote = is_url(path) and self.settings.allow_url
        if self.roots is not None and not remote and not await asyncio.to_thread(self._holds, Path(path)):
            raise InputError(f"{name} was indexed from outside the served folders")
        gone = is_removed(index)
        if self.roots is not None and not (remote or gone or _DIGEST.fullmatch(name)):
            # What has been opened since, not what the path led to before, is what is told of.
            await asyncio.to_thread(check_lies_in, index.video, self.places or ())
        return index

    async def whole_index(self, name: str) -> Index:
        """`index`, for a question that looks at pixels: of a page's video that was removed they are fetched
        again.
        """
        index = await self.index(name)
        if is_url(name) and is_removed(index):
            await in_thread(partial(fetched_video, name, self.settings, self.on_event))
            index = await self.index(name)
        return index

    def shows(self, path: str) -> bool:
        """Whether a search result of the video at this path may be told."""
        return self.roots is None or self._holds(Path(path))

    def _below_roots(self, name: str) -> Path | None:
        for root in self.places or ():
            target = _real(root / name)
            if target is not None and self._holds(target) and is_file(target):
                return target
        return None

    def _holds(self, path: Path) -> bool:
        real = _real(path)
        roots = [_real(root) for root in self.places or ()]
        return real is not None and any(root is not None and real.is_relative_to(root) for root in roots)

    def _folders(self) -> str:
        return ", ".join(str(root) for root in self.roots or ())


_DIGEST = re.compile(r"[0-9a-fA-F]{8,64}")


def _real(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return None  # A loop of links, a name too long, a zero byte: nothing is there.


def _first_problem(name: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "arguments"
    return " ".join(f"{name}, {where}: {first['msg']}".split())


async def _index_video(box: Toolbox, given: IndexVideoInput) -> ToolResult:
    path = await asyncio.to_thread(box.file, given.video)
    index = await aindex_video(
        path, box.settings, on_event=box.on_event, budget=box.budget, folders=box.places
    )
    await asyncio.to_thread(_remember_path, index.video, box.settings)
    return ToolResult(summary_of(index))


def _remember_path(info: VideoInfo, settings: Settings) -> None:
    """Of a file that was moved the library knows the former path, which may lie outside the roots: hits tell
    it.
    """
    with closing(Library.open(settings.library, create=False)) as library:
        known = library.video(info.digest)
        if known is not None and known.path != info.path:
            library.put_video(info)


async def _video_status(box: Toolbox, given: VideoInput) -> ToolResult:
    return ToolResult(summary_of(await box.index(given.video)))


async def _ask_video(box: Toolbox, given: AskVideoInput) -> ToolResult:
    options = given.options or None
    index = await box.whole_index(given.video)
    settings = box.settings if given.effort is None else box.settings.updated(effort=given.effort)
    asking = start_asking(index, given.question, options, settings, on_event=box.on_event, budget=box.budget)
    answer = await asyncio.wrap_future(asking)
    evidence = fitting((evidence_span(e) for e in answer.evidence), MAX_CHARACTERS * 3 // 8)
    unseen = failed_spans(answer.unseen, MAX_CHARACTERS // 8)
    told_of = [one.span for one in (*answer.evidence, *answer.nearest)]
    notes = await asyncio.to_thread(
        partial(notes_of, index.video.digest, told_of, box.settings, conversation=given.conversation)
    )
    noted = note_lines(notes)
    return ToolResult(
        AskVideoOutput(
            answer=None if answer.answer is None else cut(answer.answer, 3_000),
            choice=answer.choice,
            confidence=answer.confidence,
            verified=answer.verified,
            checked_by=list(answer.checked_by),
            searched=cut(answer.searched),
            evidence=evidence,
            nearest=fitting((evidence_span(e) for e in answer.nearest), MAX_CHARACTERS // 8),
            unseen=unseen,
            noted=noted,
            left_out=len(answer.evidence)
            - len(evidence)
            + len(answer.unseen)
            - len(unseen)
            + len(notes)
            - len(noted),
            cost=answer.usage.cost,
        )
    )


async def _search_video(box: Toolbox, given: SearchVideoInput) -> ToolResult:
    if not given.words.strip():
        raise QuestionError("no words to search for; give some")
    if given.video is not None:
        index = await box.index(given.video)
        digest = index.video.digest
        hits = await asyncio.to_thread(search_video, digest, given.words, box.settings, limit=given.limit)
    else:
        # Hits that may not be told must not crowd out those that may.
        count = given.limit if box.roots is None else _SEARCHED_HITS
        found = await asyncio.to_thread(search_library, given.words, box.settings, limit=count)
        hits = tuple(hit for hit in found if box.shows(hit.video))[: given.limit]
    told = fitting(
        FoundLine(
            video=cut(hit.video, PATH_CHARACTERS),
            digest=hit.video_digest,
            start_seconds=hit.start_seconds,
            stop_seconds=hit.stop_seconds,
            source=hit.source,
            text=cut(hit.text),
        )
        for hit in hits
    )
    return ToolResult(SearchVideoOutput(hits=told, left_out=len(hits) - len(told)))


async def _find_moments(box: Toolbox, given: FindMomentsInput) -> ToolResult:
    check_finding(given.query, given.top, given.confirm, box.settings)
    if given.video is not None:
        indexes = (await box.index(given.video),)
    else:
        indexes = await asyncio.to_thread(library_indexes, box.settings, shown=box.shows)
    within = None
    if given.start_seconds is not None or given.stop_seconds is not None:
        longest = max(index.video.duration_seconds for index in indexes)
        stop = longest if given.stop_seconds is None else given.stop_seconds
        within = span_of(given.start_seconds or 0.0, stop)
    finding = start_finding(
        indexes,
        given.query,
        box.settings,
        top=given.top,
        within=within,
        confirm=given.confirm,
        on_event=box.on_event,
        budget=box.budget,
    )
    found = await asyncio.wrap_future(finding)
    moments = fitting(map(moment_line, found.moments))
    parts: list[str | bytes] = []
    if given.pictures:
        shown = found.moments[: len(moments)]
        frames = await asyncio.to_thread(pictures_of, shown, indexes, box.settings, box.on_event)
        labelled = [(f"{place + 1}: {one.time_seconds:.2f} s", one.jpeg) for place, one in frames.items()]
        sheets = await asyncio.to_thread(labelled_sheets, labelled)
        for sheet in sheets:
            parts += [" | ".join(cell.label for cell in sheet.cells), sheet.jpeg]
    return ToolResult(
        FindMomentsOutput(
            moments=moments,
            nearest=fitting(map(moment_line, found.nearest), LIST_CHARACTERS // 2),
            searched=list(found.searched),
            dropped=len(found.dropped),
            left_out=len(found.moments) - len(moments),
        ),
        parts=tuple(parts),
    )


async def _read_scenes(box: Toolbox, given: ReadScenesInput) -> ToolResult:
    span = span_of(given.start_seconds, given.stop_seconds)
    index = await box.index(given.video)
    lines: list[SceneLineOutput] = []
    room = LIST_CHARACTERS
    for scene in index.scenes:
        if not scene.span.overlaps(span):
            continue
        line = scene_line(scene, index, span)
        room -= json_characters(line)
        if room < 0 and lines:
            return ToolResult(ReadScenesOutput(scenes=lines, next_start_seconds=scene.start_seconds))
        lines.append(line)
    return ToolResult(ReadScenesOutput(scenes=lines, next_start_seconds=None))


async def _list_entities(box: Toolbox, given: ListEntitiesInput) -> ToolResult:
    index = await box.index(given.video)
    entities = index.entities[given.first :]
    listed = fitting(
        EntityOutput(
            name=cut(entity.name, NAME_CHARACTERS),
            kind=cut(entity.kind, NAME_CHARACTERS),
            display_name=None if entity.display_name is None else cut(entity.display_name, NAME_CHARACTERS),
            description=cut(entity.description),
            first_seen_seconds=entity.exemplar_seconds,
            scenes=len(entity.scene_indexes),
        )
        for entity in entities
    )
    left_out = len(entities) - len(listed)
    following = given.first + len(listed) if left_out else None
    return ToolResult(ListEntitiesOutput(entities=listed, left_out=left_out, next_first=following))


async def _look(box: Toolbox, given: LookInput) -> ToolResult:
    span = span_of(given.start_seconds, given.stop_seconds)
    index = await box.whole_index(given.video)
    looking = start_looking(
        index, span, given.question, box.settings, max_frames=LOOK_FRAMES, budget=box.budget
    )
    reply, frames = await asyncio.wrap_future(looking)
    observations = fitting(
        ObservationOutput(start_seconds=o.start_seconds, stop_seconds=o.stop_seconds, text=cut(o.text))
        for o in reply.observations
    )
    return ToolResult(
        LookOutput(
            start_seconds=span.start_seconds,
            stop_seconds=span.stop_seconds,
            conclusion=cut(reply.conclusion),
            confidence=reply.confidence,
            observations=observations,
            left_out=len(reply.observations) - len(observations),
            frame_times=[frame.time_seconds for frame in frames],
        ),
        frames=tuple(frames),
    )


def span_of(start_seconds: float, stop_seconds: float) -> Span:
    """The span of a tool's arguments. Raises `InputError` where it ends before it starts."""
    if stop_seconds < start_seconds:
        raise InputError(
            f"stop_seconds ({stop_seconds}) lies before start_seconds ({start_seconds}); swap them"
        )
    return Span(start_seconds, stop_seconds)


TOOLS: tuple[Tool, ...] = (
    Tool(
        "index_video",
        "Watch a video once and keep what it shows and says. Do this first for a new video; it can take minutes and, "
        "with a paid model, money. A video that is indexed already returns at once. "
        "Returns counts and the spans that could not be seen.",
        IndexVideoInput,
        VideoSummary,
        _index_video,
        writes=True,
        asks=True,
    ),
    Tool(
        "video_status",
        "Say what is known of an indexed video: length, numbers of scenes, entities and cues, and spans that failed. "
        "Costs nothing.",
        VideoInput,
        VideoSummary,
        _video_status,
    ),
    Tool(
        "ask_video",
        "Answer one question about an indexed video from all of it, with time-stamped evidence. Use it for anything that needs "
        "judgement over the whole video; use search_video or read_scenes to find or read a passage. "
        "answer null means that the video does not tell; unseen lists spans that were not perceived.",
        AskVideoInput,
        AskVideoOutput,
        _ask_video,
        writes=True,
        asks=True,
    ),
    Tool(
        "search_video",
        "Find captions, speech and on-screen text that hold the given words, best first, with their times. Costs nothing. "
        "For a moment that is described rather than quoted use find_moments.",
        SearchVideoInput,
        SearchVideoOutput,
        _search_video,
    ),
    Tool(
        "find_moments",
        "Find the moments that fit a description, such as a dog on a skateboard, best first, with why. It joins what was seen, "
        "read on screen and said, and takes words in all their forms; search_video takes them exactly. "
        "Empty moments mean that nothing is above chance. Costs nothing unless confirm is set.",
        FindMomentsInput,
        FindMomentsOutput,
        _find_moments,
    ),
    Tool(
        "read_scenes",
        "Read the captions, on-screen text and speech of a time range in order. Long ranges come in pages: "
        "call again with next_start_seconds. Costs nothing.",
        ReadScenesInput,
        ReadScenesOutput,
        _read_scenes,
    ),
    Tool(
        "list_entities",
        "List the people, animals and objects that the captions name, such as person_3, with descriptions. Long lists come "
        "in pages: call again with first set to next_first. Costs nothing.",
        ListEntitiesInput,
        ListEntitiesOutput,
        _list_entities,
    ),
    Tool(
        "look",
        "Look again at the frames of a short time range with one question in mind. Returns what was seen, with times, "
        "and up to 8 frames. Use it to check a detail that the captions leave open.",
        LookInput,
        LookOutput,
        _look,
        asks=True,
    ),
)
