# %% [markdown]
# # Tools for agents
#
# Seven tools, defined once, served three ways: LangChain, OpenAI functions, MCP. Results are typed and bounded to what a
# conversation can carry. With `roots`, only files that really lie below those folders are touched.
# %%
import mrvideo
import mrvideo.tools

mrvideo.index("../demo/harbour.mp4")
for tool in mrvideo.tools.langchain(roots=[".."]):
    print(f"{tool.name:14} {', '.join(tool.args)}")
# %% [markdown]
# ## A LangGraph agent
#
# With a real chat model, `model.bind_tools(tools)` decides what to call. Here the decisions are written down, so that this runs
# offline; the tools and their results are real.
# %%
import json

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


def decide(name, **arguments):
    return AIMessage(content="", tool_calls=[{"name": name, "args": arguments, "id": name}])


model = GenericFakeChatModel(messages=iter([
    decide("search_video", words="gulls", video="demo/harbour.mp4", limit=3),
    decide("read_scenes", video="demo/harbour.mp4", start_seconds=98, stop_seconds=108),
    decide("look", video="demo/harbour.mp4", start_seconds=99, stop_seconds=106, question="What is written on the tag?"),
    AIMessage(content="The key lay in a gull's nest; its tag says K-38."),
]))
graph = StateGraph(MessagesState)
graph.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]})
graph.add_node("act", ToolNode(mrvideo.tools.langchain(roots=[".."])))
graph.add_edge(START, "think")
graph.add_conditional_edges("think", lambda state: "act" if state["messages"][-1].tool_calls else END)
graph.add_edge("act", "think")
agent = graph.compile()

for message in agent.invoke({"messages": [HumanMessage("Where was the key, and what is on its tag?")]})["messages"]:
    if isinstance(message, ToolMessage):
        result = json.loads(message.content)
        for line in result.get("hits", result.get("scenes", [result])):
            line = {key: value for key, value in line.items() if key not in ("video", "digest")}
            print("   ", json.dumps(line, ensure_ascii=False)[:150])
    else:
        print(message.type, "|", message.content or [(c["name"], c["args"]) for c in message.tool_calls])
# %% [markdown]
# ## OpenAI functions
#
# `schemas` goes into a request's `tools` (strict mode); `call` runs what came back and returns the text of the `tool` message.
# What goes wrong is one line that a model can act on.
# %%
functions = mrvideo.tools.openai(roots=[".."])
print(json.dumps(functions.schemas[3], indent=1)[:900])
# %%
print(functions.call("list_entities", '{"video": "demo/harbour.mp4"}')[:300])
print(functions.call("read_scenes", '{"video": "demo/harbour.mp4", "start_seconds": 9, "stop_seconds": 3}'))
print(functions.call("index_video", '{"video": "/etc/passwd"}'))
# %% [markdown]
# ## MCP
#
# `mrvideo mcp --root FOLDER` serves over stdio, `--http` over HTTP. The same server in this process, asked by the official
# client: JSON as text, and pictures as image content.
# %%
import base64
from pathlib import Path

from IPython.display import Image, display
from mcp import Client

from mrvideo.mcp import make_server

async with Client(make_server(mrvideo.load_settings(), [Path("..")])) as client:
    looked = await client.call_tool(
        "look", {"video": "demo/harbour.mp4", "start_seconds": 99, "stop_seconds": 106, "question": "What is written on the tag?"}
    )
told = json.loads(looked.content[0].text)
print(told["conclusion"])
pictures = [part for part in looked.content if part.type == "image"]
print(len(pictures), "pictures at", told["frame_times"])
display(Image(base64.b64decode(pictures[len(pictures) // 2].data)))
