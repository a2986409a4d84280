"""EgoSchema: five-way questions on three-minute first-person clips; the answers of 500 are public."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import score_choices
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows
from mrvideo.evals.items import Answered, Benchmark, Question


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`questions.json` with `subset_answers.json` where it is there. It has no subtitles."""
    path = find_file(data, "questions.json")
    try:
        answers_path = find_file(data, "subset_answers.json")
        answers: dict[str, Any] = json.loads(answers_path.read_text(encoding="utf-8"))
    except InputError:
        answers = {}
    except ValueError as error:
        raise InputError(f"{data}: subset_answers.json is not JSON: {error}") from error
    videos = VideoFolder(data)
    questions: list[Question] = []
    for row in read_rows(path):
        uid = str(need(row, "q_uid", path))
        right = answers.get(uid)
        questions.append(
            Question(
                id=uid,
                kind="choice",
                video=uid,
                path=videos.find(uid, str(row.get("google_drive_id") or uid)),
                text=str(need(row, "question", path)),
                options=tuple(str(need(row, f"option {number}", path)) for number in range(5)),
                right=None if right is None else int(right),
                facets={"answers": ("hidden" if right is None else "public",)},
            )
        )
    return tuple(questions)


def submit(answered: Answered) -> Mapping[str, Any]:
    """`predictions.json`: q_uid → 0-based option, -1 where nothing was chosen."""
    chosen = {q.id: -1 if o.choice is None else o.choice for q, o in answered if o.status != "missing"}
    return {"predictions.json": chosen}


BENCHMARK = Benchmark(
    name="egoschema",
    title="EgoSchema",
    load=load,
    score=score_choices,
    submit=submit,
    aliases={"subset": "public"},
    published={"MR. Video (paper), validation": {"accuracy": 73.8}},
)
