"""MLVU's generation tasks: summaries and captions of single scenes, written for a judge elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, check_folder, need, read_rows
from mrvideo.evals.items import Answered, Benchmark, Kind, Question, Scores

KINDS: Mapping[str, Kind] = {"sub_scene": "written", "subPlot": "written", "summary": "summary"}
"""The task's name, by which its files are found, too → how it is asked. `subPlot` is an older name."""

_FILES = {"sub_scene": "sub_scene.json", "subPlot": "sub_scene.json", "summary": "summary.json"}


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`8_sub_scene.json` and `9_summary.json`."""
    check_folder(data)
    paths = [path for path in sorted(data.rglob("*.json")) if any(path.stem.endswith(kind) for kind in KINDS)]
    if not paths:
        raise InputError(f"{data} holds no generation task of MLVU, such as 9_summary.json")
    videos = VideoFolder(data)
    questions: list[Question] = []
    for path in paths:
        for index, row in enumerate(read_rows(path)):
            task = str(need(row, "question_type", path))
            if task not in KINDS:
                raise InputError(f"{path}: item {index}: {task!r} is none of {', '.join(KINDS)}")
            name = str(need(row, "video", path))
            kept = {field: row[field] for field in ("answer", "scoring_points") if row.get(field) is not None}
            questions.append(
                Question(
                    id=str(row.get("question_id") or f"{path.stem}/{index}"),
                    kind=KINDS[task],
                    # A name can stand for different videos in different tasks.
                    video=f"{path.stem}/{name}",
                    path=videos.find(f"{path.stem}/{name}", name),
                    text=str(need(row, "question", path)),
                    facets={"task": (task,)},
                    duration_seconds=row.get("duration"),
                    source={"video": name, **kept},
                )
            )
    return tuple(questions)


def score(system: str, answered: Answered) -> Scores:
    """The share of items for which something was written: how good it is, a judge says elsewhere."""
    rules: dict[str, Value] = {"written": lambda q, o: float(o.status == "answered")}
    return score_values(system, answered, rules, headline="written", facet_rule="written")


def submit(answered: Answered) -> Mapping[str, Any]:
    """`sub_scene.json` and `summary.json` as the authors' judging scripts read them, and the points by which
    scenes are judged as `sub_scene_scorepoint.json`. What was not answered has an empty text, and missing
    videos are left out.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    points: list[dict[str, Any]] = []
    for q, o in answered:
        if o.status == "missing":
            continue
        row = {"video_name": q.source["video"], "Q": q.text, "A": q.source.get("answer", "")}
        files.setdefault(_FILES[q.facets["task"][0]], []).append({**row, "pred": o.answer or ""})
        if "scoring_points" in q.source:
            # The script looks the points up by the question without line ends.
            asked = q.text.replace("\n", "")
            points.append({"question": asked, "scoring_points": q.source["scoring_points"]})
    return {**files, **({"sub_scene_scorepoint.json": points} if points else {})}


BENCHMARK = Benchmark(name="mlvugeneration", title="MLVU, generation", load=load, score=score, submit=submit)
