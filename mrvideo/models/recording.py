"""A recording: what models replied, one JSON line a reply, told by what was asked and not by a picture's
bytes.

    video, prompt and its digest, each picture's label, time, size and crop, the inputs  ──►  reply, model, usage, date

JPEG bytes differ between decoders, encoders and their versions; what is named here does not. A request
without pictures is told by its prompt and its words alone. Lines stand in any order, and the last one of a
request counts: recordings can be joined with `cat`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, TypeAlias, cast

from pydantic import Field, TypeAdapter, ValidationError

from mrvideo.errors import SettingsError
from mrvideo.files import open_regular
from mrvideo.models.base import Capabilities, Picture, Request
from mrvideo.models.prices import picture_size
from mrvideo.records import Box, Record, Span, Usage

FORMAT = 1
"""Raised when an older mrvideo could not read a line any more."""
MOST_LINE_BYTES = 32 * 2**20
"""Of one request and its reply. Servers are read to 4 MiB, and no model takes more words than the rest."""
_WHAT = "recording, which is made with --record FILE"
_LINES_TO_FIND_ONE = 100
"""A file that holds no recorded reply in so many lines is another kind of file."""
_BEGINNING = b'{"recording":'
_DECIMALS = 3
"""Of seconds, as for all that is kept in words: a frame lasts longer."""

Key: TypeAlias = str

_CAPABILITIES = TypeAdapter(Capabilities)


class RecordedPicture(Record):
    """What tells a picture, without its bytes. Size in pixels; `crop` in shares of the source, None where it
    was not noted.
    """

    label: str
    time_seconds: float
    width: int
    height: int
    crop: Box | None = None

    @classmethod
    def of(cls, picture: Picture) -> RecordedPicture:
        """Reads the size from the JPEG's header."""
        width, height = picture_size(picture)
        return cls(
            label=picture.label,
            time_seconds=picture.time_seconds,
            width=width,
            height=height,
            crop=picture.crop,
        )


class Asked(Record):
    """A request, as a recording tells it. `video` is its digest; None where the request shows no pictures."""

    video: str | None = None
    prompt: str
    prompt_digest: str
    pictures: tuple[RecordedPicture, ...] = ()
    inputs: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, request: Request[Any], video: str | None) -> Asked:
        """The request as it is put about a video, or about none."""
        pictures = tuple(RecordedPicture.of(picture) for picture in request.pictures)
        if pictures and video is None:
            # Pictures of nobody knows what are told by their bytes: found again on this machine, never taken
            # for others.
            bytes_ = "".join(picture.digest for picture in request.pictures)
            video = f"pictures/{hashlib.sha256(bytes_.encode()).hexdigest()}"
        return cls(
            video=video if pictures else None,
            prompt=request.prompt.name,
            prompt_digest=request.prompt.digest,
            pictures=pictures,
            inputs=request.inputs.model_dump(mode="json"),
        )

    @property
    def key(self) -> Key:
        """Equal for requests that say and show the same."""
        return _digest([self.prompt, self.prompt_digest, self._shown, self._said])

    @property
    def shown(self) -> Key:
        """Equal for requests of one prompt's name that show the same pictures, whatever they say."""
        return _digest([self.prompt, self._shown])

    @property
    def said(self) -> Key:
        """Equal for requests of one prompt's name with the same inputs, whatever they show."""
        return _digest([self.prompt, self._said])

    @property
    def frames(self) -> tuple[float, ...]:
        """Times of the pictures that are labelled with theirs, to the hundredth of a second."""
        return tuple(
            round(p.time_seconds, 2) for p in self.pictures if p.label.endswith(f"{p.time_seconds:.2f} s")
        )

    @property
    def _shown(self) -> Any:
        return [self.video, _rounded([picture.model_dump(mode="json") for picture in self.pictures])]

    @property
    def _said(self) -> Any:
        return _rounded(self.inputs)


class RecordedReply(Record):
    """One line: a request, the reply that was accepted for it, and what gave it.

    `usage` is None where the reply was kept already when it was recorded. `fingerprint` is a digest of the
    model's: equal for equal parameters. `roles` are those that the model had in its run.
    """

    recording: int = FORMAT
    asked: Asked
    stage: str
    span: Span | None = None
    reply: dict[str, Any]
    model: str
    fingerprint: str
    roles: tuple[str, ...] = ()
    capabilities: dict[str, Any] = Field(default_factory=dict)
    usage: Usage | None = None
    recorded_at: str = Field(description="ISO 8601, UTC")

    @property
    def line(self) -> bytes:
        """As it stands in the file."""
        return self.model_dump_json().encode() + b"\n"


def fingerprint_digest(fingerprint: str) -> str:
    """A model's fingerprint without what it holds: it may name a server that is nobody else's business."""
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Place:
    """Where a line is, and what tells whether another one would say the same."""

    offset: int
    size_bytes: int
    fingerprint: str
    reply: str


@dataclass
class Recording:
    """What a file held when it was read. Replies stay in the file until they are asked for.

    `models` is, per role, the model that was recorded last, and what it could take then. `broken` counts
    lines that cannot be read.
    """

    path: Path
    digest: str
    places: dict[Key, Place] = field(default_factory=dict[str, Place])
    prompts: dict[str, set[str]] = field(default_factory=dict[str, "set[str]"])
    videos: set[str] = field(default_factory=set[str])
    shown: set[Key] = field(default_factory=set[str])
    said: set[Key] = field(default_factory=set[str])
    models: dict[str, tuple[str, Capabilities]] = field(default_factory=dict[str, "tuple[str, Capabilities]"])
    last: tuple[str, Capabilities] | None = None
    recorded_at: str = ""
    broken: int = 0
    frames: set[tuple[float, ...]] = field(default_factory=set[tuple[float, ...]])

    def find(self, key: Key) -> RecordedReply | None:
        """The reply to that request. Raises `SettingsError` where the file can no longer be read, or is
        another by now.
        """
        place = self.places.get(key)
        if place is None:
            return None
        with open_regular(self.path, what=_WHAT, error=SettingsError) as file:
            file.seek(place.offset)
            found = _parsed(file.read(place.size_bytes), self.path)
        if found is None or found.asked.key != key:
            raise SettingsError(f"{self.path} was changed while it was read from; run the same again")
        return found

    def model_of(self, role: str) -> tuple[str, Capabilities] | None:
        """The model that was recorded last in a role; where none was, the last of any. None in an empty
        recording.
        """
        return self.models.get(role, self.last)

    def _take(self, found: RecordedReply, offset: int, size_bytes: int) -> None:
        asked = found.asked
        self.places[asked.key] = Place(offset, size_bytes, found.fingerprint, reply_digest(found.reply))
        self.prompts.setdefault(asked.prompt, set()).add(asked.prompt_digest)
        if asked.video is not None:
            self.videos.add(asked.video)
        self.shown.add(asked.shown)
        self.said.add(asked.said)
        self.frames.add(asked.frames)
        self.last = found.model, capabilities_of(found.capabilities)
        self.models.update(dict.fromkeys(found.roles, self.last))
        self.recorded_at = max(self.recorded_at, found.recorded_at)


_loaded: dict[Path, tuple[tuple[int, ...], Recording]] = {}
_loading = Lock()


def load_recording(path: Path) -> Recording:
    """The recording in a file, read once while the file stays as it is.

    A line that was cut off, as by a kill, is left out and counted; an empty file is an empty recording.
    Raises `SettingsError` for a file that is missing, no regular file or no recording, and for one that a
    newer mrvideo wrote.
    """
    with _loading, open_regular(path, what=_WHAT, error=SettingsError) as file:
        found = os.fstat(file.fileno())
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        place = path.absolute()
        known = _loaded.get(place)
        if known is None or known[0] != state:
            known = _loaded[place] = state, _read(file, path)
        return known[1]


def existing_recording(path: Path) -> Recording | None:
    """`load_recording` of a file to append to; None where there is none yet. Writes nothing.

    Raises `SettingsError` also where the file could not be written.
    """
    folder = path.absolute().parent
    if not os.path.lexists(path):
        if not folder.is_dir():
            raise SettingsError(f"cannot record to {path}: there is no folder {folder}; make it first")
        if not os.access(folder, os.W_OK):
            raise SettingsError(
                f"cannot record to {path}: no right to write in {folder}; name another file with --record"
            )
        return None
    recording = load_recording(path)
    if not os.access(path, os.W_OK):
        raise SettingsError(f"cannot record to {path}: no right to write it; name another file with --record")
    return recording


def reply_digest(reply: dict[str, Any]) -> str:
    """Equal for equal replies."""
    return _digest(reply)


def capabilities_of(fields: dict[str, Any]) -> Capabilities:
    """Capabilities from a line; what this version does not know of is left out."""
    known = {name: value for name, value in fields.items() if name in Capabilities.__dataclass_fields__}
    # Names an index by what the recorded model was; a replayed one is named by its recording.
    return _CAPABILITIES.validate_python({**known, "index_fingerprint": None})


def _read(file: BinaryIO, path: Path) -> Recording:
    digest = hashlib.sha256()
    recording = Recording(path=path, digest="")
    begun = False
    for offset, line in _lines(file, path):
        digest.update(line)
        # Half of the first line is a recording that was killed at once.
        begun = begun or (offset == 0 and line.startswith(_BEGINNING))
        if not line.strip():
            continue
        found = _parsed(line, path)
        if found is not None:
            recording._take(found, offset, len(line))  # pyright: ignore[reportPrivateUsage]
            continue
        recording.broken += 1
        if not recording.places and recording.broken >= _LINES_TO_FIND_ONE:
            begun = False
            break
    if recording.broken and not (recording.places or begun):
        raise SettingsError(f"{path} is no recording; give a {_WHAT}")
    recording.digest = digest.hexdigest()
    return recording


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while line := file.readline(MOST_LINE_BYTES + 1):
        if len(line) > MOST_LINE_BYTES:
            raise SettingsError(
                f"{path} is no recording: it holds a line of more than {MOST_LINE_BYTES >> 20} MB; give a {_WHAT}"
            )
        yield offset, line
        offset += len(line)


def _parsed(line: bytes, path: Path) -> RecordedReply | None:
    """The line's reply; None where it is none. Raises `SettingsError` for one of a newer format."""
    try:
        fields: object = json.loads(line)
        written = cast("dict[str, Any]", fields).get("recording") if isinstance(fields, dict) else None
        if isinstance(written, int) and written > FORMAT:
            raise SettingsError(f"{path} was recorded by a newer mrvideo; update with pip install -U mrvideo")
        if written != FORMAT:
            return None
        found = RecordedReply.model_validate(fields)
        capabilities_of(found.capabilities)
        return found
    except (ValueError, ValidationError, RecursionError):
        return None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        # 2.0 and 2 are one number; JSON keeps them apart.
        rounded = round(value, _DECIMALS)
        return int(rounded) if rounded.is_integer() else rounded
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in cast("list[Any]", value)]
    return value


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
