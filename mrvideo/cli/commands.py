"""What each command does once its arguments are settings; every function returns the exit code."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mrvideo.api import Video, load
from mrvideo.display.progress import ProgressBars, spent
from mrvideo.display.terminal import plain
from mrvideo.errors import InputError, QuestionError, SettingsError, VideoError
from mrvideo.questions import check_question
from mrvideo.records import Answer, Index, Usage, clock, may_yet_end_well
from mrvideo.session.estimating import StageCost, estimate_index
from mrvideo.session.exporting import FORMATS, Format, export_index
from mrvideo.session.indexing import index_video
from mrvideo.session.loading import index_for_question
from mrvideo.session.models import budget_of
from mrvideo.session.searching import search_library
from mrvideo.settings import Settings

PAPER_FORMAT = "mrvideo-paper"
"""The shape of the paper's released captions: list of {t_start, t_end, caption}."""

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".mpg",
        ".mpeg",
        ".ts",
        ".m2ts",
        ".mts",
        ".flv",
        ".wmv",
        ".ogv",
        ".3gp",
        ".gif",
        ".mxf",
        ".vob",
    ]
)


def _out() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)


def _print_table(table: Table) -> None:
    """At its full width, whatever the terminal's: a price or a path that is cut says something else."""
    out = _out()
    out.width = max(out.width, Console(width=10_000).measure(table).maximum)
    out.print(table)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201


# index -----------------------------------------------------------------------------------------


def index_videos(
    videos: Sequence[str], settings: Settings, *, subtitles: Path | None, as_json: bool, quiet: bool
) -> int:
    """`mrvideo index`: one video must be readable; of many, the broken ones are listed and the rest is done."""
    paths = expand(videos)
    if subtitles is not None and len(paths) > 1:
        raise InputError(
            f"--subtitles names one file, but there are {len(paths)} videos; index them one by one"
        )
    if len(paths) == 1:
        with ProgressBars(quiet=quiet) as bars:
            index = index_video(paths[0], settings, subtitles=subtitles, on_event=bars)
        done, broken, usage = [_Indexed.of(index)], [], index.usage
    else:
        done, broken, usage = _index_many(paths, settings, quiet=quiet)
    if as_json:
        _print_json(
            {
                "videos": [one.summary for one in done],
                "broken": [{"video": path, "reason": reason} for path, reason in broken],
                "usage": usage.model_dump(),
            }
        )
    else:
        for one in done:
            _out().print("\n".join(one.lines))
        for path, reason in broken:
            _out().print(f"not indexed: {plain(path)}: {plain(reason)}")
    if not done:
        return 2
    return 1 if broken or any(one.summary["failures"] for one in done) else 0


@dataclass(frozen=True)
class _Indexed:
    """What is told of an index: of a folder of films, the indexes themselves would fill the memory."""

    summary: dict[str, Any]
    lines: list[str]

    @classmethod
    def of(cls, index: Index) -> _Indexed:
        return cls(_index_summary(index), _index_lines(index))


def expand(videos: Sequence[str]) -> list[str]:
    """Files as they are; a folder as the video files below it, sorted. Raises `InputError` for a folder without any."""
    paths: list[str] = []
    for name in videos:
        folder = Path(name)
        if not folder.is_dir():
            paths.append(name)
            continue
        inside = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
        if not inside:
            raise InputError(
                f"{name} is a folder without videos; name a video file, or a folder that holds some"
            )
        paths += [str(path) for path in inside]
    return list(dict.fromkeys(paths))


def _index_many(
    paths: Sequence[str], settings: Settings, *, quiet: bool
) -> tuple[list[_Indexed], list[tuple[str, str]], Usage]:
    from mrvideo.records import Event, Notice, StageAdvanced, StageFinished, StageStarted

    done: list[_Indexed] = []
    usage = Usage()
    broken: list[tuple[str, str]] = []
    budget = budget_of(settings)
    with ProgressBars(quiet=quiet) as bars:
        bars(StageStarted(stage="videos", total=len(paths)))

        def one_bar(event: Event) -> None:
            if isinstance(event, StageAdvanced):
                bars(StageAdvanced(stage="videos", done=0, usage=event.usage))
            elif isinstance(event, Notice):
                bars(event)

        for path in paths:
            try:
                index = index_video(path, settings, on_event=one_bar, budget=budget)
                done.append(_Indexed.of(index))
                usage += index.usage
            except VideoError as error:
                broken.append((path, str(error)))
            bars(StageAdvanced(stage="videos"))
        bars(StageFinished(stage="videos"))
    return done, broken, usage


def _index_summary(index: Index) -> dict[str, Any]:
    return {
        "video": index.video.path,
        "digest": index.video.digest,
        "duration_seconds": index.video.duration_seconds,
        "scenes": len(index.scenes),
        "entities": len(index.entities),
        "cues": len(index.cues),
        "shots": len(index.shots),
        "failures": [failure.model_dump() for failure in index.failures],
        "settings": index.settings,
        "usage": index.usage.model_dump(),
    }


def _index_lines(index: Index) -> list[str]:
    lines = [
        f"{plain(index.video.path)}: {clock(index.video.duration_seconds)} long, {len(index.scenes)} scenes, "
        f"{len(index.entities)} entities, {len(index.cues)} cues, {len(index.shots)} shots"
    ]
    for failure in index.failures:
        lines.append(f"  not seen: {failure.span} ({failure.stage}): {plain(failure.reason)}")
    if may_yet_end_well(index.failures):
        lines.append(
            f"  mrvideo index {shlex.quote(plain(index.video.path))} tries again what may be seen next time"
        )
    return lines


# ask -------------------------------------------------------------------------------------------


def ask_video(
    path: str,
    question: str,
    options: list[str] | None,
    settings: Settings,
    origins: dict[str, str],
    *,
    must_choose: bool,
    subtitles: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """`mrvideo ask`."""
    check_question(question, options or None, must_choose=must_choose)
    if Path(path).is_dir():
        raise QuestionError(f"{path} is a folder; ask one video file at a time")
    with ProgressBars(quiet=quiet) as bars:
        budget = budget_of(settings)
        index = index_for_question(path, settings, origins, on_event=bars, subtitles=subtitles, budget=budget)
        answer = Video(index, settings, budget).ask(
            question, options or None, must_choose=must_choose, on_event=bars
        )
    if as_json:
        _print_json(answer.model_dump())
    else:
        print_answer(answer)
    return 0 if answer.answer is not None or answer.choice is not None else 1


def print_answer(answer: Answer) -> None:
    """An answer for people: what, how sure, on what evidence, and what was not seen."""
    out = _out()
    out.print(Text(plain(answer.told), style="bold"))
    marks = [f"confidence {answer.confidence} of 5"]
    if answer.answer is not None or answer.choice is not None:
        marks.append(answer.checks)
    if answer.guessed:
        marks.append("a guess: a choice was demanded")
    out.print(", ".join(marks))
    for evidence in answer.evidence:
        out.print(f"  {evidence.span}  {evidence.source}: {plain(evidence.quote)}")
    for moment in answer.nearest:
        out.print(f"  closest: {moment.span}  {moment.source}: {plain(moment.quote)}")
    for unseen in answer.unseen:
        out.print(f"  not seen: {unseen.span}: {plain(unseen.reason)}")
    if answer.searched and (answer.unseen or not answer.evidence):
        out.print(f"searched: {plain(answer.searched)}")
    usage = spent(answer.usage)
    if usage and answer.models.get("vision") != "offline":
        out.print(usage)


# search, show, status, export ----------------------------------------------------------------


def search_words(words: str, video: str | None, limit: int, settings: Settings, *, as_json: bool) -> int:
    """`mrvideo search`."""
    if not words.strip():
        raise QuestionError("no words to search for; give some, in quotes")
    if video is not None:
        hits = load(video, settings=settings).search(words, limit=limit)
    else:
        hits = search_library(words, settings, limit=limit)
    if as_json:
        _print_json({"words": words, "hits": [hit.model_dump() for hit in hits]})
    else:
        for hit in hits:
            _out().print(f"{plain(hit.video)}  {hit.span}  {hit.source}: {plain(hit.text)}")
        if not hits:
            _out().print(f"nothing holds {plain(words)!r}")
    return 0 if hits else 1


def show_video(path: str, parts: Sequence[str], settings: Settings, *, as_json: bool) -> int:
    """`mrvideo show`."""
    index = load(path, settings=settings).index
    if as_json:
        _print_json({"video": index.video.model_dump(), **index.model_dump(include=set(parts))})
        return 0
    out = _out()
    if "scenes" in parts:
        for scene in index.scenes:
            out.print(f"{scene.span}  {plain(scene.brief)}")
            out.print(f"    {plain(scene.detailed)}")
    if "entities" in parts:
        for entity in index.entities:
            name = f"{entity.name} ({entity.display_name})" if entity.display_name else entity.name
            out.print(f"{plain(name)}  {plain(entity.description)}  in {len(entity.scene_indexes)} scenes")
        if not index.entities:
            out.print("no entities")
    if "cues" in parts:
        for cue in index.cues:
            who = f"{cue.speaker}: " if cue.speaker else ""
            out.print(f"{cue.span}  {plain(who + cue.text)}")
        if not index.cues:
            out.print("no cues")
    return 0


def video_status(path: str, settings: Settings, *, as_json: bool) -> int:
    """`mrvideo status`."""
    video = load(path, settings=settings)
    index = video.index
    answers = video.answers()
    if as_json:
        _print_json({**_index_summary(index), "created_at": index.created_at, "answers": len(answers)})
    else:
        out = _out()
        out.print("\n".join(_index_lines(index)))
        made = index.settings
        out.print(
            f"  indexed {index.created_at} with {made.get('vision', '?')}, recipe {made.get('recipe', '?')}"
        )
        out.print(f"  {len(answers)} answers kept")
    return 1 if index.failures else 0


def export_video(path: str, format_name: str, output: Path | None, settings: Settings) -> int:
    """`mrvideo export`."""
    if format_name not in (*FORMATS, PAPER_FORMAT):
        raise InputError(f"no format {format_name!r}; there are {', '.join((*FORMATS, PAPER_FORMAT))}")
    index = load(path, settings=settings).index
    for kept in (Path(index.video.path), settings.library):
        if output is not None and output.exists() and kept.exists() and output.samefile(kept):
            raise InputError(f"{output} would be overwritten by its own export; name another file")
    if format_name == PAPER_FORMAT:
        from mrvideo.evals.released import export_released

        text = json.dumps(export_released(index), ensure_ascii=False, indent=2) + "\n"
    else:
        text = export_index(index, cast("Format", format_name))
    if output is None:
        print(text, end="")  # noqa: T201
        return 0
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}; name a writable file") from error
    return 0


def chat_with(videos: Sequence[str], settings: Settings, *, name: str, max_steps: int) -> int:
    """`mrvideo chat`: one message a line on stdin, the agent's turns on stdout; ends with the input."""
    from mrvideo.tools.chat import Chat

    known = [load(video, settings=settings).info.path for video in videos]
    chat = Chat(
        known, settings, name=name, checkpoints=settings.library.parent / "chats.db", max_steps=max_steps
    )
    out = _out()
    prompt = Console(stderr=True, highlight=False, markup=False)
    prompt.print(f"talking about {', '.join(plain(path) for path in known)}; an empty line or Ctrl-D ends it")
    while True:
        if sys.stdin.isatty():
            prompt.print("> ", end="")
        message = sys.stdin.readline().strip()
        if not message:
            return 0
        turn = chat.send(message)
        out.print(plain(turn.text))
        for evidence in turn.evidence:
            out.print(f"  {evidence.span}  {evidence.source}: {plain(evidence.quote)}")


def serve_mcp(settings: Settings, roots: Sequence[Path], *, http: bool, host: str, port: int) -> int:
    """`mrvideo mcp`: nothing but the protocol goes to stdout."""
    try:
        from mrvideo.tools.mcp import serve
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"serving tools needs: pip install 'mrvideo[tools]' ({error.name} is missing)"
        ) from error
    serve(settings, roots, http=http, host=host, port=port)
    return 0


def estimate_video(path: str, settings: Settings, *, as_json: bool) -> int:
    """`mrvideo estimate`."""
    found = estimate_index(path, settings)
    if as_json:
        _print_json(found.model_dump())
        return 0
    out = _out()
    out.print(
        f"{plain(path)}: {clock(found.video.duration_seconds)} long; vision {found.vision}, text {found.text}"
    )
    for recipe, stages in found.recipes.items():
        _print_table(_cost_table(f"index, recipe {recipe}", list(stages.values()), passes=True))
    _print_table(_cost_table("one question, by effort", list(found.question.values()), passes=False))
    out.print(f"assumed: {found.assumptions}")
    if found.note:
        out.print(found.note)
    return 0


def _cost_table(title: str, rows: list[StageCost], *, passes: bool) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    headings = ["stage", "calls", "images", "tokens in", "tokens out", "cost"]
    for heading in headings[:3] + (["passes"] if passes else []) + headings[3:]:
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for row in rows:
        money = "unknown" if row.cost is None else f"${row.cost:.4f}"
        cells = [row.stage, f"{row.calls:,}", f"{row.images:,}"]
        cells += [f"{row.passes:.2f}"] if passes else []
        table.add_row(*cells, f"{row.input_tokens:,}", f"{row.output_tokens:,}", money)
    return table


def show_settings(settings: Settings, origins: dict[str, str], *, as_json: bool) -> int:
    """`mrvideo config show`. A key is shown as set or not, never itself."""
    values = {name: str(value) if isinstance(value, Path) else value for name, value in settings}
    values["api_key"] = None if settings.api_key is None else "(set)"
    if as_json:
        _print_json({name: {"value": values[name], "from": origins[name]} for name in values})
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("setting", "value", "from"):
        table.add_column(heading)
    for name, value in values.items():
        table.add_row(name, Text("" if value is None else str(value)), Text(origins[name]))
    _print_table(table)
    return 0
