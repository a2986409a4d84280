"""QVHighlights: every time a query holds, ranked, and how well each clip of 2 s shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mrvideo.evals.charades import first_iou
from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Number, Outcome, Question, Scores
from mrvideo.evals.moments import question_for, score_stretches
from mrvideo.evals.scorers import IOU_STEPS, average_precision, ranked_precision
from mrvideo.records import Span

MAX_WINDOWS = 10
"""The official script looks at no more predictions than these."""

CLIP_SECONDS = 2.0

LEVELS = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""The least score of an annotator, 0 to 4, with which a clip counts as a highlight."""

LENGTHS = {"short": (0.0, 10.0), "middle": (10.0, 30.0), "long": (30.0, 150.0)}
"""Windows longer than the first number of seconds, up to the second."""


_SALIENCY = ("relevant_clip_ids", "saliency_scores")


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`highlight_val_release.jsonl`; the test split holds no truth."""
    path = find_file(data, "highlight_val*.jsonl", "*val*.jsonl")
    videos = VideoFolder(data)
    return tuple(
        Question(
            id=str(need(row, "qid", path)),
            kind="moments",
            video=str(need(row, "vid", path)),
            path=videos.find(str(row["vid"])),
            text=question_for(str(need(row, "query", path))),
            query=str(row["query"]),
            certain=True,
            windows=spans_of(need(row, "relevant_windows", path)),
            duration_seconds=row.get("duration"),
            source={
                **{field: row[field] for field in ("qid", "query", "vid")},
                **{field: row[field] for field in _SALIENCY if row.get(field) is not None},
            },
        )
        for row in read_rows(path)
    )


def _precision(*thresholds: float) -> Value:
    def rule(question: Question, outcome: Outcome) -> float:
        ranked = outcome.spans[:MAX_WINDOWS] if outcome.status == "answered" else ()
        return math.fsum(average_precision(ranked, question.windows, t) for t in thresholds) / len(thresholds)

    return rule


def _recall_at(threshold: float) -> Value:
    return lambda question, outcome: float(first_iou(question, outcome) >= threshold)


def clip_scores(question: Question, outcome: Outcome) -> list[float]:
    """One score for each clip of 2 s, as many as the official script makes; all 0 without an answer."""
    count = int((question.duration_seconds or outcome.video_seconds or 0.0) / CLIP_SECONDS)
    if outcome.status != "answered":
        return [0.0] * count
    return score_stretches(outcome, [Span(n * CLIP_SECONDS, (n + 1) * CLIP_SECONDS) for n in range(count)])


def _highlights(question: Question, count: int, least: int) -> list[list[bool]]:
    """For each annotator, which clips are highlights."""
    source = question.source
    rated = dict(zip(source["relevant_clip_ids"], source["saliency_scores"], strict=True))
    annotators = len(next(iter(rated.values()), ()))
    return [
        [clip in rated and rated[clip][annotator] >= least for clip in range(count)]
        for annotator in range(annotators)
    ]


def _saliency_precision(least: int) -> Value:
    def rule(question: Question, outcome: Outcome) -> float:
        scores = clip_scores(question, outcome)
        if outcome.status != "answered":
            return 0.0
        each = [ranked_precision(scores, marked) for marked in _highlights(question, len(scores), least)]
        return math.fsum(each) / len(each) if each else 0.0

    return rule


def _hit(least: int) -> Value:
    def rule(question: Question, outcome: Outcome) -> float:
        scores = clip_scores(question, outcome)
        if outcome.status != "answered" or not scores:
            return 0.0
        best = scores.index(max(scores))
        return float(any(marked[best] for marked in _highlights(question, len(scores), least)))

    return rule


def _only(question: Question, shortest: float, longest: float) -> Question:
    kept = tuple(w for w in question.windows if shortest < w.duration_seconds <= longest)
    return question.model_copy(update={"windows": kept})


def score(system: str, answered: Answered) -> Scores:
    """R1 against the best window; mAP over 0.5, 0.55 … 0.95, also of windows of one length alone; and where
    the file rates clips, mAP and HIT@1 of highlights at three levels.
    """
    rules: dict[str, Value] = {
        "mAP": _precision(*IOU_STEPS),
        "mAP@0.5": _precision(0.5),
        "mAP@0.75": _precision(0.75),
        "R1@0.5": _recall_at(0.5),
        "R1@0.7": _recall_at(0.7),
    }
    scores = score_values(system, answered, rules, headline="mAP", facet_rule="mAP")
    metrics = dict(scores.metrics)
    for name, bounds in LENGTHS.items():
        # Queries without a window of that length are left out, as the official script does.
        own = [(part, o) for q, o in answered if (part := _only(q, *bounds)).windows]
        metrics |= _means(system, own, {f"mAP, {name}": _precision(*IOU_STEPS)})
    rated = [(q, o) for q, o in answered if all(q.source.get(field) for field in _SALIENCY)]
    highlights: dict[str, Value] = {}
    for level, least in LEVELS.items():
        highlights[f"highlights: mAP, {level}"] = _saliency_precision(least)
        highlights[f"highlights: HIT@1, {level}"] = _hit(least)
    metrics |= _means(system, rated, highlights)
    return scores.model_copy(update={"metrics": metrics})


def _means(
    system: str, own: Sequence[tuple[Question, Outcome]], rules: dict[str, Value]
) -> dict[str, Number]:
    if not own:
        return {}
    first = next(iter(rules))
    return score_values(system, own, rules, headline=first, facet_rule=first).metrics


def submit(answered: Answered) -> Mapping[str, Any]:
    """`submission.jsonl`: ranked windows with falling scores, and a score for each clip. A query without an answer
    has no windows.
    """
    rows = [
        {
            **{field: q.source[field] for field in ("qid", "query", "vid")},
            "pred_relevant_windows": [[s.start_seconds, s.stop_seconds, score] for s, score in _scored(o)],
            "pred_saliency_scores": [round(score, 6) for score in clip_scores(q, o)],
        }
        for q, o in answered
        if o.status != "missing"
    ]
    return {"submission.jsonl": rows}


def _scored(outcome: Outcome) -> list[tuple[Span, float]]:
    """The windows with falling scores: the official script sorts by them, and the places are the ranking."""
    kept = outcome.spans[:MAX_WINDOWS] if outcome.status == "answered" else ()
    return [(span, round(1 - rank / MAX_WINDOWS, 2)) for rank, span in enumerate(kept)]


BENCHMARK = Benchmark(name="qvhighlights", title="QVHighlights", load=load, score=score, submit=submit)
