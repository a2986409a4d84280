"""JSON schemas of reply types, in the dialect that servers accept."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, cast

from pydantic import BaseModel

# What OpenAI's strict mode, Gemini's endpoint, xgrammar (vLLM, SGLang) and llama.cpp's grammars all read.
_KEPT = {
    "type",
    "description",
    "enum",
    "items",
    "anyOf",
    "$ref",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
}


@cache
def strict_schema(reply_type: type[BaseModel]) -> dict[str, Any]:
    """The type's schema in the strict dialect: all properties required, none besides, no keyword that a
    server may refuse.

    Bounds that this leaves out (lengths, patterns, order) are checked when the reply is parsed. Docstrings of
    classes are for readers of the code and are not sent; what a model must know stands in the fields'
    descriptions.
    """
    full = reply_type.model_json_schema()
    definitions = cast("dict[str, Any]", full.get("$defs", {}))
    schema = _strict(full)
    if definitions:
        schema["$defs"] = {name: _strict(part) for name, part in definitions.items()}
    return schema


def schema_text(reply_type: type[BaseModel]) -> str:
    """The strict schema as compact JSON, for a prompt."""
    return json.dumps(strict_schema(reply_type), separators=(",", ":"))


def _strict(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        # Nothing may stand beside a reference in strict mode.
        return {"$ref": part["$ref"]}
    kept: dict[str, Any] = {name: value for name, value in part.items() if name in _KEPT}
    if "const" in part:
        kept["enum"] = [part["const"]]
    if "exclusiveMinimum" in part:
        kept["minimum"] = part["exclusiveMinimum"]
    if "exclusiveMaximum" in part:
        kept["maximum"] = part["exclusiveMaximum"]
    options = part.get("anyOf") or part.get("oneOf")
    if options:
        kept["anyOf"] = [_strict(option) for option in options]
    alone = part.get("allOf")
    if alone and len(alone) == 1:
        kept |= _strict(alone[0])
    if "prefixItems" in part:
        kinds = [_strict(item) for item in part["prefixItems"]]
        distinct = [kind for i, kind in enumerate(kinds) if kind not in kinds[:i]]
        kept["items"] = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
    elif isinstance(part.get("items"), dict):
        kept["items"] = _strict(part["items"])
    if part.get("type") == "object":
        properties = cast("dict[str, Any]", part.get("properties", {}))
        kept.pop("description", None)
        kept["properties"] = {name: _strict(value) for name, value in properties.items()}
        kept["required"] = list(properties)
        kept["additionalProperties"] = False
    return kept
