"""Who is named: speakers of cues, and names that recur in speech. It knows nobody by sight, and says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mrvideo.schemas import captioning as of
from mrvideo.schemas.shared import CueLine
from mrvideo.text import holds

MOST_NAMES = 12
_NAMED = re.compile(r"named “([^”]+)”")
_SPEAKER = re.compile(r"^\s*([A-Z][\w’'-]*(?: [A-Z][\w’'-]*){0,2}):\s")
_INNER_NAME = re.compile(r"(?<=[a-z,;] )([A-Z][a-z]{2,})\b")
_CALLED = re.compile(r"(?:^|[.!?]\s|:\s)([A-Z][a-z]{2,})(?=,|!|\?)")
_DULL = """
the this that there these those what when where which who whom how yes well now then come here hello good thank thanks
monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october
november december english please sorry okay look listen but and not all why
"""
_NO_NAMES = frozenset(_DULL.split())


def find_names(inputs: of.CharactersInputs) -> of.CharactersReply:
    """Speakers first, then names said at least twice."""
    speakers = Counter(name for cue in inputs.cues if (name := speaker_of(cue)))
    said: Counter[str] = Counter()
    for cue in inputs.cues:
        words = spoken(cue)
        for match in (*_INNER_NAME.finditer(words), *_CALLED.finditer(words)):
            if match.group(1).lower() not in _NO_NAMES:
                said[match.group(1)] += 1
    names = [(name, "person") for name, _ in speakers.most_common()]
    names += [(name, "name") for name, count in said.most_common() if count >= 2 and name not in speakers]
    found: list[of.CharacterReply] = []
    for number, (name, kind) in enumerate(names[:MOST_NAMES]):
        cue = next(c for c in inputs.cues if speaker_of(c) == name or name in c.text)
        time = (cue.start_seconds + cue.stop_seconds) / 2
        shown = min(inputs.frame_times, key=lambda t: abs(t - time), default=None)
        if shown is not None:
            how = "who speaks" if kind == "person" else "in speech"
            found.append(
                of.CharacterReply(
                    name=f"{kind}_{chr(ord('a') + number)}",
                    kind=kind,
                    description=f"Somebody or something named “{name}” {how}; known by name, not by sight",
                    exemplar_seconds=shown,
                )
            )
    return of.CharactersReply(characters=tuple(found))


def speaker_of(cue: CueLine) -> str | None:
    """The speaker's label, or the name before a colon."""
    if cue.speaker:
        return cue.speaker.strip() or None
    match = _SPEAKER.match(cue.text)
    return match.group(1) if match else None


def spoken(cue: CueLine) -> str:
    """The words without the speaker's name before them."""
    return _SPEAKER.sub("", cue.text) if not cue.speaker else cue.text


def name_in(description: str) -> str | None:
    """The name that a description of ours holds."""
    match = _NAMED.search(description)
    return match.group(1) if match else None


def named_here(
    mentions: Sequence[of.MentionLine], cues: Sequence[CueLine], texts: Sequence[str]
) -> tuple[str, ...]:
    """Local names of the mentions whose name is said or written here."""
    words = [*texts, *(cue.text for cue in cues), *(cue.speaker or "" for cue in cues)]
    return tuple(
        mention.name
        for mention in mentions
        if (name := name_in(mention.description)) and any(holds(text, name) >= 0.97 for text in words)
    )


def possible_names(inputs: of.PossibleCastInputs) -> of.PossibleCastReply:
    """Cards of one name may be one."""
    groups: dict[str, list[str]] = {}
    for card in (card for stretch in inputs.stretches for card in stretch.cards):
        if name := _name(card):
            groups.setdefault(name, []).append(card.card_id)
    return of.PossibleCastReply(
        groups=tuple(of.Group(traits=f"named {name}", card_ids=tuple(ids)) for name, ids in groups.items())
    )


def link_names(inputs: of.LinkCastInputs) -> of.LinkCastReply:
    """Cards of one name are one."""
    pairs: list[of.LinkReply] = []
    taken: set[str] = set()
    for left in inputs.left:
        for right in inputs.right:
            if right.card_id not in taken and (name := _name(left)) and name == _name(right):
                pairs.append(of.LinkReply(left_id=left.card_id, right_id=right.card_id, better="left"))
                taken.add(right.card_id)
                break
    return of.LinkCastReply(pairs=tuple(pairs))


def confirm_name(inputs: of.ConfirmNameInputs) -> of.ConfirmNameReply:
    """Only a name it learnt from the same words; a face it cannot tell."""
    known = _name(inputs.entity)
    quote = next((cue.text for cue in inputs.cues if holds(cue.text, inputs.name) >= 0.97), "")
    confirmed = known is not None and known == inputs.name.casefold() and bool(quote)
    return of.ConfirmNameReply(confirmed=confirmed, cue_quote=quote if confirmed else "")


def _name(card: of.CastCard) -> str | None:
    name = card.given_name or name_in(card.description)
    return name.casefold() if name else None
