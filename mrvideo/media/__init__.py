"""Reading video: which picture is shown when."""

from mrvideo.media.registry import open_video

__all__ = ["open_video"]
