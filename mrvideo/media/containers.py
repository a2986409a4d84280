"""Opening a container through PyAV without letting it reach for anything but itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from mrvideo.errors import DecodeError, NoVideoStream, VideoError
from mrvideo.media import compat, sources, webp
from mrvideo.media.local import file_of

MAX_PIXELS = 1 << 26
"""The largest picture decoded: twice 8K. A larger claim is refused before memory is asked for."""

IO_TIMEOUT_SECONDS = 8.0
_MOST_NAMED = 3

# Containers of moving pictures and of sound (to say "audio only"). Absent on purpose: hls, dash, concat,
# image2,
# imf, sdp, rtsp, lavfi and the like, which open further files or addresses named inside them.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,av1,obu,ivf,flv,live_flv,"
    "asf,asf_o,ogg,gif,apng,webp,webp_anim,nut,mxf,mxg,rm,dv,gxf,wtv,vob,swf,h261,h263,vc1,cavsvideo,dirac,mjpeg,"
    "mjpeg_2000,yuv4mpegpipe,nsv,bink,smk,roq,4xm,fli,flic,ipmovie,amv,pva,ty,thp,dhav,nuv,mgsts,kux,"
    "mp3,wav,w64,flac,aac,ac3,eac3,aiff,au,caf,ape,wv,tta,mpc,mpc8,opus,dts,amr,aax,aa,alac,tak,oma,voc"
)


def open_container(
    path: str,
    *,
    allow_url: bool = False,
    allow_private: bool = False,
    byte_ranges: sources.ByteRanges | None = None,
    shown_as: Any = None,
) -> InputContainer:
    """The open container. Of a file, `byte_ranges` are read as if they were all of it; `shown_as` is a binary
    file to read in its stead.

    Raises the VideoError tree with the reason and the way out.
    """
    path = sources.named(path)
    file = file_of(path, allow_url=allow_url, allow_private=allow_private)
    if byte_ranges is not None:
        shown_as = sources.excerpt(file, byte_ranges)
    try:
        source, protocols = (shown_as, "") if shown_as is not None else _source_of(file)
        return _open(source, protocols)
    except av.error.FFmpegError as error:
        if size := sources.whole_fragments(file):
            # A fragmented recording cut inside a fragment's header: what lies before it is whole.
            with suppress(av.error.FFmpegError):
                return _open(sources.excerpt(file, ((0, size),)), "")
        raise _explained(path, file, error) from error
    except (ValueError, OSError) as error:
        raise VideoError(f"{path} cannot be opened: {error}; check that it is a media file") from error


def _source_of(file: str) -> tuple[Any, str]:
    """What PyAV opens for a file, and the protocols it may use for it. Raises the VideoError tree and
    OSError.
    """
    sources.check_file(file)
    if webp.is_animated_file(file):
        return webp.Animation(file, max_pixels=MAX_PIXELS), ""
    return f"file:{Path(file).absolute()}", "file"


def _open(source: Any, protocols: str) -> InputContainer:
    try:
        return compat.open_input(
            source,
            demuxers=_DEMUXERS,
            protocols=protocols,
            max_pixels=MAX_PIXELS,
            timeout_seconds=IO_TIMEOUT_SECONDS,
        )
    except BaseException:
        if not isinstance(source, str):
            source.close()
        raise


def choose_video(container: InputContainer, path: str) -> VideoStream:
    """The stream that players show: no cover picture, the one marked default, the largest, the first."""
    moving, known = _candidates(container)
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


def choice_of(container: InputContainer, chosen: VideoStream) -> str | None:
    """Which of several streams of pictures was chosen, in words; None where there is no other."""
    others = [stream for stream in _candidates(container)[0] if stream.index != chosen.index]
    if not others:
        return None
    named = ", ".join(f"{_named(stream)}" for stream in others[:_MOST_NAMED])
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return f"{1 + len(others)} video streams: {_named(chosen)} is read, not {named}{more}"


def _named(stream: VideoStream) -> str:
    context = getattr(stream, "codec_context", None)
    if context is None:
        return f"stream {stream.index} (no decoder)"
    return f"stream {stream.index} ({context.codec.canonical_name}, {stream.width}×{stream.height})"


def _candidates(container: InputContainer) -> tuple[list[VideoStream], list[VideoStream]]:
    """The streams of moving pictures, and those of them that there is a decoder for."""
    moving = [s for s in container.streams.video if not _is_still(s)]
    return moving, [s for s in moving if getattr(s, "codec_context", None) is not None]


def packets_of(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """The container's packets, of these streams alone where any are given, from where it stands. Raises
    FFmpegError.

    Some formats tell of streams only when their first packet comes. PyAV does not know those, and gives no
    packet of them.
    """
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue  # What it raises instead of giving the packet, which it has read.


def _is_still(stream: VideoStream) -> bool:
    return bool(
        stream.disposition
        & (Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image)
    )


def _explained(path: str, file: str, error: av.error.FFmpegError) -> VideoError:
    reason = (error.strerror or str(error)).strip()
    if isinstance(error, av.error.TimeoutError | av.error.ExitError):
        return VideoError(f"{path} gave no data for {IO_TIMEOUT_SECONDS:.0f} s; check the connection or disk")
    if isinstance(error, av.error.OSError):
        return VideoError(f"{path} cannot be read: {reason}; check the disk and its connection")
    if sources.lacks_moov(file):
        return DecodeError(
            f"{path} cannot be decoded: its index (moov) is missing or broken, as in a recording or copy "
            "that was cut off; copy it again or repair it with the help of an intact one from the same device"
        )
    return DecodeError(f"{path} cannot be decoded: {reason.lower()}; check that it is a whole media file")
