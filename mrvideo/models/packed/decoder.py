"""Prefill and decode of packed rows on one device: static buffers, a captured step, tokens chosen on the
device.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from mrvideo.models.constrained_decoding import SchemaMasks
from mrvideo.models.generation import OUT_OF_MEMORY
from mrvideo.models.packed.attention import Lengths
from mrvideo.models.packed.encoder import ImageEncoder
from mrvideo.models.packed.families import Features, PackedModel
from mrvideo.models.packed.pool import KeyValuePool, PackedStep
from mrvideo.models.packed.prompts import Prompt

SHORTEST_SHARED = 64
"""Tokens. A shorter common beginning is not worth a forward pass of its own."""

_MOST_SHARED = 8
"""Common beginnings kept at once: a stage has one."""

_LENGTHS = tuple(2**power for power in range(9, 21))


@dataclass
class Sampling:
    """How the next token is chosen; greedy without a temperature."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0

    @classmethod
    def of(cls, generation_config: Any, temperature: float | None) -> Sampling:
        """What the model's makers ask for, with the user's temperature."""
        return cls(
            temperature=temperature or None,
            top_k=generation_config.top_k,
            top_p=generation_config.top_p,
            repetition_penalty=generation_config.repetition_penalty or 1.0,
        )


class Decoder:
    """Rows in slots 0 to `slots` - 1. Not for several threads at once; all work goes to the current CUDA
    stream.

    A row's life: `prefill` gives it a slot and its first token, every `step` a further one, `release` ends
    it. `tokens` returns what was chosen last, and waits for it.
    """

    def __init__(
        self,
        packed: PackedModel,
        encoder: ImageEncoder,
        pool: KeyValuePool,
        *,
        slots: int,
        sampling: Sampling,
        masks: SchemaMasks | None,
        graphs: bool | None = None,
    ) -> None:
        device = packed.device
        self.packed, self.encoder, self.pool, self.slots, self.masks = packed, encoder, pool, slots, masks
        self._sampling = sampling
        self._warpers = _warpers(sampling)
        self._graphs: dict[tuple[int, int], tuple[Any, torch.Tensor]] = {}
        self._captures = device.type == "cuda" if graphs is None else graphs
        self._graph_pool: Any = None
        self.not_captured: str | None = None
        self._chosen = torch.zeros(slots, dtype=torch.long, device=device)
        self._positions = torch.zeros(3, slots, dtype=torch.long, device=device)
        self._used = torch.ones(slots, dtype=torch.int32, device=device)
        self._starts = torch.zeros(slots + 1, dtype=torch.int32, device=device)
        self._write_at = torch.zeros(slots, dtype=torch.long, device=device)
        self._active = torch.zeros(slots, dtype=torch.long, device=device)
        self._each = torch.arange(slots + 1, dtype=torch.int32, device=device)
        self._seen: torch.Tensor | None = None
        if sampling.repetition_penalty != 1.0:
            vocabulary = packed.text_config.vocab_size
            self._seen = torch.zeros(slots, vocabulary, dtype=torch.bool, device=device)
        self._regions: dict[int, tuple[int, int]] = {}
        self._shared: dict[tuple[int, ...], int] = {}
        self._on_host = torch.zeros(slots, dtype=torch.long, pin_memory=device.type == "cuda")
        self._copied = torch.cuda.Event() if device.type == "cuda" else None
        self.forward_tokens = 0
        self.shared_tokens = 0

    @property
    def rows(self) -> list[int]:
        """The slots in use."""
        return sorted(self._regions)

    def room(self, prompts: Sequence[Prompt]) -> int:
        """How many of these, from the first on, could be prefilled now. Gives up shared beginnings for it if
        need be.
        """
        free_slots = self.slots - len(self._regions)
        taken: list[tuple[int, int]] = []
        for prompt in prompts[:free_slots]:
            start = self.pool.take(prompt.most)
            if start is None and self._shared and not taken:
                self._forget_shared()
                start = self.pool.take(prompt.most)
            if start is None:
                break
            taken.append((start, prompt.most))
        for region in taken:
            self.pool.give(*region)
        return len(taken)

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Prompt]) -> list[int]:
        """Slots of the new rows, whose first tokens are chosen. The caller has asked `room`."""
        slots = [slot for slot in range(self.slots) if slot not in self._regions][: len(prompts)]
        begun: list[int] = []
        try:
            for slot, prompt in zip(slots, prompts, strict=True):
                start = self.pool.take(prompt.most)
                if start is None:
                    raise RuntimeError("the pool is full")
                self._regions[slot] = (start, prompt.most)
                begun.append(slot)
            # Rows first: a common beginning takes what is left.
            wanted = {prompt.text_before for prompt in prompts}
            shared = [self._share(prompt, wanted) for prompt in prompts]
            features = self.encoder.encode([image for prompt in prompts for image in prompt.images])
            for slot, prompt, length in zip(slots, prompts, shared, strict=True):
                if length:
                    self.pool.copy(self._shared[prompt.text_before], self._regions[slot][0], length)
            starts = [self._regions[slot][0] for slot in slots]
            hidden = self._forward(prompts, starts, shared, features)
            self._begin(slots, prompts, hidden)
        except Exception:
            for slot in begun:
                self.pool.give(*self._regions.pop(slot))
            raise
        return slots

    def _share(self, prompt: Prompt, wanted: Collection[tuple[int, ...]]) -> int:
        """Tokens of this prompt that are in the pool already, or now are since others begin alike."""
        beginning = prompt.text_before
        if len(beginning) < SHORTEST_SHARED or len(beginning) >= len(prompt):
            return 0
        if beginning not in self._shared:
            idle = [other for other in self._shared if other not in wanted]
            if len(self._shared) >= _MOST_SHARED and idle:
                self.pool.give(self._shared.pop(idle[0]), len(idle[0]))
            start = self.pool.take(len(beginning))
            if start is None:
                return 0
            alone = Prompt(
                prompt.job,
                prompt.tokens[: len(beginning)],
                prompt.positions[:, : len(beginning)],
                len(beginning),
                (),
                beginning,
            )
            try:
                self._forward([alone], [start], [0], [])
            except Exception:
                self.pool.give(start, len(beginning))
                raise
            self._shared[beginning] = start
        self.shared_tokens += len(beginning)
        return len(beginning)

    def _forget_shared(self) -> None:
        for beginning, start in self._shared.items():
            self.pool.give(start, len(beginning))
        self._shared.clear()

    def _forward(
        self,
        prompts: Sequence[Prompt],
        starts: Sequence[int],
        known: Sequence[int],
        features: Sequence[Features],
    ) -> torch.Tensor:
        """The last hidden state of each prompt (rows, width); `known` tokens of each are in the pool already."""
        device = self.packed.device
        news = [len(prompt) - length for prompt, length in zip(prompts, known, strict=True)]
        tokens = torch.cat([prompt.tokens[length:] for prompt, length in zip(prompts, known, strict=True)])
        tokens = tokens.to(device)
        positions = torch.cat([p.positions[:, n:] for p, n in zip(prompts, known, strict=True)], dim=1).to(
            device
        )
        write_at = torch.cat(
            [
                torch.arange(start + length, start + len(prompt))
                for prompt, start, length in zip(prompts, starts, known, strict=True)
            ]
        )
        lengths = Lengths(
            starts_q=_sums(news).to(device),
            most_q=max(news),
            starts_k=torch.tensor([*starts, 0], dtype=torch.int32).to(device),
            used_k=torch.tensor([len(prompt) for prompt in prompts], dtype=torch.int32).to(device),
            most_k=max(len(prompt) for prompt in prompts),
        )
        step = PackedStep(self.pool, write_at.to(device), lengths)
        embeddings = self.packed.embed(tokens)
        given: dict[str, Any] = {}
        if features:
            is_image = tokens == self.packed.image_token
            layers = [torch.cat(parts) for parts in zip(*features, strict=True)]
            embeddings[is_image] = layers[0].to(embeddings.dtype)
            if len(layers) > 1:
                given = {"visual_pos_masks": is_image.unsqueeze(0), "deepstack_visual_embeds": layers[1:]}
        hidden = self.packed.forward(embeddings, positions, packed_step=step, **given)
        self.forward_tokens += len(tokens)
        return hidden[lengths.starts_q[1:].long() - 1]

    def _begin(self, slots: list[int], prompts: Sequence[Prompt], hidden: torch.Tensor) -> None:
        device = self.packed.device
        at = torch.tensor(slots, device=device)
        if self.masks is not None:
            for slot, prompt in zip(slots, prompts, strict=True):
                self.masks.hold(slot, prompt.job.reply_type)
            self.masks.fill(slots)
        if self._seen is not None:
            self._seen[at] = False
            for slot, prompt in zip(slots, prompts, strict=True):
                self._seen[slot, prompt.tokens.to(device)] = True
        chosen = self._choose(self.packed.logits(hidden), at, torch.tensor(slots))
        starts = torch.tensor([self._regions[slot][0] for slot in slots], device=device)
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        self._chosen[at] = chosen
        self._positions[:, at] = torch.tensor([prompt.reply_at for prompt in prompts], device=device)
        self._starts[at] = starts.int()
        self._used[at] = (lengths + 1).int()
        self._write_at[at] = starts + lengths
        self._active[at] = 1
        self._send()

    @torch.inference_mode()
    def forward_step(self) -> torch.Tensor:
        """The language model over the tokens chosen last: logits (bucket, vocabulary), not waited for."""
        rows = self.rows
        bucket = min(_up(rows[-1] + 1), self.slots)
        longest = max(length for _, length in self._regions.values())
        most = next((length for length in _LENGTHS if length >= longest), longest)
        self.forward_tokens += len(rows)
        if not self._captures:
            return self._run(bucket, most)
        if (bucket, most) not in self._graphs:
            try:
                self._graphs[bucket, most] = self._capture(bucket, most)
            except OUT_OF_MEMORY:
                raise
            except RuntimeError as error:
                # A layer that asks the device for numbers while it is launched: experts of some kinds do.
                self._captures = False
                self.not_captured = str(error).splitlines()[0]
                return self._run(bucket, most)
        graph, logits = self._graphs[bucket, most]
        graph.replay()
        return logits

    def _run(self, bucket: int, most: int) -> torch.Tensor:
        lengths = Lengths(
            starts_q=self._each[: bucket + 1],
            most_q=1,
            starts_k=self._starts[: bucket + 1],
            used_k=self._used[:bucket],
            most_k=most,
        )
        step = PackedStep(self.pool, self._write_at[:bucket], lengths)
        embeddings = self.packed.embed(self._chosen[:bucket])
        hidden = self.packed.forward(embeddings, self._positions[:, :bucket], packed_step=step)
        logits = self.packed.logits(hidden)
        active = self._active[:bucket]
        self._positions[:, :bucket] += active
        self._used[:bucket] += active.int()
        self._write_at[:bucket] += active
        return logits

    def _capture(self, bucket: int, most: int) -> tuple[Any, torch.Tensor]:
        """Record the step once; its replay costs the processor nothing per kernel."""
        state = [self._positions, self._used, self._write_at]
        before = [part.clone() for part in state]
        try:
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                self._run(bucket, most)
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            if self._graph_pool is None:
                self._graph_pool = torch.cuda.graph_pool_handle()
            with torch.cuda.graph(graph, pool=self._graph_pool, capture_error_mode="thread_local"):
                logits = self._run(bucket, most)
        finally:
            # The trial run counted on; what it wrote is written again with the same values.
            for part, value in zip(state, before, strict=True):
                part.copy_(value)
        return graph, logits

    @torch.inference_mode()
    def choose(self, logits: torch.Tensor) -> None:
        """The next token of every row, from the logits of `forward_step` and the masks as they are now."""
        bucket = logits.shape[0]
        every = slice(0, bucket)
        self._chosen[:bucket] = self._choose(logits, every, every)
        self._send()

    def _choose(self, logits: torch.Tensor, at: Any, on_host: Any) -> torch.Tensor:
        scores = logits.float() if logits.dtype != torch.float64 else logits
        if self._seen is not None:
            penalty = self._sampling.repetition_penalty
            less = torch.where(scores < 0, scores * penalty, scores / penalty)
            scores = torch.where(self._seen[at], less, scores)
        if self.masks is not None:
            scores = self.masks.apply(scores, on_host)
        if self._sampling.temperature is None:
            chosen = scores.argmax(dim=-1)
        else:
            for warper in self._warpers:
                scores = warper(None, scores)
            chosen = torch.multinomial(scores.softmax(dim=-1), 1).squeeze(1)
        if self._seen is not None:
            mine = self._seen[at]
            self._seen[at] = mine.scatter(1, chosen.unsqueeze(1), True)
        return chosen

    def _send(self) -> None:
        self._on_host.copy_(self._chosen, non_blocking=True)
        if self._copied is not None:
            self._copied.record()

    def tokens(self) -> list[int]:
        """By slot, what was chosen last. Waits for the device."""
        if self._copied is not None:
            self._copied.synchronize()
        numbers: list[int] = cast("Any", self._on_host).tolist()
        return numbers

    def release(self, slot: int) -> None:
        """End a row; its place in the pool is free for what is queued after the step in flight."""
        self.pool.give(*self._regions.pop(slot))
        if self.masks is not None:
            self.masks.release(slot)
        self._rest(slot)

    def _rest(self, slot: int) -> None:
        self._active[slot] = 0
        self._used[slot] = 1
        self._starts[slot] = 0
        self._write_at[slot] = 0

    def compact(self) -> dict[int, int]:
        """Move rows to lower slots where that halves the bucket. Returns old to new slots."""
        rows = self.rows
        if not rows or _up(rows[-1] + 1) <= _up(len(rows)):
            return {}
        free = [slot for slot in range(len(rows)) if slot not in self._regions]
        moved = dict(zip([slot for slot in rows if slot >= len(rows)], free, strict=False))
        for source, target in moved.items():
            for part in (self._chosen, self._used, self._starts, self._write_at, self._active):
                part[target] = part[source].clone()
            self._positions[:, target] = self._positions[:, source].clone()
            if self._seen is not None:
                self._seen[target] = self._seen[source]
            if self.masks is not None:
                self.masks.move(source, target)
            self._regions[target] = self._regions.pop(source)
            self._rest(source)
        if moved:
            # What was sent before lies by the old slots.
            self._send()
        return moved


def _up(count: int) -> int:
    """The bucket that holds so many rows: 1, 2, 4, 8, …"""
    return 1 << (count - 1).bit_length()


def _sums(lengths: Sequence[int]) -> torch.Tensor:
    return torch.tensor([0, *lengths]).cumsum(0).int()


def _warpers(sampling: Sampling) -> list[Any]:
    if sampling.temperature is None:
        return []
    warpers: list[Any] = [TemperatureLogitsWarper(sampling.temperature)]
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p is not None and sampling.top_p < 1.0:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    return warpers
