"""The metrics themselves: plain functions from predictions and truth to numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from mrvideo.evals.items import Number
from mrvideo.records import Span, merge_spans

AUC_THRESHOLDS = 101
IOU_STEPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""0.5, 0.55 … 0.95: the thresholds that a moment's mAP averages over."""


def clustered_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    strata: Sequence[tuple[Hashable, ...]] | None = None,
) -> Number:
    """Mean of `values` with its standard error clustered; with `strata`, the mean of means along those paths.

    Strata `("ret", "ret_edit1")` give the mean over tasks of the mean over subtypes of the mean of values.
    Questions on one video are not independent: residuals are summed within a cluster before they are squared
    (the sandwich estimator, with the factor G / (G - 1) for G clusters). No error is given for one cluster.
    An empty input has the value nan.
    """
    if not values:
        return Number(value=math.nan, standard_error=None, count=0)
    paths = strata if strata is not None else [()] * len(values)
    members: dict[tuple[Hashable, ...], list[float]] = defaultdict(list)
    children: dict[tuple[Hashable, ...], set[Hashable]] = defaultdict(set)
    for value, path in zip(values, paths, strict=True):
        members[path].append(value)
        for depth, step in enumerate(path):
            children[path[:depth]].add(step)
    weights = {
        path: 1 / (len(held) * math.prod(len(children[path[:depth]]) for depth in range(len(path))))
        for path, held in members.items()
    }
    means = {path: math.fsum(held) / len(held) for path, held in members.items()}
    mean = math.fsum(weights[path] * math.fsum(held) for path, held in members.items())
    sums: dict[Hashable, float] = defaultdict(float)
    for value, path, cluster in zip(values, paths, clusters, strict=True):
        sums[cluster] += weights[path] * (value - means[path])
    count = len(sums)
    error = math.sqrt(math.fsum(s * s for s in sums.values()) * count / (count - 1)) if count > 1 else None
    return Number(value=mean, standard_error=error, count=len(values))


def circular(right: Iterable[tuple[Hashable, bool]], *, tries: int = 4) -> dict[Hashable, bool]:
    """Group → right under every order of its options. A group with fewer than `tries` tries is not right."""
    held: dict[Hashable, list[bool]] = defaultdict(list)
    for group, correct in right:
        held[group].append(correct)
    return {group: len(each) >= tries and all(each) for group, each in held.items()}


def best_iou(span: Span, truths: Sequence[Span]) -> float:
    """Overlap with the truth it fits best; 0 when there is none."""
    return max((span.intersection_over_union(truth) for truth in truths), default=0.0)


def retrieval_iou(predicted: Sequence[Span], truth: Sequence[Span]) -> float:
    """VUE-TR's IoU of two sets of spans: predictions rounded outwards to whole seconds and merged, the truth
    as it is.

    Overlaps are summed over all pairs; nothing predicted where nothing is right counts 1.
    """
    if not truth or not predicted:
        return 1.0 if not truth and not predicted else 0.0
    outwards = [Span(math.floor(s.start_seconds), math.ceil(s.stop_seconds)) for s in predicted]
    merged = merge_spans(outwards)
    shared = math.fsum(
        overlap.duration_seconds for p in merged for t in truth if (overlap := p.intersection(t)) is not None
    )
    union = math.fsum(s.duration_seconds for s in (*merged, *truth)) - shared
    return min(max(shared / union, 0.0), 1.0) if union > 0 else 0.0


def success_area(iou: float) -> float:
    """One query's share of VUE-TR's area under success(t), t = 0, 0.01 … 1, by trapezoids.

    Success is the share of queries with IoU strictly above t, so the area over all queries is the mean of
    these.
    """
    above = [float(iou > step / (AUC_THRESHOLDS - 1)) for step in range(AUC_THRESHOLDS)]
    return (math.fsum(above) - (above[0] + above[-1]) / 2) / (AUC_THRESHOLDS - 1)


def average_precision(predicted: Sequence[Span], truth: Sequence[Span], threshold: float) -> float:
    """Interpolated average precision of ranked spans (best first) at one IoU threshold.

    Each truth is found once, by the first prediction that overlaps it enough; a prediction takes the free
    truth it fits best. Precision is made non-increasing before the area is taken, as for object detection.
    """
    if not truth:
        return 0.0
    free = list(range(len(truth)))
    hits: list[bool] = []
    for span in predicted:
        fits = [(span.intersection_over_union(truth[i]), -i) for i in free]
        overlap, negative = max(fits, default=(0.0, 0))
        hit = bool(fits) and overlap >= threshold
        if hit:
            free.remove(-negative)
        hits.append(hit)
    found = 0
    precisions: list[float] = []
    for rank, hit in enumerate(hits, start=1):
        found += hit
        precisions.append(found / rank)
    area, ceiling = 0.0, 0.0
    for hit, precision in zip(reversed(hits), reversed(precisions), strict=True):
        ceiling = max(ceiling, precision)
        area += ceiling if hit else 0.0
    return area / len(truth)


def graded_precision(predicted: Sequence[Span], truth: Sequence[Span]) -> float:
    """MomentSeeker's AP as its released code has it: at each place the IoU with the one span from the first
    truth's start to the last one's stop, times the mean IoU down to there; summed, without a threshold.

    It passes 1 where several predictions overlap that span much.
    """
    if not truth:
        return 0.0
    hull = Span(min(t.start_seconds for t in truth), max(t.stop_seconds for t in truth))
    cumulated = total = 0.0
    for place, span in enumerate(predicted, start=1):
        overlap = span.intersection_over_union(hull)
        cumulated += overlap
        total += cumulated / place * overlap
    return total


def matched_precision(predicted: Sequence[Span], truth: Sequence[Span], threshold: float) -> float:
    """MomentSeeker's AP as its paper describes it: each truth is matched once, by the first prediction that
    overlaps it enough; the mean precision at the matches.
    """
    free = list(truth)
    precisions: list[float] = []
    for place, span in enumerate(predicted, start=1):
        best = max(free, key=span.intersection_over_union, default=None)
        if best is None or span.intersection_over_union(best) < threshold:
            continue
        free.remove(best)
        precisions.append((len(precisions) + 1) / place)
    return math.fsum(precisions) / len(precisions) if precisions else 0.0


def ranked_precision(scores: Sequence[float], marked: Sequence[bool]) -> float:
    """QVHighlights' average precision of scored clips against those that one annotator marked.

    The mean of the precisions at those scores, each as a threshold, where another marked clip comes in; a
    precision is the best one at that recall or a higher one. Clips of one score come in together. 0 where
    nothing is marked, 1 where everything is.
    """
    if all(marked) or not any(marked):
        return float(bool(marked) and all(marked))
    precisions: list[float] = []
    comes_in: list[bool] = []
    found = counted = 0
    for level in sorted(set(scores), reverse=True):
        own = [mark for score, mark in zip(scores, marked, strict=True) if score == level]
        found, counted = found + sum(own), counted + len(own)
        precisions.append(found / counted)
        comes_in.append(any(own))
    kept: list[float] = []
    ceiling = 0.0
    for precision, new in zip(reversed(precisions), reversed(comes_in), strict=True):
        ceiling = max(ceiling, precision)
        if new:
            kept.append(ceiling)
    return math.fsum(kept) / len(kept)


def evidence_recall(cited: Sequence[Span], truth: Sequence[Span], *, slack_seconds: float = 1.0) -> float:
    """Share of the true spans that some cited span touches within the slack. 0 when there is nothing to find."""
    if not truth:
        return 0.0
    touched = sum(any(t.overlaps(c.padded(slack_seconds)) for c in cited) for t in truth)
    return touched / len(truth)


def evidence_iou(cited: Sequence[Span], truth: Sequence[Span]) -> float:
    """Time in both over time in either, each side merged first; 0 when either is empty."""
    ours, theirs = merge_spans(list(cited)), merge_spans(list(truth))
    shared = math.fsum(
        o.duration_seconds for a in ours for b in theirs if (o := a.intersection(b)) is not None
    )
    union = math.fsum(s.duration_seconds for s in (*ours, *theirs)) - shared
    return shared / union if union > 0 else 0.0
