"""Previews of films that a browser cannot play: parts of ten seconds, encoded when somebody watches them.

One part is made at a time, in at most a minute; the last few are kept in memory, and nothing on disk.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from mrvideo.errors import Stopped, VideoError
from mrvideo.media.content import Content
from mrvideo.media.cutting import PREVIEW_SECONDS, Preview, preview_kind, preview_part
from mrvideo.media.sources import address_of
from mrvideo.records import Record, VideoInfo
from mrvideo.session.options import read_options
from mrvideo.settings import Settings

MOST_SECONDS = 60.0
"""Of work for one part; a film that takes longer is shown by frames."""

MOST_KEPT_BYTES = 32 << 20
_WAIT_SECONDS = 0.1


class PreviewTold(Record):
    """How a film's preview is fetched: so many parts, each so many seconds, of this media type."""

    parts: int
    part_seconds: float
    media_type: str


class Previews:
    """The previews of one library's films. Its methods may be called from any thread."""

    def __init__(
        self, settings: Settings, *, most_seconds: float = MOST_SECONDS, most_bytes: int = MOST_KEPT_BYTES
    ) -> None:
        self._settings = settings
        self._most_seconds = most_seconds
        self._most_bytes = most_bytes
        self._working = threading.Lock()
        self._lock = threading.Lock()
        self._kinds: dict[str, Preview] = {}
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    @property
    def kept_bytes(self) -> int:
        """Of all parts that are held."""
        with self._lock:
            return sum(map(len, self._kept.values()))

    def told(self, video: VideoInfo) -> PreviewTold:
        """What there is of a film. Raises the VideoError tree, `VideoChanged` where the path holds another."""
        kind = self._kind(video)
        return PreviewTold(parts=kind.parts, part_seconds=PREVIEW_SECONDS, media_type=kind.media_type)

    def part(self, video: VideoInfo, part: int, stop: threading.Event) -> bytes:
        """A part as an MP4 file in fragments, its times counted from the part's start.

        Raises `Stopped` once `stop` is set, `VideoError` where it takes longer than a minute, and what
        `told` raises.
        """
        kind, key = self._kind(video), (video.digest, part)
        while not self._working.acquire(timeout=_WAIT_SECONDS):
            _check(stop)
        try:
            with self._lock:
                found = self._kept.get(key)
                if found is not None:
                    self._kept.move_to_end(key)
                    return found
            made = preview_part(
                video.path, kind, part, read_options(self._settings), go_on=self._watch(video, stop)
            )
            with self._lock:
                self._kept[key] = made
                while sum(map(len, self._kept.values())) > self._most_bytes and len(self._kept) > 1:
                    self._kept.popitem(last=False)
            return made
        finally:
            self._working.release()

    def _kind(self, video: VideoInfo) -> Preview:
        self._check_content(video)
        with self._lock:
            known = self._kinds.get(video.digest)
        if known is None:
            known = preview_kind(video.path, video.duration_seconds, read_options(self._settings))
            with self._lock:
                self._kinds[video.digest] = known
        return known

    def _check_content(self, video: VideoInfo) -> None:
        content = Content(video.digest, address=address_of(video.path))
        content.check(
            video.path, allow_url=self._settings.allow_url, allow_private=self._settings.allow_private
        )

    def _watch(self, video: VideoInfo, stop: threading.Event) -> Callable[[], None]:
        latest = time.monotonic() + self._most_seconds

        def go_on() -> None:
            _check(stop)
            if time.monotonic() > latest:
                raise VideoError(
                    f"{video.path}: ten seconds of it take longer than {self._most_seconds:g} s to encode; "
                    "frames are shown, or play it elsewhere"
                )

        return go_on


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Stopped("nobody watches this part any more")
