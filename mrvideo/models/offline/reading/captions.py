"""Stage A without a model: scenes from cuts, captions from what was read and measured."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mrvideo.models.base import Picture as Labelled
from mrvideo.models.offline.reading.clips import ClipTexts, read_clip
from mrvideo.models.offline.reading.colours import dominant_colours
from mrvideo.models.offline.reading.names import named_here
from mrvideo.models.offline.reading.pictures import Picture, changed_share
from mrvideo.models.offline.wording import Motion, brief_caption, detailed_caption
from mrvideo.records import Span
from mrvideo.schemas import captioning as of
from mrvideo.schemas.shared import ScreenText

SHORTEST_SCENE_SECONDS = 0.6
MOST_SCENES = 20
COLOUR_FRAMES = 3

SAME_EVENT_SHARE = 0.6
"""Up to this share of changed blocks two frames half a second apart belong together."""


def caption_clip(inputs: of.CaptionClipInputs, pictures: Sequence[Labelled]) -> of.CaptionClipReply:
    """One scene between each two cuts."""
    frames, ahead = _frames(pictures, inputs.frame_times)
    texts = read_clip(frames, inputs.span, inputs.cut_times)
    spans = scene_spans(inputs.span, inputs.cut_times)
    scenes = tuple(of.SceneReply(**_worded(span, frames, texts, inputs)) for span in spans)
    start = inputs.span.start_seconds
    before = next((p for p in reversed(ahead) if inputs.has_previous and not p.label.startswith("<")), None)
    cut_here = any(abs(time - start) < 0.04 for time in inputs.cut_times)
    continues = before is not None and bool(frames) and not cut_here and _same_event(before, frames[0])
    return of.CaptionClipReply(continues_previous=continues, scenes=scenes)


def split_clip(inputs: of.SplitClipInputs, pictures: Sequence[Labelled]) -> of.SplitClipReply:
    """The spans between cuts; captions come later."""
    frames, _ = _frames(pictures, inputs.frame_times)
    scenes: list[of.SplitReply] = []
    for span in scene_spans(inputs.span, inputs.cut_times):
        inside = _within(frames, span)
        brief = brief_caption((), _motion(inside), dominant_colours(inside[:1]))
        scenes.append(
            of.SplitReply(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, brief=brief)
        )
    return of.SplitClipReply(scenes=tuple(scenes))


def merge_border(pictures: Sequence[Labelled]) -> of.MergeBorderReply:
    """One event when the last picture before the border and the first after it are alike."""
    before = [picture for picture in pictures if picture.label.startswith("before")][-1:]
    after = [picture for picture in pictures if picture.label.startswith("after")][:1]
    same = any(_same_event(last, Picture.of(first)) for last in before for first in after)
    return of.MergeBorderReply(same_scene=same)


def caption_scene(inputs: of.CaptionSceneInputs, pictures: Sequence[Labelled]) -> of.CaptionSceneReply:
    """The captions of one scene that is already cut out."""
    frames, _ = _frames(pictures, inputs.frame_times)
    return of.CaptionSceneReply(**_worded(inputs.span, frames, read_clip(frames, inputs.span), inputs))


def scene_spans(span: Span, cut_times: Sequence[float]) -> tuple[Span, ...]:
    """The span split at its cuts, without slivers, in at most 20 parts."""
    edges = [span.start_seconds]
    for time in sorted(cut_times):
        if time - edges[-1] >= SHORTEST_SCENE_SECONDS and span.stop_seconds - time >= SHORTEST_SCENE_SECONDS:
            edges.append(time)
    while len(edges) > MOST_SCENES:
        shortest = min(range(1, len(edges)), key=lambda i: edges[i] - edges[i - 1])
        del edges[shortest]
    return tuple(Span(start, stop) for start, stop in pairwise([*edges, span.stop_seconds]))


def _frames(pictures: Sequence[Labelled], times: Sequence[float]) -> tuple[list[Picture], Sequence[Labelled]]:
    """The clip's own frames, the last ones sent, and the pictures ahead of them."""
    own = len(pictures) - len(times)
    return [Picture.of(picture) for picture in pictures[own:]], pictures[:own]


def _within(frames: Sequence[Picture], span: Span) -> list[Picture]:
    return [frame for frame in frames if span.contains(frame.time_seconds)]


def _same_event(before: Labelled, after: Picture) -> bool:
    """Whether two neighbouring frames look like one continuous event."""
    return changed_share(Picture.of(before), after) <= SAME_EVENT_SHARE


def _motion(pictures: Sequence[Picture]) -> Motion:
    """Of consecutive frames, by the median share of blocks that change from one to the next."""
    shares = sorted(changed_share(a, b) for a, b in pairwise(pictures))
    middle = shares[len(shares) // 2] if shares else 0.0
    return "still" if middle < 0.004 else "a little motion" if middle < 0.15 else "motion"


def _worded(
    span: Span,
    frames: Sequence[Picture],
    read: ClipTexts,
    inputs: of.CaptionClipInputs | of.CaptionSceneInputs,
) -> dict[str, Any]:
    """The fields of a scene's reply."""
    inside = _within(frames, span) or list(frames[:1])
    colours = dominant_colours(inside[:: max(len(inside) // COLOUR_FRAMES, 1)])
    motion = _motion(inside)
    here = tuple(
        ScreenText(start_seconds=shared.start_seconds, stop_seconds=shared.stop_seconds, text=sighting.text)
        for sighting in read.sightings
        if (shared := sighting.span.intersection(span)) and shared.duration_seconds > 0
    )
    heard = [
        cue
        for cue in inputs.cues
        if cue.start_seconds < span.stop_seconds and cue.stop_seconds > span.start_seconds
    ]
    texts = list(dict.fromkeys(text.text for text in here))
    named = named_here(inputs.mentions, heard, texts)
    return {
        "start_seconds": span.start_seconds,
        "stop_seconds": span.stop_seconds,
        "brief": brief_caption(texts, motion, colours),
        "detailed": detailed_caption(texts, motion, colours, heard, named, unread=read.unread),
        "appearing": named,
        "screen_text": here,
    }
