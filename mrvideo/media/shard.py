"""One shard of a video, decoded once: its frames, its shots, and what was lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mrvideo.media.bars import evened
from mrvideo.media.clips import grid_times, sample_times
from mrvideo.media.content import steadily
from mrvideo.media.joined import parts_of
from mrvideo.media.looks import runs_of
from mrvideo.media.options import ReadOptions
from mrvideo.media.reader import Reader
from mrvideo.media.registry import open_video
from mrvideo.media.shots import ShotDetector
from mrvideo.media.sparse import SAME_SECONDS
from mrvideo.records import Failure, Frame, Shot, Span

_TAIL_SECONDS = 1e-3
_SECONDS_OF_AN_ACT = 20.0
"""At most one frame beside the samples for so many seconds: each is a seek, and a picture that is paid for."""

_CONTEXT_SECONDS = 1.0
"""So much around a cut is enough to tell it from what only moves."""


@dataclass(frozen=True, slots=True)
class ShardFrames:
    """What a shard holds. `frames` ascend and are distinct pictures; one from before the span may lead them.

    With a reach, all but `span` goes beyond it by so much on either side; frames and shots go on
    over what was read ahead.
    """

    span: Span
    frames: tuple[Frame, ...]
    shots: tuple[Shot, ...]
    lost: tuple[Failure, ...]
    acts: tuple[float, ...] = ()
    """Times of frames between the samples, which show what came and went there."""
    stirs: tuple[Span, ...] = ()
    """Between which two samples something came and went, however faint, whether a frame shows it or not."""


def read_shard(
    path: str | Path,
    span: Span,
    options: ReadOptions | None = None,
    *,
    frames_per_second: float = 2.0,
    lead_seconds: float = 0.5,
    reach_seconds: float = 0.0,
    ahead_seconds: float = 0.0,
) -> ShardFrames:
    """Decode a span once, evenly sampled, and the frame shown `lead_seconds` before it.

    `reach_seconds` on either side are read as well, within the video, so that two neighbours see the same
    cuts there, and then `ahead_seconds` more, sampled as the next shard samples them. Raises the VideoError
    tree when the file cannot be opened or is not the one it must be; broken spans end up in `lost`.
    """
    options = options or ReadOptions()

    def read() -> ShardFrames:
        with open_video(path, options) as video:
            duration = max(video.info.duration_seconds, span.stop_seconds)
            wide = span.padded(reach_seconds, within=Span(0.0, duration))
            covered = Span(wide.start_seconds, min(wide.stop_seconds + ahead_seconds, duration))
            times = _sampled(span, wide, covered, reach_seconds, ahead_seconds, frames_per_second)
            if wide.start_seconds > 0 and lead_seconds > 0:
                times.insert(0, max(0.0, times[0] - lead_seconds))
            detector = ShotDetector(wide.start_seconds, joints_seconds=_joints_of(str(path), options))
            context = _CONTEXT_SECONDS if reach_seconds else 0.0
            end = min(covered.stop_seconds + context, duration) - _TAIL_SECONDS
            frames = _watched(video, times, detector, head=times[0] - context, tail=end)
            acts: dict[float, Frame] = {}
            stirs: tuple[Span, ...] = ()
            if not options.keyframes_only:
                for run in runs_of(detector.acts(_inside(times, span), most=_acts_within(span))):
                    acts |= {time: frame for time, frame in video.read_at(run) if frame.time_seconds == time}
                stirs = detector.stirs(times)
            known = {frame.time_seconds for frame in frames}
            frames += (frame for time, frame in acts.items() if time not in known)
            frames.sort(key=lambda frame: frame.time_seconds)
            lost = tuple(failure for failure in video.lost if failure.span.overlaps(wide))
        detector.with_colours(frames)
        shots = detector.shots(covered)
        made = tuple(frames)
        if options.crop_bars:
            made, shots = evened(
                made, shots, long_side_pixels=options.pixels, jpeg_quality=options.jpeg_quality
            )
        return ShardFrames(span, made, shots, lost, tuple(acts), stirs)

    return steadily(
        str(path), options.content, read, allow_url=options.allow_url, allow_private=options.allow_private
    )


def _sampled(
    span: Span, wide: Span, covered: Span, reach: float, ahead: float, frames_per_second: float
) -> list[float]:
    """Times of the samples of `wide`, on the grid of `span`, and of what is read ahead, on the next shard's grid."""
    if not reach:
        times = list(sample_times(span, frames_per_second=frames_per_second))
    else:
        times = list(grid_times(wide, origin_seconds=span.start_seconds, frames_per_second=frames_per_second))
    if not ahead:
        return times
    beyond = Span(max(span.stop_seconds - reach, 0.0), covered.stop_seconds)
    return _merged(
        times, grid_times(beyond, origin_seconds=span.stop_seconds, frames_per_second=frames_per_second)
    )


def _watched(
    video: Reader, times: Sequence[float], detector: ShotDetector, *, head: float, tail: float
) -> list[Frame]:
    """Distinct frames at the times, while the detector watches from `head` to `tail`: a cut after the last sample
    is seen, and stands out, where decoding goes on a little.
    """
    watched = [head, *times] if 0 < head < times[0] else list(times)
    watched = [*watched, tail] if tail > times[-1] else watched
    frames: list[Frame] = []
    for asked, frame in video.read_at(watched, watcher=detector):
        is_sample = asked is not tail and asked is not head
        if is_sample and (not frames or frame.time_seconds > frames[-1].time_seconds):
            frames.append(frame)
    return frames


def _inside(times: Sequence[float], span: Span) -> list[float]:
    return [time for time in times if span.contains(time)]


def _acts_within(span: Span) -> int:
    return math.ceil(span.duration_seconds / _SECONDS_OF_AN_ACT)


def _merged(times: Sequence[float], others: Sequence[float]) -> list[float]:
    """All times, ascending; those of two grids that are one but for float noise, once."""
    found: list[float] = []
    for time in sorted((*times, *others)):
        if not found or time - found[-1] > SAME_SECONDS:
            found.append(time)
    return found


def _joints_of(path: str, options: ReadOptions) -> list[float]:
    parts = parts_of(path, allow_url=options.allow_url, allow_private=options.allow_private)
    return [part.span.start_seconds for part in parts[1:]] if options.reader == "pyav" else []
