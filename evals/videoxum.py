"""VideoXum: which tenth of a video ten people would keep, and what they would say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mrvideo.errors import InputError
from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows
from mrvideo.evals.items import Answered, Benchmark, Outcome, Question, Scores
from mrvideo.evals.ranks import Values, f_score, frame_scores, kendall, spearman, top_frames


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`test_videoxum.json`, else `val_videoxum.json`."""
    path = find_file(data, "test_videoxum.json", "val_videoxum.json", "*videoxum*.json")
    videos = VideoFolder(data)
    return tuple(
        Question(
            id=str(need(row, "video_id", path)),
            kind="salience",
            video=str(row["video_id"]),
            path=videos.find(str(row["video_id"]), f"v_{row['video_id']}"),
            text="What matters most?",
            duration_seconds=float(need(row, "duration", path)),
            source={"chosen": _chosen(row, path)},
        )
        for row in read_rows(path)
    )


def _chosen(row: dict[str, Any], path: Path) -> Values:
    """A row for each of the people, a column for each frame: 1 where they kept it."""
    try:
        chosen = np.asarray(need(row, "vsum_onehot", path), dtype=float)
    except ValueError as error:
        raise InputError(f"{path}: {row['video_id']}: vsum_onehot is no table of numbers") from error
    if chosen.ndim != 2 or not chosen.size:
        raise InputError(f"{path}: {row['video_id']}: vsum_onehot should have a row for each worker")
    return chosen


def _scores(question: Question, outcome: Outcome) -> Values:
    count = question.source["chosen"].shape[1]
    seconds = outcome.video_seconds or question.duration_seconds or 0.0
    return frame_scores(outcome, [(n + 0.5) / count * seconds for n in range(count)])


def _rule(measure: Callable[[Values, Values], float]) -> Value:
    """A measure of the frames' scores and everybody's choices."""

    def rule(question: Question, outcome: Outcome) -> float:
        if outcome.status != "answered":
            return 0.0
        return measure(_scores(question, outcome), question.source["chosen"])

    return rule


def _mean_f(scores: Values, chosen: Values) -> float:
    ours = top_frames(scores)
    return math.fsum(f_score(ours, own) for own in chosen) / len(chosen)


def _best_f(scores: Values, chosen: Values) -> float:
    ours = top_frames(scores)
    return max(f_score(ours, own) for own in chosen)


def score(system: str, answered: Answered) -> Scores:
    """F1 of the best 15 % of the frames, mean and best over the people; correlations with their mean choice, as
    the released code has them.
    """
    rules: dict[str, Value] = {
        "F1": _rule(_mean_f),
        "F1, best worker": _rule(_best_f),
        "Kendall τ": _rule(lambda scores, chosen: kendall(scores, chosen.mean(axis=0))),
        "Spearman ρ": _rule(lambda scores, chosen: spearman(scores, chosen.mean(axis=0))),
    }
    return score_values(system, answered, rules, headline="F1", facet_rule="F1")


def submit(answered: Answered) -> Mapping[str, Any]:
    """`tsum.json`: the summaries in words, to be scored by BLEU, METEOR, ROUGE and CIDEr elsewhere."""
    rows = [{"image_id": q.id, "caption": o.answer or ""} for q, o in answered if o.status != "missing"]
    return {"tsum.json": rows}


BENCHMARK = Benchmark(name="videoxum", title="VideoXum", load=load, score=score, submit=submit)
