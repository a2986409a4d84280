"""`hf:` models: tiny random ones with real architectures, saved to disk, loaded, asked alone and in batches
on the CPU.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import ModelRefused, ModelUnavailable, ReplyInvalid
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.base import Picture, Request
from mrvideo.schemas.captioning import MergeBorderInputs
from mrvideo.schemas.shared import Message
from mrvideo.settings import grow_gpu_segments

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")
# A random model says nothing that could be parsed, unless it is held to the schema.
pytest.importorskip("llguidance", reason="pip install llguidance")

from mrvideo.models import generation, local  # noqa: E402
from mrvideo.models.generation import Generator, Job, load  # noqa: E402


class MergeBorderReply(Message):
    """Without free text, which a model of random weights writes without end."""

    same_scene: bool


@pytest.fixture
def ask_border(border_prompt, make_jpeg):
    """`ask_border(3, colours=["red", "blue"])`: one request about one border, told apart by its number."""

    def make(number: float = 0, *, colours: tuple[str, ...] = ()) -> Any:
        return Request(
            prompt=border_prompt,
            inputs=MergeBorderInputs(border_seconds=number, before="a door", after="a room"),
            reply_type=MergeBorderReply,
            stage="scenes",
            pictures=tuple(
                Picture(f"{i}.00 s", make_jpeg(colour), float(i)) for i, colour in enumerate(colours)
            ),
            max_output_tokens=64,
        )

    return make


@pytest.fixture(scope="session", params=["idefics3", "llava"])
def folder(request, tmp_path_factory, tiny_models) -> Path:
    path = tmp_path_factory.mktemp(request.param)
    return getattr(tiny_models, f"save_{request.param}")(path)


@pytest.fixture(scope="session")
def generator(folder) -> Generator:
    return load(str(folder), device="cpu")


@pytest.fixture
def jobs(make_jpeg) -> list[Job]:
    """Unlike in every way: texts of different lengths, none to three pictures, different bounds."""

    def job(words: int, colours: tuple[str, ...], bound: int) -> Job:
        pictures = tuple((f"{i}.00 s", make_jpeg(colour)) for i, colour in enumerate(colours))
        return Job("Say.", pictures, "the door closes " * words, (), MergeBorderReply, bound)

    return [
        job(1, ("red",), 24),
        job(9, ("red", "blue", "green"), 24),
        job(3, (), 8),
        job(4, ("white", "black"), 24),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("held", [True, False])
def test_batching_changes_no_reply_and_keeps_the_order(generator, jobs, held, monkeypatch):
    monkeypatch.setattr(generator, "holds", held)
    alone = [generator.generate(generator.prepare([job]))[0] for job in jobs]
    assert generator.generate(generator.prepare(jobs)) == alone
    assert generator.generate(generator.prepare(jobs[::-1])) == alone[::-1]
    assert len({said.text for said in alone}) > 1, "replies that were all the same would prove nothing"


def test_padding_is_on_the_left_and_counts_as_no_token(generator, jobs):
    batch = generator.prepare(jobs).inputs
    pad = generator.tokenizer.pad_token_id
    for row, mask, job in zip(batch["input_ids"], batch["attention_mask"], jobs, strict=True):
        alone = generator.prepare([job]).inputs["input_ids"][0]
        padding = len(row) - len(alone)
        assert row[padding:].tolist() == alone.tolist()
        assert set(row[:padding].tolist()) <= {pad}
        assert mask.tolist() == [0] * padding + [1] * len(alone)
    counted = [said.usage.input_tokens for said in generator.generate(generator.prepare(jobs))]
    assert counted == batch["attention_mask"].sum(dim=1).tolist()


def test_pictures_change_the_reply(generator, make_jpeg, monkeypatch):
    monkeypatch.setattr(generator, "holds", False)
    jobs = [
        Job("", (("0.00 s", make_jpeg(colour)),), "what is it", (), MergeBorderReply, 16)
        for colour in ("red", "blue")
    ]
    first, second = generator.generate(generator.prepare(jobs))
    assert first.text != second.text


def test_replies_are_held_to_the_schema_even_of_a_model_that_knows_nothing(generator, jobs):
    held = [said for said in generator.generate(generator.prepare(jobs)) if not said.cut_off]
    assert len(held) == 3
    for said in held:
        assert isinstance(MergeBorderReply.model_validate_json(said.text).same_scene, bool)


def test_a_bound_on_the_length_is_each_rows_own(generator, jobs):
    said = generator.generate(generator.prepare(jobs))[2]
    assert (said.usage.output_tokens, said.cut_off) == (8, True)


@pytest.fixture
def open_local(folder, monkeypatch):
    """An `hf:` model over the whole path; what it loaded is forgotten at the end."""
    monkeypatch.setattr(local, "_batchers", {})

    def make(**settings: Any) -> Any:
        return open_model(ModelSettings.parse(f"hf:{folder}", device="cpu", **settings), ledger=Ledger())

    yield make
    for batcher in local._batchers.values():
        batcher.close()


@pytest.mark.slow
async def test_many_requests_are_answered_through_the_port(open_local, ask_border):
    model = open_local(batch_size=4)
    requests = [ask_border(n, colours=("red", "blue")[: n % 3]) for n in range(10)]
    together = await asyncio.gather(*(model.run(request) for request in requests))
    alone = [await open_local(batch_size=4).run(request) for request in requests]
    assert [reply.value for reply in together] == [reply.value for reply in alone]
    assert all(reply.usage.cost == 0.0 and reply.usage.input_tokens > 0 for reply in together)
    assert len(local._batchers) == 1, "a model is loaded once in a process"


@pytest.mark.slow
async def test_out_of_memory_halves_the_batch_and_goes_on(open_local, ask_border, monkeypatch):
    sizes: list[int] = []
    generate = Generator.generate

    def tight(self: Generator, prepared: Any) -> Any:
        sizes.append(len(prepared.jobs))
        if len(prepared.jobs) > 1:
            raise torch.OutOfMemoryError("no room")
        return generate(self, prepared)

    monkeypatch.setattr(Generator, "generate", tight)
    model = open_local(batch_size=4)
    replies = await asyncio.gather(*(model.run(ask_border(n)) for n in range(6)))
    assert len(replies) == 6
    assert sizes.count(1) == 6


async def test_one_request_too_big_for_memory_is_refused_in_words(open_local, ask_border, monkeypatch):
    def full(self: Generator, prepared: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Generator, "generate", full)
    with pytest.raises(ModelRefused, match="CUDA out of memory"):
        await open_local().run(ask_border())


@pytest.mark.slow
async def test_garbage_ends_in_a_typed_failure(open_local, ask_border, monkeypatch):
    model = open_local()
    await model.run(ask_border())
    generator = next(iter(local._batchers.values()))._run.__self__
    monkeypatch.setattr(generator, "holds", False)
    with pytest.raises(ReplyInvalid, match="outside its bounds twice"):
        await model.run(ask_border(1))


async def test_a_folder_that_holds_no_model_is_told(tmp_path, ask_border, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = open_model(ModelSettings.parse(f"hf:{tmp_path}"), ledger=Ledger())
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        await model.run(ask_border())


def test_the_context_is_read_from_the_models_own_config(open_local):
    assert open_local().capabilities.context_tokens == 4096


@pytest.mark.parametrize(
    ("torch_version", "name"), [("2.8.0", "PYTORCH_CUDA_ALLOC_CONF"), ("2.13.0+cu130", "PYTORCH_ALLOC_CONF")]
)
def test_the_allocator_grows_its_segments_unless_the_user_says_how(monkeypatch, torch_version, name):
    names = {"PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"}
    for theirs in (None, *sorted(names)):
        for each in names:
            # Set and taken away, so that what is set here ends with the test.
            monkeypatch.setenv(each, "max_split_size_mb:64")
            if each != theirs:
                monkeypatch.delenv(each)
        grow_gpu_segments(torch_version)
        said = {each: os.environ[each] for each in names if each in os.environ}
        assert said == ({theirs: "max_split_size_mb:64"} if theirs else {name: "expandable_segments:True"})


def test_each_process_of_a_pool_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    taken = []
    for identity in ((), (1,), (2,), (4,), (5,), (1, 3)):
        monkeypatch.setattr(generation, "current_process", lambda identity=identity: Process(identity))
        taken.append(generation.best_device())
    assert taken == ["cuda:0", "cuda:0", "cuda:1", "cuda:3", "cuda:0", "cuda:2"]


class Process:
    """What multiprocessing knows of a worker: the numbers of its line of parents, its own last."""

    def __init__(self, identity: tuple[int, ...]) -> None:
        self._identity = identity
