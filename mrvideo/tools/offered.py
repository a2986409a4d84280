"""What the MCP server offers beside tools: the skill as a prompt, and indexed videos as resources, their
scenes and a contact sheet of each.
"""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import Any

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    BlobResourceContents,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    PaginatedRequestParams,
    Prompt,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextContent,
    TextResourceContents,
)

from mrvideo.errors import MrVideoError
from mrvideo.mapreduce import in_thread
from mrvideo.session.keeping import kept_videos
from mrvideo.session.viewing import overview_sheets
from mrvideo.tools.results import PATH_CHARACTERS, cut, problem_text
from mrvideo.tools.skill import NAME, skill_body
from mrvideo.tools.tasks import allowed_videos
from mrvideo.tools.toolbox import Toolbox

_SCHEME = "mrvideo://videos/"
_SHEETS = "/sheets"
_MOST_LISTED = 100
_DESCRIPTION = "How to answer questions about videos with these tools: the loops, sub-agents, costs."


class Offered:
    """The handlers of one server. Files outside the toolbox's roots are not told of."""

    def __init__(self, box: Toolbox) -> None:
        self._box = box

    async def list_prompts(
        self, ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        """The skill alone."""
        return ListPromptsResult(prompts=[Prompt(name=NAME, description=_DESCRIPTION)])

    async def get_prompt(
        self, ctx: ServerRequestContext[Any], params: GetPromptRequestParams
    ) -> GetPromptResult:
        """An `MCPError` for any other name."""
        if params.name != NAME:
            raise MCPError(INVALID_PARAMS, f"no prompt named {params.name[:80]!r}; there is {NAME}")
        message = PromptMessage(role="user", content=TextContent(text=skill_body()))
        return GetPromptResult(description=_DESCRIPTION, messages=[message])

    async def list_resources(
        self, ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        """Indexed videos, the newest first, a hundred at most: of each its scenes, and its contact sheet."""
        found = await asyncio.to_thread(self._videos)
        resources: list[Resource] = []
        for digest, path, seconds in found:
            name = cut(path, PATH_CHARACTERS)
            resources += [
                Resource(
                    uri=f"{_SCHEME}{digest}",
                    name=name,
                    description=f"scenes of an indexed video of {seconds:.0f} s, as read_scenes tells them",
                    mime_type="application/json",
                ),
                Resource(
                    uri=f"{_SCHEME}{digest}{_SHEETS}",
                    name=cut(f"{name}, contact sheet", PATH_CHARACTERS),
                    description="a picture of each scene, up to 20, under its time; for citations see view_span",
                    mime_type="image/jpeg",
                ),
            ]
        return ListResourcesResult(resources=resources)

    async def read_resource(
        self, ctx: ServerRequestContext[Any], params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        """The first page of the video's scenes, or its sheets. An `MCPError` for an unknown address, and for a
        video whose pictures cannot be read any more.
        """
        uri = str(params.uri)
        digest = uri.removeprefix(_SCHEME).removesuffix(_SHEETS)
        if digest not in [own for own, _, _ in await asyncio.to_thread(self._videos)]:
            raise MCPError(INVALID_PARAMS, f"no resource {uri[:120]!r}; resources/list names those there are")
        if uri.endswith(_SHEETS):
            return ReadResourceResult(contents=await self._sheets(uri, digest))
        told = await self._box.call("read_scenes", {"video": digest, "start_seconds": 0, "stop_seconds": 1e9})
        return ReadResourceResult(
            contents=[TextResourceContents(uri=uri, mime_type="application/json", text=told.text)]
        )

    async def _sheets(self, uri: str, digest: str) -> list[TextResourceContents | BlobResourceContents]:
        try:
            index = await self._box.index(digest)
            sheets = await in_thread(partial(overview_sheets, index, self._box.settings))
        except MrVideoError as error:
            raise MCPError(INTERNAL_ERROR, problem_text(error)) from error
        return [
            BlobResourceContents(
                uri=uri, mime_type="image/jpeg", blob=base64.b64encode(sheet.jpeg).decode("ascii")
            )
            for sheet in sheets
        ]

    def _videos(self) -> list[tuple[str, str, float]]:
        if not self._box.settings.library.exists():
            return []
        allowed = allowed_videos(self._box)
        kept = [one for one in kept_videos(self._box.settings) if one.indexed_at is not None]
        told = [one.video for one in reversed(kept) if allowed is None or one.video.digest in allowed]
        return [(video.digest, video.path, video.duration_seconds) for video in told[:_MOST_LISTED]]
