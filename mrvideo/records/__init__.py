"""The values that travel between rooms: frozen, typed, and refusing nonsense.

Times are seconds on the video's own clock: presentation time (PTS) since its first frame.
Spans are half-open, `[start_seconds, stop_seconds)`; all arithmetic on them lives in `records.spans`.
"""

from mrvideo.records.answer import (
    Answer,
    Checker,
    Claim,
    Confidence,
    Effort,
    Evidence,
    Hit,
    ModelFinding,
    Source,
)
from mrvideo.records.corrections import Anchor, Correction, CorrectionKind
from mrvideo.records.events import (
    Checked,
    Drafted,
    Event,
    EventSink,
    Looked,
    Notice,
    SegmentRead,
    StageAdvanced,
    StageFinished,
    StageStarted,
)
from mrvideo.records.failures import Failure, Hides, Unseen, may_yet_end_well
from mrvideo.records.index import CaptionPart, Cue, Entity, Index, Mention, Recipe, Scene, Sighting
from mrvideo.records.media import (
    HIGHEST_JPEG_QUALITY,
    WHOLE,
    Box,
    Clip,
    Frame,
    GivenChapter,
    PageInfo,
    Shot,
    VideoInfo,
    crops_of,
    frame_between_processes,
)
from mrvideo.records.moments import Found, Moment, MomentSource, Reason
from mrvideo.records.spans import HTML_VIEWS, MediaPath, Record, Span, Spanned, clock, merge_spans
from mrvideo.records.usage import Usage

__all__ = [
    "HIGHEST_JPEG_QUALITY",
    "HTML_VIEWS",
    "WHOLE",
    "Anchor",
    "Answer",
    "Box",
    "CaptionPart",
    "Checked",
    "Checker",
    "Claim",
    "Clip",
    "Confidence",
    "Correction",
    "CorrectionKind",
    "Cue",
    "Drafted",
    "Effort",
    "Entity",
    "Event",
    "EventSink",
    "Evidence",
    "Failure",
    "Found",
    "Frame",
    "GivenChapter",
    "Hides",
    "Hit",
    "Index",
    "Looked",
    "MediaPath",
    "Mention",
    "ModelFinding",
    "Moment",
    "MomentSource",
    "Notice",
    "PageInfo",
    "Reason",
    "Recipe",
    "Record",
    "Scene",
    "SegmentRead",
    "Shot",
    "Sighting",
    "Source",
    "Span",
    "Spanned",
    "StageAdvanced",
    "StageFinished",
    "StageStarted",
    "Unseen",
    "Usage",
    "VideoInfo",
    "clock",
    "crops_of",
    "frame_between_processes",
    "may_yet_end_well",
    "merge_spans",
]
