"""Schemas that servers accept, and JSON found in what models say."""

from __future__ import annotations

import inspect
import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from mrvideo.models.schema import first_object, strict_schema
from mrvideo.schemas import analysis, captioning

REPLIES = sorted(
    {
        kind
        for module in (captioning, analysis)
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, BaseModel) and name.endswith("Reply")
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", REPLIES, ids=lambda kind: kind.__name__)
def test_every_reply_type_passes_the_strict_check(kind, chat):
    schema = strict_schema(kind)
    chat._check_schema(schema, schema, strict=True)
    assert schema["type"] == "object"


def test_bounds_that_servers_read_are_kept_and_others_go():
    class Inner(BaseModel):
        kind: Literal["a"] = "a"

    class Outer(BaseModel):
        size: int = Field(gt=0, description="in pixels")
        name: str = Field(default="x", min_length=2, pattern="x+")
        pair: tuple[int, int]
        inner: Inner | None = Field(default=None, description="may be missing")

    schema = strict_schema(Outer)
    assert schema["required"] == ["size", "name", "pair", "inner"]
    assert schema["properties"]["size"] == {"type": "integer", "minimum": 0, "description": "in pixels"}
    assert schema["properties"]["name"] == {"type": "string"}
    assert schema["properties"]["pair"] == {
        "type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}
    }  # fmt: skip
    assert schema["properties"]["inner"]["anyOf"] == [{"$ref": "#/$defs/Inner"}, {"type": "null"}]
    assert schema["$defs"]["Inner"]["properties"]["kind"] == {"type": "string", "enum": ["a"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure:\n```json\n{"a": {"b": []}}\n```\nAnything else?', {"a": {"b": []}}),
        ('<think>{"a": 0}</think>{"a": 1}', {"a": 1}),
        ('the set {x} and then {"a": 1} {"a": 2}', {"a": 1}),
        ('{"a": "}{"}', {"a": "}{"}),
        ("[1, 2]", None),
        ('{"a": 1', None),
        ("", None),
        ("{" * 100_000, None),
        ("__import__('os').getcwd()", None),
    ],
)
def test_the_first_object_is_found_wherever_it_stands(text, found):
    assert first_object(text) == found


_JSON = st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.lists(st.booleans()))


@given(st.text().filter(lambda s: "{" not in s), _JSON, st.text().filter(lambda s: "</think>" not in s))
def test_any_object_survives_any_words_around_it(before, value, after):
    assert first_object(before + json.dumps(value) + after) == value
