"""Stage B: segments hand on all that was read and heard, the plan and the answer decide over it, looks and
checks read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from mrvideo.models.base import Picture as Labelled
from mrvideo.models.offline import wording as say
from mrvideo.models.offline.decision import (
    UNFOUND,
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
from mrvideo.models.offline.timeline import Item, Timeline, items_of, seen_on_looks, timeline_of
from mrvideo.records import Source, Span, merge_spans
from mrvideo.schemas import analysis as of
from mrvideo.schemas.shared import CueLine
from mrvideo.text import holds, skeleton, squeezed, tokens

MOST_LOOKS, MOST_READ, MOST_OBSERVATIONS, MOST_CLAIMS = 4, 3, 40, 40
_Verdict: TypeAlias = Literal["yes", "no", "unclear"]
_Timed: TypeAlias = of.SceneLine | of.SightingLine | CueLine | Span

LAST_FRAME_SECONDS = 0.6
"""Another look samples other frames: the last of each lie this close."""


def decide(question: Question, timeline: Timeline) -> Decision:
    """The answer that the timeline supports; `UNFOUND` where it supports none."""
    for skill in SKILLS:
        if decision := skill(question, timeline):
            return choose(question, decision)
    return retrieve(question, timeline) or UNFOUND


# Segments, plan --------------------------------------------------------------------------------------


def segment_intention(inputs: of.SegmentIntentionInputs) -> of.SegmentIntentionReply:
    """Everything that was read and heard: what is left out here could not be counted, ordered or called
    absent later. Who speaks is told apart, as `characters`: a quote holds no more than its source does.
    """
    colours = [(scene, say.picture_sentence_of(scene.caption)) for scene in inputs.scenes]
    told: list[tuple[_Timed, Source, str]] = [
        *((sign, "caption", sign.text) for scene in inputs.scenes for sign in scene.screen_text),
        *((scene, "caption", sentence) for scene, sentence in colours if sentence),
        *((cue, "cue", cue.text) for cue in inputs.cues),
    ]
    findings = tuple(
        of.Finding(**_clamped(line, inputs.span), source=source, quote=quote)
        for line, source, quote in told
        if tokens(quote)
    )
    speakers = {_key(cue.start_seconds, cue.text): cue.speaker for cue in inputs.cues if tokens(cue.text)}
    return of.SegmentIntentionReply(
        reasoning=f"{len(findings)} texts, lines and pictures.",
        findings=findings,
        confidence=4,
        characters=tuple(of.KeyCharacter(word=key, entity=who) for key, who in speakers.items() if who),
    )


def whole_intention(inputs: of.WholeIntentionInputs) -> of.WholeIntentionReply:
    """Everything that was read and heard, and the plan made from it."""
    read = dict(segment_intention(inputs))
    analysis = of.Analysis(span=inputs.span, **read)
    plan = global_intention(of.GlobalIntentionInputs(**dict(inputs), analyses=(analysis,)))
    return of.WholeIntentionReply(**read | dict(plan))


def reduce_intentions(inputs: of.ReduceIntentionsInputs) -> of.ReduceIntentionsReply:
    """All findings, unchanged: nothing is summed up that could be counted later."""
    return of.ReduceIntentionsReply(
        reasoning=" ".join(a.reasoning for a in inputs.analyses)[:2000] or "Nothing was read or heard.",
        findings=tuple(f for a in inputs.analyses for f in a.findings),
        confidence=4,
        characters=_characters(inputs.analyses),
    )


def global_intention(inputs: of.GlobalIntentionInputs) -> of.GlobalIntentionReply:
    """Decide provisionally; look again where that decision rests on a text on screen."""
    question = parse(inputs.question, inputs.options)
    characters = _characters(inputs.analyses)
    speakers = {each.word: each.entity for each in characters}
    lines = [
        of.EvidenceLine(id="", **dict(f), speaker=speakers.get(_key(f.start_seconds, f.quote)))
        for analysis in inputs.analyses
        for f in analysis.findings
    ]
    decision = decide(question, _timeline(question, lines, inputs, inputs.span.stop_seconds))
    cited: Sequence[Item] = decision.cited if decision.found else ()
    if _asks_length(question):
        stop = inputs.span.stop_seconds
        cited = (Item(max(stop - 1.0, 0.0), stop, "", "picture"),)
    seen = [i for i in cited if i.kind != "speech"] or list(cited[:1])
    return of.GlobalIntentionReply(
        reasoning=decision.reasoning,
        combine="merge",
        # All of the video was read before: one look across it is enough where nothing was found.
        scope="local",
        characters=characters,
        spans=tuple(
            of.SpanReply(**_clamped(span, inputs.span))
            for span in merge_spans([i.span for i in seen])[:MOST_LOOKS]
        ),
    )


def goals(inputs: of.GoalsInputs) -> of.GoalsReply:
    """The question itself: it is read the same way everywhere."""
    return of.GoalsReply(local_question=inputs.question, global_question=inputs.question)


def _asks_length(question: Question) -> bool:
    return question.asks == "how_long" and question.has("whole")


def _characters(analyses: Sequence[of.Analysis]) -> tuple[of.KeyCharacter, ...]:
    return tuple(dict.fromkeys(each for analysis in analyses for each in analysis.characters))


def _key(start_seconds: float, text: str) -> str:
    return f"{start_seconds:.2f} {squeezed(text)}"


def _clamped(line: _Timed, bound: Span) -> dict[str, float]:
    start = min(max(line.start_seconds, bound.start_seconds), bound.stop_seconds)
    return {"start_seconds": start, "stop_seconds": min(max(line.stop_seconds, start), bound.stop_seconds)}


def _timeline(
    question: Question,
    lines: Sequence[of.EvidenceLine],
    inputs: of.GlobalIntentionInputs | of.AnswerInputs,
    stop_seconds: float,
) -> Timeline:
    items = [
        item
        for line in lines
        for item in items_of(
            line.start_seconds,
            line.stop_seconds,
            line.source,
            line.quote,
            line.speaker,
            (line.id,) if line.id else (),
        )
    ]
    return timeline_of(
        items,
        question.language,
        stop_seconds=stop_seconds,
        shots=inputs.shot_starts,
        scenes=inputs.scene_count,
    )


# Answer ----------------------------------------------------------------------------------------------


def answer(inputs: of.AnswerInputs) -> of.AnswerReply:
    """Found with claims, or not found. A demanded choice without support is the likeliest, never called
    found.
    """
    question = parse(inputs.question, inputs.options)
    stop = max((s.stop_seconds for s in inputs.plan.spans), default=0.0)
    timeline = _timeline(question, inputs.evidence, inputs, stop)
    if learnt := " ".join(inputs.learnt):
        # Texts that a fresh look did not find.
        kept = tuple(i for i in timeline.screen if _worded(i)[0].rstrip(".") not in learnt)
        timeline = replace(timeline, screen=kept)
    decision = decide(question, timeline)
    if decision is UNFOUND and timeline.looks:
        # Between two fresh frames there may be anything: they tell what is there, not what stands beside it.
        seen = decide(question, seen_on_looks(timeline))
        decision = UNFOUND if seen.whole else replace(seen, confidence=min(seen.confidence, 3))
    if not decision.found or not any(i.ids for i in decision.cited):
        guess = _guess(question, decision, timeline) if inputs.must_choose and inputs.options else None
        return of.AnswerReply(
            reasoning="Not found in what was read and heard.",
            found=False,
            choice=guess,
            confidence=1,
        )
    return of.AnswerReply(
        reasoning=decision.reasoning,
        found=True,
        answer=option_text(decision.answer) if inputs.options else decision.answer,
        choice=decision.choice if inputs.options else None,
        confidence=decision.confidence,
        claims=_claims(decision),
    )


def _claims(decision: Decision) -> tuple[of.ClaimReply, ...]:
    items = [i for i in dict.fromkeys(decision.cited) if i.ids]
    most = MOST_CLAIMS if len(items) <= MOST_CLAIMS else MOST_CLAIMS - 1
    claims: list[of.ClaimReply] = []
    for item in items[:most]:
        text, check = _worded(item, decision.value)
        claims.append(of.ClaimReply(text=text, citations=_citations([item]), check=check))
    if rest := items[most:]:
        text = f"{len(rest)} more texts stand at the times cited."
        claims.append(of.ClaimReply(text=text, citations=_citations(rest)))
    return tuple(claims)


def _citations(items: Sequence[Item]) -> tuple[of.Citation, ...]:
    return tuple(of.Citation(evidence_id=each) for item in items for each in item.ids)


def _worded(item: Item, value: float | bool | None = None) -> tuple[str, str]:
    """What an item claims, and the question that checks it."""
    match item.kind:
        case "speech":
            return say.claim_said(item.text, item.speaker, item.span)
        case "picture":
            return say.claim_of_colour(say.main_colour(item.text), item.span)
        case "end":
            return say.claim_of_end(value or item.stop_seconds)
        case "look":
            return item.text, item.text
        case "screen":
            return say.claim_on_screen(item.text, item.span)


def _guess(question: Question, decision: Decision, timeline: Timeline) -> int:
    """What `must_choose` gets when nothing supports an option: the closest number, the most words held, else
    the first.
    """
    if isinstance(decision.value, float):
        number = choose_number(question, decision.value, slack=float("inf"))
        if number is not None:
            return number
    scores = [
        max((held_share(question, o, i, timeline) for i in timeline.everything), default=0.0)
        for o in question.options
    ]
    best = max(range(len(scores)), key=lambda n: (scores[n], -n))
    none_of_these = next((n for n, o in enumerate(question.options) if says_none(o)), None)
    return none_of_these if none_of_these is not None and scores[best] < 1.0 else best


# Fresh frames ----------------------------------------------------------------------------------------


def look(inputs: of.LookInputs, pictures: Sequence[Labelled]) -> of.LookReply:
    """The texts of a few frames; of the whole video's length, where the last frame lies."""
    found: dict[str, float] = {}
    if _asks_length(parse(inputs.question, inputs.options)) and pictures:
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
    found = (_check(inputs, statement, pictures) for statement in inputs.statements)
    checks = (
        of.CheckReply(number=number, verdict=verdict, seen=seen)
        for number, (verdict, seen) in enumerate(found, start=1)
    )
    return of.VerifyReply(checks=tuple(checks))


def _check(
    inputs: of.VerifyInputs, statement: of.Statement, pictures: Sequence[Labelled]
) -> tuple[_Verdict, str]:
    """The verdict on one statement, and what was read."""
    about, quotes = say.check_of(statement.text)
    if about == "speech":
        # Cues around are shown, too.
        spans = [(cue, Span(cue.start_seconds, cue.stop_seconds)) for cue in inputs.cues]
        own = [c for c, at in spans if not statement.spans or any(at.overlaps(s) for s in statement.spans)]
        heard = " ".join(cue.text for cue in own)
        told = all(_reads([heard], quote) for quote in quotes)
        return "yes" if told else "no" if own else "unclear", heard[:300]
    if about == "other" or not pictures:
        return "unclear", "Only texts and speech can be checked here."
    if about == "end":
        last = max(picture.time_seconds for picture in pictures)
        return "yes" if abs(last - float(quotes[0])) <= LAST_FRAME_SECONDS else "unclear", say.last_frame(
            last
        )
    if about == "colour":
        names = dominant_colours([Picture.of(picture) for picture in pictures])
        return "yes" if quotes[0] in names else "no", ", ".join(names)
    read: list[str] = []
    for picture in _from_the_middle(pictures):
        lines = [line.text for line in read_picture(picture.jpeg) if line.text]
        if all(_reads(lines, quote) for quote in quotes):
            return "yes", f"At {picture.time_seconds:.2f} s: {say.quoted(lines)}"
        read += lines
    return "no", say.quoted(list(dict.fromkeys(read))[:8]) or "no text"


def _reads(lines: Sequence[str], quote: str) -> bool:
    """Whether a line, or all of them together, hold the quote, or most of its words."""
    whole = " ".join(lines)
    read, words = skeleton(whole), [skeleton(word) for word in tokens(quote)]
    spread = len(words) > 1 and sum(word in read for word in words) >= 0.8 * len(words)
    return spread or any(holds(line, quote) >= 0.85 for line in (*lines, whole))


def _best_read(pictures: Sequence[Labelled]) -> list[tuple[Line, float]]:
    """The lines of the first picture that shows any, each with its time; where one is read with doubt, as it
    is read best on others.

    Of readings that stand in one place and resemble each other the surest is the text: letters that move, or
    stand in two close rows, are misread on some pictures and not on all.
    """
    first = (_read_lines(picture) for picture in _from_the_middle(pictures)[:MOST_READ])
    lines = next((lines for lines in first if lines), list[tuple[Line, float]]())
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


def _from_the_middle(pictures: Sequence[Labelled]) -> list[Labelled]:
    """The middle one first: at a span's ends a text may just be coming or going."""
    middle = (len(pictures) - 1) / 2
    return sorted(pictures, key=lambda p: abs(pictures.index(p) - middle))
