"""What tools answer with, cut so that a result fits a conversation: the first lines of a list, the start of a
text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from mrvideo.records import Evidence, Failure, Index, Moment, PageInfo, Scene, Span, Unseen
from mrvideo.session.viewing import Observation
from mrvideo.tools.types import (
    EvidenceSpan,
    FailedSpan,
    MomentOutput,
    NoteLine,
    PageOutput,
    SceneLineOutput,
    ToolOutput,
    VideoSummary,
    WhyOutput,
)
from mrvideo.wording import json_line, rounded

MAX_CHARACTERS = 16_000
"""Text of one tool result, about 4,000 tokens: what a conversation can carry many times."""

PROBLEM_CHARACTERS = 2_000
"""Text of an error."""

LIST_CHARACTERS = MAX_CHARACTERS * 3 // 4
"""For a list; the rest is for what stands beside it."""
NAME_CHARACTERS = 200
PATH_CHARACTERS = 1_000

L = TypeVar("L", bound=ToolOutput)


def summary_of(index: Index) -> VideoSummary:
    failures = failed_spans(index.failures)
    return VideoSummary(
        video=cut(index.video.path, PATH_CHARACTERS),
        digest=index.video.digest,
        duration_seconds=index.video.duration_seconds,
        scenes=len(index.scenes),
        entities=len(index.entities),
        cues=len(index.cues),
        failures=failures,
        failures_left_out=len(index.failures) - len(failures),
        usage=index.usage,
        page=None if index.video.page is None else _page_told(index.video.page),
    )


def _page_told(page: PageInfo) -> PageOutput:
    return PageOutput(
        address=cut(page.address, PATH_CHARACTERS),
        title=cut(page.title, NAME_CHARACTERS),
        uploader=None if page.uploader is None else cut(page.uploader, NAME_CHARACTERS),
        uploaded=page.uploaded,
        description=cut(page.description),
    )


def failed_spans(spans: Sequence[Failure | Unseen], room: int = LIST_CHARACTERS) -> list[FailedSpan]:
    return fitting(
        (
            FailedSpan(start_seconds=f.start_seconds, stop_seconds=f.stop_seconds, reason=cut(f.reason))
            for f in spans
        ),
        room,
    )


def fitting(lines: Iterable[L], room: int = LIST_CHARACTERS) -> list[L]:
    """The first lines, as many as a tool's result has room for; one always fits, for its texts are cut."""
    kept: list[L] = []
    for line in lines:
        room -= json_characters(line)
        if room < 0 and kept:
            break
        kept.append(line)
    return kept


def note_lines(notes: Iterable[Observation]) -> list[NoteLine]:
    """Notes of a quick look, as many as fit beside the rest of a result."""
    lines = (
        NoteLine(
            start_seconds=one.start_seconds, stop_seconds=one.stop_seconds, kind=one.kind, text=cut(one.text)
        )
        for one in notes
    )
    return fitting(lines, MAX_CHARACTERS // 8)


def scene_line(scene: Scene, index: Index, span: Span) -> SceneLineOutput:
    """Of a scene's texts and cues those of the span: asking for less of it shows those that were left out."""
    texts = [sighting.text for sighting in scene.sightings if sighting.span.overlaps(span)]
    heard = [cue.text for cue in index.cues if cue.span.overlaps(scene.span) and cue.span.overlaps(span)]
    on_screen, said = _texts(texts), _texts(heard)
    return SceneLineOutput(
        start_seconds=scene.start_seconds,
        stop_seconds=scene.stop_seconds,
        caption=cut(_caption(scene), 2_000),
        on_screen=on_screen,
        said=said,
        left_out=len(texts) - len(on_screen) + len(heard) - len(said),
    )


def _caption(scene: Scene) -> str:
    """What is said of a scene; a line for each part, with its own times, where there are several."""
    if len(scene.parts) < 2:
        return scene.parts[0].told if scene.parts else scene.detailed
    return "\n".join(f"{part.span}: {part.told}" for part in scene.parts)


def _texts(texts: Sequence[str], room: int = MAX_CHARACTERS // 4) -> list[str]:
    kept: list[str] = []
    for text in texts[:20]:
        short = cut(text)
        room -= len(json_line(short)) + 1
        if room < 0:
            break
        kept.append(short)
    return kept


def compact_json(data: Any) -> str:
    return json_line(data, separators=(",", ":"))


def json_characters(line: ToolOutput) -> int:
    """Characters of its JSON, with the comma behind it."""
    return len(compact_json(rounded(line.model_dump(mode="json")))) + 1


def cut(text: str, characters: int = 500) -> str:
    """The text, or its start, so that its JSON takes no more characters than that."""
    if len(text) <= characters and len(json_line(text)) - 2 <= characters:
        return text
    start = text[: characters - 1]
    while len(json_line(start)) - 2 > characters - 1:
        start = start[: len(start) * 3 // 4]
    return start + "…"


def problem_text(error: Exception) -> str:
    """An error in one line, as bounded as a result, however long the names in it are."""
    return cut(" ".join(str(error).split()), PROBLEM_CHARACTERS)


def evidence_span(evidence: Evidence) -> EvidenceSpan:
    return EvidenceSpan(
        start_seconds=evidence.start_seconds,
        stop_seconds=evidence.stop_seconds,
        source=evidence.source,
        quote=cut(evidence.told),
    )


def moment_line(moment: Moment) -> MomentOutput:
    return MomentOutput(
        video=cut(moment.video, PATH_CHARACTERS),
        digest=moment.video_digest,
        start_seconds=moment.start_seconds,
        stop_seconds=moment.stop_seconds,
        why=[WhyOutput(source=reason.source, quote=cut(reason.quote)) for reason in moment.why],
        lacks=[cut(word, NAME_CHARACTERS) for word in moment.lacks[:20]],
        confirmed=moment.confirmed,
    )
