"""Puts the rooms together for one run: models, budget, ledger, library, and the two stages."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from anyio import to_thread
from pydantic import SecretStr

from mrvideo.agents.run import ask
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.errors import InputError, LibraryError, ModelUnavailable, SettingsError
from mrvideo.library import Library
from mrvideo.mapreduce import Backend, portal
from mrvideo.media.looks import FrameSource
from mrvideo.messages.analysis import LookInputs, LookReply
from mrvideo.messages.shared import CueLine
from mrvideo.models import Budget, Ledger, ModelSettings, open_model
from mrvideo.models.base import Abilities, Model, Picture, Request
from mrvideo.models.presets import preset_named
from mrvideo.prompt import load_prompt
from mrvideo.records import (
    Answer,
    Event,
    Frame,
    Hit,
    Index,
    Notice,
    Span,
    StageAdvanced,
    Usage,
    clock,
)
from mrvideo.settings import Settings
from mrvideo.speech import transcriber_settings

EventSink: TypeAlias = Callable[[Event], None]

_ROLES = ("vision", "text")


@dataclass(frozen=True)
class Models:
    """The two roles of one run, behind one ledger."""

    vision: Model
    text: Model
    ledger: Ledger

    @property
    def names(self) -> dict[str, str]:
        """Role → name, as an answer reports it."""
        return {"vision": self.vision.name, "text": self.text.name}

    async def aclose(self) -> None:
        """Let go of both."""
        await self.vision.aclose()
        if self.text is not self.vision:
            await self.text.aclose()


def model_settings(settings: Settings, role: str) -> ModelSettings:
    """What the `vision`, `text` or `speech` role's adapter is opened with. Raises `SettingsError`."""
    name = {"vision": settings.vision_model, "text": settings.text_model, "speech": settings.speech or ""}[
        role
    ]
    own_url = {
        "vision": settings.vision_base_url,
        # A text role that is the vision model by default is reached where that is reached.
        "text": settings.text_base_url or (settings.vision_base_url if settings.text is None else None),
        "speech": settings.speech_base_url,
    }[role]
    if settings.preset is not None:
        preset_named(settings.preset)  # Also where nothing is sent: a misspelling is a mistake in any case.
    parse = transcriber_settings if role == "speech" else ModelSettings.parse
    own = parse(
        name,
        base_url=own_url or settings.base_url,
        preset=settings.preset,
        concurrency=settings.concurrency,
        timeout_seconds=settings.timeout_seconds,
        temperature=settings.temperature,
    )
    if not own.talks_to_server:
        return own
    return own.model_copy(update={"api_key": settings.key(own.server.key_variable)})


def budget_of(settings: Settings) -> Budget:
    """The bound on what one run may take, all its steps together."""
    return Budget(max_cost=settings.max_cost, max_tokens=settings.max_tokens)


def open_models(
    settings: Settings, library: Library | None, on_event: EventSink, budget: Budget | None = None
) -> Models:
    """Both roles' models for one run; the caller closes them. `budget` is the run's, where these calls are not all of it.

    Raises `SettingsError`, `ModelUnavailable`.
    """

    def advanced(stage: str, usage: Usage) -> None:
        on_event(StageAdvanced(stage=stage, done=0, usage=usage))

    ledger = Ledger(on_usage=advanced)
    budget = budget or budget_of(settings)
    roles = model_settings(settings, "vision"), model_settings(settings, "text")
    vision = open_model(roles[0], ledger=ledger, store=library, fresh=settings.fresh, budget=budget)
    if roles[1] == roles[0]:
        return Models(vision=vision, text=vision, ledger=ledger)
    text = open_model(roles[1], ledger=ledger, store=library, fresh=settings.fresh, budget=budget)
    return Models(vision=vision, text=text, ledger=ledger)


@contextmanager
def opened_models(
    settings: Settings, library: Library | None, on_event: EventSink, budget: Budget | None = None
) -> Generator[Models, None, None]:
    """`open_models`, closed at the end; for code outside the event-loop thread."""
    models = open_models(settings, library, on_event, budget)
    try:
        yield models
    finally:
        portal().call(models.aclose)


def check_reachable(settings: Settings) -> None:
    """Raises `ModelUnavailable` when a role's model is plainly not there. Called before anything is written."""
    vision, text = (model_settings(settings, role) for role in _ROLES)
    check_there(vision)
    if text != vision:
        check_there(text)


def check_there(own: ModelSettings) -> None:
    """Raises `ModelUnavailable` when its server accepts no connection, or its folder does not exist. Sends nothing."""
    if own.scheme == "hf" and own.model.startswith(("/", "./", "../", "~")) and not Path(own.model).is_dir():
        raise ModelUnavailable(
            f"{own.name}: there is no folder {own.model}; name one that holds a saved model"
        )
    if not own.talks_to_server or own.base_url is None:
        return
    parts = urlsplit(own.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=10).close()
    except OSError as error:
        raise ModelUnavailable(
            f"no server answers at {own.base_url} ({error}); start it, or correct --base-url"
        ) from error


def abilities(settings: Settings) -> Abilities:
    """What the vision model can take; no key is needed to know."""
    own = model_settings(settings, "vision")
    if own.talks_to_server and own.api_key is None:
        own = own.model_copy(update={"api_key": SecretStr("none")})
    model = open_model(own, ledger=Ledger())
    found = model.abilities
    portal().call(model.aclose)
    return found


def captioning_options(settings: Settings) -> CaptioningOptions:
    """Stage A's share of the settings."""
    backend, cluster = _backend(settings)
    return CaptioningOptions(
        recipe=settings.recipe,
        clip_seconds=settings.clip_seconds,
        shard_seconds=settings.shard_seconds,
        frames_per_second=settings.frames_per_second,
        long_side_pixels=settings.long_side_pixels,
        jpeg_quality=settings.jpeg_quality,
        reader=settings.reader,
        keyframes_only=settings.keyframes_only,
        allow_url=settings.allow_url,
        workers=settings.workers,
        backend=backend,
        cluster=cluster,
        cast=settings.cast,
        fresh=settings.fresh,
    )


def _backend(settings: Settings) -> tuple[Backend, str | None]:
    cluster = settings.cluster
    if cluster is None:
        return ("threading", None) if settings.workers is None else ("loky", None)
    if cluster.startswith("dask://"):
        return "dask", cluster
    if cluster == "auto" or cluster.startswith("ray://"):
        return "ray", cluster
    raise SettingsError(f"cluster {cluster!r} is neither dask://HOST:PORT nor ray://HOST:PORT nor auto")


def frame_source(path: str, settings: Settings, *, long_side_pixels: int) -> FrameSource:
    """Where re-looks get their frames from."""
    return FrameSource(
        path,
        reader=settings.reader,
        long_side_pixels=long_side_pixels,
        jpeg_quality=settings.jpeg_quality,
        allow_url=settings.allow_url,
    )


async def ask_index(
    index: Index,
    question: str,
    options: tuple[str, ...],
    settings: Settings,
    *,
    must_choose: bool,
    on_event: EventSink,
    budget: Budget | None = None,
) -> Answer:
    """Stage B for one question, on the event-loop thread. The answer is kept in the library."""
    await to_thread.run_sync(check_reachable, settings)
    library = await to_thread.run_sync(Library.open, settings.library)
    try:
        models = open_models(settings, library, on_event, budget)
        try:
            source = None
            if settings.allow_url or await to_thread.run_sync(Path(index.video.path).is_file):
                pixels = settings.long_side_pixels or models.vision.abilities.long_side_pixels
                source = frame_source(index.video.path, settings, long_side_pixels=pixels)
            answer = await ask(
                question,
                options=options,
                index=index,
                frames=source,
                vision=models.vision,
                text=models.text,
                effort=settings.effort,
                must_choose=must_choose,
                max_rounds=settings.max_rounds,
                on_event=on_event,
            )
        finally:
            await models.aclose()
        answer = answer.model_copy(
            update={
                "usage": models.ledger.total(),
                "models": models.names,
                "settings": {"index": index.key, **index.settings, "max_rounds": settings.max_rounds},
            }
        )
        try:
            await to_thread.run_sync(library.put_answer, answer)
        except LibraryError as error:
            # It is paid for and at hand: losing it for want of a place to keep it would help nobody.
            on_event(Notice(text=f"the answer is not kept: {error}"))
        return answer
    finally:
        library.close()


def search_library(words: str, settings: Settings, *, limit: int) -> tuple[Hit, ...]:
    """Full-text search over every indexed video. Raises `LibraryError` when there is no library yet."""
    if not settings.library.exists():
        raise LibraryError(
            f"no library at {settings.library}; index a video first, or name it with --library"
        )
    with closing(Library.open(settings.library, create=False)) as library:
        return library.search(words, limit=limit)


async def look_again(
    index: Index,
    span: Span,
    question: str,
    settings: Settings,
    *,
    max_frames: int,
    budget: Budget | None = None,
) -> tuple[LookReply, list[Frame]]:
    """Put one question to frames spread evenly over a span; on the event-loop thread."""
    shown = span.intersection(index.span)
    if shown is None:
        raise InputError(
            f"{span} lies outside the video, which is {clock(index.video.duration_seconds)} long"
        )
    models = open_models(settings, None, _no_events, budget)
    try:
        able = models.vision.abilities
        source = frame_source(index.video.path, settings, long_side_pixels=able.long_side_pixels)
        count = min(max_frames, able.look_images)
        step = shown.duration_seconds / count
        times = [shown.start_seconds + step * (i + 0.5) for i in range(count)]
        frames = await to_thread.run_sync(source.at, times)
        frames = list({frame.time_seconds: frame for frame in frames}.values())
        request = Request(
            prompt=load_prompt("look_local"),
            inputs=LookInputs(
                question=question,
                goal=question,
                spans=(shown,),
                frame_times=tuple(frame.time_seconds for frame in frames),
                cues=tuple(CueLine.of(cue) for cue in index.cues if cue.span.overlaps(shown)),
            ),
            reply_type=LookReply,
            stage="look",
            pictures=tuple(Picture(f"{f.time_seconds:.2f} s", f.jpeg, f.time_seconds) for f in frames),
            span=shown,
        )
        return (await models.vision.run(request)).value, frames
    finally:
        await models.aclose()


def _no_events(event: Event) -> None:
    """A look is short: it reports nothing on the way."""
