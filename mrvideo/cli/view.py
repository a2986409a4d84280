"""`mrvideo view`: the library in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from mrvideo.cli.streams import DONE
from mrvideo.errors import SettingsError
from mrvideo.settings import Settings

SETTINGS = (
    "effort", "vision", "text", "verify_model", "base_url", "preset", "max_cost", "max_tokens", "concurrency", "library",
)  # fmt: skip


def view(
    settings: Settings,
    video: Annotated[
        str | None, typer.Argument(metavar="VIDEO", help="Indexed video to open. Default: the library.")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address to listen at; beyond this machine it warns.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port to listen at; 0 is any free one.")
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, open no browser.")] = False,
) -> int:
    """See the library in a browser: play, ask, click evidence, put a cast right.

    The address carries a random token; --max-cost bounds all questions together.
    """
    try:
        from mrvideo.web.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise SettingsError("the viewer needs further packages; pip install 'mrvideo[web]'") from error

    from mrvideo.session.keeping import kept_videos
    from mrvideo.session.loading import load_index

    place = "/"
    if video is not None:
        place = f"/video/{load_index(video, settings).video.digest}"
    else:
        kept_videos(settings)
    serve(
        settings,
        host=host,
        port=port,
        place=place,
        open_browser=not no_open,
        say=lambda line: typer.echo(line, err=True),
    )
    return DONE
