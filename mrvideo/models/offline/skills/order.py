"""In which order do they come; which comes first; does one come before the other?"""

from __future__ import annotations

import re

from mrvideo.models.offline.decision import Decision, choose_order, span_words, texts_of
from mrvideo.models.offline.question import Question, Run
from mrvideo.models.offline.skills.base import Match, find
from mrvideo.models.offline.timeline import Item, Timeline, distinct

EXAMPLES = (
    ("In what order do STOP GOLF, STOP BRAVO and STOP LIMA appear?", "STOP BRAVO, STOP GOLF, STOP LIMA"),
    ("Which comes first, the river or the cat?", "river"),
    ("What is shown last, STOP GOLF or STOP BRAVO?", "STOP GOLF"),
    ("Does STOP GOLF appear before STOP BRAVO?", "No"),
    ("Does STOP GOLF come before or after STOP BRAVO?", "after"),
    ("Which comes first, the river or the elephant?", None),
    ("Was kommt zuerst, STOP GOLF oder STOP BRAVO?", "STOP BRAVO"),
)


def match(question: Question) -> Match | None:
    """An order is asked for, one of two, or whether one is before the other."""
    runs = _listed(question.runs())
    anchors = tuple(run.text for run in runs)
    link = question.relation
    if question.has("order") and question.asks in ("what", "other", "yes_no"):
        return Match(question, question.channel, anchors if len(anchors) > 1 else (), 0, "order", whole=True)
    if abs(question.ordinal) == 1 and question.has("or") and len(anchors) > 1 and not link:
        return Match(question, question.channel, anchors, question.ordinal, "nth", whole=True)
    before = link is not None and {"before", "after"} & set(link.concepts)
    if question.asks == "yes_no" and before and len(anchors) == 2 and link:
        either = question.has("or")
        relation = "either" if either else "before" if "before" in link.concepts else "after"
        return Match(question, question.channel, anchors, 0, relation, whole=True)
    return None


def _listed(runs: tuple[Run, ...]) -> list[Run]:
    """`The towns Ostwick, Lowmoor and Bramford`: what the first one is called is none of them."""
    if len(runs) > 1 and not runs[0].quoted:
        first = (
            r"^(?:[A-Z]?[a-z]+ ){1,4}(?=[A-Z\d])" if runs[0].start == 0 else r"^(?:[a-z]+ ){1,4}(?=[A-Z\d])"
        )
        bare = re.sub(first, "", runs[0].text)
        return [Run(runs[0].start, runs[0].stop, bare, quoted=False), *runs[1:]]
    return list(runs)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """All of them must be found; sorted by where each comes first."""
    question = match.question
    if match.relation == "order" and question.options:
        of = timeline.of(match.channel)
        held = [i for i in of if question.content and question.content <= timeline.stems(i)]
        pools = (held, of, timeline.everything)
        return next((d for pool in pools if pool and (d := choose_order(question, pool))), None)
    if not match.anchors:
        return _all_of_a_kind(match, timeline)
    found = [_found(timeline, anchor, match) for anchor in match.anchors]
    if not all(found):
        return None
    last = match.ordinal < 0
    at = [items[-1 if last else 0] for items in found]
    rows = sorted(zip(match.anchors, at, strict=True), key=lambda row: row[1].start_seconds)
    cited = tuple(item for _, item in rows)
    if len(set(cited)) < len(cited):
        return None
    reason = "All were found; sorted by time."
    if match.relation == "order":
        return Decision(", ".join(anchor for anchor, _ in rows), 5, cited, reason)
    if match.relation == "nth":
        return Decision(rows[-1 if last else 0][0], 4, cited, reason)
    earlier = rows[0][0] == match.anchors[0]
    yes = earlier == (match.relation == "before")
    words = question.language.answers
    told = ", ".join(f"“{item.text}” {span_words(item.span)}" for item in at)
    if match.relation == "either":
        return Decision(f"{words['before' if earlier else 'after']}: {told}", 5, cited, reason)
    return Decision(f"{words['yes' if yes else 'no']}: {told}", 5, cited, reason, yes)


def _found(timeline: Timeline, anchor: str, match: Match) -> list[Item]:
    """On the channel that is asked for; where none is, or it is not there, wherever it comes first."""
    found = find(timeline, anchor, match.channel) if match.channel != "any" else ()
    anywhere = (item for channel in ("screen", "speech") for item in find(timeline, anchor, channel))
    return list(found) or sorted(anywhere, key=lambda item: item.start_seconds)


def _all_of_a_kind(match: Match, timeline: Timeline) -> Decision | None:
    pool = [i for i in timeline.signs if match.question.content <= timeline.stems(i)]
    if match.channel == "speech" or not pool or not match.question.content:
        return None
    firsts = [group[0] for group in distinct(pool)]
    return Decision(texts_of(firsts), 4, tuple(firsts), "All texts read, by first appearance.")
