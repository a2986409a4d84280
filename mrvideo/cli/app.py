"""The command line: arguments in, text or JSON out.

Results go to stdout, progress and remarks to stderr. Exit codes: 0 done; 1 answered nothing, or finished with failures
listed; 2 bad usage or input; 74 when the result cannot be
written; 130 on Ctrl-C and 143 on SIGTERM, which leave everything done so far usable.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from mrvideo.errors import BudgetReached, MrVideoError
from mrvideo.evals.cli import eval_command, import_command
from mrvideo.settings import Settings, explain_settings

app = typer.Typer(
    name="mrvideo",
    help="Ask questions of long videos; every claim of an answer cites a time span that was really looked at.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config = typer.Typer(help="Settings and where they come from.", invoke_without_command=True)
app.add_typer(config, name="config")

_INTERRUPTED = 130
_CANNOT_WRITE = 74
"""As sysexits.h numbers it."""
_GO_ON = "interrupted; what is done is kept, run the same command again to go on"

# The family of usage errors that the installed Typer raises, whichever Click it carries.
_UsageProblem: Any = typer.BadParameter.__mro__[2]

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
VideoArgument = Annotated[
    str, typer.Argument(metavar="VIDEO", help="A video file, or the start of its digest.")
]
LibraryOption = Annotated[Path | None, typer.Option(help="The library file. [.mrvideo/library.db]")]
VisionOption = Annotated[
    str | None, typer.Option(help="Model that sees frames: openai:MODEL, hf:PATH, offline.")
]
TextOption = Annotated[str | None, typer.Option(help="Model that reads text; the vision model by default.")]
SpeechOption = Annotated[
    str | None, typer.Option(help="Model that transcribes: openai:MODEL, faster-whisper:SIZE.")
]
BaseUrlOption = Annotated[str | None, typer.Option(help="OpenAI-compatible server.")]
PresetOption = Annotated[str | None, typer.Option(help="Server family, when the address does not tell.")]
RecipeOption = Annotated[str | None, typer.Option(help="How clips are captioned: fused or paper.")]
ReaderOption = Annotated[str | None, typer.Option(help="pyav or decord.")]
KeyframesOption = Annotated[
    bool,
    typer.Option(
        "--keyframes-only",
        help="Fast and coarse: index key frames alone, each of which may be seconds older than its time.",
    ),
]
MaxCostOption = Annotated[float | None, typer.Option(help="Stop before spending more, in US dollars.")]
MaxTokensOption = Annotated[int | None, typer.Option(help="Stop before using more tokens.")]
ConcurrencyOption = Annotated[int | None, typer.Option(help="Calls in flight at once.")]
MaxImagesOption = Annotated[int | None, typer.Option(help="Images in one request, at most.")]
ContextTokensOption = Annotated[int | None, typer.Option(help="Tokens that one request may hold.")]
MaxOutputTokensOption = Annotated[int | None, typer.Option(help="Tokens of one reply, at most.")]
SubtitlesOption = Annotated[
    Path | None, typer.Option(help="Subtitle file; else one beside or inside the video.")
]
LanguageOption = Annotated[str | None, typer.Option(help="Preferred subtitle language, such as en.")]
WorkersOption = Annotated[
    int | None, typer.Option(help="Worker processes; threads in one process by default.")
]
ClusterOption = Annotated[str | None, typer.Option(help="dask://HOST:PORT, ray://HOST:PORT or auto.")]
CastOption = Annotated[Path | None, typer.Option(help="TOML file with people's own names.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Ignore kept replies and pay again.")]
UrlOption = Annotated[bool, typer.Option("--allow-url", help="Read http(s) and s3 addresses.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]


def _settings(**arguments: Any) -> tuple[Settings, dict[str, str]]:
    flags = {name: value for name, value in arguments.items() if value is not False}
    return explain_settings(**flags)


@app.command("index")
def index_command(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO…", help="Video files, or folders of them.")],
    vision: VisionOption = None,
    text: TextOption = None,
    speech: SpeechOption = None,
    recipe: RecipeOption = None,
    library: LibraryOption = None,
    base_url: BaseUrlOption = None,
    preset: PresetOption = None,
    reader: ReaderOption = None,
    keyframes_only: KeyframesOption = False,
    subtitles: SubtitlesOption = None,
    language: LanguageOption = None,
    cast: CastOption = None,
    concurrency: ConcurrencyOption = None,
    max_images: MaxImagesOption = None,
    context_tokens: ContextTokensOption = None,
    max_output_tokens: MaxOutputTokensOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    max_cost: MaxCostOption = None,
    max_tokens: MaxTokensOption = None,
    fresh: FreshOption = False,
    allow_url: UrlOption = False,
    as_json: JsonFlag = False,
    quiet: QuietOption = False,
) -> None:
    """Caption videos, name their cast, and keep the result. What is kept already is not done again."""
    from mrvideo.cli.commands import index_videos

    settings, _ = _settings(
        vision=vision,
        text=text,
        speech=speech,
        recipe=recipe,
        library=library,
        base_url=base_url,
        preset=preset,
        reader=reader,
        keyframes_only=keyframes_only,
        language=language,
        cast=cast,
        concurrency=concurrency,
        max_images=max_images,
        context_tokens=context_tokens,
        max_output_tokens=max_output_tokens,
        workers=workers,
        cluster=cluster,
        max_cost=max_cost,
        max_tokens=max_tokens,
        fresh=fresh,
        allow_url=allow_url,
    )
    raise typer.Exit(index_videos(videos, settings, subtitles=subtitles, as_json=as_json, quiet=quiet))


@app.command("ask")
def ask_command(
    video: VideoArgument,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in quotes.")],
    option: Annotated[list[str] | None, typer.Option(help="One possible answer; give two or more.")] = None,
    effort: Annotated[str | None, typer.Option(help="low, medium or high.")] = None,
    must_choose: Annotated[
        bool, typer.Option("--must-choose", help="Force an option; a guess is marked.")
    ] = False,
    vision: VisionOption = None,
    text: TextOption = None,
    recipe: RecipeOption = None,
    library: LibraryOption = None,
    base_url: BaseUrlOption = None,
    preset: PresetOption = None,
    reader: ReaderOption = None,
    subtitles: SubtitlesOption = None,
    language: LanguageOption = None,
    concurrency: ConcurrencyOption = None,
    max_images: MaxImagesOption = None,
    context_tokens: ContextTokensOption = None,
    max_output_tokens: MaxOutputTokensOption = None,
    max_cost: MaxCostOption = None,
    max_tokens: MaxTokensOption = None,
    fresh: FreshOption = False,
    allow_url: UrlOption = False,
    as_json: JsonFlag = False,
    quiet: QuietOption = False,
) -> None:
    """Answer a question about a video, with evidence. Indexes the video first when that was not done yet."""
    from mrvideo.cli.commands import ask_video

    settings, origins = _settings(
        vision=vision,
        text=text,
        recipe=recipe,
        effort=effort,
        library=library,
        base_url=base_url,
        preset=preset,
        reader=reader,
        language=language,
        concurrency=concurrency,
        max_images=max_images,
        context_tokens=context_tokens,
        max_output_tokens=max_output_tokens,
        max_cost=max_cost,
        max_tokens=max_tokens,
        fresh=fresh,
        allow_url=allow_url,
    )
    code = ask_video(
        video,
        question,
        option,
        settings,
        origins,
        must_choose=must_choose,
        subtitles=subtitles,
        as_json=as_json,
        quiet=quiet,
    )
    raise typer.Exit(code)


@app.command("search")
def search_command(
    words: Annotated[str, typer.Argument(metavar="WORDS", help="Words to look for, in quotes.")],
    video: Annotated[str | None, typer.Option(help="Search this video alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Results at most.")] = 20,
    library: LibraryOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find captions, speech and on-screen text that hold the words."""
    from mrvideo.cli.commands import search_words

    settings, _ = _settings(library=library)
    raise typer.Exit(search_words(words, video, limit, settings, as_json=as_json))


@app.command("show")
def show_command(
    video: VideoArgument,
    scenes: Annotated[bool, typer.Option("--scenes", help="The scenes (the default).")] = False,
    entities: Annotated[bool, typer.Option("--entities", help="The cast.")] = False,
    cues: Annotated[bool, typer.Option("--cues", help="Speech and subtitles.")] = False,
    library: LibraryOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what is known of a video: scenes, cast, speech."""
    from mrvideo.cli.commands import show_video

    settings, _ = _settings(library=library)
    parts = [name for name, on in (("scenes", scenes), ("entities", entities), ("cues", cues)) if on]
    raise typer.Exit(show_video(video, parts or ["scenes"], settings, as_json=as_json))


@app.command("status")
def status_command(video: VideoArgument, library: LibraryOption = None, as_json: JsonFlag = False) -> None:
    """Say what is indexed of a video, and which spans failed and why."""
    from mrvideo.cli.commands import video_status

    settings, _ = _settings(library=library)
    raise typer.Exit(video_status(video, settings, as_json=as_json))


@app.command("export")
def export_command(
    video: VideoArgument,
    format_name: Annotated[str, typer.Option("--format", help="json, jsonl, srt, vtt, md or mrvideo-paper.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; stdout by default.")
    ] = None,
    library: LibraryOption = None,
) -> None:
    """Write a video's index in another format."""
    from mrvideo.cli.commands import export_video

    settings, _ = _settings(library=library)
    raise typer.Exit(export_video(video, format_name, output, settings))


@app.command("estimate")
def estimate_command(
    video: VideoArgument,
    vision: VisionOption = None,
    text: TextOption = None,
    base_url: BaseUrlOption = None,
    preset: PresetOption = None,
    reader: ReaderOption = None,
    max_images: MaxImagesOption = None,
    context_tokens: ContextTokensOption = None,
    allow_url: UrlOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what indexing and asking would take: calls, images, tokens and cost. Asks no model."""
    from mrvideo.cli.commands import estimate_video

    settings, _ = _settings(
        vision=vision,
        text=text,
        base_url=base_url,
        preset=preset,
        reader=reader,
        max_images=max_images,
        context_tokens=context_tokens,
        allow_url=allow_url,
    )
    raise typer.Exit(estimate_video(video, settings, as_json=as_json))


@app.command("doctor")
def doctor_command(
    vision: VisionOption = None,
    text: TextOption = None,
    base_url: BaseUrlOption = None,
    library: LibraryOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what is installed, and which model would be used and why."""
    from mrvideo.cli.doctor import examine

    settings, origins = _settings(vision=vision, text=text, base_url=base_url, library=library)
    raise typer.Exit(examine(settings, origins, as_json=as_json))


@app.command("chat")
def chat_command(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO…", help="Indexed videos to talk about.")],
    text: TextOption = None,
    vision: VisionOption = None,
    library: LibraryOption = None,
    base_url: BaseUrlOption = None,
    preset: PresetOption = None,
    name: Annotated[str, typer.Option(help="Conversation to begin or take up again.")] = "chat",
    max_steps: Annotated[int, typer.Option(min=1, max=50, help="Tool calls per message, at most.")] = 12,
    max_cost: MaxCostOption = None,
    max_tokens: MaxTokensOption = None,
) -> None:
    """Talk about indexed videos with an agent that searches, reads and looks. Needs a model that can call tools."""
    from mrvideo.cli.commands import chat_with

    settings, _ = _settings(
        text=text,
        vision=vision,
        library=library,
        base_url=base_url,
        preset=preset,
        max_cost=max_cost,
        max_tokens=max_tokens,
    )
    raise typer.Exit(chat_with(videos, settings, name=name, max_steps=max_steps))


@app.command("mcp")
def mcp_command(
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder whose videos may be read. [working folder]")
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP at /mcp; stdio by default.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen at, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at, with --http.")] = 8765,
    vision: VisionOption = None,
    text: TextOption = None,
    library: LibraryOption = None,
    base_url: BaseUrlOption = None,
    preset: PresetOption = None,
    max_cost: MaxCostOption = None,
    max_tokens: MaxTokensOption = None,
) -> None:
    """Serve the tools to LLM agents over the Model Context Protocol."""
    from mrvideo.cli.commands import serve_mcp

    settings, _ = _settings(
        vision=vision,
        text=text,
        library=library,
        base_url=base_url,
        preset=preset,
        max_cost=max_cost,
        max_tokens=max_tokens,
    )
    raise typer.Exit(serve_mcp(settings, root or [Path()], http=http, host=host, port=port))


app.command("eval")(eval_command)
app.command("import")(import_command)


@config.command("show")
def config_show_command(as_json: JsonFlag = False) -> None:
    """List every setting, its value, and where the value came from."""
    from mrvideo.cli.commands import show_settings

    settings, origins = _settings()
    raise typer.Exit(show_settings(settings, origins, as_json=as_json))


@app.callback(invoke_without_command=True)
def version_callback(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Ask questions of long videos."""
    if version:
        from mrvideo import __version__

        typer.echo(f"mrvideo {__version__}")
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(0)


@config.callback()
def config_root(context: typer.Context) -> None:
    """Settings and where they come from."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(0)


def main() -> NoReturn:
    """The console script: every expected problem becomes one line on stderr and an exit code."""
    _settle_streams()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        if code == _INTERRUPTED:
            # Typer turns Ctrl-C into this code by itself.
            _complain(_GO_ON)
        sys.exit(code if isinstance(code, int) else 0)
    except _UsageProblem as error:
        command = error.ctx.command_path if error.ctx else "mrvideo"
        _complain(f"{error.format_message().rstrip('.')}; see {command} --help")
        sys.exit(2)
    except BudgetReached as error:
        _complain(str(error))
        sys.exit(1)
    except MrVideoError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _complain(_GO_ON)
        sys.exit(_INTERRUPTED)
    except _TerminatedError:
        _complain(_GO_ON)
        sys.exit(128 + signal.SIGTERM)
    except BrokenPipeError:
        # The reader of our output left, as `head` does: nothing more to say, and nowhere to say it.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _complain(f"the result cannot be written: {error.strerror}")
        _drop_stdout()
        sys.exit(_CANNOT_WRITE)


class _TerminatedError(BaseException):
    """SIGTERM came: as Ctrl-C, so that processes and connections are let go in order."""


def _terminate(*_: object) -> NoReturn:
    raise _TerminatedError


def _settle_streams() -> None:
    """What is printed finds its place, or the command says at once that it has none."""
    # A closed stream is None here, and the libraries that print would take the other one for it.
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        _complain("stdout is closed: there is no place for the result")
        sys.exit(_CANNOT_WRITE)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # An answer with a ? in it is better than half of one.
            stream.reconfigure(errors="replace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)


def _drop_stdout() -> None:
    """What is left in its buffer would be tried once more, and fail once more, when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> None:
    from mrvideo.display.terminal import plain

    print(f"mrvideo: {plain(message)}", file=sys.stderr)  # noqa: T201
