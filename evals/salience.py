"""How much each scene matters, by what the memory of its video cites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from mrvideo.evals.items import Question, silent
from mrvideo.memory.evidence import leaves_of
from mrvideo.memory.tree import Memory
from mrvideo.memory.views import scene_spans, summary
from mrvideo.records import Answer, Index, Record, Span, Usage
from mrvideo.session.asking import opened
from mrvideo.session.remembering import remembered
from mrvideo.settings import Settings


class Salience(Record):
    """A score for every scene, in order, and the summary of the whole video in words."""

    spans: tuple[Span, ...]
    scores: tuple[float, ...]
    text: str
    usage: Usage


def salience_of(memory: Memory) -> Mapping[int, float]:
    """Number of a scene → its salience; scenes that nothing cites are left out.

    Every fact and every sentence of a summary, at every level of the tree, counts 1, shared out evenly among
    the scenes that it cites: what is kept from level to level counts again at each.
    """
    salience: dict[int, float] = defaultdict(float)
    for node in memory.walk():
        for item in (*node.facts, *node.summary):
            for scene in item.scenes:
                salience[scene] += 1 / len(item.scenes)
    return salience


async def salience_with(index: Index, settings: Settings) -> Salience:
    """The salience of a video's scenes, its memory built first where none is kept; on the event-loop thread."""
    memory, usage = await _memory(index, settings)
    salience = salience_of(memory)
    spans = scene_spans(leaves_of(index))
    return Salience(
        spans=tuple(spans.values()),
        scores=tuple(salience.get(number, 0.0) for number in spans),
        text="" if memory.root is None else memory.root.text,
        usage=usage,
    )


async def summary_with(index: Index, question: Question, settings: Settings) -> Answer:
    """`mrvideo summarise`, a page of it, as an answer; on the event-loop thread."""
    memory, usage = await _memory(index, settings)
    told = summary(index, memory, "page")
    text = " ".join(one.text for section in told.sections for one in section.sentences)
    return Answer(
        question=question.text,
        answer=text or None,
        confidence=3,
        verified=False,
        effort=settings.effort,
        usage=usage,
        video=index.video.path,
        video_digest=index.video.digest,
    )


async def _memory(index: Index, settings: Settings) -> tuple[Memory, Usage]:
    async with opened(settings, silent, video=index.video.digest) as (models, library):
        memory = await remembered(index, settings, library, models.text, silent)
        return memory, models.ledger.total()
