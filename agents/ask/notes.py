"""What one round hands to the next: claims that were denied, and in other words what it came to."""

from __future__ import annotations

from mrvideo.agents.ask.answer import judged_claims
from mrvideo.agents.ask.calls import keep_within, room_for
from mrvideo.agents.ask.state import Context, State
from mrvideo.records import Claim, clock

_SHARE = 16
"""At most one part in this many of a request is spent on either kind of note: the segments fill the rest."""

_LONGEST = 400


def denied_note(state: State, claim: Claim, seen: str) -> str:
    """A claim that fresh frames contradict."""
    return f"{claim.text} (cited: {_cited(state, claim)}; a fresh look: no. {seen})".strip()


def notes_of(state: State) -> list[str]:
    """Earlier notes, who is meant by whom, what held, what stayed open, what was left out, or that nothing was found."""
    verdicts = {v.claim_index: v for v in state.get("verdicts", []) if v.round == state["round"]}
    notes = list(state.get("known", []))
    notes += [f'"{c.word}" was taken to mean {c.entity}' for c in state["plan"].characters]
    for index, claim in enumerate(judged_claims(state)):
        verdict = verdicts.get(index)
        if verdict is None or claim.holds is False:
            continue
        found = "yes" if claim.holds else "unclear"
        notes.append(f"{claim.text} (cited: {_cited(state, claim)}; a fresh look: {found}. {verdict.seen})")
    for missed in state.get("missed", []):
        if missed.round == state["round"]:
            notes.append(f"Left out, though a fresh look at {missed.span} saw it: {missed.seen}")
    if not state["draft"].claims:
        looked = ", ".join(str(s.span) for s in state["plan"].spans) or "the whole video"
        notes.append(f"No answer was found. Looked at: {looked}. {state['draft'].reply.reasoning}")
    return [note.strip() for note in dict.fromkeys(notes)]


def within_room(context: Context, notes: list[str]) -> list[str]:
    """The latest notes that fit, in their order, each shortened where it runs on."""
    short = [n if len(n) <= _LONGEST else n[: _LONGEST - 1] + "…" for n in dict.fromkeys(notes)]
    places = {note: place for place, note in enumerate(short)}
    room = room_for(context, context.text) // _SHARE
    return keep_within(short, room, weight=context.tokens_of, rank=lambda note: places[note])


def _cited(state: State, claim: Claim) -> str:
    times = {e.id: e.start_seconds for e in state["evidence"]}
    return ", ".join(clock(times[i]) for i in claim.evidence_ids if i in times)
