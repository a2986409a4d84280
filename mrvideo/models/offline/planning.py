"""Stage B up to the plan: what each segment holds on the question, and where to look again."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.choosing import match_option, option_text, sequences
from mrvideo.models.offline.deciding import decide_or_none
from mrvideo.models.offline.forms import shows
from mrvideo.models.offline.questions import Question, parse_question
from mrvideo.models.offline.timeline import (
    Item,
    Timeline,
    holding,
    timeline_of_analyses,
    timeline_of_segment,
)
from mrvideo.models.offline.words import stems
from mrvideo.records import Confidence, Span, merge_spans
from mrvideo.schemas.analysis import (
    Finding,
    GlobalIntentionInputs,
    GlobalIntentionReply,
    GoalsInputs,
    GoalsReply,
    KeyCharacter,
    ReduceIntentionsInputs,
    ReduceIntentionsReply,
    SegmentIntentionInputs,
    SegmentIntentionReply,
    SpanReply,
)

_ALL_SIGNS = frozenset(
    {
        "order",
        "count_different",
        "nth",
        "after",
        "before",
        "between",
        "during",
        "read",
        "precedes",
        "open",
        "who",
        "when",
        "exists",
        "how_long",
        "count_times",
        "at_time",
    }
)
_ALL_LINES = frozenset({"after", "before", "between", "during", "nth", "who"})
MOST_LOOKS = 4
_RELEVANT = 0.3


def segment_intention(inputs: SegmentIntentionInputs) -> SegmentIntentionReply:
    """Everything in the segment that an answer could hang on, with the parts that name it outright as spans."""
    question = parse_question(inputs.question, inputs.options)
    timeline = timeline_of_segment(inputs)
    strong, weak = bearing(question, timeline)
    learnt = " ".join(inputs.learnt)
    found = sorted(
        {id(i): i for i in (*strong, *weak)}.values(), key=lambda i: (i.start_seconds, i.stop_seconds)
    )
    found = [i for i in found if f"“{i.text}”" not in learnt]
    spans = merge_spans([Span(i.start_seconds, i.stop_seconds) for i in strong])[:32]
    confidence: Confidence = 5 if strong else 3 if found else 4
    return SegmentIntentionReply(
        reasoning=f"{len(strong)} texts or lines name what is asked for, {len(found) - len(strong)} more may bear on it.",
        spans=tuple(_clamped(s, inputs.span) for s in spans),
        findings=tuple(_finding(i, inputs.span) for i in found if _overlaps(i, inputs.span)),
        confidence=confidence,
        characters=tuple(
            KeyCharacter(word=i.text, entity=i.speaker) for i in found if i.channel == "speech" and i.speaker
        ),
    )


def bearing(question: Question, timeline: Timeline) -> tuple[list[Item], list[Item]]:
    """Items that name a target or an option, and items that an answer may need beside them."""
    phrases = [*question.targets, *_option_parts(question)]
    strong = [i for i in timeline.everything if any(_holds(i, p) for p in phrases)]
    strong += [i for i in timeline.everything if any(match_option(i, o) for o in question.options)]
    weak = [i for i in timeline.everything if _related(question, timeline, i)]
    if question.kind in _ALL_SIGNS:
        weak += timeline.screen
    if question.kind in _ALL_LINES and question.where != "screen":
        weak += timeline.speech
    if question.start_seconds is not None:
        weak += _around(question, timeline)
    if question.kind == "video_length":
        weak += timeline.pictures[-1:]
    if question.kind == "colour":
        weak += timeline.pictures
    return strong, weak


def _holds(item: Item, phrase: str) -> bool:
    if holding([item], phrase):
        return True
    wanted = stems(phrase)
    return len(wanted) >= 2 and 2 * len(wanted & item.stems) > len(wanted)


def _option_parts(question: Question) -> list[str]:
    rows = sequences(question.options) if question.options and question.kind == "order" else None
    return [part for row in rows or [] for part in row]


def _related(question: Question, timeline: Timeline, item: Item) -> bool:
    if question.form and shows(item.text, question.form):
        return True
    if question.content and timeline.relevance(question, item) >= _RELEVANT:
        return True
    if (
        question.targets
        and any(stems(target) & item.stems for target in question.targets)
        and item.channel == "speech"
    ):
        return True
    wanted = frozenset(s for option in question.options for s in stems(option_text(option)))
    return item.channel == "speech" and bool(wanted & item.stems)


def _around(question: Question, timeline: Timeline) -> list[Item]:
    """What stands or is said at the time that the question names; at an end of the video, whatever lies nearest to it."""
    low = question.start_seconds or 0.0
    if low < 0:
        return [i for i in timeline.everything if i.stop_seconds >= timeline.stop_seconds + low]
    high = question.stop_seconds if question.stop_seconds is not None else low
    near = [
        i
        for i in (*timeline.everything, *timeline.pictures)
        if i.start_seconds <= high + 1.0 and i.stop_seconds >= low - 1.0
    ]
    after = [i for i in timeline.everything if i.start_seconds >= low][:3]
    before = [i for i in timeline.everything if i.start_seconds < low][-3:]
    return [*near, *after, *before] if question.kind in ("after", "before") else near


def reduce_intentions(inputs: ReduceIntentionsInputs) -> ReduceIntentionsReply:
    """All findings, unchanged: nothing is summed up that could be counted later."""
    analyses = inputs.analyses
    spans = merge_spans([s.span for a in analyses for s in a.spans])[:32]
    return ReduceIntentionsReply(
        reasoning=" ".join(a.reasoning for a in analyses)[:2000] or "Nothing bears on it.",
        spans=tuple(_clamped(s, inputs.span) for s in spans),
        findings=tuple(f for a in analyses for f in a.findings),
        confidence=max((a.confidence for a in analyses), default=1),  # pyright: ignore[reportArgumentType]
        characters=tuple(dict.fromkeys(c for a in analyses for c in a.characters)),
    )


def global_intention(inputs: GlobalIntentionInputs) -> GlobalIntentionReply:
    """Decide provisionally; look again where that decision rests on a text on screen."""
    question = parse_question(inputs.question, inputs.options)
    decision = decide_or_none(question, timeline_of_analyses(inputs.analyses))
    cited: Sequence[Item] = decision.cited if decision else ()
    if question.kind == "video_length":
        end = Item(max(inputs.span.stop_seconds - 1.0, 0.0), inputs.span.stop_seconds, "", "picture")
        cited = (end,)
    seen = [i for i in cited if i.channel != "speech"] or list(cited[:1])
    spans = merge_spans([Span(i.start_seconds, i.stop_seconds) for i in seen])
    combine = {"order": "order", "precedes": "order", "count_times": "sum", "count_different": "sum"}
    return GlobalIntentionReply(
        reasoning=decision.reasoning if decision else "Nothing that was read or heard answers it.",
        combine=combine.get(question.kind, "select"),  # pyright: ignore[reportArgumentType]
        scope="local" if cited else "global",
        spans=tuple(_clamped(s, inputs.span) for s in spans[:MOST_LOOKS]),
        characters=tuple(dict.fromkeys(c for a in inputs.analyses for c in a.characters))[:20],
    )


def goals(inputs: GoalsInputs) -> GoalsReply:
    """The question itself: it is read the same way everywhere."""
    return GoalsReply(
        local_question=f"Which texts on screen bear on this: {inputs.question}",
        global_question=f"Which texts on screen, in which order, bear on this: {inputs.question}",
    )


def _finding(item: Item, bound: Span) -> Finding:
    span = _clamped(Span(item.start_seconds, item.stop_seconds), bound)
    source = "cue" if item.channel == "speech" else "caption"
    return Finding(
        start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, source=source, quote=item.text
    )


def _overlaps(item: Item, bound: Span) -> bool:
    return item.start_seconds <= bound.stop_seconds and item.stop_seconds >= bound.start_seconds


def _clamped(span: Span, bound: Span) -> SpanReply:
    start = min(max(span.start_seconds, bound.start_seconds), bound.stop_seconds)
    stop = min(max(span.stop_seconds, start), bound.stop_seconds)
    return SpanReply(start_seconds=start, stop_seconds=stop)
