"""The library: one SQLite file with all results. Finished work survives a process that is killed."""

from mrvideo.library.contents import KeptVideo
from mrvideo.library.store import Library

__all__ = ["KeptVideo", "Library"]
