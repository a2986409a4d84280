"""`mrvideo index`: caption videos and keep the result."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import FETCHING, JsonFlag, SubtitlesOption
from mrvideo.cli.output import print_json, print_lines
from mrvideo.cli.streams import BAD_INPUT, DONE, FAILURES
from mrvideo.errors import InputError, VideoError
from mrvideo.files import absolute, is_folder
from mrvideo.records import (
    Event,
    EventSink,
    Index,
    Notice,
    PageInfo,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Usage,
    clock,
    may_yet_end_well,
)
from mrvideo.settings import Settings
from mrvideo.wording import counted, is_url, plain, stage_label, without_secrets

if TYPE_CHECKING:
    from mrvideo.models import Budget

SETTINGS = (
    "vision", "text", "speech", "embed", "embed_text", "recipe", "detail", "base_url", "preset", "engine_args", "engine_seconds",
    "reader", "keyframes_only", "language", "cast", *FETCHING,
    "max_cost", "max_tokens", "concurrency", "max_images", "context_tokens", "max_output_tokens", "workers", "cluster",
    "library", "fresh", "record",
)  # fmt: skip

_LOST = {"pictures": "not seen", "sound": "not heard", "names": "not named", "borders": "not joined"}


def index(
    videos: Annotated[
        list[str], typer.Argument(metavar="VIDEO", help="Video files, folders of them, or addresses.")
    ],
    settings: Settings,
    subtitles: SubtitlesOption = None,
    as_json: JsonFlag = False,
) -> int:
    """Caption videos, match their characters, and keep the result.

    What is kept already is not done again. A single video must be readable; of several, those that are not
    are listed, and the rest is indexed. Exit code 1 when a span of a video could not be captioned.
    """
    from mrvideo.session.models import budget_of

    named, sounds = expand(videos)
    if sounds:
        with progress() as on_event:
            told = f"{counted(len(sounds), 'file')} with sound alone, not indexed: {_some(sounds)}"
            on_event(Notice(text=told))
    paths, unreached = _fetched(named, settings)
    if subtitles is not None and len(paths) > 1:
        raise InputError(
            f"--subtitles names one file, but there are {len(paths)} videos; index them one by one"
        )
    budget = budget_of(settings)
    if len(paths) == 1 and not unreached:
        done, broken = [_index_one(paths[0], settings, subtitles, budget)], []
    else:
        done, broken = _index_many(paths, settings, budget)
        broken = [*unreached, *broken]
    usage = sum((one.usage for one in done), Usage())
    if as_json:
        print_json(
            {
                "videos": [one.summary for one in done],
                "broken": [{"video": absolute(path), "reason": reason} for path, reason in broken],
                "usage": usage.model_dump(),
            }
        )
    else:
        print_lines(line for one in done for line in one.lines)
        print_lines(f"not indexed: {plain(path)}: {plain(reason)}" for path, reason in broken)
    if not done:
        return BAD_INPUT
    return FAILURES if broken or any(one.summary["failures"] for one in done) else DONE


def _fetched(paths: Sequence[str], settings: Settings) -> tuple[list[str], list[tuple[str, str]]]:
    """The paths, with the videos of web pages in their place, and what could not be fetched of several."""
    from mrvideo.session.fetching import fetched_videos, is_incomplete

    found: list[str] = []
    broken: list[tuple[str, str]] = []
    for path in paths:
        if not is_url(path):
            found.append(path)
            continue
        try:
            with progress() as on_event:
                found += fetched_videos(path, settings, on_event)
            if is_incomplete(path, settings):
                broken.append((without_secrets(path), "not all of its videos; the same command tries again"))
        except VideoError as error:
            if len(paths) == 1:
                raise
            broken.append((without_secrets(path), str(error)))
    return list(dict.fromkeys(found)), broken


def expand(videos: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files as they are; a folder as the video files below it, sorted; and the sound files below folders, which
    are left out. Links that lead nowhere and pipes are among the videos: whoever opens one says what it is.

    Raises `InputError` for a folder without any.
    """
    from mrvideo.media.sources import SOUND_SUFFIXES, VIDEO_SUFFIXES

    paths: list[str] = []
    sounds: list[str] = []
    for name in videos:
        folder = Path(name)
        if not is_folder(folder):
            paths.append(name)
            continue
        files = sorted(path for path in folder.rglob("*") if not is_folder(path))
        inside = [str(path) for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
        if not inside:
            raise InputError(
                f"{name} is a folder without videos; name a video file, or a folder that holds some"
            )
        paths += inside
        sounds += [str(path) for path in files if path.suffix.lower() in SOUND_SUFFIXES]
    return list(dict.fromkeys(paths)), list(dict.fromkeys(sounds))


def _some(paths: Sequence[str], most: int = 3) -> str:
    """The first few of them, by name."""
    return ", ".join([*(Path(path).name for path in paths[:most]), *(["…"] if len(paths) > most else [])])


@dataclass(frozen=True)
class _Indexed:
    """What is printed of an index. The indexes of a whole folder would fill the memory."""

    summary: dict[str, Any]
    lines: list[str]
    usage: Usage

    @classmethod
    def of(cls, index: Index) -> _Indexed:
        return cls(index_summary(index), index_lines(index), index.usage)


def _index_one(path: str, settings: Settings, subtitles: Path | None, budget: Budget) -> _Indexed:
    from mrvideo.session.indexing import index_video

    with progress() as on_event:
        return _Indexed.of(index_video(path, settings, subtitles=subtitles, on_event=on_event, budget=budget))


def _index_many(
    paths: Sequence[str], settings: Settings, budget: Budget
) -> tuple[list[_Indexed], list[tuple[str, str]]]:
    """Index many videos under one budget, with one progress bar."""
    from mrvideo.session.indexing import TO_HEAR, index_video

    done: list[_Indexed] = []
    broken: list[tuple[str, str]] = []
    unheard: list[str] = []
    with progress() as on_event:
        on_event(StageStarted(stage="videos", total=len(paths)))
        try:
            for path in paths:
                told = _as_one_stage(on_event, path, unheard)
                try:
                    done.append(_Indexed.of(index_video(path, settings, on_event=told, budget=budget)))
                except VideoError as error:
                    broken.append((without_secrets(path), str(error)))
                on_event(StageAdvanced(stage="videos"))
        finally:
            # Also of a run that stops at its bound.
            if unheard:
                which = f"{counted(len(unheard), 'video')} of {len(paths)} ({_some(unheard)})"
                what = "without subtitles, and with sound that is not transcribed"
                on_event(Notice(text=f"{which} {what}; {TO_HEAR}"))
        on_event(StageFinished(stage="videos"))
    return done, broken


def _as_one_stage(on_event: EventSink, path: str, unheard: list[str]) -> EventSink:
    """Reduce one video's events to usage and notices. That its sound is not heard is noted, to be told once of
    all.
    """
    from mrvideo.session.indexing import UNHEARD

    def tell(event: Event) -> None:
        if isinstance(event, StageAdvanced):
            on_event(StageAdvanced(stage="videos", done=0, usage=event.usage))
        elif isinstance(event, Notice) and event.text == UNHEARD:
            unheard.append(without_secrets(path))
        elif isinstance(event, Notice):
            on_event(event)

    return tell


def index_summary(index: Index) -> dict[str, Any]:
    """What `index` and `status` print as JSON."""
    return {
        "video": absolute(index.video.path),
        "digest": index.video.digest,
        "duration_seconds": index.video.duration_seconds,
        **({} if index.video.page is None else {"page": index.video.page.model_dump()}),
        "scenes": len(index.scenes),
        "entities": len(index.entities),
        "cues": len(index.cues),
        "shots": len(index.shots),
        "failures": [failure.model_dump() for failure in index.failures],
        "settings": index.settings,
        "usage": index.usage.model_dump(),
    }


def page_line(page: PageInfo) -> str:
    """Where a video is from, in one line for people."""
    told = [page.title, page.uploader or "", page.uploaded or ""]
    chapters = counted(len(page.chapters), "chapter") if page.chapters else ""
    return ", ".join(part for part in (*map(plain, told), chapters, plain(page.address)) if part)


def index_lines(index: Index) -> list[str]:
    """What `index` and `status` print for people."""
    from mrvideo.session.counting import entities_told
    from mrvideo.session.origins import told_origin

    origin = told_origin(index.cues, index.settings, index.video.path)
    counts = (
        counted(len(index.scenes), "scene"),
        entities_told(index),
        counted(len(index.cues), "cue") + ("" if origin is None else f" from {plain(origin)}"),
        counted(len(index.shots), "shot"),
    )
    path = plain(index.video.path)
    lines = [f"{path}: {clock(index.video.duration_seconds)} long, {', '.join(counts)}"]
    if index.video.page is not None:
        lines.append(f"  from {page_line(index.video.page)}")
    lines += [
        f"  {_LOST[failure.hides]}: {failure.span} ({stage_label(failure.stage)}): {plain(failure.reason)}"
        for failure in index.failures
    ]
    if may_yet_end_well(index.failures):
        lines.append(f"  run mrvideo index {shlex.quote(path)} again to retry what failed")
    return lines
