"""`mrvideo config`: settings and where they come from, and the folders whose settings files are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_lines, print_table
from mrvideo.cli.streams import DONE, complain
from mrvideo.errors import InputError
from mrvideo.settings import FILE_NAME, MOST_FILE_BYTES, Settings, SettingsFile, folder_file
from mrvideo.trust import forget, place_of, trust, trusted_files
from mrvideo.wording import plain, shown_setting


def show(
    settings: Settings, origins: dict[str, str], untrusted: str | None, as_json: JsonFlag = False
) -> int:
    """List every setting, its value, and where the value came from. Keys are never shown, nor what an address
    holds of secrets.

    What the working folder's file sets, but is not trusted to, is told on stderr.
    """
    values = {
        name: shown_setting(value) if isinstance(value, str | Path) else value for name, value in settings
    }
    values["api_key"] = None if settings.api_key is None else "(set)"
    if untrusted is not None:
        complain(untrusted)
    if as_json:
        print_json({name: {"value": values[name], "from": origins[name]} for name in values})
    else:
        rows = [(name, "" if value is None else str(value), origins[name]) for name, value in values.items()]
        print_table(("setting", "value", "from"), rows)
    return DONE


def trust_folder(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Folder of the settings file. Default: the working folder."),
    ] = Path(),
    show_list: Annotated[bool, typer.Option("--list", help="List the files that are trusted.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Trust the folder's file no longer.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Trust a folder's mrvideo.toml, as it is now, to name servers, models, keys and files.

    Read it first: it decides where your videos and your key are sent. Once it changes it has to be trusted
    again. Trust is kept in ~/.config/mrvideo/trusted.
    """
    file = folder / FILE_NAME
    if show_list:
        found = trusted_files(MOST_FILE_BYTES)
        if not found and not as_json:
            print_lines(["no settings file is trusted but your own"])
        if as_json:
            print_json([{"file": str(one.file), "unchanged": one.unchanged} for one in found])
        else:
            changed = "  (changed or gone: not trusted as it is)"
            print_lines(f"{plain(str(one.file))}{'' if one.unchanged else changed}" for one in found)
        return DONE
    if remove:
        if not forget(file):
            raise InputError(f"{place_of(file)} is not trusted; `mrvideo config trust --list` shows what is")
        result: dict[str, Any] = {"file": str(place_of(file)), "trusted": False}
        lines = [f"{plain(str(place_of(file)))} is trusted no longer"]
    else:
        read = folder_file(folder)
        if read is None:
            raise InputError(f"{place_of(file)} is not there, or is your own, which needs no trust")
        # What is shown and what is trusted were read at once.
        trust(read.path, read.data)
        result = {"file": str(place_of(file)), "trusted": True, "sets": _told(read)}
        lines = [f"{plain(str(place_of(file)))} is trusted as it is now"]
        lines += [f"  {plain(name)} = {plain(value)}" for name, value in _told(read).items()]
    if as_json:
        print_json(result)
    else:
        print_lines(lines)
    return DONE


def _told(read: SettingsFile) -> dict[str, str]:
    """The settings in the file that only a trusted file may set."""
    return {name: shown_setting(read.values[name]) for name in read.beyond}
