"""`mrvideo config`: settings and where they come from."""

from __future__ import annotations

from pathlib import Path

from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_table
from mrvideo.cli.streams import DONE
from mrvideo.settings import Settings


def show(settings: Settings, origins: dict[str, str], as_json: JsonFlag = False) -> int:
    """List every setting, its value, and where the value came from. Keys are never shown."""
    values = {name: str(value) if isinstance(value, Path) else value for name, value in settings}
    values["api_key"] = None if settings.api_key is None else "(set)"
    if as_json:
        print_json({name: {"value": values[name], "from": origins[name]} for name in values})
    else:
        rows = [(name, "" if value is None else str(value), origins[name]) for name, value in values.items()]
        print_table(("setting", "value", "from"), rows)
    return DONE
