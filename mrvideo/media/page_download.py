"""Videos of web pages, through yt-dlp: asked for length and size first, then fetched, with what goes with them.

address ─► what is there? ─► too long, too big, live? refused ─► pictures, sound ─► one file
                                                              └► subtitles, a note of title, date, chapters

yt-dlp reaches the network by the checking proxy alone, and starts no FFmpeg: that would fetch by itself.
"""

from __future__ import annotations

import contextvars
import io
import re
import shutil
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from mrvideo.errors import InputError, MrVideoError, NoVideoStream, VideoError
from mrvideo.files import make_owners_folder, read_small
from mrvideo.mapreduce.event_loop import check_going_on, ending
from mrvideo.media import page_notes, sources
from mrvideo.media.checking_proxy import CheckingProxy
from mrvideo.media.containers import choose_video, open_container
from mrvideo.media.muxing import joined
from mrvideo.media.page_notes import PageFile, PageNote
from mrvideo.media.remote import LONGEST_SECONDS, MOST_BYTES
from mrvideo.media.subtitles.languages import language_of, normalised
from mrvideo.media.subtitles.parse import MAX_BYTES
from mrvideo.records import (
    EventSink,
    GivenChapter,
    Notice,
    PageInfo,
    StageAdvanced,
    StageFinished,
    StageStarted,
    clock,
)
from mrvideo.wording import plain

MOST_VIDEOS = 100
"""Of one list."""

_STAGE = "download"
_MEGABYTE = 1 << 20
_ASKING_BYTES = 256 << 20
_ASKING_SECONDS = 900.0
_LEFT_FREE_BYTES = 256 << 20
_MOST_COOKIE_BYTES = 4 << 20
_MOST_PLAYLIST_BYTES = 16 << 20
_SPARE = 1.1
"""What comes may be a little more than the site said: heads, and parts that are asked for again."""
_PROTOCOLS = frozenset({"http", "https", "m3u8", "m3u8_native", "http_dash_segments"})
"""Ways to fetch that go through the proxy."""
_SUBTITLES = ("vtt", "srt", "ass", "ssa")
_LONGEST_TITLE, _LONGEST_DESCRIPTION, _MOST_CHAPTERS, _LONGEST_REASON = 300, 5_000, 500, 300
_NO_FFMPEG = "/nonexistent/ffmpeg"


@dataclass(frozen=True)
class PageRules:
    """What may be fetched. `language` prefers subtitles."""

    allow_private: bool = False
    cookies: Path | None = None
    most_bytes: int = MOST_BYTES
    longest_seconds: float = LONGEST_SECONDS
    language: str | None = None
    many: bool = True
    """Whether a list of videos is fetched."""


def fetch_page(url: str, folder: Path, rules: PageRules, on_event: EventSink) -> tuple[Path, ...]:
    """The videos of an address, in this folder; what is there already, or in part, is not fetched again.

    Raises VideoError: for what is no video, live, or beyond the rules, before any of it is fetched, and
    `concurrent.futures.CancelledError` where the work is stopped.
    """
    return contextvars.copy_context().run(_fetch, url, folder, rules, on_event)


def _fetch(url: str, folder: Path, rules: PageRules, on_event: EventSink) -> tuple[Path, ...]:
    # The one way to tell those parts of yt-dlp that look for FFmpeg without asking its settings.
    _module("yt_dlp.postprocessor.ffmpeg").FFmpegPostProcessor._ffmpeg_location.set(_NO_FFMPEG)
    name = sources.named(url)
    with _Site(url, name, rules) as site:
        wanted, refused = site.ask()
        if not rules.many and site.is_list:
            raise VideoError(_one_of(name, wanted))
        if not wanted:
            raise refused[0] if refused else VideoError(f"{name} holds no videos; check the address")
        _check_sizes(name, wanted, rules, folder)
        note = page_notes.read_note(folder) or PageNote()
        done = {one.key: one for one in note.files if (folder / one.file).is_file()}
        for one in wanted:
            if one.key in done:
                continue
            left_bytes = rules.most_bytes - sum((folder / own.file).stat().st_size for own in done.values())
            try:
                done[one.key] = site.fetch(one, folder, left_bytes, on_event)
            except VideoError as error:
                if not site.is_list:
                    raise
                refused.append(error)  # Of a list the rest is fetched.
            else:
                page_notes.write_note(folder, PageNote(files=tuple(done.values())))
        files = tuple(done[one.key] for one in wanted if one.key in done)
        if not files:
            raise refused[0]
        for reason in refused:
            on_event(Notice(text=f"not fetched: {reason}"))
        page_notes.write_note(folder, PageNote(files=files, complete=not refused))
        return tuple(folder / one.file for one in files)


def _one_of(name: str, wanted: Iterable[_Video]) -> str:
    pages = [plain(str(one.info.get("webpage_url") or "")) for one in wanted]
    listed = ", ".join(dict.fromkeys(page for page in pages if page)) or "none can be fetched"
    return f"{name} is a list of videos; name one of them, or `mrvideo index` the list: {listed[:2_000]}"


# What is there
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Video:
    """One video that is to be fetched: `formats` are one, or pictures and sound apart."""

    name: str
    info: Mapping[str, Any]
    formats: tuple[dict[str, Any], ...]
    sizes_bytes: tuple[int | None, ...]
    key: str
    stem: str
    page: PageInfo

    @property
    def size_bytes(self) -> int | None:
        """Of all its files; None where one is not told."""
        told = [size for size in self.sizes_bytes if size is not None]
        return sum(told) if len(told) == len(self.sizes_bytes) else None


def _check_sizes(name: str, wanted: Iterable[_Video], rules: PageRules, folder: Path) -> None:
    total = sum(one.size_bytes or 0 for one in wanted)
    if total > rules.most_bytes:
        raise VideoError(
            f"{name} takes about {_megabytes(total)} MB, more than the {_megabytes(rules.most_bytes)} MB that are fetched; "
            "give a higher --max-download"
        )
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < total + _LEFT_FREE_BYTES:
        raise VideoError(
            f"{name}: no room for it in {folder} ({free:,} bytes left); make some, or name another --downloads"
        )


def _megabytes(size_bytes: float) -> str:
    return f"{-(-int(size_bytes) // _MEGABYTE):,}"


class _Site:
    """One address, asked and fetched by yt-dlp."""

    def __init__(self, url: str, name: str, rules: PageRules) -> None:
        self.is_list = False
        self._url, self._name, self._rules = url, name, rules
        self._hook: Callable[[Mapping[str, Any]], None] = _nothing
        # What can fail comes before the proxy, which listens at once.
        cookies = _cookies(rules.cookies)
        self._failure: type[Exception] = _module("yt_dlp.utils").YoutubeDLError
        self._proxy = CheckingProxy(allow_private=rules.allow_private)
        options: dict[str, Any] = {
            "proxy": self._proxy.address,
            "format": "bv*+ba/b/bv*",
            "format_sort": ["res:720", "vcodec:h264", "acodec:aac"],
            "noplaylist": True,
            "playlistend": MOST_VIDEOS + 1,
            "extract_flat": "in_playlist",
            "cachedir": False,
            "ffmpeg_location": _NO_FFMPEG,
            "external_downloader": {"default": "native"},
            "hls_prefer_native": True,
            "skip_unavailable_fragments": False,
            "fixup": "never",
            "retries": 3,
            "fragment_retries": 3,
            "extractor_retries": 1,
            "socket_timeout": 20.0,
            "updatetime": False,
            "logger": _Silent(),
            "quiet": True,
            "no_warnings": True,
            "noprogress": True,
            "color": "never",
            "enable_file_urls": False,
        }
        if cookies is not None:
            # Not the path: yt-dlp writes back what sites set.
            options["cookiefile"] = io.StringIO(cookies)
        self._ydl: Any = _module("yt_dlp").YoutubeDL(options)
        self._urlopen = self._ydl.urlopen
        self._replies: list[Any] = []
        # It leaves replies open where a request fails, and its errors keep them in cycles.
        self._ydl.urlopen = self._replied
        self._ending = ending(self._proxy.cut)

    def __enter__(self) -> _Site:
        self._proxy.__enter__()
        self._ending.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            for reply in self._replies:
                reply.close()
            self._ydl.close()
        finally:
            self._ending.__exit__(*error)
            self._proxy.__exit__(*error)

    def _replied(self, request: Any) -> Any:
        """yt-dlp's own opening of a request; a reply that is still open at the end is closed then."""
        try:
            reply = self._urlopen(request)
        except self._failure as error:
            reply = getattr(error, "response", None)
            if reply is not None:
                self._replies.append(reply)
            raise
        self._replies = [*(one for one in self._replies if not one.closed), reply]
        return reply

    def _told(self, state: Mapping[str, Any]) -> None:
        check_going_on()
        self._hook(state)

    @contextmanager
    def _in_our_words(self, name: str) -> Generator[None]:
        try:
            yield
        except (MrVideoError, CancelledError):
            raise
        except Exception as error:
            check_going_on()
            refusals = self._proxy.refusals
            if refusals:
                raise refusals[-1] from error
            raise VideoError(f"{name} cannot be fetched: {_reason(error)}") from error

    def ask(self) -> tuple[list[_Video], list[VideoError]]:
        """What the address holds, and what of that may not be fetched. Raises VideoError."""
        slow = VideoError(
            f"{self._name} does not say what it holds within bounds; name the video's own address"
        )
        self._proxy.grant(_ASKING_BYTES, _ASKING_SECONDS, slow)
        with self._in_our_words(self._name):
            found = self._ydl.extract_info(self._url, download=False)
        if not isinstance(found, dict):
            raise VideoError(f"{self._name} holds no video; check the address")
        self.is_list = "entries" in found
        if not self.is_list:
            return [self._video(cast("dict[str, Any]", found), None)], []
        entries = list(_flat(cast("dict[str, Any]", found)))
        if len(entries) > MOST_VIDEOS:
            raise VideoError(
                f"{self._name} lists more than {MOST_VIDEOS} videos; name them one by one, or a shorter list"
            )
        self._ydl.params["extract_flat"] = False
        wanted: list[_Video] = []
        refused: list[VideoError] = []
        for number, entry in enumerate(entries, start=1):
            check_going_on()
            del self._proxy.refusals[:]
            try:
                wanted.append(self._video(self._whole(entry), number))
            except VideoError as error:
                refused.append(error)
        return wanted, refused

    def _whole(self, entry: dict[str, Any]) -> dict[str, Any]:
        if entry.get("_type", "video") == "video" and "formats" in entry:
            return entry
        name = sources.named(str(entry.get("url") or self._name))
        with self._in_our_words(name):
            found = self._ydl.process_ie_result(entry, download=False)
        if not isinstance(found, dict) or "entries" in found:
            raise VideoError(f"{name} holds no single video; name it by itself")
        return cast("dict[str, Any]", found)

    def _video(self, info: dict[str, Any], number: int | None) -> _Video:
        """What is to be fetched of one video. Raises VideoError for what may not be."""
        own = str(info.get("webpage_url") or self._url)
        address = self._url if number is None else own
        name = (
            self._name if number is None else f"{sources.named(own)} ({plain(str(info.get('title')))[:80]})"
        )
        formats = tuple(info.get("requested_formats") or [info])
        with self._in_our_words(name):
            lists = [self._playlist(one) for one in formats if str(one.get("protocol")).startswith("m3u8")]
        is_live = info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live")
        if is_live or any("#EXT-X-ENDLIST" not in text and ":VOD" not in text for text in lists):
            raise VideoError(
                f"{name} is a live stream, which has no end; index its recording once it is over"
            )
        if all(one.get("vcodec") == "none" for one in formats):
            raise NoVideoStream(f"{name} holds no moving pictures; name the page of a video")
        for one in formats:
            if one.get("protocol") not in _PROTOCOLS or one.get("has_drm"):
                way = (
                    "is encrypted"
                    if one.get("has_drm")
                    else f"comes by {plain(str(one.get('protocol')))[:40]}"
                )
                raise VideoError(
                    f"{name} {way}, which is not fetched; download it yourself and name the file"
                )
        duration = _number(info.get("duration")) or max(map(_listed_seconds, lists), default=0.0) or None
        self._check_length(name, duration or 0.0)
        title = _stem(str(info.get("title") or ""))
        return _Video(
            name=name,
            info=info,
            formats=formats,
            sizes_bytes=tuple(map(self._size, formats)),
            key=f"{info.get('extractor_key') or ''} {info.get('id') or ''}"[:200],
            stem=title if number is None else f"{number:02d} {title}",
            page=_page(info, address, None if number is None else self._url),
        )

    def _playlist(self, one: Mapping[str, Any]) -> str:
        request = _module("yt_dlp.networking").Request(
            one["url"], headers=dict(one.get("http_headers") or {})
        )
        with closing(self._ydl.urlopen(request)) as reply:
            return reply.read(_MOST_PLAYLIST_BYTES).decode("utf-8", "replace")

    def _size(self, one: Mapping[str, Any]) -> int | None:
        stated = _number(one.get("filesize")) or _number(one.get("filesize_approx"))
        if stated:
            return int(stated)
        if one.get("protocol") not in ("http", "https"):
            return None
        request = _module("yt_dlp.networking").HEADRequest(
            one["url"], headers=dict(one.get("http_headers") or {})
        )
        try:
            with closing(self._ydl.urlopen(request)) as reply:
                text = str(reply.headers.get("Content-Length") or "")
        except (self._failure, OSError):
            check_going_on()
            return None  # It answers GET alone, or nothing: what is fetched will tell.
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    # fetching ----------------------------------------------------------------------------------

    def fetch(self, video: _Video, folder: Path, left_bytes: int, on_event: EventSink) -> PageFile:
        """The video in the folder, with its subtitles. Raises VideoError; what came stays for the next time."""
        try:
            make_owners_folder(folder)
        except OSError as error:
            raise VideoError(
                f"{folder} cannot be made: {error.strerror or error}; name another --downloads"
            ) from error
        beyond = VideoError(
            f"{video.name} does not end within {_megabytes(self._rules.most_bytes)} MB and {clock(LONGEST_SECONDS)}; "
            "give a higher --max-download, or download it yourself and name the file"
        )
        if left_bytes <= 0:
            raise beyond
        self._proxy.grant(int(left_bytes * _SPARE) + _MEGABYTE, LONGEST_SECONDS, beyond)
        del self._proxy.refusals[:]
        progress = _Progress(video.size_bytes, left_bytes, beyond, on_event)
        parts: list[Path] = []
        try:
            with self._in_our_words(video.name):
                for one, size_bytes in zip(video.formats, video.sizes_bytes, strict=True):
                    self._hook = progress.part()
                    parts.append(self._part(video, one, size_bytes, folder))
                self._check(video.name, parts)
                file = folder / f"{video.stem}{'.mkv' if len(parts) > 1 else parts[0].suffix}"
                if len(parts) > 1:
                    joined(parts, file)
                else:
                    parts[0].replace(file)
        finally:
            self._hook = _nothing
            progress.close()
        for part in parts:
            part.unlink(missing_ok=True)
        self._subtitles(video, file, on_event)
        return PageFile(file=file.name, key=video.key, page=video.page)

    def _check(self, name: str, parts: list[Path]) -> None:
        """Raises VideoError, and removes the parts, where they are no video or longer than the site said."""
        try:
            for part in parts[:1]:
                with closing(open_container(str(part))) as container:
                    choose_video(container, str(part))
                    self._check_length(name, (container.duration or 0) / 1e6)
        except VideoError:
            for part in parts:
                part.unlink(missing_ok=True)
            raise

    def _check_length(self, name: str, seconds: float) -> None:
        if seconds > self._rules.longest_seconds:
            raise VideoError(
                f"{name} is {clock(seconds)} long, more than the {clock(self._rules.longest_seconds)} that are fetched; "
                "give a higher --max-download-seconds"
            )

    def _part(self, video: _Video, one: dict[str, Any], size_bytes: int | None, folder: Path) -> Path:
        # Of another size or form it is another file: what came of that one is not gone on with.
        of = re.sub(r"[^\w-]", "_", f"{one.get('format_id')}-{size_bytes or 0}")[:60]
        suffix = str(one.get("ext") or "")
        path = folder / f"{video.stem}.{of}.{suffix if re.fullmatch(r'[a-z0-9]{1,5}', suffix) else 'media'}"
        info = {name: value for name, value in video.info.items() if name != "requested_formats"}
        self._save(path, {**info, **one})
        return path

    def _save(self, path: Path, info: dict[str, Any]) -> None:
        """One file. What came of it is on the disk in any case, and gone on with the next time."""
        way = _module("yt_dlp.downloader").get_suitable_downloader(info, self._ydl.params)
        downloader = way(self._ydl, self._ydl.params)
        downloader.add_progress_hook(self._told)
        opened: list[Any] = []
        open_one = downloader.sanitize_open

        def remember(*given: Any) -> Any:
            found = open_one(*given)
            opened.append(found[0])
            return found

        # It leaves its file open, with bytes unwritten, where it is interrupted.
        downloader.sanitize_open = remember
        try:
            ended, _ = downloader.download(str(path), info)
        finally:
            for file in opened:
                file.close()
        if not ended or not path.is_file():
            raise OSError("it broke off; try again, and it goes on from there")

    def _subtitles(self, video: _Video, file: Path, on_event: EventSink) -> None:
        chosen = _chosen_subtitles(video.info, self._rules.language)
        if chosen is None:
            return
        tag, one, automatic = chosen
        language = language_of(tag)
        names = [
            file.stem,
            *([language] if language else []),
            *(["auto"] if automatic else []),
            str(one["ext"]),
        ]
        path = file.with_name(".".join(names))
        try:
            if one.get("data") is not None:
                path.write_text(str(one["data"])[:MAX_BYTES], encoding="utf-8")
            else:
                self._ydl.dl(
                    str(path), {**video.info, "http_headers": {}, "protocol": None, **one}, subtitle=True
                )
        except (self._failure, OSError) as error:
            check_going_on()
            on_event(Notice(text=f"{video.name}: its subtitles cannot be fetched: {_reason(error)}"))


class _Progress:
    """Tells megabytes as they come, and ends what passes the bound."""

    def __init__(
        self, size_bytes: int | None, most_bytes: int, beyond: VideoError, on_event: EventSink
    ) -> None:
        self._most, self._beyond, self._on_event = most_bytes, beyond, on_event
        self._before = self._now = self._shown = 0
        on_event(StageStarted(stage=_STAGE, total=-(-(size_bytes or 0) // _MEGABYTE)))

    def part(self) -> Callable[[Mapping[str, Any]], None]:
        """For the next file."""
        self._before += self._now
        self._now = 0
        return self._take

    def _take(self, state: Mapping[str, Any]) -> None:
        self._now = max(self._now, int(state.get("downloaded_bytes") or 0))
        came = self._before + self._now
        if came > self._most:
            raise self._beyond
        shown = -(-came // _MEGABYTE)
        if shown > self._shown:
            self._on_event(StageAdvanced(stage=_STAGE, done=shown - self._shown))
            self._shown = shown

    def close(self) -> None:
        """The stage is over."""
        self._on_event(StageFinished(stage=_STAGE))


class _Silent:
    """Takes yt-dlp's own lines: they name whole addresses. What goes wrong comes as an exception."""

    def debug(self, message: str) -> None: ...
    def info(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


def _nothing(state: Mapping[str, Any]) -> None:
    """Nothing is fetched."""


def _module(name: str) -> Any:
    return import_module(name)


def _flat(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in found.get("entries") or ():
        if isinstance(entry, dict):
            whole = cast("dict[str, Any]", entry)
            if "entries" in whole:
                yield from _flat(whole)
            else:
                yield whole


def _cookies(path: Path | None) -> str | None:
    if path is None:
        return None
    data = read_small(path, most_bytes=_MOST_COOKIE_BYTES, what="cookie file")
    text = data.decode("utf-8", "replace")
    rows = [row for row in text.splitlines() if row.strip() and not row.startswith("# ")]
    if not all(row.startswith("#") or row.count("\t") >= 5 for row in rows):
        # Nothing of what it holds is shown.
        raise InputError(
            f"{path} is no cookie file as browsers' extensions write it (Netscape, tabs); export it anew"
        )
    return text if text.startswith("# ") else f"# Netscape HTTP Cookie File\n{text}"


def _reason(error: BaseException) -> str:
    text = plain(str(error).split("; please report this issue")[0].split("(caused by")[0])
    text = re.sub(r"^(ERROR:\s*)?(\[[\w:.-]+\]\s*)?", "", text)
    return " ".join(text.split())[:_LONGEST_REASON] or type(error).__name__


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e15 else None


def _listed_seconds(playlist: str) -> float:
    return sum(float(text) for text in re.findall(r"#EXTINF:\s*(\d{1,7}(?:\.\d{1,9})?)", playlist))


def _stem(title: str) -> str:
    """A file's name for a title: of it what any system takes."""
    kept = re.sub(r'[/\\:*?"<>|\x00]', " ", plain(unicodedata.normalize("NFC", title)))
    short = " ".join(kept.split()).strip(". ")[:80]
    while len(short.encode("utf-8", "replace")) > 160:
        short = short[:-1]
    return short.encode("utf-8", "replace").decode("utf-8").strip(". ") or "video"


def _page(info: Mapping[str, Any], address: str, playlist: str | None) -> PageInfo:
    uploader = info.get("uploader") or info.get("channel") or info.get("creator")
    return PageInfo(
        address=address,
        title=plain(str(info.get("title") or ""))[:_LONGEST_TITLE],
        uploader=plain(str(uploader))[:_LONGEST_TITLE] if uploader else None,
        uploaded=_date(info),
        description=str(info.get("description") or "")[:_LONGEST_DESCRIPTION],
        chapters=tuple(_chapters(info))[:_MOST_CHAPTERS],
        playlist=playlist,
    )


def _date(info: Mapping[str, Any]) -> str | None:
    text = str(info.get("upload_date") or "")
    if re.fullmatch(r"\d{8}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    stamp = _number(info.get("timestamp"))
    return (
        None
        if stamp is None or stamp > 4e9
        else datetime.fromtimestamp(stamp, timezone.utc).date().isoformat()
    )


def _chapters(info: Mapping[str, Any]) -> Iterator[GivenChapter]:
    for one in info.get("chapters") or ():
        start, stop = _number(one.get("start_time")), _number(one.get("end_time"))
        if start is not None and stop is not None and start <= stop:
            title = plain(str(one.get("title") or ""))[:_LONGEST_TITLE]
            yield GivenChapter(start_seconds=start, stop_seconds=stop, title=title)


def _chosen_subtitles(
    info: Mapping[str, Any], language: str | None
) -> tuple[str, dict[str, Any], bool] | None:
    """Language, format, and whether a machine wrote them: what people wrote comes first."""
    for kind, automatic in (("subtitles", False), ("automatic_captions", True)):
        readable = {
            str(tag): found[0]
            for tag, formats in cast("dict[str, list[dict[str, Any]]]", info.get(kind) or {}).items()
            if (found := [one for ext in _SUBTITLES for one in formats if one.get("ext") == ext])
        }
        if readable:
            tag = _chosen_language(readable, info, language)
            return tag, readable[tag], automatic
    return None


def _chosen_language(readable: Mapping[str, Any], info: Mapping[str, Any], language: str | None) -> str:
    spoken = [
        language,
        cast("str | None", info.get("language")),
        *(t for t in readable if t.endswith("-orig")),
        "en",
    ]
    for wanted in spoken:
        if wanted:
            # Of `en`, `en-GB` and `en-x-auto` the plainest.
            fits = [tag for tag in readable if tag == wanted or normalised(tag) == normalised(wanted)]
            if fits:
                return min(fits, key=lambda tag: (tag != wanted, len(tag)))
    return next(iter(readable))
