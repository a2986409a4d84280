"""What an answer leaves out: where it could be, and a look at frames of that."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.check import MARGIN_SECONDS, Manner, Subject, check_statements, cited_spans
from mrvideo.agents.ask.named import entities_named, without_marks
from mrvideo.agents.ask.pixels import Bin, dense_bins, even_bins, images_across, phase_of, spread, unsent
from mrvideo.agents.ask.shots import padded, units
from mrvideo.agents.ask.state import Context, Draft, Missed, Rest, RestTask, State
from mrvideo.records import Span, merge_spans
from mrvideo.schemas.analysis import Density, Statement

_ADJOINING_SECONDS = 2.0
"""What goes on beside a citation, within its scene, is no other occurrence: a clip's border ends parts, not
events.
"""

_RANK_WEIGHT = 10
"""How soon the rank of a scene by its words stops to count; one that shows who is named counts as a first
rank.
"""

_REST_FRAMES = 3
"""At most so many frames of one span of the rest."""

_REST_SHORT_SECONDS = 60.0
"""A rest no longer than this is looked at where something changes, not in single frames."""

_REST_PART_SECONDS = 0.5
"""What a claim leaves uncited of a scene is looked at from this length on, where it is another shot."""

_REST_LASTING_SECONDS = 4.0
"""What is left of a shot cited in part is looked at from this length on: less of it shows what was cited."""


_OVER_SECONDS = 0.25
"""A citation that reaches no further into a shot is not about it."""


async def verify_rest(task: RestTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """Whether frames of what the draft does not cite show one thing more. Claims that hold may still not be
    all.
    """
    context, spans = runtime.context, list(task["spans"])

    phase = phase_of(task["round"], check=1)
    closely = task["closely"]

    def bins(images: int) -> list[Bin]:
        if closely:
            # What moves in one shot takes no frame from another.
            return dense_bins(units(context, spans), images, phase=phase)
        sent = context.sent.before
        return unsent(context, rest_bins(spans, task["likely"], images, phase, sent=sent))

    most = min(task["images"], images_across(context, context.eye))
    subject = Subject(tuple(Statement(text=text) for text in task["checks"]), spans, bins)
    look: Density = "dense" if closely else "glance"
    manner = Manner(context.eye, most, look, phase, sampled=True)
    opinions, sent = await check_statements(context, [subject], manner)
    context.pictures.give_back(task["images"] - sent)
    rest = Rest(task["round"], opinions[0].frames, len(opinions[0].shown), len(spans))
    missed = [
        Missed(task["round"], Span(one.shown[0].start_seconds, one.shown[-1].stop_seconds), one.seen)
        for one in opinions
        if one.holds
    ]
    return {"missed": missed, "rests": [rest]}


def is_close(draft: Draft, rest: Sequence[Span]) -> bool:
    """Whether what is missing could only lie within little time."""
    seconds = sum(span.duration_seconds for span in rest)
    return bool(draft.reply.rest_within) and seconds <= _REST_SHORT_SECONDS


def rest_frames(draft: Draft, rest: Sequence[Span]) -> int:
    """One of each span; of little time, one of every two seconds."""
    seconds = sum(span.duration_seconds for span in rest)
    return max(len(rest), math.ceil(seconds / 2)) if is_close(draft, rest) else len(rest)


def rest_spans(context: Context, state: State) -> list[Span]:
    """What the draft cites nothing of: first what is left of the scenes that it cites, where another
    occurrence is likeliest, then every other scene.

    An instant that is cited stands for all of the caption's part that it lies in: it was cited as narrowly as
    can be, and the same event a second later is nothing that was left out.

    Where the draft says which spans alone could hold more, what is left of them; where nothing is left, since they
    are cited already or too short, nothing: whoever counts in one place, and cites all of it, has no other place
    to be looked at. Only of a question about the whole video is this not believed, unless the spans follow the
    last citation or precede the first: there, spans that are but the cited ones tell where things were found,
    and not where others could be.
    """
    draft = state["draft"]
    if not draft.reply.rest_check:
        return []
    within = [s for w in draft.reply.rest_within if (s := w.span.intersection(context.whole))]
    known = {e.id: e for e in state["evidence"]}
    cited = cited_spans(context, [known[i] for claim in draft.claims for i in claim.evidence_ids])
    left: list[Span] = []
    others: list[Span] = []
    for scene in context.scenes.items:
        inside = [c for c in cited if c.overlaps(scene.span)]
        if inside:
            parts = [part.span for part in scene.parts] or [scene.span]
            instants = [c for c in inside if c.duration_seconds <= 2 * MARGIN_SECONDS]
            told = [part for part in parts if any(_lies_in(c, part) for c in instants)]
            beside = [c.padded(_ADJOINING_SECONDS) for c in (*inside, *told)]
            covers = [c for c in (one.intersection(scene.span) for one in beside) if c]
            left += _uncovered(scene.span, merge_spans(covers, gap_seconds=None))
        else:
            others.append(scene.span)
    rest = [*(part for one in left for part in _worth_a_look(context, one, cited)), *others]
    near = [part for span in (*left, *others) for one in within if (part := span.intersection(one))]
    near = [part for part in near if part.duration_seconds >= _REST_PART_SECONDS]
    if near or not within:
        return near or rest
    # What comes after the last, or before the first, is too short to hold anything, or there is nothing.
    after = bool(cited) and all(
        w.start_seconds >= cited[-1].stop_seconds - _ADJOINING_SECONDS for w in within
    )
    before = bool(cited) and all(
        w.stop_seconds <= cited[0].start_seconds + _ADJOINING_SECONDS for w in within
    )
    return rest if state["plan"].scope == "global" and not (after or before) else []


def _worth_a_look(context: Context, left: Span, cited: Sequence[Span]) -> list[Span]:
    """What is left of a scene, without what is soon over of shots of which another part is cited."""
    parts: list[Span] = []
    for part in units(context, [left]):
        shot = padded(context, part, context.whole.duration_seconds)
        told = any((both := c.intersection(shot)) and both.duration_seconds > _OVER_SECONDS for c in cited)
        if not told or part.duration_seconds >= _REST_LASTING_SECONDS:
            parts.append(part)
    return merge_spans(parts, gap_seconds=0.01)


def _lies_in(cited: Span, part: Span) -> bool:
    """Whether a citation tells of a part: it lies there by half a second, or by half of its own length."""
    both = cited.intersection(part)
    return both is not None and both.duration_seconds >= min(0.5, cited.duration_seconds / 2)


def _uncovered(span: Span, covers: Sequence[Span]) -> list[Span]:
    parts: list[Span] = []
    position = span.start_seconds
    for cover in covers:
        if cover.start_seconds - position >= _REST_PART_SECONDS:
            parts.append(Span(position, cover.start_seconds))
        position = max(position, cover.stop_seconds)
    if span.stop_seconds - position >= _REST_PART_SECONDS:
        parts.append(Span(position, span.stop_seconds))
    return parts


def likeliest(context: Context, text: str, rest: Sequence[Span]) -> list[Span]:
    """Those of the rest that may well hold what a text asks for, best first: by the words of their captions,
    texts and cues, and by whether they show whom it names. Of what is left of cited scenes, all, and first.
    """
    scenes = context.scenes.items
    place_of = {scene.span: place for place, scene in enumerate(scenes)}
    scores: dict[int, float] = {}
    # Whom it names is told by the cast: captions name them also where they are only spoken of.
    for rank, place in enumerate(context.recall.places(without_marks(text), len(scenes))):
        scores[place] = 1 / (_RANK_WEIGHT + rank)
    place_of_index = {scene.index: place for place, scene in enumerate(scenes)}
    for entity in entities_named(context, [text]):
        for scene in context.shown.get(entity.name, ()):
            place = place_of_index[scene.index]
            scores[place] = scores.get(place, 0.0) + 1 / _RANK_WEIGHT
    beside = [s for s in rest if s not in place_of]
    others = [s for s in rest if scores.get(place_of.get(s, -1), 0.0) > 0]
    return [*beside, *sorted(others, key=lambda s: (-scores[place_of[s]], s.start_seconds))]


def rest_bins(
    rest: Sequence[Span],
    likely: Sequence[Span],
    images: int,
    phase: float,
    *,
    sent: Collection[float] = (),
) -> list[Bin]:
    """Frames of the rest: two in three of the likeliest, a scene each; the others evenly chosen from all that
    nothing speaks for, since captions may have missed it, first of those of which no frame was `sent` before. What is
    left over shows the likeliest again.
    """
    images = max(images, 1)
    known = set(likely)
    others = [span for span in rest if span not in known]
    for_likely = max(math.ceil(images * 2 / 3), images - len(others))
    counts = dict.fromkeys(likely[:for_likely], 1)
    new = [span for span in others if not any(map(span.contains, sent))]
    chosen = spread(new, images - sum(counts.values())) if new else []
    free = images - sum(counts.values()) - len(chosen)
    chosen += spread([span for span in others if span not in new], free) if free else []
    counts |= dict.fromkeys(chosen, 1)
    most = [span for span in counts if span in known] or list(counts)
    while (spare := images - sum(counts.values())) > 0 and any(counts[s] < _REST_FRAMES for s in most):
        counts |= {s: counts[s] + 1 for s in [s for s in most if counts[s] < _REST_FRAMES][:spare]}
    return [
        bin_
        for span in sorted(counts, key=lambda s: s.start_seconds)
        for bin_ in even_bins(span, span, counts[span], phase)
    ]
