"""What one round hands to the next: claims that were denied, and in other words what it came to."""

from __future__ import annotations

import re

from mrvideo.agents.ask.answer import judged_claims
from mrvideo.agents.ask.calls import clipped, keep_within, room_for
from mrvideo.agents.ask.state import Context, State, verdicts_now
from mrvideo.records import Claim, Span, merge_spans

_SHARE = 16
"""At most one part in this many of a request is spent on either kind of note: the segments fill the rest."""

_LONGEST = 400
_SPANS_TOLD = 8
_IDS = r"e\d{1,4}(?:\s*(?:,|and|;|[-–])\s*e\d{1,4})*"


def denied_note(state: State, claim: Claim, seen: str) -> str:
    """A claim that fresh frames contradict: what they show first, since that decides what to look for next."""
    return without_ids(f"{claim.text} (cited: {_cited(state, claim)}; a fresh look: no. {seen})".strip())


def notes_of(context: Context, state: State) -> list[str]:
    """Earlier notes, who is meant by whom, what held, what stayed open, what was left out, or that nothing
    was found.
    """
    verdicts = {v.claim_index: v for v in verdicts_now(state)}
    notes = list(state.get("known", []))
    meant: dict[str, list[str]] = {}
    for one in state["plan"].characters:
        meant.setdefault(one.word, []).append(one.entity)
    notes += [f'"{word}" was taken to mean {", ".join(entities)}' for word, entities in meant.items()]
    for index, claim in enumerate(judged_claims(state)):
        verdict = verdicts.get(index)
        if verdict is None or claim.holds is False:
            continue
        found = "yes" if claim.holds else "unclear"
        if verdict.corrected is not None:
            found = f"yes, but at {seconds(verdict.corrected)}"
        # What is open is told at length: it decides where to look.
        seen = verdict.seen if verdict.corrected is not None or not claim.holds else ""
        told = f"{claim.text} (cited: {_cited(state, claim)}; a fresh look: {found}. "
        notes.append(f"{told}{ending(seen, _LONGEST - len(told) - 1)})".replace(". )", ")"))
    for missed in state.get("missed", []):
        if missed.round == state["round"]:
            notes.append(f"Left out, though a fresh look at {seconds(missed.span)} saw it: {missed.seen}")
    if not state["draft"].claims:
        looks = [look for look in state.get("looks", []) if look.round == state["round"]]
        shown = merge_spans([span for look in looks for span, _ in look.shown], gap_seconds=0.05)
        looked = ", ".join(seconds(s) for s in shown[:_SPANS_TOLD]) or "nothing"
        more = f" and {len(shown) - _SPANS_TOLD} more" if len(shown) > _SPANS_TOLD else ""
        notes.append(f"No answer was found. Looked at: {looked}{more}. {state['draft'].reply.reasoning}")
    return [without_ids(note.strip()) for note in dict.fromkeys(notes)]


def within_room(context: Context, notes: list[str]) -> list[str]:
    """The latest notes that fit, in their order, each shortened between words where it runs on."""
    short = [clipped(n, _LONGEST) for n in dict.fromkeys(notes)]
    places = {note: place for place, note in enumerate(short)}
    room = room_for(context, context.text) // _SHARE
    return keep_within(short, room, weight=context.tokens_of, rank=lambda note: places[note])


def ending(text: str, most: int) -> str:
    """The last whole sentences or clauses of a text that fit so many letters: what was seen is told before what
    it leaves open. Its last letters where none fits.
    """
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    tail = text[len(text) - max(most - 2, 0) :]
    starts = [match.end() for match in re.finditer(r"[.!?;:]\s", tail)]
    return f"… {tail[starts[0] :] if starts else tail.partition(' ')[2]}"


def without_ids(text: str) -> str:
    """A text without ids of evidence: they are those of one draft, and who reads this later cannot see them."""
    bare = re.sub(rf"\s*[(\[]\s*{_IDS}\s*[)\]]", "", text)
    bare = re.sub(rf"\b{_IDS}\b", "the evidence", bare)
    return " ".join(bare.split())


def seconds(span: Span) -> str:
    """`12.50–14.00 s`, as all times stand in prompts."""
    return f"{span.start_seconds:.2f}–{span.stop_seconds:.2f} s"


def _cited(state: State, claim: Claim) -> str:
    times = {e.id: e.span for e in state["evidence"]}
    return ", ".join(seconds(times[i]) for i in claim.evidence_ids if i in times)
