"""Register commands with the options that all of them share, and a help page in sections."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from mrvideo.cli.manners import Manners, behaving
from mrvideo.cli.options import KEEPING, LIMITS, MODELS, READING, SETTING_OPTIONS
from mrvideo.cli.streams import complain
from mrvideo.settings import explain_settings, find_settings

EVERYWHERE = "Everywhere"

QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print no progress and no remarks.", rich_help_panel=EVERYWHERE)
]
VerboseOption = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Print each step on stderr; twice for each unit of work.",
        rich_help_panel=EVERYWHERE,
    ),
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        help="Append each step, and the traceback of a fault, to this file.", rich_help_panel=EVERYWHERE
    ),
]
_FreshOption = Annotated[bool | None, typer.Option("--fresh", hidden=True)]

_COMMON: tuple[tuple[str, Any, Any], ...] = (
    ("quiet", QuietOption, False),
    ("verbose", VerboseOption, 0),
    ("log_file", LogFileOption, None),
)
_MADE = ("settings", "origins", "untrusted")
_FORMER = "former_fresh"
"""`--fresh`, as `--no-cache` was called in 0.1.0."""


def register(
    app: typer.Typer,
    name: str,
    command: Callable[..., int | None],
    *,
    panel: str,
    settings: Sequence[str] = (),
) -> None:
    """Add a function as a command, listed under `panel`. What it returns is the exit code.

    `settings` names the settings that can be given as options. A function that takes `settings` gets all of
    them, and one that takes `origins` where each came from. A command of the library alone runs whatever else
    an untrusted folder's file names, and one that takes `untrusted`, what that is, runs in any case.
    """
    app.command(name, cls=_Command, rich_help_panel=panel)(_completed(command, settings))


def sections(app_help: str) -> dict[str, Any]:
    """Keyword arguments of a `typer.Typer` whose help page has sections."""
    return {
        "cls": _Group,
        "help": app_help,
        "rich_markup_mode": None,
        "pretty_exceptions_enable": False,
        "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
    }


def said_before(context: typer.Context) -> Manners:
    """The manners given before this command on the command line."""
    return context.obj if isinstance(context.obj, Manners) else Manners()


def _completed(command: Callable[..., int | None], settings: Sequence[str]) -> Callable[..., int | None]:
    """The function with the shared options added to its signature, for Typer."""
    hints = get_type_hints(command, include_extras=True)
    declared = inspect.signature(command).parameters
    own = {name: parameter for name, parameter in declared.items() if name not in _MADE}
    made = [name for name in declared if name in _MADE]
    parameters = [
        *(
            parameter.replace(annotation=hints[name], kind=parameter.KEYWORD_ONLY)
            for name, parameter in own.items()
        ),
        *(_parameter(name, SETTING_OPTIONS[name], None) for name in settings),
        *(_parameter(name, option, default) for name, option, default in _COMMON if name not in own),
        *([_parameter(_FORMER, _FreshOption, None)] if "fresh" in settings else []),
        _parameter("context", typer.Context, inspect.Parameter.empty),
    ]

    @wraps(command)
    def run(**arguments: Any) -> int | None:
        given = {name: arguments[name] for name in own}
        after = Manners(
            quiet=arguments["quiet"], verbosity=arguments["verbose"], log_file=arguments["log_file"]
        )
        manners = said_before(arguments["context"]).joined(after)
        if "quiet" in own:
            given["quiet"] = manners.quiet
        with behaving(manners):
            if made:
                chosen = {name: arguments[name] for name in settings}
                if arguments.get(_FORMER) is not None and chosen["fresh"] is None:
                    chosen["fresh"] = True
                found = _made(chosen, told="untrusted" in made, quiet=manners.quiet)
                given |= {name: found[name] for name in made}
            return command(**given)

    # Typer reads a command's parameters from its signature and its annotations.
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int | None}
    return run


def _made(chosen: dict[str, Any], *, told: bool, quiet: bool) -> dict[str, Any]:
    """Settings, their origins, and the settings that the folder's file may not set.

    Raises `SettingsError` when the command needs one of those.
    """
    if not told and tuple(chosen) != ("library",):
        return dict(zip(_MADE, (*explain_settings(**chosen), None), strict=True))
    found = find_settings(chosen, needed=() if told else ("library",))
    if found.untrusted is not None and not told and not quiet:
        complain(found.untrusted)
    return dict(zip(_MADE, (found.settings, found.origins, found.untrusted), strict=True))


def _parameter(name: str, option: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)


_ENDING = ("--help", "--version", "--install-completion", "--show-completion")


def sections_of(parameters: Iterable[Any]) -> dict[str, list[Any]]:
    """Arguments, the command's own options, then the shared ones: section → its parameters, in the order of a
    help page.
    """
    found: dict[str, list[Any]] = {
        title: [] for title in ("Arguments", "Options", MODELS, READING, LIMITS, KEEPING, EVERYWHERE)
    }
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            section = "Arguments"
        elif any(name in _ENDING for name in parameter.opts):
            section = EVERYWHERE
        else:
            section = parameter.rich_help_panel or "Options"
        found[section].append(parameter)
    return found


def _write_options(command: Any, context: typer.Context, formatter: Any) -> None:
    for title, parameters in sections_of(command.get_params(context)).items():
        records = [record for p in parameters if (record := p.get_help_record(context)) is not None]
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class _Command(TyperCommand):
    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_options(self, ctx, formatter)


class _Group(TyperGroup):
    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is None or command.hidden:
                continue
            panel = getattr(command, "rich_help_panel", None)
            title = panel if isinstance(panel, str) else "Commands"
            panels.setdefault(title, []).append((name, command.get_short_help_str(200)))
        for title, records in panels.items():
            with formatter.section(title):
                formatter.write_dl(records)
