"""`offline`: no model at all. It reads text on screen and cues, measures cuts, colours and motion, and
answers from those.

It is an honest baseline: it reads, it does not see people, and what it did not read it does not know.
"""

from __future__ import annotations

import os
import time
from typing import Any, TypeVar

import anyio.to_thread
from pydantic import BaseModel

from mrvideo.errors import ModelRefused
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.offline.handlers import HANDLERS
from mrvideo.models.offline.reading.engine import few_heaps
from mrvideo.records import Usage

T = TypeVar("T", bound=BaseModel)

READING_VERSION = 10
"""Raised whenever captions and texts change: every video is then read anew."""

ANSWERING_VERSION = 10
"""Raised whenever answers change: kept replies are then made anew, and indexes stay."""


class OfflineModel:
    """Answers any request of ours by its prompt's name and typed inputs. Thread-safe; needs no network and no
    GPU.
    """

    name = "offline"
    fingerprint = f"offline/{READING_VERSION}/{ANSWERING_VERSION}"
    capabilities = Capabilities(
        context_tokens=2_000_000,
        long_side_pixels=960,
        look_images=8,
        judges=False,
        concurrency=max(2, min(os.cpu_count() or 2, 4)),
        index_fingerprint=f"offline/{READING_VERSION}",
    )

    def __init__(self) -> None:
        # Before any thread of decoding or reading begins.
        few_heaps()

    async def run(self, request: Request[T]) -> Reply[T]:
        """Work it out in a thread. Raises `ModelRefused` for a prompt that is none of ours."""
        handler = HANDLERS.get(request.prompt.name)
        if handler is None:
            raise ModelRefused(
                f"the offline model does not know the prompt {request.prompt.name!r}; choose another model for it"
            )
        started = time.perf_counter()
        value: Any = await anyio.to_thread.run_sync(handler, request)
        usage = Usage(calls=1, images=len(request.pictures), seconds=time.perf_counter() - started, cost=0.0)
        return Reply(value=request.parse(value.model_dump()), usage=usage)

    async def aclose(self) -> None:
        """Nothing to let go of: the reading engine serves the whole process."""


__all__ = ["OfflineModel"]
