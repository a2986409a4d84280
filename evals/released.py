"""The paper's released captions, `[{t_start, t_end, caption}, …]`: read as an index to ask, and written from one.

Their quirks, and what becomes of them:

    headers missing, or written otherwise     the first sentence is the brief caption, all of it the detailed one
    BEGIN/END_OF_NEW_DESCRIPTION              removed
    names such as `<person_d-10>`             `<person_1>` by first appearance; the old name is kept in the settings
    entries out of order                      sorted
    entries that overlap                      the one that started last holds; the other goes on after it, if it lasts longer
    gaps, empty captions                      failures, so that answers report these spans as unseen
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from mrvideo.errors import InputError
from mrvideo.media.identity import probe
from mrvideo.records import Entity, Failure, Index, Scene, Span, VideoInfo, clock

STAGE = "import"
NAMES = "released_names"
_INSTANT_SECONDS = 0.05
"""What a caption without duration gets, and the shortest hole that is told as one."""

_BRIEF, _CHARACTERS, _DETAILED = "brief description", "appeared characters", "detailed description"
_MARKS = re.compile(r"\**\b(?:BEGIN|END)_OF_NEW_DESCRIPTION\b\**:?")
_HEADER = re.compile(
    r"\[?[\s*#]*[123]\s*[.:)]\s*(brief description|appear\w* characters?|detailed description)[\s*]*\]?[\s*]*:?[\s*]*",
    re.IGNORECASE,
)
_NAME = re.compile(r"<([A-Za-z][\w' -]{0,60})>")
_OURS = re.compile(r"[a-z]+(?:_[a-z]+)*_[1-9]\d*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class _Entry:
    start: float
    stop: float
    brief: str
    detailed: str
    names: tuple[str, ...]


def export_released(index: Index) -> list[dict[str, Any]]:
    """The scenes in the release's shape. Names that were renamed at import get their old form again.

    What the shape has no place for is left out: cues, texts on screen, exemplars.
    """
    old: dict[str, str] = index.settings.get(NAMES, {})

    def restored(text: str) -> str:
        return _NAME.sub(lambda match: f"<{old.get(match[1], match[1])}>", text)

    return [
        {
            "t_start": scene.start_seconds,
            "t_end": scene.stop_seconds,
            "caption": f"[1. Brief Description]: {restored(scene.brief)}\n"
            f"[2. Appeared Characters]: [{', '.join(old.get(name, name) for name in scene.entity_names)}]\n"
            f"[3. Detailed Description]: {restored(scene.detailed)}",
        }
        for scene in index.scenes
    ]


def import_released(captions: Path, video: Path | None = None) -> Index:
    """An index of scenes and entities from a released caption file; with the video, frames can be looked at too.

    Without it, the video's identity is the digest of the caption file, its duration the last caption's end.
    Raises `InputError` for a file of another shape, or captions that run past the video's end by more than 5 %.
    """
    try:
        raw = captions.read_bytes()
        value: Any = json.loads(raw.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{captions} cannot be read as captions: {error}") from error
    if not isinstance(value, list) or not value:
        raise InputError(f"{captions} should hold a list of t_start, t_end, caption")
    rows = cast("list[Any]", value)
    read = [_entry(captions, number, row) for number, row in enumerate(rows)]
    entries = [entry for entry in read if entry.detailed]
    if not entries:
        raise InputError(f"{captions} holds no caption with words")
    digest = hashlib.sha256(raw).hexdigest()
    info = probe(video) if video is not None else _nameless(captions, digest, entries, len(raw))
    end = max(entry.stop for entry in entries)
    if end > info.duration_seconds * 1.05 + 1:
        raise InputError(
            f"{captions} runs to {clock(end)}, but {info.path} ends at {clock(info.duration_seconds)}: another video?"
        )
    names = _renamed(entries)
    scenes, gaps = _tiled(entries, names, info.duration_seconds)
    wordless = [Span(entry.start, entry.stop) for entry in read if not entry.detailed]
    return Index(
        key=hashlib.sha256(f"released/1/{info.digest}/{digest}".encode()).hexdigest(),
        video=info,
        settings={
            "source": "mrvideo-paper",
            "captions": str(captions),
            NAMES: {new: old for old, new in names.items() if new != old},
        },
        scenes=scenes,
        entities=_entities(scenes),
        failures=tuple(_failure(gap, wordless) for gap in gaps),
        created_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _entry(captions: Path, number: int, row: Any) -> _Entry:
    if not isinstance(row, dict):
        raise InputError(f"{captions}: entry {number} is not an object")
    fields = cast("dict[str, Any]", row)
    try:
        start, stop = float(fields["t_start"]), float(fields["t_end"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{captions}: entry {number} has no t_start and t_end in seconds") from error
    if not (math.isfinite(start) and math.isfinite(stop)):
        raise InputError(f"{captions}: entry {number} has no t_start and t_end in seconds")
    start, stop = sorted((max(start, 0.0), max(stop, 0.0)))
    brief, names, detailed = _sections(str(fields.get("caption") or ""))
    return _Entry(start, stop, brief, detailed, names)


def _sections(caption: str) -> tuple[str, tuple[str, ...], str]:
    """Brief caption, listed names, detailed caption; what one lacks is taken from the other."""
    first, *rest = _HEADER.split(_MARKS.sub("\n", caption))
    parts: dict[str, list[str]] = {_BRIEF: [], _CHARACTERS: [], _DETAILED: [first.strip()]}
    for header, body in zip(rest[::2], rest[1::2], strict=True):
        kind = _CHARACTERS if header.lower().startswith("appear") else header.lower()
        parts[kind].append(body.strip())
    listed = re.split(r"[,;\n]", " , ".join(parts[_CHARACTERS]).replace("[", "").replace("]", ""))
    names = tuple(name for item in listed if (name := item.strip(" <>.'\"*`")) and name.lower() != "none")
    brief, detailed = (" ".join(" ".join(parts[kind]).split()) for kind in (_BRIEF, _DETAILED))
    if not brief and detailed:
        brief = _SENTENCE.split(detailed, maxsplit=1)[0]
    return brief, names, detailed or brief


def _renamed(entries: list[_Entry]) -> dict[str, str]:
    """Old name → `kind_index`, by first appearance. Names that have this form already keep it.

    A listed name counts where some caption marks it; words that were only listed, such as "a crowd", are no names.
    """
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.stop))
    marked = [name for entry in ordered for name in _NAME.findall(f"{entry.brief} {entry.detailed}")]
    listed = [name for entry in ordered for name in entry.names if re.search(r"[-_]\w{0,2}-?\d+$", name)]
    taken = {name for name in (*marked, *listed) if _OURS.fullmatch(name)}
    used: Counter[str] = Counter()
    names: dict[str, str] = {}
    for old in dict.fromkeys((*marked, *listed)):
        if old in taken:
            names[old] = old
            continue
        kind = _kind(old)
        used[kind] += 1
        while f"{kind}_{used[kind]}" in taken:
            used[kind] += 1
        names[old] = f"{kind}_{used[kind]}"
    return names


def _kind(name: str) -> str:
    """`person_d-10` → person; `red_car_aa` → red_car; letters and underscores only."""
    bare = re.sub(r"[_ -]+[a-z]{0,2}-?\d*$", "", name.lower())
    return re.sub(r"[^a-z]+", "_", bare).strip("_") or "thing"


def _tiled(
    entries: list[_Entry], names: dict[str, str], duration_seconds: float
) -> tuple[tuple[Scene, ...], list[Span]]:
    """Scenes without overlap, in order, and the gaps between them."""
    held: dict[tuple[float, float], _Entry] = {}
    for entry in entries:
        start = min(entry.start, duration_seconds - _INSTANT_SECONDS)
        stop = min(max(entry.stop, start + _INSTANT_SECONDS), duration_seconds)
        twin = held.get((start, stop))
        held[start, stop] = entry if twin is None else _joined(twin, entry)
    pieces: list[tuple[Span, tuple[float, float]]] = []
    for start, stop in pairwise(sorted({time for span in held for time in span})):
        running = [span for span in held if span[0] <= start and stop <= span[1]]
        if not running:
            continue
        # Of two that start together the shorter holds first, so that the longer one still has its turn.
        now = max(running, key=lambda span: (span[0], -span[1]))
        if pieces and pieces[-1][1] == now and pieces[-1][0].stop_seconds == start:
            pieces[-1] = (Span(pieces[-1][0].start_seconds, stop), now)
        else:
            pieces.append((Span(start, stop), now))
    for hidden in sorted(held.keys() - {now for _, now in pieces}):
        # Others hold all of its time: its words go to the first of them.
        over = next(now for piece, now in pieces if piece.contains(hidden[0]))
        held[over] = _joined(held[over], held[hidden])
    gaps: list[Span] = []
    reached = 0.0
    for piece, _ in pieces:
        if piece.start_seconds > reached + _INSTANT_SECONDS:
            gaps.append(Span(reached, piece.start_seconds))
        reached = piece.stop_seconds
    if duration_seconds > reached + 1:
        gaps.append(Span(reached, duration_seconds))
    scenes = tuple(_scene(i, piece, held[now], names) for i, (piece, now) in enumerate(pieces))
    return scenes, gaps


def _joined(first: _Entry, second: _Entry) -> _Entry:
    if first.detailed == second.detailed:
        return first
    return _Entry(
        first.start,
        first.stop,
        f"{first.brief} {second.brief}",
        f"{first.detailed} {second.detailed}",
        tuple(dict.fromkeys((*first.names, *second.names))),
    )


def _scene(index: int, span: Span, entry: _Entry, names: dict[str, str]) -> Scene:
    def renamed(text: str) -> str:
        return _NAME.sub(lambda match: f"<{names[match[1]]}>", text)

    found = (*entry.names, *_NAME.findall(f"{entry.brief} {entry.detailed}"))
    return Scene(
        start_seconds=span.start_seconds,
        stop_seconds=span.stop_seconds,
        index=index,
        brief=renamed(entry.brief),
        detailed=renamed(entry.detailed),
        entity_names=tuple(dict.fromkeys(names[name] for name in found if name in names)),
    )


def _entities(scenes: tuple[Scene, ...]) -> tuple[Entity, ...]:
    """By first appearance. The release describes nobody apart from the captions: those of the first scene stand in."""
    seen: dict[str, list[Scene]] = {}
    for scene in scenes:
        for name in scene.entity_names:
            seen.setdefault(name, []).append(scene)
    return tuple(
        Entity(
            name=name,
            kind=_kind(name),
            description=held[0].brief,
            exemplar_seconds=held[0].span.middle_seconds,
            scene_indexes=tuple(scene.index for scene in held),
        )
        for name, held in seen.items()
    )


def _failure(gap: Span, wordless: list[Span]) -> Failure:
    empty = any(gap.overlaps(span) for span in wordless)
    reason = "the caption file holds no words for it" if empty else "the caption file leaves it out"
    return Failure.of(gap, STAGE, reason)


def _nameless(captions: Path, digest: str, entries: list[_Entry], size_bytes: int) -> VideoInfo:
    """What stands for a video that is not here: identified by its captions, without a picture."""
    return VideoInfo(
        digest=digest,
        # No path of a file: whoever holds this index must not try to decode its captions.
        path=captions.stem,
        duration_seconds=max(max(entry.stop, entry.start + _INSTANT_SECONDS) for entry in entries),
        width=1,
        height=1,
        frames_per_second=None,
        codec="none",
        has_audio=False,
        size_bytes=size_bytes,
    )
