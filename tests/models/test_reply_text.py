"""The one parser of replies: thoughts never count, the last fitting object does, and no text takes long."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mrvideo.models.chat_backend import Completion
from mrvideo.models.json_values import NotJson, parse
from mrvideo.models.repair import checked, repair_turns
from mrvideo.models.reply_text import candidates, last_word
from mrvideo.records import Usage

DRAFT, REPLY = '{"same_scene": false}', '{"same_scene": true}'


class Fits(BaseModel):
    a: int


def first(text: str, *, cut_off: bool = False):
    return next(candidates(text, cut_off=cut_off), None)


def read(text: str, *, cut_off: bool = False, thoughts: str = ""):
    """What a request for `same_scene` makes of a reply: its value, or the problem."""

    class Asked:
        def parse(self, data):
            from mrvideo.schemas.captioning import MergeBorderReply

            return MergeBorderReply.model_validate(data)

    said = Completion(text=text, usage=Usage(), cut_off=cut_off, thoughts=thoughts)
    value, problem = checked(Asked(), said)  # type: ignore[arg-type]
    return value.same_scene if value is not None else problem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure:\n```json\n{"a": {"b": []}}\n```\nAnything else?', {"a": {"b": []}}),
        ('the set {x} and then {"a": 1}', {"a": 1}),
        ('{"a": "}{"}', {"a": "}{"}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('[{"a": 1}]', {"a": 1}),
        ('\ufeff\n {"a": 1} \n', {"a": 1}),
        ("[1, 2]", None),
        ('{"a": 1', None),
        ("", None),
        ("__import__('os').getcwd()", None),
    ],
)
def test_the_object_is_found_wherever_it_stands(text, found):
    assert first(text) == found


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        '{"a": 1, "b": [1, 2,], }',
        "{'a': 1, 'b': True, 'c': None}",
        "{'a': 1, 'b': 'it\\'s \"so\"'}",
        'Well: {"a": 1, "b": "two\nlines\tand a tab"} there',
    ],
)
def test_slips_that_weak_models_make_are_read(text):
    assert first(text)["a"] == 1


def test_what_the_slips_hold_is_kept_word_for_word():
    assert first("{'b': 'it\\'s \"so\"',}") == {"b": 'it\'s "so"'}
    assert first('x {"b": "two\nlines, [1,]",}') == {"b": "two\nlines, [1,]"}


@pytest.mark.parametrize(
    "thought",
    [
        "<think>{}</think>", "<THINK>\n{}\n</THINK>", "<thinking>{}</thinking>", "<thought>{}</thought>",
        "<reasoning>{}</reasoning>", "<seed:think>{}</seed:think>", "[THINK]{}[/THINK]", "◁think▷{}◁/think▷",
        "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|channel>thought\n{}<channel|>", "analysisWe see {}assistantfinal", "<unused94>thought\n{}<unused95>",
        "<|START_THINKING|>{}<|END_THINKING|>", "<|begin_of_thought|>{}<|end_of_thought|>",
        "opened by the template {}</think>", "{}[/THINK]",
        "<think>one {}</think> and <think>two {}</think>",
    ],
)  # fmt: skip
def test_a_draft_inside_thoughts_is_never_the_reply(thought):
    marked = thought.replace("{}", f"First try: {DRAFT} but that is wrong.")
    assert read(marked + REPLY) is True
    assert read(f"{marked}Here you are:\n```json\n{REPLY}\n```") is True
    # Without a reply after them, thoughts are all there is.
    assert isinstance(read(marked), str)


@pytest.mark.slow
@pytest.mark.parametrize(
    "opening", ["<think>", "[THINK]", "◁think▷", "<seed:think>", "<|channel|>analysis<|message|>"]
)
@pytest.mark.parametrize("cut_off", [True, False])
def test_thoughts_that_never_end_hide_all_that_follows(opening, cut_off):
    problem = read(f"{opening}First try: {DRAFT} but that is wrong because", cut_off=cut_off)
    assert isinstance(problem, str)
    assert "inside its thoughts" in problem
    assert ("cut off" in problem) == cut_off


def test_a_mark_inside_the_replys_own_words_is_text():
    """A tutorial's screen shows such tags; the reply was thrown away whole."""
    words = "type </think> or <think> or [THINK] to end"
    for around in ("{}", "Here: {} as asked.", "<think>hm </think>{}"):
        assert first(around.replace("{}", json.dumps({"a": words}))) == {"a": words}


def test_of_several_objects_the_last_that_fits_is_the_reply():
    assert read(f"{DRAFT} – no, rather: {REPLY}") is True
    assert read(f'{DRAFT} – no, rather: {REPLY}, with {{"confidence": 3}}') is True


def test_a_reply_that_was_cut_off_is_not_replaced_by_the_draft_before_it():
    assert "cut off" in read(f'{DRAFT} – no, rather: {{"same_scene": tr', cut_off=True)


@pytest.mark.parametrize(
    "wrapped",
    [
        '{"reply": {"same_scene": true}}',
        '{"name": "json", "arguments": {"same_scene": true}}',
        '{"name": "json", "arguments": "{\\"same_scene\\": true}"}',
        '<tool_call>{"name": "MergeBorderReply", "arguments": {"same_scene": true}}</tool_call>',
        '[{"same_scene": true}]',
    ],
)
def test_a_reply_under_a_name_of_its_own_is_unwrapped(wrapped):
    assert read(wrapped) is True


def test_an_empty_reply_is_looked_for_at_the_end_of_its_thoughts():
    assert read("", thoughts=REPLY) is True
    assert read(" ", thoughts=f"Let me see. {DRAFT}? No: {REPLY}\n") is True
    assert read("", thoughts=f"Perhaps {DRAFT}, but I am not sure") == "it reasoned and gave no reply"
    assert "while it still reasoned" in read("", thoughts=f"Perhaps {DRAFT}", cut_off=True)
    assert read("") == "it is empty"
    assert next(last_word(f"x {REPLY} y"), None) is None


def test_a_reply_in_words_alone_is_quoted():
    assert read("I'm sorry, I can't assist\nwith that.") == (
        "it holds no JSON object: I'm sorry, I can't assist with that."
    )
    assert len(read("no " * 100_000)) < 200


def test_what_is_sent_back_for_repair_is_bounded(ask_border):
    """A model that ran away would be paid for its own words twice."""
    said = Completion(text="no " * 500_000, usage=Usage())
    bad, _ = repair_turns(ask_border(), said, "it holds no JSON object")
    assert len(bad.text) < 10_000


# JSON values that trip up what comes after -------------------------------------------------------


def test_half_an_emoji_becomes_a_replacement_character():
    """It cannot be written as UTF-8: the run ended, and each further run paid for the reply anew."""
    value = parse('{"a\\udc00": ["waves \\ud83d", {"b": "\\ud83d\\ude00"}]}')
    assert value == {"a\ufffd": ["waves \ufffd", {"b": "😀"}]}
    json.dumps(value, ensure_ascii=False).encode()


def test_numbers_that_no_field_means_are_none():
    assert parse('{"a": NaN, "b": -Infinity, "c": 1e999, "d": ' + "9" * 5000 + ', "e": 0.5, "f": -3}') == {
        "a": None, "b": None, "c": None, "d": None, "e": 0.5, "f": -3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 100 + "]" * 100, '{"a":' * 100_000, "[1] x", "", "nul"]
)
def test_what_is_no_json_or_too_deep_is_one_error(text):
    with pytest.raises(NotJson):
        parse(text)


HARD = [
    "{" * 300_000,
    '{"a":' * 60_000,
    '{"a": "' * 40_000,
    '{"a": ' + '"x' * 150_000,
    '{"a": ' + "[" * 300_000,
    "{'a':" * 60_000,
    "{'" * 150_000,
    '{ "' * 100_000,
    '{"a":"\\"' * 40_000,
    "<think>" * 40_000,
    "[THINK][/THINK]" * 20_000,
    '{"b": 1} ' * 30_000,
    '"' * 300_000,
]


@pytest.mark.slow
@pytest.mark.parametrize("text", HARD, ids=[text[:8] for text in HARD])
def test_no_text_takes_long_to_read(text):
    """300 kB of braces took 8 s, in which nothing else of the run moved."""
    started = time.process_time()
    for data in candidates(text, cut_off=False):
        with pytest.raises(ValueError):
            Fits.model_validate(data)
    assert time.process_time() - started < 4, "seconds of the processor, on a slow machine"


_JSON = st.dictionaries(
    st.text(), st.integers() | st.text() | st.none() | st.lists(st.booleans()), min_size=1
)
_WORDS = st.text().filter(lambda text: not set(text) & set("{<[◁【") and "assistantfinal" not in text)


@pytest.mark.slow
@given(_WORDS, _JSON, _WORDS)
def test_any_object_survives_any_words_around_it(before, value, after):
    text = before + json.dumps(value) + after
    found = first(text)
    assert found == parse(json.dumps(value))


@given(st.text(alphabet="{}[]\"':,\\<>/think 1a\n") | st.text())
def test_no_text_raises(text):
    for cut_off in (True, False):
        for data in candidates(text, cut_off=cut_off):
            assert isinstance(data, dict)
    list(last_word(text))
