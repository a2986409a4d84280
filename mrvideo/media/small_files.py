"""Small files that somebody else wrote (subtitles, a cast, captions, photos): read whole, or refused unread."""

from mrvideo.files import read_small

__all__ = ["read_small"]
