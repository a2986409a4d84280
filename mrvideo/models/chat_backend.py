"""The port below `Model`: an adapter that makes one paid call and returns text.

    Model.run(request) ─► limits: kept reply? budget, slot, retry ─► ChatBackend.complete(request, turns) ─► text
                          ▲                                            │
                          └──── checks the text; asks once for repair ◄┘

A backend makes exactly one call and raises a subclass of `ModelError`, or `Transient` for a call that can be
retried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from mrvideo.errors import ModelBusy
from mrvideo.models.base import Identified, Request
from mrvideo.records import Usage


class Transient(ModelBusy):
    """A call that may succeed when tried again. `rate_limited`: the server asked for fewer calls (429). `kind` is
    the same for failures of one reason, where the message tells more than that; else it is the message.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        rate_limited: bool = False,
        timed_out: bool = False,
        kind: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind or message
        self.timed_out = timed_out
        self.retry_after_seconds = retry_after_seconds
        self.rate_limited = rate_limited


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that follows the request, such as one that asks for a repair."""

    role: Literal["assistant", "user"]
    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back, and what the server counted. `cut_off`: the output bound ended it. No seconds, no cost.

    `thoughts` is what the server set beside the reply as reasoning; it is read where the reply is empty.
    `declined` is why the model would not reply, in one line: paid for all the same.
    """

    text: str
    usage: Usage
    cut_off: bool = False
    thoughts: str = ""
    declined: str | None = None


@runtime_checkable
class ChatBackend(Identified, Protocol):
    """Answers in text. Many calls may be in flight at once."""

    async def complete(
        self, request: Request[Any], turns: tuple[Turn, ...], *, max_output_tokens: int
    ) -> Completion:
        """One call. Raises `Transient`, `ModelUnavailable`, `ModelRefused`."""
        ...
