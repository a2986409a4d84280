"""From outcomes to scores: which items count in which number, for every benchmark alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

from mrvideo.evals.items import Answered, Kind, Number, Outcome, Question, Scores
from mrvideo.evals.matching import gives_length, gives_time, says
from mrvideo.evals.scorers import circular, clustered_mean, evidence_iou, evidence_recall

Value: TypeAlias = Callable[[Question, Outcome], float]
"""What one item earns, 0 to 1. Anything that was not answered earns its due by this rule too, never by a
guess.
"""

Path: TypeAlias = Callable[[Question], tuple[Hashable, ...]]


RIGHT_OR_WRONG: tuple[Kind, ...] = ("choice", "open", "absent")
"""The kinds of which an item is right or wrong; others earn by degrees, or are judged elsewhere."""

CITED_SPANS = 5
"""How many of the cited spans, best first, may bear an answer out: who cites the whole film shows nothing."""
SPAN_SLACK_SECONDS = 1.0


def is_right(question: Question, outcome: Outcome) -> bool:
    """Chosen right; said and shown right; for what is absent, nothing was claimed to be there."""
    if question.kind == "absent":
        denied = outcome.choice is None and says(outcome.answer or "", question.accepted)
        return outcome.status == "not_found" or (outcome.status == "answered" and denied)
    if question.kind == "open":
        return outcome.status == "answered" and _says_right(question, outcome) and _shows(question, outcome)
    return outcome.status == "answered" and outcome.choice is not None and outcome.choice == question.right


def _says_right(question: Question, outcome: Outcome) -> bool:
    answer = outcome.answer or ""
    if question.options:
        return outcome.choice is not None and outcome.choice == question.right
    if question.windows:
        length = question.duration_seconds
        return gives_time(answer, outcome.spans, question.windows, duration_seconds=length)
    if question.seconds is not None:
        return gives_length(answer, question.seconds)
    return says(answer, question.accepted, question.rejected)


def _shows(question: Question, outcome: Outcome) -> bool:
    """Whether the evidence lies where the answer can be read or heard; nothing to show where the truth names
    no span.
    """
    if not question.key_spans:
        return True
    cited = [span.padded(SPAN_SLACK_SECONDS) for span in outcome.spans[:CITED_SPANS]]
    return any(span.overlaps(truth) for span in cited for truth in question.key_spans)


def judged(answered: Answered) -> list[tuple[Question, Outcome]]:
    """The items whose truth is known."""
    return [(q, o) for q, o in answered if q.kind != "choice" or q.right is not None]


def score_choices(
    system: str, answered: Answered, *, strata: Path | None = None, headline: str = "accuracy"
) -> Scores:
    """Accuracy, officially (missing videos left out) and strictly (missing is wrong), with facets and
    evidence.

    With `strata` the headline is the mean of means along those paths. Items with a `circle` count once, and
    only if every try of it is right.
    """
    items = judged(answered)
    present = [(q, o) for q, o in items if o.status != "missing"]
    metrics = {
        headline: _mean(_once(present), strata),
        f"{headline}, strict": _mean(_once(items), strata),
    }
    if any(q.circle is not None for q, _ in items):
        metrics["accuracy of single tries"] = _mean([(q, float(is_right(q, o))) for q, o in present], None)
    return Scores(
        system=system,
        headline=headline,
        metrics=metrics,
        facets=_facets(_once(present)),
        evidence=score_evidence(present),
        statuses=statuses(answered),
        guessed=sum(o.guessed for _, o in answered),
    )


def score_values(
    system: str, answered: Answered, rules: dict[str, Value], *, headline: str, facet_rule: str
) -> Scores:
    """Means of several per-item rules, each officially and strictly (missing earns 0); facets by one of them."""
    items = judged(answered)
    present = [(q, o) for q, o in items if o.status != "missing"]
    metrics: dict[str, Number] = {}
    for name, rule in rules.items():
        metrics[name] = _mean([(q, rule(q, o)) for q, o in present], None)
        strictly = [(q, rule(q, o) if o.status != "missing" else 0.0) for q, o in items]
        metrics[f"{name}, strict"] = _mean(strictly, None)
    return Scores(
        system=system,
        headline=headline,
        metrics=metrics,
        facets=_facets([(q, rules[facet_rule](q, o)) for q, o in present]),
        statuses=statuses(answered),
        guessed=sum(o.guessed for _, o in answered),
    )


def statuses(answered: Answered) -> dict[str, int]:
    """How the items ended."""
    return dict(Counter(o.status for _, o in answered))


def score_evidence(present: Answered) -> dict[str, Number]:
    """Right for the right reason: what the cited spans have to do with the times that matter.

    `recall` is the share of true spans touched within 1 s; `right with recall 1` asks for the right answer
    too.
    """
    items = [(q, o) for q, o in present if q.key_spans]
    if not items:
        return {}
    recalls = [(q, evidence_recall(o.spans, q.key_spans)) for q, o in items]
    both = [
        (q, float(is_right(q, o) and recall >= 1.0))
        for (q, o), (_, recall) in zip(items, recalls, strict=True)
    ]
    return {
        "recall": _mean(recalls, None),
        "intersection over union": _mean([(q, evidence_iou(o.spans, q.key_spans)) for q, o in items], None),
        "right with recall 1": _mean(both, None),
    }


def _once(items: Sequence[tuple[Question, Outcome]]) -> list[tuple[Question, float]]:
    loose = [(q, float(is_right(q, o))) for q, o in items if q.circle is None]
    first: dict[Hashable, Question] = {}
    for question, _ in items:
        if question.circle is not None:
            first.setdefault(question.circle, question)
    rounds = circular((q.circle, is_right(q, o)) for q, o in items if q.circle is not None)
    return loose + [(first[circle], float(right)) for circle, right in rounds.items()]


def _mean(values: Sequence[tuple[Question, float]], strata: Path | None) -> Number:
    return clustered_mean(
        [value for _, value in values],
        [question.video for question, _ in values],
        strata=[strata(question) for question, _ in values] if strata is not None else None,
    )


def _facets(values: Sequence[tuple[Question, float]]) -> dict[str, dict[str, Number]]:
    held: dict[str, dict[str, list[tuple[Question, float]]]] = defaultdict(lambda: defaultdict(list))
    for question, value in values:
        for facet, names in question.facets.items():
            for name in names:
                held[facet][name].append((question, value))
    return {
        facet: {name: _mean(items, None) for name, items in sorted(groups.items())}
        for facet, groups in held.items()
    }
