"""One HTML page of an index or of an answer that needs nothing else: pictures inside, nothing from elsewhere.

The film may play from a file beside the page; then a script of a few lines seeks it, allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath, PureWindowsPath

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mrvideo.records import Answer, Claim, Entity, Evidence, Frame, Index, Scene, Span, Spanned, clock
from mrvideo.wording import counted, is_url, printable, without_secrets

MOST_PICTURE_BYTES = 8_000_000
"""Of all pictures of a page together, as JPEG; in the page they take a third more."""

_MARK = re.compile(r"<(\w+)>")

_HELD = {True: ("holds", "holds"), False: ("fails", "does not hold"), None: ("quiet", "not checked")}
_VERDICT = {True: "yes", False: "no", None: "unclear"}


@dataclass(frozen=True)
class Chapter:
    """A chapter as a page lists it."""

    span: Span
    title: str
    summary: str


@dataclass
class Pictures:
    """Frames as data URLs, up to `MOST_PICTURE_BYTES`; `left_out` counts those beyond."""

    left: int = MOST_PICTURE_BYTES
    left_out: int = 0
    shown: int = 0
    kept: dict[Hashable, tuple[str, str]] = field(default_factory=dict[Hashable, tuple[str, str]])

    def add(self, key: Hashable, frame: Frame) -> None:
        """Keep a frame under a key, while there is room."""
        if len(frame.jpeg) > self.left:
            self.left_out += 1
            return
        self.left -= len(frame.jpeg)
        self.shown += 1
        data = base64.b64encode(frame.jpeg).decode("ascii")
        self.kept[key] = (clock(frame.time_seconds), f"data:image/jpeg;base64,{data}")

    def of(self, key: Hashable) -> dict[str, str]:
        """`shown`, its time, and `picture`; empty texts where there is none."""
        shown, picture = self.kept.get(key, ("", ""))
        return {"shown": shown, "picture": picture}


def index_page(
    index: Index,
    *,
    chapters: Sequence[Chapter] = (),
    pictures: Pictures | None = None,
    player: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The page of an index. Pictures are kept by a scene's `index` and a member's `name`.

    `player` is the film's address, relative to the page.
    """
    pictures = pictures or Pictures()
    length = index.video.duration_seconds
    names = {entity.name: entity.display_name or entity.name for entity in index.entities}
    made = [f"made with {index.settings['vision']}"] if index.settings.get("vision") else []
    facts = (
        clock(length),
        counted(len(index.scenes), "scene"),
        f"{len(index.entities)} in the cast",
        counted(len(index.cues), "line of speech", "lines of speech"),
        *made,
        index.created_at,
    )
    return _render(
        "index.html.jinja",
        player=player,
        notes=notes,
        name=file_name(index.video.path),
        facts=", ".join(filter(None, facts)),
        chapters=[_part(c.span, length, c.title) | {"summary": c.summary} for c in chapters],
        cast=[_member(entity, pictures) for entity in index.entities],
        scenes=[_scene(scene, length, names, pictures) for scene in index.scenes],
        texts=[_part(s, length, s.text) for scene in index.scenes for s in scene.sightings],
        cues=[_part(cue, length, cue.text) | {"speaker": cue.speaker or ""} for cue in index.cues],
        unseen=[_part(one, length, one.reason) for one in index.failures],
    )


def answer_page(
    answer: Answer,
    *,
    duration_seconds: float,
    pictures: Pictures | None = None,
    player: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The page of an answer: every claim with its evidence, what was not seen or read, and what it took.

    Pictures are kept by span and number: `(start_seconds, stop_seconds, 0)` is the first of that span.
    """
    pictures = pictures or Pictures()

    def proofs(found: Iterable[Evidence]) -> list[dict[str, object]]:
        return [
            _part(one, duration_seconds, one.told)
            | {"source": one.source, "pictures": _pictures_of(one, pictures)}
            for one in found
        ]

    by_id = {one.id: one for one in answer.evidence}
    used = {cited for claim in answer.claims for cited in claim.evidence_ids}
    return _render(
        "answer.html.jinja",
        player=player,
        notes=notes,
        name=file_name(answer.video),
        question=answer.question,
        options=answer.options,
        answer=answer.told,
        marks=", ".join(answer.marks),
        stale=answer.stale or "",
        claims=[
            {
                "text": claim.text,
                "kind": _HELD[claim.holds][0],
                # A quote that stands where it is cited is no look at the pictures: what checked it is said.
                "held": _HELD[claim.holds][1] + ("" if claim.holds is None else f", {answer.checks}"),
                "findings": _findings(claim),
                "evidence": proofs(by_id[cited] for cited in claim.evidence_ids if cited in by_id),
            }
            for claim in answer.claims
        ],
        loose=proofs(one for one in answer.evidence if one.id not in used),
        nearest=proofs(answer.nearest),
        evidence=[_part(one, duration_seconds, one.told) for one in answer.evidence],
        unseen=[_part(one, duration_seconds, one.reason) for one in answer.unseen],
        unread=[_part(span, duration_seconds, "") for span in answer.unread],
        took=_took(answer),
    )


def file_name(path: str) -> str:
    """The last part of a path of any system; an address as a whole, without what may hold a secret."""
    if is_url(path):
        return without_secrets(path)
    return PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name


def _findings(claim: Claim) -> list[str]:
    return [
        f"{one.model}: {_VERDICT[one.holds]}{f', {one.seen}' if one.seen else ''}" for one in claim.findings
    ]


def _took(answer: Answer) -> list[tuple[str, str]]:
    usage = answer.usage
    rows = [
        *((f"{role} model", name) for role, name in sorted(answer.models.items())),
        ("effort", answer.effort),
        ("rounds", str(answer.rounds)),
        ("calls", f"{usage.calls:,}"),
        (
            "tokens",
            f"{usage.input_tokens:,} in ({usage.cached_tokens:,} cached), {usage.output_tokens:,} out",
        ),
        ("pictures sent", f"{usage.images:,}"),
        ("cost", "unknown" if usage.cost is None else f"${usage.cost:.4f}"),
    ]
    if answer.searched:
        rows.append(("searched", answer.searched))
    if answer.removed_citations:
        rows.append(
            ("citations removed", f"{answer.removed_citations}: they did not stand where they were cited")
        )
    return rows


def _scene(scene: Scene, length: float, names: dict[str, str], pictures: Pictures) -> dict[str, object]:
    one = len(scene.parts) == 1
    return {
        **_part(scene, length, _called(scene.brief, names)),
        **pictures.of(scene.index),
        "parts": [
            _part(part, length, _called(part.text, names)) | ({"when": ""} if one else {})
            for part in scene.parts
        ],
        "texts": [_part(sighting, length, sighting.text) for sighting in scene.sightings],
    }


def _member(entity: Entity, pictures: Pictures) -> dict[str, object]:
    kept = pictures.of(entity.name)
    return {
        "name": f"{entity.display_name} ({entity.name})" if entity.display_name else entity.name,
        "description": entity.description,
        "scenes": counted(len(entity.scene_indexes), "scene"),
        "picture": kept["picture"],
        "when": kept["shown"],
    }


def _called(text: str, names: dict[str, str]) -> str:
    return _MARK.sub(lambda found: names.get(found[1], found[0]), text)


def _pictures_of(span: Spanned, pictures: Pictures) -> list[dict[str, str]]:
    """The pictures of a span, once: evidence that several claims cite is shown where it is cited first."""
    found: list[dict[str, str]] = []
    while (key := (span.start_seconds, span.stop_seconds, len(found))) in pictures.kept:
        shown, data = pictures.kept.pop(key)
        found.append({"shown": shown, "data": data})
    return found


def _part(one: Spanned, length: float, title: str) -> dict[str, object]:
    """A span as a template wants it: in words, in seconds, and on a bar of 1000."""
    left = 1000 * one.start_seconds / length if length > 0 else 0.0
    width = 1000 * (one.stop_seconds - one.start_seconds) / length if length > 0 else 0.0
    return {
        "when": str(one.span),
        "start": f"{one.start_seconds:.3f}",
        "stop": f"{one.stop_seconds:.3f}",
        # Neighbours stay apart, and an instant still shows.
        "left": f"{left:.2f}",
        "width": f"{max(width - 0.8, 1.2):.2f}",
        "title": title,
    }


def _clean(value: object) -> object:
    # Not of our own style and script, which are `Markup`: their hashes are of every byte.
    return printable(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mrvideo.display", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
        finalize=_clean,
    )


def _render(template: str, **fields: object) -> str:
    environment = _environment()
    assert environment.loader is not None
    # Both are our own files; as text of the page they must stay byte for byte what the hashes were made of.
    style, script = (environment.loader.get_source(environment, name)[0] for name in ("page.css", "page.js"))
    page = environment.get_template(template).render(
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        **fields,
    )
    return page.rstrip("\n") + "\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
