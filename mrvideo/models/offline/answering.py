"""The answer: a decision over the evidence, each claim citing the sighting or line that it rests on."""

from __future__ import annotations

import re
from dataclasses import replace

from mrvideo.models.offline.choosing import match_option, option_text, says_none
from mrvideo.models.offline.deciding import decide_or_none
from mrvideo.models.offline.kinds import Kind
from mrvideo.models.offline.questions import parse_question
from mrvideo.models.offline.timeline import Item, Timeline, timeline_of_evidence
from mrvideo.models.offline.verdicts import Decision, span_words
from mrvideo.models.offline.words import number_in, stems
from mrvideo.schemas.analysis import AnswerInputs, AnswerReply, Citation, ClaimReply

MOST_CLAIMS = 40
_WHOLE: frozenset[Kind] = frozenset(
    {"after", "before", "between", "nth", "order", "count_different", "count_times", "how_long"}
)
"""A few fresh frames do not tell what stands next to what, nor how many there are."""
_SEEN = re.compile(r"“([^”]+)”")


def answer(inputs: AnswerInputs) -> AnswerReply:
    """Found with claims, or not found. A demanded choice without support is the likeliest, never called found."""
    question = parse_question(inputs.question, inputs.options)
    timeline = timeline_of_evidence(inputs.evidence, inputs.analyses)
    timeline = _without(timeline, " ".join(inputs.learnt))
    if question.kind == "video_length" and inputs.plan.spans:
        # The plan names the video's last second. Lines may be timed beyond it, for another cut.
        timeline = replace(timeline, stop_seconds=max(span.stop_seconds for span in inputs.plan.spans))
    decision = decide_or_none(question, timeline)
    if decision is None and timeline.looks and question.kind not in _WHOLE:
        decision = decide_or_none(question, _from_looks(timeline))
        if decision:
            decision = replace(decision, confidence=min(decision.confidence, 3))
    usable = decision is not None and decision.found and (not inputs.options or decision.choice is not None)
    if decision is None or not usable or not any(i.ids for i in decision.cited):
        guess = _guess(inputs, decision, timeline) if inputs.must_choose and inputs.options else None
        reasoning = decision.reasoning if decision else "Nothing that was read or heard answers the question."
        return AnswerReply(reasoning=reasoning, found=False, answer=None, choice=guess, confidence=1)
    return AnswerReply(
        reasoning=decision.reasoning,
        found=True,
        answer=option_text(decision.answer)
        if inputs.options and decision.choice is not None
        else decision.answer,
        choice=decision.choice if inputs.options else None,
        confidence=decision.confidence,  # pyright: ignore[reportArgumentType]
        claims=_claims(decision, question.kind),
    )


def _claims(decision: Decision, kind: Kind) -> tuple[ClaimReply, ...]:
    items = [i for i in dict.fromkeys(decision.cited) if i.ids]
    claims = [_claim(item, decision, kind) for item in items[: MOST_CLAIMS - 1]]
    rest = items[MOST_CLAIMS - 1 :]
    if len(rest) == 1:
        claims.append(_claim(rest[0], decision, kind))
    elif rest:
        citations = tuple(Citation(evidence_id=i) for item in rest for i in item.ids)
        claims.append(
            ClaimReply(text=f"{len(rest)} more texts stand at the times cited.", citations=citations)
        )
    return tuple(claims)


def _claim(item: Item, decision: Decision, kind: Kind) -> ClaimReply:
    citations = tuple(Citation(evidence_id=i) for i in item.ids)
    when = span_words(item)
    if kind == "video_length" and item.channel == "picture":
        end = f"The last scene ends at {decision.answer}."
        return ClaimReply(text=end, citations=citations, check=end)
    if item.channel == "speech":
        who = f"{item.speaker} says" if item.speaker else "It is said"
        return ClaimReply(
            text=f"{who} at {when}: “{item.text}”", citations=citations, check=f"Is “{item.text}” said?"
        )
    if item.channel == "picture":
        colour = item.text.removeprefix("The picture is mostly ").rstrip(".").partition(", with ")[0]
        return ClaimReply(
            text=f"The picture is mostly {colour} at {when}.",
            citations=citations,
            check=f"Is the picture mostly {colour}?",
        )
    if item.channel == "look":
        return ClaimReply(text=item.text, citations=citations, check=item.text)
    return ClaimReply(
        text=f"The text “{item.text}” is on screen at {when}.",
        citations=citations,
        check=f"Is the text “{item.text}” on screen?",
    )


def _without(timeline: Timeline, learnt: str) -> Timeline:
    """Texts that a fresh look did not find are left out in the next round."""
    if not learnt:
        return timeline
    kept = tuple(
        i for i in timeline.screen if f"The text “{i.text}” is on screen at {span_words(i)}" not in learnt
    )
    return replace(timeline, screen=kept)


def _from_looks(timeline: Timeline) -> Timeline:
    """Texts that only fresh frames showed, as signs."""
    signs = [
        replace(item, text=text, channel="screen")
        for item in timeline.looks
        for text in _SEEN.findall(item.text)
    ]
    return replace(timeline, screen=tuple(signs))


def _guess(inputs: AnswerInputs, decision: Decision | None, timeline: Timeline) -> int:
    """What `must_choose` gets when nothing supports an option: the closest number, the most words held, else the first."""
    options = inputs.options
    count = number_in(decision.answer) if decision and not decision.found else None
    if count is not None:
        misses = [
            (abs(number - count), place)
            for place, option in enumerate(options)
            if (number := number_in(option_text(option))) is not None
        ]
        if misses:
            return min(misses)[1]
    none_of_these = next((n for n, o in enumerate(options) if says_none(o)), None)

    def held(option: str) -> float:
        wanted = stems(option_text(option))
        direct = any(match_option(i, option) for i in timeline.everything)
        share = (
            max((len(wanted & i.stems) / len(wanted) for i in timeline.everything), default=0.0)
            if wanted
            else 0.0
        )
        return 1.0 + share if direct else share

    scores = [held(option) for option in options]
    best = max(range(len(options)), key=lambda n: (scores[n], -n))
    return none_of_these if none_of_these is not None and scores[best] < 1.0 else best
