"""What is kept of videos: one SQLite file, in which a kill loses nothing that was finished."""

from mrvideo.library.contents import KeptVideo
from mrvideo.library.store import Library

__all__ = ["KeptVideo", "Library"]
