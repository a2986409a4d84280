"""A memory as people read it: summaries of three lengths, chapters as text, VTT, YouTube lines and FFmpeg
metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from mrvideo.media.subtitles import write_vtt
from mrvideo.memory.evidence import Leaf, leaves_of
from mrvideo.memory.tree import Memory, Node, Sentence
from mrvideo.records import (
    Entity,
    GivenChapter,
    Index,
    Record,
    Span,
    Spanned,
    Unseen,
    Usage,
    clock,
    merge_spans,
)
from mrvideo.wording import plain, printable

Length: TypeAlias = Literal["short", "page", "long"]
LENGTHS: tuple[str, ...] = get_args(Length)
ChapterFormat: TypeAlias = Literal["text", "json", "vtt", "youtube", "ffmetadata"]
CHAPTER_FORMATS: tuple[str, ...] = get_args(ChapterFormat)

MOST_LISTED = 24
"""Chapters listed unless all are asked for; of a longer video the parts above them."""

_NAME = re.compile(r"<([a-z]+(?:_[a-z]+)*_\d+)>")


class Cited(Record):
    """A sentence and the spans that bear it out."""

    text: str
    spans: tuple[Span, ...]


class Section(Spanned):
    """A span of the video under a title, told in sentences."""

    title: str
    sentences: tuple[Cited, ...]


class Telling(Record):
    """A summary, a story or steps: every sentence with its spans, and what could not be perceived.

    `dropped` counts sentences of the model that no scene bears out; they are left out.
    """

    video: str
    about: str = ""
    sections: tuple[Section, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    dropped: int = 0
    made_by: str = ""
    usage: Usage = Usage()

    def __str__(self) -> str:
        """For people, safe for a terminal."""
        lines: list[str] = []
        for section in self.sections:
            if section.title:
                lines += [*([""] if lines else []), f"{plain(section.title)}  {section.span}"]
            lines += [f"  {plain(one.text)}  [{_listed(one.spans)}]" for one in section.sentences]
        if not any(section.sentences for section in self.sections):
            lines.append("nothing of it was found in what was seen, read and heard")
        lines += [f"not seen: {one.span}: {plain(one.reason)}" for one in self.unseen]
        return "\n".join(lines)


def summary(index: Index, memory: Memory, length: Length) -> Telling:
    """From the tree alone, without a call: the root; the root and the parts below it; or every chapter."""
    sections: list[Section] = []
    spans = scene_spans(leaves_of(index))
    if memory.root is not None:
        told: tuple[Node, ...] = ()
        if length != "short":
            told = listed(memory, skip_root=True) if length == "page" else memory.chapters
        sections.append(section_of(index, memory.root, memory.root.summary, spans, title=""))
        sections += [section_of(index, node, node.summary, spans) for node in told]
    return Telling(
        video=index.video.path,
        sections=tuple(_once(sections)),
        unseen=unseen_of(index, memory),
        dropped=memory.dropped,
        made_by=memory.made_by,
        usage=memory.usage,
    )


def _once(sections: Iterable[Section]) -> list[Section]:
    """No sentence twice: what the whole's summary took from a chapter is told there."""
    told: set[str] = set()
    kept: list[Section] = []
    for section in sections:
        fresh = tuple(s for s in section.sentences if s.text.casefold() not in told)
        told.update(s.text.casefold() for s in fresh)
        kept.append(section.model_copy(update={"sentences": fresh}))
    return [section for section in kept if section.sentences or section.title]


def scene_spans(leaves: Iterable[Leaf]) -> dict[int, Span]:
    """Number of a scene → its span."""
    return {leaf.scene.index: leaf.scene.span for leaf in leaves}


def section_of(
    index: Index,
    span: Spanned,
    sentences: Sequence[Sentence],
    scenes: Mapping[int, Span],
    *,
    title: str | None = None,
) -> Section:
    """Sentences with the spans of `scenes` in the place of their numbers, and names as people are called."""
    named = span.title if title is None and isinstance(span, Node) else title or ""
    return Section(
        start_seconds=span.start_seconds,
        stop_seconds=span.stop_seconds,
        title=with_names(named, index.entities),
        sentences=tuple(
            Cited(
                text=with_names(s.text, index.entities),
                spans=tuple(merge_spans([scenes[i] for i in s.scenes if i in scenes], gap_seconds=0.1)),
            )
            for s in sentences
        ),
    )


def listed(memory: Memory, *, every: bool = False, skip_root: bool = False) -> tuple[Node, ...]:
    """The chapters; of a video with more than `MOST_LISTED`, the lowest level with no more, unless every one
    is asked for.
    """
    if every or not memory.levels:
        return memory.chapters
    nodes = memory.widest(MOST_LISTED)
    if len(nodes) == 1 and skip_root and memory.root is not None and memory.root.level > 1:
        return memory.children_of(memory.root)
    return nodes if len(nodes) > 1 or not skip_root else ()


def unseen_of(index: Index, memory: Memory) -> tuple[Unseen, ...]:
    """What could not be perceived, and chapters that no model would word."""
    failed = [Unseen.of(f.span, f.reason) for f in index.failures if f.hides in ("pictures", "sound")]
    failed += [Unseen.of(f.span, f"told as it stands in the captions: {f.reason}") for f in memory.failures]
    return tuple(sorted(failed, key=lambda one: (one.start_seconds, one.stop_seconds)))


def with_names(text: str, entities: Sequence[Entity]) -> str:
    """`<person_3>` as the name that person is called by, or as `person 3`."""
    called = {entity.name: entity.display_name for entity in entities}
    return _NAME.sub(lambda found: called.get(found[1]) or found[1].replace("_", " "), text)


def chapters_text(index: Index, nodes: Sequence[Node | GivenChapter], format_name: ChapterFormat) -> str:
    """Chapters in a format that others read, ending in a line break; `json` is left to whoever prints
    records.
    """
    rows = [(node.start_seconds, node.stop_seconds, _title(index, node)) for node in nodes]
    match format_name:
        case "vtt":
            return write_vtt(rows, [])
        case "youtube":
            # Its first line must be 0:00, or no chapter is shown.
            return "".join(
                f"{_whole(0.0 if place == 0 else start)} {title}\n"
                for place, (start, _, title) in enumerate(rows)
            )
        case "ffmetadata":
            return ";FFMETADATA1\n" + "".join(
                f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={round(start * 1000)}\nEND={round(stop * 1000)}\n"
                f"title={_escaped(title)}\n"
                for start, stop, title in rows
            )
        case _:
            return "".join(f"{Span(start, stop)}  {title}\n" for start, stop, title in rows)


def _title(index: Index, node: Node | GivenChapter) -> str:
    return " ".join(printable(with_names(node.title, index.entities)).split())


def _whole(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\])", r"\\\1", text)


def _listed(spans: Sequence[Span], most: int = 3) -> str:
    shown = ", ".join(f"{clock(s.start_seconds)}–{clock(s.stop_seconds)}" for s in spans[:most])
    return f"{shown}, …" if len(spans) > most else shown
