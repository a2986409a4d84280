"""What a benchmark asks and what came back: one `Question` and one `Outcome` per item, whatever the
benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from pydantic import Field

from mrvideo.records import Cue, Event, Record, Span, Usage

Status: TypeAlias = Literal["answered", "not_found", "unparsed", "failed", "missing"]
"""How an item ended.

    answered   an option was chosen, or times were given
    not_found  the system said that the video does not tell
    unparsed   it answered, but outside what was asked for
    failed     a call or the video broke; asked again by --resume
    missing    the video is not in the data folder; looked for again by --resume
"""

STATUSES: tuple[Status, ...] = ("answered", "not_found", "unparsed", "failed", "missing")

Kind: TypeAlias = Literal["choice", "moments", "open", "absent", "salience", "written", "summary"]
"""What counts as right.

    choice   an option's index; one is demanded
    moments  time windows
    open     what is accepted in words, a time, a length, or an option, borne out by a span; "not found" may be said
    absent   saying that nothing is there
    salience a score for every scene; compared with what people found important
    written  words that a judge elsewhere scores
    summary  words about the whole video that a judge elsewhere scores
"""


class Question(Record):
    """One item of a benchmark, with its truth."""

    id: str
    kind: Kind
    video: str = Field(description="the benchmark's name for the video; items that share it are one cluster")
    path: str | None = Field(description="where it lies in the data folder; None when it is missing")
    text: str
    query: str = Field(default="", description="of `moments`: what is looked for, as the benchmark words it")
    picture: str | None = Field(default=None, description="a picture's file that belongs to the query")
    certain: bool = Field(
        default=False,
        description="of `moments`: the benchmark promises that there is one, so that the nearest may be given",
    )
    options: tuple[str, ...] = ()
    right: int | None = Field(default=None, ge=0, description="0-based; None where the benchmark hides it")
    accepted: tuple[str, ...] = Field(
        default=(), description="words any of which answers it; see `matching.says`"
    )
    rejected: tuple[str, ...] = Field(
        default=(), description="words that make an answer wrong when they come first"
    )
    seconds: float | None = Field(default=None, description="the length asked for")
    windows: tuple[Span, ...] = Field(default=(), description="the truth of `moments`, or the time asked for")
    key_spans: tuple[Span, ...] = Field(
        default=(), description="the times that matter for a choice or bear out a fact, where given"
    )
    facets: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="an item counts in each value"
    )
    circle: str | None = Field(default=None, description="items that must all be right to count once")
    duration_seconds: float | None = None
    subtitles: str | None = Field(default=None, description="a subtitle file for the video")
    cues: tuple[Cue, ...] = Field(
        default=(), description="subtitles that stand in no file of a common format"
    )
    source: dict[str, Any] = Field(
        default_factory=dict, description="the row as read, for the submission file"
    )


class Outcome(Record):
    """What one system made of one question. `seconds` is wall time of the answer alone, without captioning."""

    id: str
    system: str
    video: str
    status: Status
    choice: int | None = None
    answer: str | None = None
    spans: tuple[Span, ...] = Field(default=(), description="cited evidence, most important first")
    scores: tuple[float, ...] = Field(
        default=(),
        description="one for each span where the system gives any; they compare within one outcome",
    )
    video_seconds: float | None = Field(default=None, description="the length of the video as it was read")
    guessed: bool = False
    verified: bool = False
    confidence: int | None = None
    reason: str = ""
    seconds: float = 0.0
    usage: Usage = Usage()
    cached: bool = Field(default=False, description="no call was paid: its seconds and usage say nothing")


class Captioned(Record):
    """What captioning one video took for one system.

    `seconds` is None and `paid` False where the index was there before: then another row, or an earlier run,
    holds the time.
    """

    video: str
    system: str
    video_seconds: float
    seconds: float | None
    paid: bool
    usage: Usage
    failures: int = 0


class Number(Record):
    """A mean with its doubt: standard error clustered by video, None when one video is all there is."""

    value: float
    standard_error: float | None
    count: int


class Scores(Record):
    """One system's result on one benchmark. `headline` names the metric of `metrics` that papers quote.

    `official` metrics leave out missing videos, as the authors' scripts do; `strict` ones count them as
    wrong. Numbers are fractions, not per cent.
    """

    system: str
    headline: str
    metrics: dict[str, Number]
    facets: dict[str, dict[str, Number]] = Field(default_factory=dict)
    statuses: dict[str, int] = Field(default_factory=dict)
    guessed: int = 0
    evidence: dict[str, Number] = Field(default_factory=dict)
    tables: dict[str, dict[str, dict[str, int | float | None]]] = Field(
        default_factory=dict,
        description="facet → value → column: whole numbers are counts, others shares, None a share of nothing",
    )


Answered: TypeAlias = "Sequence[tuple[Question, Outcome]]"
"""Every question of a run beside its outcome, in the benchmark's order."""


class Loader(Protocol):
    """Reads the user's copy of a benchmark. Raises `InputError` naming the file it looked for."""

    def __call__(self, data: Path, *, subtitles: bool) -> tuple[Question, ...]: ...


class Scorer(Protocol):
    """Turns one system's outcomes into numbers, by the authors' rule."""

    def __call__(self, system: str, answered: Answered) -> Scores: ...


class Submitter(Protocol):
    """The benchmark's own result format: file name → JSON value (a list is written as lines for `.jsonl`)."""

    def __call__(self, answered: Answered) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: how its files are read, scored and handed in.

    `subtitles` says whether its usual protocol gives them; `aliases` are other names of subsets; `published`
    are results of papers, in per cent.
    """

    name: str
    title: str
    load: Loader
    score: Scorer
    submit: Submitter | None = None
    subtitles: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])


def silent(event: Event) -> None:
    """For `on_event`: a run of hundreds of questions shows its own progress."""
