"""What the library holds: `list`, `search`, `show`, `status`, `export` and `rm`. No model is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from mrvideo.cli.index import index_lines, index_summary
from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag, VideoArgument
from mrvideo.cli.output import json_text, print_json, print_json_text, print_lines, print_table, print_text
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.errors import InputError, QuestionError
from mrvideo.files import absolute
from mrvideo.records import Index, Notice, clock
from mrvideo.settings import Settings
from mrvideo.wording import counted, plain, printable

PAPER_FORMAT = "mrvideo-paper"
"""The shape of the paper's released captions: list of {t_start, t_end, caption}."""
HTML_FORMAT = "html"
"""One page that needs nothing else."""
EXPORT_FORMATS = ("json", "jsonl", "srt", "vtt", "md", HTML_FORMAT, PAPER_FORMAT)
_JSON_FORMATS = ("json", "jsonl", PAPER_FORMAT)

_DIGEST_DIGITS = 12


def list_videos(settings: Settings, as_json: JsonFlag = False) -> int:
    """List the videos in the library."""
    from mrvideo.session.keeping import kept_videos

    kept = kept_videos(settings)
    if as_json:
        print_json({"library": str(settings.library), "videos": [one.model_dump() for one in kept]})
    elif kept:
        rows = [
            (
                one.video.digest[:_DIGEST_DIGITS],
                clock(one.video.duration_seconds),
                str(one.scenes) if one.indexed_at else "begun",
                str(one.failures),
                str(one.answers),
                plain(one.video.path),
            )
            for one in kept
        ]
        print_table(("digest", "length", "scenes", "failures", "answers", "video"), rows)
    else:
        print_lines([f"no videos in {settings.library}"])
    return DONE


def search(
    words: Annotated[str, typer.Argument(metavar="WORDS", help="Words to look for, in quotes.")],
    settings: Settings,
    video: Annotated[str | None, typer.Option(metavar="VIDEO", help="Search this video alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Results at most.")] = 20,
    as_json: JsonFlag = False,
) -> int:
    """Search captions, speech and text on screen for exact words.

    A hit is a line that holds them. For moments that fit a description, however it is worded, see `mrvideo
    find`. Exit code 1 when nothing is found.
    """
    if not words.strip():
        raise QuestionError("no words to search for; give some, in quotes")

    from mrvideo.api import load
    from mrvideo.session.searching import search_library

    if video is not None:
        hits = load(video, settings=settings).search(words, limit=limit)
    else:
        hits = search_library(words, settings, limit=limit)
    if as_json:
        print_json({"words": words, "hits": [hit.model_dump() for hit in hits]})
    else:
        print_lines(f"{plain(hit.video)}  {hit.span}  {hit.source}: {plain(hit.text)}" for hit in hits)
        if not hits:
            print_lines([f"nothing found for {plain(words)!r}"])
    return DONE if hits else FAILURES


def show(
    video: VideoArgument,
    settings: Settings,
    scenes: Annotated[bool, typer.Option("--scenes", help="The scenes; the default.")] = False,
    entities: Annotated[bool, typer.Option("--entities", help="The characters.")] = False,
    cues: Annotated[bool, typer.Option("--cues", help="Speech and subtitles.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Show the scenes, characters or speech of a video; by default, of one that was only read, a page of what
    was read and heard.
    """
    from mrvideo.session.counting import is_offline
    from mrvideo.session.loading import load_index
    from mrvideo.session.origins import CUES_FROM, not_its_own, told_origin

    index = load_index(video, settings)
    with progress() as on_event:
        if line := not_its_own(index, settings):
            on_event(Notice(text=line))
        elif cues and (origin := told_origin(index.cues, index.settings, index.video.path)):
            on_event(Notice(text=f"cues from {origin}"))
    parts = [name for name, on in (("scenes", scenes), ("entities", entities), ("cues", cues)) if on]
    if not (parts or as_json) and is_offline(index):
        from mrvideo.models.offline.page import page

        print_lines([plain(index.video.path), *(printable(line).rstrip() for line in page(index))])
        return DONE
    parts = parts or ["scenes"]
    if as_json:
        told = {CUES_FROM: index.settings.get(CUES_FROM)} if cues else {}
        whole = index.video.model_copy(update={"path": absolute(index.video.path)})
        print_json({"video": whole.model_dump(), **index.model_dump(include=set(parts)), **told})
        return DONE
    for part in parts:
        lines = {"scenes": _scene_lines, "entities": entity_lines, "cues": _cue_lines}[part](index)
        print_lines(lines or [f"no {part}"])
    return DONE


def _scene_lines(index: Index) -> list[str]:
    lines: list[str] = []
    for scene in index.scenes:
        lines.append(f"{scene.span}  {plain(scene.brief)}")
        for part in scene.parts:
            when = f"{part.span}  " if len(scene.parts) > 1 else ""
            lines.append(f"    {when}{plain(part.text)}")
    return lines


def entity_lines(index: Index) -> list[str]:
    """The cast, a line for each."""
    lines: list[str] = []
    for entity in index.entities:
        name = f"{entity.name} ({entity.display_name})" if entity.display_name else entity.name
        scenes = counted(len(entity.scene_indexes), "scene")
        lines.append(f"{plain(name)}  {plain(entity.description)}  in {scenes}")
    return lines


def _cue_lines(index: Index) -> list[str]:
    return [
        f"{cue.span}  {plain(f'{cue.speaker}: {cue.text}' if cue.speaker else cue.text)}"
        for cue in index.cues
    ]


def status(video: VideoArgument, settings: Settings, as_json: JsonFlag = False) -> int:
    """Show how much of a video is indexed, and which spans failed and why.

    Exit code 1 when a span failed.
    """
    from mrvideo.session.loading import load_index
    from mrvideo.session.searching import answers_of

    index = load_index(video, settings)
    answers = answers_of(index.video.digest, settings)
    if as_json:
        print_json({**index_summary(index), "created_at": index.created_at, "answers": len(answers)})
    else:
        made = index.settings
        print_lines(index_lines(index))
        print_lines(
            [
                f"  indexed {index.created_at} with {made.get('vision', '?')}, recipe {made.get('recipe', '?')}",
                f"  {counted(len(answers), 'answer')} kept",
            ]
        )
    return FAILURES if index.failures else DONE


def export(
    video: VideoArgument,
    format_name: Annotated[
        str, typer.Option("--format", metavar="|".join(EXPORT_FORMATS), help="The format to write.")
    ],
    settings: Settings,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write. Default: stdout.")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(metavar="N", help="html: frames inside the page, at most; default 60.")
    ] = None,
    link_video: Annotated[
        bool, typer.Option("--link-video", help="html: play the video's file, by its path relative to FILE.")
    ] = False,
) -> int:
    """Write the index of a video in another format.

    `html` is one page with captions, cast, chapters that are kept, speech and what was not seen: it opens as
    a file, and loads nothing from elsewhere.
    """
    if format_name not in EXPORT_FORMATS:
        raise InputError(f"no format {format_name!r}; there are {', '.join(EXPORT_FORMATS)}")
    if format_name != HTML_FORMAT and (pictures is not None or link_video):
        raise InputError(f"--pictures and --link-video are for --format html, not for {format_name}")
    if link_video and output is None:
        raise InputError("--link-video needs --output: the video's path is relative to that file")

    from mrvideo.session.loading import load_index
    from mrvideo.session.paging import check_page, write_page

    index = load_index(video, settings)
    if output is not None:
        check_page(output, settings, video=index.video.path)
    if format_name == HTML_FORMAT:
        text = _page(index, settings, output, pictures=pictures, link_video=link_video)
    else:
        text = _exported(index, format_name)
    if output is None:
        (print_json_text if format_name in _JSON_FORMATS else print_text)(text)
    else:
        write_page(output, text)
    return DONE


def _page(
    index: Index, settings: Settings, output: Path | None, *, pictures: int | None, link_video: bool
) -> str:
    from mrvideo.session.paging import DEFAULT_PICTURES, film_linked, page_of_index

    return page_of_index(
        index,
        settings,
        most_pictures=DEFAULT_PICTURES if pictures is None else pictures,
        film=film_linked(output, index.video.path, link_video=link_video),
    )


def _exported(index: Index, format_name: str) -> str:
    if format_name == PAPER_FORMAT:
        from mrvideo.evals.released import export_released

        return json_text(export_released(index))
    from mrvideo.session.exporting import Format, export_index

    return export_index(index, cast("Format", format_name))


def rm(
    videos: Annotated[
        list[str], typer.Argument(metavar="VIDEO", help="Video files, or the start of their digests.")
    ],
    settings: Settings,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Remove videos from the library. The video files stay.

    Says first what goes. Replies of models are kept by request and stay, so that indexing again calls no
    model twice.
    """
    from mrvideo.session.keeping import kept_video, remove_video

    # All are found before any is removed: a slip in the last name must not cost the first.
    found = {one.video.digest: one for one in (kept_video(name, settings) for name in videos)}
    lines = [
        f"{plain(one.video.path)} ({digest[:_DIGEST_DIGITS]}): "
        + ", ".join(
            (
                counted(one.indexes, "index", "indexes"),
                counted(one.scenes, "scene"),
                counted(one.cues, "cue"),
                counted(one.parts, "finished part"),
                counted(one.answers, "answer"),
            )
        )
        for digest, one in found.items()
    ]
    if not yes:
        _confirm(lines, settings.library)
    with progress() as on_event:
        for digest in found:
            remove_video(digest, settings, on_event=on_event)
    if as_json:
        print_json(
            {"library": str(settings.library), "removed": [one.model_dump() for one in found.values()]}
        )
    else:
        print_lines(f"removed {line}" for line in lines)
    return DONE


def _confirm(lines: list[str], library: Path) -> None:
    """Ask on the terminal. Raises `InputError` where nobody can answer, or the answer is no."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise InputError(f"nothing was removed; say --yes to remove from {library}: {'; '.join(lines)}")
    for line in lines:
        typer.echo(line, err=True)
    if not typer.confirm(f"Remove from {library}? The video files stay.", err=True):
        raise InputError("nothing was removed")
