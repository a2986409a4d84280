"""From answers to outcomes: times are read, and nothing becomes a guess."""

import pytest

from mrvideo.evals.items import Question
from mrvideo.evals.moments import cited_spans, spans_in_text
from mrvideo.evals.outcomes import outcome_of
from mrvideo.records import Answer, Claim, Evidence, Span


def answer(text, *spans, choice=None, cited=None):
    evidence = tuple(
        Evidence(id=f"e{i}", start_seconds=a, stop_seconds=b, source="frame", quote="x")
        for i, (a, b) in enumerate(spans)
    )
    ids = [e.id for e in evidence] if cited is None else cited
    return Answer(
        question="q",
        options=("a", "b") if choice is not None else (),
        answer=text,
        choice=choice,
        confidence=3,
        verified=False,
        claims=tuple(Claim(text="x", evidence_ids=(i,)) for i in ids),
        evidence=evidence,
        video="v",
        video_digest="d",
    )


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("From 1:05 to 1:12, and again 0:02:00–0:02:03.5.", [(65, 72), (120, 123.5)]),
        ("12.5 s to 20 s", [(12.5, 20)]),
        ("[[3.0, 7.5], [10, 11]]", [(3, 7.5), (10, 11)]),
        ("between 30 and 40 people", []),
        ("It never happens.", []),
        ("20 to 10", []),
    ],
)
def test_times_are_read_from_an_answers_words(text, spans):
    assert [(s.start_seconds, s.stop_seconds) for s in spans_in_text(text)] == spans


def test_evidence_is_ranked_by_claim_and_merged_where_it_touches():
    made = answer("yes", (50, 60), (10, 20), (20, 25), cited=["e1", "e0", "e2"])
    assert cited_spans(made) == (Span(10, 25), Span(50, 60))


def test_evidence_that_no_claim_cites_does_not_count():
    assert cited_spans(answer("yes", (1, 2), (5, 6), cited=["e1"])) == (Span(5, 6),)


def moment(**changes):
    fields = {"id": "1", "kind": "moments", "video": "v", "path": "v.mp4", "text": "when?"}
    return Question(**{**fields, **changes})


@pytest.mark.parametrize(
    ("asked", "made", "status"),
    [
        (moment(), answer("from 0:01 to 0:02"), "answered"),
        (moment(), answer("in the kitchen", (3, 4)), "answered"),
        (moment(), answer("in the kitchen"), "unparsed"),
        (moment(), answer(None), "not_found"),
        (moment(kind="choice", options=("a", "b"), right=0), answer("b", choice=1), "answered"),
        (moment(kind="choice", options=("a", "b"), right=0), answer("maybe b"), "unparsed"),
        (moment(kind="absent"), answer(None), "not_found"),
        (moment(kind="absent"), answer("Mango", (1, 2)), "answered"),
    ],
)
def test_how_an_answer_counts(asked, made, status):
    assert outcome_of(asked, "s", made, seconds=1.0).status == status
