"""Real names that clips tell are taken where a cue or a text says so, and where nothing speaks against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import pytest

from mrvideo.captioning.called import evidence_of, named_by_clips
from mrvideo.captioning.names import learn_names
from mrvideo.captioning.shard_records import Called, ShardRecords
from mrvideo.records import Cue, Entity, Evidence, Scene, Sighting, Span
from mrvideo.schemas.captioning import CaptionClipReply, Named
from mrvideo.speech.speakers import LabelLink

CUES = (
    Cue(start_seconds=10.0, stop_seconds=12.0, text="Hello, I'm Iris. Is this Mum's Parisian hat?"),
    Cue(start_seconds=30.0, stop_seconds=31.0, text="pip, come here"),
    Cue(start_seconds=40.0, stop_seconds=41.0, text="And Iris's brother?", speaker="TOM"),
)
TEXTS = (Sighting(start_seconds=20.0, stop_seconds=23.0, text="Dr. Lena Lund, glaciologist"),)


@pytest.mark.parametrize(
    ("line", "quote"),
    [
        ("person_a: Iris (11.0)", CUES[0].text),
        ("person_a: Iris (13.5)", CUES[0].text),
        ("<person_a>: Iris", CUES[0].text),
        ("person_a: Iris (40.5)", CUES[2].text),
        ("dog_a: Pip (30.0-31.0)", CUES[1].text),
        ("person_b: Tom (40.0)", CUES[2].text),
        ("person_b: Lena Lund (22.0 s)", TEXTS[0].text),
        ("person_b: Dr. Lena Lund (20.0)", TEXTS[0].text),
        # Said nowhere, elsewhere, or not as a word of its own.
        ("person_a: Rosa (11.0)", None),
        ("person_a: Iris (25.0)", None),
        ("person_a: Paris (11.0)", None),
        ("person_b: Anna Lund (22.0)", None),
        # Words that are no name.
        ("person_a: Mum (11.0)", None),
        ("person_a: hat (11.0)", None),
        ("hat_a: Hat (11.0)", None),
        ("person_a: Dr. (22.0)", None),
        # No line of the form.
        ("Iris is person_a", None),
        ("person_a: (11.0)", None),
        ("", None),
    ],
)
def test_a_name_stands_in_a_cue_or_text_near_its_time(line: str, quote: str | None) -> None:
    scene = {"start_seconds": 0.0, "stop_seconds": 60.0, "detailed": "d", "brief": "b"}
    reply = CaptionClipReply.model_validate({"scenes": [scene], "names": [line], "continues_previous": False})
    found = [evidence_of(one, CUES, TEXTS) for one in reply.called]
    assert [one.quote if one else None for one in found] == ([quote] if found or quote else [])


def test_the_cue_nearest_to_the_time_is_the_evidence() -> None:
    cues = tuple(Cue(start_seconds=t, stop_seconds=t + 1, text=f"Iris {t:.0f}") for t in (10.0, 12.5))
    evidence = evidence_of(Named("person_a", "Iris", 12.6), cues, ())
    assert evidence is not None and evidence.quote == "Iris 12" and evidence.source == "cue"


def entity(name: str, *mentions: str, called: str | None = None) -> Entity:
    return Entity(
        name=name,
        kind="person",
        description="d",
        exemplar_seconds=0.0,
        mention_ids=mentions,
        display_name=called,
    )


def told(*names: tuple[str, str], quote: str = "", speaker: str | None = None) -> list[ShardRecords]:
    """Shard 0's records, with who is called what."""
    return [
        ShardRecords(
            index=0,
            span=Span(0.0, 120.0),
            called=tuple(
                Called(
                    name=label,
                    called=called,
                    evidence=Evidence(
                        start_seconds=1.0,
                        stop_seconds=2.0,
                        source="cue",
                        quote=quote or f"Hello {called}",
                        speaker=speaker,
                    ),
                )
                for label, called in names
            ),
        )
    ]


def shown(entities: Sequence[Entity]) -> list[str | None]:
    return [one.display_name for one in entities]


PAIR = (entity("person_1", "0/person_a", "0/person_c"), entity("person_2", "0/person_b"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([("person_a", "Iris")], ["Iris", None]),
        ([("person_a", "Iris"), ("person_b", "Tom")], ["Iris", "Tom"]),
        # All mentions of one entity count.
        ([("person_a", "Iris"), ("person_c", "iris"), ("person_b", "Iris")], ["Iris", None]),
        # Nobody has a name that as many say of another, or as often as another name.
        ([("person_a", "Iris"), ("person_b", "Iris")], [None, None]),
        ([("person_a", "Iris"), ("person_a", "Rosa")], [None, None]),
        ([("person_a", "Iris"), ("person_a", "Rosa"), ("person_a", "Rosa")], ["Rosa", None]),
        # The whole name, where a part of it is told, too.
        ([("person_a", "Iris"), ("person_a", "Iris Lund"), ("person_a", "Iris")], ["Iris Lund", None]),
        # Of somebody who came into no cast.
        ([("person_z", "Iris")], [None, None]),
    ],
)
def test_a_name_is_of_one_entity(names: list[tuple[str, str]], expected: list[str | None]) -> None:
    found = named_by_clips(PAIR, told(*names))
    assert shown(found) == expected
    assert [bool(one.name_evidence) for one in found] == [name is not None for name in expected]


def test_a_given_name_stays_and_is_nobody_else_s() -> None:
    given = (entity("person_1", "0/person_a", called="Iris"), entity("person_2", "0/person_b"))
    assert shown(named_by_clips(given, told(("person_a", "Rosa"), ("person_b", "Iris")))) == ["Iris", None]


@pytest.mark.parametrize(
    ("quote", "label", "expected"),
    [
        ("Hello, I'm Iris.", "person_a", ["Iris", None]),
        ("Hello, I'm Iris.", "person_b", [None, None]),
        ("Thanks, Iris.", "person_a", [None, None]),
        ("Thanks, Iris.", "person_b", [None, "Iris"]),
    ],
)
def test_who_is_known_to_speak_says_whose_name_it_is(
    quote: str, label: str, expected: list[str | None]
) -> None:
    link = LabelLink("Speaker_1", "person_1", (0, 1), 0, ())
    records = told((label, "Iris"), quote=quote, speaker="Speaker_1")
    assert shown(named_by_clips(PAIR, records, [link])) == expected


class Asked(Exception):
    """A name was put to the model."""


class NoCalls:
    """Calls of which none may be made."""

    usage: ClassVar[dict[str, Any]] = {}

    async def ask(self, request: Any, *, hides: str) -> Any:
        raise Asked(request.inputs.name)


class NoFrames:
    async def at(self, times: Sequence[float]) -> dict[float, Any]:
        return {}


@pytest.mark.parametrize(("called", "asked"), [("Dr. Lund", False), ("dr lund", False), ("Dr. Lind", True)])
async def test_a_name_that_a_clip_told_is_not_asked_of_another_as_cues_write_it(
    called: str, asked: bool
) -> None:
    """Compared letter by letter "Dr. Lund" was another name than "Dr Lund", and two were called so."""
    scenes = tuple(
        Scene(
            index=n, start_seconds=10.0 * n, stop_seconds=10.0 * n + 10, brief="", detailed="",
            entity_names=("person_2",),
        )
        for n in range(2)
    )  # fmt: skip
    cues = tuple(
        Cue(start_seconds=10.0 * n + 1, stop_seconds=10.0 * n + 2, text="Thanks, Dr Lund.") for n in range(2)
    )
    two = (entity("person_1", "0/person_a", called=called), entity("person_2", "0/person_b"))
    learning = learn_names(two, scenes, cues, calls=cast(Any, NoCalls()), exemplars=cast(Any, NoFrames()))
    if asked:
        with pytest.raises(Asked, match="Dr Lund"):
            await learning
    else:
        assert await learning == (two, ())
