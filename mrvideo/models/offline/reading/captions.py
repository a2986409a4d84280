"""Stage A without a model: scenes from cuts, captions from what was read and measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mrvideo.models.base import Picture as Labelled
from mrvideo.models.offline.reading.clips import ClipTexts, read_clip
from mrvideo.models.offline.reading.colours import dominant_colours
from mrvideo.models.offline.reading.motion import motion_of, same_event
from mrvideo.models.offline.reading.names import named_here
from mrvideo.models.offline.reading.pictures import Picture
from mrvideo.models.offline.wording import brief_caption, detailed_caption
from mrvideo.records import Sighting, Span
from mrvideo.schemas.captioning import (
    CaptionClipInputs,
    CaptionClipReply,
    CaptionSceneInputs,
    CaptionSceneReply,
    MentionLine,
    MergeBorderReply,
    SceneReply,
    SplitClipInputs,
    SplitClipReply,
    SplitReply,
)
from mrvideo.schemas.shared import CueLine, ScreenText

SHORTEST_SCENE_SECONDS = 0.6
MOST_SCENES = 20
COLOUR_FRAMES = 3


def caption_clip(inputs: CaptionClipInputs, pictures: Sequence[Labelled]) -> CaptionClipReply:
    """One scene between each two cuts."""
    frames, before = _frames(pictures, inputs.frame_times, has_previous=inputs.has_previous)
    texts = read_clip(frames, inputs.span, inputs.cut_times)
    scenes = tuple(
        SceneReply(
            start_seconds=span.start_seconds,
            stop_seconds=span.stop_seconds,
            **_worded(span, frames, texts, inputs.cues, inputs.mentions),
        )
        for span in scene_spans(inputs.span, inputs.cut_times)
    )
    start = inputs.span.start_seconds
    cut_here = any(abs(time - start) < 0.04 for time in inputs.cut_times)
    continues = before is not None and bool(frames) and not cut_here and same_event(before, frames[0])
    return CaptionClipReply(continues_previous=continues, scenes=scenes)


def split_clip(inputs: SplitClipInputs, pictures: Sequence[Labelled]) -> SplitClipReply:
    """The spans between cuts; captions come later."""
    frames, _ = _frames(pictures, inputs.frame_times, has_previous=False)
    scenes: list[SplitReply] = []
    for span in scene_spans(inputs.span, inputs.cut_times):
        inside = _within(frames, span)
        brief = brief_caption((), motion_of(inside), dominant_colours(inside[:1]) if inside else ())
        scenes.append(
            SplitReply(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, brief=brief)
        )
    return SplitClipReply(scenes=tuple(scenes))


def merge_border(pictures: Sequence[Labelled]) -> MergeBorderReply:
    """One event when the last picture before the border and the first after it are alike."""
    before = [picture for picture in pictures if picture.label.startswith("before")]
    after = [picture for picture in pictures if picture.label.startswith("after")]
    if not before or not after:
        return MergeBorderReply(same_scene=False)
    last = Picture(before[-1].jpeg, before[-1].time_seconds)
    first = Picture(after[0].jpeg, after[0].time_seconds)
    return MergeBorderReply(same_scene=same_event(last, first))


def caption_scene(inputs: CaptionSceneInputs, pictures: Sequence[Labelled]) -> CaptionSceneReply:
    """The captions of one scene that is already cut out."""
    frames, _ = _frames(pictures, inputs.frame_times, has_previous=False)
    texts = read_clip(frames, inputs.span)
    return CaptionSceneReply(
        start_seconds=inputs.span.start_seconds,
        stop_seconds=inputs.span.stop_seconds,
        **_worded(inputs.span, frames, texts, inputs.cues, inputs.mentions),
    )


def scene_spans(span: Span, cut_times: Sequence[float]) -> tuple[Span, ...]:
    """The span split at its cuts, without slivers, in at most 20 parts."""
    edges = [span.start_seconds]
    for time in sorted(cut_times):
        if time - edges[-1] >= SHORTEST_SCENE_SECONDS and span.stop_seconds - time >= SHORTEST_SCENE_SECONDS:
            edges.append(time)
    while len(edges) > MOST_SCENES:
        shortest = min(range(1, len(edges)), key=lambda i: edges[i] - edges[i - 1])
        del edges[shortest]
    stops = [*edges[1:], span.stop_seconds]
    return tuple(Span(start, stop) for start, stop in zip(edges, stops, strict=True))


def _frames(
    pictures: Sequence[Labelled], times: Sequence[float], *, has_previous: bool
) -> tuple[list[Picture], Picture | None]:
    """The clip's own frames (the last ones sent), and the frame before the clip."""
    own = pictures[len(pictures) - len(times) :] if times else ()
    others = pictures[: len(pictures) - len(own)]
    before = next((p for p in reversed(others) if has_previous and not p.label.startswith("<")), None)
    frames = [Picture(picture.jpeg, picture.time_seconds) for picture in own]
    return frames, Picture(before.jpeg, before.time_seconds) if before else None


def _within(frames: Sequence[Picture], span: Span) -> list[Picture]:
    return [frame for frame in frames if span.contains(frame.time_seconds)]


def _worded(
    span: Span,
    frames: Sequence[Picture],
    read: ClipTexts,
    cues: Sequence[CueLine],
    mentions: Sequence[MentionLine],
) -> dict[str, Any]:
    """The fields that a scene's reply shares in both recipes."""
    inside = _within(frames, span) or list(frames[:1])
    colours = dominant_colours(inside[:: max(len(inside) // COLOUR_FRAMES, 1)]) if inside else ()
    motion = motion_of(inside)
    here = [
        Sighting(start_seconds=shared.start_seconds, stop_seconds=shared.stop_seconds, text=sighting.text)
        for sighting in read.sightings
        if (shared := sighting.span.intersection(span)) and shared.duration_seconds > 0
    ]
    heard = [
        cue for cue in cues if cue.start_seconds < span.stop_seconds and cue.stop_seconds > span.start_seconds
    ]
    texts = list(dict.fromkeys(sighting.text for sighting in here))
    named = named_here(mentions, heard, texts)
    return {
        "brief": brief_caption(texts, motion, colours),
        "detailed": detailed_caption(here, motion, colours, heard, named, unread=read.unread),
        "appearing": named,
        "screen_text": tuple(
            ScreenText(text=s.text, start_seconds=s.start_seconds, stop_seconds=s.stop_seconds) for s in here
        ),
    }
