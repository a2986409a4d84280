"""`summarise`, `chapters` and `story`: what an index comes to, every sentence with its spans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag, VideoArgument
from mrvideo.cli.output import print_json, print_lines, print_text
from mrvideo.cli.spans import span_of
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.errors import InputError
from mrvideo.files import absolute
from mrvideo.records import GivenChapter, Notice
from mrvideo.settings import Settings
from mrvideo.wording import counted

if TYPE_CHECKING:
    from mrvideo.memory.tree import Node

SETTINGS = ("text", "vision", "base_url", "preset", "library", "fresh", "max_cost", "max_tokens")
CHAPTER_SETTINGS = (*SETTINGS, "allow_url", "allow_private")
_LENGTHS = ("short", "page", "long")
_FORMATS = ("text", "json", "vtt", "youtube", "ffmetadata")


def summarise(
    video: VideoArgument,
    settings: Settings,
    length: Annotated[str, typer.Option(metavar="|".join(_LENGTHS), help="How much.")] = "page",
    about: Annotated[
        str, typer.Option(metavar="TEXT", help="About somebody or something: 'what Mara does'.")
    ] = "",
    within: Annotated[str | None, typer.Option(metavar="SPAN", help="Of this span: 10:00-20:00.")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="As numbered steps of what is shown.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Sum up an indexed video. Every sentence names the spans that bear it out.

    The chapters that it is read from are written once, by the text model; without a model, of what was read
    and heard.
    """
    from mrvideo.session.loading import load_index
    from mrvideo.session.telling import summarise as told_of

    if length not in _LENGTHS:
        raise InputError(f"--length {length}: must be one of {', '.join(_LENGTHS)}")
    span = None if within is None else span_of(within)
    index = load_index(video, settings)
    with progress() as on_event:
        told = told_of(
            index, settings, length=length, about=about, within=span, steps=steps,
            on_event=on_event,
        )  # fmt: skip
    if as_json:
        print_json(told.model_dump())
    elif steps:
        lines = [s for section in told.sections for s in section.sentences]
        print_lines(
            f"{n}. {one.text}  [{', '.join(map(str, one.spans[:3]))}]" for n, one in enumerate(lines, 1)
        )
    else:
        print_text(f"{told}\n")
    return DONE if any(section.sentences for section in told.sections) else FAILURES


def story(video: VideoArgument, settings: Settings, as_json: JsonFlag = False) -> int:
    """Tell an indexed video as one story of pictures, texts and speech, every sentence with its spans."""
    from mrvideo.session.loading import load_index
    from mrvideo.session.telling import story as told_of

    index = load_index(video, settings)
    with progress() as on_event:
        told = told_of(index, settings, on_event=on_event)
    if as_json:
        print_json(told.model_dump())
    else:
        print_text(f"{told}\n")
    return DONE if any(section.sentences for section in told.sections) else FAILURES


def chapters(
    video: VideoArgument,
    settings: Settings,
    format_name: Annotated[
        str, typer.Option("--format", metavar="|".join(_FORMATS), help="How they are written.")
    ] = "text",
    every: Annotated[
        bool, typer.Option("--all", help="Every chapter of a long video, not the parts above.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a copy of the video with the chapters inside."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make chapters also of a video that brings its own.")
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """List the chapters of an indexed video: as text, JSON, WebVTT, lines for YouTube, or FFmpeg metadata.

    Those that its file or its page brings are listed, and kept by --write; with --replace, and of other
    videos, those that are made of what was seen, read and heard.
    """
    from mrvideo.memory.views import ChapterFormat, chapters_text
    from mrvideo.session.loading import load_index
    from mrvideo.session.telling import brought_chapters, copy_with_chapters
    from mrvideo.session.telling import chapters as chapters_of

    if format_name not in _FORMATS:
        raise InputError(f"--format {format_name}: must be one of {', '.join(_FORMATS)}")
    index = load_index(video, settings)
    origin, brought = brought_chapters(index, settings)
    chosen: tuple[Node | GivenChapter, ...] = brought
    with progress() as on_event:
        if replace or not brought:
            chosen = chapters_of(index, settings, every=every, on_event=on_event)
        if brought:
            on_event(Notice(text=_brought(index.video.path, origin, len(brought), replace=replace)))
        if write is not None:
            copy_with_chapters(index, chosen, write, settings)
            on_event(Notice(text=f"{write} is written, with {counted(len(chosen), 'chapter')}"))
    if as_json or format_name == "json":
        told = "made" if replace or not brought else origin
        rows = [chapter.model_dump() for chapter in chosen]
        print_json({"video": absolute(index.video.path), "origin": told, "chapters": rows})
    else:
        print_text(chapters_text(index, chosen, cast("ChapterFormat", format_name)))
    return DONE if chosen else FAILURES


def _brought(path: str, origin: str, count: int, *, replace: bool) -> str:
    whose = "its own" if origin == "file" else "the page that it is from"
    what = f"{path} has {counted(count, 'chapter')} of {whose}"
    return f"{what}, in the place of which are these" if replace else f"{what}; --replace makes others"
