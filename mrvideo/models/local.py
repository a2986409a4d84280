"""`hf:` models: transformers in this process, on its GPU or CPU, asked in batches."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from mrvideo.errors import ModelError, ModelRefused, ModelUnavailable
from mrvideo.models.base import Capabilities, Request
from mrvideo.models.batching import Batcher
from mrvideo.models.chat_backend import Completion, Turn
from mrvideo.models.engines.on_disk import json_in
from mrvideo.models.schema import schema_text
from mrvideo.models.settings import ModelSettings
from mrvideo.models.torchvision_check import set_aside_broken_torchvision
from mrvideo.prompts.loader import load_prompt
from mrvideo.schemas.captioning import ReplyFormatInputs
from mrvideo.settings import silence_telemetry
from mrvideo.wording import stage_label

if TYPE_CHECKING:
    from mrvideo.models.generation import Job, Prepared
    from mrvideo.models.packed.engine import PackedBatcher

_IMAGE_WEIGHT = 800
"""What a picture weighs beside a character of text, when batches are put together."""

_PADDED_ROWS = 16
"""Rows of a padded batch, if no `batch_size` is set."""

_IN_FLIGHT = 128
"""Requests in flight, if no `batch_size` is set: the device's memory decides how many of them are decoded at
once.
"""

_batchers: dict[tuple[str, str | None, float | None], Batcher[Job, Prepared, Completion] | PackedBatcher] = {}
_loading = Lock()


class LocalBackend:
    """A model loaded in this process. Backends with equal settings share it."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The settings', and the prompts that this adapter adds."""
        own = "".join(load_prompt(name).digest for name in ("repair", "reply_format"))
        return f"{self._settings.fingerprint}\n{own}"

    @property
    def capabilities(self) -> Capabilities:
        """Twice as many calls as fit a batch: one batch gathers while another runs."""
        settings = self._settings
        images = settings.max_images or 40
        return Capabilities(
            max_images=images,
            context_tokens=settings.context_tokens or _context_tokens(Path(settings.model)),
            long_side_pixels=settings.long_side_pixels or 512,
            look_images=min(32, images),
            concurrency=settings.concurrency or 2 * (settings.batch_size or _IN_FLIGHT // 2),
        )

    async def complete(
        self, request: Request[Any], turns: tuple[Turn, ...], *, max_output_tokens: int
    ) -> Completion:
        """One reply, decoded together with whatever else is in flight."""
        batcher = await asyncio.to_thread(_batcher, self._settings)
        job = self._job(request, turns, max_output_tokens)
        weight = len(job.system) + len(job.text) + _IMAGE_WEIGHT * len(job.pictures)
        try:
            future = batcher.submit(job, weight=weight)
            try:
                return await asyncio.wrap_future(future)
            except asyncio.CancelledError:
                # Ctrl-C, or a caller that has gone: the device must not go on for nobody.
                batcher.drop(future)
                raise
        except ModelError:
            raise
        except ValueError as error:
            raise ModelRefused(f"{self.name} cannot take this request: {error}") from error
        except RuntimeError as error:
            # Memory is the usual reason; a batch of one cannot be halved.
            reason = str(error).strip().split("\n")[0][:200]
            raise ModelRefused(f"{self.name} failed ({stage_label(request.stage)}): {reason}") from error

    async def aclose(self) -> None:
        """Does nothing: the model stays loaded until the process ends."""

    def _job(self, request: Request[Any], turns: tuple[Turn, ...], max_output_tokens: int) -> Job:
        from mrvideo.models.generation import Job

        rendered = request.render()
        schema = ReplyFormatInputs(reply_schema=schema_text(request.reply_type))
        bound = self._settings.max_output_tokens
        return Job(
            system=rendered.system,
            pictures=tuple((picture.label, picture.jpeg) for picture in request.pictures),
            text=f"{rendered.user}\n\n{load_prompt('reply_format').render(schema).user}",
            turns=tuple((turn.role, turn.text) for turn in turns),
            reply_type=request.reply_type,
            max_output_tokens=min(max_output_tokens, bound) if bound else max_output_tokens,
        )


def _batcher(settings: ModelSettings) -> Batcher[Job, Prepared, Completion] | PackedBatcher:
    """The batcher of that model in this process; loads the model on first use."""
    silence_telemetry()
    try:
        set_aside_broken_torchvision()
        from mrvideo.models.generation import OUT_OF_MEMORY, load
        from mrvideo.models.packed.engine import PackedBatcher
        from mrvideo.models.packed.families import can_pack
    except ImportError as error:
        raise ModelUnavailable(
            f"{settings.name} needs torch and transformers ({error}); pip install 'mrvideo[local]'"
        ) from error
    key = (settings.model, settings.device, settings.temperature)
    with _loading:
        if key not in _batchers:
            generator = load(settings.model, device=settings.device, temperature=settings.temperature)
            if can_pack(generator.model):
                _batchers[key] = PackedBatcher(generator, rows=settings.batch_size)
            else:
                _batchers[key] = Batcher(
                    generator.prepare,
                    generator.generate,
                    most_jobs=settings.batch_size or _PADDED_ROWS,
                    too_big=OUT_OF_MEMORY,
                    spoils=(ValueError,),
                )
        return _batchers[key]


def _context_tokens(folder: Path) -> int:
    """What the model's own config says, without importing anything heavy; a careful guess where it says
    nothing.
    """
    config = json_in(folder / "config.json") or {}
    text = cast("dict[str, Any]", config.get("text_config") or config)
    found = text.get("max_position_embeddings")
    return found if isinstance(found, int) and found > 0 else 32_000
