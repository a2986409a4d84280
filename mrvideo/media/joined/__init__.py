"""Recordings joined from parts whose clock starts anew: one clock over all of them, each part following the
one before.

    file     |== part 1 ==|== part 2 ==|
    clocks   1.4 ► 7.4 s   1.4 ► 5.0 s
    video    0 ──────────► 6.0 ──────► 9.6 s

Each part is read as a file of its own, so that what holds for one recording holds for each of them.
"""

from mrvideo.media.joined.parts import Part, parts_of
from mrvideo.media.joined.reader import JoinedReader

__all__ = ["JoinedReader", "Part", "parts_of"]
