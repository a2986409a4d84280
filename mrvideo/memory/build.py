"""The tree, built from the scenes up: one call a chapter, one a node above, each level at once.

    scenes   ──borders──► chapters ──call each──► facts, summary, title ──code checks──► level 1
    level n  ──borders──► groups   ──call each──► facts, summary, title ──code checks──► level n+1 … one root

Replies are kept by what was sent, so that a build that was killed goes on where it stopped, and scenes that
are added at the end cost the calls of the right edge alone. Requests hold entity names and no others: a name
that somebody is given costs none.
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from mrvideo.captioning.calls import Calls, together
from mrvideo.memory.chapters import Unit, borders, set_off, words_of
from mrvideo.memory.evidence import Leaf, borne_out, leaves_of
from mrvideo.memory.lines import evenly, node_line
from mrvideo.memory.tree import Fact, Memory, Node, Sentence
from mrvideo.models.base import Capabilities, Model, Request
from mrvideo.models.tokens import text_tokens
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import (
    Entity,
    EventSink,
    Failure,
    Index,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Usage,
)
from mrvideo.schemas.analysis import EntityLine, SceneLine
from mrvideo.schemas.memory import (
    ChapterInputs,
    ChapterReply,
    JoinChaptersInputs,
    JoinChaptersReply,
)
from mrvideo.schemas.shared import CueLine
from mrvideo.speech.known import speech_of
from mrvideo.text import language_of

R = TypeVar("R", bound=ChapterReply)

STAGE = "memory"

VERSION = 1
"""Changes when the same index and the same replies would make another tree."""

FACTS_TOLD = 12
"""So many facts of a node are told to the one above; its summary tells the rest."""

AT_ONCE = 64
"""Calls in work at one time: a level of a hundred hours has thousands."""

_INSTRUCTIONS = 2500
"""Tokens of the instructions and of the reply's schema."""
_LEAST_LETTERS = 80


def memory_key(index: Index, model: str) -> str:
    """Changes with all that a memory hangs on: what the index says, the model's name, the prompts, and how it
    is built.
    """
    parts = [
        str(VERSION),
        model,
        load_prompt("chapter").digest,
        load_prompt("join_chapters").digest,
        index.key,
        index.model_dump_json(include={"scenes", "cues", "entities", "shots"}),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def build_memory(index: Index, *, text: Model, on_event: EventSink) -> Memory:
    """The whole tree. A chapter that the model refuses is remembered by its captions as they stand, and
    listed as a failure.

    Raises `ModelUnavailable`, `BudgetReached`; what was answered by then is kept.
    """
    leaves = leaves_of(index)
    builder = _Builder(index, leaves, text, on_event)
    levels: list[tuple[Node, ...]] = []
    if leaves:
        levels.append(await builder.chapters())
        while len(levels[-1]) > 1:
            levels.append(await builder.above(levels[-1]))
    return Memory(
        key=memory_key(index, text.name),
        levels=tuple(levels),
        dropped=builder.dropped,
        failures=tuple(builder.failures),
        usage=builder.usage,
        made_by=text.name,
    )


@dataclass(frozen=True)
class _Words:
    """A reply, checked; or what stands for one."""

    title: str
    summary: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    failed: str = ""


class _Builder:
    """One build. Lives on the event-loop thread."""

    def __init__(self, index: Index, leaves: Sequence[Leaf], text: Model, on_event: EventSink) -> None:
        self.index = index
        self.leaves = leaves
        self.dropped = 0
        self.failures: list[Failure] = []
        self._by_index = {leaf.scene.index: leaf for leaf in leaves}
        self._cast = {entity.name: entity for entity in index.entities}
        self._on_event = on_event
        self._model = text
        self._calls = Calls(text, on_call=self._told)
        self._slots = asyncio.Semaphore(AT_ONCE)
        sample = leaves[:: max(len(leaves) // 50, 1)]
        self._language = language_of(" ".join(text for leaf in sample for text in leaf.texts))
        self._stop = self._language.stop

    @property
    def usage(self) -> Usage:
        """What the calls of this build took."""
        return sum(self._calls.usage.values(), Usage())

    def _told(self, stage: str, usage: Usage) -> None:
        # What it took is reported by the ledger.
        self._on_event(StageAdvanced(stage=stage, done=1))

    async def chapters(self) -> tuple[Node, ...]:
        """Level 1."""
        groups = borders([self._unit(place) for place in range(len(self.leaves))])
        self._on_event(StageStarted(stage=STAGE, total=len(groups)))
        nodes = await together(self._chapter(place, group) for place, group in enumerate(groups))
        self._on_event(StageFinished(stage=STAGE))
        return tuple(nodes)

    async def above(self, below: Sequence[Node]) -> tuple[Node, ...]:
        """The next level."""
        units = [
            Unit(
                frozenset(node.entity_names),
                words_of([node.title, node.text, *(fact.text for fact in node.facts)], self._stop),
            )
            for node in below
        ]
        groups = borders(units)
        self._on_event(StageStarted(stage=STAGE, total=len(groups)))
        nodes = await together(
            self._joined(place, [below[i] for i in group]) for place, group in enumerate(groups)
        )
        self._on_event(StageFinished(stage=STAGE))
        return tuple(nodes)

    def _unit(self, place: int) -> Unit:
        leaf = self.leaves[place]
        before = self.leaves[place - 1] if place else None
        gap = None
        if before is not None and before.cues and leaf.cues:
            gap = leaf.cues[0].start_seconds - before.cues[-1].stop_seconds
        start = leaf.scene.start_seconds
        cut = any(abs(shot.start_seconds - start) < 0.05 for shot in self._shots_near(start))
        return Unit(
            frozenset(leaf.scene.entity_names), words_of(leaf.texts, self._stop), set_off(gap, cut=cut)
        )

    def _shots_near(self, seconds: float) -> list[Span]:
        shots = self.index.shots
        place = bisect_left(shots, seconds - 0.05, key=lambda shot: shot.start_seconds)
        return [shot.span for shot in shots[place : place + 2]]

    async def _chapter(self, position: int, group: range) -> Node:
        leaves = self.leaves[group.start : group.stop]
        span = _hull([leaf.scene.span for leaf in leaves])
        names = tuple(dict.fromkeys(name for leaf in leaves for name in leaf.scene.entity_names))
        words = await self._worded(
            "chapter",
            ChapterReply,
            lambda able: self._chapter_inputs(leaves, span, names, able),
            span,
            leaves,
            lambda reason: _as_it_stands(leaves, reason),
        )
        return _node(words, span, names, level=1, position=position, scenes=group)

    async def _joined(self, position: int, nodes: Sequence[Node]) -> Node:
        span = _hull([node.span for node in nodes])
        names = tuple(dict.fromkeys(name for node in nodes for name in node.entity_names))
        scenes = range(nodes[0].first_scene, nodes[-1].last_scene + 1)
        words = await self._worded(
            "join_chapters",
            JoinChaptersReply,
            lambda able: self._join_inputs(nodes, span, names, able),
            span,
            self.leaves[scenes.start : scenes.stop],
            lambda reason: _side_by_side(nodes, reason),
        )
        node = _node(words, span, names, level=nodes[0].level + 1, position=position, scenes=scenes)
        return node.model_copy(update={"children": tuple(below.position for below in nodes)})

    async def _worded(
        self,
        prompt: str,
        reply_type: type[R],
        inputs: Callable[[Capabilities], BaseModel],
        span: Span,
        leaves: Sequence[Leaf],
        unworded: Callable[[str], _Words],
    ) -> _Words:
        """One call, checked against the scenes; `unworded` stands for what was refused, by its reason."""

        def request(able: Capabilities) -> Request[R]:
            return Request(
                prompt=load_prompt(prompt),
                inputs=inputs(able),
                reply_type=reply_type,
                stage=STAGE,
                span=span,
                max_output_tokens=_output_tokens(able),
                names=tuple(self._cast),
            )

        async with self._slots:
            reply = await self._calls.ask_fitting(request, hides="names")
        if isinstance(reply, Failure):
            self.failures.append(reply)
            return unworded(reply.reason)
        return self._checked(reply, leaves)

    def _checked(self, reply: ChapterReply, leaves: Sequence[Leaf]) -> _Words:
        """What scenes of this node bear out, each text once; the rest is dropped and counted."""
        there = {leaf.scene.index for leaf in leaves}
        facts: dict[str, Fact] = {}
        summary: dict[str, Sentence] = {}
        for fact in reply.facts:
            if scenes := self._scenes(fact.text, fact.scenes, there):
                # What is told twice happened in all the scenes that are cited for it.
                before = facts.get(fact.text.casefold())
                every = tuple(sorted({*scenes, *(before.scenes if before else ())}))
                facts[fact.text.casefold()] = Fact(text=fact.text, kind=fact.kind, scenes=every)
        for sentence in reply.summary:
            if scenes := self._scenes(sentence.text, sentence.scenes, there):
                summary.setdefault(sentence.text.casefold(), Sentence(text=sentence.text, scenes=scenes))
        if not summary:
            # Nothing of the summary stands: the facts that do are told in its place, or the captions.
            own = [Sentence(text=f.text, scenes=f.scenes) for f in evenly(tuple(facts.values()), 3)]
            summary = {s.text: s for s in own or _as_it_stands(leaves, "").summary}
        return _Words(reply.title, tuple(summary.values()), tuple(facts.values()))

    def _scenes(self, text: str, cited: Sequence[int], there: set[int]) -> tuple[int, ...]:
        scenes = tuple(sorted({scene for scene in cited if scene in there}))
        if scenes and borne_out(text, [self._by_index[s] for s in scenes], language=self._language):
            return scenes
        self.dropped += 1
        return ()

    def _chapter_inputs(
        self, leaves: Sequence[Leaf], span: Span, names: Sequence[str], able: Capabilities
    ) -> ChapterInputs:
        """Captions and cues, cut to what the model takes where they are longer."""
        cues = tuple(CueLine.of(cue) for leaf in leaves for cue in leaf.cues)
        cast = [self._cast[name] for name in names if name in self._cast]
        inputs = ChapterInputs(
            span=span,
            scenes=tuple(SceneLine.of(leaf.scene, times=False) for leaf in leaves),
            cues=cues,
            entities=_cast_lines(cast, 120),
            speech=speech_of(self.index, [span], cues),
        )
        room = _room(able)
        most = 4000
        while most > _LEAST_LETTERS and self._tokens(inputs.model_dump_json()) > room:
            most = most // 2
            inputs = ChapterInputs(
                span=span,
                scenes=tuple(_cut_scene(SceneLine.of(leaf.scene, times=False), most) for leaf in leaves),
                cues=tuple(c.model_copy(update={"text": c.text[:most]}) for c in evenly(cues, most)),
                entities=_cast_lines(cast, most // 20),
                speech=inputs.speech,
                shortened=True,
            )
        return inputs

    def _join_inputs(
        self, nodes: Sequence[Node], span: Span, names: Sequence[str], able: Capabilities
    ) -> JoinChaptersInputs:
        cast = [self._cast[name] for name in names if name in self._cast]
        room = _room(able)
        facts, letters = FACTS_TOLD, 120
        while True:
            inputs = JoinChaptersInputs(
                span=span,
                nodes=tuple(
                    node_line(node, summary=node.summary, facts=evenly(node.facts, facts)) for node in nodes
                ),
                entities=_cast_lines(cast[: 4 * facts], letters),
            )
            if facts == 0 or self._tokens(inputs.model_dump_json()) <= room:
                return inputs
            facts, letters = facts // 2, letters // 2

    def _tokens(self, text: str) -> int:
        return text_tokens(text, self._model.name)


def _node(
    words: _Words, span: Span, names: tuple[str, ...], *, level: int, position: int, scenes: range
) -> Node:
    return Node(
        start_seconds=span.start_seconds,
        stop_seconds=span.stop_seconds,
        level=level,
        position=position,
        first_scene=scenes.start,
        last_scene=scenes.stop - 1,
        title=words.title,
        summary=words.summary,
        facts=words.facts,
        entity_names=names,
        failed=words.failed,
    )


def _side_by_side(nodes: Sequence[Node], reason: str) -> _Words:
    """Some of what each node tells: for nodes that no model would join."""
    return _Words(
        title=f"{nodes[0].title} … {nodes[-1].title}",
        summary=tuple(sentence for node in nodes for sentence in node.summary[:1]),
        facts=tuple(fact for node in nodes for fact in evenly(node.facts, 40 // len(nodes))),
        failed=reason,
    )


def _as_it_stands(leaves: Sequence[Leaf], reason: str) -> _Words:
    """What captions, texts and cues say, unworded: for a chapter that no model would word."""
    facts: dict[str, Fact] = {}
    for leaf in leaves:
        own = (leaf.scene.index,)
        said = [
            Fact(text=f"{c.speaker}: {c.text}" if c.speaker else c.text, kind="speech", scenes=own)
            for c in leaf.cues
        ]
        shown = [Fact(text=f"“{s.text}”", kind="text", scenes=own) for s in leaf.scene.sightings]
        told = [Fact(text=leaf.scene.brief or leaf.scene.detailed, scenes=own)]
        for fact in (*told, *shown, *said):
            if fact.text.strip():
                facts.setdefault(fact.text.casefold(), fact)
    every = tuple(facts.values())
    events = tuple(f for f in every if f.kind == "event") or every
    first = events[0].text if events else "Nothing is told of it"
    return _Words(
        title=" ".join(first.split()[:8]),
        summary=tuple(Sentence(text=f.text, scenes=f.scenes) for f in evenly(events, 3)),
        facts=every,
        failed=reason,
    )


def _cast_lines(entities: Sequence[Entity], letters: int) -> tuple[EntityLine, ...]:
    # A request holds no name that somebody is called by: to give one would cost all calls anew.
    return tuple(
        EntityLine.of(e).model_copy(
            update={"display_name": None, "description": e.description[: max(letters, 0)]}
        )
        for e in entities
    )


def _cut_scene(line: SceneLine, most: int) -> SceneLine:
    texts = tuple(
        text.model_copy(update={"text": text.text[:most]})
        for text in evenly(line.screen_text, max(most // 40, 1))
    )
    return line.model_copy(update={"caption": line.caption[:most], "parts": (), "screen_text": texts})


def _hull(spans: Sequence[Span]) -> Span:
    return Span(min(s.start_seconds for s in spans), max(s.stop_seconds for s in spans))


def _output_tokens(able: Capabilities) -> int:
    return max(min(4096, able.context_tokens // 4), 256)


def _room(able: Capabilities) -> int:
    return max(able.context_tokens - _INSTRUCTIONS - _output_tokens(able), 500) * 9 // 10
