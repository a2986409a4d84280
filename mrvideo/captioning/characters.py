"""Selects a shard's characters: who or what is shown saliently, from sparse frames."""

from __future__ import annotations

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.frames import room, spread
from mrvideo.captioning.options import cues_of
from mrvideo.captioning.shard_records import Piece
from mrvideo.captioning.shard_view import ShardView
from mrvideo.models.base import Capabilities, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Mention
from mrvideo.schemas.captioning import CharactersInputs, CharactersReply
from mrvideo.schemas.shared import CueLine


async def find_characters(view: ShardView, calls: Calls) -> tuple[tuple[Mention, ...], tuple[Failure, ...]]:
    """The shard's mentions, or the failure that leaves it without names. Paper: one call per two minutes."""
    if not view.sparse:
        return (), ()
    spec = view.spec

    def request(able: Capabilities) -> Request[CharactersReply]:
        shown = spread(view.sparse, room(able))
        return Request(
            prompt=load_prompt("characters"),
            inputs=CharactersInputs(
                span=spec.span,
                frame_times=tuple(one.time_seconds for one in shown),
                cues=tuple(CueLine.of(cue) for cue in cues_of(spec.cues, spec.span)),
            ),
            reply_type=CharactersReply,
            stage="characters",
            pictures=tuple(one.picture() for one in shown),
            span=spec.span,
        )

    reply = await calls.ask_fitting(request, hides="names")
    if isinstance(reply, Failure):
        return (), (reply,)
    return tuple(
        Mention(
            start_seconds=spec.span.start_seconds,
            stop_seconds=spec.span.stop_seconds,
            shard_index=spec.index,
            name=found.name,
            kind=found.kind,
            description=found.description,
            exemplar_seconds=found.exemplar_seconds,
        )
        for found in reply.characters
    ), ()


def with_spans(mentions: tuple[Mention, ...], pieces: tuple[Piece, ...]) -> tuple[Mention, ...]:
    """Each mention over the stretch of the scenes it appears in; over its exemplar's instant when it is in none."""
    spanned: list[Mention] = []
    for mention in mentions:
        where = [piece for piece in pieces if mention.name in piece.appearing]
        start = min((piece.start_seconds for piece in where), default=mention.exemplar_seconds)
        stop = max((piece.stop_seconds for piece in where), default=mention.exemplar_seconds)
        spanned.append(mention.model_copy(update={"start_seconds": start, "stop_seconds": stop}))
    return tuple(spanned)
