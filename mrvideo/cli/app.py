"""The Typer app with all commands, and `main`, which turns errors into one line and an exit code.

0 done; 1 answered nothing, or finished with failures listed; 2 bad usage or input; 70 a fault in mrvideo; 74
the result cannot be written; 130 Ctrl-C and 143 SIGTERM, after which everything done so far can be used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from mrvideo.cli import (
    agents,
    ask,
    cast,
    clips,
    config,
    doctor,
    estimate,
    find,
    index,
    library,
    manners,
    serve,
    signals,
    streams,
    tasks,
    tell,
    view,
)
from mrvideo.cli.command import LogFileOption, QuietOption, VerboseOption, register, said_before, sections
from mrvideo.cli.manners import Manners
from mrvideo.cli.signals import CONTINUE
from mrvideo.errors import MrVideoError
from mrvideo.evals.cli import EVAL_SETTINGS, eval_command, import_command
from mrvideo.files import DISK_FAULTS

_ASK, _KEPT, _AGENTS, _SETUP, _RESEARCH = (
    "Ask",
    "Library",
    "Agents",
    "Setup and cost",
    "Research",
)

# The family of usage errors that the installed Typer raises, whichever Click it carries.
_UsageError: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="mrvideo",
    **sections(
        "Ask questions of long videos; every claim of an answer cites a time span that was looked at."
    ),
)
_config = typer.Typer(invoke_without_command=True, **sections("Settings and where they come from."))
_tasks = typer.Typer(invoke_without_command=True, **sections("Requests of --vision host, for you to answer."))
_serve = typer.Typer(
    invoke_without_command=True, **sections("Servers of models on this machine, started to stay.")
)

register(app, "index", index.index, panel=_ASK, settings=index.SETTINGS)
register(app, "ask", ask.ask, panel=_ASK, settings=ask.ASK_SETTINGS)
register(app, "look", ask.look, panel=_ASK, settings=ask.LOOK_SETTINGS)
register(app, "summarise", tell.summarise, panel=_ASK, settings=tell.SETTINGS)
register(app, "chapters", tell.chapters, panel=_ASK, settings=tell.CHAPTER_SETTINGS)
register(app, "story", tell.story, panel=_ASK, settings=tell.SETTINGS)
register(app, "find", find.find, panel=_ASK, settings=find.SETTINGS)
register(app, "clips", clips.clips, panel=_ASK, settings=clips.SETTINGS)
register(app, "search", library.search, panel=_ASK, settings=("library",))
register(app, "list", library.list_videos, panel=_KEPT, settings=("library",))
register(app, "show", library.show, panel=_KEPT, settings=("library",))
register(app, "status", library.status, panel=_KEPT, settings=("library",))
register(app, "cast", cast.cast, panel=_KEPT, settings=("library",))
register(app, "export", library.export, panel=_KEPT, settings=("library",))
register(app, "view", view.view, panel=_KEPT, settings=view.SETTINGS)
register(app, "rm", library.rm, panel=_KEPT, settings=("library",))
register(app, "chat", agents.chat, panel=_AGENTS, settings=agents.SETTINGS)
register(app, "mcp", agents.mcp, panel=_AGENTS, settings=agents.MCP_SETTINGS)
register(app, "skill", agents.skill, panel=_AGENTS)
register(_tasks, "next", tasks.next_tasks, panel="Commands", settings=("library",))
register(_tasks, "submit", tasks.submit, panel="Commands", settings=("library",))
register(_tasks, "progress", tasks.progress, panel="Commands", settings=("library",))
app.add_typer(_tasks, name="tasks", rich_help_panel=_AGENTS)
register(app, "estimate", estimate.estimate, panel=_SETUP, settings=estimate.SETTINGS)
register(app, "doctor", doctor.doctor, panel=_SETUP, settings=doctor.SETTINGS)
register(_serve, "start", serve.start, panel="Commands", settings=serve.SETTINGS)
register(_serve, "status", serve.status, panel="Commands")
register(_serve, "stop", serve.stop, panel="Commands")
app.add_typer(_serve, name="serve", rich_help_panel=_SETUP)
register(_config, "show", config.show, panel="Commands")
register(_config, "trust", config.trust_folder, panel="Commands")
app.add_typer(_config, name="config", rich_help_panel=_SETUP)
register(app, "eval", eval_command, panel=_RESEARCH, settings=EVAL_SETTINGS)
register(app, "import", import_command, panel=_RESEARCH, settings=("library",))


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    quiet: QuietOption = False,
    verbose: VerboseOption = 0,
    log_file: LogFileOption = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from mrvideo import __version__

        typer.echo(f"mrvideo {__version__}")
        raise typer.Exit(streams.DONE)
    _show_help_or_go_on(context, Manners(quiet, verbose, log_file))


@_tasks.callback()
@_serve.callback()
@_config.callback()
def _config_root(
    context: typer.Context,
    quiet: QuietOption = False,
    verbose: VerboseOption = 0,
    log_file: LogFileOption = None,
) -> None:
    _show_help_or_go_on(context, Manners(quiet, verbose, log_file))


def _show_help_or_go_on(context: typer.Context, given: Manners) -> None:
    context.obj = said_before(context).joined(given)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(streams.DONE)


def main() -> NoReturn:
    """The command line of this process, to its end."""
    streams.settle()
    sys.exit(_run_to_the_end(sys.argv[1:]))


def _run_to_the_end(arguments: Sequence[str]) -> int:
    """As `run`, with one line and one exit code for a signal, whatever became of it on its way here."""
    try:
        code = run(arguments)
        signalled = signals.end_of_run()
    except (KeyboardInterrupt, signals.Terminated):
        # It came when the command was over, and before that was noted.
        code, signalled = signals.INTERRUPTED, signals.end_of_run()
    if signalled is not None and code != signalled:
        if not sys.stderr.closed:
            streams.complain(CONTINUE)
        return signalled
    return code


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Every problem becomes one line on stderr."""
    manners.forget()
    try:
        code = app(list(arguments), prog_name="mrvideo", standalone_mode=False)
        sys.stdout.flush()
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "mrvideo"
        told = _belongs_after(error, arguments) or f"see {command} --help"
        streams.complain(f"{error.format_message().rstrip('.')}; {told}")
        return streams.BAD_INPUT
    except MrVideoError as error:
        streams.complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = signals.INTERRUPTED
    except signals.Terminated:
        streams.complain(CONTINUE)
        return signals.TERMINATED
    except BrokenPipeError:
        # The reader of our output left, as `head` does: nothing more to say, and nowhere to say it.
        sys.stderr.close()
        return streams.DONE
    except Exception as error:  # noqa: BLE001 - the last net: whatever was not foreseen is one line and a log file
        return _failed(error, arguments)
    if code == signals.INTERRUPTED:
        # Typer turns Ctrl-C into this code by itself.
        streams.complain(CONTINUE)
    return code if isinstance(code, int) else streams.DONE


def _belongs_after(error: Any, arguments: Sequence[str]) -> str | None:
    """Where an option stands before the command that has it: how to say it; else None."""
    option, context = getattr(error, "option_name", None), error.ctx
    if option is None or context is None or context.parent is not None:
        return None
    commands = getattr(context.command, "commands", {})
    name = next((word for word in arguments if word in commands), None)
    if name is None or not any(option in parameter.opts for parameter in commands[name].params):
        return None
    return f"it stands after the command: mrvideo {name} {option}"


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    if isinstance(error, OSError) and error.errno in DISK_FAULTS:
        streams.complain(f"the result cannot be written: {error.strerror}; {DISK_FAULTS[error.errno]}")
        streams.drop_stdout()
        return streams.CANNOT_WRITE
    from mrvideo.tracebacks import in_one_line

    # The command's name alone: what follows it may be private.
    name = next((word for word in arguments if not word.startswith("-")), "")
    log_file: Path | None = manners.current().log_file
    streams.complain(in_one_line(error, log_file=log_file, doing=f"mrvideo {name}".rstrip()))
    return streams.UNEXPECTED
