"""What a search for moments found: where, why, and what it lacks."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from mrvideo.records.spans import MediaPath, Record, Span, Spanned
from mrvideo.records.usage import Usage
from mrvideo.wording import plain

MomentSource: TypeAlias = Literal["caption", "text", "speech", "picture", "meaning"]
"""Where a moment is known from: what a model saw, what stands on screen, what is said, what the pictures look
like, what any of the texts means.
"""


class Reason(Spanned):
    """Why a moment was found: one source, the words of it that tell, and which words of the query they hold."""

    source: MomentSource
    quote: str
    words: tuple[str, ...] = ()


class Moment(Spanned):
    """A span of a video that fits a query, and why.

    `score` compares moments of one search only. `lacks` are words of the query that nothing there holds.
    `confirmed`: what the vision model found when it looked, None where it did not look or could not tell;
    `seen` is what it saw. `picture` is the file of its thumbnail, empty where none was written.
    """

    video_digest: str
    video: MediaPath
    score: float
    why: tuple[Reason, ...]
    lacks: tuple[str, ...] = ()
    confirmed: bool | None = None
    seen: str = ""
    picture: str = ""

    def __str__(self) -> str:
        """One line and one more per reason, safe for a terminal."""
        marks = {True: ", confirmed", False: ", not there when looked at", None: ""}[self.confirmed]
        lines = [f"{self.span}{marks}"]
        lines += [f"    {reason.source}: {plain(reason.quote)}" for reason in self.why]
        if self.seen:
            lines.append(f"    seen: {plain(self.seen)}")
        if self.picture:
            lines.append(f"    picture: {plain(self.picture)}")
        if self.lacks:
            lines.append(f"    not there: {', '.join(map(plain, self.lacks))}")
        return "\n".join(lines)


class Found(Record):
    """The moments that fit a query, best first; none where nothing is above chance.

    `nearest` are then those that come closest. `dropped` are those that the vision model looked at and did
    not find there. `searched` are the sources that had anything to search, `videos` how many videos were
    searched, `within` the span. `described` is the query as the text model worded it for the pictures, empty
    where it did not.
    """

    query: str
    moments: tuple[Moment, ...] = ()
    nearest: tuple[Moment, ...] = ()
    dropped: tuple[Moment, ...] = ()
    searched: tuple[MomentSource, ...] = ()
    videos: int = Field(default=1, ge=0)
    within: Span | None = None
    described: str = ""
    usage: Usage = Usage()

    def __bool__(self) -> bool:
        return bool(self.moments)
