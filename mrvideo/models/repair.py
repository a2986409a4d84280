"""Check a completion, and build the turns that ask once for a repair."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mrvideo.models.base import Request
from mrvideo.models.chat_backend import Completion, Turn
from mrvideo.models.reply_text import candidates, last_word, outside_thoughts
from mrvideo.models.schema import schema_text
from mrvideo.prompts.loader import defused, load_prompt
from mrvideo.schemas.captioning import RepairInputs

T = TypeVar("T", bound=BaseModel)

_LONGEST_QUOTE = 120
_LONGEST_SENT_BACK = 8000
"""Characters of a bad reply that its repair is shown: a model that ran away must not be paid for running."""


def checked(request: Request[T], said: Completion) -> tuple[T | None, str]:
    """Parse a completion: the reply and an empty string, or None and the problem in one line."""
    empty = not said.text.strip()
    problem = ""
    if not empty:
        found = candidates(said.text, cut_off=said.cut_off)
    else:
        # Thoughts that were cut off hold drafts alone.
        found = iter(()) if said.cut_off else last_word(said.thoughts)
    for data in found:
        try:
            return request.parse(data), ""
        except ValidationError as error:
            problem = problem or one_line(error)
    if problem and not (empty or said.cut_off):
        return None, problem
    return None, _without_reply(said)


def repair_turns(request: Request[Any], said: Completion, problem: str) -> tuple[Turn, ...]:
    """The bad reply and what was wrong with it, as further turns."""
    wish = "; be briefer" if said.cut_off else ""
    inputs = RepairInputs(problem=problem + wish, reply_schema=schema_text(request.reply_type))
    repair = load_prompt("repair").render(inputs)
    # It may repeat what the video says.
    text = defused(said.text, request.allowed_names)
    if len(text) > _LONGEST_SENT_BACK:
        text = f"{text[:_LONGEST_SENT_BACK]} …"
    return Turn("assistant", text), Turn("user", f"{repair.system}\n\n{repair.user}".strip())


def _without_reply(said: Completion) -> str:
    if not said.text.strip():
        if not said.thoughts.strip():
            return "it is empty"
        if said.cut_off:
            return "it was cut off by the bound on its length while it still reasoned"
        return "it reasoned and gave no reply"
    thinking = outside_thoughts(said.text).thinking
    if said.cut_off:
        where = " inside its thoughts" if thinking else ""
        return f"it was cut off{where} by the bound on its length"
    if thinking:
        return "it ends inside its thoughts, without a reply"
    words = " ".join(said.text[: 4 * _LONGEST_QUOTE].split())
    quote = words if len(words) <= _LONGEST_QUOTE else f"{words[: _LONGEST_QUOTE - 1]}…"
    return f"it holds no JSON object: {quote}"


def one_line(error: ValidationError) -> str:
    """A validation error in one line: field by field, without class names."""
    parts: list[str] = []
    for item in error.errors(include_input=False, include_url=False, include_context=False)[:5]:
        where = ".".join(str(step) for step in item["loc"])
        parts.append(f"{where}: {item['msg']}" if where else item["msg"])
    return "; ".join(parts)[:_LONGEST_PROBLEM]


_LONGEST_PROBLEM = 600
