"""An answer, its claims, and the evidence that they rest on."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import Field

from mrvideo.records.failures import Unseen
from mrvideo.records.spans import MediaPath, Record, Span, Spanned
from mrvideo.records.usage import Usage
from mrvideo.wording import plain

Confidence: TypeAlias = Literal[1, 2, 3, 4, 5]
Effort: TypeAlias = Literal["low", "medium", "high", "exhaustive"]
Source: TypeAlias = Literal["caption", "cue", "frame"]
Checker: TypeAlias = Literal["pixels", "second model", "quote"]
"""What a claim was held against: fresh frames, a model that did not make it, or only the words that it
quotes.
"""


class Evidence(Spanned):
    """What was seen or said over a span, where that came from, and its words as they stand there; of what is said,
    by whom, where that is known.
    """

    id: str = ""
    source: Source
    quote: str
    speaker: str | None = None

    @property
    def told(self) -> str:
        """The words, behind the name of who says them."""
        return f"{self.speaker}: {self.quote}" if self.speaker else self.quote


class ModelFinding(Record):
    """What one model found of a claim, in its words; `holds` None: it could not tell."""

    model: str
    holds: bool | None
    seen: str


class Claim(Record):
    """One statement of an answer and the evidence it rests on. `holds` is what verification found, None when
    not asked.

    `findings` is there where two models looked and differ: both are told, and neither is averaged away.
    """

    text: str
    evidence_ids: tuple[str, ...]
    holds: bool | None = None
    findings: tuple[ModelFinding, ...] = ()


_UNREAD_TOLD = 3


class Answer(Record):
    """An answer with everything needed to check it.

    `answer` is None when the video does not hold one ("not found"); `searched` then says what was looked
    through. `nearest` are then the moments that come closest to what was asked. `guessed` marks a choice that
    `must_choose` forced without evidence. `unread` are spans whose captions were not consulted, of a video
    whose memory pointed elsewhere. `checked_by` says what all claims were held against; `verified` is pixels
    or a second model: that a quote stands where it is cited does not make an answer true.
    """

    question: str
    options: tuple[str, ...] = ()
    answer: str | None
    choice: int | None = Field(default=None, ge=0, description="0-based index into options")
    guessed: bool = False
    confidence: Confidence
    verified: bool
    checked_by: tuple[Checker, ...] = ()
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    nearest: tuple[Evidence, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    unread: tuple[Span, ...] = ()
    removed_citations: int = 0
    searched: str = ""
    rounds: int = 1
    effort: Effort = "high"
    usage: Usage = Usage()
    video: MediaPath = Field(description="path of the video as it was asked")
    video_digest: str
    models: dict[str, str] = Field(default_factory=dict, description="role → model name")
    settings: dict[str, Any] = Field(default_factory=dict, description="what else would change the answer")
    stale: str | None = Field(
        default=None, description="what was put right since in the cast that it rests on; None: nothing"
    )

    @property
    def checks(self) -> str:
        """What it was checked by, in words: `checked by pixels, quote`, `not checked`."""
        return f"checked by {', '.join(self.checked_by)}" if self.checked_by else "not checked"

    @property
    def differences(self) -> tuple[str, ...]:
        """Where a second model found otherwise: the claim, and what each of the two found."""
        words = {True: "yes", False: "no", None: "unclear"}
        return tuple(
            f"{claim.text} "
            + "; ".join(
                f"{f.model}: {words[f.holds]}{f', {f.seen}' if f.seen else ''}" for f in claim.findings
            )
            for claim in self.claims
            if claim.findings
        )

    @property
    def told(self) -> str:
        """The answer, the chosen option, or in what it was not found: a model that only reads knows no more
        than texts and speech.
        """
        if self.answer is not None or self.choice is not None:
            return self.answer if self.answer is not None else self.options[self.choice or 0]
        if self.models.get("text") == "offline":
            return "not found in what was read and heard"
        return "not found in what was read of the video" if self.unread else "not found in the video"

    @property
    def marks(self) -> tuple[str, ...]:
        """How far to trust it, in a few words each."""
        found = self.answer is not None or self.choice is not None
        marks = (f"confidence {self.confidence} of 5", *([self.checks] if found else []))
        return (*marks, "a guess: a choice was demanded") if self.guessed else marks

    def __str__(self) -> str:
        """For people, safe for a terminal: what, how sure, on what evidence, and what was not seen."""
        lines = [plain(self.told), ", ".join(self.marks)]
        if self.stale is not None:
            lines.append(f"  out of date: {plain(self.stale)}; ask again")
        lines += [f"  {e.span}  {e.source}: {plain(e.told)}" for e in self.evidence]
        lines += [f"  closest: {e.span}  {e.source}: {plain(e.told)}" for e in self.nearest]
        lines += [f"  models differ: {plain(told)}" for told in self.differences]
        lines += [f"  not seen: {u.span}: {plain(u.reason)}" for u in self.unseen]
        if self.unread:
            shown = ", ".join(str(span) for span in self.unread[:_UNREAD_TOLD])
            more = f" and {len(self.unread) - _UNREAD_TOLD} more" if len(self.unread) > _UNREAD_TOLD else ""
            lines.append(f"  not read: {shown}{more}; --effort exhaustive reads all")
        if self.searched and (self.unseen or not self.evidence):
            lines.append(f"searched: {plain(self.searched)}")
        return "\n".join(lines)


class Hit(Spanned):
    """One search result: a caption, cue or on-screen text that matches, best first."""

    video_digest: str
    video: MediaPath
    source: Source
    text: str
    score: float
