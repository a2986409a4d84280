"""SumMe: what 15 to 18 people would keep of 25 videos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mrvideo.errors import InputError
from mrvideo.evals.files import find_file
from mrvideo.evals.items import Answered, Benchmark, Question, Scores
from mrvideo.evals.keyshots import load_keyshots, score_keyshots
from mrvideo.evals.ranks import Values


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`eccv16_dataset_summe_google_pool5.h5`."""
    return load_keyshots(find_file(data, "eccv16_dataset_summe*.h5", "*summe*.h5"), data, _named)


def _named(key: str, tables: Mapping[str, Any], path: Path) -> tuple[str, Values]:
    """The file says the name. To correlate with there is one row: the share of people who kept each frame."""
    if "video_name" not in tables:
        raise InputError(f"{path}: {key} has no video_name")
    name = tables["video_name"]
    kept = (np.asarray(tables["user_summary"]) > 0).mean(axis=0)
    picks = np.minimum(np.asarray(tables["picks"], dtype=int), len(kept) - 1)
    return name.decode() if isinstance(name, bytes) else str(name), kept[picks][None, :]


def score(system: str, answered: Answered) -> Scores:
    """F against the person it fits best; correlations with the mean over people."""
    return score_keyshots(system, answered, max)


BENCHMARK = Benchmark(name="summe", title="SumMe", load=load, score=score)
