"""Frames of an index as vectors: some of each shot, embedded once and kept in the library."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Lock, Semaphore

import numpy as np

from mrvideo.errors import MrVideoError
from mrvideo.library import Library
from mrvideo.mapreduce import check_going_on
from mrvideo.media.shard import ShardFrames
from mrvideo.records import (
    EventSink,
    Frame,
    Index,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    VideoInfo,
)
from mrvideo.retrieval.embedders.port import Embedder, Vectors
from mrvideo.retrieval.embedders.registry import open_embedder
from mrvideo.retrieval.pictures import ShotFrames
from mrvideo.retrieval.vectors.port import Filters, FrameKey, Frames, ReadRows, VectorIndex
from mrvideo.retrieval.vectors.registry import open_vectors
from mrvideo.session.options import cropped_source
from mrvideo.settings import Settings

_LONGEST_SECONDS = 20.0
"""A longer shot is several spans: the camera may have gone on to something else."""

_TWO_FROM_SECONDS, _THREE_FROM_SECONDS = 3.0, 8.0
_USUAL_SHOT_SECONDS = 8.0
"""Of a video that is not indexed yet."""

_AT_ONCE = 64
_SHARDS_WAITING = 4
"""Some 45 frames each, as JPEG."""
_SAMPLE_SECONDS = 0.5
_TICK = 1e-3
_EMBED_PIXELS = 384

_NEAREST_FRAMES = 1200
"""So many shots are ranked at most, with three frames each."""
_VECTORS_KEPT = 2
_vectors: dict[tuple[Hashable, ...], VectorIndex] = {}
_vectors_lock = Lock()

_opened: dict[str, Embedder] = {}
_opening = Lock()


def embedder_of(name: str) -> Embedder:
    """The embedder of that name, opened once in a process. Raises `ModelUnavailable`."""
    with _opening:
        if name not in _opened:
            _opened[name] = open_embedder(name)
        return _opened[name]


def planned_frames(index: Index) -> Iterator[tuple[Span, tuple[float, ...]]]:
    """Each shot, long ones in spans, and the 1 to 3 times of it whose frames are embedded."""
    for whole in index.shots or index.scenes or (index.span,):
        span = whole.span.intersection(index.span)
        if span is not None and span.duration_seconds > 0:
            for short in _spans(span):
                yield short, _times(short)


def _spans(shot: Span) -> list[Span]:
    """A shot, or a long one cut on a grid that all of the video shares: a shard that holds a part of it cuts
    it alike.

    grid     |    20    |    40    |    60    |
    shot          |--------------------|
    spans         |-----|----------|---|              none is shorter than a quarter of the grid
    """
    if shot.duration_seconds <= _LONGEST_SECONDS:
        return [shot]
    least = _LONGEST_SECONDS / 4
    first = math.ceil((shot.start_seconds + least) / _LONGEST_SECONDS)
    last = math.floor((shot.stop_seconds - least) / _LONGEST_SECONDS)
    inner = [number * _LONGEST_SECONDS for number in range(first, last + 1)]
    return [Span(low, high) for low, high in pairwise([shot.start_seconds, *inner, shot.stop_seconds])]


def _times(span: Span) -> tuple[float, ...]:
    length = span.duration_seconds
    count = 1 + (length >= _TWO_FROM_SECONDS) + (length >= _THREE_FROM_SECONDS)
    return tuple(_near_sample(time, span) for time in span.spread(count))


def _near_sample(time: float, span: Span) -> float:
    """The time nearby at which captioning has its frames, where the span holds one: no other need be decoded
    then.
    """
    sampled = round(time / _SAMPLE_SECONDS) * _SAMPLE_SECONDS
    return sampled if span.contains(sampled) else round(time, 3)


def expected_frames(duration_seconds: float) -> int:
    """How many frames will be embedded of a video that is not indexed yet, with shots of usual length."""
    return 3 * math.ceil(duration_seconds / _USUAL_SHOT_SECONDS)


def embed_index(index: Index, settings: Settings, embedder: Embedder, on_event: EventSink) -> None:
    """Embed the frames that are not kept yet, and keep them; what is done survives a stop.

    Raises `VideoError` where the video is gone or another, `LibraryError`, `ModelUnavailable`.
    """
    digest, fingerprint = index.video.digest, embedder.fingerprint
    with closing(Library.open(settings.library)) as library:
        kept = library.embedding_times(fingerprint, [digest]).get(digest, [])
        times = sorted({time for _, own in planned_frames(index) for time in own}.difference(kept))
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
            at = {
                time: frames[shown[max(bisect_right(shown, time + _TICK) - 1, 0)]] for time in wanted if shown
            }
            _embed(digest, at, embedder, library)
            on_event(StageAdvanced(stage="embed", done=len(wanted)))
        on_event(StageFinished(stage="embed"))


@contextmanager
def embedding_alongside(
    info: VideoInfo, embedder: Embedder | None, library: Library
) -> Generator[Callable[[ShardFrames], None] | None]:
    """What embeds frames of shards while these are captioned, in a thread of its own; None without an
    embedder.

    Shards that come faster than they can be embedded are let go, and `embed_index` decodes them once more. So
    it does after an error here, and tells of it.
    """
    if embedder is None:
        yield None
        return
    kept = frozenset(library.embedding_times(embedder.fingerprint, [info.digest]).get(info.digest, ()))
    waiting = Semaphore(_SHARDS_WAITING)

    def embed(frames: dict[float, Frame]) -> None:
        try:
            times = sorted(frames)
            for first in range(0, len(times), _AT_ONCE):
                chunk = times[first : first + _AT_ONCE]
                _embed(info.digest, {time: frames[time] for time in chunk}, embedder, library)
        finally:
            waiting.release()

    with ThreadPoolExecutor(1, thread_name_prefix="embed") as thread:
        work: list[Future[None]] = []

        def take(shard: ShardFrames) -> None:
            chosen = {
                time: frame
                for time, frame in _frames_of(shard, info.duration_seconds).items()
                if time not in kept
            }
            if chosen and waiting.acquire(blocking=False):
                work.append(thread.submit(embed, chosen))

        try:
            yield take
        except BaseException:
            thread.shutdown(wait=True, cancel_futures=True)
            raise
    for one in work:
        error = one.exception()
        if error is not None and not isinstance(error, MrVideoError):
            raise error


def _frames_of(shard: ShardFrames, duration_seconds: float) -> dict[float, Frame]:
    """Planned times that lie in a shard, each with the frame on screen by then, where those are known.

    A short shot that goes on beyond what was read is left out: where its frames lie depends on where it ends.
    """
    found: dict[float, Frame] = {}
    begun = [frame.time_seconds for frame in shard.frames]
    read_until = max((shot.stop_seconds for shot in shard.shots), default=0.0)
    for shot in shard.shots:
        begins = shot.transition != "start" or shot.start_seconds == 0
        ends = shot.stop_seconds < read_until or read_until >= duration_seconds
        if not (begins and ends) and shot.duration_seconds <= _LONGEST_SECONDS:
            continue
        beyond = Span(
            shot.start_seconds if begins else max(shot.start_seconds - _LONGEST_SECONDS, 0.0),
            shot.stop_seconds if ends else shot.stop_seconds + _LONGEST_SECONDS,
        )
        for time in (time for span in _spans(beyond) for time in _times(span)):
            place = bisect_right(begun, time + _TICK) - 1
            # None was sampled between a cut and this time, or it is not this shard's.
            if not shard.span.contains(time) or place < 0 or begun[place] < shot.start_seconds - _TICK:
                continue
            shown = Span(min(begun[place], time), time)
            if not any(hole.span.overlaps(shown) for hole in shard.lost):
                found[time] = shard.frames[place]
    return found


def _embed(digest: str, frames: Mapping[float, Frame], embedder: Embedder, library: Library) -> None:
    """Embed and keep the frames on screen at these times; one that is on screen at several is embedded once."""
    distinct = {frame.time_seconds: frame for frame in frames.values()}
    vectors = embedder.embed_images([frame.jpeg for frame in distinct.values()])
    made = dict(zip(distinct, vectors, strict=True))
    library.put_embeddings(
        digest,
        embedder.fingerprint,
        {time: made[frame.time_seconds].astype("<f4").tobytes() for time, frame in frames.items()},
    )


def frames_kept(indexes: Sequence[Index], settings: Settings, embedder: Embedder) -> VectorIndex:
    """The frames of these videos that are kept as vectors. The last such indexes stay in memory, and are made
    anew once more frames are kept.
    """
    fingerprint, dimensions = embedder.fingerprint, embedder.dimensions
    digests = [index.video.digest for index in indexes]
    with closing(Library.open(settings.library, create=False)) as library:
        counts = library.embedding_counts(fingerprint, digests)
        key = (library.place, fingerprint, *sorted(counts.items()))
        with _vectors_lock:
            if key in _vectors:
                return _vectors[key]
        times = library.embedding_times(fingerprint, digests)
        made = open_vectors(
            Frames(list(times.items())), rows_of(settings.library, fingerprint, dimensions), dimensions
        )
    with _vectors_lock:
        _vectors[key] = made
        while len(_vectors) > _VECTORS_KEPT:
            del _vectors[next(iter(_vectors))]
    return made


def rows_of(library: Path, fingerprint: str, dimensions: int) -> ReadRows:
    """Reads vectors from the library. One that is not there any more, or has another size, is all zeros: near
    to nothing.
    """

    def read(frames: Sequence[FrameKey]) -> Vectors:
        rows = np.zeros((len(frames), dimensions), np.float32)
        with closing(Library.open(library, create=False)) as opened:
            kept = opened.embeddings_at(fingerprint, frames)
        for row, frame in zip(rows, frames, strict=True):
            blob = kept.get(frame, b"")
            if len(blob) == rows.itemsize * dimensions:
                row[:] = np.frombuffer(blob, "<f4")
        return rows

    return read


def nearest_shots(
    indexes: Sequence[Index], frames: VectorIndex, vector: Vectors, within: Span | None
) -> tuple[list[ShotFrames], Vectors]:
    """The shots that hold the frames nearest to a vector, with all of their kept frames, and the vectors of
    these, a row each.
    """
    # A frame just outside may be that of a shot that reaches into the span.
    around = None if within is None else within.padded(_LONGEST_SECONDS)
    near: dict[str, set[float]] = defaultdict(set)
    for frame, _ in frames.similar(vector, Filters(within=around), _NEAREST_FRAMES):
        near[frame.video].add(frame.time_seconds)
    found = [
        (index.video.digest, span, times)
        for index in indexes
        if index.video.digest in near
        for span, times in planned_frames(index)
        if not near[index.video.digest].isdisjoint(times)
    ]
    held = frames.vectors([FrameKey(video, time) for video, _, times in found for time in times])
    row_of = {key: row for row, key in enumerate(held)}
    shots: list[ShotFrames] = []
    for video, span, times in found:
        own = tuple(time for time in times if (video, time) in row_of)
        shots.append(ShotFrames(video, span, own, tuple(row_of[FrameKey(video, time)] for time in own)))
    return shots, np.stack(list(held.values())) if held else np.zeros((0, frames.dimensions), np.float32)
