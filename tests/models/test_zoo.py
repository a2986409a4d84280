"""The zoo: one tiny random model of each family that people run, loaded from a folder as its maker publishes
it.

Its config class, picture sizes, special tokens and the shape of its chat template are the family's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")
pytest.importorskip("llguidance", reason="pip install llguidance")

import torch
from support.zoo import FAMILIES, Family

from mrvideo.errors import ModelUnavailable
from mrvideo.models import Ledger, ModelSettings, local, open_model
from mrvideo.models.base import Picture, Request
from mrvideo.models.generation import Generator, Job, load
from mrvideo.models.image_rule import ImageRule
from mrvideo.models.image_tokens import IMAGE_RULES, image_rule, image_tokens
from mrvideo.models.processors import load_processor
from mrvideo.models.torchvision_check import torchvision_problem
from mrvideo.schemas.captioning import MergeBorderInputs
from mrvideo.schemas.shared import Message

# transformers gives numpy a tensor of an older kind in GLM-V's processor.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZES = ((512, 288), (288, 512), (640, 480), (336, 336), (64, 48), (1280, 720))
ROOT = Path(__file__).parents[2]


class MergeBorderReply(Message):
    """A reply without free text, which a model of random weights writes without end."""

    same_scene: bool


@dataclass(frozen=True)
class Member:
    name: str
    family: Family
    folder: Path

    @property
    def model(self) -> str:
        return f"hf:{self.folder}"


def has_torchvision() -> bool:
    return find_spec("torchvision") is not None and torchvision_problem() is None


@pytest.fixture(scope="module", params=list(FAMILIES))
def member(request, tmp_path_factory) -> Member:
    family = FAMILIES[request.param]
    return Member(request.param, family, family.save(tmp_path_factory.mktemp("zoo") / family.model_type))


@pytest.fixture(scope="module")
def generator(member) -> Generator:
    if member.family.needs_torchvision and not has_torchvision():
        pytest.skip("transformers prepares this family's pictures by torchvision alone")
    return load(str(member.folder), device="cpu")


@pytest.fixture
def make_job(make_jpeg):
    def make(
        colours: tuple[str, ...], *, words: int = 1, size: tuple[int, int] = (64, 48), bound: int = 6
    ) -> Job:
        pictures = tuple((f"{i}.00 s", make_jpeg(colour, size)) for i, colour in enumerate(colours))
        return Job("Be brief.", pictures, "the door closes " * words, (), MergeBorderReply, bound)

    return make


@pytest.fixture
def prompt_of(generator):
    """Token ids of one prompt."""

    def tokenise(job: Job) -> list[int]:
        return generator.prepare([job]).inputs["input_ids"][0].tolist()

    return tokenise


@pytest.mark.slow
def test_a_batch_of_unlike_prompts_replies_as_each_alone(generator, make_job, monkeypatch):
    monkeypatch.setattr(generator, "holds", False)
    jobs = [
        make_job((), words=3),
        make_job(("red", "blue", "green"), words=9, size=(48, 64)),
        make_job(("red",)),
    ]
    alone = [generator.generate(generator.prepare([job]))[0] for job in jobs]
    assert generator.generate(generator.prepare(jobs)) == alone
    assert len({said.text for said in alone}) > 1, "replies that were all the same would prove nothing"


def test_the_prompt_tells_the_system_the_labels_and_the_pictures_in_order(
    member, generator, make_job, prompt_of
):
    ids = prompt_of(make_job(("red", "blue")))
    token = generator.tokenizer.convert_tokens_to_ids(member.family.image_token)
    parts, previous = [], None
    for i in ids:
        if i != token or previous != token:
            parts.append(" PICTURE " if i == token else generator.tokenizer.decode([i]))
        previous = i
    said = "".join(parts)
    expected = ["Be brief.", "0.00 s", "PICTURE", "1.00 s", "PICTURE", "the door closes"]
    if member.family.reorders:
        # Its template puts a message's pictures before its texts: the labels follow, in the pictures' order.
        expected = ["Be brief.", "PICTURE", "0.00 s", "1.00 s", "the door closes"]
    place = 0
    for words in expected:
        assert words in said[place:], f"{words} is not where it belongs in {said}"
        place = said.index(words, place) + len(words)


@pytest.mark.slow
def test_what_a_picture_shows_reaches_the_model(generator, make_job):
    inputs = generator.prepare([make_job(("red", "red")), make_job(("red", "blue"))]).inputs
    with torch.inference_mode():
        red, blue = generator.model(**inputs).logits[:, -1]
    assert inputs["input_ids"][0].tolist() == inputs["input_ids"][1].tolist()
    assert not torch.equal(red, blue)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_picture_takes_the_tokens_that_the_estimate_says(member, generator, make_job, prompt_of, size):
    with_pictures = prompt_of(make_job(("red", "red"), size=size))
    labels_alone = Job("Be brief.", (), "0.00 s1.00 sthe door closes ", (), MergeBorderReply, 6)
    taken = (len(with_pictures) - len(prompt_of(labels_alone))) / 2
    estimate = image_tokens(*size, member.model)
    assert taken == pytest.approx(estimate, rel=0.02, abs=1)
    placeholders = (
        with_pictures.count(generator.tokenizer.convert_tokens_to_ids(member.family.image_token)) / 2
    )
    # What is left are marks around the picture and at the ends of its rows.
    assert 0.75 * estimate - 4 <= placeholders <= estimate


@pytest.mark.slow
async def test_replies_through_the_port_are_held_to_the_schema(
    member, generator, border_prompt, make_jpeg, monkeypatch
):
    monkeypatch.setattr(local, "_batchers", {})
    monkeypatch.setattr("mrvideo.models.generation.load", lambda *args, **options: generator)
    model = open_model(ModelSettings.parse(member.model, device="cpu"), ledger=Ledger())

    def request(colours: tuple[str, ...]) -> Request[MergeBorderReply]:
        return Request(
            prompt=border_prompt,
            inputs=MergeBorderInputs(border_seconds=3, before="a door", after="a room"),
            reply_type=MergeBorderReply,
            stage="scenes",
            pictures=tuple(Picture(f"{i}.00 s", make_jpeg(colour), i) for i, colour in enumerate(colours)),
            max_output_tokens=48,
        )

    replies = await asyncio.gather(model.run(request(("red", "blue"))), model.run(request(())))
    for batcher in local._batchers.values():
        batcher.close()
    assert all(isinstance(reply.value.same_scene, bool) for reply in replies)
    assert replies[0].usage.input_tokens - replies[1].usage.input_tokens > image_tokens(64, 48, member.model)


def test_the_rule_is_read_from_the_folder_not_guessed_from_its_name(member):
    rule = image_rule(member.model)
    assert "config.json" in rule.source
    assert rule.whole() == rule, "an hf: model is asked with whole pictures"


def test_the_table_in_the_docs_has_this_family_and_its_tokens(member):
    rows = table()
    assert list(rows) == list(FAMILIES)
    assert rows[member.name][0] == f"`{member.family.model_type}`"
    assert rows[member.name][1].startswith("with torchvision" if member.family.needs_torchvision else "yes")
    assert rows[member.name][-1] == str(image_tokens(512, 288, member.model))


def table() -> dict[str, list[str]]:
    """The rows under "Which models load" in docs/gpu.md, by family."""
    section = (
        (ROOT / "docs" / "gpu.md")
        .read_text(encoding="utf-8")
        .split("## Which models load")[1]
        .split("\n## ")[0]
    )
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    return {row[0]: row[1:] for row in cells[2:]}


@pytest.mark.skipif(has_torchvision(), reason="torchvision is installed and loads")
def test_a_family_that_needs_torchvision_says_so_in_one_line(tmp_path):
    folder = FAMILIES["Phi-4-multimodal"].save(tmp_path)
    with pytest.raises(
        ModelUnavailable, match="torchvision, which may be what it needs, is not installed"
    ) as told:
        load(str(folder), device="cpu")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "name", ["Qwen2.5-VL", "SmolVLM2", "InternVL3.5", "LLaVA-OneVision", "Mistral Small 3"]
)
def test_a_folder_in_the_layout_that_transformers_5_saves_is_read_alike(name, tmp_path):
    """One file then holds the parts for pictures and videos, where older folders have a file for each."""
    folder = FAMILIES[name].save(tmp_path)
    before = image_rule(f"hf:{folder}")
    images, whole = folder / "preprocessor_config.json", folder / "processor_config.json"
    nested = json.loads(whole.read_text()) if whole.exists() else {}
    nested["image_processor"] = json.loads(images.read_text())
    nested["processor_class"] = nested["image_processor"].pop("processor_class")
    nested["video_processor"] = {
        "video_processor_type": "SomeVideoProcessor",
        "size": {"height": 8, "width": 8},
    }
    whole.write_text(json.dumps(nested))
    images.unlink()
    (folder / "config.json").touch()
    assert image_rule(f"hf:{folder}") == before
    assert load_processor(str(folder)).chat_template


def test_weights_that_do_not_fit_their_config_are_told_in_one_line(tmp_path):
    """transformers raises RuntimeError for these, which ended a run in a traceback."""
    folder = FAMILIES["Qwen2-VL"].save(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["intermediate_size"] = 96
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match="cannot be loaded: ") as told:
        load(str(folder), device="cpu")
    assert "\n" not in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["InternVL3.5", "SmolVLM2", "Idefics3"])
def test_the_rule_for_a_server_that_cuts_pictures_into_tiles(name, tmp_path, make_jpeg):
    """The family's own processor with its own defaults, as a server runs it, against the rule of the name."""
    from PIL import Image

    family = FAMILIES[name]
    processor = load_processor(str(family.save(tmp_path)))
    served = {
        "InternVL3.5": "InternVL3_5-8B",
        "SmolVLM2": "SmolVLM2-500M-Video-Instruct",
        "Idefics3": "Idefics3-8B-Llama3",
    }
    rule: ImageRule = image_rule(f"vllm:maker/{served[name]}")
    assert rule in IMAGE_RULES
    for size in ((512, 288), (288, 512), (640, 480), (336, 336), (1280, 720)):
        content = [{"type": "image", "image": Image.new("RGB", size)}, {"type": "text", "text": "say"}]
        counts = [
            len(processor.apply_chat_template(
                [[{"role": "user", "content": parts}]], tokenize=True, return_dict=True
            )["input_ids"][0])
            for parts in (content, content[1:])
        ]  # fmt: skip
        assert counts[0] - counts[1] == pytest.approx(rule.tokens(*size), rel=0.02, abs=1)


_UNDER_A_BROKEN_TORCHVISION = """
import transformers  # As a program may have done: it notes that torchvision is installed.
import asyncio, sys
from mrvideo.models import Ledger, ModelSettings, local, open_model
from mrvideo.models.base import Request
from mrvideo.prompts.loader import parse_prompt
from mrvideo.schemas.captioning import MergeBorderInputs
from mrvideo.schemas.shared import Message

class MergeBorderReply(Message):
    same_scene: bool

PROMPT = parse_prompt("merge_border", "+++\\nversion = 1\\nrole = 'vision'\\ninputs = ['border_seconds', 'before', 'after']\\n"
    "reply = 'MergeBorderReply'\\n+++\\nSay.\\n<!-- inputs -->\\n{{ border_seconds }} {{ before | fence }} {{ after | fence }}\\n")
inputs = MergeBorderInputs(border_seconds=1, before="a", after="b")
request = Request(prompt=PROMPT, inputs=inputs, reply_type=MergeBorderReply, stage="scenes", max_output_tokens=48)
first, *others = sys.argv[1:]
model = open_model(ModelSettings.parse(f"hf:{first}", device="cpu"), ledger=Ledger())
print(type(asyncio.run(model.run(request)).value.same_scene).__name__)
from mrvideo.models.processors import load_processor
for folder in (first, *others):
    print(type(load_processor(folder).image_processor).__name__)
from mrvideo.models.torchvision_check import torchvision_problem
print(torchvision_problem())
"""


@pytest.mark.slow
def test_a_torchvision_that_cannot_be_imported_is_done_without(tmp_path):
    """Beside a torch of another build it raises RuntimeError; transformers sees that it is installed and
    fails at each processor.
    """
    broken = tmp_path / "site" / "torchvision"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")\n')
    folders = [
        str(family.save(tmp_path / family.model_type))
        for name, family in FAMILIES.items()
        if not family.needs_torchvision
    ]
    path = os.pathsep.join([str(broken.parent), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(
        [sys.executable, "-c", _UNDER_A_BROKEN_TORCHVISION, *folders],
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    answered, *processors, problem = ran.stdout.split("\n")[:-1]
    assert answered == "bool"
    assert len(processors) == len(folders)
    assert all(processor.endswith("Pil") for processor in processors)
    assert problem == "broken (RuntimeError: operator torchvision::nms does not exist)"
