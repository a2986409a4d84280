"""Segments hold every scene and every cue once, and fit one call."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrvideo.agents.ask.calls import room_for
from mrvideo.agents.ask.segments import SCENES_PER_SEGMENT, plan_segments
from mrvideo.records import Entity


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    captions=st.lists(st.sampled_from(["", "short", "word " * 60]), max_size=90),
    cue_starts=st.lists(st.integers(0, 900), max_size=60, unique=True),
    context_tokens=st.sampled_from([6_000, 12_000, 100_000]),
)
def test_every_scene_and_every_cue_is_read_exactly_once(
    film: SimpleNamespace, captions: list[str], cue_starts: list[int], context_tokens: int
) -> None:
    index = film.index(captions, cues=[(n, n + 0.5, f"cue {n}") for n in sorted(cue_starts)])
    context = film.context(index, context_tokens=context_tokens)
    segments = plan_segments(context)
    assert [s.index for segment in segments for s in segment.scenes] == [s.index for s in index.scenes]
    assert [c.text for segment in segments for c in segment.cues] == [c.text for c in index.cues]
    for number, segment in enumerate(segments):
        assert (segment.index, segment.count) == (number, len(segments))
        assert len(segment.scenes) <= SCENES_PER_SEGMENT
        weight = sum(context.weight_of(line) for line in (*segment.scenes, *segment.cues))
        assert weight <= room_for(context, context.text)
        for line in (*segment.scenes, *segment.cues):
            assert segment.span.start_seconds <= line.start_seconds
            assert line.stop_seconds <= segment.span.stop_seconds


def test_a_long_film_is_cut_by_sixty_four_scenes(film: SimpleNamespace) -> None:
    segments = plan_segments(film.context(film.index([f"s{n}" for n in range(140)])))
    assert [len(s.scenes) for s in segments] == [64, 64, 12]


def test_a_scene_with_hours_of_speech_is_read_in_pieces(film: SimpleNamespace) -> None:
    """An imported caption may span a whole lecture: its thousand cues do not fit one call."""
    cues = [(n * 3.0, n * 3.0 + 2, f"sentence number {n} of the lecture, about whales") for n in range(1000)]
    index = film.index(["A lecture."], cues=cues, scene_seconds=3000.0)
    segments = plan_segments(film.context(index, context_tokens=12_000))
    assert len(segments) > 3
    assert [c.text for s in segments for c in s.cues] == [text for _, _, text in cues]
    assert all(len(s.scenes) == 1 for s in segments)


def test_a_caption_beyond_any_context_is_cut_and_not_a_crash(film: SimpleNamespace) -> None:
    index = film.index(["word " * 40_000])
    context = film.context(index, context_tokens=8_000)
    (segment,) = plan_segments(context)
    assert context.weight_of(segment.scenes[0]) <= room_for(context, context.text)


def test_a_segment_lists_those_who_appear_in_it_and_those_who_have_names(film: SimpleNamespace) -> None:
    cast = [
        Entity(name="person_1", kind="person", description="a man", exemplar_seconds=1.0),
        Entity(name="person_2", kind="person", description="a woman", exemplar_seconds=1.0),
        Entity(name="person_3", kind="person", description="x", display_name="Ada", exemplar_seconds=1.0),
    ]
    index = film.index(["<person_1> sits."], entities=cast)
    index = index.model_copy(
        update={"scenes": (index.scenes[0].model_copy(update={"entity_names": ("person_1",)}),)}
    )
    (segment,) = plan_segments(film.context(index))
    assert [e.name for e in segment.entities] == ["person_1", "person_3"]
