"""A conversation: an agent that calls the real tools, cites only what they returned, and can be taken up
again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mrvideo
from mrvideo.errors import BudgetReached, QuestionError, SettingsError
from mrvideo.models import Ledger
from mrvideo.models.base import Request
from mrvideo.models.offline import OfflineModel
from mrvideo.models.scripted import ScriptedModel
from mrvideo.schemas.exploring import ExploreInputs
from mrvideo.session.models import Models
from mrvideo.settings import Settings
from mrvideo.tools.chat import Chat

Reply = dict[str, Any]


def call(tool: str, **arguments: Any) -> Reply:
    return {"tool": tool, "arguments": json.dumps(arguments)}


def say(answer: str, *citations: tuple[str, str]) -> Reply:
    return {"answer": answer, "citations": [{"step_id": s, "quote": q} for s, q in citations]}


class Mind(ScriptedModel):
    """Decides steps by script; what tools ask of a text model is answered offline."""

    async def run(self, request: Request[Any]) -> Any:
        return await (super() if request.prompt.name == "explore" else OfflineModel()).run(request)


def driven(served: Any) -> Settings:
    """Settings that name a text model; `mind` puts its own in the place."""
    return served.settings.model_copy(update={"text": "scripted:mind"})


@pytest.fixture
def mind(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Reply]], ScriptedModel]:
    """Puts a text model that says what it is told in the place of the configured one; looks stay offline."""

    def install(replies: list[Reply]) -> ScriptedModel:
        text = Mind(replies)
        models = Models(vision=OfflineModel(), text=text, ledger=Ledger())
        for room in ("mrvideo.tools.chat", "mrvideo.session.models", "mrvideo.session.asking"):
            monkeypatch.setattr(f"{room}.open_models", lambda *_, **__: models)
        return text

    return install


def inputs(request: Request[Any]) -> ExploreInputs:
    assert isinstance(request.inputs, ExploreInputs)
    return request.inputs


def test_the_agent_works_in_steps_and_its_evidence_has_the_spans_of_the_tools(served: Any, mind: Any) -> None:
    text = mind(
        [
            call("search_video", words="mackerel", video=None, limit=5),
            call("read_scenes", video="talk.mp4", start_seconds=110, stop_seconds=125),
            say(
                "She will bring a mackerel.",
                ("s1", "I will bring you a  mackerel TONIGHT"),
                ("s2", "BREAD & BUNS"),
                ("s1", "I will bring you a salmon"),
                ("s9", "mackerel"),
            ),
        ]
    )
    chat = Chat(["talk.mp4"], driven(served), roots=(served.root,))
    turn = chat.send("What will Mara bring?")
    assert turn.text == "She will bring a mackerel."
    assert [step.split()[0] for step in turn.steps] == ["search_video", "read_scenes"]
    spoken, written = turn.evidence
    assert spoken.source == "cue" and 115 < spoken.start_seconds < 125
    assert written.start_seconds < 120 < written.stop_seconds
    assert turn.removed_citations == 2
    seen = inputs(text.requests[2])
    assert [step.step_id for step in seen.steps] == ["s1", "s2"]
    assert "mackerel tonight" in seen.steps[0].result


def test_evidence_says_whether_it_was_said_written_or_seen(served: Any, mind: Any) -> None:
    mind(
        [
            call("read_scenes", video="talk.mp4", start_seconds=110, stop_seconds=125),
            call(
                "look", video="talk.mp4", start_seconds=99, stop_seconds=106, question="What is on the tag?"
            ),
            say("K-38.", ("s1", "a mackerel tonight"), ("s1", "BREAD & BUNS"), ("s2", "K-38")),
        ]
    )
    turn = Chat(["talk.mp4"], driven(served), roots=(served.root,)).send("What is on the tag?")
    assert [evidence.source for evidence in turn.evidence] == ["cue", "caption", "frame"]
    assert (turn.evidence[2].start_seconds, turn.evidence[2].stop_seconds) == (99, 106)


def test_a_conversation_remembers_and_each_turn_starts_its_own_steps(served: Any, mind: Any) -> None:
    text = mind(
        [
            call("search_video", words="gulls", video=None, limit=1),
            say("At the lighthouse.", ("s1", "gulls")),
            say("I said: at the lighthouse."),
        ]
    )
    chat = Chat(["talk.mp4"], driven(served), roots=(served.root,))
    chat.send("Where do the gulls sleep?")
    second = chat.send("And where was that?")
    assert second.steps == () and second.evidence == ()
    assert [(line.who, line.text) for line in inputs(text.requests[2]).conversation] == [
        ("user", "Where do the gulls sleep?"),
        ("you", "At the lighthouse."),
        ("user", "And where was that?"),
    ]


def test_a_tool_that_fails_is_told_and_the_agent_goes_on(served: Any, mind: Any) -> None:
    text = mind(
        [
            call("read_scenes", video="other.mp4", start_seconds=0, stop_seconds=9),
            call("look", video="talk.mp4", start_seconds=8, stop_seconds=20, question="What is on the boat?"),
            call(
                "ask_video", video="talk.mp4", question="Which word is on the boat?", options=[], effort="low"
            ),
            say("KITTIWAKE.", ("s2", "KITTIWAKE")),
        ]
    )
    turn = Chat(["talk.mp4"], driven(served), roots=(served.root,)).send("What is written on the boat?")
    results = [step.result for step in inputs(text.requests[3]).steps]
    assert results[0].startswith("error:") and "served folders" in results[0]
    assert not results[1].startswith("error:") and not results[2].startswith("error:")
    assert turn.evidence or turn.removed_citations  # what offline reads is not this test's matter


def test_steps_are_bounded_and_the_last_call_must_answer(served: Any, mind: Any) -> None:
    search = call("search_video", words="gulls", video=None, limit=1)
    text = mind([search, search, say("At the lighthouse.")])
    turn = Chat(["talk.mp4"], driven(served), max_steps=2, roots=(served.root,)).send("Where?")
    assert len(turn.steps) == 2
    last = text.requests[-1]
    assert inputs(last).steps_left == 0
    with pytest.raises(ValueError, match="no steps are left"):
        last.parse(search)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"tool": "search_video", "arguments": "{}", "answer": "both"}, "not both"),
        ({}, "not neither"),
        ({"tool": "rm", "arguments": "{}"}, "no tool named"),
        ({"tool": "look", "arguments": "{"}, "JSON object"),
        ({"tool": "look", "arguments": "[]"}, "JSON object"),
    ],
)
def test_a_step_out_of_bounds_is_refused_with_words_to_mend_it(
    served: Any, mind: Any, reply: Reply, words: str
) -> None:
    text = mind([say("Yes.")])
    Chat(["talk.mp4"], driven(served)).send("Is it?")
    with pytest.raises(ValueError, match=words):
        text.requests[0].parse(reply)


def test_a_model_without_tools_is_said_at_once(served: Any) -> None:
    video = mrvideo.load(served.film, settings=served.settings)
    with pytest.raises(SettingsError, match="can call tools, and offline cannot"):
        video.chat()


def test_an_empty_message_and_no_videos_are_refused(served: Any, mind: Any) -> None:
    mind([])
    with pytest.raises(QuestionError):
        Chat([], driven(served))
    with pytest.raises(QuestionError):
        Chat(["talk.mp4"], driven(served)).send("  ")


async def test_the_async_face(served: Any, mind: Any) -> None:
    mind([call("list_entities", video="talk.mp4"), say("Four.", ("s1", "person_1"))])
    turn = await Chat(["talk.mp4"], driven(served), roots=(served.root,)).asend("How many?")
    assert turn.text == "Four." and turn.removed_citations == 1  # a name alone has no span to point at


def step_server(servers: Any, replies: list[Reply], asked: list[str]) -> Any:
    left = iter(replies)

    def answer(request: Any) -> Any:
        asked.append(request.text)
        return {"thought": "", "tool": None, "arguments": "{}", "answer": None, "citations": []} | next(left)

    return servers.ChatServer(answer)


def chat_command(
    served: Any, base_url: str, library: Path, *more: str, said: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mrvideo",
            "chat",
            str(served.film),
            "--text",
            "openai:test-vlm",
            "--base-url",
            base_url,
            "--library",
            str(library),
            *more,
        ],
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_kept_conversation_is_taken_up_by_another_process(served: Any, servers: Any) -> None:
    library = served.settings.library
    asked: list[str] = []
    replies = [
        call("search_video", words="gulls sleep", video=None, limit=1),
        say("At the lighthouse.", ("s1", "gulls sleep")),
        say("I told you: the lighthouse."),
        say("Nobody asked me anything before."),
    ]
    with step_server(servers, replies, asked) as server:
        first = chat_command(served, server.base_url, library, said="Where do the gulls sleep?\n")
        again = chat_command(served, server.base_url, library, said="Where, again?\n")
        other = chat_command(served, server.base_url, library, "--name", "other", said="Hello?\n")
    assert first.returncode == again.returncode == other.returncode == 0, first.stderr + again.stderr
    assert first.stdout.startswith("At the lighthouse.\n") and ": gulls sleep" in first.stdout
    assert "At the lighthouse." in asked[2] and "Where do the gulls sleep?" in asked[2]
    assert again.stdout == "I told you: the lighthouse.\n"
    assert "lighthouse" not in asked[3].split("<conversation>")[1]


def test_the_budget_bounds_a_conversation(served: Any, servers: Any) -> None:
    asked: list[str] = []
    settings = served.settings.model_copy(update={"text": "openai:test-vlm", "max_tokens": 10})
    with step_server(servers, [say("Yes.")], asked) as server:
        chat = Chat(["talk.mp4"], settings.model_copy(update={"base_url": server.base_url}))
        with pytest.raises(BudgetReached):
            chat.send("Is it?")
    assert asked == []
