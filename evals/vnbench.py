"""VNBench: needles in video haystacks, each question under four option orders, right only if right under all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mrvideo.evals.counting import judged, score_choices, statuses
from mrvideo.evals.files import LETTERS, VideoFolder, find_file, letter, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Question, Scores
from mrvideo.evals.scorers import clustered_mean
from mrvideo.records import Span

NEEDLE_SECONDS = 2.0
"""How long a needle stands; the file gives only where each one starts."""


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`VNBench-main-4try.json`, ours included: those may add `needle_spans`, `group` and questions on absent
    needles.
    """
    path = find_file(data, "VNBench-main-4try.json", "*4try*.json")
    videos = VideoFolder(data)
    questions: list[Question] = []
    for row in read_rows(path):
        name = str(need(row, "video", path))
        kind = str(need(row, "type", path))
        options = tuple(str(option) for option in row.get("options") or ())
        circle = str(row.get("group") or PurePosixPath(name).stem)
        absent = kind.startswith("abs")
        questions.append(
            Question(
                id=f"{circle}_{int(row.get('try') or 0)}",
                kind="absent" if absent else "choice",
                video=name,
                path=videos.find(name),
                text=str(need(row, "question", path)),
                options=options,
                right=None if absent else _right(row, options),
                key_spans=_needle_spans(row),
                facets={"type": (kind,), "task": (kind.partition("_")[0],)},
                circle=None if absent else circle,
                duration_seconds=row.get("length") if isinstance(row.get("length"), int | float) else None,
                source={"video": name, "type": kind, "gt": row.get("gt")},
            )
        )
    return tuple(questions)


def _right(row: dict[str, Any], options: Sequence[str]) -> int | None:
    truth = str(row.get("gt", ""))
    if truth in options:
        return options.index(truth)
    named = row.get("gt_option")
    if isinstance(named, int):
        return named
    return LETTERS.index(named[:1]) if isinstance(named, str) and named[:1] in LETTERS else None


def _needle_spans(row: dict[str, Any]) -> tuple[Span, ...]:
    if row.get("needle_spans"):
        return spans_of(row["needle_spans"])
    starts = [float(time) for time in row.get("needle_time") or () if isinstance(time, int | float)]
    return tuple(Span(start, start + NEEDLE_SECONDS) for start in starts if start >= 0)


def score(system: str, answered: Answered) -> Scores:
    """The mean over retrieval, ordering and counting of the mean over their types; absent needles stand
    apart.

    `false finds` is the share of questions on absent needles that were answered as if there were one.
    """
    present = [(q, o) for q, o in answered if q.kind != "absent"]
    scores = score_choices(
        system, present, strata=lambda q: (*q.facets["task"], *q.facets["type"]), headline="circular accuracy"
    )
    absent = [
        (q, o) for q, o in judged(answered) if q.kind == "absent" and o.status in ("answered", "not_found")
    ]
    if not absent:
        return scores
    finds = [float(o.status == "answered") for _, o in absent]
    number = clustered_mean(finds, [q.video for q, _ in absent])
    metrics = {**scores.metrics, "false finds": number}
    return scores.model_copy(update={"metrics": metrics, "statuses": statuses(answered)})


def submit(answered: Answered) -> Mapping[str, Any]:
    """`results.jsonl`: one row per try, as the official script reads it; `pred` null where the video is
    missing.
    """
    rows = [
        {
            "question_id": q.id,
            "video": q.source["video"],
            "type": q.source["type"],
            "question": q.text,
            "options": list(q.options),
            "gt": letter(q.right),
            "pred": None if o.status == "missing" else letter(o.choice),
        }
        for q, o in answered
        if q.kind == "choice"
    ]
    return {"results.jsonl": rows}


BENCHMARK = Benchmark(name="vnbench", title="VNBench", load=load, score=score, submit=submit)
