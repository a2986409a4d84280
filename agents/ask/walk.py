"""Walking the memory: which scenes a question has to read, of a video that is too long to read all of it.

    level with at most 48 nodes ──► open what bears on the question ──► … ──► chapters ──► scenes that are read
                                 └─ a question about everything: the facts of every chapter ──► the scenes that these name

Words that the question shares with a scene, times that it names, and moments that were found beforehand open
their chapters too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from anyio import to_thread

from mrvideo.agents.ask.calls import call, failure_of, packed, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of
from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.state import Context, Walked
from mrvideo.captioning.calls import together
from mrvideo.errors import ModelError
from mrvideo.memory.lines import evenly, node_line
from mrvideo.memory.tree import Memory, Node
from mrvideo.records import Notice, Span, StageFinished, StageStarted
from mrvideo.records.shown import spoken_of
from mrvideo.schemas.analysis import EntityLine
from mrvideo.schemas.memory import (
    NodeLine,
    ReadFactsInputs,
    ReadFactsReply,
    WalkInputs,
    WalkReply,
)
from mrvideo.wording import counted

WIDE = 48
"""A walk begins at the lowest level with no more nodes, and lists no more at a time."""

SEEDS = 6
"""Scenes that share most words with the question, or were found for it, whose chapters are opened in any
case.
"""

FACTS_SHOWN = 8
"""Facts of a chapter from which it is chosen."""

SCENES_PER_CHAPTER = 16
"""A bound on opened chapters bounds the scenes that a question about everything opens: so many for each."""

V = TypeVar("V")


async def walk(context: Context, memory: Memory) -> Walked:
    """The first round: the chapters that bear on the question, or for one about everything the scenes that
    facts name.
    """
    nodes = list(memory.widest(WIDE))
    seeds = await _seeds(context, memory)
    most, steps = context.max_opened, 0
    context.on_event(StageStarted(stage="walk", total=nodes[0].level if nodes else 0))
    chosen: list[Node] = []
    while nodes:
        steps += 1
        reply = await _choose(context, nodes, most)
        if reply.scope == "everything":
            context.on_event(StageFinished(stage="walk"))
            return await read_all_facts(context, memory, steps=steps)
        by_name = {node.name: node for node in nodes}
        chosen = [by_name[name] for name in _named(reply.open) if name in by_name][:most]
        if nodes[0].level == 1:
            break
        below = [child for node in chosen for child in memory.children_of(node)]
        # Of what the question's own words point to, the neighbours are listed too: a summary may have left
        # the rest out.
        below += [n for n in memory.levels[nodes[0].level - 2] if _holds_any(n, seeds)]
        nodes = sorted(dict.fromkeys(below[:WIDE]), key=lambda node: node.position)
    context.on_event(StageFinished(stage="walk"))
    seeded = [memory.chapters[memory.chapter_of_scene[place]] for place in seeds]
    opened = list(dict.fromkeys(_in_turns([n for n in chosen if n.level == 1], seeded)))[:most]
    scenes = {place for node in opened for place in range(node.first_scene, node.last_scene + 1)}
    return Walked(frozenset(scenes), steps=steps)


async def read_all_facts(context: Context, memory: Memory, *, steps: int = 0) -> Walked:
    """The facts of every chapter, read in parallel; opened are the scenes that they point to."""
    room = room_for(context, context.text) * (CAST_SHARE - 1) // CAST_SHARE
    lines = [_line(node, None) for node in memory.chapters]
    groups = packed(lines, room, weight=context.weight_of)
    context.on_event(StageStarted(stage="read_facts", total=len(groups)))
    replies = await together(_read_facts(context, group) for group in groups)
    context.on_event(StageFinished(stage="read_facts"))
    position = {scene.index: place for place, scene in enumerate(context.scenes.items)}
    wanted = [[position[s] for s in reply if s in position] for reply in replies]
    seeds = await _seeds(context, memory)
    most = context.max_opened * SCENES_PER_CHAPTER
    ranked = list(dict.fromkeys([*seeds, *_in_turns(*wanted)]))
    # Facts tell what captions told. Where somebody who is asked about was seen, captions may have missed it.
    seen = [place for place in _seen(context, position) if place not in ranked]
    ranked += evenly(seen, max(most // 2 - len(ranked), 0))
    if len(ranked) > most:
        left = counted(len(ranked) - most, "scene")
        context.on_event(
            Notice(text=f"{left} that may bear on the question not read: --max-opened bounds them")
        )
    return Walked(frozenset(ranked[:most]), everything=True, steps=steps + 1)


async def _seeds(context: Context, memory: Memory) -> list[int]:
    text = " ".join([context.question, *context.options])
    recall = await to_thread.run_sync(lambda: context.recall)
    position = {scene.index: place for place, scene in enumerate(context.scenes.items)}
    pointed = [position[s.index] for m in context.pointed for s in context.scenes.overlapping(m.span)[:1]]
    seeds = dict.fromkeys(_in_turns(recall.places(text, SEEDS), pointed))
    return [place for place in seeds if place in memory.chapter_of_scene][:SEEDS]


def _seen(context: Context, position: dict[int, int]) -> list[int]:
    """The scenes that show whom the question names, in order of time."""
    named = entities_named(context, [context.question, *context.options])
    scenes = context.scenes.items
    return sorted(
        {
            position[i]
            for entity in named
            for i in entity.scene_indexes
            if i in position and entity.name not in spoken_of(scenes[position[i]])
        }
    )


def _holds_any(node: Node, places: Sequence[int]) -> bool:
    return any(node.first_scene <= place <= node.last_scene for place in places)


async def _choose(context: Context, nodes: Sequence[Node], most: int) -> WalkReply:
    """One call, or several where the model takes less than the nodes of a level."""
    room = room_for(context, context.text) * (CAST_SHARE - 1) // CAST_SHARE
    groups = packed([_line(node, FACTS_SHOWN) for node in nodes], room, weight=context.weight_of)
    replies = await together(_choose_of(context, group, nodes[0].level == 1, most) for group in groups)
    everything = any(reply.scope == "everything" for reply in replies)
    return WalkReply(
        reasoning=replies[0].reasoning,
        open=tuple(_in_turns(*[reply.open for reply in replies]))[:64],
        scope="everything" if everything else "parts",
    )


async def _choose_of(context: Context, lines: Sequence[NodeLine], chapters: bool, most: int) -> WalkReply:
    span = Span(lines[0].start_seconds, max(line.stop_seconds for line in lines))
    inputs = WalkInputs(
        question=context.question,
        options=context.options,
        nodes=tuple(lines),
        chapters=chapters,
        entities=_cast(context),
        speech=context.speech,
        most=most,
    )
    try:
        return await call(context, context.text, "walk", inputs, WalkReply, span=span)
    except ModelError as error:
        context.on_event(Notice(text=f"no chapters were chosen in {span}: {failure_of(error)}"))
        return WalkReply(reasoning="The call failed.", open=tuple(line.name for line in lines[:most]))


async def _read_facts(context: Context, lines: Sequence[NodeLine]) -> list[int]:
    span = Span(lines[0].start_seconds, max(line.stop_seconds for line in lines))
    inputs = ReadFactsInputs(
        question=context.question,
        options=context.options,
        span=span,
        nodes=tuple(lines),
        entities=_cast(context),
        speech=context.speech,
    )
    try:
        reply = await call(context, context.text, "read_facts", inputs, ReadFactsReply, span=span)
    except ModelError as error:
        context.on_event(Notice(text=f"the facts of {span} could not be read: {failure_of(error)}"))
        return []
    return list(dict.fromkeys(reply.scenes))


def _cast(context: Context) -> tuple[EntityLine, ...]:
    """Those whom people call by a name, without when they are seen: of hours that would be long."""
    return cast_of(context, called=True, room=room_for(context, context.text) // (2 * CAST_SHARE))


def _line(node: Node, facts: int | None) -> NodeLine:
    """A node as it is listed: with a share of its facts, or all of them and no summary."""
    if facts is None:
        return node_line(node, summary=(), facts=node.facts)
    return node_line(node, summary=node.summary, facts=evenly(node.facts, facts if node.level == 1 else 0))


def _named(names: Sequence[str]) -> list[str]:
    return [name.strip("[] ").removeprefix("part ") for name in names]


def _in_turns(*lists: Sequence[V]) -> list[V]:
    """The first of each, the second of each, …"""
    longest = max((len(one) for one in lists), default=0)
    return [one[place] for place in range(longest) for one in lists if place < len(one)]
