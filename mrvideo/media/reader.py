"""The reader port: which picture does a video show at a time?

times asked   0.0       0.5       1.0
               |         |         |
frames      [====a====][==b==][====c====]      a frame is shown from its PTS until the next one's
returned      a         a         c            the one on screen, never "the nearest"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from mrvideo.records import Failure, Frame, VideoInfo

Grey: TypeAlias = NDArray[np.uint8]
Watcher: TypeAlias = Callable[[float, Grey], Any]
"""Called with (time_seconds, 36×64 grey picture) for every frame the pass decodes, in presentation order;
complete when the pass is over."""


class Reader(Protocol):
    """An open video. Not thread-safe, not picklable: open it in the thread that reads. A context manager,
    which closes it.
    """

    @property
    def info(self) -> VideoInfo:
        """What the container says. `digest` is empty here: see `mrvideo.media.identity`."""
        ...

    @property
    def lost(self) -> tuple[Failure, ...]:
        """Spans that could not be decoded so far, stage "decode"; grows while reading."""
        ...

    def read_at(
        self, times_seconds: Sequence[float], *, watcher: Watcher | None = None
    ) -> Iterator[tuple[float, Frame]]:
        """Each time with the frame on screen then, in the order asked, which must be ascending.

        Times count from the first frame's PTS. One item per time that can be served: a time past the end or
        in a broken span yields nothing and shows up in `lost`. Times before the first frame get the first
        frame. Frames are upright, square-pixelled, and scaled so that the long side is at most
        `long_side_pixels` (given at opening). One sequential pass per call, after one seek. Raises
        `DecodeError` when nothing at all can be read.
        """
        ...

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
