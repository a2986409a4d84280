"""`mrvideo serve`: servers of models on this machine, started to stay, listed and stopped."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mrvideo.cli.manners import progress
from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_lines, print_table
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.settings import Settings
from mrvideo.wording import plain

SETTINGS = ("vision", "context_tokens", "engine_args", "engine_seconds")


def start(
    settings: Settings,
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="As in --vision, which is the default.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, metavar="N", help="Port on this machine. Default: any that is free."),
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Start the server of vllm:MODEL, sglang:MODEL or llamacpp:MODEL, and let it stay.

    Returns once it answers. Commands with that --vision use it, until `mrvideo serve stop`.
    """
    from mrvideo.session.serving import start_server

    with progress() as on_event:
        one = start_server(settings.updated(vision=model), port=port, on_event=on_event)
    if as_json:
        print_json(asdict(one))
    else:
        print_lines(
            [f"{plain(one.name)} answers at {one.base_url} until mrvideo serve stop; log: {plain(one.log)}"]
        )
    return DONE


def status(as_json: JsonFlag = False) -> int:
    """List the servers that run, and which processes use them.

    Exit code 1 when none does.
    """
    from mrvideo.session.serving import servers

    found = servers()
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        head = ("model", "state", "address", "process", "users", "stays", "log")
        rows = [
            (
                plain(one.name),
                f"{one.phase} ({one.seconds:.0f} s)",
                one.base_url,
                str(one.pid),
                " ".join(map(str, one.users)) or "none",
                "yes" if one.kept else "no",
                plain(one.log),
            )
            for one in found
        ]
        print_table(head, rows)
    else:
        print_lines(["no server that mrvideo started runs"])
    return DONE if found else FAILURES


def stop(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="As in --vision. Default: all servers.")
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Stop a model's server, or all that mrvideo started, whoever uses them.

    Returns once they have ended. Exit code 1 when there was none.
    """
    from mrvideo.session.serving import stop_servers

    stopped = stop_servers(model)
    if as_json:
        print_json(stopped)
    else:
        print_lines([f"{plain(name)} is stopped" for name in stopped] or ["there is no such server"])
    return DONE if stopped else FAILURES
