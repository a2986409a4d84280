"""Who a video is: the digest of its content, and what its container says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mrvideo.media import sources
from mrvideo.media.content import Content, digest_of_file, settled, steadily
from mrvideo.media.local import file_of
from mrvideo.media.options import ReadOptions
from mrvideo.media.page_notes import page_of
from mrvideo.media.registry import open_video
from mrvideo.records import VideoInfo


def digest_of(path: str | Path, *, allow_url: bool = False, allow_private: bool = False) -> str:
    """SHA-256 of the whole content, hexadecimal. Read once per process as long as the file stays as it is."""
    name = str(path)
    file = file_of(name, allow_url=allow_url, allow_private=allow_private)
    if file == name:
        sources.check_file(name)
    return digest_of_file(file)[0]


def content_of(info: VideoInfo, options: ReadOptions) -> Content:
    """What the video's path must hold from now on. Raises `VideoChanged` where it holds another content
    already.
    """
    bare = Content(info.digest, address=sources.address_of(info.path))
    stamp = bare.check(info.path, allow_url=options.allow_url, allow_private=options.allow_private)
    return replace(bare, stamp=stamp if settled(stamp) else None)


def probe(path: str | Path, options: ReadOptions | None = None) -> VideoInfo:
    """What the container says, with the digest. Decodes one picture as proof; raises the VideoError tree.

    Both are of one content: a file that is replaced meanwhile raises `VideoChanged`.
    """
    options = options or ReadOptions()
    access = {"allow_url": options.allow_url, "allow_private": options.allow_private}
    digest = digest_of(path, **access)

    def describe() -> VideoInfo:
        # What a file is does not depend on how its frames are sampled: not each reader has a key frame mode.
        with open_video(path, replace(options, keyframes_only=False)) as video:
            return video.info

    info = steadily(str(path), Content(digest, address=sources.address_of(str(path))), describe, **access)
    page = None if sources.is_url(str(path)) else page_of(Path(path))
    return info.model_copy(update={"digest": digest, "page": page})
