"""Video-MME: 2,700 questions on 900 videos, short, medium and long, with and without subtitles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mrvideo.evals.counting import score_choices
from mrvideo.evals.files import VideoFolder, find_file, letter, need, place_of, read_rows, strip_label
from mrvideo.evals.items import Answered, Benchmark, Question

_VIDEO_FIELDS = ("video_id", "duration", "domain", "sub_category")
_QUESTION_FIELDS = ("question_id", "task_type", "question", "options", "answer")


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """The flat parquet or JSON, or the nested JSON of the official results (a list of videos with
    `questions`).
    """
    path = find_file(data, "*test*.parquet", "*.parquet", "*video*mme*.json", "*.json")
    videos = VideoFolder(data)
    srts = {srt.stem: str(srt) for srt in sorted(data.rglob("*.srt"))} if subtitles else {}
    nested: dict[str, Any] = {}
    rows = [
        {**row, **item}
        for row in read_rows(path)
        for item in cast("list[dict[str, Any]]", row.get("questions") or [nested])
    ]
    questions: list[Question] = []
    for row in rows:
        name = str(row.get("videoID") or need(row, "video_id", path))
        answer = str(row.get("answer") or "").strip()[:1].upper()
        options = tuple(strip_label(str(option)) for option in need(row, "options", path))
        questions.append(
            Question(
                id=str(need(row, "question_id", path)),
                kind="choice",
                video=name,
                path=videos.find(name, str(row.get("video_id") or name)),
                text=str(need(row, "question", path)),
                options=options,
                right=place_of(answer, options, path),
                facets={
                    facet.replace("_", " "): (str(row[facet]),)
                    for facet in ("duration", "domain", "task_type")
                    if row.get(facet)
                },
                subtitles=srts.get(name),
                source={field: row[field] for field in (*_VIDEO_FIELDS, *_QUESTION_FIELDS) if field in row},
            )
        )
    return tuple(questions)


def submit(answered: Answered) -> Mapping[str, Any]:
    """`output.json`: the official nested form, one `response` letter per question; missing videos are left
    out.
    """
    held: dict[str, dict[str, Any]] = {}
    for question, outcome in answered:
        if outcome.status == "missing":
            continue
        row = question.source
        video = held.setdefault(
            question.video, {**{field: row.get(field) for field in _VIDEO_FIELDS}, "questions": []}
        )
        asked = {field: row.get(field) for field in _QUESTION_FIELDS}
        video["questions"].append({**asked, "response": letter(outcome.choice)})
    return {"output.json": list(held.values())}


BENCHMARK = Benchmark(
    name="videomme",
    title="Video-MME",
    load=load,
    score=score_choices,
    submit=submit,
    published={"MR. Video (paper), long without subtitles": {"accuracy": 63.4}},
)
