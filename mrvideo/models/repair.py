"""Is what a model said a reply? If not, how it is asked once more."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mrvideo.models.base import Request
from mrvideo.models.chat_backend import Completion, Turn
from mrvideo.models.schema import first_object, schema_text
from mrvideo.prompts.loader import load_prompt
from mrvideo.schemas.captioning import RepairInputs

T = TypeVar("T", bound=BaseModel)


def checked(request: Request[T], said: Completion) -> tuple[T | None, str]:
    """The reply and no problem, or no reply and the problem in one line."""
    data = first_object(said.text)
    if data is None:
        if said.cut_off:
            return None, "it was cut off by the bound on its length; be briefer"
        return None, "it holds no JSON object" if said.text.strip() else "it is empty"
    try:
        return request.parse(data), ""
    except ValidationError as error:
        return None, _one_line(error)


def repair_turns(request: Request[Any], said: Completion, problem: str) -> tuple[Turn, ...]:
    """The bad reply and what was wrong with it, as further turns."""
    inputs = RepairInputs(problem=problem, reply_schema=schema_text(request.reply_type))
    repair = load_prompt("repair").render(inputs)
    return Turn("assistant", said.text), Turn("user", f"{repair.system}\n\n{repair.user}".strip())


def _one_line(error: ValidationError) -> str:
    parts: list[str] = []
    for item in error.errors(include_input=False, include_url=False, include_context=False)[:5]:
        where = ".".join(str(step) for step in item["loc"])
        parts.append(f"{where}: {item['msg']}" if where else item["msg"])
    return "; ".join(parts)
