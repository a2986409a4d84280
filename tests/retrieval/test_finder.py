"""A moment is found by what is seen, read and said at one time; a query that fits nothing finds nothing."""

from __future__ import annotations

from support.films import video_info

from mrvideo.records import CaptionPart, Cue, Entity, Index, Scene, Sighting, Span
from mrvideo.retrieval.finder import Compared, Finder

MARA = Entity(name="person_1", kind="person", description="d", display_name="Mara", exemplar_seconds=1.0)


def scene(place: int, text: str, *, parts: tuple[str, ...] = (), sighting: str = "") -> Scene:
    start, length = 30.0 * place, 30.0
    step = length / max(len(parts), 1)
    return Scene(
        index=place,
        start_seconds=start,
        stop_seconds=start + length,
        brief="",
        detailed=text or " ".join(parts),
        parts=tuple(
            CaptionPart(start_seconds=start + n * step, stop_seconds=start + (n + 1) * step, text=part)
            for n, part in enumerate(parts)
        ),
        sightings=(Sighting(start_seconds=start + 5, stop_seconds=start + 9, text=sighting),)
        if sighting
        else (),
    )


def film(*scenes: Scene, cues: tuple[Cue, ...] = (), digest: str = "a" * 64) -> Index:
    info = video_info(30.0 * len(scenes), digest=digest, path=f"{digest[:1]}.mp4")
    return Index(key=digest, video=info, scenes=scenes, cues=cues, entities=(MARA,))


HOUR = film(
    *(scene(n, "A man walks along a street. A dog sleeps.") for n in range(50)),
    scene(50, "", parts=("A dog waits.", "A dog rides a skateboard.", "The skateboard carries the dog.")),
    *(scene(n, "People sit in a café.") for n in range(51, 100)),
    scene(100, "<person_1> looks at the harbour.", sighting="FERRY TO OBAN"),
    *(scene(n, "A man walks along a street.") for n in range(101, 120)),
    cues=(
        Cue(start_seconds=100, stop_seconds=102, text="The lighthouse was built"),
        Cue(start_seconds=102.2, stop_seconds=104, text="in eighteen forty."),
        Cue(start_seconds=3003, stop_seconds=3005, text="Our ferry leaves from the harbour."),
        Cue(start_seconds=3005, stop_seconds=3012, text="It takes an hour."),
    ),
)


def spans(query: str, index: Index = HOUR, *, top: int = 5, within: Span | None = None) -> list[Span]:
    return [m.span for m in Finder([index]).find(query, top=top, within=within)[0]]


def test_a_planted_moment_of_an_hour_leads_and_is_as_long_as_its_parts() -> None:
    """Two parts of one scene tell it; the part before only has the dog."""
    assert spans("a dog on a skateboard") == [Span(1510, 1530)]


def test_sources_that_agree_are_all_told() -> None:
    found, _ = Finder([HOUR]).find("ferry at the harbor", top=3)
    assert found[0].span.overlaps(Span(3005, 3009))
    assert {reason.source for reason in found[0].why} == {"caption", "text", "speech"}
    assert found[0].lacks == ()


def test_people_are_found_by_name_in_captions() -> None:
    assert spans("Mara") == [Span(3000, 3030)]


def test_speech_is_found_over_several_cues_and_ends_with_its_words() -> None:
    assert spans("lighthouse built in eighteen forty") == [Span(100, 104)]
    assert spans("lighthouse") == [Span(100, 102)]


def test_nothing_above_chance_is_nothing_and_says_what_comes_closest() -> None:
    found, nearest = Finder([HOUR]).find("a dog flies a zeppelin over Paris", top=5)
    assert found == ()
    assert nearest and {"zeppelin", "paris"} <= set(nearest[0].lacks)
    assert Finder([HOUR]).find("zeppelin", top=5) == ((), ())
    assert Finder([film()]).find("dog", top=5) == ((), ())


def test_within_a_span_nothing_outside_is_found() -> None:
    assert spans("a dog on a skateboard", within=Span(1515, 1525)) == [Span(1515, 1525)]
    assert spans("a dog on a skateboard", within=Span(0, 1400)) == []


def test_pictures_above_chance_are_found_without_a_word() -> None:
    seen = [
        Compared("a" * 64, Span(612, 615), 0.9, above_chance=True, quote="frame at 10:13"),
        Compared("a" * 64, Span(100, 103), 0.1, above_chance=False, quote="frame at 1:41"),
    ]
    found, _ = Finder([HOUR]).find("zeppelin", top=5, pictures=seen)
    assert [m.span for m in found] == [Span(612, 615)]
    assert found[0].why[0].source == "picture" and found[0].lacks == ()


def test_what_is_no_nearer_than_chance_changes_no_moment() -> None:
    """Shots beside a caption, like the query or not, made its moment begin before it and end after it."""
    lit = film(
        scene(0, "Rain falls."), scene(1, "A lantern burns in the tower."), scene(2, "A cat sleeps.")
    )  # fmt: skip
    alone, _ = Finder([lit]).find("lantern in a tower", top=5)
    spans = [Span(start, start + 5.0) for start in range(0, 90, 5)]
    shots = [Compared(lit.video.digest, span, 0.1, above_chance=False, quote="a frame") for span in spans]
    texts = [Compared(lit.video.digest, span, 0.1, above_chance=False, quote="a text") for span in spans]
    beside, _ = Finder([lit]).find("lantern in a tower", top=5, pictures=shots, meanings=texts)
    assert beside == alone and [moment.span for moment in alone] == [Span(30, 60)]
    nothing, nearest = Finder([lit]).find("zeppelin", top=5, pictures=shots, meanings=texts)
    assert nothing == () and {reason.source for reason in nearest[0].why} == {"picture", "meaning"}


def test_a_video_without_speech_is_not_held_back_beside_one_with() -> None:
    silent = film(scene(0, "A lantern burns in the tower."), digest="b" * 64)
    spoken = film(
        scene(0, "A man talks."),
        cues=(Cue(start_seconds=1, stop_seconds=2, text="We came by train."),),
        digest="c" * 64,
    )
    found, _ = Finder([silent, spoken]).find("lantern in a tower", top=5)
    assert [m.video for m in found] == ["b.mp4"]
    alone, _ = Finder([silent]).find("lantern in a tower", top=5)
    assert alone[0].score == found[0].score


def test_each_source_is_read_in_its_own_language() -> None:
    index = film(
        scene(0, "A man speaks to the people of the town."),
        scene(1, "A woman listens and looks at the sea."),
        cues=(
            Cue(start_seconds=2, stop_seconds=4, text="Die Häfen sind zu, und ich muss nach Hause."),
            Cue(start_seconds=40, stop_seconds=44, text="Es ist kalt, und der Wind ist stark."),
        ),
    )
    assert spans("Hafen", index) == [Span(2, 4)]
    assert spans("women", index) == [Span(30, 60)]
