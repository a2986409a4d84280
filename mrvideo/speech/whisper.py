"""faster-whisper in this process (extra `asr`): loaded at the first call, one call at a time."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from anyio import to_thread
from pydantic import BaseModel

from mrvideo.errors import ModelUnavailable
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.settings import ModelSettings
from mrvideo.records import EventSink, Usage
from mrvideo.settings import silence_telemetry
from mrvideo.speech import download
from mrvideo.speech.port import Segment, SoundInputs, Transcription, says_silence

T = TypeVar("T", bound=BaseModel)


class FasterWhisper:
    """A Whisper model by its size (`small`, `large-v3`), its Hugging Face name, or a folder. Thread-safe."""

    def __init__(self, settings: ModelSettings, load: Callable[[ModelSettings], Any] | None = None) -> None:
        """`load` brings the model, by default faster-whisper's own."""
        self._settings = settings
        self._load = load or _load
        self._model: Any = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The settings'."""
        return self._settings.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """One call at a time: the model itself uses all cores, or the whole GPU."""
        return Capabilities(vision=False, concurrency=1)

    async def run(self, request: Request[T]) -> Reply[T]:
        """Transcribe in a thread. Raises `ModelUnavailable` when the model cannot be had."""
        inputs = request.inputs
        assert isinstance(inputs, SoundInputs)
        transcription = await to_thread.run_sync(self._transcribe, inputs)
        return Reply(value=request.parse(transcription.model_dump()), usage=Usage(calls=1))

    def fetch(self, on_event: EventSink) -> None:
        """Download the model where it is not on this disk yet, and report it. Raises `ModelUnavailable`."""
        repository = _repository(self._settings.model)
        if repository is not None:
            silence_telemetry()
            download.fetch(self.name, repository, on_event)

    async def aclose(self) -> None:
        """Free the model's memory."""
        with self._lock:
            self._model = None

    def _transcribe(self, inputs: SoundInputs) -> Transcription:
        with self._lock:
            if self._model is None:
                self._model = self._load(self._settings)
            found, info = self._model.transcribe(
                io.BytesIO(inputs.audio),
                language=inputs.language,
                initial_prompt=inputs.hint or None,
                # Leaves silence out, over which Whisper makes words up.
                vad_filter=True,
                # A wrong line must not be carried on into the next.
                condition_on_previous_text=False,
            )
            segments: list[Segment] = []
            silent = 0
            for segment in found:
                if says_silence(
                    getattr(segment, "no_speech_prob", None), getattr(segment, "avg_logprob", None)
                ):
                    silent += 1
                    continue
                start = min(max(float(segment.start), 0.0), inputs.duration_seconds)
                stop = min(max(float(segment.end), start), inputs.duration_seconds)
                if text := " ".join(str(segment.text).split()):
                    segments.append(Segment(start_seconds=start, stop_seconds=stop, text=text))
        language = str(info.language) if info.language else None
        return Transcription(segments=tuple(segments), language=language, silent=silent)


def _repository(model: str) -> str | None:
    """The Hugging Face repository of a model: None for a folder, and for a size that faster-whisper does not
    know.
    """
    if Path(model).is_dir():
        return None
    if "/" in model:
        return model
    known: dict[str, str] = getattr(import_module("faster_whisper.utils"), "_MODELS", {})
    return known.get(model)


def _load(settings: ModelSettings) -> Any:
    silence_telemetry()
    from faster_whisper import WhisperModel  # pyright: ignore

    device, _, index = (settings.device or "auto").partition(":")
    try:
        return WhisperModel(
            settings.model, device=device, device_index=int(index or 0), compute_type="default"
        )  # pyright: ignore
    except (ValueError, RuntimeError, OSError) as error:
        # Hugging Face's own errors are among them: no such model, no network.
        raise ModelUnavailable(
            f"{settings.name}: the model cannot be loaded ({' '.join(str(error).split())[:200]})"
        ) from error
