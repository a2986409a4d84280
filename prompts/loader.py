"""Prompts as files: load one, check it against its header, render it, know its digest.

A prompt is one Markdown file in `prompts/`:

    +++
    version = 3
    role = "vision"                 # vision | text
    inputs = ["span", "cues"]       # exactly the variables of the body
    reply = "CaptionClipReply"      # a type in mrvideo.schemas
    +++
    Static instructions: the same for every call, so that servers can cache them.
    <!-- inputs -->
    The inputs of this call, in marked blocks (Jinja).
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

from jinja2 import Environment, StrictUndefined, Template, meta, pass_context
from jinja2.runtime import Context
from pydantic import BaseModel

from mrvideo.errors import PromptError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_DIVIDER = "<!-- inputs -->"
_ALLOWED = "names_allowed_in_brackets"


@dataclass(frozen=True, slots=True)
class Rendered:
    """`system` is static text, the same for every call of a prompt; `user` holds this call's inputs."""

    system: str
    user: str


@dataclass(frozen=True)
class Prompt:
    """One prompt file. `digest` changes with any byte of it, and is part of every cache key."""

    name: str
    version: int
    role: Literal["vision", "text"]
    inputs: tuple[str, ...]
    reply: str
    static: str
    body: str
    digest: str

    @classmethod
    def wordless(cls, name: str, reply: str, *, digest: str) -> Prompt:
        """Of a call whose server takes no instructions. `digest` counts up with how replies are read: what was
        kept before is asked for again.
        """
        return cls(
            name=name, version=1, role="text", inputs=(), reply=reply, static="", body="", digest=digest
        )

    def render(self, inputs: BaseModel, names: Collection[str] = ()) -> Rendered:
        """Fill the body with the inputs' fields. Raises `PromptError` when a declared one is missing.

        `names`, and those of the inputs' own entities and mentions, may stand in angle brackets in their
        texts.
        """
        fields = {name: getattr(inputs, name) for name in type(inputs).model_fields}
        missing = set(self.inputs) - set(fields)
        if missing:
            raise PromptError(f"prompt {self.name}: no input for {', '.join(sorted(missing))}")
        template = _template(self.body)
        fields[_ALLOWED] = frozenset(names) | names_of(inputs)
        return Rendered(system=self.static, user=template.render(**fields).strip())


@cache
def _environment() -> Environment:
    # Prompts are plain text for a model, not HTML: fencing happens by the `fence` filter, not by escaping.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    filters = cast("dict[str, Any]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters["fence"] = _fence_here
    filters["clock"] = _two_decimals
    return environment


def _two_decimals(seconds: float) -> str:
    return f"{seconds:.2f}"


@pass_context
def _fence_here(context: Context, text: object) -> str:
    return fence(text, context[_ALLOWED])


def fence(text: object, names: Collection[str] = ()) -> str:
    """Text that came from the video, on one line, unable to close the block it stands in or to open a model's
    turn.

    Control characters and line breaks become spaces; the rest is `defused`. What is kept is never fenced,
    only what is sent.
    """
    line = str(text)
    if not line.isprintable():
        line = "".join(c if c.isprintable() else " " for c in line)
    return defused(line, names)


def defused(text: str, names: Collection[str] = ()) -> str:
    """Text without the special tokens of any chat template, which a tokenizer would take for its own.

    Such tokens differ from model to model, but for their brackets. Angle brackets and triangles become
    look-alikes (`‹`, `›`) unless they hold one of `names`, as in `<person_3>`; square ones (`⟦`, `⟧`) where
    they hold one word with capitals, as in `[INST]`. So do the wide and small forms of all of them, which
    some tokenizers level.
    """
    level = _levelled(text)
    letters = list(text)
    own = [found.span() for found in _NAMED.finditer(text) if found[1] in names]
    kept = {place for start, stop in own for place in (start, stop - 1)}
    for found in _ANGLE.finditer(level):
        if found.start() not in kept:
            letters[found.start()] = _ANGLES[found[0]]
    for found in _SQUARE.finditer(level):
        letters[found.start()], letters[found.end() - 1] = "⟦", "⟧"
    return "".join(letters)


_NAMED = re.compile(r"<([a-z]+(?:_[a-z0-9]+)+)>")
_ANGLES = {"<": "‹", "◁": "‹", "◀": "‹", ">": "›", "▷": "›", "▶": "›"}
_ANGLE = re.compile(f"[{''.join(_ANGLES)}]")
_SQUARE = re.compile(r"\[/?[A-Za-z]{0,2}[A-Z][A-Z0-9_]{1,40}\]")


def _levelled(text: str) -> str:
    """As many letters, each in its plain form: `＜` is `<`, `Ｉ` is `I`."""
    if text.isascii():
        return text
    plain = ((c, unicodedata.normalize("NFKC", c)) for c in text)
    return "".join(levelled if len(levelled) == 1 else c for c, levelled in plain)


def names_of(inputs: BaseModel) -> frozenset[str]:
    """The names of the entities and mentions that the inputs list."""
    listed = (getattr(inputs, field, ()) for field in ("entities", "mentions"))
    return frozenset(str(one.name) for some in listed for one in some)


def strangers_in(text: str, names: Collection[str]) -> tuple[str, ...]:
    """What stands in angle brackets as a name does, and is none of `names`."""
    return tuple(sorted({found[1] for found in _NAMED.finditer(text)} - set(names)))


@cache
def _template(body: str) -> Template:
    # Compiling takes ten times as long as filling in, and a long video asks with one prompt hundreds of
    # times.
    return _environment().from_string(body)


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt `prompts/NAME.md`. Raises `PromptError` when it is missing, or its variables are not its
    declared inputs.
    """
    file = resources.files("mrvideo.prompts").joinpath(f"{name}.md")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PromptError(f"no prompt named {name!r} in {resources.files('mrvideo.prompts')}") from error
    return parse_prompt(name, text)


def parse_prompt(name: str, text: str) -> Prompt:
    """A prompt from its file's text. Raises `PromptError`, naming what header and body disagree on."""
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise PromptError(f"prompt {name}: it must open with a header between two lines of +++")
    try:
        header: dict[str, Any] = tomllib.loads(parts[1])
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"prompt {name}: the header is not TOML: {error}") from error
    if set(header) != {"version", "role", "inputs", "reply"}:
        raise PromptError(
            f"prompt {name}: the header needs version, role, inputs and reply, got {sorted(header)}"
        )
    if header["role"] not in ("vision", "text"):
        raise PromptError(f"prompt {name}: role must be vision or text, got {header['role']!r}")
    if parts[2].count(_DIVIDER) != 1:
        raise PromptError(f"prompt {name}: exactly one line {_DIVIDER} must part static text from inputs")
    static, body = parts[2].split(_DIVIDER)
    declared = set(cast("list[str]", header["inputs"]))
    used = meta.find_undeclared_variables(_environment().parse(body))
    if used != declared:
        raise PromptError(f"prompt {name}: declared {sorted(declared)}, but the body uses {sorted(used)}")
    return Prompt(
        name=name,
        version=int(header["version"]),
        role=header["role"],
        inputs=tuple(sorted(declared)),
        reply=str(header["reply"]),
        static=static.strip(),
        body=body,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )
