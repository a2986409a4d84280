"""Charades-STA: the one moment that a sentence describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Outcome, Question, Scores
from mrvideo.evals.moments import question_for
from mrvideo.evals.scorers import best_iou

THRESHOLDS = (0.3, 0.5, 0.7)


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """The JSON form (`video`, `caption`, `timestamp`) or the original text form (`ID start stop##sentence`)."""
    path = find_file(
        data, "*charades*test*.json", "*charades*.json", "*charades*test*.txt", "*.json", "*.txt"
    )
    rows = _read_text(path) if path.suffix == ".txt" else read_rows(path)
    videos = VideoFolder(data)
    return tuple(
        Question(
            id=str(row.get("id", index)),
            kind="moments",
            video=str(need(row, "video", path)),
            path=videos.find(str(row["video"])),
            text=question_for(str(need(row, "caption", path))),
            query=str(row["caption"]),
            certain=True,
            windows=spans_of([need(row, "timestamp", path)]),
            duration_seconds=row.get("duration"),
        )
        for index, row in enumerate(rows)
    )


def _read_text(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        head, mark, caption = line.partition("##")
        parts = head.split()
        if not mark or len(parts) != 3:
            raise InputError(f"{path}, line {number}: expected 'VIDEO START STOP##sentence'")
        try:
            times = [float(parts[1]), float(parts[2])]
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
        rows.append({"video": parts[0], "timestamp": times, "caption": caption})
    return rows


def first_iou(question: Question, outcome: Outcome) -> float:
    """The first predicted span against the truth; nothing predicted earns 0."""
    if outcome.status != "answered" or not outcome.spans:
        return 0.0
    return best_iou(outcome.spans[0], question.windows)


def _at(threshold: float) -> Value:
    return lambda question, outcome: float(first_iou(question, outcome) >= threshold)


def score(system: str, answered: Answered) -> Scores:
    """R@1 at three overlaps, and the mean overlap."""
    rules: dict[str, Value] = {f"R@1, IoU ≥ {threshold}": _at(threshold) for threshold in THRESHOLDS}
    return score_values(
        system, answered, {**rules, "mIoU": first_iou}, headline="R@1, IoU ≥ 0.5", facet_rule="R@1, IoU ≥ 0.5"
    )


BENCHMARK = Benchmark(name="charades", title="Charades-STA", load=load, score=score)
