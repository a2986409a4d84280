"""`replay:FILE`: a model that answers from a recording, without network, and says what the recording lacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeVar, runtime_checkable

from anyio import to_thread
from pydantic import BaseModel, ValidationError

from mrvideo.errors import NotRecorded, SettingsError
from mrvideo.models.base import Capabilities, Model, Reply, Request
from mrvideo.models.recording import Asked, Recording, load_recording
from mrvideo.models.settings import ModelSettings
from mrvideo.records import Record, Span, Usage
from mrvideo.wording import counted, stage_label

T = TypeVar("T", bound=BaseModel)

_MOST_SPANS = 6
"""Named in a notice; of more, how many."""


class Missing(Record):
    """A request that the recording lacks: its stage, the reason, where in the video."""

    stage: str
    why: str
    span: Span | None = None


@dataclass
class _Lacks:
    """Requests without a recorded reply, shared by all views of one model. Thread-safe."""

    lock: Lock = field(default_factory=Lock)
    found: list[Missing] = field(default_factory=list[Missing])

    def add(self, missing: Iterable[Missing]) -> None:
        with self.lock:
            self.found.extend(missing)

    def take(self) -> tuple[Missing, ...]:
        with self.lock:
            taken, self.found = tuple(self.found), []
            return taken


class ReplayModel:
    """Answers from a recording, with the capabilities of the recorded model. Costs nothing.

    `video` is the digest of what it is asked about. Raises `SettingsError` for a file that is no recording.
    """

    def __init__(
        self,
        settings: ModelSettings,
        role: str,
        *,
        on_note: Callable[[str], None] = lambda text: None,
        video: str | None = None,
        lacks: _Lacks | None = None,
    ) -> None:
        self._settings, self._role, self._on_note, self._video = settings, role, on_note, video
        self._path = Path(settings.model)
        self._recording: Recording = load_recording(self._path)
        self._lacks = lacks or _Lacks()
        found = self._recording.model_of(role)
        if found is None:
            raise SettingsError(f"{self._path} holds no reply yet; record some with --record {self._path}")
        self._model, able = found
        chosen = {
            name: value
            for name in ("max_images", "context_tokens", "long_side_pixels", "concurrency")
            if (value := getattr(settings, name)) is not None
        }
        images = min(able.look_images, int(chosen.get("max_images", able.look_images)))
        picks = frozenset(self._recording.frames)
        self._able = replace(able, **{**chosen, "look_images": images}, picks=picks)

    @property
    def name(self) -> str:
        """The recorded model, and when it was: `replay:gpt-5-mini (recorded 2026-11-27)`. Never that of a
        live one.
        """
        return f"replay:{_plain(self._model)} (recorded {self._recording.recorded_at[:10]})"

    @property
    def fingerprint(self) -> str:
        """The recording's content: another recording is another model, the same one elsewhere is the same."""
        return json.dumps({"name": f"replay:{self._model}", "recording": self._recording.digest[:16]})

    @property
    def capabilities(self) -> Capabilities:
        """The recorded model's, so that requests come out as they were; what the settings say wins."""
        return self._able

    def about(self, video: str) -> ReplayModel:
        """The same model, asked about the video with that digest."""
        return ReplayModel(self._settings, self._role, on_note=self._on_note, video=video, lacks=self._lacks)

    async def run(self, request: Request[T]) -> Reply[T]:
        """The recorded reply. Raises `NotRecorded`, which says why there is none."""
        return await to_thread.run_sync(self._answer, request)

    def _answer(self, request: Request[T]) -> Reply[T]:
        asked = Asked.of(request, self._video)
        found = self._recording.find(asked.key)
        if found is None:
            raise self._lacking(request, self._why(asked))
        try:
            return Reply(value=request.parse(found.reply), usage=Usage(), cached=True)
        except ValidationError as error:
            why = "the recorded reply does not fit what this version wants of it"
            raise self._lacking(request, why) from error

    def _why(self, asked: Asked) -> str:
        """Why the reply is missing; equal texts for equal reasons, so that they can be counted."""
        recording = self._recording
        if asked.prompt not in recording.prompts:
            return f"nothing of the prompt {asked.prompt} was recorded"
        if asked.prompt_digest not in recording.prompts[asked.prompt]:
            return f"the prompt {asked.prompt} changed since this was recorded"
        if asked.video is not None and asked.video not in recording.videos:
            return "nothing of this video was recorded"
        if asked.pictures and asked.shown in recording.shown:
            return "its pictures were recorded, with other words beside them"
        if asked.pictures and asked.said in recording.said:
            return "its words were recorded, with other pictures"
        return "it was recorded with other words" if not asked.pictures else "no such request was recorded"

    def _lacking(self, request: Request[Any], why: str) -> NotRecorded:
        self._lacks.add([Missing(stage=request.stage, why=why, span=request.span)])
        return NotRecorded(
            f"{self._path} holds no reply ({stage_label(request.stage)}): {why}; "
            f"record it with --vision MODEL --record {self._path}"
        )

    def take_missing(self) -> tuple[Missing, ...]:
        """The missing requests since the last call; the caller reports them."""
        return self._lacks.take()

    def add_missing(self, missing: Iterable[Missing]) -> None:
        """Add requests that were missing in another process."""
        self._lacks.add(missing)

    async def aclose(self) -> None:
        """Report missing requests, one line for each kind."""
        missing = self._lacks.take()
        for line in lines_of(missing, self._path):
            self._on_note(line)
        if missing and self._recording.broken:
            lines = counted(self._recording.broken, "line")
            self._on_note(f"{lines} of {self._path} cannot be read, as after a run that was killed")


def lines_of(missing: Iterable[Missing], path: Path) -> list[str]:
    """What a recording lacked, for people: a line for each kind and reason, then how to record it. Empty when
    it lacked nothing.
    """
    kinds: dict[tuple[str, str], list[Span | None]] = {}
    for one in missing:
        kinds.setdefault((one.stage, one.why), []).append(one.span)
    if not kinds:
        return []
    lines: list[str] = []
    for (stage, why), spans in kinds.items():
        known = sorted((s for s in spans if s is not None), key=lambda s: (s.start_seconds, s.stop_seconds))
        places = list(dict.fromkeys(str(span) for span in known))
        told = ", ".join(places[:_MOST_SPANS])
        more = f" and {len(places) - _MOST_SPANS} more" if len(places) > _MOST_SPANS else ""
        where = f" ({told}{more})" if places else ""
        lines.append(f"not recorded: {counted(len(spans), 'request')}, {stage_label(stage)}{where}: {why}")
    total = sum(len(spans) for spans in kinds.values())
    verb = "is" if total == 1 else "are"
    lines.append(
        f"{counted(total, 'request')} {verb} not in {path}; record them with the same command, "
        f"--vision MODEL in place of the replay, and --record {path}"
    )
    return lines


@runtime_checkable
class _KnowsVideo(Protocol):
    def about(self, video: str) -> Model: ...


def about(model: Model, video: str) -> Model:
    """The model as it is asked about the video with that digest; only recordings care."""
    return model.about(video) if isinstance(model, _KnowsVideo) else model


def take_missing(model: Model) -> tuple[Missing, ...]:
    """The missing requests of a worker's model; empty unless it is a recording."""
    return model.take_missing() if isinstance(model, ReplayModel) else ()


def add_missing(model: Model, missing: Iterable[Missing]) -> None:
    """Hand a model the missing requests of another process, which it reports when it is closed."""
    if isinstance(model, ReplayModel):
        model.add_missing(missing)


def _plain(model: str) -> str:
    return model.partition(":")[2] or model
