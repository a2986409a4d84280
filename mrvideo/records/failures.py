"""What could not be perceived, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, cast

from pydantic import Field, computed_field, model_validator
from typing_extensions import Self

from mrvideo.records.spans import Span, Spanned

Hides: TypeAlias = Literal["pictures", "sound", "names", "borders"]
"""What is unknown of a span: what it shows, what is said, who is who, or whether one scene goes on in the
next.
"""


class _Reasoned(Spanned):
    """A span and why something is unknown of it, one reason each cause."""

    reasons: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_reason(cls, data: Any) -> Any:
        """Of a single `reason`, as libraries of 0.1.0 keep it, the reasons are made; beside them it says
        nothing new.
        """
        if isinstance(data, dict) and "reason" in data:
            fields = dict(cast("dict[str, Any]", data))
            reason = fields.pop("reason")
            fields.setdefault("reasons", (reason,))
            return fields
        return cast("object", data)

    @computed_field
    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)


class Failure(_Reasoned):
    """A span that one step could not perceive. The step that makes it says what it hides, and whether trying
    again is vain.

    `final`: it will be the same next time, as for bytes that do not decode. Others are tried again by the
    next index run.
    """

    stage: str
    hides: Hides = "pictures"
    final: bool = False

    @classmethod
    def of(
        cls, span: Span, stage: str, *reasons: str, hides: Hides = "pictures", final: bool = False
    ) -> Self:
        """A failure over a span."""
        return cls(
            start_seconds=span.start_seconds,
            stop_seconds=span.stop_seconds,
            stage=stage,
            reasons=reasons,
            hides=hides,
            final=final,
        )

    @model_validator(mode="before")
    @classmethod
    def _of_010(cls, data: Any) -> Any:
        """Libraries of 0.1.0 keep a stage and one reason; what that stage hid is filled in."""
        if isinstance(data, dict) and "reason" in data and "hides" not in data and "reasons" not in data:
            fields = cast("dict[str, Any]", data)
            return {**_KEPT_BY_010.get(str(fields.get("stage")), {}), **fields}
        return cast("object", data)


_KEPT_BY_010: dict[str, dict[str, Any]] = {
    "decode": {"final": True},
    "sound": {"hides": "sound", "final": True},
    "speech": {"hides": "sound"},
    "characters": {"hides": "names"},
    "cast": {"hides": "names"},
    "names": {"hides": "names"},
    "merge": {"hides": "borders"},
}


def may_yet_end_well(failures: Iterable[Failure]) -> bool:
    """Whether another index run could do better at any of them."""
    return any(not failure.final for failure in failures)


class Unseen(_Reasoned):
    """A span that an answer could not take into account, and why."""

    @classmethod
    def of(cls, span: Span, *reasons: str) -> Self:
        """An unseen span."""
        return cls(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, reasons=reasons)
