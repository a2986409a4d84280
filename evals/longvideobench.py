"""LongVideoBench: referring questions over videos of 8 seconds to an hour, asked with their subtitles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import score_choices
from mrvideo.evals.files import VideoFolder, find_file, letter, need, read_rows, seconds_of
from mrvideo.evals.items import Answered, Benchmark, Question
from mrvideo.records import Cue

_OPEN_CUE_SECONDS = 5.0
"""How long a subtitle without an end stands, when no other follows."""


def read_cues(path: Path, *, starting_seconds: float) -> tuple[Cue, ...]:
    """Subtitles in either of the data set's two shapes, moved to the clip's clock; those that end before it
    are dropped.
    """
    try:
        lines: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    timed: list[tuple[float, float | None, str]] = []
    for line in lines:
        if "timestamp" in line:
            start, stop = line["timestamp"]
            timed.append((float(start), None if stop is None else float(stop), str(line["text"])))
        else:
            timed.append((seconds_of(line["start"]), seconds_of(line["end"]), str(line["line"])))
    cues: list[Cue] = []
    for index, (start, stop, text) in enumerate(timed):
        if stop is None:
            following = timed[index + 1][0] if index + 1 < len(timed) else start + _OPEN_CUE_SECONDS
            stop = max(following, start)
        begin, end = start - starting_seconds, stop - starting_seconds
        if end > 0 and text.strip():
            cues.append(Cue(start_seconds=max(begin, 0.0), stop_seconds=max(end, begin), text=text.strip()))
    return tuple(cues)


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """`lvb_val.json` or the validation parquet; the test split, whose answers are hidden, can be handed in
    but not scored.
    """
    path = find_file(data, "lvb_val.json", "*validation*.parquet", "lvb_test*.json", "*test*.parquet")
    videos = VideoFolder(data)
    known: dict[tuple[str, float], tuple[Cue, ...]] = {}
    questions: list[Question] = []
    for row in read_rows(path):
        name = str(row.get("video_path") or need(row, "video_id", path))
        right = row.get("correct_choice")
        starting = float(row.get("starting_timestamp_for_subtitles") or 0.0)
        subtitle = str(row.get("subtitle_path") or "")
        if subtitles and subtitle and (subtitle, starting) not in known:
            known[subtitle, starting] = _cues_of(data, subtitle, starting)
        questions.append(
            Question(
                id=str(need(row, "id", path)),
                kind="choice",
                video=name,
                path=videos.find(name, str(row.get("video_id") or name)),
                text=str(need(row, "question", path)),
                options=_options(row),
                right=int(right) if right is not None and int(right) >= 0 else None,
                facets={
                    facet.replace("_", " "): (str(row[facet]),)
                    for facet in ("duration_group", "question_category", "topic_category", "level")
                    if row.get(facet) is not None
                },
                duration_seconds=row.get("duration"),
                cues=known.get((subtitle, starting), ()),
            )
        )
    return tuple(questions)


def _options(row: dict[str, Any]) -> tuple[str, ...]:
    if row.get("candidates"):
        return tuple(str(option) for option in row["candidates"])
    held = (row.get(f"option{number}") for number in range(5))
    return tuple(str(option) for option in held if option not in (None, "N/A"))


def _cues_of(data: Path, subtitle: str, starting_seconds: float) -> tuple[Cue, ...]:
    try:
        path = find_file(data, f"subtitles/{subtitle}", subtitle)
    except InputError:
        return ()
    return read_cues(path, starting_seconds=starting_seconds)


def submit(answered: Answered) -> Mapping[str, Any]:
    """`predictions.json`: id → letter."""
    return {"predictions.json": {q.id: letter(o.choice) for q, o in answered if o.status != "missing"}}


BENCHMARK = Benchmark(
    name="longvideobench",
    title="LongVideoBench",
    load=load,
    score=score_choices,
    submit=submit,
    subtitles=True,
    aliases={"long": "3600"},
    published={"MR. Video (paper), long": {"accuracy": 61.6}},
)
