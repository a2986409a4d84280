"""Frames of an index as vectors: some of each shot, embedded once and kept in the library."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from threading import Lock

import numpy as np

from mrvideo.library import Library
from mrvideo.mapreduce import check_going_on
from mrvideo.records import EventSink, Index, Span, StageAdvanced, StageFinished, StageStarted
from mrvideo.retrieval.embedders.port import Embedder, Vectors
from mrvideo.retrieval.embedders.registry import open_embedder
from mrvideo.retrieval.pictures import ShotFrames
from mrvideo.session.options import cropped_source
from mrvideo.settings import Settings

_PIECE_SECONDS = 20.0
"""A longer shot is several pieces: the camera may have gone on to something else."""

_TWO_FROM_SECONDS, _THREE_FROM_SECONDS = 3.0, 8.0
_USUAL_SHOT_SECONDS = 8.0
"""Of a video that is not indexed yet."""

_AT_ONCE = 64
_EMBED_PIXELS = 384

_opened: dict[str, Embedder] = {}
_opening = Lock()


def embedder_of(name: str) -> Embedder:
    """The embedder of that name, opened once in a process. Raises `ModelUnavailable`."""
    with _opening:
        if name not in _opened:
            _opened[name] = open_embedder(name)
        return _opened[name]


def planned_frames(index: Index) -> Iterator[tuple[Span, tuple[float, ...]]]:
    """Each shot, long ones in pieces, and the 1 to 3 times of it whose frames are embedded."""
    for whole in index.shots or index.scenes or (index.span,):
        span = whole.span.intersection(index.span)
        if span is None or span.duration_seconds == 0:
            continue
        count = math.ceil(span.duration_seconds / _PIECE_SECONDS)
        step = span.duration_seconds / count
        for place in range(count):
            piece = Span(span.start_seconds + place * step, span.start_seconds + (place + 1) * step)
            frames = 1 + (step >= _TWO_FROM_SECONDS) + (step >= _THREE_FROM_SECONDS)
            yield piece, tuple(round(time, 3) for time in piece.spread(frames))


def expected_frames(duration_seconds: float) -> int:
    """How many frames will be embedded of a video that is not indexed yet, with shots of usual length."""
    return 3 * math.ceil(duration_seconds / _USUAL_SHOT_SECONDS)


def embed_index(index: Index, settings: Settings, embedder: Embedder, on_event: EventSink) -> None:
    """Embed the frames that are not kept yet, and keep them; what is done survives a stop. In a thread of its own.

    Raises `VideoError` where the video is gone or another, `LibraryError`, `ModelUnavailable`.
    """
    digest, fingerprint = index.video.digest, embedder.fingerprint
    with closing(Library.open(settings.library)) as library:
        kept = library.embeddings(digest, fingerprint)
        times = sorted({time for _, own in planned_frames(index) for time in own} - kept.keys())
        if not times:
            return
        source = cropped_source(index, settings, long_side_pixels=_EMBED_PIXELS)
        on_event(StageStarted(stage="embed", total=len(times)))
        for first in range(0, len(times), _AT_ONCE):
            check_going_on()
            wanted = times[first : first + _AT_ONCE]
            frames = {frame.time_seconds: frame for frame in source.at(wanted)}
            shown = sorted(frames)
            # The frame on screen at a time is the last that began by then.
            at = {time: shown[max(bisect_right(shown, time + 1e-3) - 1, 0)] for time in wanted if shown}
            distinct = sorted(set(at.values()))
            vectors = embedder.embed_images([frames[time].jpeg for time in distinct])
            by_frame = dict(zip(distinct, vectors, strict=True))
            library.put_embeddings(
                digest,
                fingerprint,
                {time: by_frame[frame].astype("<f4").tobytes() for time, frame in at.items()},
            )
            on_event(StageAdvanced(stage="embed", done=len(wanted)))
        on_event(StageFinished(stage="embed"))


def kept_frames(
    indexes: Sequence[Index], settings: Settings, embedder: Embedder
) -> tuple[list[ShotFrames], Vectors]:
    """The shots of these videos whose frames are kept as vectors, and the vectors, a row each."""
    shots: list[ShotFrames] = []
    rows: list[bytes] = []
    size = 4 * embedder.dimensions
    with closing(Library.open(settings.library, create=False)) as library:
        for index in indexes:
            kept = library.embeddings(index.video.digest, embedder.fingerprint)
            for span, planned in planned_frames(index):
                times = tuple(time for time in planned if len(kept.get(time, b"")) == size)
                if times:
                    places = tuple(range(len(rows), len(rows) + len(times)))
                    shots.append(ShotFrames(index.video.digest, span, times, places))
                    rows += [kept[time] for time in times]
    vectors = np.zeros((len(rows), embedder.dimensions), np.float32)
    for place, row in enumerate(rows):
        vectors[place] = np.frombuffer(row, "<f4")
    return shots, vectors
