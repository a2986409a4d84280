"""What a transcriber is asked with and what it answers: a model request whose input is sound.

So a call to it has the same limiter, retries, budget, ledger and kept replies as any other model call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from mrvideo.models.base import Model, Request
from mrvideo.prompts.loader import Prompt
from mrvideo.records import EventSink, Span

STAGE = "speech"


class Segment(BaseModel):
    """What is said over a span, in seconds from the start of the sound that was sent."""

    model_config = ConfigDict(frozen=True)

    start_seconds: float = Field(ge=0, allow_inf_nan=False)
    stop_seconds: float = Field(ge=0, allow_inf_nan=False)
    text: str
    speaker: str | None = None


class Transcription(BaseModel):
    """A transcriber's reply. `text` alone, without segments, is what one without times says.

    `silent` counts the segments that the model itself takes for silence: they are left out of both.
    """

    model_config = ConfigDict(frozen=True)

    segments: tuple[Segment, ...] = ()
    text: str = ""
    language: str | None = None
    silent: int = 0


class SoundInputs(BaseModel):
    """The sound (a FLAC file's bytes), which stands in a request's digest by its own digest."""

    model_config = ConfigDict(frozen=True)

    audio: bytes = Field(exclude=True, repr=False)
    audio_digest: str
    duration_seconds: float
    language: str | None = None
    hint: str = ""


PROMPT = Prompt.wordless("transcribe", Transcription.__name__, digest="2")


def says_silence(no_speech_probability: object, mean_log_probability: object) -> bool:
    """Whether Whisper's own rule leaves a segment out: likely no speech, and words that it is unsure of.

    Over silence it makes up lines such as "Thank you.".
    """
    return (
        isinstance(no_speech_probability, int | float)
        and isinstance(mean_log_probability, int | float)
        and no_speech_probability > 0.6
        and mean_log_probability < -1.0
    )


def sound_request(
    audio: bytes, span: Span, *, language: str | None = None, hint: str = ""
) -> Request[Transcription]:
    """The request for one chunk of sound; `hint` is text in its style, such as names that will be said."""
    inputs = SoundInputs(
        audio=audio,
        audio_digest=hashlib.sha256(audio).hexdigest(),
        duration_seconds=round(span.duration_seconds, 3),
        language=language,
        hint=hint,
    )
    return Request(prompt=PROMPT, inputs=inputs, reply_type=Transcription, stage=STAGE, span=span)


def _nothing_to_fetch(on_event: EventSink) -> None:
    """A server's model is not here."""


@dataclass(frozen=True)
class Transcriber:
    """A model that takes `SoundInputs`, behind its limits, and what one call may hold.

    `fetch` downloads what is not on this disk yet, and reports size and progress; call it before the first
    request.
    """

    model: Model
    longest_seconds: float = 300.0
    most_bytes: int = 24 * 2**20
    fetch: Callable[[EventSink], None] = _nothing_to_fetch

    @property
    def name(self) -> str:
        """As the user wrote it: `openai:whisper-1`."""
        return self.model.name

    @property
    def fingerprint(self) -> str:
        """Changes with everything that changes the transcript, except the sound."""
        return f"{self.model.fingerprint}\n{self.longest_seconds}\n{self.most_bytes}\n{PROMPT.digest}"

    async def aclose(self) -> None:
        """Close connections and free memory; call it on the event loop of its calls
        (`mapreduce.portal()`).
        """
        await self.model.aclose()
