"""List, find and remove the videos of the library."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from mrvideo.errors import InputError, LibraryError, VideoError
from mrvideo.library import KeptVideo, Library
from mrvideo.media.identity import digest_of
from mrvideo.media.sources import named
from mrvideo.records import EventSink, Notice
from mrvideo.session.loading import begins_digest
from mrvideo.settings import Settings


def kept_videos(settings: Settings) -> tuple[KeptVideo, ...]:
    """All videos of the library, in the order they came. Raises `LibraryError` when there is no library."""
    if not settings.library.exists():
        raise LibraryError(
            f"no library at {settings.library}; index a video first, or name it with --library"
        )
    with closing(Library.open(settings.library, create=False)) as library:
        return library.kept()


def kept_video(name: str, settings: Settings) -> KeptVideo:
    """One video of the library: by its file, by its path when the file is gone, by the address of its page,
    or by the start of its digest.

    Raises `InputError` when none fits, or several do.
    """
    known, name = kept_videos(settings), named(name)
    found = [
        one
        for one in known
        if Path(one.video.path).absolute() == Path(name).absolute()
        or (one.video.page is not None and one.video.page.is_at(name))
    ]
    if Path(name).is_file():
        try:
            digest = digest_of(name)
        except VideoError:
            # No video any more: its path may still be known.
            if not found:
                raise
        else:
            found = [one for one in known if one.video.digest == digest] or found
    if not found:
        found = [one for one in known if begins_digest(name, one.video.digest)]
    if not found:
        raise InputError(f"{name} is not in {settings.library}; mrvideo list shows what is")
    if len(found) > 1:
        digests = ", ".join(one.video.digest[:16] for one in found)
        raise InputError(f"{name} fits several videos; give more of one digest: {digests}")
    kept = found[0]
    # Of a file that was moved, the library knows the path of before.
    path = name if Path(name).is_file() else kept.video.path
    return kept.model_copy(update={"video": kept.video.model_copy(update={"path": path})})


def remove_video(digest: str, settings: Settings, *, on_event: EventSink) -> None:
    """Remove a video from the library, after any other process has finished indexing it.

    The video file stays. Raises a `LibraryError`.
    """

    def waiting() -> None:
        on_event(Notice(text="another process is indexing this video; waiting for it"))

    with closing(Library.open(settings.library, create=False)) as library:
        with library.claim(digest, on_wait=waiting):
            library.remove(digest)
