"""`mrvideo chat` and `mrvideo mcp`: a conversation with an agent, and tools for other agents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mrvideo.cli.manners import current
from mrvideo.cli.options import FETCHING
from mrvideo.cli.output import print_lines, print_text
from mrvideo.cli.streams import DONE
from mrvideo.errors import SettingsError
from mrvideo.settings import Settings, served_token
from mrvideo.wording import plain

SETTINGS = (
    "text",
    "vision",
    "verify_model",
    "detail",
    "base_url",
    "preset",
    "max_cost",
    "max_tokens",
    "library",
)
MCP_SETTINGS = (
    *SETTINGS,
    "language",
    *FETCHING,
)


def chat(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO", help="Indexed videos to talk about.")],
    settings: Settings,
    name: Annotated[str, typer.Option(metavar="NAME", help="Conversation to begin or continue.")] = "chat",
    max_steps: Annotated[
        int, typer.Option(min=1, max=50, metavar="N", help="Tool calls per message, at most.")
    ] = 12,
) -> int:
    """Talk about indexed videos with an agent that searches, reads and looks.

    Reads one message a line from stdin, until an empty line or the end. Needs a model that can call tools.
    """
    from mrvideo.session.loading import load_index
    from mrvideo.tools.chat import Chat

    known = [load_index(video, settings).video.path for video in videos]
    talk = Chat(
        known, settings, name=name, checkpoints=settings.library.parent / "chats.db", max_steps=max_steps
    )
    prompt = Console(stderr=True, highlight=False, markup=False, emoji=False)
    prompt.print(f"talking about {', '.join(plain(path) for path in known)}; an empty line or Ctrl-D ends it")
    while True:
        if sys.stdin.isatty():
            prompt.print("> ", end="")
        message = sys.stdin.readline().strip()
        if not message:
            return DONE
        turn = talk.send(message)
        print_lines([plain(turn.text)])
        print_lines(f"  {e.span}  {e.source}: {plain(e.told)}" for e in turn.evidence)


def mcp(
    settings: Settings,
    root: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Folder whose videos may be read. Default: the working folder."),
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP at /mcp. Default: stdio.")] = False,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address to listen at, with --http.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port to listen at, with --http.")
    ] = 8765,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File that holds what HTTP clients must send (Authorization: Bearer TOKEN). Default: MRVIDEO_MCP_TOKEN.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Host name by which HTTP clients may also call the server."),
    ] = None,
) -> int:
    """Serve the tools to LLM agents over the Model Context Protocol.

    Over stdio, nothing but the protocol goes to stdout. --max-cost and --max-tokens bound all calls together,
    for as long as the server runs; started anew with a higher bound it goes on from what is kept. At an
    address that other machines reach, a token is needed.
    """
    try:
        from mrvideo.tools.mcp import serve
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"serving tools needs: pip install 'mrvideo[tools]' ({error.name} is missing)"
        ) from error
    if token_file is not None and not http:
        raise SettingsError(
            "--token-file is for --http; over stdio only whoever started the server speaks with it"
        )
    serve(
        settings,
        root or [Path()],
        http=http,
        host=host,
        port=port,
        token=served_token(token_file) if http else None,
        allow_hosts=allow_host or (),
        log_file=current().log_file,
    )
    return DONE


def skill(
    install: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write it to FOLDER/mrvideo/SKILL.md, where agents read skills."),
    ] = None,
) -> int:
    """Print the skill that tells an agent how to use these tools, or install it."""
    from mrvideo.tools.skill import install_skill, skill_text

    if install is None:
        print_text(skill_text())
    else:
        print_lines([f"written: {plain(str(install_skill(install)))}"])
    return DONE
