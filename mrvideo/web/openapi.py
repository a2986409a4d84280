"""What the API takes and gives, as an OpenAPI description made from the records themselves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from mrvideo.library import KeptVideo
from mrvideo.memory.tree import Node
from mrvideo.records import Answer, Correction, Found, Hit, Index
from mrvideo.session.previewing import PreviewTold


class Question(BaseModel):
    """A question about one video."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(min_length=1)
    options: tuple[str, ...] = ()


class CastRequest(BaseModel):
    """One correction of a cast. `other` is the second member, or with `rename` the real name."""

    model_config = ConfigDict(extra="forbid")
    action: Literal["merge", "split", "rename", "apart", "undo"]
    name: str = ""
    other: str = ""
    scenes: tuple[int, ...] = ()
    mentions: tuple[str, ...] = ()


class Problem(BaseModel):
    """Why a request was not served, in one line."""

    detail: str


_RECORDS = (
    KeptVideo, Index, Answer, Hit, Found, Node, Correction, PreviewTold, Question, CastRequest, Problem,
)  # fmt: skip


def description() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    _, schemas = models_json_schema(
        [(kind, "serialization") for kind in _RECORDS], ref_template="#/components/schemas/{model}"
    )
    digest = _path("digest", "string")

    def of_video(summary: str, reply: Any, **more: Any) -> dict[str, Any]:
        return {"summary": summary, "parameters": [digest], "responses": _replies(reply), **more}

    return {
        "openapi": "3.1.0",
        "info": {"title": "mrvideo", "version": "1"},
        "paths": {
            "/api/videos": {"get": {"summary": "The videos of the library; gone: the file is not there.", "responses": _replies(_list("KeptVideo"))}},
            "/api/search": {
                "get": {
                    "summary": "Captions, speech and texts on screen that hold the words.",
                    "parameters": [_query("words", "string")],
                    "responses": _replies(_list("Hit")),
                }
            },
            "/api/videos/{digest}": {
                "get": of_video("An index with its answers and corrections; playable: the file is there.", _ref("Index"))
            },
            "/api/videos/{digest}/file": {"get": of_video("The file itself; byte ranges are served.", None)},
            "/api/videos/{digest}/preview": {
                "get": of_video("How a film that a browser cannot play is fetched in parts.", _ref("PreviewTold"))
            },
            "/api/videos/{digest}/preview/{part}": {
                "get": of_video("A part as fragmented MP4, its times counted from the part's start.", None)
                | {"parameters": [digest, _path("part", "integer")]}
            },
            "/api/videos/{digest}/frame": {
                "get": of_video("The frame at a time, as JPEG; box (left,top,right,bottom, shares of it) cuts.", None)
                | {"parameters": [digest, _query("t", "number"), _query("side", "integer"), _query("box", "string")]}
            },
            "/api/videos/{digest}/chapters": {
                "get": of_video("The chapters; null where none are written yet.", _list("Node")),
                "post": of_video("Write the chapters, by the text model, and list them.", _list("Node")),
            },
            "/api/videos/{digest}/find": {
                "get": of_video("Moments that fit a description.", _ref("Found"))
                | {"parameters": [digest, _query("query", "string")]}
            },
            "/api/videos/{digest}/ask": {
                "post": of_video(
                    "Events while it is answered, a JSON object with its type a line; the Answer or a Problem comes last.",
                    _ref("Answer"),
                    requestBody=_content(_ref("Question")),
                )
            },
            "/api/videos/{digest}/photo": {
                "get": of_video("The photo that was given of a member of the cast, as JPEG.", None)
                | {"parameters": [digest, _query("name", "string")]},
                "post": of_video(
                    "Give a photo of a member of the cast: the body is a picture's file.", None,
                    requestBody={"content": {"application/octet-stream": {}}},
                )
                | {"parameters": [digest, _query("name", "string")]},
            },
            "/api/videos/{digest}/cast": {
                "post": of_video(
                    "Put the cast right.", None, requestBody=_content(_ref("CastRequest"))
                )
            },
        },
        "components": {"schemas": schemas["$defs"]},
    }  # fmt: skip


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _path(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _query(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}}


def _replies(schema: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "200": {"description": "Served."} | ({} if schema is None else _content(schema)),
        "default": {"description": "Not served.", **_content(_ref("Problem"))},
    }
