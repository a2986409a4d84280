"""LangChain tools drive a LangGraph agent; OpenAI schemas hold to strict mode and their dispatcher answers in
text.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

import mrvideo.tools
from mrvideo.records import Scene, Sighting
from mrvideo.tools.results import MAX_CHARACTERS
from mrvideo.tools.toolbox import TOOLS


def calling(name: str, **arguments: Any) -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": name, "args": arguments, "id": f"call-{name}"}])


def agent(tools: list[Any], replies: list[AIMessage]) -> Any:
    """think → act → think …, with a model that says what the test wants."""
    model = GenericFakeChatModel(messages=iter(replies))

    def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("act", ToolNode(tools))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", lambda s: "act" if s["messages"][-1].tool_calls else END)
    graph.add_edge("act", "think")
    return graph.compile()


@pytest.mark.parametrize("face", ["sync", "async"])
async def test_a_langgraph_agent_searches_reads_and_mends_a_slip(served: Any, face: str) -> None:
    tools = mrvideo.tools.langchain(settings=served.settings, roots=[served.root])
    running = agent(
        tools,
        [
            calling("search_video", words="mackerel", video="talk.mp4", limit=2),
            calling("read_scenes", video="talk.mp4", start_seconds=20, stop_seconds=10),
            calling("read_scenes", video="talk.mp4", start_seconds=110, stop_seconds=125),
            calling("look", video="talk.mp4", start_seconds="soon"),
            AIMessage(content="She will bring a mackerel."),
        ],
    )
    start = {"messages": [HumanMessage("What will Mara bring?")]}
    done = running.invoke(start) if face == "sync" else await running.ainvoke(start)
    told = [m.content for m in done["messages"] if isinstance(m, ToolMessage)]
    assert "mackerel tonight" in json.loads(told[0])["hits"][0]["text"]
    assert told[1].startswith("error:") and "swap them" in told[1]
    assert "mackerel" in str(json.loads(told[2])["scenes"])
    assert told[3].startswith("error:") and "\n" not in told[3]
    assert done["messages"][-1].content == "She will bring a mackerel."


def test_langchain_tools_carry_descriptions_and_types() -> None:
    tools = {tool.name: tool for tool in mrvideo.tools.langchain()}
    assert list(tools) == [tool.name for tool in TOOLS]
    assert tools["look"].args["start_seconds"]["type"] == "number"
    assert "Costs nothing" in tools["search_video"].description


def strict_problems(schema: Any, where: str = "$") -> list[str]:
    """What strict mode would refuse in a function's parameters."""
    found: list[str] = []
    if isinstance(schema, list):
        return [p for i, item in enumerate(schema) for p in strict_problems(item, f"{where}[{i}]")]
    if not isinstance(schema, dict):
        return []
    allowed = {
        "type",
        "description",
        "enum",
        "items",
        "anyOf",
        "properties",
        "required",
        "additionalProperties",
        "minimum",
        "maximum",
    }
    found += [f"{where}: {key}" for key in schema.keys() - allowed]
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            found.append(f"{where}: open")
        if sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
            found.append(f"{where}: not all required")
    for name, part in schema.get("properties", {}).items():
        found += strict_problems(part, f"{where}.{name}")
    return found + strict_problems(schema.get("items"), where) + strict_problems(schema.get("anyOf"), where)


def test_openai_schemas_hold_to_strict_mode() -> None:
    schemas = mrvideo.tools.openai().schemas
    assert [s["function"]["name"] for s in schemas] == [tool.name for tool in TOOLS]
    for schema in schemas:
        assert schema["type"] == "function" and schema["function"]["strict"] is True
        assert len(schema["function"]["description"]) <= 1024
        assert strict_problems(schema["function"]["parameters"]) == []


def test_the_dispatcher_runs_what_a_model_asked_for(served: Any) -> None:
    functions = mrvideo.tools.openai(settings=served.settings, roots=[served.root])
    called = functions.call("search_video", '{"words": "gull", "video": null, "limit": 1}')
    assert len(json.loads(called)["hits"]) == 1
    listed = json.loads(functions.call("list_entities", {"video": "talk.mp4"}))
    assert next(entity["name"] for entity in listed["entities"]) == "person_1"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("search_video", "{", "not JSON"),
        ("search_video", "[1]", "object"),
        ("search_video", '{"words": "  "}', "no words"),
        ("search_video", '{"words": "gull", "limit": 99}', "limit"),
        ("search_video", '{"video": null}', "words"),
        ("ask_video", '{"video": "talk.mp4", "question": "Who?", "options": ["one"]}', "one option only"),
        (
            "look",
            '{"video": "talk.mp4", "start_seconds": 900, "stop_seconds": 950, "question": "Who?"}',
            "outside",
        ),
        ("read_scenes", '{"video": "../talk.mp4", "start_seconds": 0, "stop_seconds": 1}', "served folders"),
        ("dance", "{}", "index_video"),
    ],
)
def test_what_goes_wrong_is_one_line_for_the_model(
    served: Any, name: str, arguments: str, words: str
) -> None:
    functions = mrvideo.tools.openai(settings=served.settings, roots=[served.root])
    told = functions.call(name, arguments)
    assert told.startswith("error:") and words in told and "\n" not in told


async def test_long_ranges_come_in_pages_and_results_stay_bounded(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = mrvideo.tools.openai(settings=served.settings)
    video = mrvideo.load(served.film, settings=served.settings)
    wordy = "and then the lantern swings over the water, again and again, " * 60
    scenes = tuple(
        Scene(
            start_seconds=index,
            stop_seconds=index + 1,
            index=index,
            brief="a lantern",
            detailed=f"{index}: {wordy}",
            sightings=(Sighting(start_seconds=index, stop_seconds=index + 1, text=wordy),) * 30,
        )
        for index in range(100)
    )
    long = video.index.model_copy(update={"scenes": scenes})
    monkeypatch.setattr("mrvideo.tools.toolbox.load_index", lambda *_: long)
    start, seen = 0.0, []
    while start is not None:
        page_text = await functions.acall(
            "read_scenes", {"video": "talk.mp4", "start_seconds": start, "stop_seconds": 100}
        )
        assert len(page_text) < MAX_CHARACTERS + 200
        page = json.loads(page_text)
        seen += [scene["start_seconds"] for scene in page["scenes"]]
        start = page["next_start_seconds"]
    assert seen == [float(index) for index in range(100)]
