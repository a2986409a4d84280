"""Stage B for one question: models, frames and library in, a kept answer out."""

from __future__ import annotations

from pathlib import Path

from anyio import to_thread

from mrvideo.agents.ask.run import ask
from mrvideo.errors import LibraryError
from mrvideo.library import Library
from mrvideo.models import Budget
from mrvideo.records import Answer, EventSink, Index, Notice
from mrvideo.session.models import check_reachable, open_models
from mrvideo.session.options import frame_source
from mrvideo.settings import Settings


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
                pixels = settings.long_side_pixels or models.vision.capabilities.long_side_pixels
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
