"""What is compared with the pipeline: one call on even frames, and the pipeline less one of its parts."""

import asyncio

import pytest

from mrvideo.errors import ModelRefused
from mrvideo.evals.baselines import WithoutIntention, answer_with, without_cast
from mrvideo.evals.haystack import build_haystack
from mrvideo.evals.systems import System, named, plain
from mrvideo.media.identity import probe
from mrvideo.models import Ledger
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Cue, Entity, Index, Mention, Scene, Span
from mrvideo.schemas.analysis import GlobalIntentionInputs, GlobalIntentionReply, GoalsInputs, GoalsReply
from mrvideo.session.models import Models
from mrvideo.settings import load_settings


def scene(index, start, stop, text, *names):
    return Scene(
        index=index,
        start_seconds=start,
        stop_seconds=stop,
        brief=text,
        detailed=text,
        entity_names=tuple(names),
    )


def mention(shard, name, start, stop):
    return Mention(
        shard_index=shard,
        name=name,
        kind="person",
        description="d",
        start_seconds=start,
        stop_seconds=stop,
        exemplar_seconds=start,
    )


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Two stretches of six seconds; person_1 is person_a in the first and person_b in the second."""
    path = tmp_path_factory.mktemp("v") / "v.mp4"
    build_haystack(path, duration_seconds=12, seed=1)
    info = probe(path)
    return Index(
        key="k",
        video=info,
        scenes=(
            scene(0, 0, 5, "<person_1> waits.", "person_1"),
            scene(1, 5, 7, "<person_1> meets <dog_1> and <stranger_9>.", "person_1", "dog_1"),
            scene(2, 7, 12, "<person_1> leaves.", "person_1"),
        ),
        mentions=(
            mention(0, "person_a", 0, 6),
            mention(1, "person_b", 6, 12),
            mention(0, "dog_a", 0, 6),
        ),
        entities=(
            Entity(
                name="person_1",
                kind="person",
                description="d",
                exemplar_seconds=0,
                mention_ids=("0/person_a", "1/person_b"),
            ),
            Entity(name="dog_1", kind="dog", description="d", exemplar_seconds=0, mention_ids=("0/dog_a",)),
        ),
        cues=(Cue(start_seconds=1, stop_seconds=2, text="hello"),),
    )


@pytest.mark.slow
def test_without_cast_every_stretch_has_its_own_names_again(index):
    bare = without_cast(index)
    assert [s.detailed for s in bare.scenes] == [
        "<person_a> waits.",
        "<person_b> meets <dog_a> and <stranger_9>.",
        "<person_b> leaves.",
    ]
    assert bare.scenes[1].entity_names == ("person_b", "dog_a")
    assert bare.entities == () and bare.cues == index.cues
    assert index.scenes[0].detailed == "<person_1> waits.", "the index itself is as it was"


def test_without_intention_the_plan_is_the_whole_video_and_no_call_is_made():
    inner = ScriptedModel([{"local_question": "l", "global_question": "g"}])
    model = WithoutIntention(inner)
    plan = Request(
        prompt=load_prompt("global_intention"),
        inputs=GlobalIntentionInputs(question="q", span=Span(0, 10), analyses=()),
        reply_type=GlobalIntentionReply,
        stage="s",
    )
    reply = asyncio.run(model.run(plan))
    assert reply.value.spans == () and reply.value.scope == "global" and reply.usage.calls == 0
    goals = Request(
        prompt=load_prompt("goals"), inputs=GoalsInputs(question="q"), reply_type=GoalsReply, stage="s"
    )
    assert asyncio.run(model.run(goals)).value.local_question == "l", "all else is asked"
    assert [request.prompt.name for request in inner.requests] == ["goals"]
    assert model.fingerprint == inner.fingerprint and model.capabilities == inner.capabilities


@pytest.fixture
def answered(monkeypatch, tmp_path, index):
    """Answers by one system from a script; returns the answer and what was asked."""

    def ask(system, replies, *, must_choose=False, options=("a", "b"), **settings):
        model = ScriptedModel(replies)
        monkeypatch.setattr(
            "mrvideo.session.asking.open_models", lambda *_, **__: Models(model, model, Ledger())
        )
        own = load_settings(library=tmp_path / "l.db", **settings)
        made = asyncio.run(answer_with(system, index, "q?", options, own, must_choose=must_choose))
        return made, model.requests

    return ask


UNIFORM = System(name="uniform", kind="uniform", frames=6)


def test_uniform_is_one_call_on_frames_at_even_distances(answered, index):
    reply = {
        "found": True,
        "answer": "b it is",
        "choice": 1,
        "spans": [{"start_seconds": 3, "stop_seconds": 5}],
        "confidence": 4,
    }
    answer, (request,) = answered(UNIFORM, [reply])
    assert request.prompt.name == "uniform"
    assert [round(p.time_seconds) for p in request.pictures] == [1, 3, 5, 7, 9, 11]
    assert request.inputs.cues[0].text == "hello"
    assert (answer.choice, answer.answer, answer.guessed) == (1, "b", False)
    assert [e.span for e in answer.evidence] == [Span(3, 5)] and answer.claims[0].evidence_ids == ("e1",)


def test_uniform_marks_a_forced_choice_as_a_guess(answered):
    reply = {"found": False, "choice": 0, "confidence": 1}
    answer, _ = answered(UNIFORM, [reply], must_choose=True)
    assert answer.choice == 0 and answer.guessed
    answer, _ = answered(UNIFORM, [reply], must_choose=False)
    assert answer.choice is None and answer.answer is None


def test_captions_only_never_look(answered):
    def reply(request):
        return {
            "whole_intention": {"reasoning": "r", "confidence": 3, "combine": "merge", "scope": "global"},
            "answer": {"found": False, "choice": 0, "confidence": 1},
        }[request.prompt.name]

    answer, requests = answered(plain("low", "fused"), reply, must_choose=True)
    assert {r.prompt.name for r in requests} == {"whole_intention", "answer"}
    assert answer.effort == "low" and answer.guessed


def test_without_intention_looks_without_asking_what_for(answered):
    def reply(request):
        return {
            "goals": {"local_question": "l", "global_question": "g"},
            "look_local": {"observations": [], "conclusion": "nothing", "confidence": 1},
            "look_global": {"observations": [], "conclusion": "nothing", "confidence": 1},
            "answer": {"found": False, "choice": 0, "confidence": 1},
        }[request.prompt.name]

    system = plain("medium", "fused").model_copy(update={"intention": False})
    _, requests = answered(system, reply, must_choose=True)
    assert {r.prompt.name for r in requests} == {"goals", "look_global", "answer"}


def test_without_memory_everything_is_read_and_nothing_else_is_taken_away(answered, monkeypatch, index):
    """What `find` points to was lost, too: the ablation would have blamed the memory for it."""
    tried, told = [], []

    async def remembered(*_):
        tried.append("memory")
        raise ModelRefused("no chapters today")

    async def pointed(*_):
        told.append("pointed")
        return ()

    def reply(request):
        return {
            "whole_intention": {"reasoning": "r", "confidence": 3, "combine": "merge", "scope": "global"},
            "answer": {"found": False, "choice": 0, "confidence": 1},
        }[request.prompt.name]

    monkeypatch.setattr("mrvideo.session.asking.remembered", remembered)
    monkeypatch.setattr("mrvideo.session.asking._pointed", pointed)
    monkeypatch.setattr("mrvideo.session.remembering.WALKED_FROM", 2)
    full, without = named(("ask", "no-memory"), "low", "fused")
    with pytest.raises(ModelRefused):
        answered(full, reply, must_choose=True, text="openai:x")
    assert (tried, told) == (["memory"], [])
    _, requests = answered(without, reply, must_choose=True, text="openai:x")
    assert (tried, told) == (["memory"], ["pointed"])
    assert "whole_intention" in {r.prompt.name for r in requests}


@pytest.mark.slow
def test_uniform_frames_can_be_read_offline(tmp_path, index):
    """The offline model reads and decides in two steps; the second takes what the first concluded."""
    settings = load_settings(library=tmp_path / "l.db", vision="offline", text="offline")
    made = asyncio.run(
        answer_with(UNIFORM, index, "Which word is said?", ("hello", "farewell"), settings, must_choose=False)
    )
    assert made.choice in (None, 0), "right, or honest"
    assert made.models == {"vision": "offline", "text": "offline"}
