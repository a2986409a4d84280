"""What a path is, told from its first bytes, before any decoder sees it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from mrvideo.errors import DecodeError, NoVideoStream, VideoError, WebPage
from mrvideo.media import webp
from mrvideo.media.mp4.boxes import header_of
from mrvideo.media.mp4.spliced import Spliced
from mrvideo.wording import QUERY_MARK, is_url, without_secrets

VIDEO_SUFFIXES = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".flv", ".wmv",
        ".ogv", ".3gp", ".gif", ".apng", ".mxf", ".vob",
    )
)  # fmt: skip
"""Endings of the files that are taken for videos in a folder. A file that is named is opened whatever its
ending.
"""

SOUND_SUFFIXES = frozenset(
    (
        ".mp3",
        ".m4a",
        ".aac",
        ".wav",
        ".flac",
        ".ogg",
        ".oga",
        ".opus",
        ".wma",
        ".aiff",
        ".aif",
        ".ac3",
        ".amr",
        ".mka",
    )
)
"""Endings of files that hold sound alone."""

ByteRanges: TypeAlias = tuple[tuple[int, int], ...]
"""From where to where in a file."""

_MOST_BOXES = 100_000
_WAY_OUT = "give a media file such as MP4 or MKV"

_HEAD_BYTES = 4096
_PNG = b"\x89PNG\r\n\x1a\n"
_STILLS: tuple[tuple[bytes, int], ...] = (
    (_PNG, 0),
    (b"\xff\xd8\xff", 0),
    (b"BM", 0),
    (b"II*\x00", 0),
    (b"MM\x00*", 0),
    (b"WEBP", 8),
    (b"8BPS", 0),
    (b"\xff\x0a", 0),
    (b"\x00\x00\x00\x0cJXL ", 0),
    (b"\x00\x00\x00\x0cjP  ", 0),
    (b"qoif", 0),
)
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"<MPD", b"<smil", b"<asx", b"<xspf", b"v=0")


_given: dict[str, str] = {}


def named(path: str) -> str:
    """The path as it may be shown and kept: of an address without user, password, query and fragment.

    Another query gives another name; the whole address is remembered by this process (`address_of`). Other
    paths are as they are.
    """
    if not is_url(path):
        return path
    name = without_secrets(path)
    if name != path:
        _given[name] = path
    return name


def address_of(path: str) -> str | None:
    """What to fetch for an address that was given or `named` in this process. None where it is no address.

    Raises VideoError where the name tells of a query that this process was never given.
    """
    if not is_url(path):
        return None
    known = _given.get(path)
    if known is None and f"?{QUERY_MARK}=" in path:
        raise VideoError(
            f"{path} is kept without its query, which may hold a secret; name the whole address to fetch it"
        )
    return known or path


def check_url(path: str, *, allow_url: bool) -> None:
    """Raises VideoError unless URLs are allowed and this one's scheme is http, https or s3."""
    scheme, path = path.partition("://")[0].lower(), without_secrets(path)
    if not allow_url:
        raise VideoError(f"{path} is a URL, and only files are read; say --allow-url to fetch it")
    if scheme not in ("http", "https", "s3"):
        raise VideoError(f"{path}: {scheme}:// is not fetched; use http://, https:// or s3://")


def check_file(path: str) -> int:
    """The file's size in bytes, once it may be a video. Raises VideoError or NoVideoStream, saying why it
    cannot be one.
    """
    name = Path(path)
    try:
        if name.is_dir():
            raise VideoError(f"{path} is a folder; name one video file in it")
        if not name.exists():
            if name.is_symlink():
                raise VideoError(
                    f"{path} is a link to {name.readlink()}, which does not exist; mend or remove it"
                )
            raise VideoError(f"{path} does not exist; check the path")
        if not name.is_file():
            raise VideoError(f"{path} is a device or pipe, not a file; {_WAY_OUT}")
        size = name.stat().st_size
        if size == 0:
            raise VideoError(f"{path} is empty (0 bytes); copy or download it again")
        with name.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise VideoError(
            f"{path} cannot be read: {reason.lower()}; check the path and its permissions"
        ) from error
    check_head(path, head)
    return size


def size_of(path: str) -> int:
    """The file's size in bytes. Raises VideoError."""
    try:
        return Path(path).stat().st_size
    except OSError as error:
        raise VideoError(f"{path} cannot be read: {error.strerror or error}; check the path") from error


def check_head(path: str, head: bytes) -> None:
    """Raises when the first bytes show that this is something else than a video."""
    still = any(head.startswith(magic, at) for magic, at in _STILLS) and not head.startswith(b"BM\x00")
    if still and not webp.is_animated(head) and not _is_animated_png(head):
        raise NoVideoStream(f"{path} is a still picture, not a video; {_WAY_OUT}")
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        raise NoVideoStream(f"{path} is a still picture, not a video; {_WAY_OUT}")
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise VideoError(f"{path} is not a video: it is {what}; {_WAY_OUT}")
    if not head.strip(b"\x00"):
        raise DecodeError(
            f"{path} is not a video: it begins with zeros, as a download cut short does; fetch it again"
        )
    if _is_text(head):
        kind, words = _describe_text(path, head)
        raise kind(words)


def _is_animated_png(head: bytes) -> bool:
    """Whether a PNG file tells of more than one picture, or does not come to that in its first bytes."""
    at = 8
    while head.startswith(_PNG) and at + 8 <= len(head):
        kind = head[at + 4 : at + 8]
        if kind in (b"acTL", b"IDAT"):
            return kind == b"acTL"
        at += 12 + int.from_bytes(head[at : at + 4], "big")
    return head.startswith(_PNG) and at > len(head) == _HEAD_BYTES


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return head[:2] in (b"\xff\xfe", b"\xfe\xff")
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    if controls > len(head) // 100:
        return False
    for cut in range(4):  # the last character may be cut in half
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False


def _describe_text(path: str, head: bytes) -> tuple[type[VideoError], str]:
    led_on = WebPage if is_url(path) else VideoError
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = start[:2048].lower()
    if any(
        start.startswith(mark) or mark.lower() in lowered[:512] for mark in _PLAYLISTS[:-1]
    ) or start.startswith(_PLAYLISTS[-1]):
        return led_on, f"{path} is a playlist, not a video; name the media file it points to"
    if lowered.startswith((b"<!doctype html", b"<html")):
        return led_on, f"{path} is not a video: its content is a web page; download the video itself"
    return led_on, f"{path} is not a video: its content is text; {_WAY_OUT}"


def lacks_moov(path: str) -> bool:
    """Whether a file that looks like MP4 or MOV has no `moov` box at its top level."""
    kinds = [kind for kind, _ in _boxes(path)]
    return bool(kinds) and kinds[0] in (b"ftyp", b"mdat", b"wide", b"free", b"skip") and b"moov" not in kinds


def whole_fragments(path: str) -> int:
    """How many bytes of a fragmented MP4 hold whole fragments; 0 when it is none or when nothing is cut."""
    boxes = list(_boxes(path))
    size = Path(path).stat().st_size
    whole = 0
    for (kind, _), (_, end) in pairwise(boxes):
        if kind == b"moof" and end <= size:
            whole = end
    return whole if whole < size else 0


def excerpt(path: str, byte_ranges: ByteRanges) -> Spliced:
    """These bytes of a file, as if they were all of it."""
    return Spliced(Path(path).open("rb"), byte_ranges)


def _boxes(path: str) -> Iterator[tuple[bytes, int]]:
    """The kinds of an MP4's top-level boxes and where they claim to end, as far as the chain holds."""
    size = Path(path).stat().st_size
    at = 0
    with Path(path).open("rb") as file:
        for _ in range(_MOST_BOXES):
            file.seek(at)
            header = header_of(file.read(16))
            if header is None:
                return
            at = size if header.open_ended else at + header.length
            yield header.kind, at
            if at >= size:
                return
