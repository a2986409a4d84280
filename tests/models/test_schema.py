"""Schemas that servers accept."""

from __future__ import annotations

import inspect
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from mrvideo.models.schema import strict_schema
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
        """For readers of the code."""

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
    assert "description" not in schema["$defs"]["Inner"]
    assert schema["$defs"]["Inner"]["properties"]["kind"] == {"type": "string", "enum": ["a"]}
