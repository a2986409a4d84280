"""Selects a shard's characters: who or what is shown saliently, from sparse frames."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.frames import Shown, room, spread
from mrvideo.captioning.options import cues_of
from mrvideo.captioning.shard_records import Piece
from mrvideo.captioning.shard_view import ShardView
from mrvideo.captioning.tiling import source_box
from mrvideo.models.base import Capabilities, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Mention
from mrvideo.schemas.captioning import CharacterReply, CharactersInputs, CharactersReply
from mrvideo.schemas.shared import CueLine

_LABEL_SECONDS = 0.26


async def find_characters(
    view: ShardView, calls: Calls
) -> tuple[tuple[Mention, ...], tuple[str, ...], tuple[Failure, ...]]:
    """The shard's mentions and watermarks, or the failure that leaves it without names. Paper: one call per
    two minutes.
    """
    if not view.sparse:
        return (), (), ()
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
        return (), (), (reply,)
    mentions = tuple(mention_of(found, view, seen) for found in reply.characters)
    watermarks = dict.fromkeys(" ".join(text.split()) for text in reply.watermarks)
    return mentions, tuple(text for text in watermarks if text), ()


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


def with_spans(mentions: tuple[Mention, ...], pieces: tuple[Piece, ...]) -> tuple[Mention, ...]:
    """Each mention over the stretch of the scenes it appears in; over its exemplar's instant when it is in
    none.
    """
    spanned: list[Mention] = []
    for mention in mentions:
        where = [piece for piece in pieces if mention.name in piece.appearing]
        start = min((piece.start_seconds for piece in where), default=mention.exemplar_seconds)
        stop = max((piece.stop_seconds for piece in where), default=mention.exemplar_seconds)
        spanned.append(mention.model_copy(update={"start_seconds": start, "stop_seconds": stop}))
    return tuple(spanned)
