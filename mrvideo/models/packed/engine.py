"""Requests in flight to rows on the device: prepared by threads, refilled as rows end, one reply for each.

submit ─► prepare (threads) ─► ready ─► prefill ─► step ─► step ─► … ─► reply
                                 ▲                   │ a row ends
                                 └───── the next ◄───┘
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Semaphore, Thread

import torch

from mrvideo.models.chat_backend import Completion
from mrvideo.models.constrained_decoding import SchemaMasks
from mrvideo.models.generation import OUT_OF_MEMORY, Generator, Job
from mrvideo.models.packed.decoder import Decoder, Sampling
from mrvideo.models.packed.encoder import ImageEncoder
from mrvideo.models.packed.families import PackedModel
from mrvideo.models.packed.memory import AHEAD, Plan, head_width, plan
from mrvideo.models.packed.pool import KeyValuePool
from mrvideo.models.packed.prompts import Prompt, PromptMaker

_MOST_THREADS = 8
_STOPPED = "decoding has stopped; an error before this one says why"


@dataclass(eq=False)
class _Row:
    prompt: Prompt
    future: Future[Completion]
    said: list[int] = field(default_factory=lambda: list[int]())


class PackedBatcher:
    """Runs jobs on a thread of its own; the reply or the error of each reaches its own future.

    `rows` bounds how many are decoded at once; without it the device's memory does. Out of memory, the
    prefill is halved for good, down to one request.
    """

    def __init__(
        self,
        generator: Generator,
        *,
        rows: int | None = None,
        planned: Plan | None = None,
        graphs: bool | None = None,
    ) -> None:
        self._generator = generator
        self.packed = PackedModel(generator.model)
        self.plan = planned or plan(self.packed, rows=rows)
        self.encoder = ImageEncoder(self.packed, keep_bytes=self.plan.kept_image_bytes)
        self._make = PromptMaker(generator, self.packed, self.encoder)
        self._graphs = graphs
        self._most_tokens = self.plan.prefill_tokens
        self._ends = generator.end_tokens()
        self._ready: deque[tuple[Prompt, Future[Completion]]] = deque()
        self._begun: list[tuple[Prompt, Future[Completion]]] = []
        self._dropped: set[Future[Completion]] = set()
        self._closed = False
        self._stopped = False
        self._changed = Condition()
        self._ahead = Semaphore(AHEAD)
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        self._hands = ThreadPoolExecutor(threads, thread_name_prefix="mrvideo-prepare")
        self.decoder = self._decoder()
        self._thread = Thread(target=self._serve, name="mrvideo-decode", daemon=True)
        self._thread.start()

    def _decoder(self) -> Decoder:
        text = self.packed.text_config
        sampling = Sampling.of(self._generator.model.generation_config, self._generator.temperature)
        tokens = self.plan.pool_tokens
        while True:
            try:
                pool = KeyValuePool(
                    layers=text.num_hidden_layers,
                    tokens=tokens,
                    heads=text.num_key_value_heads,
                    width=head_width(text),
                    dtype=self.packed.dtype,
                    device=self.packed.device,
                )
                break
            except OUT_OF_MEMORY:
                # Another program took what was free a moment ago.
                tokens //= 2
                if tokens < 1024:
                    raise
        masks = None
        if self._generator.holds:
            masks = SchemaMasks(self._generator.tokenizer, slots=self.plan.slots, device=self.packed.device)
        return Decoder(
            self.packed,
            self.encoder,
            pool,
            slots=self.plan.slots,
            sampling=sampling,
            masks=masks,
            graphs=self._graphs,
        )

    def submit(self, job: Job, *, weight: float) -> Future[Completion]:
        """Queue one job. Rows are packed, so that its `weight` does not matter. Cancelling works until it is
        decoded; from then on `drop` ends it.
        """
        del weight
        future: Future[Completion] = Future()
        prepared = self._hands.submit(self._prepare, job, future)
        prepared.add_done_callback(partial(self._arrived, future))
        return future

    def drop(self, future: Future[Completion]) -> None:
        """Nobody waits for this reply any more: its row ends with the next step."""
        if not future.cancel() and not future.done():
            self._dropped.add(future)

    def close(self) -> None:
        """Finish what is queued, then end the threads."""
        self._hands.shutdown(wait=True)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _prepare(self, job: Job, future: Future[Completion]) -> Prompt | None:
        """The prompt, once there is room for it to lie ready; None where its caller has gone."""
        self._ahead.acquire()
        if future.cancelled():
            return None
        prompt = self._make(job)
        room = self.decoder.pool.tokens - 1
        if prompt.most > room:
            self.encoder.release(prompt.images)
            raise ValueError(
                f"the request needs {prompt.most} tokens of memory, and there is room for {room} on this device"
            )
        return prompt

    def _arrived(self, future: Future[Completion], prepared: Future[Prompt | None]) -> None:
        error = prepared.exception()
        prompt = None if error is not None else prepared.result()
        if prompt is None or self._stopped:
            self._ahead.release()
            if future.set_running_or_notify_cancel():
                future.set_exception(error or RuntimeError(_STOPPED))
            return
        with self._changed:
            self._ready.append((prompt, future))
            self._changed.notify_all()

    def _serve(self) -> None:
        if self.packed.device.type == "cuda":
            torch.cuda.set_device(self.packed.device)
        rows: dict[int, _Row] = {}
        try:
            while self._wait(rows):
                self._admit(rows)
                try:
                    self._advance(rows)
                except RuntimeError as error:
                    # The device's: it belongs to all rows that it worked on, and to no other request.
                    for slot, row in rows.items():
                        self._fail(row.future, error)
                        self.decoder.release(slot)
                    rows.clear()
        finally:
            # However the thread ends, nobody waits for a reply that cannot come.
            with self._changed:
                self._stopped = True
                left = [future for _, future in (*self._ready, *self._begun)]
                left += [row.future for row in rows.values()]
                for _ in self._ready:
                    self._ahead.release()
                self._ready.clear()
            for future in left:
                if not future.done() and (future.running() or future.set_running_or_notify_cancel()):
                    future.set_exception(RuntimeError(_STOPPED))

    def _wait(self, rows: dict[int, _Row]) -> bool:
        """Until there is work. False when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or rows or self._closed)
            return bool(self._ready or rows)

    def _admit(self, rows: dict[int, _Row]) -> None:
        """Prefill what is ready while there is room, a bounded number of tokens at a time."""
        while batch := self._next():
            self._begun = batch
            try:
                slots = self.decoder.prefill([prompt for prompt, _ in batch])
            except OUT_OF_MEMORY as error:
                torch.cuda.empty_cache()
                if len(batch) == 1:
                    self._fail(batch[0][1], error)
                    self.encoder.release(batch[0][0].images)
                    continue
                self._most_tokens = sum(len(prompt) for prompt, _ in batch) // 2
                with self._changed:
                    self._ready.extendleft(reversed(batch))
                for _ in batch:
                    self._ahead.acquire(blocking=False)
                continue
            except (RuntimeError, ValueError) as error:
                # These requests', and no other's.
                for prompt, future in batch:
                    self._fail(future, error)
                    self.encoder.release(prompt.images)
                continue
            for slot, (prompt, future) in zip(slots, batch, strict=True):
                rows[slot] = _Row(prompt, future)
                self.encoder.release(prompt.images)
            self._begun = []

    def _fail(self, future: Future[Completion], error: Exception) -> None:
        self._dropped.discard(future)
        if not future.cancelled():
            future.set_exception(error)

    def _next(self) -> list[tuple[Prompt, Future[Completion]]]:
        with self._changed:
            for prompt, future in list(self._ready):
                if future.cancelled():
                    self._ready.remove((prompt, future))
                    self.encoder.release(prompt.images)
                    self._ahead.release()
            room = self.decoder.room([prompt for prompt, _ in self._ready])
            batch: list[tuple[Prompt, Future[Completion]]] = []
            tokens = 0
            for prompt, future in list(self._ready)[:room]:
                tokens += len(prompt)
                if batch and tokens > self._most_tokens:
                    break
                batch.append((prompt, future))
            for _ in batch:
                self._ready.popleft()
        for _ in batch:
            self._ahead.release()
        # From here on a reply comes, unless it is dropped; one that was cancelled just now is decoded for
        # nobody.
        for _, future in batch:
            if not future.running():
                future.set_running_or_notify_cancel()
        return batch

    def _advance(self, rows: dict[int, _Row]) -> None:
        """One token for every row. What was chosen before is read, and masked for, while the device computes.

        So a row's end is known one step late: that step is its last and counts for nothing.
        """
        if not rows:
            return
        logits = self.decoder.forward_step()
        ended = self._learn(rows)
        masks = self.decoder.masks
        if masks is not None:
            masks.fill([slot for slot in rows if slot not in ended])
        self.decoder.choose(logits)
        for slot in ended:
            self.decoder.release(slot)
            row = rows.pop(slot)
            self._dropped.discard(row.future)
            if not row.future.cancelled():
                row.future.set_result(self._generator.said(row.prompt.job, row.said, len(row.prompt)))
        for source, target in self.decoder.compact().items():
            rows[target] = rows.pop(source)

    def _learn(self, rows: dict[int, _Row]) -> set[int]:
        """Take in the tokens chosen last. The slots whose replies are complete."""
        chosen = self.decoder.tokens()
        masks = self.decoder.masks
        ended: set[int] = set()
        for slot, row in rows.items():
            row.said.append(chosen[slot])
            complete = masks is not None and masks.accept(slot, chosen[slot])
            complete = complete or row.future in self._dropped or row.future.cancelled()
            if complete or chosen[slot] in self._ends or len(row.said) >= row.prompt.job.max_output_tokens:
                ended.add(slot)
        return ended
