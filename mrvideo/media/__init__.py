"""Reading video: which picture is shown when."""

from mrvideo.media.opening import open_video

__all__ = ["open_video"]
