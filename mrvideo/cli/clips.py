"""`mrvideo clips`: spans of a video as files: clips, a film of highlights, GIFs, pictures, edit lists."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_lines
from mrvideo.cli.spans import span_of
from mrvideo.cli.streams import DONE
from mrvideo.errors import InputError
from mrvideo.records import Span
from mrvideo.settings import Settings

if TYPE_CHECKING:
    from mrvideo.records import EventSink
    from mrvideo.session.cutting import ClipFormat, ToCut, WrittenClip

SETTINGS = (
    "vision", "text", "embed", "embed_text", "base_url", "preset",
    "reader", "allow_url", "allow_private",
    "max_cost", "max_tokens", "concurrency", "max_images", "context_tokens", "max_output_tokens",
    "library", "fresh", "record",
)  # fmt: skip

_FORMATS = ("mp4", "gif", "edl", "otio", "llc")


def clips(
    settings: Settings,
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VIDEO [SPAN…]",
            help="A video, indexed or not, and what to cut of it: 1:47-1:50, or in seconds, 107-110. With --answer, the video may be left out.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where the files go; made where it is missing."
        ),
    ] = None,
    answer: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Cut what an answer cites or a find found: what ask --json or find --json printed; - for stdin.",
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option("--find", metavar="QUERY", help="Cut the moments of an indexed video that fit this."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="With --find: moments at most.")] = 10,
    pad: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Longer at both ends. Default: 0; 1 for what an answer or a find names."
        ),
    ] = None,
    join: Annotated[bool, typer.Option("--join", help="One film of all spans, highlights.mp4.")] = False,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", help="Instead of clips, N pictures of each span, evenly spread, as JPEG."),
    ] = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(_FORMATS),
            help="gif: at most 480 pixels, 10 pictures a second, 300 in all. edl (CMX 3600), otio (OpenTimelineIO), llc (LosslessCut): "
            "a list for an editing program.",
        ),
    ] = "mp4",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Cut spans of a video into files.

    Exact to the frame: pictures are copied where a span begins at a key frame and ends where nothing later is
    needed, else encoded anew; sound is kept and cut to the sample. Names sort in the order of the spans. No
    file is replaced without --force.
    """
    from mrvideo.session.cutting import Way, write_clips

    if folder is None:
        raise InputError("where to? name a folder with -o FOLDER")
    places, spans = (where or [])[:1], (where or [])[1:]
    sources = [name for name, given in (("spans", spans), ("--answer", answer), ("--find", query)) if given]
    if len(sources) != 1:
        told = " and ".join(sources) or "nothing"
        raise InputError(f"{told} to cut from; give spans, --answer FILE or --find QUERY")
    if not places and answer is None:
        raise InputError("no video; give a video file first")
    asked = [span_of(text) for text in spans]
    way = Way(format=cast("ClipFormat", format_name), join=join, frames=frames, overwrite=force)
    with progress() as on_event:
        wanted = _wanted(
            places[0] if places else None,
            asked,
            answer,
            query,
            top,
            pad,
            frames is not None,
            settings,
            on_event,
        )
        written = write_clips(wanted, folder, settings, way, on_event=on_event)
    show_written(written, as_json=as_json)
    return DONE


def _wanted(
    place: str | None,
    asked: list[Span],
    answer: str | None,
    query: str | None,
    top: int,
    pad: float | None,
    instants: bool,
    settings: Settings,
    on_event: EventSink,
) -> list[ToCut]:
    from mrvideo.session.cutting import (
        PADDED_SECONDS,
        read_told,
        spans_found,
        spans_told,
        to_cut,
        told_to_cut,
        video_named,
    )

    wide = PADDED_SECONDS if pad is None else pad
    if query is not None:
        from mrvideo.session.finding import start_finding
        from mrvideo.session.loading import load_index

        index = load_index(str(place), settings)
        finding = start_finding([index], query, settings, top=top, on_event=on_event)
        try:
            found = finding.result()
        except BaseException:
            finding.cancel()
            raise
        told = spans_found(found, name=f"the search for {query[:60]!r}")
        return told_to_cut(
            told, settings, video=index.video, pad_seconds=wide, instants=instants, on_event=on_event
        )
    if answer is not None:
        text = sys.stdin.read() if answer == "-" else read_told(Path(answer))
        told = spans_told(text, name="stdin" if answer == "-" else answer)
        video = None if place is None else video_named(place, settings)
        return told_to_cut(
            told, settings, video=video, pad_seconds=wide, instants=instants, on_event=on_event
        )
    return [
        to_cut(
            video_named(str(place), settings),
            asked,
            pad_seconds=pad or 0.0,
            instants=instants,
            on_event=on_event,
        )
    ]


def show_written(written: list[WrittenClip], *, as_json: bool) -> None:
    """Print what was written, a line each."""
    if as_json:
        print_json({"files": [one.model_dump() for one in written]})
        return
    for one in written:
        first = one.spans[0]
        told = str(first) if len(one.spans) == 1 else f"{len(one.spans)} spans"
        if first.duration_seconds == 0:
            told = str(first).partition("–")[0]
        print_lines([f"{one.path}  {told}{'  copied' if one.copied else ''}"])
