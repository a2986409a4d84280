"""`mrvideo find`: the moments of one video, a folder's, or the whole library that fit a description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_lines
from mrvideo.cli.spans import span_of
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.display.stages import spent
from mrvideo.errors import InputError, QuestionError
from mrvideo.files import is_folder
from mrvideo.records import Found, Moment
from mrvideo.settings import Settings
from mrvideo.wording import counted, plain

SETTINGS = (
    "vision", "base_url", "preset",
    "reader", "allow_url", "allow_private",
    "max_cost", "max_tokens", "concurrency", "max_images", "context_tokens", "max_output_tokens",
    "library", "fresh", "record",
)  # fmt: skip

_SOURCES = {"caption": "captions", "text": "text on screen", "speech": "speech", "picture": "pictures"}


def find(
    where: Annotated[
        list[str],
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
    top: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Moments at most.")] = 10,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm", help="Let the vision model look at each, and drop what is not there. A call each."
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Find the moments that fit a description.

    What was seen, read on screen and said meets on time: a moment that several tell comes first. Words are found in all their forms
    (plurals, harb*, misspellings). For the lines that hold exact words see `mrvideo search`. Exit code 1 when nothing is above chance.
    """
    place, query = _asked(where, everywhere=everywhere)
    span = None if within is None else span_of(within)

    from mrvideo.session.finding import check_finding, library_indexes, start_finding
    from mrvideo.session.loading import load_index

    check_finding(query, top, confirm, settings)
    with progress() as on_event:
        if place is None:
            indexes = library_indexes(settings)
        elif is_folder(place):
            indexes = library_indexes(settings, folder=place)
        else:
            indexes = (load_index(place, settings),)
        finding = start_finding(
            indexes, query, settings, top=top, within=span, confirm=confirm, on_event=on_event
        )
        try:
            found = finding.result()
        except BaseException:
            finding.cancel()
            raise
    if as_json:
        print_json(found.model_dump())
    else:
        print_lines(_lines(found))
    return DONE if found.moments else FAILURES


def _asked(where: list[str], *, everywhere: bool) -> tuple[str | None, str]:
    """The video or folder, if any, and the query. Raises `QuestionError` or `InputError` for other counts."""
    if everywhere:
        if len(where) > 1:
            raise InputError("--all finds in the whole library; give the query alone, in quotes")
        return None, where[0]
    if len(where) == 1:
        raise QuestionError(
            "one word group is not enough: give a video or folder and a query in quotes, or --all and a query"
        )
    if len(where) > 2:
        raise InputError(f"{len(where)} arguments; give a video or folder and one query, in quotes")
    return where[0], where[1]


def _lines(found: Found) -> Iterator[str]:
    several = found.videos > 1
    for moment in found.moments:
        yield from _told(moment, several=several)
    for moment in found.dropped:
        yield f"dropped {moment.span}: {plain(moment.seen) or 'not there when looked at'}"
    if not found.moments:
        sources = (
            ", ".join(_SOURCES[source] for source in found.searched)
            or "nothing: no captions, texts or speech"
        )
        videos = f" of {counted(found.videos, 'video')}" if several else ""
        yield f"nothing found for {plain(found.query)!r}: no moment is above chance (searched {sources}{videos})"
        for moment in found.nearest:
            yield from _told(moment, several=several, before="closest: ")
    usage = spent(found.usage) if found.usage.calls else ""
    if usage:
        yield usage


def _told(moment: Moment, *, several: bool, before: str = "") -> Iterator[str]:
    first, *rest = str(moment).split("\n")
    yield f"{before}{plain(moment.video)}  {first}" if several else f"{before}{first}"
    yield from rest
