"""Spans as lists that editing programs read: CMX 3600 EDL, OpenTimelineIO, LosslessCut projects. The film
itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mrvideo.records import Span, VideoInfo
from mrvideo.wording import is_url, json_line, printable

EditListFormat: TypeAlias = Literal["edl", "otio", "llc"]
EDIT_LIST_FORMATS: tuple[str, ...] = get_args(EditListFormat)

_USUAL_RATE = 25.0
_LONGEST_EDL_SECONDS = 24 * 3600
"""Time codes of an EDL begin anew after a day."""


def edit_list(video: VideoInfo, spans: Sequence[Span], format_name: EditListFormat) -> str:
    """The spans, in their order, as text that ends in a line break. Raises ValueError where the format cannot
    hold them.

    Times of `edl` and `otio` are whole frames at the video's mean rate, counted from its first frame; those
    of `llc` are seconds.
    """
    match format_name:
        case "edl":
            return _edl(video, spans)
        case "otio":
            return json_line(_timeline(video, spans), indent=2) + "\n"
        case "llc":
            return json_line(_project(video, spans), indent=2) + "\n"


def _frames(video: VideoInfo, spans: Sequence[Span]) -> tuple[float, list[tuple[int, int]]]:
    """The rate, and for each span its first frame and the one after its last."""
    rate = video.frames_per_second or _USUAL_RATE
    places = [(round(span.start_seconds * rate), round(span.stop_seconds * rate)) for span in spans]
    return rate, [(start, max(stop, start + 1)) for start, stop in places]


def _edl(video: VideoInfo, spans: Sequence[Span]) -> str:
    """Time codes count frames at the nearest whole rate, without drops, as editing programs do for 29.97."""
    rate, places = _frames(video, spans)
    counting = max(1, round(rate))
    if any(stop > _LONGEST_EDL_SECONDS * counting for _, stop in places):
        raise ValueError("time codes of an EDL end after 24 hours; use --format otio")
    name = printable(Path(video.path).name)
    # AX: a file. B: picture and sound, C: a cut.
    channels = "B" if video.has_audio else "V"
    lines = [f"TITLE: {name}", "FCM: NON-DROP FRAME", ""]
    ends = [0, *accumulate(stop - start for start, stop in places)]
    for number, (start, stop) in enumerate(places, 1):
        codes = (_code(count, counting) for count in (start, stop, ends[number - 1], ends[number]))
        lines += [
            f"{number:03d}  AX       {channels}     C        {' '.join(codes)}",
            f"* FROM CLIP NAME: {name}",
        ]
    return "\n".join(lines) + "\n"


def _code(frames: int, counting: int) -> str:
    seconds, frame = divmod(frames, counting)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


def _timeline(video: VideoInfo, spans: Sequence[Span]) -> dict[str, Any]:
    rate, places = _frames(video, spans)
    kinds = ("Video", "Audio") if video.has_audio else ("Video",)
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": printable(Path(video.path).stem),
        "metadata": {},
        "global_start_time": None,
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "metadata": {},
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": True,
            "children": [
                {
                    "OTIO_SCHEMA": "Track.1",
                    "name": kind,
                    "kind": kind,
                    "metadata": {},
                    "source_range": None,
                    "effects": [],
                    "markers": [],
                    "enabled": True,
                    "children": [
                        _otio_clip(video, span, place, rate)
                        for span, place in zip(spans, places, strict=True)
                    ],
                }
                for kind in kinds
            ],
        },
    }


def _otio_clip(video: VideoInfo, span: Span, place: tuple[int, int], rate: float) -> dict[str, Any]:
    whole = (0, max(1, round(video.duration_seconds * rate)))
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": str(span),
        "metadata": {},
        "source_range": _range(place, rate),
        "effects": [],
        "markers": [],
        "enabled": True,
        "active_media_reference_key": "DEFAULT_MEDIA",
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "name": printable(Path(video.path).name),
                "metadata": {},
                "available_range": _range(whole, rate),
                "available_image_bounds": None,
                "target_url": video.path if is_url(video.path) else Path(video.path).absolute().as_uri(),
            }
        },
    }


def _range(place: tuple[int, int], rate: float) -> dict[str, Any]:
    start, stop = place

    def time(value: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(value)}

    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(stop - start)}


def _project(video: VideoInfo, spans: Sequence[Span]) -> dict[str, Any]:
    """Version 2 of the format. JSON is JSON5, too."""
    return {
        "version": 2,
        "mediaFileName": Path(video.path).name,
        "cutSegments": [
            {"start": round(span.start_seconds, 3), "end": round(span.stop_seconds, 3), "name": str(span)}
            for span in spans
        ],
    }
