"""Stage B: segments hand on all that was read and heard, the plan and the answer decide over it, looks and
checks read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from mrvideo.models.base import Picture as Labelled
from mrvideo.models.offline import wording as say
from mrvideo.models.offline.decision import (
    Decision,
    choose,
    choose_number,
    held_share,
    option_text,
    says_none,
)
from mrvideo.models.offline.question import Question, parse
from mrvideo.models.offline.reading.clips import CERTAIN_SCORE, better_of
from mrvideo.models.offline.reading.colours import dominant_colours
from mrvideo.models.offline.reading.engine import Line, glance, read_picture
from mrvideo.models.offline.reading.pictures import Picture, pixels_of
from mrvideo.models.offline.retrieval import retrieve
from mrvideo.models.offline.skills import SKILLS
from mrvideo.models.offline.timeline import (
    SOUND,
    Item,
    Timeline,
    is_sound,
    role_of,
    seen_on_looks,
    timeline_of,
)
from mrvideo.records import Source, Span, merge_spans
from mrvideo.schemas import analysis as of
from mrvideo.text import holds, skeleton, tokens

MOST_LOOKS, MOST_READ, MOST_OBSERVATIONS, MOST_CLAIMS = 4, 3, 40, 40
_Verdict: TypeAlias = Literal["yes", "no", "unclear"]

LAST_FRAME_SECONDS = 0.6
"""Another look samples other frames: the last of each lie this close."""


def decide(question: Question, timeline: Timeline) -> tuple[Decision | None, bool]:
    """The answer that the timeline supports, and whether it hangs on all of the video; None: not found."""
    for skill in SKILLS:
        match = skill.match(question)
        if match is None:
            continue
        decision = skill.answer(match, timeline)
        decision = choose(question, decision) if decision else None
        if decision or not match.tentative:
            return decision, match.whole
    return retrieve(question, timeline), False


# Segments, plan --------------------------------------------------------------------------------------


def segment_intention(inputs: of.SegmentIntentionInputs) -> of.SegmentIntentionReply:
    """Everything that was read and heard: what is left out here could not be counted, ordered or called
    absent later.
    """
    findings = [
        _finding(s.start_seconds, s.stop_seconds, "caption", s.text, inputs.span)
        for scene in inputs.scenes
        for s in scene.screen_text
    ]
    for scene in inputs.scenes:
        if sentence := say.picture_sentence_of(scene.caption):
            findings.append(
                _finding(scene.start_seconds, scene.stop_seconds, "caption", sentence, inputs.span)
            )
    cues = [cue for cue in inputs.cues if tokens(cue.text)]
    findings += [_finding(c.start_seconds, c.stop_seconds, "cue", c.text, inputs.span) for c in cues]
    roles = [role_of(c.start_seconds, c.text, SOUND if is_sound(c.text) else c.speaker or "") for c in cues]
    return of.SegmentIntentionReply(
        reasoning=f"{len(findings)} texts, lines and pictures.",
        findings=tuple(f for f in findings if tokens(f.quote)),
        confidence=4,
        characters=tuple(role for role in roles if role.entity),
    )


def whole_intention(inputs: of.WholeIntentionInputs) -> of.WholeIntentionReply:
    """Everything that was read and heard, and the plan made from it."""
    read = segment_intention(inputs)
    analysis = of.Analysis(span=inputs.span, **dict(read))
    plan = global_intention(
        of.GlobalIntentionInputs(
            question=inputs.question,
            options=inputs.options,
            span=inputs.span,
            analyses=(analysis,),
            shot_starts=inputs.shot_starts,
            scene_count=inputs.scene_count,
        )
    )
    return of.WholeIntentionReply(**{**dict(read), **dict(plan)})


def reduce_intentions(inputs: of.ReduceIntentionsInputs) -> of.ReduceIntentionsReply:
    """All findings, unchanged: nothing is summed up that could be counted later."""
    return of.ReduceIntentionsReply(
        reasoning=" ".join(a.reasoning for a in inputs.analyses)[:2000] or "Nothing was read or heard.",
        findings=tuple(f for a in inputs.analyses for f in a.findings),
        confidence=4,
        characters=_roles(a.characters for a in inputs.analyses),
    )


def global_intention(inputs: of.GlobalIntentionInputs) -> of.GlobalIntentionReply:
    """Decide provisionally; look again where that decision rests on a text on screen."""
    question = parse(inputs.question, inputs.options)
    findings = [f for a in inputs.analyses for f in a.findings]
    roles = _roles(a.characters for a in inputs.analyses)
    timeline = timeline_of(
        findings,
        roles,
        question.language,
        stop_seconds=inputs.span.stop_seconds,
        shots=inputs.shot_starts,
        scenes=inputs.scene_count,
    )
    decision, whole = decide(question, timeline)
    cited: Sequence[Item] = decision.cited if decision and decision.found else ()
    if question.asks == "how_long" and question.has("whole"):
        stop = inputs.span.stop_seconds
        cited = (Item(max(stop - 1.0, 0.0), stop, "", "picture"),)
    seen = [i for i in cited if i.kind != "speech"] or list(cited[:1])
    spans = merge_spans([i.span for i in seen])
    return of.GlobalIntentionReply(
        reasoning=decision.reasoning if decision else "Nothing that was read or heard answers it.",
        combine="merge" if whole else "select",
        # All of the video was read before: one look across it is enough where nothing was found.
        scope="local",
        characters=roles,
        spans=tuple(_clamped(s, inputs.span) for s in spans[:MOST_LOOKS]),
    )


def goals(inputs: of.GoalsInputs) -> of.GoalsReply:
    """The question itself: it is read the same way everywhere."""
    return of.GoalsReply(local_question=inputs.question, global_question=inputs.question)


def _roles(
    groups: Iterator[Sequence[of.KeyCharacter]] | Sequence[Sequence[of.KeyCharacter]],
) -> tuple[of.KeyCharacter, ...]:
    return tuple(dict.fromkeys(role for group in groups for role in group))


def _finding(start: float, stop: float, source: Source, text: str, bound: Span) -> of.Finding:
    span = _clamped(Span(start, max(stop, start)), bound)
    return of.Finding(
        start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, source=source, quote=text
    )  # pyright: ignore[reportArgumentType]


def _clamped(span: Span, bound: Span) -> of.SpanReply:
    start = min(max(span.start_seconds, bound.start_seconds), bound.stop_seconds)
    stop = min(max(span.stop_seconds, start), bound.stop_seconds)
    return of.SpanReply(start_seconds=start, stop_seconds=stop)


# Answer ----------------------------------------------------------------------------------------------


def answer(inputs: of.AnswerInputs) -> of.AnswerReply:
    """Found with claims, or not found. A demanded choice without support is the likeliest, never called
    found.
    """
    question = parse(inputs.question, inputs.options)
    stop = max((s.stop_seconds for s in inputs.plan.spans), default=0.0)
    # One reading is not sent again: the plan tells its roles.
    roles = _roles([inputs.plan.characters, *(a.characters for a in inputs.analyses)])
    timeline = timeline_of(
        inputs.evidence,
        roles,
        question.language,
        stop_seconds=stop,
        shots=inputs.shot_starts,
        scenes=inputs.scene_count,
    )
    timeline = _without_denied(timeline, " ".join(inputs.learnt))
    decision, whole = decide(question, timeline)
    if decision is None and timeline.looks and not whole:
        # Between two fresh frames there may be anything: they tell what is there, not what stands beside it.
        seen, whole = decide(question, seen_on_looks(timeline))
        decision = replace(seen, confidence=min(seen.confidence, 3)) if seen and not whole else None
    usable = decision is not None and decision.found and (not inputs.options or decision.choice is not None)
    if decision is None or not usable or not any(i.ids for i in decision.cited):
        guess = _guess(question, decision, timeline) if inputs.must_choose and inputs.options else None
        return of.AnswerReply(
            reasoning="Not found in what was read and heard.",
            found=False,
            answer=None,
            choice=guess,
            confidence=1,
        )
    return of.AnswerReply(
        reasoning=decision.reasoning,
        found=True,
        answer=option_text(decision.answer) if inputs.options else decision.answer,
        choice=decision.choice if inputs.options else None,
        confidence=decision.confidence,  # pyright: ignore[reportArgumentType]
        claims=_claims(decision),
    )


def _claims(decision: Decision) -> tuple[of.ClaimReply, ...]:
    items = [i for i in dict.fromkeys(decision.cited) if i.ids]
    most = MOST_CLAIMS if len(items) <= MOST_CLAIMS else MOST_CLAIMS - 1
    claims = [_claim(item, decision) for item in items[:most]]
    if rest := items[most:]:
        citations = tuple(of.Citation(evidence_id=i) for item in rest for i in item.ids)
        claims.append(
            of.ClaimReply(text=f"{len(rest)} more texts stand at the times cited.", citations=citations)
        )
    return tuple(claims)


def _claim(item: Item, decision: Decision) -> of.ClaimReply:
    text, check = _worded(item, decision.value)
    return of.ClaimReply(
        text=text, citations=tuple(of.Citation(evidence_id=i) for i in item.ids), check=check
    )


def _worded(item: Item, value: float | bool | None = None) -> tuple[str, str]:
    if item.kind == "speech":
        return say.claim_said(item.text, item.speaker, item.span)
    if item.kind == "picture":
        return say.claim_of_colour(say.main_colour(item.text), item.span)
    if item.kind == "end":
        return say.claim_of_end(value or item.stop_seconds)
    return (item.text, item.text) if item.kind == "look" else say.claim_on_screen(item.text, item.span)


def _without_denied(timeline: Timeline, learnt: str) -> Timeline:
    """Texts that a fresh look did not find are left out in the next round."""
    kept = tuple(i for i in timeline.screen if _worded(i)[0].rstrip(".") not in learnt)
    return replace(timeline, screen=kept) if learnt else timeline


def _guess(question: Question, decision: Decision | None, timeline: Timeline) -> int:
    """What `must_choose` gets when nothing supports an option: the closest number, the most words held, else
    the first.
    """
    if decision and isinstance(decision.value, float):
        number = choose_number(question, decision.value, slack=float("inf"))
        if number is not None:
            return number
    every = timeline.everything
    scores = [
        max((held_share(question, o, i, timeline) for i in every), default=0.0) for o in question.options
    ]
    best = max(range(len(scores)), key=lambda n: (scores[n], -n))
    none_of_these = next((n for n, o in enumerate(question.options) if says_none(o)), None)
    return none_of_these if none_of_these is not None and scores[best] < 1.0 else best


# Fresh frames ----------------------------------------------------------------------------------------


def look(inputs: of.LookInputs, pictures: Sequence[Labelled]) -> of.LookReply:
    """The texts of a few frames; of the whole video's length, where the last frame lies."""
    question = parse(inputs.question, inputs.options)
    found: dict[str, float] = {}
    if question.asks == "how_long" and question.has("whole") and pictures:
        time = max(picture.time_seconds for picture in pictures)
        found[say.last_frame(time)] = time
    else:
        for line, time in _best_read(pictures):
            found.setdefault(say.line_seen(line.text), time)
    seen = [of.Observation(start_seconds=time, stop_seconds=time, text=text) for text, time in found.items()]
    return of.LookReply(
        observations=tuple(seen[:MOST_OBSERVATIONS]),
        conclusion=" ".join(list(found)[:10]) or "No text on these frames.",
        confidence=4 if found else 2,
    )


def verify(inputs: of.VerifyInputs, pictures: Sequence[Labelled]) -> of.VerifyReply:
    """Yes or no where reading tells; unclear for everything that takes seeing."""
    found = [_check(inputs, statement, pictures) for statement in inputs.statements]
    checks = [
        of.CheckReply(number=number, verdict=verdict, seen=seen)
        for number, (verdict, seen) in enumerate(found, start=1)
    ]
    return of.VerifyReply(checks=tuple(checks))


def _check(
    inputs: of.VerifyInputs, statement: of.Statement, pictures: Sequence[Labelled]
) -> tuple[_Verdict, str]:
    """The verdict on one statement, and what was read."""
    check = say.check_of(statement.text)
    if check.about == "speech":
        # Cues around are shown, too.
        own = [c for c in inputs.cues if _is_about(statement, Span(c.start_seconds, c.stop_seconds))]
        heard = " ".join(cue.text for cue in own)
        told = all(holds(heard, quote) >= 0.85 or _spread(quote, heard) for quote in check.quotes)
        return "yes" if told else "no" if own else "unclear", heard[:300]
    if check.about == "other" or not pictures:
        return "unclear", "Only texts and speech can be checked here."
    if check.about == "end":
        last = max(picture.time_seconds for picture in pictures)
        same = check.seconds is not None and abs(last - check.seconds) <= LAST_FRAME_SECONDS
        return "yes" if same else "unclear", say.last_frame(last)
    if check.about == "colour":
        names = [name for name, _ in dominant_colours([Picture(p.jpeg, p.time_seconds) for p in pictures])]
        return "yes" if check.quotes[0] in names else "no", ", ".join(names)
    return _on_screen(check.quotes, pictures)


def _is_about(statement: of.Statement, span: Span) -> bool:
    return not statement.spans or any(span.overlaps(own) for own in statement.spans)


def _on_screen(quotes: Sequence[str], pictures: Sequence[Labelled]) -> tuple[_Verdict, str]:
    read: list[str] = []
    for picture in _from_the_middle(pictures):
        lines = [line.text for line in read_picture(picture.jpeg) if line.text]
        if all(
            any(holds(line, quote) >= 0.85 for line in (*lines, " ".join(lines)))
            or _spread(quote, " ".join(lines))
            for quote in quotes
        ):
            return "yes", f"At {picture.time_seconds:.2f} s: {say.quoted(lines)}"
        read += lines
    return "no", say.quoted(list(dict.fromkeys(read))[:8]) or "no text"


def _best_read(pictures: Sequence[Labelled]) -> list[tuple[Line, float]]:
    """The lines of the first picture that shows any, each with its time; where one is read with doubt, as it
    is read best on others.

    Of readings that stand in one place and resemble each other the surest is the text: letters that move, or
    stand in two close rows, are misread on some pictures and not on all.
    """
    lines: list[tuple[Line, float]] = []
    for picture in list(_from_the_middle(pictures))[:MOST_READ]:
        lines = _read_lines(picture)
        if lines:
            break
    for place in _SPREAD if len(pictures) > 1 else ():
        if all(line.score >= CERTAIN_SCORE for line, _ in lines):
            break
        again = _read_lines(pictures[int(place * (len(pictures) - 1))])
        lines = [best for line, time in lines for best in better_of(line, time, again)]
        lines = list({line: (line, time) for line, time in lines}.values())
    return sorted(lines, key=lambda found: (found[0].top, found[0].left))


_SPREAD = (0.25, 0.75, 0.1, 0.9)
"""Where further pictures are taken from, in shares of all: neighbours tend to be misread alike."""


def _read_lines(picture: Labelled) -> list[tuple[Line, float]]:
    if glance(pixels_of(picture.jpeg)) is None:
        return []
    return [(line, picture.time_seconds) for line in read_picture(picture.jpeg) if line.text]


def _spread(quote: str, text: str) -> bool:
    """Whether most of the quote's words are there, spread over lines."""
    read, words = skeleton(text), [skeleton(word) for word in tokens(quote)]
    return len(words) > 1 and sum(word in read for word in words) >= 0.8 * len(words)


def _from_the_middle(pictures: Sequence[Labelled]) -> Iterator[Labelled]:
    """The middle one first: at a span's ends a text may just be coming or going."""
    middle = (len(pictures) - 1) / 2
    yield from sorted(pictures, key=lambda p: abs(pictures.index(p) - middle))
