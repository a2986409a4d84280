"""MomentSeeker: find the moment of a long video, among stretches of 10 s, by words, a picture or a clip."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, check_folder, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Outcome, Question, Scores
from mrvideo.evals.moments import question_for, score_stretches, stretches
from mrvideo.evals.scorers import best_iou, graded_precision, matched_precision
from mrvideo.records import Span

STRETCH_SECONDS = 10.0
LEAST_IOU = 0.3
RANKED = 5

GROUPS = {
    "Description Location": "global",
    "Action Recognition": "event",
    "Causal Reasoning": "event",
    "Anomaly Detection": "event",
    "Object Recognition": "object",
    "Attribute Recognition": "object",
    "OCR": "object",
    "Object Location": "object",
    "Spatial Relation": "object",
}
"""The paper's groups of tasks; a task of another name is in none."""

_FILES = ("*2v*.json", "*moment*seeker*.json", "*.json")


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """Every query file below `data`: by words (`t2v`), with a picture (`ti2v`, `i2v`), with a clip (`tv2v`).

    Of a clip its middle frame is shown, as the authors do: the file `NAME_mid_frame.png` beside it.
    """
    check_folder(data)
    matching = [found for pattern in _FILES if (found := sorted(data.rglob(pattern)))]
    if not matching:
        raise InputError(f"{data} holds no query file of MomentSeeker, such as t2v.json")
    videos = VideoFolder(data)
    files: dict[str, Path] = {}
    for file in sorted(data.rglob("*")):
        files.setdefault(file.name, file)
    return tuple(
        _question(row, f"{path.stem}/{number}", path, videos, files)
        for path in matching[0]
        for number, row in enumerate(read_rows(path))
    )


def _question(
    row: dict[str, Any], identity: str, path: Path, videos: VideoFolder, files: dict[str, Path]
) -> Question:
    text = str(row.get("qry_text") or "")
    video = str(need(row, "src_video_path", path))
    task = str(need(row, "task", path))
    shown, by = _picture(row)
    if not text and shown is None:
        raise InputError(f"{path}: an item has neither qry_text nor a picture or clip: {identity}")
    group = {"group": (GROUPS[task],)} if task in GROUPS else {}
    return Question(
        id=identity,
        kind="moments",
        video=PurePosixPath(video).stem,
        path=videos.find(video),
        text=question_for(text),
        query=text,
        # One that is not there is named as the file has it: the failure then says so.
        picture=None if shown is None else str(files.get(PurePosixPath(shown).name, shown)),
        certain=True,
        windows=spans_of(need(row, "answering_time_interval", path)),
        facets={"task": (task,), **group, "asked by": (by,)},
    )


def _picture(row: dict[str, Any]) -> tuple[str | None, str]:
    if row.get("qry_img_path"):
        return str(row["qry_img_path"]), "picture"
    if clip := str(row.get("qry_video_path") or ""):
        return clip.removesuffix(PurePosixPath(clip).suffix) + "_mid_frame.png", "clip"
    return None, "words"


def ranked_stretches(outcome: Outcome) -> list[Span]:
    """The stretches that any span touches, the best first; of those alike the earlier."""
    if outcome.status != "answered" or not outcome.video_seconds:
        return []
    parts = stretches(outcome.video_seconds, STRETCH_SECONDS)
    scores = score_stretches(outcome, parts)
    order = sorted(range(len(parts)), key=lambda n: (-scores[n], n))
    return [parts[n] for n in order if scores[n] > 0]


def _first(question: Question, outcome: Outcome) -> float:
    ranked = ranked_stretches(outcome)[:1]
    return float(any(best_iou(span, question.windows) >= LEAST_IOU for span in ranked))


def _graded(question: Question, outcome: Outcome) -> float:
    return graded_precision(ranked_stretches(outcome)[:RANKED], question.windows)


def _matched(question: Question, outcome: Outcome) -> float:
    return matched_precision(ranked_stretches(outcome)[:RANKED], question.windows, LEAST_IOU)


def score(system: str, answered: Answered) -> Scores:
    """R@1 at IoU 0.3; mAP@5 as the released code has it, and as the paper describes it."""
    rules: dict[str, Value] = {"R@1": _first, "mAP@5": _graded, "mAP@5, as described": _matched}
    return score_values(system, answered, rules, headline="R@1", facet_rule="R@1")


BENCHMARK = Benchmark(
    name="momentseeker",
    title="MomentSeeker",
    load=load,
    score=score,
    # Over words, pictures and clips together.
    published={
        "InternVideo2": {"R@1": 19.7, "mAP@5": 26.6},
        "LanguageBind": {"R@1": 18.2, "mAP@5": 25.4},
    },
)
