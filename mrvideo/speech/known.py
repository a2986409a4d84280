"""What is known of the speech of a span, told to every model that is asked about it: silence is not the same
as unheard.

cues follow        the span has cues, and they are in the request
transcribed        the span has cues, and the request holds none of them
none               nothing is said in it: the sound was heard or subtitled, or the video has no sound
not transcribed    there is sound that nobody has heard: whether and what is said cannot be known
"""

from __future__ import annotations

from collections.abc import Iterable

from mrvideo.records import Index, Span, Spanned
from mrvideo.schemas.shared import Speech

__all__ = ["HEARD", "Speech", "speech_in", "speech_of"]

HEARD = "heard"
"""Under this name the settings of an index say whether its sound was transcribed. It is no part of the
index's key.
"""


def speech_in(
    spans: Iterable[Span],
    cues: Iterable[object],
    *,
    heard: bool,
    has_audio: bool,
    unheard: Iterable[Spanned] = (),
    known: Iterable[Spanned] = (),
) -> Speech:
    """What is known of the speech in the spans, of which `cues` are those that the request holds.

    `heard`: the sound was transcribed, or there are cues somewhere in the video. `unheard` are spans whose
    sound failed; `known` are all cues, where some may be left out of the request.
    """
    if any(True for _ in cues):
        return "cues follow"
    asked = tuple(spans)
    if any(span.overlaps(cue.span) for cue in known for span in asked):
        return "transcribed"
    failed = any(span.overlaps(other.span) for other in unheard for span in asked)
    return "not transcribed" if failed or (has_audio and not heard) else "none"


def speech_of(index: Index, spans: Iterable[Span], cues: Iterable[object]) -> Speech:
    """`speech_in` for an indexed video. `cues`: those that the request holds, and no others.

    An older index that does not record it, without cues, counts as not transcribed.
    """
    return speech_in(
        spans,
        cues,
        heard=bool(index.cues) or index.settings.get(HEARD) is True,
        has_audio=index.video.has_audio,
        unheard=[failure for failure in index.failures if failure.hides == "sound"],
        known=index.cues,
    )
