"""`mrvideo find`: the moments of one video, a folder's, or the whole library that fit a description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_lines
from mrvideo.cli.spans import span_of
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.display.stages import spent
from mrvideo.errors import InputError, MrVideoError, QuestionError
from mrvideo.files import is_folder
from mrvideo.records import Found, Moment
from mrvideo.settings import Settings
from mrvideo.wording import counted, plain

SETTINGS = (
    "vision", "text", "embed", "embed_text", "base_url", "preset",
    "reader", "allow_url", "allow_private",
    "max_cost", "max_tokens", "concurrency", "max_images", "context_tokens", "max_output_tokens",
    "library", "fresh", "record",
)  # fmt: skip

_SOURCES = {
    "caption": "captions",
    "text": "text on screen",
    "speech": "speech",
    "picture": "pictures",
    "meaning": "meanings of texts",
}


def find(
    where: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VIDEO|FOLDER QUERY",
            help="An indexed video, or a folder of some, and what to find, in quotes. With --all, the query alone.",
        ),
    ],
    settings: Settings,
    everywhere: Annotated[bool, typer.Option("--all", help="Find in all videos of the library.")] = False,
    within: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Only there: 10:00-20:00, or in seconds, 600-1200.")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE", help="A picture that the moment looks like; the query may then be left out."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Moments at most.")] = 10,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm", help="Let the vision model look at each, and drop what is not there. A call each."
        ),
    ] = False,
    save_frames: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write a picture of each moment, the best first by name."),
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Find the moments that fit a description.

    What was seen, read on screen and said meets on time: a moment that several tell comes first. Words are
    found in all their forms (plurals, harb*, misspellings). For the lines that hold exact words see `mrvideo
    search`. Exit code 1 when nothing is above chance.
    """
    place, query = _asked(where or [], everywhere=everywhere, pictured=like is not None)
    picture = None if like is None else str(like)
    span = None if within is None else span_of(within)

    from mrvideo.session.finding import check_finding, library_indexes, start_finding
    from mrvideo.session.loading import load_index
    from mrvideo.session.thumbnails import save_thumbnails

    check_finding(query, top, confirm, settings, like=picture)
    with progress() as on_event:
        if place is None:
            indexes = library_indexes(settings)
        elif is_folder(place):
            indexes = library_indexes(settings, folder=place)
        else:
            indexes = (load_index(place, settings),)
        finding = start_finding(
            indexes,
            query,
            settings,
            like=picture,
            top=top,
            within=span,
            confirm=confirm,
            on_event=on_event,
        )
        try:
            found = finding.result()
        except BaseException:
            finding.cancel()
            raise
        problem: MrVideoError | None = None
        if save_frames is not None:
            try:
                found = save_thumbnails(found, indexes, save_frames, settings, on_event)
            except MrVideoError as error:
                problem = error  # Told after the moments: looking at them may have been paid for.
    if as_json:
        print_json(found.model_dump())
    else:
        print_lines(_lines(found, named=place is None or is_folder(place)))
    if problem is not None:
        raise problem
    return DONE if found.moments else FAILURES


def _asked(where: list[str], *, everywhere: bool, pictured: bool) -> tuple[str | None, str]:
    """The video or folder, if any, and the query, which a picture can stand for. Raises `QuestionError` or
    `InputError` for other counts.
    """
    places = [] if everywhere else where[:1]
    words = where[len(places) :]
    if len(words) > 1:
        what = "the query alone" if everywhere else "a video or folder and one query"
        raise InputError(f"{len(where)} arguments; give {what}, in quotes")
    if (not everywhere and not places) or (not words and not pictured):
        raise QuestionError("give a video or folder and a query in quotes, or --all and a query")
    return (places[0] if places else None), (words[0] if words else "")


def _lines(found: Found, *, named: bool) -> Iterator[str]:
    """`named`: each moment with its video, of which the user named none."""
    several = found.videos > 1
    if found.described:
        yield f"pictures compared with: {plain(found.described)}"
    for moment in found.moments:
        yield from _told(moment, named=named or several)
    for moment in found.dropped:
        yield f"dropped {moment.span}: {plain(moment.seen) or 'not there when looked at'}"
    if not found.moments:
        sources = (
            ", ".join(_SOURCES[source] for source in found.searched)
            or "nothing: no captions, texts or speech"
        )
        asked = repr(plain(found.query)) if found.query else "this picture"
        videos = f" of {counted(found.videos, 'video')}" if several else ""
        yield f"nothing found for {asked}: no moment is above chance (searched {sources}{videos})"
        for moment in found.nearest:
            yield from _told(moment, named=named or several, before="closest: ")
    usage = spent(found.usage) if found.usage.calls else ""
    if usage:
        yield usage


def _told(moment: Moment, *, named: bool, before: str = "") -> Iterator[str]:
    first, *rest = str(moment).split("\n")
    yield f"{before}{plain(moment.video)}  {first}" if named else f"{before}{first}"
    yield from rest
