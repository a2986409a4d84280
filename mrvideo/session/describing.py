"""What is asked for as the caption of a picture: encoders of pictures were taught captions, not questions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from anyio import to_thread

from mrvideo.errors import BudgetReached, ModelError
from mrvideo.library import Library
from mrvideo.models import Budget
from mrvideo.models.base import Model, Request
from mrvideo.models.settings import HOST
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import EventSink, Notice, Usage
from mrvideo.schemas.analysis import DescribeInputs, DescribeReply
from mrvideo.session.models import open_models
from mrvideo.settings import OFFLINE, Settings


def is_described(settings: Settings) -> bool:
    """Whether there is a text model that words a query anew. One that is an agent would have to be waited for."""
    return settings.text_model not in (OFFLINE, HOST)


async def described(query: str, text: Model, on_event: EventSink) -> tuple[str, Usage]:
    """The query as a description, and what that took; as it is where the model fails, with a notice.

    Raises `BudgetReached`. A reply is kept as all are: the same query costs one call.
    """
    request = Request(
        prompt=load_prompt("describe"),
        inputs=DescribeInputs(query=query),
        reply_type=DescribeReply,
        stage="describe",
    )
    try:
        reply = await text.run(request)
    except BudgetReached:
        raise
    except ModelError as error:
        on_event(Notice(text=f"pictures are compared with the query as it stands: {error}"))
        return query, Usage()
    return " ".join(reply.value.description.split()), reply.usage


@asynccontextmanager
async def text_opened(
    settings: Settings, budget: Budget | None, on_event: EventSink
) -> AsyncGenerator[Model]:
    """The text model, with the library as its reply store where it can be written."""
    library = await to_thread.run_sync(partial(Library.open, settings.library, create=False))
    try:
        kept_in = library if library.writable else None
        models = open_models(settings, kept_in, on_event, budget, at_first_call=True)
        try:
            yield models.text
        finally:
            await models.aclose()
    finally:
        library.close()
