"""The tools for LLM frameworks: LangChain tools, and OpenAI function schemas with a dispatcher."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mrvideo.errors import MrVideoError
from mrvideo.mapreduce import portal
from mrvideo.models.schema import strict_schema
from mrvideo.settings import Settings, choose_settings
from mrvideo.tools.results import problem_text
from mrvideo.tools.toolbox import TOOLS, Tool, Toolbox

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from pydantic.v1 import ValidationError as ValidationErrorV1

__all__ = ["FunctionTools", "langchain", "openai"]


def toolbox(
    settings: Settings | None = None, roots: Sequence[str | Path] | None = None, **overrides: Any
) -> Toolbox:
    """A toolbox on the settings' library. With `roots`, only files below those folders are touched."""
    folders = None if roots is None else tuple(Path(root) for root in roots)
    return Toolbox(choose_settings(settings, overrides), folders)


def langchain(
    *, settings: Settings | None = None, roots: Sequence[str | Path] | None = None, **overrides: Any
) -> list[BaseTool]:
    """The tools as LangChain tools, sync and async. Needs the extra `tools`.

    A problem that a model can mend (no such file, a span outside the video) comes back as the tool's text.
    """
    from langchain_core.tools import StructuredTool

    box = toolbox(settings, roots, **overrides)

    def wrap(tool: Tool) -> BaseTool:
        async def arun(**arguments: Any) -> str:
            return await call_as_text(box, tool.name, arguments)

        def run(**arguments: Any) -> str:
            return portal().call(call_as_text, box, tool.name, arguments)

        return StructuredTool.from_function(  # pyright: ignore[reportUnknownMemberType]
            func=run,
            coroutine=arun,
            name=tool.name,
            description=tool.description,
            args_schema=tool.input_type,
            handle_validation_error=_said,
        )

    return [wrap(tool) for tool in TOOLS]


def _said(error: ValidationError | ValidationErrorV1) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:200] or "arguments"
    return f"error: {where}: {first['msg']}"


@dataclass(frozen=True)
class FunctionTools:
    """`schemas` goes into a chat request's `tools`; `call` runs what the model asked for."""

    schemas: list[dict[str, Any]]
    box: Toolbox

    async def acall(self, name: str, arguments: str | dict[str, Any]) -> str:
        """Run a tool call; returns the text for the `tool` message: JSON, or one line saying what was wrong."""
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments or "{}")
            except json.JSONDecodeError as error:
                return f"error: the arguments are not JSON: {error}"
        if not isinstance(arguments, dict):
            return "error: the arguments must be one JSON object"
        return await call_as_text(self.box, name, arguments)

    def call(self, name: str, arguments: str | dict[str, Any]) -> str:
        """`acall` for code without an event loop."""
        return portal().call(self.acall, name, arguments)


def openai(
    *, settings: Settings | None = None, roots: Sequence[str | Path] | None = None, **overrides: Any
) -> FunctionTools:
    """The tools as OpenAI function schemas (strict) with a dispatcher."""
    schemas = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "strict": True,
                "parameters": strict_schema(tool.input_type),
            },
        }
        for tool in TOOLS
    ]
    return FunctionTools(schemas, toolbox(settings, roots, **overrides))


async def call_as_text(box: Toolbox, name: str, arguments: dict[str, Any]) -> str:
    """A tool's output as JSON text, or one line that tells the model what was wrong."""
    try:
        return (await box.call(name, arguments)).text
    except MrVideoError as error:
        return f"error: {problem_text(error)}"
