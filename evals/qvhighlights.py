"""QVHighlights, moments only: every time a query holds, ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.evals.charades import first_iou
from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Outcome, Question, Scores
from mrvideo.evals.moments import question_for
from mrvideo.evals.scorers import IOU_STEPS, average_precision

MAX_WINDOWS = 10
"""The official script looks at no more predictions than these."""


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
            windows=spans_of(need(row, "relevant_windows", path)),
            duration_seconds=row.get("duration"),
            source={"qid": row["qid"], "query": row["query"], "vid": row["vid"]},
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


def score(system: str, answered: Answered) -> Scores:
    """R1 against the best window, and mAP over 0.5, 0.55 … 0.95."""
    rules: dict[str, Value] = {
        "mAP": _precision(*IOU_STEPS),
        "mAP@0.5": _precision(0.5),
        "mAP@0.75": _precision(0.75),
        "R1@0.5": _recall_at(0.5),
        "R1@0.7": _recall_at(0.7),
    }
    return score_values(system, answered, rules, headline="mAP", facet_rule="mAP")


def submit(answered: Answered) -> Mapping[str, Any]:
    """`submission.jsonl`: ranked windows with falling scores. A query without an answer has none."""
    rows = [
        {
            **q.source,
            "pred_relevant_windows": [
                [s.start_seconds, s.stop_seconds, round(1 - rank / MAX_WINDOWS, 2)]
                for rank, s in enumerate(o.spans[:MAX_WINDOWS])
            ],
        }
        for q, o in answered
        if o.status != "missing"
    ]
    return {"submission.jsonl": rows}


BENCHMARK = Benchmark(
    name="qvhighlights", title="QVHighlights (moments)", load=load, score=score, submit=submit
)
