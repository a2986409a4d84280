"""The viewer's pages and its JSON API. Records go out as the SDK has them; what is put right goes through
`session.casting`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mrvideo import api
from mrvideo.display.stages import event_text
from mrvideo.errors import InputError, MrVideoError
from mrvideo.media.images import with_crop
from mrvideo.models import Budget
from mrvideo.records import Answer, Box, Event, Frame, Notice, Record, StageAdvanced, VideoInfo
from mrvideo.session.keeping import kept_videos
from mrvideo.session.loading import SHORTEST_DIGEST, video_of_digest
from mrvideo.session.models import budget_of
from mrvideo.session.options import frame_source
from mrvideo.session.previewing import Previews
from mrvideo.session.searching import search_library
from mrvideo.session.telling import kept_chapters
from mrvideo.settings import Settings
from mrvideo.web.door import plain_page
from mrvideo.web.openapi import CastRequest, Problem, Question, description
from mrvideo.wording import is_url

STATIC = Path(__file__).parent / "static"

MOST_BODY_BYTES = 100_000
MOST_PHOTO_BYTES = 16 << 20
LARGEST_PICTURE_PIXELS = 1280
MOST_FOUND = 20

_LISTENS_EVERY_SECONDS = 0.2
_MARGIN = 0.15
"""Around a box, as a share of its size."""
_KEPT_BY_BROWSER = {"Cache-Control": "private, max-age=3600"}

M = TypeVar("M", bound=BaseModel)


class Viewer:
    """One library behind pages. All questions share one bound on cost."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._budget: Budget = budget_of(settings)
        self._previews = Previews(settings)

    def app(self) -> Starlette:
        """Pages, static files and the API; whoever serves it puts a door before it."""
        one = "/api/videos/{digest:str}"
        routes = [
            Route("/", partial(_page, "library.html")),
            Route("/video/{digest:str}", partial(_page, "video.html")),
            Route("/api/videos", self._videos),
            Route("/api/search", self._search),
            Route("/api/openapi.json", self._openapi),
            Route(one, self._video),
            Route(f"{one}/file", self._file),
            Route(f"{one}/preview", self._preview),
            Route(f"{one}/preview/{{part:int}}", self._preview_part),
            Route(f"{one}/frame", self._frame),
            Route(f"{one}/chapters", self._chapters),
            Route(f"{one}/chapters", self._write_chapters, methods=["POST"]),
            Route(f"{one}/find", self._find),
            Route(f"{one}/ask", self._ask, methods=["POST"]),
            Route(f"{one}/cast", self._cast, methods=["POST"]),
            Route(f"{one}/photo", self._photo),
            Route(f"{one}/photo", self._give_photo, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        return Starlette(
            routes=routes,
            exception_handlers={MrVideoError: _told, ValidationError: _invalid, HTTPException: _http},
        )

    # --- reading ---

    async def _videos(self, request: Request) -> Response:
        kept = await asyncio.to_thread(kept_videos, self._settings)

        def body() -> list[dict[str, Any]]:
            return [{**one.model_dump(mode="json"), "gone": _is_gone(one.video)} for one in kept]

        return _json(await asyncio.to_thread(body))

    async def _search(self, request: Request) -> Response:
        words = request.query_params.get("words", "")
        hits = await asyncio.to_thread(search_library, words, self._settings, limit=50)
        return _json([hit.model_dump(mode="json") for hit in hits])

    async def _openapi(self, request: Request) -> Response:
        return _json(description())

    async def _video(self, request: Request) -> Response:
        video = await self._loaded(request)

        def body() -> dict[str, Any]:
            index = video.index.model_dump(
                mode="json",
                include={"video", "scenes", "entities", "cues", "shots", "failures", "created_at"},
            )
            answers = [_with_words(answer) for answer in video.answers()]
            corrections = [one.model_dump(mode="json") for one in video.corrections]
            return {
                **index,
                "answers": answers,
                "corrections": corrections,
                "playable": _lies_there(video.info),
            }

        return _json(await asyncio.to_thread(body))

    async def _file(self, request: Request) -> Response:
        video = await self._known(request)
        if not await asyncio.to_thread(_lies_there, video):
            raise HTTPException(404, "the file is gone, or holds another video by now")
        return FileResponse(video.path, content_disposition_type="inline")

    async def _preview(self, request: Request) -> Response:
        video = await self._known(request)
        told = await asyncio.to_thread(self._previews.told, video)
        return _json(told.model_dump(mode="json"))

    async def _preview_part(self, request: Request) -> Response:
        video = await self._known(request)
        stop = threading.Event()
        part = int(request.path_params["part"])
        making = asyncio.create_task(asyncio.to_thread(self._previews.part, video, part, stop))
        try:
            while not (await asyncio.wait({making}, timeout=_LISTENS_EVERY_SECONDS))[0]:
                if await request.is_disconnected():
                    # Somebody has moved on: nobody waits for this part any more.
                    stop.set()
        finally:
            stop.set()
        return Response(await making, media_type="video/mp4", headers=_KEPT_BY_BROWSER)

    async def _frame(self, request: Request) -> Response:
        video = await self._known(request)
        try:
            time = float(request.query_params.get("t", "0"))
            side = int(request.query_params.get("side", "320"))
        except ValueError:
            raise InputError("t is a time in seconds, side a number of pixels") from None
        last = max(video.duration_seconds - 0.05, 0.0)
        if not 0 <= time <= video.duration_seconds or not 16 <= side <= LARGEST_PICTURE_PIXELS:
            raise InputError(
                f"t lies in the video, 0 to {last:.2f} s, and side between 16 and {LARGEST_PICTURE_PIXELS} pixels"
            )
        box = _box(request.query_params.get("box"))
        # What a box holds is cut from a large picture: of a small one, a few pixels would be left.
        pixels = side if box is None else LARGEST_PICTURE_PIXELS

        def picture() -> Frame:
            source = frame_source(video, self._settings, long_side_pixels=pixels)
            (frame,) = source.at([min(time, last)])
            part = None if box is None else box.padded(_MARGIN).intersection(frame.crop)
            return frame if part is None else with_crop(frame, part, long_side_pixels=side)

        frame = await asyncio.to_thread(picture)
        return Response(frame.jpeg, media_type="image/jpeg", headers=_KEPT_BY_BROWSER)

    async def _chapters(self, request: Request) -> Response:
        video = await self._loaded(request)
        kept = await asyncio.to_thread(kept_chapters, video.index, self._settings)
        return _json(None if kept is None else [node.model_dump(mode="json") for node in kept])

    async def _find(self, request: Request) -> Response:
        video = await self._loaded(request)
        found = await video.afind(request.query_params.get("query", ""), top=MOST_FOUND)
        return _json(found.model_dump(mode="json"))

    # --- asking and putting right ---

    async def _write_chapters(self, request: Request) -> Response:
        video = await self._loaded(request)
        # Built and kept by the text model, within the viewer's bound; then they are listed as ever.
        await asyncio.to_thread(lambda: video.chapters)
        return await self._chapters(request)

    async def _ask(self, request: Request) -> Response:
        asked = await _body(request, Question)
        video = await self._loaded(request)
        # Closing the connection stops the work: that is what the page's stop button does.
        return StreamingResponse(_events(video, asked), media_type="application/x-ndjson")

    async def _cast(self, request: Request) -> Response:
        asked = await _body(request, CastRequest)
        video = await self._loaded(request)
        notes: list[str] = []

        def heard(event: Event) -> None:
            if isinstance(event, Notice):
                notes.append(event.text)

        def change() -> api.CastChange:
            match asked.action:
                case "merge":
                    return video.merge(asked.name, asked.other, on_event=heard)
                case "split":
                    return video.split(
                        asked.name, scenes=asked.scenes, mentions=asked.mentions, on_event=heard
                    )
                case "rename":
                    return video.rename(asked.name, asked.other, on_event=heard)
                case "apart":
                    return video.tell_apart(asked.name, asked.other, on_event=heard)
                case "undo":
                    return video.undo(on_event=heard)

        return _changed(await asyncio.to_thread(change), notes)

    async def _photo(self, request: Request) -> Response:
        video = await self._loaded(request)
        jpeg = await asyncio.to_thread(video.photo, request.query_params.get("name", ""))
        if jpeg is None:
            raise HTTPException(404, "no photo was given")
        return Response(jpeg, media_type="image/jpeg")

    async def _give_photo(self, request: Request) -> Response:
        data = await _bytes(request, "application/octet-stream", MOST_PHOTO_BYTES)
        video = await self._loaded(request)
        name = request.query_params.get("name", "")
        return _changed(await asyncio.to_thread(video.give_photo, name, data), [])

    async def _loaded(self, request: Request) -> api.Video:
        """The video of the address: paths come from the library alone, never from a request."""
        load = partial(api.load, _digest(request), settings=self._settings, budget=self._budget)
        return await asyncio.to_thread(load)

    async def _known(self, request: Request) -> VideoInfo:
        """As `_loaded`, where its index is not needed: reading that of ten hours for each frame takes longer
        than the frame.
        """
        return await asyncio.to_thread(video_of_digest, _digest(request), self._settings)


def _box(text: str | None) -> Box | None:
    """`left,top,right,bottom` in shares of the picture. Raises `InputError`."""
    if text is None:
        return None
    try:
        left, top, right, bottom = map(float, text.split(","))
        return Box(left, top, right, bottom)
    except ValueError as error:
        raise InputError("box is left,top,right,bottom in shares of the picture, 0 to 1") from error


def _digest(request: Request) -> str:
    digest = request.path_params["digest"]
    if not (SHORTEST_DIGEST <= len(digest) <= 64 and all(c in "0123456789abcdef" for c in digest)):
        raise HTTPException(404, "no such video")
    return digest


async def _page(name: str, request: Request) -> Response:
    return FileResponse(STATIC / name)


async def _events(video: api.Video, asked: Question) -> AsyncGenerator[str]:
    try:
        # An iterator by its type; it is a generator, whose closing stops the work.
        stream = cast(
            "AsyncGenerator[Event | Answer, None]", video.astream(asked.question, asked.options or None)
        )
        async with aclosing(stream) as found:
            async for one in found:
                # Its words are those of the command line; one that only counts has none.
                counts = isinstance(one, Answer | StageAdvanced)
                yield _line(one, told="" if counts else event_text(one))
    except MrVideoError as error:
        yield json.dumps({"type": "Problem", "detail": str(error)}) + "\n"


def _line(record: Record, *, told: str) -> str:
    body = {"type": type(record).__name__, "told": told, **record.model_dump(mode="json")}
    return json.dumps(body, ensure_ascii=False) + "\n"


def _with_words(answer: Answer) -> dict[str, Any]:
    """The record, and what `str(answer)` says of it: no page has to find the words anew."""
    words = {"told": answer.told, "marks": answer.marks, "differences": answer.differences}
    return {**answer.model_dump(mode="json"), **words}


def _is_gone(video: VideoInfo) -> bool:
    return not is_url(video.path) and not _lies_there(video)


def _lies_there(video: VideoInfo) -> bool:
    path = Path(video.path)
    return not is_url(video.path) and path.is_file() and path.stat().st_size == video.size_bytes


async def _body(request: Request, kind: type[M]) -> M:
    return kind.model_validate_json(await _bytes(request, "application/json", MOST_BODY_BYTES))


async def _bytes(request: Request, media_type: str, most_bytes: int) -> bytes:
    # A form of another site cannot send such a type without asking the browser first.
    if request.headers.get("content-type", "").partition(";")[0].strip() != media_type:
        raise HTTPException(415, f"send {media_type}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise HTTPException(413, f"at most {most_bytes} bytes")
    return bytes(body)


def _changed(done: api.CastChange, notes: list[str]) -> Response:
    return _json({"told": done.correction.told, "stale": done.stale, "notes": notes})


def _json(content: Any) -> Response:
    return JSONResponse(content)


async def _told(request: Request, error: Exception) -> Response:
    known = not isinstance(error, InputError)
    return JSONResponse(Problem(detail=str(error)).model_dump(), 409 if known else 400)


async def _invalid(request: Request, error: Exception) -> Response:
    return JSONResponse(Problem(detail="the request has fields that are wrong or missing").model_dump(), 422)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "failed"
    page = plain_page(request, status, "There is no such page.", "To the library") if status == 404 else None
    if page is not None:
        return page
    return JSONResponse(Problem(detail=detail).model_dump(), status)
