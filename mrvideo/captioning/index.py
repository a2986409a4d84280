"""Builds a video's index: map over shards, reduce to one cast, rename, keep. The driver of stage A.

Done again, it does only what is missing: finished shards are kept as parts of the library, replies by their
content.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial

from pydantic import ValidationError

from mrvideo.captioning.assemble import shots_of
from mrvideo.captioning.cast_file import Given, load_given
from mrvideo.captioning.corrections import keep_index, with_photos
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.options import CaptioningOptions, cues_of, index_key, index_settings, part_key
from mrvideo.captioning.reduce import reduce_shards
from mrvideo.captioning.shard import caption_in_worker, caption_shard
from mrvideo.captioning.shard_records import ShardRecords, ShardSpec, WorkerResult
from mrvideo.captioning.shard_view import plan
from mrvideo.errors import SettingsError, VideoChanged, VideoError
from mrvideo.files import absolute
from mrvideo.library import Library
from mrvideo.mapreduce import Decode, cores, decode, decoding_processes, map_shards, portal
from mrvideo.media.clips import plan_clips
from mrvideo.media.content import Content
from mrvideo.media.identity import content_of
from mrvideo.media.looks import FrameSource
from mrvideo.media.shard import ShardFrames
from mrvideo.models import ModelSettings
from mrvideo.models.base import Model, reply_key
from mrvideo.models.budget import Budget
from mrvideo.models.memory_store import KeptReply
from mrvideo.models.recorder import keep_recorded
from mrvideo.models.replay import add_missing
from mrvideo.records import (
    Cue,
    Event,
    Failure,
    Index,
    Notice,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Usage,
    VideoInfo,
    may_yet_end_well,
)
from mrvideo.speech.known import HEARD
from mrvideo.wording import is_url

__all__ = ["CaptioningOptions", "build_index", "index_key"]

_SHARDS_AT_ONCE = (4, 32)
"""Twice as many as cores by default, within these: half of them decode while the others wait for their calls.
"""
_SHARDS_WORTH_PROCESSES = 5
"""So many shards make up for the 0.3 s that a process takes to start."""


def build_index(
    info: VideoInfo,
    cues: Sequence[Cue],
    *,
    options: CaptioningOptions,
    vision: Model,
    worker_model: ModelSettings | None = None,
    library: Library,
    on_event: Callable[[Event], None],
    on_worker_usage: Callable[[str, Usage], None] = lambda stage, usage: None,
    budget: Budget | None = None,
    heard: bool = False,
    unheard: Sequence[Failure] = (),
    spent: Usage | None = None,
    told: Mapping[str, str] | None = None,
    on_frames: Callable[[ShardFrames], None] | None = None,
) -> Index:
    """Stage A for one video; the index is kept in the library before it is returned.

    `budget` bounds what workers in other processes take; `on_worker_usage` is told what their calls took, by
    stage; those of this process are in the models' ledger. `heard`: the sound was transcribed. `unheard` and
    `spent` are what that failed at and took: they belong to the index, and are kept in one write with it.
    `told` is kept among its settings and is no part of its key: where cues come from.
    `on_frames` is given each shard that is decoded by this process, from several threads at once. What failed
    before is tried again; what is done is not. Events come from several threads, one at a time. Raises
    `ModelUnavailable` and `BudgetReached` when no call can go on, `InputError` for a cast file that cannot be
    used, `VideoChanged` when the path holds another video than `info` tells of, and `LibraryError`. What was
    done until then is kept.
    """
    given = load_given(options.cast)
    content = _content_of(info, options)
    options = options.model_copy(update={"reading": replace(options.reading, content=content)})
    run = _Run(
        info,
        tuple(cues),
        options,
        vision,
        worker_model,
        library,
        on_event,
        on_worker_usage,
        budget,
        heard=heard or bool(cues),
        unheard=[one.span for one in unheard if one.hides == "sound"],
        on_frames=on_frames,
    )
    with library.claim(f"index/{info.digest}", on_wait=run.wait_notice):
        kept = None if options.fresh else library.index(info.digest, run.key)
        if kept is not None and not may_yet_end_well(kept.failures):
            return kept.model_copy(update={"video": info})
        records = run.map()
        index = run.reduce(records, with_photos(given, info.digest, library))
        failures = sorted((*index.failures, *unheard), key=lambda one: (one.start_seconds, one.stage))
        index = index.model_copy(
            update={
                "failures": tuple(failures),
                "usage": index.usage + (spent or Usage()),
                "settings": {**index.settings, **(told or {})},
            }
        )
        run.still(content)
        return run.keep(index)


class _Run:
    """One build: what both its halves need."""

    def __init__(
        self,
        info: VideoInfo,
        cues: tuple[Cue, ...],
        options: CaptioningOptions,
        vision: Model,
        worker_model: ModelSettings | None,
        library: Library,
        on_event: Callable[[Event], None],
        on_worker_usage: Callable[[str, Usage], None],
        budget: Budget | None,
        *,
        heard: bool,
        unheard: Sequence[Span],
        on_frames: Callable[[ShardFrames], None] | None,
    ) -> None:
        path = absolute(info.path)
        self.info = info.model_copy(update={"path": path})
        self.cues, self.options, self.vision, self.library = cues, options, vision, library
        self.key = index_key(info, cues, options=options, vision=vision)
        self.settings = index_settings(info, cues, options=options, vision=vision)
        self._worker_model = worker_model
        self.exemplars = Exemplars(
            FrameSource(path, replace(options.reading_for(vision.capabilities), keyframes_only=False))
        )
        self._on_event = on_event
        self._on_worker_usage = on_worker_usage
        self._budget = budget
        self._on_frames = on_frames
        self._lock = threading.Lock()
        self._counted: dict[int, int] = {}
        self.heard, self.unheard = heard, tuple(unheard)

    def tell(self, event: Event) -> None:
        with self._lock:
            self._on_event(event)

    def still(self, content: Content) -> None:
        """Raises `VideoChanged` where the path holds another video by now: workers tell of that by failed
        shards.
        """
        reading = self.options.reading
        try:
            content.check(self.info.path, allow_url=reading.allow_url, allow_private=reading.allow_private)
        except VideoChanged:
            raise
        except VideoError:
            return  # Gone by now: what was read is what was asked for.

    def wait_notice(self) -> None:
        self.tell(Notice(text=f"another process is indexing {self.info.path}; waiting for it"))

    def keep(self, index: Index) -> Index:
        """Keep the index with its cast as the user has put it right."""
        found = keep_index(index, self.library)
        for one in found.missed:
            self.tell(Notice(text=f"a correction of the cast fits nobody any more: {one.told}"))
        return found.index

    # --- map ---

    def map(self) -> list[ShardRecords]:
        """Every shard's records, in order: kept ones from the library, the others captioned now."""
        shards = plan(self.info.duration_seconds, self.options)
        records: dict[int, ShardRecords] = {}
        todo: list[ShardSpec] = []
        self.tell(StageStarted(stage="caption", total=sum(self._clips(shard) for shard in shards)))
        for index, span in enumerate(shards):
            kept = self._kept(self._part_key(span))
            if kept is not None and kept.finished:
                records[index] = kept
                self._advance(kept)
            else:
                todo.append(self._spec(index, span, kept))
        # Closed whatever happens here, so that no shard goes on behind a full disk or a Ctrl-C.
        with closing(self._captioned(todo)) as captioned:
            for found in captioned:
                key, body = self._part_key(found.span), found.model_dump_json()
                self.library.put_part(key, "shard", self.info.digest, found.span, body)
                records[found.index] = found
                self._advance(found)
        self.tell(StageFinished(stage="caption"))
        return [records[index] for index in sorted(records)]

    def _captioned(self, specs: list[ShardSpec]) -> Generator[ShardRecords, None, None]:
        if not specs:
            return
        options = self.options
        if options.backend == "threading":
            least, most = _SHARDS_AT_ONCE
            workers = min(options.workers or max(least, min(2 * cores(), most)), len(specs))
            with self._decoding(len(specs), workers) as decode:
                caption = partial(self._caption_here, decode=decode)
                yield from map_shards(caption, specs, backend="threading", workers=workers)
            return
        if self._worker_model is None:
            raise SettingsError(
                f"{options.backend} workers build their own models and need settings for them"
            )
        if self._budget is None or not self._budget.bounded:
            for given in self._elsewhere(specs, self._worker_model):
                yield given.records
            return
        yield from self._within_budget(specs, self._worker_model, self._budget)

    def _within_budget(
        self, specs: list[ShardSpec], model: ModelSettings, budget: Budget
    ) -> Generator[ShardRecords, None, None]:
        """Workers cannot ask the budget for each call: each shard gets a share of what is left, by its
        length.

        Shards that need more come again with what the others left, fewer at a time, until one alone has all
        of it.
        """
        todo, at_once = list(specs), len(specs)
        while todo:
            batch, todo = todo[:at_once], todo[at_once:]
            lent = dict(
                zip(
                    (spec.index for spec in batch),
                    budget.lend([spec.span.duration_seconds for spec in batch]),
                    strict=True,
                )
            )
            by_index = {spec.index: spec for spec in batch}
            sent = [spec.model_copy(update={"allowance": lent[spec.index]}) for spec in batch]
            done, reached, taken = 0, "", Usage()
            try:
                with closing(self._elsewhere(sent, model)) as results:
                    for given in results:
                        index = given.records.index
                        took = sum(given.records.usage.values(), Usage())
                        budget.repay(lent.pop(index), took)
                        taken += took
                        if given.reached is None:
                            done += 1
                            yield given.records
                        else:
                            reached = given.reached
                            spec = by_index[index]
                            todo.append(spec.model_copy(update={"replies": (*spec.replies, *given.replies)}))
            finally:
                for left in lent.values():
                    budget.repay(left, Usage())
            if not done and not taken.calls:
                if at_once == 1 or len(batch) == 1:
                    raise budget.refused(reached)
                at_once = max(1, min(at_once, len(batch)) // 2)

    def _elsewhere(self, specs: list[ShardSpec], model: ModelSettings) -> Generator[WorkerResult, None, None]:
        """What workers hand back, once it is in the library."""
        options = self.options
        results = map_shards(
            partial(caption_in_worker, settings=model),
            [spec.model_dump_json() for spec in specs],
            backend=options.backend,
            workers=options.workers or os.cpu_count() or 1,
            cluster=options.cluster,
            on_lost=_lost,
        )
        for result in results:
            given = WorkerResult.model_validate_json(result)
            for one in given.replies:
                self.library.put_reply(
                    one.key, one.reply, model=one.model, prompt=one.prompt, usage=one.usage
                )
            keep_recorded(self.vision, given.recorded)
            add_missing(self.vision, given.missing)
            for stage, usage in given.records.usage.items():
                # In this process the models' own ledger tells of each call; of other processes nothing else
                # would.
                self._on_worker_usage(stage, usage)
            yield given

    @contextmanager
    def _decoding(self, shards: int, workers: int) -> Generator[Decode]:
        """How shards are decoded beside the calls of this process: many of them in processes of their own."""
        with ExitStack() as stack:
            how: Decode = decode
            # What a server cannot send by parts is fetched whole, once for each process that reads it.
            if shards >= _SHARDS_WORTH_PROCESSES and not is_url(self.info.path):
                try:
                    how = stack.enter_context(decoding_processes(min(cores(), workers)))
                except OSError as error:
                    self.tell(
                        Notice(text=f"no processes to decode in ({error}); decoding on threads, more slowly")
                    )
            yield how

    def _caption_here(self, spec: ShardSpec, *, decode: Decode) -> ShardRecords:
        def on_call(stage: str, usage: Usage) -> None:
            if stage == "caption" and self._counted.get(spec.index, 0) < self._clips(spec.span):
                self._counted[spec.index] = self._counted.get(spec.index, 0) + 1
                self.tell(StageAdvanced(stage="caption"))

        return caption_shard(
            spec,
            vision=self.vision,
            decode=decode,
            on_call=on_call,
            on_exemplar=self.exemplars.keep,
            on_frames=self._on_frames,
        )

    def _advance(self, found: ShardRecords) -> None:
        left = self._clips(found.span) - self._counted.get(found.index, 0)
        if left > 0:
            self.tell(StageAdvanced(stage="caption", done=left))

    def _clips(self, span: Span) -> int:
        return len(plan_clips(span, clip_seconds=self.options.clip_seconds))

    def _part_key(self, span: Span) -> str:
        # Without what is known of speech elsewhere: a caption made in silence is no worse for it.
        return part_key(self.info, span, self._cues_of(span), options=self.options, vision=self.vision)

    def _cues_of(self, span: Span) -> tuple[Cue, ...]:
        """What is heard during a shard, wherever within its reach its ends will lie."""
        return cues_of(self.cues, span.padded(self.options.reach_seconds))

    def _kept(self, key: str) -> ShardRecords | None:
        body = None if self.options.fresh else self.library.part(key)
        if body is None:
            return None
        try:
            return ShardRecords.model_validate_json(body)
        except ValidationError:
            return None  # Of another version: made again.

    def _spec(self, index: int, span: Span, kept: ShardRecords | None) -> ShardSpec:
        return ShardSpec(
            index=index,
            span=span,
            video=self.info,
            cues=self._cues_of(span),
            options=self.options,
            reading=self.options.reading_for(self.vision.capabilities),
            answered=kept.answered if kept is not None else (),
            heard=self.heard,
            unheard=tuple(lost for lost in self.unheard if lost.overlaps(span)),
            replies=self._replies_of(kept) if kept is not None else (),
        )

    def _replies_of(self, kept: ShardRecords) -> tuple[KeptReply, ...]:
        """What the library holds of a shard that failed in part. Threads of this process look there
        themselves.
        """
        if self.options.backend == "threading":
            return ()
        keys = [reply_key(self.vision.fingerprint, digest) for digest in kept.answered]
        found = [(key, self.library.get_reply(key)) for key in keys]
        return tuple(KeptReply(key=key, reply=reply) for key, reply in found if reply is not None)

    # --- reduce ---

    def reduce(self, records: list[ShardRecords], given: Sequence[Given]) -> Index:
        """The index of all shards' records."""
        self.tell(StageStarted(stage="cast", total=1))
        self.exemplars.crop_as(shots_of(records))
        index = portal().call(
            partial(
                reduce_shards,
                records,
                info=self.info,
                cues=self.cues,
                options=self.options,
                vision=self.vision,
                exemplars=self.exemplars,
                given=given,
            )
        )
        self.tell(StageAdvanced(stage="cast"))
        self.tell(StageFinished(stage="cast"))
        return index.model_copy(update={"key": self.key, "settings": {**self.settings, HEARD: self.heard}})


def _content_of(info: VideoInfo, options: CaptioningOptions) -> Content:
    try:
        return content_of(info, options.reading)
    except VideoChanged:
        raise
    except VideoError:
        return Content(
            info.digest
        )  # Out of reach here. Each shard tells of that, or a worker elsewhere has it.


def _lost(spec_json: str, reason: str) -> str:
    spec = ShardSpec.model_validate_json(spec_json)
    failure = Failure.of(spec.span, "open", reason)
    records = ShardRecords(index=spec.index, span=spec.span, failures=(failure,))
    return WorkerResult(records=records).model_dump_json()
