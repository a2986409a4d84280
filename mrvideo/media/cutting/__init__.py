"""Spans of a video as films of their own: copied where a key frame allows, else encoded anew, exact to the
frame.

film    I b b P b b P I b b P b b P I …      I key frame, nothing after it looks back
span            [======)                     begins between key frames: its pictures are encoded anew
span                  [=============)        begins at one, and ends where nothing later is needed: they are copied
sound   ~~~~~~~~~~~~~~~~~~~~~~~~~~~~         always encoded anew, exact to the sample: its packets do not end where pictures do
"""

from mrvideo.media.cutting.clip import cut_clip, join_clips
from mrvideo.media.cutting.gif import (
    GIF_LONG_SIDE_PIXELS,
    GIF_MOST_PICTURES,
    GIF_PICTURES_PER_SECOND,
    cut_gif,
)
from mrvideo.media.cutting.new_file import check_new, new_file
from mrvideo.media.cutting.preview import PREVIEW_SECONDS, Preview, preview_kind, preview_part

__all__ = [
    "GIF_LONG_SIDE_PIXELS",
    "GIF_MOST_PICTURES",
    "GIF_PICTURES_PER_SECOND",
    "PREVIEW_SECONDS",
    "Preview",
    "check_new",
    "cut_clip",
    "cut_gif",
    "join_clips",
    "new_file",
    "preview_kind",
    "preview_part",
]
