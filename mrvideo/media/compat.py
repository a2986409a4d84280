"""Where PyAV's versions 15 to 19 differ, each difference once. Once a version below its mark is given up, it
goes.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from errno import EINVAL
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

VERSION = tuple(int(part) for part in av.__version__.split(".")[:2])

DECODE_ERRORS: tuple[type[Exception], ...] = (FFmpegError, ValueError)
"""Of data that cannot be decoded. Since 19 a decoder that failed to open is a plain ValueError with the
packets that follow.
"""

TELLS_LENGTHS = VERSION >= (16, 0)
"""Before, FFmpeg does not tell how long the pictures of an MP4 file are shown where their lengths vary."""

_RGB = frozenset({"rgb0", "rgba", "gbrp12le"})
_UNSPECIFIED = _FULL_RANGE = 2
_ITU601, _ALSO_ITU601 = 5, 6

# Titles and the like need not be UTF-8: an error before 19 unless asked otherwise, kept as lone surrogates
# since.
_METADATA: dict[str, Any] = {"metadata_errors": "replace"} if VERSION < (19, 0) else {}

_STREAMS_IN_HEADER = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,apng,ivf,obu,h264,hevc,vvc,m4v,mpegvideo,yuv4mpegpipe"
)


def open_input(
    source: Any, *, demuxers: str, protocols: str, max_pixels: int, timeout_seconds: float
) -> InputContainer:
    """The container of a path, an address or a binary file, probed without decoding larger pictures.

    Before 17.1, PyAV frees such a limit once more for each stream that it finds after the header: a crash
    (FLV, MPEG). There, formats other than those that tell all their streams in the header are opened without
    it (AVI may hold DV).
    """

    def attempt(names: str, options: dict[str, str]) -> InputContainer:
        return av.open(  # pyright: ignore[reportReturnType] - the overload of a reading mode
            source,
            mode="r",
            options=options,
            container_options={"format_whitelist": names, "protocol_whitelist": protocols},
            timeout=timeout_seconds,
            **_METADATA,
        )

    limit = {"max_pixels": str(max_pixels)}
    if VERSION >= (17, 1):
        return attempt(demuxers, limit)
    safe = set(_STREAMS_IN_HEADER.split(","))
    try:
        return attempt(_STREAMS_IN_HEADER, limit)
    except FFmpegError as error:
        if error.errno != EINVAL:  # What FFmpeg says of a format that is not listed.
            raise
    if not isinstance(source, str):
        source.seek(0)
    return attempt(",".join(name for name in demuxers.split(",") if name not in safe), {})


def close(container: InputContainer) -> None:
    """With the Python file it reads from, if any: 17.0 keeps that open until the garbage collector comes
    along.
    """
    file = container.file
    container.close()
    if file is not None:
        file.file.close()


@contextmanager
def closing(container: InputContainer) -> Generator[InputContainer]:
    """As `contextlib.closing`, with the file it reads from."""
    try:
        yield container
    finally:
        close(container)


def must_begin_at_key(codec_name: str) -> bool:
    """Whether packets before the first key frame are to be kept from the decoder.

    Before 16, FFmpeg's decoder of HEVC begins anywhere: without an error it paints grey what it lacks.
    """
    return VERSION < (16, 0) and codec_name == "hevc"


def language_of(stream: Stream) -> str | None:
    """The tag of its language; what is not UTF-8 in it replaced on every version."""
    tag = stream.language
    return tag and tag.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_only(container: InputContainer, chosen: Stream) -> None:
    """Skip the packets of all other streams unread. Before 17.1 that cannot be asked for: they are read and
    dropped.
    """
    if VERSION >= (17, 1):
        from av.stream import Discard

        for stream in container.streams:
            stream.discard = Discard.default if stream.index == chosen.index else Discard.all


def scale(
    scaler: VideoReformatter,
    picture: VideoFrame,
    *,
    width: int,
    height: int,
    interpolation: Interpolation,
    matrix: Colorspace | None,
    pixel_format: str | None = None,
) -> VideoFrame:
    """The picture scaled on this thread. `matrix` says how its colours are to be taken; None: as it states.

    From 17 on PyAV would use all cores, and hands FFmpeg what the picture states.
    """
    colours: dict[str, Any]
    if VERSION < (17, 0):
        colours = _colours_before_17(picture, matrix, pixel_format)
    else:
        kept = None if pixel_format in _RGB else matrix
        colours = {"src_colorspace": matrix, "dst_colorspace": kept, "threads": 1}
        if VERSION < (18, 0):
            # These are no part of scaling, but 17 refuses pictures that state reserved ones.
            picture.color_trc = picture.color_primaries = _UNSPECIFIED
    return scaler.reformat(
        picture, width=width, height=height, format=pixel_format, interpolation=interpolation, **colours
    )


def _colours_before_17(
    picture: VideoFrame, matrix: Colorspace | None, pixel_format: str | None
) -> dict[str, Any]:
    """Before 17, what a picture states is not looked at: all YCbCr is taken for BT.601 of limited range
    unless the arguments say otherwise, and they count only where those of source and target differ.
    """
    if pixel_format is None or picture.format.is_rgb or len(picture.format.components) < 3:
        return {}
    stated = picture.colorspace if matrix is None else int(matrix)
    is_full = picture.color_range == _FULL_RANGE or picture.format.name.startswith("yuvj")
    return {
        "src_colorspace": stated,
        "dst_colorspace": _ITU601 if stated == _ALSO_ITU601 else _ALSO_ITU601,
        "src_color_range": ColorRange.JPEG if is_full else ColorRange.MPEG,
        "dst_color_range": ColorRange.JPEG,
    }
