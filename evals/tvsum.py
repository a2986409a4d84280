"""TVSum: how important twenty people found every two seconds of fifty videos."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mrvideo.errors import InputError
from mrvideo.evals.files import find_file
from mrvideo.evals.items import Answered, Benchmark, Question, Scores
from mrvideo.evals.keyshots import load_keyshots, score_keyshots
from mrvideo.evals.ranks import Values


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`eccv16_dataset_tvsum_google_pool5.h5`, and `ydata-tvsum50-anno.tsv` for names and everybody's scores."""
    path = find_file(data, "eccv16_dataset_tvsum*.h5", "*tvsum*.h5")
    rated = _annotations(find_file(data, "ydata-tvsum50-anno.tsv", "*anno*.tsv"))
    return load_keyshots(path, data, partial(_named, rated))


def _annotations(path: Path) -> list[tuple[str, list[Values]]]:
    """Each video with a row of scores, one for each frame, for each person; in the file's order."""
    held: dict[str, list[Values]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            name, _, scores = line.split("\t")
            held.setdefault(name, []).append(np.asarray([float(s) for s in scores.split(",")]))
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: expected video, category and scores, parted by tabs"
            ) from error
    return list(held.items())


def _named(
    rated: Sequence[tuple[str, list[Values]]], key: str, tables: Mapping[str, Any], path: Path
) -> tuple[str, Values]:
    """`video_7` is the seventh video of the annotations; their lengths have to agree."""
    frames = int(tables["n_frames"])
    place = int(key.removeprefix("video_")) - 1 if key.removeprefix("video_").isdecimal() else -1
    if not 0 <= place < len(rated):
        raise InputError(f"{path}: {key} is none of the {len(rated)} videos of the annotations")
    name, scores = rated[place]
    if any(len(own) != frames for own in scores):
        raise InputError(
            f"{path}: {key} has {frames} frames, and {name} {len(scores[0])} in the annotations; "
            "are both files of one release?"
        )
    return name, np.stack(scores)[:, np.asarray(tables["picks"], dtype=int)]


def _mean(each: Sequence[float]) -> float:
    return math.fsum(each) / len(each)


def score(system: str, answered: Answered) -> Scores:
    """The mean over people: of F, and of the correlations with the scores of each of them."""
    return score_keyshots(system, answered, _mean)


BENCHMARK = Benchmark(name="tvsum", title="TVSum", load=load, score=score)
