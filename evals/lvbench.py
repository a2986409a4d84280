"""LVBench: 1,549 questions on 103 videos of about an hour, six overlapping categories, times given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.evals.counting import score_choices
from mrvideo.evals.files import (
    LETTERS,
    VideoFolder,
    clock_spans,
    find_file,
    letter,
    need,
    place_of,
    read_rows,
)
from mrvideo.evals.items import Answered, Benchmark, Question

SHORT_NAMES = {
    "key information retrieval": "KIR",
    "event understanding": "EU",
    "entity recognition": "ER",
    "temporal grounding": "TG",
    "reasoning": "Rea",
    "summarization": "Sum",
}
_OPTION = re.compile(r"\n\s*\(([A-H])\)\s*")


def split_options(text: str) -> tuple[str, tuple[str, ...]]:
    """The question and its inline options. Options that cannot be told apart stay in the text, under their
    letters.
    """
    stem, *rest = _OPTION.split(text)
    letters, options = rest[::2], tuple(option.strip() for option in rest[1::2])
    if len(options) < 2 or "".join(letters) != LETTERS[: len(options)] or not all(options):
        return text.strip(), tuple("ABCD")
    return stem.strip(), options


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """One question per `uid` of `video_info.meta.jsonl`. It has no subtitles."""
    path = find_file(data, "video_info.meta.jsonl", "*meta*.jsonl")
    videos = VideoFolder(data)
    questions: list[Question] = []
    for row in read_rows(path):
        key = str(need(row, "key", path))
        info: dict[str, Any] = row.get("video_info") or row
        minutes = info.get("duration_minutes")
        for item in need(row, "qa", path):
            text, options = split_options(str(need(item, "question", path)))
            kinds: Any = item.get("question_type") or []
            answer = str(need(item, "answer", path)).strip().strip("()")[:1].upper()
            questions.append(
                Question(
                    id=str(need(item, "uid", path)),
                    kind="choice",
                    video=key,
                    path=videos.find(key),
                    text=text,
                    options=options,
                    right=place_of(answer, options, path),
                    key_spans=clock_spans(str(item.get("time_reference") or "")),
                    facets={
                        "category": (kinds,)
                        if isinstance(kinds, str)
                        else tuple(str(kind) for kind in kinds),
                        "video type": (str(row["type"]),) if row.get("type") else (),
                    },
                    duration_seconds=float(minutes) * 60 if minutes else None,
                )
            )
    return tuple(questions)


def submit(answered: Answered) -> Mapping[str, Any]:
    """`answers.json`: uid → letter, empty where nothing was chosen, absent where the video was; `result.json`
    for the board.
    """
    scores = score_choices("", answered)
    result = {
        SHORT_NAMES.get(name, name): number.value
        for name, number in scores.facets.get("category", {}).items()
    }
    result["Overall"] = scores.metrics[scores.headline].value
    letters = {q.id: letter(o.choice) for q, o in answered if o.status != "missing"}
    return {"answers.json": letters, "result.json": result}


BENCHMARK = Benchmark(
    name="lvbench",
    title="LVBench",
    load=load,
    score=score_choices,
    submit=submit,
    aliases={short: name for name, short in SHORT_NAMES.items()},
    published={
        "MR. Video (paper)": {
            "accuracy": 60.8,
            "entity recognition": 59.8,
            "event understanding": 57.4,
            "key information retrieval": 71.4,
            "temporal grounding": 58.8,
            "reasoning": 57.7,
            "summarization": 50.0,
        },
        "DVD": {"accuracy": 74.2},
        "DVD with transcripts": {"accuracy": 76.0},
        "HAVEN": {"accuracy": 84.1},
    },
)
