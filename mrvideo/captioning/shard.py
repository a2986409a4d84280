"""Captions one shard: decoded once, its calls run side by side, its frames gone when it ends.

The same function serves threads of this process and workers elsewhere; only JSON of records leaves a worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.characters import find_characters, with_spans
from mrvideo.captioning.laying_out import laid_out
from mrvideo.captioning.paper import caption_in_three_steps
from mrvideo.captioning.scenes import Captioned, caption_clips
from mrvideo.captioning.shard_records import SceneDraft, ShardRecords, ShardSpec, WorkerResult
from mrvideo.captioning.shard_view import SHARED_SECONDS, ShardView, shots_in, view_shard
from mrvideo.errors import BudgetReached, DecodeError, VideoChanged, VideoError, WorkerLost
from mrvideo.mapreduce import Decode, decode, portal, worker_name
from mrvideo.media.shard import ShardFrames, read_shard
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.base import Model
from mrvideo.models.budget import Allowance, Budget
from mrvideo.models.memory_store import MemoryStore
from mrvideo.models.recorder import MemoryRecorder
from mrvideo.models.replay import about, take_missing
from mrvideo.records import Failure, Frame, Mention, Sighting, Usage


def caption_shard(
    spec: ShardSpec,
    *,
    vision: Model,
    decode: Decode = decode,
    on_call: Callable[[str, Usage], None] | None = None,
    on_exemplar: Callable[[float, Frame], None] | None = None,
    on_frames: Callable[[ShardFrames], None] | None = None,
) -> ShardRecords:
    """The shard's records. `on_call` hears of each call (stage, usage), `on_exemplar` of each mention's
    frame, both on the event-loop thread of this process; `on_frames` of what was decoded, on the calling
    thread and before the first call.

    A video that cannot be read is a `Failure` over the whole shard. Raises `VideoChanged` where the path
    holds another one, `ModelUnavailable` and `BudgetReached`.
    """
    try:
        shard = decode(_reading(spec)).result()
    except VideoChanged:
        raise
    except (VideoError, OSError, WorkerLost) as error:
        return ShardRecords(index=spec.index, span=spec.span, failures=(_unreadable(spec, error),))
    if on_frames is not None:
        on_frames(shard)
    return portal().call(partial(caption_frames, spec, shard, vision, on_call, on_exemplar))


def caption_in_worker(spec_json: str, *, settings: ModelSettings) -> str:
    """`caption_shard` in another process: JSON of a `ShardSpec` in, of a `WorkerResult` out.

    The model is built once per process from its settings; with an allowance, once per shard. A shard that
    reaches its allowance comes back undone, with the replies that were paid.
    """
    spec = ShardSpec.model_validate_json(spec_json)
    ledger = Ledger()
    model, replies, recorder = (
        _model(settings) if spec.allowance is None else _bounded(settings, spec.allowance, ledger)
    )
    replies.seed(spec.replies)
    reached: str | None = None
    try:
        records = caption_shard(spec, vision=about(model, spec.video.digest))
    except BudgetReached as error:
        if spec.allowance is None:
            raise
        reached = str(error)
        records = ShardRecords(index=spec.index, span=spec.span, usage=ledger.by_stage())
    except VideoChanged as error:
        # Its copy of the video may be another than the driver's, and those of other workers.
        failure = _unreadable(spec, error)
        records = ShardRecords(index=spec.index, span=spec.span, failures=(failure,))
    result = WorkerResult(
        records=records,
        replies=replies.take(),
        recorded=recorder.take(),
        missing=take_missing(model),
        reached=reached,
    )
    if spec.allowance is not None:
        portal().call(model.aclose)
    return result.model_dump_json()


_lock = threading.Lock()
_models: dict[str, tuple[Model, MemoryStore, MemoryRecorder]] = {}


def _model(settings: ModelSettings) -> tuple[Model, MemoryStore, MemoryRecorder]:
    with _lock:
        key = settings.identity
        if key not in _models:
            replies, recorder = MemoryStore(), MemoryRecorder()
            recorded = recorder if settings.recorded else None
            model = open_model(settings, ledger=Ledger(), store=replies, recorder=recorded)
            _models[key] = (model, replies, recorder)
        return _models[key]


def _bounded(
    settings: ModelSettings, allowance: Allowance, ledger: Ledger
) -> tuple[Model, MemoryStore, MemoryRecorder]:
    replies, recorder = MemoryStore(), MemoryRecorder()
    model = open_model(
        settings,
        ledger=ledger,
        store=replies,
        recorder=recorder if settings.recorded else None,
        budget=Budget(allowance.max_cost, allowance.max_tokens),
    )
    return model, replies, recorder


def _reading(spec: ShardSpec) -> Callable[[], ShardFrames]:
    """What is left to do elsewhere. It names media alone: a process that only decodes need not import all of
    captioning.
    """
    options = spec.options
    return partial(
        read_shard,
        spec.video.path,
        spec.span,
        spec.reading,
        frames_per_second=options.frames_per_second,
        lead_seconds=1 / options.frames_per_second,
        reach_seconds=options.reach_seconds,
        ahead_seconds=SHARED_SECONDS,
    )


def _unreadable(spec: ShardSpec, error: Exception) -> Failure:
    reason = f"worker {worker_name()} cannot read {spec.video.path}: {' '.join(str(error).split())}"
    # Bytes that do not decode will not decode next time either; a file out of reach may.
    if isinstance(error, DecodeError):
        return Failure.of(spec.span, "decode", reason, final=True)
    return Failure.of(spec.span, "open", reason)


async def caption_frames(
    spec: ShardSpec,
    shard: ShardFrames,
    vision: Model,
    on_call: Callable[[str, Usage], None] | None = None,
    on_exemplar: Callable[[float, Frame], None] | None = None,
) -> ShardRecords:
    """The records of a decoded shard: characters first, then all its scenes at once. Runs on the event-loop
    thread.
    """
    view = view_shard(spec, shard).as_picked(shard.frames, vision.capabilities.picks)
    calls = Calls(vision, on_call=on_call)
    look = await find_characters(view, calls)
    found, borders = await _captioned(view, look.mentions, look.watermarks, calls)
    mentions = (*look.mentions, *found.newcomers)
    for mention in mentions if on_exemplar is not None else ():
        frame = view.exemplar_frame(mention)
        if frame is not None and on_exemplar is not None:
            on_exemplar(mention.exemplar_seconds, frame)
    laid = laid_out([*found.entries, *view.failures], view.span)
    drafts = tuple(entry for entry in laid if isinstance(entry, SceneDraft))
    failures = (*look.failures, *borders, *(entry for entry in laid if isinstance(entry, Failure)))
    records = ShardRecords(
        index=spec.index,
        span=spec.span,
        mentions=with_spans(mentions, drafts, within=view.span),
        corrected=found.corrected,
        called=found.called,
        pieces=drafts,
        failures=failures,
        shots=shots_in(shard.shots, spec.span),
        watermarks=look.watermarks,
        shared=look.shared,
        usage=calls.usage,
    )
    if records.finished:
        return records
    return records.model_copy(update={"answered": tuple(calls.answered)})


async def _captioned(
    view: ShardView, mentions: tuple[Mention, ...], watermarks: tuple[Sighting, ...], calls: Calls
) -> tuple[Captioned, list[Failure]]:
    if view.spec.options.recipe == "paper":
        entries, borders = await caption_in_three_steps(view, mentions, watermarks, calls)
        return Captioned(entries), borders
    return await caption_clips(view, mentions, watermarks, calls), []
