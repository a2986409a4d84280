"""Selects a shard's characters: who or what is shown saliently, from sparse frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.frames import Shown, room, spread
from mrvideo.captioning.laying_out import source_box
from mrvideo.captioning.options import cues_of
from mrvideo.captioning.shard_records import BestSeen, SceneDraft
from mrvideo.captioning.shard_view import ShardView
from mrvideo.models.base import Capabilities, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Mention, Sighting, Span
from mrvideo.schemas.captioning import CharacterReply, CharactersInputs, CharactersReply
from mrvideo.schemas.shared import CueLine

_LABEL_SECONDS = 0.26


@dataclass(frozen=True)
class FirstLook:
    """What a shard's first look found: its mentions, where they are in the frames that a neighbour is shown,
    too, and its watermarks; or the failure that leaves it without names.
    """

    mentions: tuple[Mention, ...] = ()
    shared: tuple[BestSeen, ...] = ()
    watermarks: tuple[Sighting, ...] = ()
    failures: tuple[Failure, ...] = ()


async def find_characters(view: ShardView, calls: Calls) -> FirstLook:
    """Paper: one call per two minutes."""
    if not view.sparse:
        return FirstLook()
    spec = view.spec
    seen: tuple[Shown, ...] = ()

    def request(able: Capabilities) -> Request[CharactersReply]:
        nonlocal seen
        seen = spread(view.sparse, room(able))
        return Request(
            prompt=load_prompt("characters"),
            inputs=CharactersInputs(
                span=spec.span,
                frame_times=tuple(one.time_seconds for one in seen),
                shared_times=tuple(one.time_seconds for one in seen if one in view.shared),
                speech=spec.speech(spec.span),
                cues=tuple(CueLine.of(cue) for cue in cues_of(spec.cues, spec.span)),
            ),
            reply_type=CharactersReply,
            stage="characters",
            pictures=tuple(one.picture() for one in seen),
            span=spec.span,
        )

    reply = await calls.ask_fitting(request, hides="names")
    if isinstance(reply, Failure):
        return FirstLook(failures=(reply,))
    return FirstLook(
        mentions=tuple(mention_of(found, view, seen) for found in reply.characters),
        shared=tuple(_shared(reply, [one for one in seen if one in view.shared])),
        watermarks=tuple(_watermarks(reply, view, [one.time_seconds for one in seen])),
    )


def _shared(reply: CharactersReply, frames: Sequence[Shown]) -> Iterator[BestSeen]:
    """Where the reply's characters are in the shared frames; what names no such frame or character is nothing."""
    names = {one.name for one in reply.characters}
    for found in reply.shared:
        near = min(frames, key=lambda one: abs(one.time_seconds - found.seconds), default=None)
        if near is None or abs(near.time_seconds - found.seconds) > _LABEL_SECONDS or found.name not in names:
            continue
        if found.box is not None:
            box = source_box(found.box, near.frame)
            yield BestSeen(name=found.name, seconds=near.time_seconds, box=box)


def _watermarks(reply: CharactersReply, view: ShardView, labels: Sequence[float]) -> Iterator[Sighting]:
    """The reply's watermarks over the spans that the labels tell, of `labels`, which were sent, ascending; one that
    names none of those is nothing.
    """
    for mark in reply.standing:
        low, high = mark.first_seconds - _LABEL_SECONDS, mark.last_seconds + _LABEL_SECONDS
        shown = [label for label in labels if low <= label <= high]
        span = _standing(shown[0], shown[-1], view, labels) if shown else None
        if span is not None:
            yield Sighting(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, text=mark.text)


def _standing(first: float, last: float, view: ShardView, labels: Sequence[float]) -> Span | None:
    """When something stands that is shown from the first of the labels to the last: to the ends of their shots, or half
    the way to the next label, which shows it no more; None where that is beyond the shard.

    labels   .      x    x       .
    cuts         |       |    |             the cut nearest to a label that shows it
    stands       |============|
    """
    cuts = [shot.start_seconds for shot in view.shots if shot.transition != "start"]
    before = max((label for label in labels if label < first), default=None)
    after = min((label for label in labels if label > last), default=None)
    start = max((cut for cut in cuts if cut <= first and (before is None or before < cut)), default=None)
    stop = min((cut for cut in cuts if cut > last and (after is None or cut <= after)), default=None)
    if start is None:
        start = view.span.start_seconds if before is None else (before + first) / 2
    if stop is None:
        stop = view.span.stop_seconds if after is None else (last + after) / 2
    if start >= view.span.stop_seconds or stop <= view.span.start_seconds:
        return None
    return Span(start, stop).intersection(view.span)


def mention_of(
    found: CharacterReply, view: ShardView, seen: Sequence[Shown], *, late: bool = False
) -> Mention:
    """A character of a reply as a mention, its box in shares of the source picture. `seen` are the frames
    that were shown.
    """
    best = min(seen, key=lambda one: abs(one.time_seconds - found.exemplar_seconds))
    times = (
        one.time_seconds
        for one in seen
        if any(abs(one.time_seconds - time) <= _LABEL_SECONDS for time in found.seen_seconds)
    )
    return Mention(
        start_seconds=view.spec.span.start_seconds,
        stop_seconds=view.spec.span.stop_seconds,
        shard_index=view.spec.index,
        name=found.name,
        kind=found.kind,
        description=found.description,
        activity=" ".join(found.activity.split()),
        exemplar_seconds=best.time_seconds,
        box=found.box and source_box(found.box, best.frame),
        seen_seconds=tuple(times),
        late=late,
    )


def with_spans(
    mentions: tuple[Mention, ...], drafts: tuple[SceneDraft, ...], *, within: Span
) -> tuple[Mention, ...]:
    """Each mention over the span of the scenes it appears in; over its exemplar's instant when it is in
    none.

    Whom the first look saw only before the shard's start or after its end, and no scene shows, is left to its
    neighbour.
    """
    spanned: list[Mention] = []
    for mention in mentions:
        where = [draft for draft in drafts if mention.name in draft.appearing]
        times = (mention.exemplar_seconds, *mention.seen_seconds)
        if not where and (min(times) >= within.stop_seconds or max(times) < within.start_seconds):
            continue
        start = min((draft.start_seconds for draft in where), default=mention.exemplar_seconds)
        stop = max((draft.stop_seconds for draft in where), default=mention.exemplar_seconds)
        spanned.append(mention.model_copy(update={"start_seconds": start, "stop_seconds": stop}))
    return tuple(spanned)
