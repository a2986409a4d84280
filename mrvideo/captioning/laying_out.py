"""What a model says of a clip, in any order and with any gaps, becomes drafts of scenes without gap or overlap.

reply    |--a--|   |--b--------|          a gap, an overlap, an order of its own
               |--c---|
laid out |--a-----|c---|--b----|          each draft runs to the next one's start, on a frame's own time
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from mrvideo.captioning.frames import Shown
from mrvideo.captioning.shard_records import BestSeen, SceneDraft
from mrvideo.records import Box, Failure, Frame, Sighting, Span, Spanned
from mrvideo.schemas.captioning import SceneReply, SplitReply
from mrvideo.schemas.shared import ShownBox

S = TypeVar("S", bound=Spanned)
_TICK = 1e-6
_LABEL_SECONDS = 0.26
"""A time in a reply may miss a frame's label by this much: half of a step at 2 frames per second."""
_ROUNDED_SECONDS = 0.06
"""A model may write a cut's time to a tenth."""


class ReplyGroup(NamedTuple):
    """A span and the replies that describe it: one, or several that start at the same frame."""

    span: Span
    replies: tuple[SceneReply | SplitReply, ...]


def grouped(
    replies: Sequence[SceneReply | SplitReply],
    span: Span,
    frame_times: Sequence[float],
    cut_times: Sequence[float] = (),
) -> tuple[ReplyGroup, ...]:
    """The replies in groups that cover `span` without gap, in order.

    A group starts where its reply says, moved to the nearest shown frame, or to a camera cut that lies
    between what the reply names and the frame shown before it.
    """
    starts: dict[float, list[SceneReply | SplitReply]] = {}
    for reply in sorted(replies, key=lambda r: (r.start_seconds, r.stop_seconds, r.brief)):
        starts.setdefault(_snapped(reply.start_seconds, frame_times, cut_times), []).append(reply)
    # Nothing lies before the first scene: it begins where the span begins, whenever the model says it does.
    borders = sorted(starts)
    inner = [border for border in borders[1:] if span.start_seconds < border < span.stop_seconds]
    edges = [span.start_seconds, *inner, span.stop_seconds]
    held: list[list[SceneReply | SplitReply]] = [[] for _ in edges[1:]]
    for border in borders:
        place = sum(edge <= border for edge in inner)
        held[place].extend(starts[border])
    return tuple(
        ReplyGroup(Span(low, high), tuple(inside))
        for low, high, inside in zip(edges[:-1], edges[1:], held, strict=True)
    )


def _snapped(time_seconds: float, frame_times: Sequence[float], cut_times: Sequence[float]) -> float:
    """The border meant by a time: a listed cut's own time, or a cut since the frame shown before it, else the
    nearest frame or a cut just ahead of that.
    """
    if not frame_times:
        return time_seconds
    for cut in cut_times:
        if abs(cut - time_seconds) <= _ROUNDED_SECONDS:
            return cut
    place = min(range(len(frame_times)), key=lambda i: (abs(frame_times[i] - time_seconds), i))
    for border in (time_seconds, frame_times[place]):
        earlier = [time for time in frame_times if time < border]
        for cut in cut_times:
            if earlier and earlier[-1] < cut <= border + _TICK:
                return cut
    return frame_times[place]


def sightings_of(
    replies: Sequence[SceneReply | SplitReply], within: Span, frame_times: Sequence[float] = ()
) -> tuple[Sighting, ...]:
    """The texts on screen that the replies report, cut to the span that was shown.

    One that was read on a single frame stood there until the next frame, which does not show it.
    """
    found: list[Sighting] = []
    for reply in replies:
        if isinstance(reply, SplitReply):
            continue
        for text in reply.screen_text:
            start = min(max(text.start_seconds, within.start_seconds), within.stop_seconds)
            stop = min(max(text.stop_seconds, start), within.stop_seconds)
            if stop - start < _TICK:
                later = (time for time in frame_times if time > start + _TICK)
                stop = min(next(later, within.stop_seconds), within.stop_seconds)
            words = " ".join(text.text.split())
            if words:
                found.append(Sighting(start_seconds=start, stop_seconds=stop, text=words))
    return tuple(found)


def joined_text(parts: Sequence[str], separator: str) -> str:
    """The parts in order, each once."""
    return separator.join(dict.fromkeys(part.strip() for part in parts if part.strip()))


def draft_of(
    group: ReplyGroup,
    *,
    shard_index: int,
    shown: Span,
    frames: Sequence[Shown] = (),
    continues: bool,
    same_picture: bool,
    told: bool = False,
    lasts: str = "",
) -> SceneDraft:
    """A group of scene replies as a draft. `frames` are those that the call saw.

    Of one that goes on with a scene its call was told of, `lasts` comes first: what is new says little by itself.
    """
    scenes = [reply for reply in group.replies if isinstance(reply, SceneReply)]
    return SceneDraft(
        start_seconds=group.span.start_seconds,
        stop_seconds=group.span.stop_seconds,
        shard_index=shard_index,
        brief=joined_text([scene.brief for scene in scenes], " "),
        detailed=_with_lasting(lasts if told and continues else "", scenes),
        appearing=tuple(dict.fromkeys(name for scene in scenes for name in scene.names)),
        best=_best_of(scenes, frames, group.span),
        sightings=sightings_of(scenes, shown, [one.time_seconds for one in frames]),
        continues=continues,
        told=told and continues,
        same_picture=same_picture,
    )


def _with_lasting(lasts: str, scenes: Sequence[SceneReply]) -> str:
    new = joined_text([scene.detailed for scene in scenes], " ")
    lasts = lasts.strip()
    if not lasts or new.startswith(lasts):
        return new
    return f"{lasts}{'' if lasts[-1] in '.!?…' else '.'} {new}"


def _best_of(scenes: Sequence[SceneReply], frames: Sequence[Shown], span: Span) -> tuple[BestSeen, ...]:
    """The best-seen times that name a frame shown inside the span; the first of each name."""
    found: dict[str, BestSeen] = {}
    for one in (one for scene in scenes for one in scene.appearing if one.best_seconds is not None):
        seconds = one.best_seconds or 0.0
        near = min(frames, key=lambda frame: abs(frame.time_seconds - seconds), default=None)
        if near is None or abs(near.time_seconds - seconds) > _LABEL_SECONDS:
            continue
        if span.contains(near.time_seconds):
            box = one.box and source_box(one.box, near.frame)
            found.setdefault(one.name, BestSeen(name=one.name, seconds=near.time_seconds, box=box))
    return tuple(found.values())


def source_box(box: ShownBox, frame: Frame) -> Box:
    """A box of a shown frame in shares of the source picture."""
    return Box(box.left, box.top, box.right, box.bottom).out_of(frame.crop)


def laid_out(entries: Sequence[S], whole: Span) -> tuple[S, ...]:
    """Drafts and failures, in order of start, each run to the next one's start; together they are `whole`.

    Shards meet at nominal times, their frames at real ones: the later shard's first frame decides.
    """
    order = sorted(entries, key=lambda entry: (entry.start_seconds, entry.stop_seconds))
    starts = [min(max(entry.start_seconds, whole.start_seconds), whole.stop_seconds) for entry in order]
    if starts:
        starts[0] = whole.start_seconds
    stops = [*starts[1:], whole.stop_seconds]
    return tuple(
        entry.model_copy(update={"start_seconds": start, "stop_seconds": stop})
        for entry, start, stop in zip(order, starts, stops, strict=True)
        if start < stop
    )


def merged(
    entries: Sequence[SceneDraft | Failure], *, longest_seconds: float
) -> tuple[tuple[SceneDraft, ...], ...]:
    """Drafts that were laid out, in runs that are one scene each. A failure between two drafts parts them.

    A run is no longer than `longest_seconds`, but for drafts that were told of it or show its very picture.
    """
    runs: list[list[SceneDraft]] = []
    last: SceneDraft | Failure | None = None
    for entry in entries:
        if isinstance(entry, SceneDraft):
            goes_on = isinstance(last, SceneDraft) and (entry.continues or entry.same_picture)
            fits = bool(runs) and entry.stop_seconds - runs[-1][0].start_seconds <= longest_seconds
            # Words that only say what is new mean nothing in a scene of their own.
            if goes_on and (fits or entry.same_picture or entry.told):
                runs[-1].append(entry)
            else:
                runs.append([entry])
        last = entry
    return tuple(tuple(run) for run in runs)
