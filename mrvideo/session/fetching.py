"""Addresses as people paste them: a media file is read as it is, and of a page the video is fetched to a
folder of the user's.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError, VideoError, WebPage
from mrvideo.files import is_file, make_owners_folder
from mrvideo.library import Library
from mrvideo.mapreduce.event_loop import check_going_on
from mrvideo.media import page_notes, sources
from mrvideo.records import EventSink, Notice
from mrvideo.settings import Settings
from mrvideo.wording import is_url

_POLL_SECONDS = 0.1
_MEGABYTE = 1 << 20


def downloads_folder(settings: Settings) -> Path:
    """Where videos of pages are kept: beside the library, unless the settings name a folder."""
    return settings.downloads or settings.library.parent / "downloads"


def fetched_videos(
    video: str, settings: Settings, on_event: EventSink, *, many: bool = True
) -> tuple[str, ...]:
    """What to read for a video that is named by path or address: itself, or the files that its page led to.

    A page is asked and fetched once; what is kept is not asked for again. With `many` False a list of videos
    is refused. Raises VideoError, InputError, and `concurrent.futures.CancelledError` where the work is
    stopped.
    """
    if not is_url(video):
        return (video,)
    whole = sources.address_of(video) or video
    kept = kept_videos_of(video, settings)
    if not kept:
        sources.check_url(whole, allow_url=settings.allow_url)
        page = _page_at(whole, settings)
        if page is None:
            return (video,)
        kept = _fetched(whole, page, settings, on_event, many=many)
    if len(kept) > 1 and not many:
        name = sources.named(whole)
        raise InputError(
            f"{name} is a list of {len(kept)} videos; name one of them: {', '.join(kept)[:2_000]}"
        )
    return kept


def is_incomplete(video: str, settings: Settings) -> bool:
    """Whether some videos of a list's address could not be fetched."""
    whole = sources.address_of(video) or video
    note = page_notes.read_note(page_notes.folder_of(whole, downloads_folder(settings)))
    return note is not None and not note.complete


def fetched_video(video: str, settings: Settings, on_event: EventSink) -> str:
    """`fetched_videos` for what must be one video."""
    return fetched_videos(video, settings, on_event, many=False)[0]


def kept_videos_of(url: str, settings: Settings) -> tuple[str, ...]:
    """The files that were fetched for an address and are there still, without asking anybody."""
    whole = sources.address_of(url) or url
    files = page_notes.files_of(page_notes.folder_of(whole, downloads_folder(settings)))
    if files:
        return tuple(map(str, files))
    if not settings.library.exists():
        return ()
    # Fetched to a folder that was named then, and not now.
    name = sources.named(whole)
    with closing(Library.open(settings.library, create=False)) as library:
        known = [one for one in library.videos() if one.page is not None and one.page.is_at(name)]
    return tuple(one.path for one in known if is_file(one.path))


def _page_at(url: str, settings: Settings) -> WebPage | None:
    """What says that the address holds a page; None for a media file, which then is here. Raises VideoError."""
    from mrvideo.media.remote import copy_of

    try:
        copy_of(
            url,
            allow_url=settings.allow_url,
            allow_private=settings.allow_private,
            most_bytes=settings.max_download * _MEGABYTE,
        )
    except WebPage as page:
        return page
    return None


def _fetched(
    url: str, page: WebPage, settings: Settings, on_event: EventSink, *, many: bool
) -> tuple[str, ...]:
    if find_spec("yt_dlp") is None:
        raise VideoError(
            f"{sources.named(url)} is not a media file but a page, or closed to simple requests; "
            'to have its video fetched: pip install "mrvideo[ytdlp]"'
        ) from page
    from mrvideo.media.page_download import PageRules, fetch_page

    folder = page_notes.folder_of(url, downloads_folder(settings))
    rules = PageRules(
        allow_private=settings.allow_private,
        cookies=settings.cookies,
        most_bytes=settings.max_download * _MEGABYTE,
        longest_seconds=settings.max_download_seconds,
        language=settings.language,
        many=many,
    )
    with _alone(folder, on_event):
        files = page_notes.files_of(folder)  # Another process may have fetched them meanwhile.
        if not files:
            files = fetch_page(url, folder, rules, on_event)
            if not settings.keep_downloads:
                atexit.register(page_notes.remove_media, files)
    return tuple(map(str, files))


@contextmanager
def _alone(folder: Path, on_event: EventSink) -> Generator[None]:
    """Nobody else fetches to this folder meanwhile; waits for who does."""
    from filelock import FileLock, Timeout

    try:
        make_owners_folder(folder)
    except OSError as error:
        raise VideoError(
            f"{folder} cannot be made: {error.strerror or error}; name another --downloads"
        ) from error
    lock: Any = FileLock(folder / ".lock", thread_local=False)
    told = False
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not told:
                on_event(Notice(text=f"another process is fetching to {folder}; waiting for it"))
                told = True
            check_going_on()
            time.sleep(_POLL_SECONDS)
        else:
            break
    try:
        yield
    finally:
        lock.release()
