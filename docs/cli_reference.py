"""The reference of commands, options and settings in docs/cli.md, made from the code.

python docs/cli_reference.py --write      make it anew
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer.main

from mrvideo.cli.app import app
from mrvideo.cli.command import sections_of
from mrvideo.settings import Settings

PAGE = Path(__file__).resolve().parent / "cli.md"
_MARKED = re.compile(r"(<!-- made by docs/cli_reference.py -->\n).*(<!-- until here -->)", re.DOTALL)


def reference() -> str:
    """Every command in its group, with its arguments and options; then every setting."""
    root: Any = typer.main.get_command(app)
    groups: dict[str, list[tuple[str, Any]]] = {}
    for name, command in root.commands.items():
        groups.setdefault(command.rich_help_panel, []).append((name, command))
    lines: list[str] = []
    for group, commands in groups.items():
        lines += [f"## {group}", ""]
        for name, command in commands:
            for full, one in _leaves(f"mrvideo {name}", command):
                lines += _command(full, one)
    return "\n".join([*lines, *_settings()])


def rewritten(page: str) -> str:
    """The page with the reference as the code is now."""
    return _MARKED.sub(lambda match: f"{match[1]}\n{reference()}\n{match[2]}", page)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for one, below in inner.items():
        yield from _leaves(f"{name} {one}", below)


def _command(name: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([name, "[OPTIONS]", *map(_argument, arguments)])
    lines = [f"### {name}", "", "```text", usage, "```", "", inspect.cleandoc(command.help), ""]
    for title, parameters in sections_of(command.params).items():
        shown = [p for p in parameters if not getattr(p, "hidden", False)]
        if title != "Everywhere" and shown:
            rows = [(f"`{_name(p)}`", _said(p)) for p in shown]
            lines += [*_table((title.lower(), ""), rows), ""]
    return lines


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    name = f"{name}..." if parameter.nargs != 1 else name
    return name if parameter.required else f"[{name}]"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _argument(parameter)
    names = ", ".join([*sorted(parameter.opts, key=len), *parameter.secondary_opts])
    if parameter.is_flag or getattr(parameter, "count", False):
        return names
    return f"{names} {parameter.metavar or 'VALUE'}"


def _said(parameter: Any) -> str:
    default = parameter.default
    told = default if isinstance(default, int | float | str) and not isinstance(default, bool) else None
    return f"{parameter.help} Default: {told}." if told is not None else str(parameter.help)


def _settings() -> list[str]:
    rows = [
        (f"`{name}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return ["## Settings", "", *_table(("name", "default", "is"), rows), ""]


def _default(value: object) -> str:
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heads = list(heads)
    made = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in made]


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(reference())
