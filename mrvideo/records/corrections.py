"""What a user has put right in a cast: constraints on mentions, which outlive the index they were given for."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from mrvideo.records.media import Box
from mrvideo.records.spans import Record, Span

CorrectionKind: TypeAlias = Literal["same", "apart", "name", "photo"]


class Anchor(Record):
    """A mention as it is found again in another index of the same video: by its id, or by where and when it
    was seen.

    `spans` are the scenes that are meant, where not all of the mention is.
    """

    mention_id: str
    kind: str
    exemplar_seconds: float
    box: Box | None = None
    spans: tuple[Span, ...] = ()


class Correction(Record):
    """One thing put right. Later ones overrule earlier ones.

    `same`: who is seen in `these` is who is seen in `those`. `apart`: nobody is in both. `name`: who is seen
    in `these` is called `name`; None takes the name away. `photo`: a photo shows who is seen in `these`.
    `told` says it in the words of the cast as it was then.
    """

    id: int = Field(default=0, ge=0, description="0 until it is kept")
    kind: CorrectionKind
    these: tuple[Anchor, ...] = Field(min_length=1)
    those: tuple[Anchor, ...] = ()
    name: str | None = None
    photo: str | None = Field(
        default=None, description="SHA-256 of the photo's JPEG, which the library holds"
    )
    told: str
    created_at: str = Field(default="", description="ISO 8601, UTC")
