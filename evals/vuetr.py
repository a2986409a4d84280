"""VUE-TR: find every time a query holds, in videos of seconds to hours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Outcome, Question, Scores
from mrvideo.evals.moments import leading, question_for
from mrvideo.evals.scorers import retrieval_iou, success_area

_FACETS = ("task", "duration_category", "query_format", "query_modality")


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """The ground-truth file of either version."""
    path = find_file(data, "VUE-TR*ground_truth*.json", "*ground_truth*.json")
    videos = VideoFolder(data)
    return tuple(
        Question(
            id=str(need(row, "query_id", path)),
            kind="moments",
            video=str(need(row, "video_id", path)),
            path=videos.find(str(row["video_id"])),
            text=question_for(str(need(row, "query", path))),
            query=str(row["query"]),
            windows=spans_of(row.get("gt") or ()),
            facets={facet.replace("_", " "): (str(row[facet]),) for facet in _FACETS if row.get(facet)},
            duration_seconds=row.get("duration"),
        )
        for row in read_rows(path)
    )


def overlap(question: Question, outcome: Outcome) -> float:
    """The query's IoU. What failed or could not be parsed earns nothing, even where nothing is right."""
    if outcome.status not in ("answered", "not_found"):
        return 0.0
    return retrieval_iou(leading(outcome), question.windows)


def score(system: str, answered: Answered) -> Scores:
    """`IoU AUC` is the area under the share of queries above each IoU."""
    rules: dict[str, Value] = {"IoU AUC": lambda q, o: success_area(overlap(q, o)), "mean IoU": overlap}
    return score_values(system, answered, rules, headline="IoU AUC", facet_rule="IoU AUC")


def submit(answered: Answered) -> Mapping[str, Any]:
    """`results.json`: query_id and the predicted times; missing videos are left out."""
    rows = [
        {"query_id": q.id, "answer": [[s.start_seconds, s.stop_seconds] for s in leading(o)]}
        for q, o in answered
        if o.status != "missing"
    ]
    return {"results.json": rows}


BENCHMARK = Benchmark(name="vuetr", title="VUE-TR", load=load, score=score, submit=submit)
