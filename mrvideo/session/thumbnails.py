"""A picture of each moment that was found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mrvideo.errors import InputError, VideoError
from mrvideo.files import not_written
from mrvideo.media.cutting import new_file
from mrvideo.records import EventSink, Found, Frame, Index, Moment, Notice
from mrvideo.session.options import cropped_source
from mrvideo.settings import Settings

LONG_SIDE_PIXELS = 512
_SHOWN_PIXELS = 384


def pictures_of(
    moments: Sequence[Moment],
    indexes: Sequence[Index],
    settings: Settings,
    on_event: EventSink,
    *,
    long_side_pixels: int = _SHOWN_PIXELS,
) -> dict[int, Frame]:
    """The frame on screen in the middle of each moment, by its place; none, with a notice, where the video
    cannot be read.
    """
    found: dict[int, Frame] = {}
    for index in indexes:
        places = [n for n, moment in enumerate(moments) if moment.video_digest == index.video.digest]
        times = [moments[n].span.middle_seconds for n in places]
        source = cropped_source(index, settings, long_side_pixels=long_side_pixels)
        try:
            # One opening for all; frames do not tell which of the times they serve where one is lost.
            frames = source.at(times)
        except VideoError:
            frames = []
        if len(frames) == len(places):
            found |= zip(places, frames, strict=True)
            continue
        for place, time in zip(places, times, strict=True):
            try:
                found.update((place, frame) for frame in source.at([time]))
            except VideoError as error:
                on_event(Notice(text=f"no picture of {moments[place].span}: {error}"))
    return dict(sorted(found.items()))


def save_thumbnails(
    found: Found, indexes: Sequence[Index], folder: Path, settings: Settings, on_event: EventSink
) -> Found:
    """Write a JPEG of each moment, the best first by name, and name it as the moment's `picture`.

    Raises `InputError` where a file is there already or the folder cannot be written, `NotWritten` where its
    disk is full.
    """
    width = max(2, len(str(len(found.moments))))
    targets = [folder / f"{place:0{width}d}.jpg" for place in range(1, len(found.moments) + 1)]
    for target in targets:
        if target.exists() or target.is_symlink():
            raise InputError(f"{target} exists already; name another folder, or remove it")
    frames = pictures_of(found.moments, indexes, settings, on_event, long_side_pixels=LONG_SIDE_PIXELS)
    moments = list(found.moments)
    for place, frame in frames.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with new_file(targets[place]) as made:
                made.write_bytes(frame.jpeg)
        except OSError as error:
            way_out = "choose another folder"
            raise not_written(f"{folder} cannot be written", error, way_out=way_out) from error
        moments[place] = moments[place].model_copy(update={"picture": str(targets[place])})
    return found.model_copy(update={"moments": tuple(moments)})
