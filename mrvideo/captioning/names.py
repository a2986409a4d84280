"""Entities get their names: `<kind_index>` by first appearance, and real names that cues give them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from mrvideo.captioning.calls import Calls, together
from mrvideo.captioning.cards import Views, exemplar_of
from mrvideo.captioning.cast import Member
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.shard_records import ShardRecords
from mrvideo.models.base import Picture, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Cue, Entity, Evidence, Failure, Mention, Scene, Span
from mrvideo.schemas.captioning import CastCard, ConfirmNameInputs, ConfirmNameReply
from mrvideo.schemas.shared import CueLine
from mrvideo.speech.names import name_key
from mrvideo.speech.speakers import NameCandidate, label_entity_links, name_candidates

_CAPITAL = re.compile(r"\b[A-Z][\w'’]{2,}")
_INSIDE = re.compile(r"(?<=[^\W_] )[A-Z][\w'’]{2,}|(?<=, )[A-Z][\w'’]{2,}")
"""In a sentence, not at its beginning, where every word has a capital."""

_MOST_NAMES = 3
"""Names of one entity that are put to the model, the likeliest first."""


@dataclass(frozen=True)
class Descriptions:
    """What tells the better of two descriptions: how long each mention is seen, by its id, whose description a clip put
    right, and words that are written with a capital in speech and on screen, in lower case.
    """

    seen_seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    corrected: Set[str] = frozenset()
    capitals: Set[str] = frozenset()

    @classmethod
    def of(cls, records: Sequence[ShardRecords], cues: Sequence[Cue]) -> Descriptions:
        """What the shards' records and the cues tell."""
        drafts = [draft for shard in records for draft in shard.pieces]
        seen: dict[str, float] = {}
        for draft in drafts:
            for name in draft.appearing:
                key = f"{draft.shard_index}/{name}"
                seen[key] = seen.get(key, 0.0) + draft.duration_seconds
        words = {word for cue in cues for word in _INSIDE.findall(cue.text)}
        words |= {
            word for draft in drafts for text in draft.sightings for word in _CAPITAL.findall(text.text)
        }
        return cls(
            seen_seconds=seen,
            corrected={f"{shard.index}/{one.name}" for shard in records for one in shard.corrected},
            capitals={word.casefold() for word in words},
        )

    def best_of(self, member: Member) -> str:
        """The best description of a member's mentions: one that tells a name, one that was put right, then of whom is seen
        longest, and of its exemplar where there is no difference.
        """

        def worth(mention: Mention) -> tuple[bool, bool, float, bool]:
            key = mention.mention_id
            words = _CAPITAL.findall(mention.description)
            named = any(word.casefold() in self.capitals for word in words)
            return named, key in self.corrected, self.seen_seconds.get(key, 0.0), mention == member.best

        return max(member.mentions, key=worth).description


def entities_of(
    members: Sequence[Member], views: Views | None = None, descriptions: Descriptions | None = None
) -> tuple[Entity, ...]:
    """The members under unique names, in order of first appearance. `scene_indexes` come with the scenes."""
    descriptions = descriptions or Descriptions()
    counts: Counter[str] = Counter()
    entities: list[Entity] = []
    for member in sorted(members, key=lambda m: m.first_seen):
        kind = kind_of(member.best)
        counts[kind] += 1
        shown = exemplar_of(member, views or {})
        entities.append(
            Entity(
                name=f"{kind}_{counts[kind]}",
                kind=member.best.kind,
                description=descriptions.best_of(member),
                display_name=member.given.name if member.given else None,
                exemplar_seconds=shown.seconds,
                box=shown.box,
                mention_ids=tuple(mention.mention_id for mention in member.mentions),
            )
        )
    return tuple(entities)


def kind_of(mention: Mention) -> str:
    """The kind as it stands in names: the local name without its letters."""
    return re.sub(r"_[a-z]{1,2}$", "", mention.name)


def local_names(entities: Sequence[Entity]) -> dict[int, dict[str, str]]:
    """Shard index → local name → the entity's name."""
    names: dict[int, dict[str, str]] = {}
    for entity in entities:
        for mention_id in entity.mention_ids:
            shard, _, name = mention_id.partition("/")
            names.setdefault(int(shard), {})[name] = entity.name
    return names


async def learn_names(
    entities: Sequence[Entity],
    scenes: Sequence[Scene],
    cues: Sequence[Cue],
    *,
    calls: Calls,
    exemplars: Exemplars,
) -> tuple[tuple[Entity, ...], tuple[Failure, ...]]:
    """Entities with the names that cues give them, each from at least two cues and confirmed on the exemplar."""
    links = label_entity_links(scenes, cues)
    unnamed = {entity.name: entity for entity in entities if entity.display_name is None}
    had = {name_key(entity.display_name) for entity in entities if entity.display_name}
    asked: Counter[str] = Counter()
    candidates: list[NameCandidate] = []
    for candidate in name_candidates(cues, scenes, links=links):
        if name_key(candidate.name) in had:
            continue
        asked[candidate.entity_name] += 1
        if candidate.entity_name in unnamed and asked[candidate.entity_name] <= _MOST_NAMES:
            candidates.append(candidate)
    voices: dict[str, tuple[str, ...]] = {}
    for link in links:
        voices[link.entity_name] = (*voices.get(link.entity_name, ()), link.label)
    verdicts = await together(
        _confirm(candidate, unnamed[candidate.entity_name], voices, calls, exemplars)
        for candidate in candidates
    )
    failures = tuple(verdict for verdict in verdicts if isinstance(verdict, Failure))
    confirmed = [
        (candidate, verdict)
        for candidate, verdict in zip(candidates, verdicts, strict=True)
        if isinstance(verdict, Evidence)
    ]
    return _named(entities, confirmed), failures


async def _confirm(
    candidate: NameCandidate,
    entity: Entity,
    voices: Mapping[str, tuple[str, ...]],
    calls: Calls,
    exemplars: Exemplars,
) -> Evidence | Failure | None:
    frames = await exemplars.at([entity.exemplar_seconds])
    card = CastCard(
        card_id=entity.name,
        kind=entity.kind,
        description=entity.description,
        speakers=voices.get(entity.name, ()),
    )
    said = candidate.evidence
    reply = await calls.ask(
        Request(
            prompt=load_prompt("confirm_name"),
            inputs=ConfirmNameInputs(
                entity=card,
                name=candidate.name,
                cues=tuple(
                    CueLine(start_seconds=e.start_seconds, stop_seconds=e.stop_seconds, text=e.quote)
                    for e in said
                ),
            ),
            reply_type=ConfirmNameReply,
            stage="names",
            pictures=tuple(Picture(f"<{entity.name}>", f.jpeg, time) for time, f in frames.items()),
            span=Span(min(e.start_seconds for e in said), max(e.stop_seconds for e in said)),
        ),
        hides="names",
    )
    if isinstance(reply, Failure):
        return reply
    if not reply.confirmed:
        return None
    # Code, not the model, checks the quote: it must occur in a line that was shown. Else the whole line is
    # kept.
    quote = " ".join(reply.cue_quote.split())
    for evidence in said:
        if quote and quote.casefold() in " ".join(evidence.quote.split()).casefold():
            return evidence
    return said[0]


def _named(
    entities: Sequence[Entity], confirmed: Sequence[tuple[NameCandidate, Evidence]]
) -> tuple[Entity, ...]:
    """One name for each and each for one. A name confirmed as well for a rival with as many cues is nobody's."""
    agreed = {(name_key(candidate.name), candidate.entity_name) for candidate, _ in confirmed}
    names: dict[str, tuple[str, Evidence]] = {}
    taken: set[str] = set()
    for candidate, evidence in confirmed:
        name = name_key(candidate.name)
        disputed = any((name, rival) in agreed for rival in candidate.rivals)
        if disputed or name in taken or candidate.entity_name in names:
            continue
        taken.add(name)
        names[candidate.entity_name] = (candidate.name, evidence)
    return tuple(
        entity.model_copy(
            update={"display_name": names[entity.name][0], "name_evidence": (names[entity.name][1],)}
        )
        if entity.name in names
        else entity
        for entity in entities
    )
