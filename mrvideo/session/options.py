"""Options of each stage, taken from `Settings`."""

from __future__ import annotations

from dataclasses import replace

from mrvideo.captioning.index import CaptioningOptions
from mrvideo.errors import SettingsError
from mrvideo.mapreduce import Backend
from mrvideo.media.content import Content
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.sources import address_of
from mrvideo.models.settings import ENGINES, HOST
from mrvideo.records import Index, VideoInfo
from mrvideo.settings import Settings

_GLANCE_CLIP_SECONDS, _GLANCE_SHARD_SECONDS, _GLANCE_CELLS = 100.0, 600.0, 20
"""An hour is 36 clips and 6 shards, and their cast some ten comparisons: 53 calls, where the full detail
takes 449.
"""

_CHARACTERS_PER_SECOND = 0.25


def captioning_options(settings: Settings) -> CaptioningOptions:
    """The options of stage A. Raises `SettingsError` for workers where tasks wait in the library, and for a
    recipe without glances.
    """
    backend, cluster = _backend(settings)
    if settings.vision_model == HOST and backend != "threading":
        raise SettingsError(
            "--vision host: its tasks wait in the library, which workers do not reach; leave out --workers and --cluster"
        )
    scheme = settings.vision_model.partition(":")[0]
    if (
        scheme in ENGINES
        and settings.cluster is not None
        and not (settings.vision_base_url or settings.base_url)
    ):
        raise SettingsError(
            f"--vision {settings.vision_model}: its server is started on this machine, which a cluster's workers may not reach; "
            "start it where they do, and name it with --base-url, or leave out --cluster"
        )
    glance = settings.detail == "glance"
    if glance and settings.recipe != "fused":
        raise SettingsError(f"detail glance has recipe fused alone; leave out --recipe {settings.recipe}")
    return CaptioningOptions(
        recipe=settings.recipe,
        clip_seconds=_GLANCE_CLIP_SECONDS if glance else settings.clip_seconds,
        shard_seconds=_GLANCE_SHARD_SECONDS if glance else settings.shard_seconds,
        frames_per_second=settings.frames_per_second,
        characters_per_second=_GLANCE_CELLS / _GLANCE_SHARD_SECONDS if glance else _CHARACTERS_PER_SECOND,
        cells_per_clip=_GLANCE_CELLS if glance else None,
        reading=read_options(settings),
        workers=settings.workers,
        backend=backend,
        cluster=cluster,
        cast=settings.cast,
        # What is to be recorded is asked for, of kept replies as of a model: parts that are kept ask nothing.
        fresh=settings.fresh or settings.record is not None,
    )


def _backend(settings: Settings) -> tuple[Backend, str | None]:
    cluster = settings.cluster
    if cluster is None:
        return ("threading", None) if settings.workers is None else ("loky", None)
    if cluster.startswith("dask://"):
        return "dask", cluster
    if cluster == "auto" or cluster.startswith("ray://"):
        return "ray", cluster
    raise SettingsError(f"cluster {cluster!r} is neither dask://HOST:PORT nor ray://HOST:PORT nor auto")


def read_options(settings: Settings) -> ReadOptions:
    """How videos are opened and frames are encoded."""
    return ReadOptions(
        reader=settings.reader,
        long_side_pixels=settings.long_side_pixels,
        jpeg_quality=settings.jpeg_quality,
        keyframes_only=settings.keyframes_only,
        allow_url=settings.allow_url,
        allow_private=settings.allow_private,
    )


def frame_source(video: VideoInfo, settings: Settings, *, long_side_pixels: int) -> FrameSource:
    """A source of frames at any time, also for a video that was indexed with `keyframes_only`.

    Raises `VideoChanged` on use when the path holds another video by now. `long_side_pixels` applies unless
    the settings give it.
    """
    content = Content(video.digest, address=address_of(video.path))
    options = replace(read_options(settings), keyframes_only=False, content=content)
    return FrameSource(video.path, options.sized(long_side_pixels))


def cropped_source(index: Index, settings: Settings, *, long_side_pixels: int) -> FrameSource:
    """As `frame_source`, without the black bars that the index knows of."""
    source = frame_source(index.video, settings, long_side_pixels=long_side_pixels)
    return FrameSource(source.path, replace(source.options, crop_bars=True, crops=index.crops))
