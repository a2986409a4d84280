"""A cast put right: an index with the user's corrections, by exact rename. No model is called, no frame is
read.

index as captioned ─┬─ which mentions are one      same, apart: a partition of the mentions, one correction after the other
                    ├─ which mention a mark means   the mention of that name that is seen nearest to the caption's part
                    └─ captions, scenes, entities   each mark becomes the name of the entity that its mention is in now
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mrvideo.captioning.assemble import with_scenes
from mrvideo.captioning.cast_file import SEE_PHOTO, Given
from mrvideo.captioning.laying_out import joined_text
from mrvideo.captioning.rename import marks_in, renamed
from mrvideo.library import Library
from mrvideo.records import Anchor, Box, CaptionPart, Correction, Entity, Index, Mention, Scene, Span

_SAME_MOMENT_SECONDS = 0.5
_SAME_BOX = 0.3
"""Intersection over union from which on two boxes at one moment are of one individual."""


@dataclass(frozen=True)
class Corrected:
    """The index put right. `names` tells for each of its scenes what each former name became; `missed` are
    those that fit nobody.
    """

    index: Index
    names: tuple[Mapping[str, frozenset[str]], ...]
    missed: tuple[Correction, ...]


def corrected(index: Index, corrections: Sequence[Correction]) -> Corrected:
    """The index as captioned, with all corrections in their order. Without any it is returned as it is."""
    cast = _Cast(index)
    missed = tuple(one for one in corrections if not cast.take(one))
    scenes: list[Scene] = []
    names: list[Mapping[str, frozenset[str]]] = []
    for scene in index.scenes:
        changed, became = cast.scene(scene)
        scenes.append(changed)
        names.append(became)
    if not corrections:
        return Corrected(index, tuple(names), ())
    entities = with_scenes(cast.entities(), scenes)
    update = {"scenes": tuple(scenes), "entities": entities, "mentions": cast.mentions()}
    return Corrected(index.model_copy(update=update), tuple(names), missed)


def keep_index(index: Index, library: Library) -> Corrected:
    """Keep an index as captioned with its cast as the user has put it right, as its video's latest."""
    corrections = library.corrections(index.video.digest)
    found = corrected(index, corrections)
    library.put_index(found.index, uncorrected=index if corrections else None)
    return found


def with_photos(given: Sequence[Given], digest: str, library: Library) -> tuple[Given, ...]:
    """Those of the cast file, and behind them those of whom the user gave a photo of this video's cast.

    Somebody who is in both is the cast file's, with the photo where that has none. What they are called is a
    correction of its own, that linking says nothing of.
    """
    latest = library.latest_index(digest)
    found = list(given)
    # By the photo: names and order of a cast change with each index, and requests are kept by what they say.
    for entity in sorted(latest.entities if latest else (), key=lambda one: one.photo or ""):
        jpeg = None if entity.photo is None else library.photo(digest, entity.photo)
        if jpeg is None:
            continue
        called = (entity.display_name or "").casefold()
        known = next((n for n, one in enumerate(given) if (one.name or "").casefold() == called), None)
        if known is None:
            found.append(Given(None, entity.kind, SEE_PHOTO, jpeg))
        elif found[known].jpeg is None:
            found[known] = replace(found[known], jpeg=jpeg)
    return tuple(found)


def anchors_of(index: Index, mention_ids: Iterable[str], spans: Sequence[Span] = ()) -> tuple[Anchor, ...]:
    """The mentions as corrections keep them."""
    known = {mention.mention_id: mention for mention in index.mentions}
    return tuple(
        Anchor(
            mention_id=one.mention_id,
            kind=one.kind,
            exemplar_seconds=one.exemplar_seconds,
            box=one.box,
            spans=tuple(spans),
        )
        for one in (known[mention_id] for mention_id in mention_ids)
    )


def mentions_in(index: Index, entity: Entity, scenes: Iterable[int]) -> dict[str, tuple[Scene, ...]]:
    """The entity's mentions, each with those of these scenes that show it."""
    cast = _Cast(index)
    found: dict[str, list[Scene]] = {}
    for place in scenes:
        scene = index.scenes[place]
        for mention_id in cast.seen_in(entity.name, scene):
            found.setdefault(mention_id, []).append(scene)
    return {mention_id: tuple(where) for mention_id, where in found.items()}


class _Cast:
    """The mentions of an index and who is one with whom, while corrections are taken."""

    def __init__(self, index: Index) -> None:
        self._raw = {entity.name: entity for entity in index.entities}
        self._mentions = {mention.mention_id: mention for mention in index.mentions}
        self._roots = {name: entity.mention_ids for name, entity in self._raw.items()}
        self._entities = dict(self._raw)
        self._groups = {name: list(entity.mention_ids) for name, entity in self._raw.items()}
        self._of = {one: name for name, group in self._groups.items() for one in group}
        # What was cut off a mention: (its id, the spans that it has taken), the latest last.
        self._cuts: dict[str, list[tuple[str, tuple[Span, ...]]]] = {}
        self._root_of: dict[str, str] = {}
        self._times = {one: sorted(mention.seen_seconds) for one, mention in self._mentions.items()}

    # --- corrections ---

    def take(self, correction: Correction) -> bool:
        """Whether it fits this index; what does not is left out."""
        these = self._found(correction.these)
        those = self._found(correction.those)
        if not these or (correction.kind in ("same", "apart") and not those):
            return False
        match correction.kind:
            case "same":
                self._join(self._of[these[0]], self._of[those[0]])
            case "apart":
                self._part(these, those)
            case "name":
                name = self._of[these[0]]
                self._entities[name] = self._entities[name].model_copy(
                    update={"display_name": correction.name, "name_evidence": ()}
                )
            case "photo":
                name = self._of[these[0]]
                self._entities[name] = self._entities[name].model_copy(update={"photo": correction.photo})
        return True

    def _join(self, keep: str, other: str) -> None:
        if keep == other:
            return
        one, two = self._entities[keep], self._entities.pop(other)
        if one.display_name is None:
            update = {"display_name": two.display_name, "name_evidence": two.name_evidence}
            self._entities[keep] = one = one.model_copy(update=update)
        if one.photo is None:
            self._entities[keep] = one.model_copy(update={"photo": two.photo})
        self._move(self._groups.pop(other), keep)

    def _part(self, these: Sequence[str], those: Sequence[str]) -> None:
        apart = set(these)
        those = [one for one in those if one not in apart]
        free = [self._of[one] for one in those if not apart & set(self._groups[self._of[one]])]
        moved = [one for one in those if apart & set(self._groups[self._of[one]])]
        if not moved:
            return
        source = self._of[moved[0]]
        target = max(free, key=lambda name: (free.count(name), -free.index(name))) if free else None
        if target is None:
            target = self._new_name(source)
            self._groups[target] = []
            self._entities[target] = self._fresh(target, self._mentions[moved[0]])
        sources = dict.fromkeys(self._of[one] for one in moved)
        for one in moved:
            self._groups[self._of[one]].remove(one)
        self._move(moved, target)
        for name in sources:
            self._choose_exemplar(name)

    def _move(self, mention_ids: Iterable[str], target: str) -> None:
        for one in mention_ids:
            self._groups[target].append(one)
            self._of[one] = target
        self._groups[target].sort(key=self._first_seen)

    def _choose_exemplar(self, name: str) -> None:
        """The exemplar of an entity that lost mentions is one of those that it kept."""
        entity, own = self._entities[name], [self._mentions[one] for one in self._groups[name]]
        if any(one.exemplar_seconds == entity.exemplar_seconds and one.box == entity.box for one in own):
            return
        update = {"exemplar_seconds": own[0].exemplar_seconds, "box": own[0].box}
        self._entities[name] = entity.model_copy(update=update | {"description": own[0].description})

    def _new_name(self, like: str) -> str:
        stem = like.rpartition("_")[0] or like
        # Also of names that were joined away: what an answer once called so is never somebody else.
        taken = {*self._raw, *self._entities, *self._groups}
        number = 1
        while f"{stem}_{number}" in taken:
            number += 1
        return f"{stem}_{number}"

    def _fresh(self, name: str, mention: Mention) -> Entity:
        return Entity(
            name=name,
            kind=mention.kind,
            description=mention.description,
            exemplar_seconds=mention.exemplar_seconds,
            box=mention.box,
        )

    # --- mentions ---

    def _found(self, anchors: Sequence[Anchor]) -> list[str]:
        """The mentions that anchors mean here, cut where they mean only some spans of them."""
        found: list[str] = []
        for anchor in anchors:
            mention_id = self._find(anchor)
            if mention_id is not None:
                found.append(self._cut(mention_id, anchor.spans) if anchor.spans else mention_id)
        return list(dict.fromkeys(one for one in found if one in self._of))

    def _find(self, anchor: Anchor) -> str | None:
        own = self._mentions.get(anchor.mention_id)
        if own is not None and own.kind == anchor.kind and self._looks_like(anchor, own):
            return anchor.mention_id
        own_kind = [one for one in self._mentions.values() if one.kind == anchor.kind]
        found = [one for one in own_kind if self._looks_like(anchor, one)]
        if not found:
            found = [one for one in own_kind if self._seen_at(one, anchor.exemplar_seconds)]
        # Of several that may be meant, none is guessed.
        return found[0].mention_id if len(found) == 1 else None

    @staticmethod
    def _seen_at(mention: Mention, time_seconds: float) -> bool:
        return any(abs(time - time_seconds) <= _SAME_MOMENT_SECONDS for time in mention.seen_seconds)

    @staticmethod
    def _looks_like(anchor: Anchor, mention: Mention) -> bool:
        if abs(anchor.exemplar_seconds - mention.exemplar_seconds) > _SAME_MOMENT_SECONDS:
            return False
        if anchor.box is None or mention.box is None:
            return True
        return _overlap(anchor.box, mention.box) >= _SAME_BOX

    def _cut(self, mention_id: str, spans: tuple[Span, ...]) -> str:
        """A mention of its own for what is seen in these spans."""
        whole = self._mentions[mention_id]
        root = self._root_of.get(mention_id, mention_id)
        for made, own in self._cuts.get(root, []):
            if own == spans:
                return made
        inside = tuple(t for t in whole.seen_seconds if any(span.contains(t) for span in spans))
        outside = tuple(t for t in whole.seen_seconds if t not in inside)
        number = 2
        while f"{root}_{number}" in self._mentions:
            number += 1
        made = f"{root}_{number}"
        shown = any(span.contains(whole.exemplar_seconds) for span in spans)
        middle = inside[len(inside) // 2] if inside else spans[0].middle_seconds
        self._mentions[made] = whole.model_copy(
            update={
                "name": made.partition("/")[2],
                "start_seconds": min(span.start_seconds for span in spans),
                "stop_seconds": max(span.stop_seconds for span in spans),
                "exemplar_seconds": whole.exemplar_seconds if shown else middle,
                "box": whole.box if shown else None,
                "seen_seconds": inside,
            }
        )
        if shown and outside:
            rest = {"exemplar_seconds": outside[len(outside) // 2], "box": None, "seen_seconds": outside}
            self._mentions[mention_id] = whole.model_copy(update=rest)
        else:
            self._mentions[mention_id] = whole.model_copy(update={"seen_seconds": outside})
        self._cuts.setdefault(root, []).append((made, spans))
        self._root_of[made] = root
        owner = self._of[mention_id]
        self._of[made] = owner
        self._groups[owner].append(made)
        return made

    def _first_seen(self, mention_id: str) -> tuple[float, float, str]:
        one = self._mentions[mention_id]
        return (one.start_seconds, one.exemplar_seconds, mention_id)

    # --- what a mark means ---

    def _nearest(self, roots: Sequence[str], span: Span) -> str:
        """The mention of these that is seen in the span, or nearest to it."""

        def distance(one: str) -> tuple[float, float, str]:
            mention, times = self._mentions[one], self._times[one]
            at = bisect_left(times, span.start_seconds)
            if at < len(times) and times[at] < span.stop_seconds:
                return (0.0, 0.0, one)
            away = max(mention.start_seconds - span.stop_seconds, span.start_seconds - mention.stop_seconds)
            return (1.0, max(away, 0.0), one)

        return min(roots, key=distance)

    def _piece(self, root: str, span: Span) -> str:
        """What of a mention that was cut lies in the span."""
        for made, own in reversed(self._cuts.get(root, [])):
            if any(one.contains(span.middle_seconds) for one in own):
                return made
        return root

    def meant(self, name: str, span: Span) -> str:
        """The name, by now, of whom a mark of that name means in a caption of the span."""
        roots = [one for one in self._roots.get(name, ()) if one in self._mentions]
        if not roots:
            return name
        pieces = {piece for one in roots for piece in (one, *(made for made, _ in self._cuts.get(one, ())))}
        if len({self._of[one] for one in pieces}) == 1:
            return self._of[roots[0]]
        return self._of[self._piece(self._nearest(roots, span), span)]

    def seen_in(self, name: str, scene: Scene) -> tuple[str, ...]:
        """The mentions that a name means in a scene."""
        roots = [one for one in self._roots.get(name, ()) if one in self._mentions]
        if not roots:
            return ()
        spans = [part.span for part in scene.parts if name in marks_in(f"{part.text} {part.brief}")]
        return tuple(dict.fromkeys(self._nearest(roots, span) for span in spans or [scene.span]))

    # --- the index ---

    def scene(self, scene: Scene) -> tuple[Scene, Mapping[str, frozenset[str]]]:
        """The scene under the names as they are now, and what each name in it has become."""
        became: defaultdict[str, set[str]] = defaultdict(set)
        parts: list[CaptionPart] = []
        for part in scene.parts:
            marks = [name for name in marks_in(f"{part.text} {part.brief}") if name in self._raw]
            names = {name: self.meant(name, part.span) for name in marks}
            for name, now in names.items():
                became[name].add(now)
            parts.append(
                part.model_copy(
                    update={
                        "text": renamed(part.text, names),
                        "brief": renamed(part.brief, names),
                        "timed": renamed(part.timed, names),
                    }
                )
                if any(name != now for name, now in names.items())
                else part
            )
        for name in (*scene.entity_names, *marks_in(f"{scene.brief} {scene.detailed}")):
            if name in self._raw and name not in became:
                became[name].add(self.meant(name, scene.span))
        if all(now == {name} for name, now in became.items()):
            return scene, {name: frozenset(now) for name, now in became.items()}
        whole = {name: min(now) for name, now in became.items()}
        update = {
            "parts": tuple(parts),
            "brief": self._joined(scene.brief, scene.parts, parts, whole, brief=True),
            "detailed": self._joined(scene.detailed, scene.parts, parts, whole, brief=False),
            "entity_names": tuple(
                dict.fromkeys(now for name in scene.entity_names for now in sorted(became.get(name, {name})))
            ),
        }
        return scene.model_copy(update=update), {name: frozenset(now) for name, now in became.items()}

    @staticmethod
    def _joined(
        text: str,
        before: Sequence[CaptionPart],
        after: Sequence[CaptionPart],
        names: Mapping[str, str],
        *,
        brief: bool,
    ) -> str:
        """The scene's text: that of its parts where it was that before."""
        were = [part.brief if brief else part.text for part in before]
        if text == joined_text(were, " "):
            return joined_text([part.brief if brief else part.text for part in after], " ")
        return renamed(text, names)

    def entities(self) -> tuple[Entity, ...]:
        """The cast as it is now, by first appearance."""
        found = [
            entity.model_copy(update={"mention_ids": tuple(self._groups[name])})
            for name, entity in self._entities.items()
        ]

        def first(entity: Entity) -> tuple[float, float, str]:
            own = entity.mention_ids
            return self._first_seen(own[0]) if own else (entity.exemplar_seconds, 0.0, "")

        return tuple(sorted(found, key=first))

    def mentions(self) -> tuple[Mention, ...]:
        """All mentions; what was cut off one stands right behind it."""
        found: list[Mention] = []
        for one in self._mentions:
            if one not in self._root_of:
                found += [self._mentions[own] for own in (one, *(m for m, _ in self._cuts.get(one, ())))]
        return tuple(found)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    shared = one.intersection(other)
    both = shared.width * shared.height if shared else 0.0
    return both / (one.width * one.height + other.width * other.height - both)
