"""A transformers model in this process: loaded once, asked in batches."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import current_process
from typing import Any, cast

import torch
from jinja2 import TemplateError
from PIL import Image
from pydantic import BaseModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.utils import logging
from transformers.utils.import_utils import is_flash_attn_2_available

from mrvideo.errors import ModelUnavailable
from mrvideo.models.chat_backend import Completion
from mrvideo.models.constrained_decoding import HeldToSchemas, can_hold
from mrvideo.models.packed.attention import pack_towers
from mrvideo.models.processors import keep_pictures_whole, load_processor
from mrvideo.records import Usage
from mrvideo.settings import grow_gpu_segments

# Typed in part only; what is read from them here is checked by the tests.
_auto_config: Any = AutoConfig

OUT_OF_MEMORY: tuple[type[Exception], ...] = (torch.OutOfMemoryError,)


@dataclass(frozen=True)
class Job:
    """One request, worded: pictures with their labels, then the text, then further turns."""

    system: str
    pictures: tuple[tuple[str, bytes], ...]
    text: str
    turns: tuple[tuple[str, str], ...]
    reply_type: type[BaseModel]
    max_output_tokens: int


@dataclass(frozen=True)
class Prepared:
    """A batch as tensors, left-padded."""

    inputs: Any
    jobs: tuple[Job, ...]


def best_device() -> str:
    """The accelerator of this process: with several GPUs, worker n of a pool of processes takes the n-th."""
    if torch.cuda.is_available():
        identity: tuple[int, ...] = getattr(current_process(), "_identity", ())
        number = (identity[-1] - 1) if identity else 0
        return f"cuda:{number % torch.cuda.device_count()}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def load(path: str, *, device: str | None = None, temperature: float | None = None) -> Generator:
    """The model of a folder, or of the Hugging Face hub. Raises `ModelUnavailable` when it cannot be loaded
    or used.
    """
    # Progress bars and hints of the library are not this program's output.
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        processor = load_processor(path)
        grow_gpu_segments(torch.__version__)
        model = _load(path, device or best_device())
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ModelUnavailable(f"hf:{path} cannot be loaded: {reason}") from error
    return Generator(processor, model, name=f"hf:{path}", temperature=temperature)


class Generator:
    """One model and its processor. `generate` must not be called twice at once.

    Raises `ModelUnavailable` when the chat template cannot be used.
    """

    def __init__(self, processor: Any, model: Any, *, name: str, temperature: float | None = None) -> None:
        self.processor = processor
        self.model = model
        self.temperature = temperature
        self.tokenizer: Any = getattr(self.processor, "tokenizer", self.processor)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.sees = getattr(self.processor, "image_processor", None) is not None
        keep_pictures_whole(self.processor)
        self.holds = can_hold(self.tokenizer)
        self._takes_system = self._accepts_system(name)

    def _accepts_system(self, name: str) -> bool:
        for system in (True, False):
            probe = Job("be brief" if system else "", (), "hello", (), BaseModel, 1)
            try:
                self.processor.apply_chat_template(self._conversation(probe, system), tokenize=False)
            except (TemplateError, ValueError) as error:
                reason = error
            else:
                return system
        raise ModelUnavailable(f"{name} has no chat template that can be used: {reason}")

    def prepare(self, jobs: Sequence[Job]) -> Prepared:
        """Decode pictures, fill in the chat template, tokenise, pad on the left."""
        conversations = [self._conversation(job, self._takes_system) for job in jobs]
        inputs = self.processor.apply_chat_template(
            conversations,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            **self._padding(),
        )
        return Prepared(inputs=inputs, jobs=tuple(jobs))

    def worded(self, job: Job) -> str:
        """The job in the model's chat template: text, with the model's mark where a picture goes."""
        conversation = self._conversation(job, self._takes_system)
        return self.processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)

    def _padding(self) -> dict[str, Any]:
        return {"processor_kwargs": {"padding": True}} if self.sees else {"padding": True}

    def _conversation(self, job: Job, takes_system: bool) -> list[dict[str, Any]]:
        # Where a template has no system turn, its words begin the user's, as templates that know of it do
        # themselves.
        before = "" if takes_system or not job.system else f"{job.system}\n\n"
        messages: list[dict[str, Any]] = []
        if job.system and takes_system:
            messages.append({"role": "system", "content": self._content(job.system)})
        if self.sees:
            content: list[dict[str, Any]] = [{"type": "text", "text": before}] if before else []
            for label, jpeg in job.pictures:
                content.append({"type": "text", "text": label})
                content.append({"type": "image", "image": Image.open(io.BytesIO(jpeg)).convert("RGB")})
            messages.append({"role": "user", "content": [*content, {"type": "text", "text": job.text}]})
        else:
            messages.append({"role": "user", "content": before + job.text})
        messages += [{"role": role, "content": self._content(words)} for role, words in job.turns]
        return messages

    def _content(self, text: str) -> Any:
        return [{"type": "text", "text": text}] if self.sees else text

    @torch.inference_mode()
    def generate(self, prepared: Prepared) -> list[Completion]:
        """One reply per job, in order."""
        inputs = prepared.inputs.to(self.model.device)
        if self.sees and "pixel_values" in inputs:
            inputs["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
        prompt_tokens: int = inputs["input_ids"].shape[1]
        held: list[Any] = []
        if self.holds:
            held = [
                HeldToSchemas(
                    self.tokenizer,
                    [job.reply_type for job in prepared.jobs],
                    prompt_tokens,
                    self.model.device,
                )
            ]
        sampling: dict[str, Any] = {"do_sample": False}
        if self.temperature:
            sampling = {"do_sample": True, "temperature": self.temperature}
        output = self.model.generate(
            **inputs,
            **sampling,
            max_new_tokens=max(job.max_output_tokens for job in prepared.jobs),
            logits_processor=held,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        counts: list[int] = inputs["attention_mask"].sum(dim=1).tolist()
        rows: list[list[int]] = output[:, prompt_tokens:].tolist()
        return [
            self.said(job, row, count) for job, row, count in zip(prepared.jobs, rows, counts, strict=True)
        ]

    def said(self, job: Job, row: list[int], input_tokens: int) -> Completion:
        """The reply in a row of tokens: up to a token that ends it, or the job's bound."""
        ends = self.end_tokens()
        length = next((i for i, token in enumerate(row) if token in ends), len(row))
        tokens = row[: min(length, job.max_output_tokens)]
        usage = Usage(calls=1, input_tokens=input_tokens, output_tokens=len(tokens), images=len(job.pictures))
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return Completion(text=text, usage=usage, cut_off=length >= job.max_output_tokens)

    def end_tokens(self) -> set[int]:
        """The tokens that end a reply."""
        ends: Any = self.model.generation_config.eos_token_id
        own = cast("list[int | None]", ends if isinstance(ends, list) else [ends])
        return {token for token in [*own, self.tokenizer.eos_token_id] if token is not None}


def _load(path: str, device: str) -> Any:
    config = _auto_config.from_pretrained(path)
    sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    kind: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    options: dict[str, Any] = {"dtype": torch.float32}
    if device.startswith("cuda"):
        options["dtype"] = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        if is_flash_attn_2_available():
            options["attn_implementation"] = "flash_attention_2"
    # Without flash attention the library takes PyTorch's own fused attention (SDPA) by itself.
    model = kind.from_pretrained(path, **options).to(device).eval()
    if "attn_implementation" not in options:
        pack_towers(model)
    return model
