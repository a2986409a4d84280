"""Real names that clips' replies tell: whether a cue or a text says so at that time, and whose name it is in the end.

a reply    "person_a: Iris (131.0)"
a cue      (130.2, 132.4): I'm Iris.           the name stands there: one vote that 2/person_a is Iris
entities   person_3 = 2/person_a + 5/person_c   two votes for Iris, and nobody else has as many: Iris
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from mrvideo.captioning.shard_records import Called, ShardRecords
from mrvideo.records import Cue, Entity, Evidence, Sighting, Span
from mrvideo.schemas.captioning import Named
from mrvideo.speech.names import can_be_name, name_key, names_said
from mrvideo.speech.speakers import LabelLink
from mrvideo.text import EXACT, holds

NEAR_SECONDS = 2.0
"""The time told may miss the cue or text by this much: cues come early or late, and frames lie half a second apart."""

_POSSESSIVE = re.compile(r"['’]s\b")


def evidence_of(named: Named, cues: Sequence[Cue], texts: Sequence[Sighting]) -> Evidence | None:
    """The cue or text on screen, nearest to the time told, in which the name stands word for word; None where none does,
    or the words can be no name ("Mum", "person").
    """
    kind = named.label.rpartition("_")[0].replace("_", " ")
    if not can_be_name(named.called) or named.called.casefold() == kind:
        return None
    said = [
        Evidence(**cue.span.model_dump(), source="cue", quote=cue.text, speaker=cue.speaker) for cue in cues
    ]
    read = [Evidence(**text.span.model_dump(), source="caption", quote=text.text) for text in texts]
    near = (one for one in (*said, *read) if _misses(one.span, named.seconds) <= NEAR_SECONDS)
    standing = (one for one in near if _stands_in(named.called, one.told))
    return min(standing, key=lambda one: _misses(one.span, named.seconds), default=None)


def _misses(span: Span, seconds: float | None) -> float:
    if seconds is None:
        return 0.0
    return max(span.start_seconds - seconds, seconds - span.stop_seconds, 0.0)


def _stands_in(name: str, text: str) -> bool:
    return holds(_POSSESSIVE.sub("", text), _POSSESSIVE.sub("", name)) == EXACT


def named_by_clips(
    entities: Sequence[Entity], records: Sequence[ShardRecords], links: Sequence[LabelLink] = ()
) -> tuple[Entity, ...]:
    """The entities with the names that clips tell of them, each of one entity. Of whom as many clips say another name, and
    a name that as many say of another, stay without; so does whoever has one already.

    `links` are the speakers that are known: "I'm Iris" names none but the speaker, "Thanks, Iris" everybody else.
    """
    entity_of = {mention: entity.name for entity in entities for mention in entity.mention_ids}
    speakers = {link.label: link.entity_name for link in links}
    votes: dict[str, list[Called]] = {}
    for shard in records:
        for one in shard.called:
            entity = entity_of.get(f"{shard.index}/{one.name}")
            if entity is not None and not _contradicted(one, entity, speakers):
                votes.setdefault(entity, []).append(one)
    counts = {entity: _counted(told) for entity, told in votes.items()}
    taken = {name_key(entity.display_name) for entity in entities if entity.display_name}
    found: list[Entity] = []
    for entity in entities:
        own = counts.get(entity.name)
        name = _best(own) if own and entity.display_name is None else None
        rivals = (count.get(name, 0) for other, count in counts.items() if other != entity.name and name)
        if not own or name is None or name in taken or max(rivals, default=0) >= own[name]:
            found.append(entity)
            continue
        told = [one for one in votes[entity.name] if name_key(one.called) == name]
        found.append(
            entity.model_copy(
                update={"display_name": told[0].called, "name_evidence": tuple(one.evidence for one in told)}
            )
        )
    return tuple(found)


def _counted(told: Sequence[Called]) -> dict[str, int]:
    """How often each name is told; a part of a longer one ("Iris", "Iris Lund") counts for that, too."""
    single = Counter(name_key(one.called) for one in told)
    return {
        name: sum(count for other, count in single.items() if set(other.split()) <= set(name.split()))
        for name in single
    }


def _best(counts: Mapping[str, int]) -> str | None:
    """The name told most often; None where two are."""
    most = max(counts.values())
    best = [name for name, count in counts.items() if count == most]
    return best[0] if len(best) == 1 else None


def _contradicted(one: Called, entity: str, speakers: Mapping[str, str]) -> bool:
    """Whether the cue is spoken by somebody known whom its words cannot mean so."""
    speaker = speakers.get(one.evidence.speaker or "")
    if speaker is None or one.evidence.source != "cue":
        return False
    cue = Cue(**one.evidence.span.model_dump(), text=one.evidence.quote, speaker=one.evidence.speaker)
    said = [of_speaker for name, of_speaker in names_said([cue])[0] if name_key(name) == name_key(one.called)]
    return any((entity == speaker) != of_speaker for of_speaker in said)
