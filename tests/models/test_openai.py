"""What an OpenAI-compatible server is sent, and what becomes of each thing it may send back. Real HTTP on
loopback.
"""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from mrvideo.errors import ModelBusy, ModelRefused, ModelUnavailable, ReplyInvalid
from mrvideo.models.base import Picture, Request
from mrvideo.models.openai import OpenAIBackend
from mrvideo.models.settings import ModelSettings


async def test_each_picture_follows_its_own_label_and_the_schema_is_strict(serve, connect, ask_border):
    server = serve(lambda asked: {"same_scene": asked.image(1).getpixel((5, 5))[2] > 200})
    model = connect(server, preset="openai", api_key="sk-test")

    reply = await model.run(ask_border(2, colours=("red", "blue")))

    assert server.refusals == []
    assert reply.value.same_scene is True
    asked = server.asked[0]
    assert [label for label, _ in asked.pictures] == ["0.00 s", "1.00 s"]
    assert asked.system == "Say whether the two are one event."
    assert "Border at 2.0 s" in asked.text
    assert asked.schema_name == "MergeBorderReply"
    assert asked.body["response_format"]["json_schema"]["strict"] is True
    assert asked.body["max_completion_tokens"] == 64


async def test_words_of_any_script_and_pictures_arrive_as_they_are(serve, connect, ask_border):
    server = serve()
    request = ask_border(1, colours=("red", "blue"))
    named = tuple(
        Picture(label, picture.jpeg, 0.0)
        for label, picture in zip(("Zoë „quotes“ 港", '\\ and " and \n'), request.pictures, strict=True)
    )
    await connect(server).run(replace(request, pictures=named))
    assert [label for label, _ in server.asked[0].pictures] == [picture.label for picture in named]
    assert [data for _, data in server.asked[0].pictures] == [picture.jpeg for picture in named]


async def test_usage_is_the_servers_count(serve, connect, ask_border):
    server = serve()
    model = connect(server)
    reply = await model.run(ask_border(colours=("red",)))
    assert reply.usage.calls == 1
    assert reply.usage.input_tokens == server.input_tokens
    assert reply.usage.output_tokens == server.output_tokens
    assert reply.usage.cached_tokens == server.input_tokens // 4
    assert reply.usage.images == 1
    assert reply.usage.cost is None, "no price is known for this model, and unknown is not zero"
    assert model.ledger.by_stage() == {"scenes": reply.usage}


@pytest.mark.parametrize("names_param", [True, False])
async def test_a_server_without_schemas_is_asked_in_json_mode_and_remembered(
    serve, connect, ask_border, names_param
):
    server = serve(lambda asked: {"same_scene": True}, formats=("json_object",), names_param=names_param)
    model = connect(server)
    for number in range(3):
        await model.run(ask_border(number))
    assert len(server.refusals) == 1
    assert server.asked[-1].body["response_format"] == {"type": "json_object"}
    assert '"same_scene"' in server.asked[-1].text, "without a schema field, the prompt holds the schema"


async def test_a_server_that_takes_plain_text_only_is_read_tolerantly(serve, connect, ask_border):
    thinking = (
        '<think>maybe {"same_scene": false}?</think>Sure! ```json\n{"same_scene": true, "extra": 1}\n```'
    )
    server = serve(lambda asked: thinking, formats=())
    reply = await connect(server).run(ask_border())
    assert reply.value.same_scene is True
    assert len(server.refusals) == 2
    assert "response_format" not in server.asked[0].body


async def test_a_refused_field_is_left_out_from_then_on(serve, connect, ask_border):
    server = serve(refused_fields=("temperature", "max_tokens"))
    model = connect(server)
    await model.run(ask_border(1))
    await model.run(ask_border(2))
    assert len(server.refusals) == 2
    body = server.asked[-1].body
    assert "temperature" not in body
    assert body["max_completion_tokens"] == 64
    assert "response_format" in body, "a refused temperature says nothing about schemas"


async def test_a_bad_reply_is_sent_back_once_with_what_was_wrong(serve, connect, ask_border, chat):
    server = serve(lambda asked: {"same_scene": True})
    server.faults.append(chat.Fault.reply('{"same_scene": "perhaps"}'))
    reply = await connect(server).run(ask_border())
    assert reply.value.same_scene is True
    assert reply.usage.calls == 2
    (bad, repair) = server.asked[1].turns
    assert bad == ("assistant", '{"same_scene": "perhaps"}')
    assert repair[0] == "user"
    assert "same_scene: Input should be a valid boolean" in repair[1]


async def test_a_reply_that_stays_bad_ends_in_one_line_for_the_user(serve, connect, ask_border):
    server = serve(lambda asked: "I would rather not say.")
    with pytest.raises(
        ReplyInvalid, match=r"its reply \(.*\) is outside its bounds twice: it holds no JSON object"
    ) as caught:
        await connect(server).run(ask_border())
    assert "\n" not in str(caught.value)
    assert server.answered == 2


async def test_a_reply_that_was_cut_off_gets_more_room(serve, connect, ask_border):
    server = serve(lambda asked: '{"same_scene": tr', finish_reason="length")
    way_out = r"bound on its length; allow more \(max_output_tokens, context_tokens\), or name a model that is briefer"
    with pytest.raises(ReplyInvalid, match=way_out):
        await connect(server).run(ask_border(max_output_tokens=100))
    assert "be briefer" in str(server.asked[1].body["messages"])
    assert [asked.body["max_tokens"] for asked in server.asked] == [100, 200]


async def test_a_failed_repair_is_tried_again_without_paying_for_the_first_reply_twice(
    serve, connect, ask_border, chat
):
    server = serve(lambda asked: {"same_scene": True})
    server.faults.extend([chat.Fault.reply("{}"), chat.Fault.status(500), chat.Fault.status(429)])
    reply = await connect(server).run(ask_border())
    assert reply.value.same_scene is True
    assert (server.calls, server.answered, reply.usage.calls) == (4, 2, 2)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_what_passes_is_tried_again(serve, connect, ask_border, chat, status):
    server = serve()
    server.faults.extend([chat.Fault.status(status, retry_after="0")] * 2)
    reply = await connect(server).run(ask_border())
    assert (server.calls, reply.usage.calls) == (3, 1)


async def test_lost_connections_and_unreadable_bodies_are_tried_again(serve, connect, ask_border, chat):
    server = serve()
    await connect(server).run(ask_border(0))
    server.faults.extend(
        [
            chat.Fault.drop(),
            chat.Fault.body("<html>"),
            chat.Fault.body("{}"),
            chat.Fault.body('{"choices": []}'),
        ]
    )
    await connect(server).run(ask_border(1))
    assert server.calls == 6


async def test_a_call_that_stalls_is_given_up_and_tried_again(serve, connect, ask_border, chat):
    server = serve()
    server.faults.append(chat.Fault.stall())
    reply = await connect(server, timeout_seconds=0.5).run(ask_border())
    assert server.stalled.is_set()
    assert reply.usage.calls == 1, "a call that was given up is not counted as paid"


async def test_retries_end(serve, connect, ask_border, chat):
    server = serve(fault_of=lambda index: chat.Fault.status(503))
    with pytest.raises(ModelBusy, match="answered 503: made to fail; given up after 3 tries"):
        await connect(server, attempts=3).run(ask_border())
    assert server.calls == 3


async def test_a_server_that_asks_for_a_very_long_break_is_busy(serve, connect, ask_border, chat):
    server = serve()
    server.faults.append(chat.Fault.status(429, retry_after="86400"))
    with pytest.raises(ModelBusy, match="429"):
        await connect(server).run(ask_border())
    assert server.calls == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_declined_request_is_not_repeated(serve, connect, ask_border, chat, status):
    server = serve()
    model = connect(server)
    await model.run(ask_border(0))
    server.faults.append(chat.Fault.status(status, text="too long"))
    with pytest.raises(ModelRefused, match=f"declined the request \\({status}\\): too long"):
        await model.run(ask_border(1))
    assert server.calls == 2


@pytest.mark.parametrize(
    ("status", "words"), [(401, "wants a key"), (403, "wants a key"), (404, "check the model")]
)
async def test_what_no_request_can_pass_names_the_server(serve, connect, ask_border, chat, status, words):
    server = serve()
    server.faults.append(chat.Fault.status(status))
    with pytest.raises(ModelUnavailable, match=words) as caught:
        await connect(server).run(ask_border())
    assert server.base_url in str(caught.value)
    assert server.calls == 1


async def test_a_wrong_model_name_is_told(serve, connect, ask_border):
    server = serve()
    with pytest.raises(ModelUnavailable, match="answers 404 for model 'gpt-9'"):
        await connect(server, name="openai:gpt-9").run(ask_border())


async def test_nobody_listening_is_told_at_once(connect, ask_border):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ModelUnavailable, match="nothing answers at " + url):
        await connect(url).run(ask_border())


async def test_a_server_that_goes_away_later_is_busy_not_wrong(serve, connect, ask_border, chat):
    server = chat.ChatServer()
    with server:
        model = connect(server, attempts=2)
        await model.run(ask_border(0))
    with pytest.raises(ModelBusy, match="connection"):
        await model.run(ask_border(1))


async def test_a_content_filter_is_a_refusal(serve, connect, ask_border):
    server = serve(finish_reason="content_filter")
    with pytest.raises(ModelRefused, match="content filter"):
        await connect(server).run(ask_border())
    assert server.calls == 1


async def test_a_server_that_counts_nothing_is_estimated(serve, connect, ask_border, chat):
    body = {
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": '{"same_scene": true}'}}]
    }
    server = serve()
    server.faults.append(chat.Fault.body(json.dumps(body)))
    reply = await connect(server).run(ask_border())
    assert reply.usage.input_tokens > 20
    assert reply.usage.output_tokens > 0


def body_of(settings: ModelSettings, request: Request[Any]) -> dict[str, Any]:
    backend = OpenAIBackend(settings)
    return backend._body(request, (), backend._bound(64), "json_schema")


def test_reasoning_models_get_no_temperature_and_room_to_think(ask_border):
    body = body_of(ModelSettings.parse("openai:gpt-5-mini", api_key="sk-x", temperature=0.5), ask_border())
    assert "temperature" not in body
    assert body["max_completion_tokens"] > 4096
    assert body["reasoning_effort"] == "low"


def test_extra_fields_reach_the_server_as_they_are(ask_border):
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    body = body_of(ModelSettings.parse("vllm:Qwen3-VL", extra_body=extra), ask_border())
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
