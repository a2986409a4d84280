"""TVSum and SumMe in the shape that all share: an HDF5 file of shots, picked frames and people's summaries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mrvideo.evals.counting import Value, score_values
from mrvideo.evals.files import VideoFolder, read_tables
from mrvideo.evals.items import Answered, Outcome, Question, Scores
from mrvideo.evals.ranks import Values, chosen_shots, f_score, frame_scores, kendall, spearman

Named = Callable[[str, Mapping[str, Any], Path], tuple[str, Values]]
"""From a video's place in the file (`video_7`) and its tables to its own name, and the scores to correlate
with: a row for each person, a column for each picked frame.
"""


def load_keyshots(path: Path, data: Path, named: Named) -> tuple[Question, ...]:
    """A question for each video of the file. Raises `InputError` naming video and table where one is missing."""
    videos = VideoFolder(data)
    held = read_tables(path, ("user_summary", "change_points", "n_frames", "picks"))
    questions: list[Question] = []
    for key, tables in sorted(held.items(), key=lambda one: (len(one[0]), one[0])):
        name, rated = named(key, tables, path)
        shots = [(int(first), int(last)) for first, last in tables["change_points"]]
        source = {
            "users": np.asarray(tables["user_summary"]) > 0,
            "shots": shots,
            "frames": int(tables["n_frames"]),
            "picks": [int(pick) for pick in tables["picks"]],
            "rated": rated,
        }
        questions.append(
            Question(
                id=name,
                kind="salience",
                video=name,
                path=videos.find(name, name.replace(" ", "_")),
                text="What matters most?",
                source=source,
            )
        )
    return tuple(questions)


def _picked(question: Question, outcome: Outcome) -> Values:
    frames = question.source["frames"]
    seconds = outcome.video_seconds or 0.0
    return frame_scores(outcome, [(pick + 0.5) / frames * seconds for pick in question.source["picks"]])


def _overlaps(question: Question, outcome: Outcome) -> list[float]:
    """For each person the F-score of the chosen shots against that person's summary."""
    source = question.source
    picks: list[int] = source["picks"]
    spread = np.zeros(max(source["frames"], source["shots"][-1][1] + 1))
    ends = [*picks[1:], source["frames"]]
    for first, last, value in zip(picks, ends, _picked(question, outcome), strict=True):
        spread[first:last] = value
    chosen = chosen_shots(spread, source["shots"])
    return [f_score(*_same_length(chosen, own)) for own in source["users"]]


def _same_length(one: Values, other: Values) -> tuple[Values, Values]:
    longer = max(len(one), len(other))
    return np.pad(one, (0, longer - len(one))), np.pad(other, (0, longer - len(other)))


def _correlation(measure: Callable[[Values, Values], float]) -> Value:
    def rule(question: Question, outcome: Outcome) -> float:
        if outcome.status != "answered":
            return 0.0
        ours = _picked(question, outcome)
        each = [measure(ours, own) for own in question.source["rated"]]
        return math.fsum(each) / len(each)

    return rule


def score_keyshots(system: str, answered: Answered, over_users: Callable[[Sequence[float]], float]) -> Scores:
    """F-score of a summary of 15 %, over the people by `over_users`; Kendall and Spearman at the picked frames,
    the mean over the rows to correlate with.
    """
    rules: dict[str, Value] = {
        "F": lambda q, o: over_users(_overlaps(q, o)) if o.status == "answered" else 0.0,
        "Kendall τ": _correlation(kendall),
        "Spearman ρ": _correlation(spearman),
    }
    # A random order scores as well by F as many systems do: the correlations tell more.
    return score_values(system, answered, rules, headline="Kendall τ", facet_rule="Kendall τ")
