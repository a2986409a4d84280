"""One shard of a video, decoded once: its frames, its shots, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mrvideo.media.bars import evened
from mrvideo.media.clips import sample_times
from mrvideo.media.content import steadily
from mrvideo.media.options import ReadOptions
from mrvideo.media.registry import open_video
from mrvideo.media.shots import ShotDetector
from mrvideo.records import Failure, Frame, Shot, Span

_TAIL_SECONDS = 1e-3


@dataclass(frozen=True, slots=True)
class ShardFrames:
    """What a shard holds. `frames` ascend and are distinct pictures; one from before the span may lead them."""

    span: Span
    frames: tuple[Frame, ...]
    shots: tuple[Shot, ...]
    still_spans: tuple[Span, ...]
    lost: tuple[Failure, ...]


def read_shard(
    path: str | Path,
    span: Span,
    options: ReadOptions | None = None,
    *,
    frames_per_second: float = 2.0,
    lead_seconds: float = 0.5,
) -> ShardFrames:
    """Decode a span once, evenly sampled, and the frame shown `lead_seconds` before it.

    Raises the VideoError tree when the file cannot be opened or is not the one it must be; broken stretches end up in `lost`.
    """
    times = list(sample_times(span, frames_per_second=frames_per_second))
    if span.start_seconds > 0 and lead_seconds > 0:
        times.insert(0, max(0.0, span.start_seconds - lead_seconds))
    # Decode on to the span's end, so that a cut after the last sample is seen.
    tail = span.stop_seconds - _TAIL_SECONDS
    watched = [*times, tail] if tail > times[-1] else times

    options = options or ReadOptions()

    def read() -> ShardFrames:
        detector = ShotDetector(span.start_seconds)
        frames: list[Frame] = []
        with open_video(path, options) as video:
            for asked, frame in video.read_at(watched, watcher=detector):
                if asked is not tail and (not frames or frame.time_seconds > frames[-1].time_seconds):
                    frames.append(frame)
            lost = tuple(failure for failure in video.lost if failure.span.overlaps(span))
        shots = detector.shots(span)
        made = tuple(frames)
        if options.crop_bars:
            made, shots = evened(
                made, shots, long_side_pixels=options.pixels, jpeg_quality=options.jpeg_quality
            )
        return ShardFrames(span, made, shots, detector.still_spans(span), lost)

    return steadily(
        str(path), options.content, read, allow_url=options.allow_url, allow_private=options.allow_private
    )
