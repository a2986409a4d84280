"""MLVU: seven multiple-choice tasks on videos of 3 minutes to 2 hours; M-Avg is the mean over tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import score_choices
from mrvideo.evals.files import VideoFolder, need, read_rows
from mrvideo.evals.items import Answered, Benchmark, Question, Scores

TASKS = ("plotQA", "findNeedle", "ego", "count", "order", "anomaly_reco", "topic_reasoning")


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """Every task file below `data`. The two generation tasks need a judge model and are not asked."""
    paths = [path for path in sorted(data.rglob("*.json")) if any(task in path.stem for task in TASKS)]
    if not paths:
        raise InputError(f"{data} holds no task file of MLVU, such as 1_plotQA.json")
    videos = VideoFolder(data)
    questions: list[Question] = []
    for path in paths:
        for index, row in enumerate(read_rows(path)):
            kind = str(need(row, "question_type", path))
            if not row.get("candidates"):
                continue
            name = str(need(row, "video", path))
            options = tuple(str(option) for option in row["candidates"])
            answer = row.get("answer")
            if answer is not None and str(answer) not in options:
                raise InputError(f"{path}: item {index}: the answer {answer!r} is none of the candidates")
            questions.append(
                Question(
                    id=str(row.get("question_id") or f"{path.stem}/{index}"),
                    kind="choice",
                    # A name can stand for different videos in different tasks.
                    video=f"{path.stem}/{name}",
                    path=videos.find(f"{path.stem}/{name}", name),
                    text=str(need(row, "question", path)),
                    options=options,
                    right=None if answer is None else options.index(str(answer)),
                    facets={"task": (kind,)},
                    duration_seconds=row.get("duration"),
                )
            )
    return tuple(questions)


def score(system: str, answered: Answered) -> Scores:
    """M-Avg: the mean of the tasks' accuracies, whatever their sizes."""
    return score_choices(system, answered, strata=lambda q: q.facets["task"], headline="M-Avg")


def submit(answered: Answered) -> Mapping[str, Any]:
    """`predictions.json`: one row per question with the option's text."""
    rows = [
        {
            "question_id": q.id,
            "question_type": q.facets["task"][0],
            "option": q.options[o.choice] if o.choice is not None else "",
        }
        for q, o in answered
        if o.status != "missing"
    ]
    return {"predictions.json": rows}


BENCHMARK = Benchmark(name="mlvu", title="MLVU", load=load, score=score, submit=submit)
