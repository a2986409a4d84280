"""The quick look that the calling agent drives: `view_span`, `note`, `answer`. No model of ours is asked."""

from __future__ import annotations

import asyncio
from functools import partial

from pydantic import Field

from mrvideo.mapreduce import in_thread
from mrvideo.records import Span
from mrvideo.session.viewing import (
    Detail,
    NoteKind,
    Observation,
    QuickAnswer,
    QuickClaim,
    Refused,
    give_answer,
    note_observations,
    view_span,
)
from mrvideo.tools.results import MAX_CHARACTERS, cut, fitting, note_lines
from mrvideo.tools.toolbox import Tool, Toolbox, ToolResult, span_of
from mrvideo.tools.types import CONVERSATION, NoteLine, ToolInput, ToolOutput, VideoInput

_MOST_LISTED = 40


class ViewSpanInput(VideoInput):
    start_seconds: float | None = Field(default=None, ge=0, description="null: from the start.")
    stop_seconds: float | None = Field(default=None, ge=0, description="null: to the end.")
    detail: Detail = Field(
        default="overview", description="overview: up to 20 small pictures; close: 12 larger; text: 4 large."
    )
    again: bool = Field(default=False, description="Also pictures that this conversation was shown before.")
    conversation: str = CONVERSATION


class ObservationInput(ToolInput):
    start_seconds: float = Field(ge=0)
    stop_seconds: float = Field(ge=0)
    kind: NoteKind = Field(
        default="caption", description="caption: what happens; name: who it is; text: words on screen."
    )
    text: str = Field(min_length=1, max_length=2_000)


class NoteInput(VideoInput):
    observations: list[ObservationInput] = Field(min_length=1, max_length=_MOST_LISTED)
    conversation: str = CONVERSATION


class ClaimInput(ToolInput):
    text: str = Field(min_length=1, max_length=1_000)
    start_seconds: float = Field(ge=0, description="Begin of the span that shows it.")
    stop_seconds: float = Field(ge=0)


class AnswerInput(VideoInput):
    question: str = Field(min_length=1, max_length=2_000)
    answer: str = Field(min_length=1, max_length=3_000, description="For the user.")
    claims: list[ClaimInput] = Field(
        min_length=1, max_length=_MOST_LISTED, description="Each fact, and the span that shows it."
    )
    conversation: str = CONVERSATION


class SaidLine(ToolOutput):
    start_seconds: float
    stop_seconds: float
    text: str


class ViewSpanOutput(ToolOutput):
    start_seconds: float
    stop_seconds: float
    duration_seconds: float = Field(description="Of the whole video.")
    picture_times: list[float] = Field(description="Empty: all there is at this detail was shown.")
    said: list[SaidLine]
    noted: list[NoteLine] = Field(description="What this conversation noted here before, with `note`.")
    left_out: int = Field(description="Further lines of speech and notes that did not fit.")
    pictures_left: int = Field(description="How many more this conversation may be shown.")


class RefusedLine(ToolOutput):
    place: int = Field(description="Of the list, from 0.")
    reason: str


class NoteOutput(ToolOutput):
    kept: int
    refused: list[RefusedLine]


class SpanLine(ToolOutput):
    start_seconds: float
    stop_seconds: float


class AnswerOutput(ToolOutput):
    accepted: bool = Field(description="Every citation lies within 2 s of pictures that were shown.")
    refused: list[RefusedLine]
    unseen: list[SpanLine] = Field(description="Never shown in this conversation.")
    unread: list[SpanLine] = Field(description="Shown, and nothing was noted of it.")
    left_out: int = 0


async def _view_span(box: Toolbox, given: ViewSpanInput) -> ToolResult:
    path = await asyncio.to_thread(box.file, given.video)
    span = None
    if given.start_seconds is not None or given.stop_seconds is not None:
        span = span_of(given.start_seconds or 0.0, 1e9 if given.stop_seconds is None else given.stop_seconds)
    seen = await in_thread(
        partial(
            view_span,
            path,
            box.settings,
            span,
            detail=given.detail,
            again=given.again,
            conversation=given.conversation,
            folders=box.places,
        )
    )
    said = fitting(
        SaidLine(start_seconds=cue.start_seconds, stop_seconds=cue.stop_seconds, text=cut(cue.text))
        for cue in seen.cues
    )
    noted = note_lines(seen.notes)
    parts: list[str | bytes] = []
    for number, sheet in enumerate(seen.sheets, start=1):
        labels = " | ".join(cell.label for cell in sheet.cells)
        parts += [f"sheet {number} of {len(seen.sheets)}: {labels}"[:MAX_CHARACTERS], sheet.jpeg]
    return ToolResult(
        ViewSpanOutput(
            start_seconds=seen.span.start_seconds,
            stop_seconds=seen.span.stop_seconds,
            duration_seconds=seen.info.duration_seconds,
            picture_times=list(seen.times_seconds),
            said=said,
            noted=noted,
            left_out=len(seen.cues) - len(said) + len(seen.notes) - len(noted),
            pictures_left=seen.pictures_left,
        ),
        parts=tuple(parts),
    )


async def _note(box: Toolbox, given: NoteInput) -> ToolResult:
    path = await asyncio.to_thread(box.file, given.video)
    for one in given.observations:
        span_of(one.start_seconds, one.stop_seconds)
    observations = [Observation(**one.model_dump()) for one in given.observations]
    kept, refused = await in_thread(
        partial(
            note_observations,
            path,
            box.settings,
            observations,
            conversation=given.conversation,
            folders=box.places,
        )
    )
    return ToolResult(NoteOutput(kept=kept, refused=_refused(refused)))


async def _answer(box: Toolbox, given: AnswerInput) -> ToolResult:
    path = await asyncio.to_thread(box.file, given.video)
    for one in given.claims:
        span_of(one.start_seconds, one.stop_seconds)
    claims = tuple(QuickClaim(**one.model_dump()) for one in given.claims)
    answer = QuickAnswer(question=given.question, answer=given.answer, claims=claims)
    found = await in_thread(
        partial(
            give_answer,
            path,
            box.settings,
            answer,
            conversation=given.conversation,
            folders=box.places,
        )
    )
    unseen, unread = _lines(found.unseen), _lines(found.unread)
    return ToolResult(
        AnswerOutput(
            accepted=found.accepted,
            refused=_refused(found.refused),
            unseen=unseen,
            unread=unread,
            left_out=len(found.unseen) - len(unseen) + len(found.unread) - len(unread),
        )
    )


def _refused(some: tuple[Refused, ...]) -> list[RefusedLine]:
    return [RefusedLine(place=one.place, reason=cut(one.reason, 200)) for one in some]


def _lines(spans: tuple[Span, ...]) -> list[SpanLine]:
    return fitting(
        (SpanLine(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds) for span in spans),
        MAX_CHARACTERS // 8,
    )


QUICK_TOOLS: tuple[Tool, ...] = (
    Tool(
        "view_span",
        "See a video yourself, without indexing: pictures of a time range as contact sheets, each labelled with its time, and what is said there. "
        "Only pictures that are new to this conversation come, with what it noted there. Begin with the whole video, then go closer where it matters. Costs nothing.",
        ViewSpanInput,
        ViewSpanOutput,
        _view_span,
        writes=True,
    ),
    Tool(
        "note",
        "Keep what you saw with view_span: captions, names and texts with their times. Refused where nothing was shown. Costs nothing.",
        NoteInput,
        NoteOutput,
        _note,
        writes=True,
    ),
    Tool(
        "answer",
        "Have an answer's citations checked before you give it: each claim with the span that shows it, within 2 s of pictures that view_span "
        "showed, or the answer is refused. Also tells which spans were never shown: an answer of absence must say so. Costs nothing.",
        AnswerInput,
        AnswerOutput,
        _answer,
        writes=True,
    ),
)
