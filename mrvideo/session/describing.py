"""What is asked for as the caption of a picture: encoders of pictures were taught captions, not questions."""

from __future__ import annotations

from mrvideo.errors import BudgetReached, ModelError
from mrvideo.models.base import Model, Request
from mrvideo.models.settings import HOST
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import EventSink, Notice, Usage
from mrvideo.schemas.analysis import DescribeInputs, DescribeReply
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
