"""In the place of the agent graph: it remembers what it was given and finds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mrvideo.records import Answer


def remembering(given: dict[str, Any], digest: str) -> Callable[..., Awaitable[Answer]]:
    """An `ask` of a video of that digest, which puts its arguments into `given`."""

    async def ask(question: str, **arguments: Any) -> Answer:
        given.update(arguments)
        return Answer(
            question=question, answer=None, confidence=1, verified=False, video="v", video_digest=digest
        )

    return ask
