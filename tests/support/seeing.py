"""A model's part, played by rule: each reply follows from its request alone, so that two runs can be
compared.

    ChatServer(answer=seeing.answer)

It understands every prompt of both stages by the reply's schema, and speaks of the times of the pictures it
was shown.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any


def answer(asked: Any) -> dict[str, Any]:
    """The reply to a request as `ChatServer` understood it (`Asked`)."""
    kind = asked.schema_name
    times = sorted(
        float(found[1]) for label, _ in asked.pictures if (found := re.search(r"(\d+\.\d+) s", label))
    )
    span = (
        {"start_seconds": times[0], "stop_seconds": times[-1]}
        if times
        else {"start_seconds": 0.0, "stop_seconds": 1.0}
    )
    colour = _colour(asked, len(asked.pictures) - 1) if asked.pictures else "no picture"
    return _REPLIES[kind](asked, span, times, colour)


def _colour(asked: Any, index: int) -> str:
    """The mean colour in eight steps a channel: `r3g7b1`. JPEG does not move it across a step for flat
    pictures.
    """
    picture = asked.image(index).resize((1, 1)).getpixel((0, 0))
    return "r{}g{}b{}".format(*(round(value / 36) for value in picture))


def _characters(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    return {
        "characters": [
            {
                "name": "person_a",
                "kind": "person",
                "description": f"someone before a {colour} wall",
                "exemplar_seconds": times[0],
            }
        ]
    }


def _caption_clip(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    scene = span | {"brief": f"A {colour} wall.", "detailed": f"<person_a> stands before a {colour} wall."}
    return {"continues_previous": False, "scenes": [scene | {"appearing": ["person_a"], "screen_text": []}]}


def _link(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    # Further frames of a card are labelled "L1 again".
    ids = list(dict.fromkeys(label.split()[0] for label, _ in asked.pictures))
    pairs = zip(*([name for name in ids if name.startswith(side)] for side in "LR"), strict=False)
    return {"pairs": [{"left_id": left, "right_id": right, "better": "left"} for left, right in pairs]}


def _segment(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    findings = [span | {"source": "frame", "quote": f"a {colour} wall"}]
    return {
        "reasoning": "walls",
        "spans": [span],
        "findings": findings,
        "confidence": 4,
        "characters": [],
    } | {"needs_context": False}


def _plan(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    spans = [{"start_seconds": 1.0, "stop_seconds": 3.0}, {"start_seconds": 11.0, "stop_seconds": 14.0}]
    return {
        "reasoning": "look twice",
        "combine": "select",
        "scope": "local",
        "spans": spans,
        "characters": [],
    }


def _whole(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    return _segment(asked, span, times, colour) | _plan(asked, span, times, colour)


def _goals(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    return {"local_question": "Which colour is the wall?", "global_question": "How do the colours change?"}


def _look(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    return {"observations": [span | {"text": f"a {colour} wall"}], "conclusion": f"{colour}", "confidence": 4}


def _answer(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    ids = sorted(set(re.findall(r"\be\d+\b", asked.text)))
    digest = hashlib.sha256(asked.text.encode()).hexdigest()[:6]
    claim = {
        "text": "There is a wall.",
        "citations": [{"evidence_id": name, "quote": ""} for name in ids[:2]],
        "check": "Is there a wall?",
    }
    reply = {
        "reasoning": "walls",
        "found": True,
        "answer": f"a wall, {digest}",
        "choice": None,
        "confidence": 4,
    }
    return reply | {"claims": [claim]}


def _verify(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    numbers = re.findall(r"^(\d+)(?: \([^)]*\))?: ", _block(asked.text, "statements"), re.MULTILINE)
    return {
        "checks": [{"number": int(n), "verdict": "yes", "seen": f"a {colour} wall"} for n in numbers],
    }


def _block(text: str, name: str) -> str:
    return text.split(f"<{name}>\n", 1)[1].split(f"\n</{name}>", 1)[0]


def _chapter(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    """Every scene that is listed is a fact, in its own words."""
    scenes = re.findall(r"^scene (\d+) \([^)]*\):\s*(.+)$", asked.text, re.MULTILINE)
    facts = [{"text": text, "kind": "event", "scenes": [int(number)]} for number, text in scenes]
    summary = [{"text": fact["text"], "scenes": fact["scenes"]} for fact in (facts[0], facts[-1])]
    return {"facts": facts, "summary": summary, "title": f"From scene {scenes[0][0]}"}


def _join_chapters(asked: Any, span: dict[str, float], times: list[float], colour: str) -> dict[str, Any]:
    """The first sentence of each part."""
    told = re.findall(r"^part [^\n]*\n\s+(.+) \[(\d+)[^\]]*\]$", asked.text, re.MULTILINE)
    sentences = [{"text": text, "scenes": [int(number)]} for text, number in told]
    facts = [sentence | {"kind": "event"} for sentence in sentences]
    return {"facts": facts, "summary": sentences[:8], "title": f"From scene {told[0][1]}"}


_REPLIES = {
    "ChapterReply": _chapter,
    "JoinChaptersReply": _join_chapters,
    "CharactersReply": _characters,
    "CaptionClipReply": _caption_clip,
    "LinkCastReply": _link,
    "SegmentIntentionReply": _segment,
    "WholeIntentionReply": _whole,
    "ReduceIntentionsReply": _segment,
    "GlobalIntentionReply": _plan,
    "GoalsReply": _goals,
    "LookReply": _look,
    "AnswerReply": _answer,
    "VerifyReply": _verify,
}
