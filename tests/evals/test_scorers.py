"""The metrics against hand-worked examples, and against plain re-implementations written another way."""

import math
import statistics
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.evals import scorers
from mrvideo.evals.scorers import (
    average_precision,
    circular,
    clustered_mean,
    evidence_iou,
    evidence_recall,
    retrieval_iou,
    success_area,
)
from mrvideo.records import Span

whole_spans = st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda p: Span(p[0], p[0] + p[1]))
fine_spans = st.tuples(st.integers(0, 400), st.integers(1, 120)).map(
    lambda p: Span(p[0] / 10, (p[0] + p[1]) / 10)
)


# means with their doubt -------------------------------------------------------------------------


def test_a_clustered_error_worked_by_hand():
    # mean 1/2; residuals summed by video: +1, -1, 0; (1 + 1 + 0) / 6² × 3/2
    number = clustered_mean([1, 1, 0, 0, 1, 0], ["a", "a", "b", "b", "c", "c"])
    assert number.value == 0.5
    assert number.standard_error == pytest.approx(math.sqrt(2 / 36 * 3 / 2))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_one_question_a_video_gives_the_textbook_standard_error(values):
    number = clustered_mean(values, range(len(values)))
    assert number.value == pytest.approx(statistics.fmean(values))
    assert number.standard_error == pytest.approx(statistics.stdev(values) / math.sqrt(len(values)), abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.integers(2, 5))
def test_asking_the_same_thing_again_does_not_shrink_the_error(values, times):
    once = clustered_mean(values, range(len(values)))
    again = clustered_mean(values * times, list(range(len(values))) * times)
    assert again.value == pytest.approx(once.value)
    assert again.standard_error == pytest.approx(once.standard_error, abs=1e-9)


def test_one_video_alone_has_no_error_and_nothing_has_no_value():
    assert clustered_mean([0, 1], ["a", "a"]).standard_error is None
    empty = clustered_mean([], [])
    assert math.isnan(empty.value) and empty.count == 0


def test_strata_weigh_tasks_not_items():
    # ret: (1 + 0) / 2 over its two types, although one type has three items; cnt: 1
    paths = [("ret", "a"), ("ret", "a"), ("ret", "a"), ("ret", "b"), ("cnt", "c")]
    number = clustered_mean([1, 1, 1, 0, 1], "vwxyz", strata=paths)
    assert number.value == pytest.approx(0.75)


@given(
    st.lists(
        st.tuples(st.sampled_from("pq"), st.sampled_from("xyz"), st.floats(0, 1)), min_size=1, max_size=30
    )
)
def test_nested_means_are_means_of_means(rows):
    number = clustered_mean(
        [v for _, _, v in rows], list(range(len(rows))), strata=[(task, kind) for task, kind, _ in rows]
    )
    tasks = []
    for task in sorted({t for t, _, _ in rows}):
        kinds = sorted({k for t, k, _ in rows if t == task})
        tasks.append(
            statistics.fmean(
                statistics.fmean(v for t, k, v in rows if (t, k) == (task, kind)) for kind in kinds
            )
        )
    assert number.value == pytest.approx(statistics.fmean(tasks))


# VNBench ----------------------------------------------------------------------------------------


def test_a_needle_counts_only_when_found_under_all_four_orders():
    tries = [("a", True)] * 4 + [("b", True)] * 3 + [("b", False)] + [("c", True)] * 3
    assert circular(tries) == {"a": True, "b": False, "c": False}


# VUE-TR -----------------------------------------------------------------------------------------


def test_predictions_are_rounded_outwards_and_merged_but_the_truth_is_not():
    # [1.9, 3.2] and [3.6, 5.1] become [1, 4] and [3, 6], one span [1, 6]; shared with [2.5, 6.5]: 3.5 of 5.5
    found = retrieval_iou([Span(3.6, 5.1), Span(1.9, 3.2)], [Span(2.5, 6.5)])
    assert found == pytest.approx(3.5 / 5.5)


def test_nothing_found_where_nothing_is_counts_as_right():
    assert retrieval_iou([], []) == 1.0
    assert retrieval_iou([Span(0, 1)], []) == 0.0
    assert retrieval_iou([], [Span(0, 1)]) == 0.0


@given(st.lists(whole_spans, max_size=5), st.lists(whole_spans, max_size=1))
def test_on_whole_seconds_and_one_truth_the_iou_is_that_of_the_seconds(predicted, truth):
    ours = {s for span in predicted for s in range(int(span.start_seconds), int(span.stop_seconds))}
    theirs = {s for span in truth for s in range(int(span.start_seconds), int(span.stop_seconds))}
    expected = 1.0 if not ours and not theirs else len(ours & theirs) / len(ours | theirs)
    assert retrieval_iou(predicted, truth) == pytest.approx(expected)


@pytest.mark.slow
@given(st.lists(st.fractions(0, 1, max_denominator=500), min_size=1, max_size=20))
def test_the_mean_of_areas_is_the_area_under_the_mean(ious):
    thresholds = [Fraction(step, 100) for step in range(101)]
    success = [sum(iou > t for iou in ious) / len(ious) for t in thresholds]
    area = sum((a + b) / 2 for a, b in pairwise(success)) / 100
    assert statistics.fmean(success_area(float(iou)) for iou in ious) == pytest.approx(area)


def test_a_perfect_query_misses_the_last_half_step():
    # IoU > 1 never holds, so the last trapezoid is halved: the best score is 99.5 %.
    assert success_area(1.0) == pytest.approx(0.995)
    assert success_area(0.0) == 0.0


# QVHighlights -----------------------------------------------------------------------------------


def test_average_precision_worked_by_hand():
    truth = [Span(0, 10), Span(20, 30)]
    ranked = [Span(0, 10), Span(50, 60), Span(20, 29)]
    # hits at ranks 1 and 3: precisions 1 and 2/3, each worth half the recall
    assert average_precision(ranked, truth, 0.5) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(ranked, truth, 0.95) == pytest.approx(0.5)


def test_the_same_truth_is_not_found_twice():
    assert average_precision([Span(0, 10), Span(0, 10)], [Span(0, 10), Span(20, 30)], 0.5) == pytest.approx(
        0.5
    )


def _reference_ap(predicted, truth, threshold):
    """By the precision-recall curve, point by point, with the curve closed at both ends."""
    taken, marks = set(), []
    for span in predicted:
        for i in sorted(range(len(truth)), key=lambda i: (-span.intersection_over_union(truth[i]), i)):
            if span.intersection_over_union(truth[i]) < threshold:
                marks.append(0)
                break
            if i not in taken:
                taken.add(i)
                marks.append(1)
                break
        else:
            marks.append(0)
    recall = [0.0, *(sum(marks[:n]) / len(truth) for n in range(1, len(marks) + 1)), 1.0]
    precision = [0.0, *(sum(marks[:n]) / n for n in range(1, len(marks) + 1)), 0.0]
    return sum(
        (recall[i] - recall[i - 1]) * max(precision[i:])
        for i in range(1, len(recall))
        if recall[i] != recall[i - 1]
    )


@given(
    st.lists(whole_spans, max_size=8),
    st.lists(whole_spans, min_size=1, max_size=4),
    st.sampled_from(scorers.IOU_STEPS),
)
def test_average_precision_agrees_with_the_curve(predicted, truth, threshold):
    assert average_precision(predicted, truth, threshold) == pytest.approx(
        _reference_ap(predicted, truth, threshold)
    )


# evidence ---------------------------------------------------------------------------------------


def test_evidence_recall_allows_a_second_either_side():
    truth = [Span(10, 12), Span(100, 102)]
    assert evidence_recall([Span(12.9, 15)], truth) == 0.5
    assert evidence_recall([Span(13.5, 15)], truth) == 0.0
    assert evidence_recall([Span(12.9, 15), Span(90, 110)], truth) == 1.0


@given(st.lists(fine_spans, max_size=5), st.lists(fine_spans, max_size=5))
def test_evidence_iou_is_that_of_the_tenths_of_seconds(cited, truth):
    def tenths(spans):
        return {t for s in spans for t in range(round(s.start_seconds * 10), round(s.stop_seconds * 10))}

    ours, theirs = tenths(cited), tenths(truth)
    expected = len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0
    assert evidence_iou(cited, truth) == pytest.approx(expected)
