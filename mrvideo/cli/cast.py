"""`mrvideo cast`: show the cast of a video, and put it right. No model is called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mrvideo.cli.library import entity_lines
from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag, VideoArgument
from mrvideo.cli.output import print_json, print_lines
from mrvideo.cli.streams import DONE
from mrvideo.errors import InputError
from mrvideo.settings import Settings
from mrvideo.wording import counted, plain

_Pair = tuple[str, str]


def cast(
    video: VideoArgument,
    settings: Settings,
    merge: Annotated[
        _Pair | None,
        typer.Option("--merge", metavar="NAME OTHER", help="OTHER is NAME: both become NAME."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="NAME",
            help="NAME is somebody else in some scenes (--scenes) or mentions (--mentions).",
        ),
    ] = None,
    scenes: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Scenes of --split, counted from 0, such as 3,7-9."),
    ] = None,
    mentions: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Mentions of --split, such as 2/person_a,3/person_b."),
    ] = None,
    rename: Annotated[
        _Pair | None,
        typer.Option(
            "--rename", metavar="NAME REAL", help="NAME is called REAL; an empty REAL takes it away."
        ),
    ] = None,
    apart: Annotated[
        _Pair | None,
        typer.Option("--apart", metavar="NAME OTHER", help="The two are not the same; indexing keeps to it."),
    ] = None,
    photo: Annotated[
        _Pair | None,
        typer.Option(
            "--photo", metavar="NAME FILE", help="The picture in FILE shows NAME; looks and checks see it."
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back the last correction.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Show the cast of a video, or put it right: one correction at a time.

    Captions, search and later answers follow by exact rename; indexing again keeps it; no model is called.
    Kept answers that rest on a changed name are marked as out of date.
    """
    asked = [bool(merge), split is not None, bool(rename), bool(apart), bool(photo), undo]
    if sum(asked) > 1:
        raise InputError("one correction at a time: --merge, --split, --rename, --apart, --photo or --undo")
    if split is None and (scenes is not None or mentions is not None):
        raise InputError("--scenes and --mentions go with --split NAME")

    from mrvideo.session import casting
    from mrvideo.session.loading import load_index

    index = load_index(video, settings)
    change = None
    with progress() as on_event:
        if merge:
            change = casting.merge(index, *merge, settings, on_event=on_event)
        elif split is not None:
            change = casting.split(
                index,
                split,
                settings,
                scenes=_scenes(scenes),
                mentions=[one for one in (mentions or "").replace(",", " ").split() if one],
                on_event=on_event,
            )
        elif rename:
            change = casting.rename(index, *rename, settings, on_event=on_event)
        elif apart:
            change = casting.tell_apart(index, *apart, settings, on_event=on_event)
        elif photo:
            name, file = photo
            change = casting.give_photo(index, name, Path(file), settings, on_event=on_event)
        elif undo:
            change = casting.undo(index, settings, on_event=on_event)
    index = index if change is None else change.index
    corrections = casting.corrections_of(index, settings)
    if as_json:
        print_json(
            {
                "video": index.video.model_dump(),
                "entities": [entity.model_dump() for entity in index.entities],
                "corrections": [one.model_dump() for one in corrections],
                "stale_answers": 0 if change is None else change.stale,
            }
        )
        return DONE
    if change is not None:
        done = "taken back" if undo else "put right"
        lines = [f"{done}: {plain(change.correction.told)}"]
        if change.stale:
            lines.append(f"{counted(change.stale, 'kept answer')} out of date by it; ask again")
        print_lines(lines)
    print_lines(entity_lines(index) or ["no cast"])
    print_lines(f"  put right: {plain(one.told)}" for one in corrections)
    return DONE


def _scenes(text: str | None) -> list[int]:
    """`3,7-9` → [3, 7, 8, 9]. Raises `InputError`."""
    found: list[int] = []
    for word in (text or "").replace(",", " ").split():
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise InputError(f"{word!r} is no scene; give numbers and ranges, such as 3,7-9")
        found += range(first, last + 1)
    return found
