"""How one system answers one question of one video: the pipeline as it is, less one part, or one call on even
frames.

Parts are taken away from outside, so that the pipeline itself has no switch that only an ablation would use.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeVar, cast

from anyio import to_thread
from pydantic import BaseModel

from mrvideo.evals.items import silent
from mrvideo.evals.systems import System
from mrvideo.media.looks import FrameSource
from mrvideo.models.base import Model, Picture, Reply, Request, WrappedModel
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Answer, Claim, Evidence, Index, Mention, Scene, Usage
from mrvideo.schemas.analysis import (
    AnswerInputs,
    AnswerReply,
    EvidenceLine,
    GlobalIntentionReply,
    LookInputs,
    LookLine,
    LookReply,
    ReduceIntentionsReply,
    SegmentIntentionReply,
    SpanReply,
    WholeIntentionReply,
)
from mrvideo.schemas.baseline import UniformInputs, UniformReply
from mrvideo.schemas.shared import CueLine
from mrvideo.session.asking import answer_from, frames_for, opened
from mrvideo.settings import OFFLINE, Settings
from mrvideo.speech.known import speech_of

T = TypeVar("T", bound=BaseModel)

UNIFORM_CUES_CHARACTERS = 60_000
_MARK = re.compile(r"<([a-z]+(?:_[a-z0-9]+)+)>")


async def answer_with(
    system: System,
    index: Index,
    question: str,
    options: tuple[str, ...],
    settings: Settings,
    *,
    must_choose: bool,
) -> Answer:
    """One answer by one system, with its usage; on the event-loop thread. Raises as `Video.ask` does."""
    async with opened(settings, silent, video=index.video.digest) as (models, library):
        if system.kind == "uniform":
            frames = await frames_for(index, settings, models)
            answer = await _uniform(
                system, index, question, options, models.vision, frames, must_choose=must_choose
            )
            return answer.model_copy(update={"usage": models.ledger.total(), "models": models.names})
        if not system.intention:
            vision, text = WithoutIntention(models.vision), WithoutIntention(models.text)
            models = replace(models, vision=vision, text=text)
        return await answer_from(
            models,
            index if system.cast else without_cast(index),
            question,
            options,
            settings.updated(effort=system.effort),
            must_choose=must_choose,
            on_event=silent,
            library=library,
            walks=system.memory,
        )


def without_cast(index: Index) -> Index:
    """The index as it was before the cast was reduced: names as each shard gave them, no entities.

    Captions are the same but for their names, so that the reduce alone makes the difference.
    """
    mentions = {mention.mention_id: mention for mention in index.mentions}
    owned = {
        entity.name: [mentions[i] for i in entity.mention_ids if i in mentions] for entity in index.entities
    }

    def local(scene: Scene) -> Scene:
        middle = scene.span.middle_seconds
        names = {name: _local_name(held, middle) or name for name, held in owned.items()}

        def renamed(text: str) -> str:
            return _MARK.sub(lambda mark: f"<{names.get(mark[1], mark[1])}>", text)

        return scene.model_copy(
            update={
                "brief": renamed(scene.brief),
                "detailed": renamed(scene.detailed),
                "entity_names": tuple(names.get(name, name) for name in scene.entity_names),
            }
        )

    return index.model_copy(
        update={"scenes": tuple(local(scene) for scene in index.scenes), "entities": (), "mentions": ()}
    )


def _local_name(held: list[Mention], time_seconds: float) -> str | None:
    """The name in the shard of that time; of any shard for a scene that runs over from the one before."""
    return next((m.name for m in held if m.span.contains(time_seconds)), held[0].name if held else None)


class WithoutIntention(WrappedModel):
    """A model that is not asked what a question is after: every segment says nothing, the plan is the whole
    video.
    """

    async def run(self, request: Request[T]) -> Reply[T]:
        """Answer the intention prompts without a call, pass all others on."""
        stand_in = self._stand_in(request)
        if stand_in is None:
            return await super().run(request)
        return Reply(value=cast("T", stand_in), usage=Usage())

    async def aclose(self) -> None:
        """Whoever opened the wrapped model closes it."""

    @staticmethod
    def _stand_in(request: Request[T]) -> BaseModel | None:
        none = "Not analysed."
        if request.prompt.name == "segment_intention":
            return SegmentIntentionReply(reasoning=none, confidence=1)
        if request.prompt.name == "reduce_intentions":
            return ReduceIntentionsReply(reasoning=none, confidence=1)
        if request.prompt.name == "global_intention":
            return GlobalIntentionReply(reasoning=none, combine="merge", scope="global")
        if request.prompt.name == "whole_intention":
            return WholeIntentionReply(reasoning=none, confidence=1, combine="merge", scope="global")
        return None


async def _uniform(
    system: System,
    index: Index,
    question: str,
    options: tuple[str, ...],
    model: Model,
    source: FrameSource | None,
    *,
    must_choose: bool,
) -> Answer:
    count = min(system.frames, model.capabilities.max_images)
    step = index.video.duration_seconds / count
    times = [step * (i + 0.5) for i in range(count)]
    frames = await to_thread.run_sync(source.at, times) if source is not None else []
    pictures = tuple(Picture(f"{f.time_seconds:.2f} s", f.jpeg, f.time_seconds) for f in frames)
    cues = _cues(index)
    if model.name == OFFLINE:
        reply = await _uniform_offline(
            model, index, question, options, pictures, cues, must_choose=must_choose
        )
    else:
        inputs = UniformInputs(
            question=question,
            options=options,
            must_choose=must_choose,
            frame_times=tuple(picture.time_seconds for picture in pictures),
            cues=cues,
            speech=speech_of(index, [index.span], cues),
        )
        request = Request(
            prompt=load_prompt("uniform"),
            inputs=inputs,
            reply_type=UniformReply,
            stage="uniform",
            pictures=pictures,
            span=index.span,
        )
        reply = (await model.run(request)).value
    chosen = reply.choice if reply.found or must_choose else None
    evidence = tuple(
        Evidence(
            id=f"e{number}",
            start_seconds=span.span.start_seconds,
            stop_seconds=span.span.stop_seconds,
            source="frame",
            quote=reply.answer or "",
        )
        for number, span in enumerate(reply.spans, start=1)
    )
    return Answer(
        question=question,
        options=options,
        answer=(options[chosen] if chosen is not None else reply.answer)
        if reply.found or chosen is not None
        else None,
        choice=chosen,
        guessed=not reply.found and chosen is not None,
        confidence=reply.confidence,
        verified=False,
        claims=(Claim(text=reply.answer or "", evidence_ids=tuple(e.id for e in evidence)),)
        if evidence
        else (),
        evidence=evidence,
        searched=f"{len(pictures)} frames at even distances",
        effort="low",
        video=index.video.path,
        video_digest=index.video.digest,
    )


async def _uniform_offline(
    model: Model,
    index: Index,
    question: str,
    options: tuple[str, ...],
    pictures: tuple[Picture, ...],
    cues: tuple[CueLine, ...],
    *,
    must_choose: bool,
) -> UniformReply:
    """`offline` reads and decides in two of its own steps; it sees the same frames as a model in one call."""
    look = Request(
        prompt=load_prompt("look_local"),
        inputs=LookInputs(
            question=question,
            goal=question,
            options=options,
            spans=(index.span,),
            frame_times=tuple(picture.time_seconds for picture in pictures),
            cues=cues,
        ),
        reply_type=LookReply,
        stage="uniform",
        pictures=pictures,
        span=index.span,
    )
    seen = (await model.run(look)).value
    evidence = tuple(
        EvidenceLine(
            id=f"e{number}",
            start_seconds=o.start_seconds,
            stop_seconds=o.stop_seconds,
            source="frame",
            quote=o.text,
        )
        for number, o in enumerate(seen.observations, start=1)
    )
    decide = Request(
        prompt=load_prompt("answer"),
        inputs=AnswerInputs(
            question=question,
            options=options,
            must_choose=must_choose,
            plan=GlobalIntentionReply(reasoning="Even frames.", combine="merge", scope="global"),
            looks=(
                LookLine(
                    spans=(index.span,),
                    frames=len(pictures),
                    conclusion=seen.conclusion,
                    confidence=seen.confidence,
                ),
            ),
            evidence=evidence,
        ),
        reply_type=AnswerReply,
        stage="uniform",
    )
    made = (await model.run(decide)).value
    cited = {c.evidence_id for claim in made.claims for c in claim.citations}
    return UniformReply(
        found=made.found,
        answer=made.answer,
        choice=made.choice,
        spans=tuple(
            SpanReply(start_seconds=e.start_seconds, stop_seconds=e.stop_seconds)
            for e in evidence
            if e.id in cited
        ),
        confidence=made.confidence,
    )


def _cues(index: Index) -> tuple[CueLine, ...]:
    """Cues from the start, as many as one call takes."""
    kept: list[CueLine] = []
    room = UNIFORM_CUES_CHARACTERS
    for cue in index.cues:
        room -= len(cue.text) + 24
        if room < 0:
            break
        kept.append(CueLine.of(cue))
    return tuple(kept)
