"""Recording replies as they come back checked: a layer over any model, live or not.

run(request) ── in the file, from this very model? ─────────────────► reply, nothing paid
     └── the model (kept reply, call, retries, repair) ── append ───► reply
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from anyio import to_thread
from pydantic import BaseModel, ValidationError

from mrvideo.errors import SettingsError
from mrvideo.files import OWNERS_FILE
from mrvideo.models.base import Model, Reply, Request, WrappedModel
from mrvideo.models.recording import (
    Asked,
    Key,
    RecordedReply,
    Recording,
    existing_recording,
    fingerprint_digest,
    reply_digest,
)
from mrvideo.models.replay import about
from mrvideo.records import Usage

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

T = TypeVar("T", bound=BaseModel)


class Recorder(Protocol):
    """A sink for recorded replies. Thread-safe."""

    def find(self, key: Key, fingerprint: str) -> RecordedReply | None:
        """What was recorded of this request from the model with that fingerprint's digest."""
        ...

    def keep(self, one: RecordedReply) -> None:
        """Store it, unless an equal one is stored. Raises `SettingsError` when that fails."""
        ...


class FileRecorder:
    """Appends lines to a file, atomically: other threads and processes may append to it as well.

    A process that is killed meanwhile may leave half a line at the end; the next line begins a new one.
    Raises `SettingsError` for a file that cannot be written, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._before: Recording | None = existing_recording(path)
        before = {} if self._before is None else self._before.places
        self._known = {key: (place.fingerprint, place.reply) for key, place in before.items()}

    def find(self, key: Key, fingerprint: str) -> RecordedReply | None:
        """What the file held when it was opened."""
        if self._before is None:
            return None
        place = self._before.places.get(key)
        return self._before.find(key) if place is not None and place.fingerprint == fingerprint else None

    def keep(self, one: RecordedReply) -> None:
        """Append it, unless its request has the same reply there already."""
        key, same = one.asked.key, (one.fingerprint, reply_digest(one.reply))
        with self._lock:
            if self._known.get(key) == same:
                return
            try:
                _append(self.path, one.line)
            except OSError as error:
                raise SettingsError(
                    f"cannot record to {self.path} ({error.strerror}); what is done is kept in the library, "
                    "and the same command records it once there is room or another file"
                ) from error
            self._known[key] = same


class MemoryRecorder:
    """A recorder in a worker, which writes no file: its records are returned with the worker's results."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[RecordedReply] = []

    def find(self, key: Key, fingerprint: str) -> RecordedReply | None:
        """Nothing: a worker is told of replies by the library."""
        return None

    def keep(self, one: RecordedReply) -> None:
        """Until it is taken."""
        with self._lock:
            self._kept.append(one)

    def take(self) -> tuple[RecordedReply, ...]:
        """All since the last call."""
        with self._lock:
            taken, self._kept = tuple(self._kept), []
            return taken


class RecordingModel(WrappedModel):
    """A `Model` whose replies are recorded, stored ones included. `video` is the digest of the video that it
    is asked about.

    Requests that the file holds a reply to, from this model with these parameters, are not sent again unless
    `fresh`.
    """

    def __init__(
        self,
        model: Model,
        recorder: Recorder,
        *,
        roles: tuple[str, ...] = (),
        video: str | None = None,
        fresh: bool = False,
    ) -> None:
        super().__init__(model)
        self._recorder = recorder
        self._roles = roles
        self._video = video
        self._fresh = fresh

    def about(self, video: str) -> RecordingModel:
        """The same model, asked about the video with that digest."""
        return RecordingModel(
            about(self._wrapped, video), self._recorder, roles=self._roles, video=video, fresh=self._fresh
        )

    def keep(self, recorded: Iterable[RecordedReply]) -> None:
        """Keep what this model replied to a worker."""
        for one in recorded:
            self._recorder.keep(one.model_copy(update={"roles": self._roles}))

    async def run(self, request: Request[T]) -> Reply[T]:
        """The model's reply, which is recorded before this returns. Raises what the model raises, and
        `SettingsError` when it cannot be.
        """
        asked = await to_thread.run_sync(Asked.of, request, self._video)
        found = await to_thread.run_sync(self._found, request, asked)
        if found is not None:
            return found
        reply = await self._wrapped.run(request)
        one = RecordedReply(
            asked=asked,
            stage=request.stage,
            span=request.span,
            reply=reply.value.model_dump(mode="json"),
            model=self.name,
            fingerprint=fingerprint_digest(self.fingerprint),
            roles=self._roles,
            capabilities={k: v for k, v in asdict(self.capabilities).items() if k != "picks"},
            usage=None if reply.cached else reply.usage,
            recorded_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )
        # A thread that is not abandoned: what was paid is recorded, also when the caller is cancelled
        # meanwhile.
        await to_thread.run_sync(self._recorder.keep, one)
        return reply

    def _found(self, request: Request[T], asked: Asked) -> Reply[T] | None:
        if self._fresh:
            return None
        found = self._recorder.find(asked.key, fingerprint_digest(self.fingerprint))
        if found is None:
            return None
        try:
            return Reply(value=request.parse(found.reply), usage=Usage(calls=0), cached=True)
        except ValidationError:
            return None  # Recorded under older bounds of the reply's type: asked again.


def keep_recorded(model: Model, recorded: Iterable[RecordedReply]) -> None:
    """What workers handed back, kept where this model's replies are recorded; nothing for a model that is not
    recorded.
    """
    if isinstance(model, RecordingModel):
        model.keep(recorded)


def _append(path: Path, line: bytes) -> None:
    """Append a whole line or nothing. Raises `OSError`."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags, OWNERS_FILE)
    try:
        with _alone(handle):
            end = os.lseek(handle, 0, os.SEEK_END)
            if end:
                os.lseek(handle, end - 1, os.SEEK_SET)
                # A line that was cut off stands alone.
                line = line if os.read(handle, 1) == b"\n" else b"\n" + line
            try:
                left = memoryview(line)
                while left:
                    left = left[os.write(handle, left) :]
            except OSError:
                os.ftruncate(handle, end)
                raise
    finally:
        os.close(handle)


@contextmanager
def _alone(handle: int) -> Generator[None]:
    """Lock the file against other processes that append to it. The lock ends with the process."""
    if sys.platform == "win32":
        # Far behind any end: a lock of bytes there hinders nobody who reads.
        os.lseek(handle, 2**62, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(handle, 2**62, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
