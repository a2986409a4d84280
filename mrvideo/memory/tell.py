"""What a model tells from a memory: about somebody or something, as steps, or as one story; each sentence
checked as facts are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from mrvideo.captioning.calls import Calls, together
from mrvideo.memory.evidence import Leaf, borne_out, leaves_of
from mrvideo.memory.lines import node_line
from mrvideo.memory.recall import Recall
from mrvideo.memory.tree import Fact, Memory, Node, Sentence
from mrvideo.memory.views import Section, Telling, scene_spans, section_of, unseen_of
from mrvideo.models.base import Model, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import (
    EventSink,
    Failure,
    Index,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Unseen,
    Usage,
)
from mrvideo.schemas.analysis import EntityLine
from mrvideo.schemas.memory import NodeLine, TellInputs, TellReply
from mrvideo.speech.known import speech_of

Style: TypeAlias = Literal["summary", "steps", "story"]

STAGE = "tell"
CHAPTERS_A_CALL = 12
MOST_CHAPTERS = 24
"""Chapters that a telling about something is made from: those that hold most of its words."""
SENTENCES = {"short": 4, "page": 12, "long": 32}


async def tell(
    index: Index,
    memory: Memory,
    *,
    text: Model,
    style: Style,
    about: str = "",
    within: Span | None = None,
    sentences: int = 12,
    on_event: EventSink,
) -> Telling:
    """Sentences about something, or a story of all of it, in the order of the video.

    A story is told in one call for each 12 chapters, at once. Raises `ModelUnavailable`, `BudgetReached`.
    """
    leaves = leaves_of(index)
    by_index = {leaf.scene.index: leaf for leaf in leaves}
    spans = scene_spans(leaves)
    chapters = _chosen(index, memory, leaves, about, within)
    groups = [chapters[start : start + CHAPTERS_A_CALL] for start in range(0, len(chapters), CHAPTERS_A_CALL)]
    calls = Calls(text, on_call=lambda stage, _: on_event(StageAdvanced(stage=stage)))
    on_event(StageStarted(stage=STAGE, total=len(groups)))
    share = max(-(-sentences // max(len(groups), 1)), 2) if style != "story" else sentences
    replies = await together(
        calls.ask(_request(index, group, text, style, about, share, within, spans), hides="names")
        for group in groups
    )
    on_event(StageFinished(stage=STAGE))
    dropped = 0
    failed: list[Unseen] = []
    sections: list[Section] = []
    told: set[str] = set()
    for group, reply in zip(groups, replies, strict=True):
        span = Span(group[0].start_seconds, group[-1].stop_seconds)
        if isinstance(reply, Failure):
            failed.append(Unseen.of(reply.span, f"it could not be told: {reply.reason}"))
            continue
        kept: list[Sentence] = []
        for sentence in reply.sentences:
            scenes = tuple(sorted({s for s in sentence.scenes if s in by_index}))
            if not scenes or not borne_out(
                sentence.text, [by_index[s] for s in scenes], loosely=style == "steps"
            ):
                dropped += 1
            elif sentence.text.casefold() not in told:
                told.add(sentence.text.casefold())
                kept.append(Sentence(text=sentence.text, scenes=scenes))
        title = f"{group[0].title} …" if style == "story" and len(groups) > 1 else ""
        sections.append(section_of(index, span, kept, spans, title=title))
    return Telling(
        video=index.video.path,
        about=about,
        sections=tuple(sections),
        unseen=(*unseen_of(index, memory), *failed),
        dropped=dropped,
        made_by=text.name,
        usage=sum(calls.usage.values(), Usage()),
    )


def _chosen(
    index: Index, memory: Memory, leaves: Sequence[Leaf], about: str, within: Span | None
) -> list[Node]:
    """The chapters inside the span; about something, those with the scenes that say most of it."""
    chapters = [c for c in memory.chapters if within is None or c.span.overlaps(within)]
    if not about or len(chapters) <= MOST_CHAPTERS:
        return chapters
    places = Recall(leaves, index.entities).places(about, 8 * MOST_CHAPTERS)
    wanted = list(dict.fromkeys(memory.chapter_of_scene[place] for place in places))
    chosen = {c.position for c in chapters} & set(wanted[:MOST_CHAPTERS])
    return [c for c in chapters if c.position in chosen]


def _request(
    index: Index,
    group: Sequence[Node],
    text: Model,
    style: Style,
    about: str,
    sentences: int,
    within: Span | None,
    scenes: Mapping[int, Span],
) -> Request[TellReply]:
    span = Span(group[0].start_seconds, group[-1].stop_seconds)
    names = {name for node in group for name in node.entity_names}
    facts = max((text.capabilities.context_tokens - 6000) // (40 * len(group)), 4)
    return Request(
        prompt=load_prompt("tell"),
        inputs=TellInputs(
            style=style,
            about=about,
            span=span,
            nodes=tuple(_line(node, facts, scenes, within) for node in group),
            entities=tuple(EntityLine.of(e) for e in index.entities if e.name in names),
            speech=speech_of(index, [span], ()),
            sentences=sentences,
        ),
        reply_type=TellReply,
        stage=STAGE,
        span=span,
        names=tuple(e.name for e in index.entities),
    )


def _line(node: Node, facts: int, scenes: Mapping[int, Span], within: Span | None) -> NodeLine:
    def inside(item: Fact | Sentence) -> bool:
        return within is None or any(scenes[s].overlaps(within) for s in item.scenes if s in scenes)

    told = [fact for fact in node.facts if inside(fact)]
    return node_line(
        node,
        summary=[sentence for sentence in node.summary if inside(sentence)],
        facts=told[:: max(-(-len(told) // facts), 1)],
    )
