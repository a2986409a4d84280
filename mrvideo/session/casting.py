"""A cast put right: merge, split, rename, tell apart, give a photo, and take back. No model is called.

Corrections are kept in the library as constraints on mentions. Every index of the video follows by exact
rename, with what search reads and the memories; kept answers that rest on a changed name are marked as out of
date.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from mrvideo.captioning.cast_file import photo_jpeg, read_photo
from mrvideo.captioning.corrections import Corrected, anchors_of, corrected, mentions_in
from mrvideo.errors import InputError
from mrvideo.library import Library
from mrvideo.memory.build import memory_key
from mrvideo.memory.renaming import renamed_memory
from mrvideo.memory.tree import Memory
from mrvideo.records import Answer, Correction, Entity, EventSink, Index, Notice, Record, Span
from mrvideo.session.remembering import KIND
from mrvideo.settings import Settings
from mrvideo.wording import counted, printable

MOST_NAME_CHARACTERS = 80


class CastChange(Record):
    """What a correction did: what it is, in words; the index as it is now; how many kept answers it made out
    of date.
    """

    correction: Correction
    index: Index
    stale: int


def corrections_of(index: Index, settings: Settings) -> tuple[Correction, ...]:
    """What was put right so far, in that order."""
    with closing(Library.open(settings.library, create=False)) as library:
        return library.corrections(index.video.digest)


def merge(index: Index, keep: str, other: str, settings: Settings, *, on_event: EventSink) -> CastChange:
    """`other` is `keep`, whose name stays. Raises `InputError` for a name that is not in the cast, or one
    twice.
    """

    def make(now: Index) -> Correction:
        one, two = _two(now, keep, other)
        together = sorted(set(one.scene_indexes) & set(two.scene_indexes))
        if together:
            on_event(Notice(text=f"{keep} and {other} are both told of in {_scenes_told(together)}"))
        return Correction(
            kind="same",
            these=anchors_of(now, [_shown(now, one)]),
            those=anchors_of(now, [_shown(now, two)]),
            told=f"{other} is {keep}",
        )

    return _change(index, make, settings, on_event)


def split(
    index: Index,
    name: str,
    settings: Settings,
    *,
    scenes: Sequence[int] = (),
    mentions: Sequence[str] = (),
    on_event: EventSink,
) -> CastChange:
    """Whom `name` means in these scenes (0-based), or in these mentions (their ids), is somebody else, under
    a name of its own.

    Raises `InputError` where it is in none of them, and where nothing would be left of it.
    """

    def make(now: Index) -> Correction:
        entity = _member(now, name)
        if bool(scenes) == bool(mentions):
            raise InputError(f"name the scenes or the mentions in which {name} is somebody else, one of both")
        if mentions:
            return _by_mentions(now, entity, mentions)
        return _by_scenes(now, entity, scenes)

    return _change(index, make, settings, on_event)


def rename(index: Index, name: str, called: str, settings: Settings, *, on_event: EventSink) -> CastChange:
    """Give a member of the cast a real name; an empty one takes it away. Raises `InputError` for a name that
    another has.
    """
    words = " ".join(printable(called).split())

    def make(now: Index) -> Correction:
        entity = _member(now, name)
        if len(words) > MOST_NAME_CHARACTERS:
            raise InputError(
                f"a name has at most {MOST_NAME_CHARACTERS} characters, this one {len(words)}; shorten it"
            )
        if re.search(r"[<>]", words):
            raise InputError(f"a name holds no < or >, got {words!r}")
        for one in now.entities:
            if words and one.name != name and words.casefold() == (one.display_name or one.name).casefold():
                raise InputError(
                    f"{one.name} is called {words} already; merge the two if they are one, or take another name"
                )
        told = f"{name} is called {words}" if words else f"{name} has no name"
        return Correction(
            kind="name", these=anchors_of(now, [_shown(now, entity)]), name=words or None, told=told
        )

    return _change(index, make, settings, on_event)


def tell_apart(index: Index, one: str, other: str, settings: Settings, *, on_event: EventSink) -> CastChange:
    """The two are not the same: no index of this video joins them again. Raises `InputError` for a name that
    is not in the cast.
    """

    def make(now: Index) -> Correction:
        first, second = _two(now, one, other)
        return Correction(
            kind="apart",
            these=anchors_of(now, first.mention_ids),
            those=anchors_of(now, second.mention_ids),
            told=f"{other} is not {one}",
        )

    return _change(index, make, settings, on_event)


def give_photo(
    index: Index, name: str, photo: Path | bytes, settings: Settings, *, on_event: EventSink
) -> CastChange:
    """Keep a photo of a member of the cast: looks and checks show it beside frames of the video.

    `photo` is a picture's file, or what it holds. Raises `InputError` for what is no picture that can be read.
    """
    jpeg = photo_jpeg(photo, told="the photo") if isinstance(photo, bytes) else read_photo(photo)

    def make(now: Index) -> Correction:
        entity = _member(now, name)
        return Correction(
            kind="photo",
            these=anchors_of(now, [_shown(now, entity)]),
            photo=hashlib.sha256(jpeg).hexdigest(),
            told=f"{name} has a photo",
        )

    return _change(index, make, settings, on_event, jpeg=jpeg)


def photo_named(index: Index, name: str, settings: Settings) -> bytes | None:
    """The photo that was given of a member of the cast, as JPEG; None without one. Raises `InputError` for a
    name that is not in the cast.
    """
    photo = _member(index, name).photo
    if photo is None:
        return None
    with closing(Library.open(settings.library, create=False)) as library:
        return library.photo(index.video.digest, photo)


def undo(index: Index, settings: Settings, *, on_event: EventSink) -> CastChange:
    """Take back the last correction. Raises `InputError` when there is none."""
    digest = index.video.digest
    with closing(Library.open(settings.library, create=False)) as library:
        with library.claim(digest, on_wait=_waiting(on_event)):
            kept = library.corrections(digest)
            if not kept:
                raise InputError(f"nothing was put right in the cast of {index.video.path}")
            last = kept[-1]
            before, after = _indexes(library, digest, kept), _indexes(library, digest, kept[:-1])
            stale = _Stale(before[-1][1].index, after[-1][1].index, f"taken back: {last.told}")
            library.take_back(digest, last, [(raw, right.index) for raw, right in after], stale)
            _rename_memories(library, before, after)
    return CastChange(correction=last, index=_shown_index(after, index), stale=stale.found)


# --- one change -------------------------------------------------------------------------------

_Indexes = list[tuple[Index, Corrected]]
"""Each index of a video as captioned and as put right; the latest comes last."""


def _change(
    index: Index,
    make: Callable[[Index], Correction],
    settings: Settings,
    on_event: EventSink,
    *,
    jpeg: bytes | None = None,
) -> CastChange:
    digest = index.video.digest
    with closing(Library.open(settings.library, create=False)) as library:
        with library.claim(digest, on_wait=_waiting(on_event)):
            now = library.index(digest, index.key)
            if now is None:
                raise InputError(f"{index.video.path} is not in {settings.library}; run mrvideo index on it")
            correction = make(now)
            kept = library.corrections(digest)
            before, after = _indexes(library, digest, kept), _indexes(library, digest, (*kept, correction))
            for raw, right in after:
                if correction in right.missed and raw.key == index.key:
                    raise InputError(f"it cannot be kept that {correction.told}: no mention tells them apart")
            stale = _Stale(before[-1][1].index, after[-1][1].index, correction.told)
            correction = library.put_correction(
                digest, correction, [(raw, right.index) for raw, right in after], stale, jpeg=jpeg
            )
            _rename_memories(library, before, after)
    return CastChange(correction=correction, index=_shown_index(after, index), stale=stale.found)


def _indexes(library: Library, digest: str, corrections: Sequence[Correction]) -> _Indexes:
    found: _Indexes = []
    for key, _ in reversed(library.index_settings(digest)):
        raw = library.uncorrected(digest, key) or library.index(digest, key)
        if raw is not None:
            found.append((raw, corrected(raw, corrections)))
    return found


def _shown_index(indexes: _Indexes, asked: Index) -> Index:
    """The changed index under the path and with the usage that the caller knows."""
    changed = next(right.index for raw, right in indexes if raw.key == asked.key)
    return changed.model_copy(update={"video": asked.video, "usage": asked.usage})


def _waiting(on_event: EventSink) -> Callable[[], None]:
    return lambda: on_event(Notice(text="another process is indexing this video; waiting for it"))


def _rename_memories(library: Library, before: _Indexes, after: _Indexes) -> None:
    for (_, old), (_, new) in zip(before, after, strict=True):
        became = [_became(was, now) for was, now in zip(old.names, new.names, strict=True)]
        for body in library.parts(old.index.video.digest, KIND):
            memory = Memory.model_validate_json(body)
            if memory.key != memory_key(old.index, memory.made_by):
                continue
            key = memory_key(new.index, memory.made_by)
            if library.part(key) is None:
                made = renamed_memory(memory, key, became)
                whole = Span(0.0, new.index.video.duration_seconds)
                library.put_part(key, KIND, new.index.video.digest, whole, made.model_dump_json())


def _became(
    was: Mapping[str, frozenset[str]], now: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """From what each captioned name was called in a scene to what it is called there now."""
    found: dict[str, frozenset[str]] = {}
    for captioned, names in was.items():
        for name in names:
            found[name] = found.get(name, frozenset()) | now.get(captioned, frozenset((captioned,)))
    return found


class _Stale:
    """Tells which answers rest on a name that has changed, and counts them."""

    def __init__(self, before: Index, after: Index, reason: str) -> None:
        names = _changed(before, after)
        words = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        self._names = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if names else None
        self._reason = reason
        self.found = 0

    def __call__(self, answer: Answer) -> str | None:
        texts = (
            answer.question,
            *answer.options,
            answer.answer or "",
            *(claim.text for claim in answer.claims),
            *(one.quote for one in (*answer.evidence, *answer.nearest)),
        )
        if self._names is None or not any(self._names.search(text) for text in texts):
            return None
        self.found += 1
        return self._reason


def _changed(before: Index, after: Index) -> set[str]:
    """Names, real ones too, of those that are not what they were."""
    was, now = ({entity.name: entity for entity in index.entities} for index in (before, after))
    found: set[str] = set()
    for name in was.keys() | now.keys():
        pair = [one for one in (was.get(name), now.get(name)) if one is not None]
        facts = {(one.mention_ids, one.scene_indexes, one.display_name) for one in pair}
        if len(pair) == 1 or len(facts) > 1:
            found |= {name, *(one.display_name for one in pair if one.display_name)}
    return found


# --- who is meant -----------------------------------------------------------------------------


def _member(index: Index, name: str) -> Entity:
    wanted = name.strip("<> ").casefold()
    for entity in index.entities:
        if wanted in (entity.name.casefold(), (entity.display_name or "").casefold()):
            if not entity.mention_ids:
                raise InputError(f"{entity.name} has no mentions by which it could be found again")
            return entity
    known = ", ".join(entity.name for entity in index.entities[:20]) or "nobody"
    raise InputError(f"nobody in the cast is called {name}; there is {known}")


def _two(index: Index, one: str, other: str) -> tuple[Entity, Entity]:
    first, second = _member(index, one), _member(index, other)
    if first.name == second.name:
        raise InputError(f"{one} and {other} are one already; name two members of the cast")
    return first, second


def _shown(index: Index, entity: Entity) -> str:
    """The mention that its exemplar is of."""
    own = [mention for mention in index.mentions if mention.mention_id in entity.mention_ids]
    best = [m for m in own if (m.exemplar_seconds, m.box) == (entity.exemplar_seconds, entity.box)]
    return (best or own)[0].mention_id


def _by_mentions(index: Index, entity: Entity, mentions: Sequence[str]) -> Correction:
    strange = [one for one in mentions if one not in entity.mention_ids]
    if strange:
        raise InputError(f"{entity.name} has no mention {strange[0]}; it has {', '.join(entity.mention_ids)}")
    rest = [one for one in entity.mention_ids if one not in mentions]
    if not rest:
        raise InputError(f"these are all mentions of {entity.name}; leave one of them")
    told = f"{entity.name} is somebody else in {counted(len(mentions), 'mention')}"
    return Correction(
        kind="apart", these=anchors_of(index, rest), those=anchors_of(index, mentions), told=told
    )


def _by_scenes(index: Index, entity: Entity, scenes: Sequence[int]) -> Correction:
    strange = [one for one in scenes if one not in entity.scene_indexes]
    if strange:
        raise InputError(
            f"{entity.name} is not in scene {strange[0]}; it is in {_scenes_told(entity.scene_indexes)}"
        )
    rest = [one for one in entity.scene_indexes if one not in scenes]
    if not rest:
        raise InputError(f"{entity.name} is in no other scene; rename it, or merge it with another")
    moved, kept = mentions_in(index, entity, scenes), mentions_in(index, entity, rest)
    those = [
        anchor
        for mention_id, where in moved.items()
        for anchor in anchors_of(
            index, [mention_id], [one.span for one in where] if mention_id in kept else ()
        )
    ]
    told = f"{entity.name} is somebody else in {_scenes_told(scenes)}"
    return Correction(kind="apart", these=anchors_of(index, kept), those=tuple(those), told=told)


def _scenes_told(scenes: Iterable[int]) -> str:
    numbers = sorted(set(scenes))
    shown = ", ".join(str(number) for number in numbers[:12]) + (" …" if len(numbers) > 12 else "")
    return f"scene {shown}" if len(numbers) == 1 else f"scenes {shown}"
