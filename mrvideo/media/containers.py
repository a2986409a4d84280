"""Opening a container through PyAV without letting it reach for anything but itself."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mrvideo.errors import DecodeError, NoVideoStream, VideoError
from mrvideo.media import compat, sources

MAX_PIXELS = 1 << 26
"""The largest picture decoded: twice 8K. A larger claim is refused before memory is asked for."""

IO_TIMEOUT_SECONDS = 8.0

# Containers of moving pictures and of sound (to say "audio only"). Absent on purpose: hls, dash, concat, image2,
# imf, sdp, rtsp, lavfi and the like, which open further files or addresses named inside them.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,av1,obu,ivf,flv,live_flv,"
    "asf,asf_o,ogg,gif,apng,webp,webp_anim,nut,mxf,mxg,rm,dv,gxf,wtv,vob,swf,h261,h263,vc1,cavsvideo,dirac,mjpeg,"
    "mjpeg_2000,yuv4mpegpipe,nsv,bink,smk,roq,4xm,fli,flic,ipmovie,amv,pva,ty,thp,dhav,nuv,mgsts,kux,"
    "mp3,wav,w64,flac,aac,ac3,eac3,aiff,au,caf,ape,wv,tta,mpc,mpc8,opus,dts,amr,aax,aa,alac,tak,oma,voc"
)


def open_container(path: str, *, allow_url: bool = False, shown_as: Any = None) -> InputContainer:
    """The open container. `shown_as` is a binary file to read in the path's stead.

    Raises the VideoError tree with the reason and the way out.
    """
    source: Any
    if shown_as is not None:
        source, protocols = shown_as, ""
    elif sources.is_url(path):
        from mrvideo.media import remote

        source, protocols = remote.source_of(path, allow_url=allow_url)
    else:
        sources.check_file(path)
        source, protocols = f"file:{Path(path).absolute()}", "file"
    try:
        return _open(source, protocols)
    except av.error.FFmpegError as error:
        if not sources.is_url(path) and (size := sources.whole_fragments(path)):
            # A fragmented recording cut inside a fragment's header: what lies before it is whole.
            with suppress(av.error.FFmpegError):
                return _open(sources.beginning(path, size), protocols)
        raise _explained(path, error) from error
    except (ValueError, OSError) as error:
        raise VideoError(f"{path} cannot be opened: {error}; check that it is a media file") from error


def _open(source: Any, protocols: str) -> InputContainer:
    return compat.open_input(
        source,
        demuxers=_DEMUXERS,
        protocols=protocols,
        max_pixels=MAX_PIXELS,
        timeout_seconds=IO_TIMEOUT_SECONDS,
    )


def choose_video(container: InputContainer, path: str) -> VideoStream:
    """The stream that players show: no cover picture, the one marked default, the largest, the first."""
    moving = [s for s in container.streams.video if not _is_still(s)]
    known = [s for s in moving if getattr(s, "codec_context", None) is not None]
    if moving and not known:
        raise DecodeError(
            f"{path}: no decoder for its video stream; re-encode it, for example to H.264 in MP4"
        )
    if not moving:
        if container.streams.video:
            raise NoVideoStream(
                f"{path} has a cover picture but no moving pictures; give a file that has both"
            )
        if container.streams.audio:
            raise NoVideoStream(f"{path} holds sound only, no video stream; give a file with pictures")
        raise NoVideoStream(f"{path} holds no video stream; give a media file such as MP4 or MKV")
    chosen = max(
        known,
        key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index),
    )
    if chosen.width * chosen.height > MAX_PIXELS:
        raise VideoError(
            f"{path} claims pictures of {chosen.width}×{chosen.height} pixels, more than can be decoded; "
            "if that is real, scale it down first"
        )
    compat.read_only(container, chosen)
    return chosen


def _is_still(stream: VideoStream) -> bool:
    return bool(
        stream.disposition
        & (Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image)
    )


def _explained(path: str, error: av.error.FFmpegError) -> VideoError:
    reason = (error.strerror or str(error)).strip()
    if isinstance(error, av.error.TimeoutError | av.error.ExitError):
        return VideoError(f"{path} gave no data for {IO_TIMEOUT_SECONDS:.0f} s; check the connection or disk")
    if isinstance(error, av.error.HTTPError | av.error.OSError):
        return VideoError(f"{path} cannot be fetched or read: {reason}; check the address and the connection")
    if not sources.is_url(path) and sources.lacks_moov(path):
        return DecodeError(
            f"{path} cannot be decoded: its index (moov) is missing or broken, as in a recording or copy "
            "that was cut off; copy it again or repair it with the help of an intact one from the same device"
        )
    return DecodeError(f"{path} cannot be decoded: {reason.lower()}; check that it is a whole media file")
