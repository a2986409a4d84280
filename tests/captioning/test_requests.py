"""What stage A asks, as it leaves for the model: each fault that a real vision model met, held by a request
and its pictures.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.films import video_info

from mrvideo.captioning.calls import Calls
from mrvideo.captioning.cards import Entry, View, pictures_of
from mrvideo.captioning.cast import Cast
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.captioning.scenes import in_short
from mrvideo.captioning.shard import caption_frames
from mrvideo.captioning.shard_records import ShardRecords, ShardSpec
from mrvideo.captioning.sheets import CELL_PIXELS, NAME_PIXELS, SHEET_PIXELS, Cell, sheet_size, sheets
from mrvideo.captioning.sightings import join_sightings
from mrvideo.mapreduce import portal
from mrvideo.media.images import frame_of
from mrvideo.media.options import ReadOptions
from mrvideo.media.shard import ShardFrames
from mrvideo.models.base import Picture, Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Box, Cue, Failure, Frame, Mention, Shot, Sighting, Span
from mrvideo.schemas.captioning import CastCard, MergeBorderInputs

RED, BLUE = (220, 30, 30), (30, 30, 220)
LEFT = {"left": 0.0, "top": 0.0, "right": 0.4, "bottom": 1.0}


@lru_cache(maxsize=4096)
def picture(time: float, wall: int, who: tuple[tuple[int, int, int], ...] = ()) -> Frame:
    """A wall with a pattern of its own, a clock hand that moves, and people as blocks from the left."""
    image = Image.new("RGB", (256, 144), (40 + wall * 53 % 170, 40 + wall * 97 % 170, 60))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 120 - wall * 17 % 100, 255, 124 - wall * 17 % 100), fill=(200, 200, 90))
    draw.rectangle((240, 4 + int(time * 10) % 100, 250, 14 + int(time * 10) % 100), fill="white")
    for place, colour in enumerate(who):
        draw.rectangle((10 + 120 * place, 30, 80 + 120 * place, 140), fill=colour)
    return frame_of(image, time)


def shard(
    shots: Sequence[tuple[float, float, int]],
    *,
    people: Any = lambda time: (),
    fixed: bool = False,
) -> ShardFrames:
    """Shots as (start, stop, wall), at two frames a second."""
    stop = shots[-1][1]
    times = [n / 2 for n in range(int(stop * 2))]
    walls = {time: next(w for a, b, w in shots if a <= time < b) for time in times}
    frames = tuple(Frame(t, picture(0.0 if fixed else t, walls[t], people(t)).jpeg, 256, 144) for t in times)
    made = tuple(
        Shot(start_seconds=a, stop_seconds=b, transition="cut" if a else "start") for a, b, _ in shots
    )
    return ShardFrames(Span(0.0, stop), frames, made, ())


def spec_of(frames: ShardFrames, **fields: Any) -> ShardSpec:
    info = video_info(frames.span.stop_seconds, width=256, height=144, frames_per_second=2.0, has_audio=True)
    return ShardSpec(
        index=0, span=frames.span, video=info, reading=ReadOptions(long_side_pixels=256),
        **{"options": CaptioningOptions(), **fields},
    )  # fmt: skip


def character(name: str, at: float, *, seen: Sequence[float] = (), box: Any = None, look: str = "") -> Any:
    return {
        "exemplar_seconds": at,
        "box": box,
        "seen_seconds": list(seen or [at]),
        "description": look or f"looks of {name}",
        "activity": "presents a music player",
        "kind": name.rpartition("_")[0],
        "name": name,
    }


def moved(one: Any, times: Sequence[float]) -> Any:
    """A character whose times are those of frames that were shown."""
    near = {
        at: min(times, key=lambda t: abs(t - at)) for at in (one["exemplar_seconds"], *one["seen_seconds"])
    }
    return {
        **one,
        "exemplar_seconds": near[one["exemplar_seconds"]],
        "seen_seconds": [near[t] for t in one["seen_seconds"]],
    }


def scene(span: Any, text: str, **fields: Any) -> dict[str, Any]:
    times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
    return {**times, "detailed": text, "brief": f"Brief: {text}", **fields}


def captioned(
    frames: ShardFrames,
    *,
    characters: Any = (),
    clip: Any = None,
    watermarks: Sequence[str] = (),
    **fields: Any,
) -> tuple[ShardRecords, list[Request[Any]]]:
    """The records and the caption calls in order of time; `clip` answers a caption call's inputs."""

    def answer(request: Request[Any]) -> Any:
        if request.prompt.name == "characters":
            times = request.inputs.frame_times  # type: ignore[attr-defined]
            found = characters(request) if callable(characters) else [moved(one, times) for one in characters]
            return {"watermarks": list(watermarks), "characters": found}
        if clip is not None:
            return clip(request.inputs)
        return {"continues_previous": True, "scenes": [scene(request.span, "words")]}

    model = ScriptedModel(answer)
    records = portal().call(caption_frames, spec_of(frames, **fields), frames, model)
    asked = [request for request in model.requests if request.stage == "caption"]
    return records, sorted(asked, key=lambda request: request.inputs.span.start_seconds)  # type: ignore[attr-defined]


def text_of(request: Request[Any]) -> str:
    rendered = request.prompt.render(request.inputs)
    return f"{rendered.system}\n{rendered.user}"


def user_text(request: Request[Any]) -> str:
    return request.prompt.render(request.inputs).user


def cells(request: Request[Any]) -> list[str]:
    rows = [r for p in request.pictures if p.label.startswith("sheet, ") for r in p.label[7:].split("; ")]
    return [name for row in rows for name in row.split(": ", 1)[1].split(", ")]


def colour_of(sheet: Picture, cell: int, of: int) -> np.ndarray:
    """The mean colour of the middle of a cell of a row of so many equally wide ones."""
    image = Image.open(io.BytesIO(sheet.jpeg)).convert("RGB")
    middle = round(image.width * (cell + 0.5) / of)
    top = NAME_PIXELS + CELL_PIXELS // 2
    return np.asarray(image.crop((middle - 10, top - 20, middle + 10, top + 20))).mean(axis=(0, 1))


STATIC = [(0.0, 40.0, 1)]
TWO_FILMS = [(0.0, 10.0, 1), (10.0, 20.0, 4)]


# --- captions
# ----------------------------------------------------------------------------------------------------


def test_the_next_clip_of_a_scene_is_told_what_was_said_and_asked_for_what_is_new() -> None:
    """Else a room and its people are described anew every ten seconds."""

    def clip(inputs: Any) -> Any:
        return {
            "continues_previous": True,
            "scenes": [scene(inputs.span, f"at {inputs.span.start_seconds:.0f}")],
        }

    records, asked = captioned(shard(STATIC), clip=clip)
    assert "<said>" not in user_text(asked[0])
    assert "(0.00, 10.00): at 0\n(10.00, 20.00): at 10\n" in user_text(asked[2])
    assert "(0.00, 10.00): at 0\n(10.00, 20.00): Brief: at 10\n(20.00, 30.00): at 20\n" in user_text(asked[3])
    assert "only what is new" in user_text(asked[2])
    assert [draft.told for draft in records.pieces] == [False, True, True, True]


def said_of(texts: Sequence[str], clip: int) -> list[str]:
    """What a clip is told when the clips before it say these texts of one scene."""

    def answer(inputs: Any) -> Any:
        text = texts[min(int(inputs.span.start_seconds / 10), len(texts) - 1)]
        return {"continues_previous": True, "scenes": [scene(inputs.span, text)]}

    _, asked = captioned(shard(STATIC), clip=answer)
    return [line.text for line in asked[clip].inputs.said]  # type: ignore[attr-defined]


PLACE = "Seen from a raised camera: a corner with a white wall, a plank floor, a dark window at the upper left and a pillar; a round white table stands at the right, with a sheet of paper on it."
STILL = [f"For some seconds nobody is there and nothing moves, in moment {n}." for n in range(20)]
ENTERS = "Then <person_a>, a woman with straight blonde hair and a long grey cardigan, enters from the bottom edge and walks to the table."
STANDS = "She stops close in front of it, both forearms bent to the tabletop, and looks down."


def test_of_a_long_description_the_next_clip_is_told_how_it_ends_and_who_entered() -> None:
    """The middle was left out, and with it the one sentence that says who "she" is."""
    (said,) = said_of([" ".join([PLACE, *STILL, ENTERS, STANDS])], 1)
    assert said.startswith(f"{PLACE} … For some seconds") and said.endswith(f"{STILL[-1]} {ENTERS} {STANDS}")
    assert len(said) <= 950 and said.count("…") == 1


def test_the_part_before_a_clip_is_told_whole_and_of_earlier_ones_whole_sentences() -> None:
    """Of the part that ends as the clip begins there was only the brief."""
    first = " ".join([PLACE, *STILL, "A shadow falls in."])
    first, brief, last = said_of([first, f"{ENTERS} {STANDS}", f"{STANDS} {ENTERS}"], 3)
    assert first == f"{PLACE} … {' '.join(STILL[-3:])} A shadow falls in."
    assert brief == f"Brief: {ENTERS} {STANDS}"
    assert last == f"{STANDS} {ENTERS}"
    assert said_of([" ".join(STILL)], 2)[1] == f"{STILL[0]} … {' '.join(STILL[-9:])}"


def test_only_a_sentence_that_alone_is_too_long_is_cut() -> None:
    (said,) = said_of([" ".join(["word"] * 400)], 1)
    assert said == " ".join([*["word"] * 189, "…"])
    long = " ".join(["word"] * 400)
    assert said_of([f"{long}. {STANDS}"], 1) == [f"… {STANDS}"]


def test_a_later_part_says_what_lasts_of_the_part_before() -> None:
    """Asked for what is new alone, it said no more that the cake is there, and never when it was gone."""

    def clip(inputs: Any) -> Any:
        start = inputs.span.start_seconds
        return {
            "lasts": "The cake stands on the table (11–12 s), and it rains",
            "continues_previous": start != 20,
            "scenes": [scene(inputs.span, f"New at {start:.0f}.")],
        }

    records, asked = captioned(shard(STATIC), clip=clip)
    assert [draft.detailed for draft in records.pieces] == [
        "New at 0.",
        "The cake stands on the table (11–12 s), and it rains. New at 10.",
        "New at 20.",
        "The cake stands on the table (11–12 s), and it rains. New at 30.",
    ]
    said = [line.text for line in asked[2].inputs.said]  # type: ignore[attr-defined]
    assert said[-1] == "The cake stands on the table, and it rains. New at 10."


def test_a_scene_that_did_not_go_on_is_not_told() -> None:
    def clip(inputs: Any) -> Any:
        middle = (inputs.span.start_seconds + inputs.span.stop_seconds) / 2
        first, last = Span(inputs.span.start_seconds, middle), Span(middle, inputs.span.stop_seconds)
        scenes = [
            scene(first, f"first of {first.start_seconds:.0f}"),
            scene(last, f"last of {last.start_seconds:.0f}"),
        ]
        return {"continues_previous": False, "scenes": scenes}

    records, asked = captioned(shard(STATIC), clip=clip)
    assert "(15.00, 20.00): last of 15" in user_text(asked[2])
    assert "first of" not in user_text(asked[2]) and "(5.00" not in user_text(asked[2])
    assert not any(draft.told for draft in records.pieces), (
        "what does not go on does not need the words before"
    )


def test_a_cut_at_a_clip_s_border_begins_a_fresh_description() -> None:
    _, asked = captioned(shard(TWO_FILMS))
    assert ["<said>" in user_text(request) for request in asked] == [False, False]


def test_a_clip_that_begins_on_a_cut_says_so() -> None:
    """Else the frame before, which shows another place, leaves it to a guess."""
    shots = [(0.0, 10.0, 1), (10.0, 30.0, 4), (30.0, 34.5, 7), (34.5, 40.0, 2)]
    _, asked = captioned(shard(shots))
    said = ["The clip begins on a camera cut" in user_text(request) for request in asked]
    assert [request.inputs.span.start_seconds for request in asked] == [0.0, 10.0, 20.0, 30.0]  # type: ignore[attr-defined]
    assert said == [False, True, False, True]


def dissolved(wall_after: int = 2) -> ShardFrames:
    """Ten seconds of one wall, then another one, over two seconds in which both are seen; a later return."""
    made = shard([(0, 10, 1), (10, 20, wall_after)])
    mixed = {9.5: 7, 10.0: 7, 10.5: 7}
    frames = tuple(
        Frame(f.time_seconds, picture(f.time_seconds, mixed[f.time_seconds]).jpeg, 256, 144)
        if f.time_seconds in mixed
        else f
        for f in made.frames
    )
    shots = (
        Shot(start_seconds=0.0, stop_seconds=10.0, transition="start"),
        Shot(start_seconds=10.0, stop_seconds=20.0, transition="dissolve", transition_seconds=2.0),
    )
    return ShardFrames(made.span, frames, shots, ())


def test_a_clip_that_begins_on_a_dissolve_is_shown_without_what_is_left_of_the_other_side() -> None:
    """Dangerous: the text of the other side was read into the next clip, whose start was called a camera cut."""
    _, requests = captioned(dissolved())
    first, second = requests
    assert 'The clip begins on a dissolve: "before" is of another shot.' in user_text(second)
    before = next(one for one in second.pictures if one.label == "before")
    assert before.time_seconds == 9.0
    assert second.inputs.frame_times[0] == 11.0 and first.inputs.frame_times[-1] == 9.0
    assert second.inputs.span == Span(10.0, 20.0)


def test_shots_that_are_cut_back_and_forth_are_told_so() -> None:
    """ "before" was of the very shot that the clip cuts back to, and yet "of another shot": no new event at all."""
    back = shard([(0, 10, 1), (10, 13, 2), (13, 20, 1)])
    away = shard([(0, 10, 1), (10, 13, 2), (13, 20, 3)])
    told = ["they are cut back and forth" in user_text(captioned(one)[1][1]) for one in (back, away)]
    assert told == [True, False]


def test_a_clip_whose_neighbour_failed_before_is_not_asked_again() -> None:
    """One reply that goes wrong costs its own clip, in the next run too."""
    frames = shard(STATIC)
    asked: list[str] = []

    def model(broken: bool) -> ScriptedModel:
        from mrvideo.errors import ModelBusy

        def answer(request: Request[Any]) -> Any:
            if request.prompt.name == "characters":
                return {"characters": []}
            if broken and request.span == Span(10.0, 20.0):
                return ModelBusy("503")
            asked.append(request.digest)
            return {"continues_previous": True, "scenes": [scene(request.span, "words")]}

        return ScriptedModel(answer)

    first = portal().call(caption_frames, spec_of(frames), frames, model(True))
    answered = set(asked)
    again = portal().call(caption_frames, spec_of(frames, answered=first.answered), frames, model(False))
    assert not again.failures
    assert len(set(asked) - answered) == 1, "the clip that had failed, and no other"


def test_the_request_says_whether_speech_is_known_and_speaks_of_no_cues_where_there_are_none() -> None:
    cue = Cue(start_seconds=2, stop_seconds=4, text="Good evening.")
    _, silent = captioned(shard(TWO_FILMS))
    _, spoken = captioned(shard(TWO_FILMS), cues=(cue,), heard=True)
    assert "speech: not transcribed" in user_text(silent[0])
    assert "speech: cues follow" in user_text(spoken[0]) and "Good evening." in user_text(spoken[0])
    assert "speech: none" in user_text(spoken[1])
    for request in (*silent, spoken[1]):
        assert "Cues tell" not in text_of(request) and "heard" not in text_of(request)


def test_gaps_between_frames_are_announced_where_nothing_changed() -> None:
    still = shard([(0.0, 10.0, 1)], fixed=True)
    _, (thin,) = captioned(still)
    assert len(thin.inputs.frame_times) < 10  # type: ignore[attr-defined]
    assert (
        "Where more than 0.50 s lies between two of them, next to nothing changed in between."
        in user_text(thin)
    )
    _, (dense,) = captioned(shard([(0.0, 10.0, 1)]))
    assert "nothing changed" not in text_of(dense), "no gap, no word of it"


def test_a_scene_begins_at_the_time_of_its_cut() -> None:
    frames = shard([(0.0, 5.3, 1), (5.3, 10.0, 4)])
    _, (request,) = captioned(frames)
    assert "Camera cuts" in user_text(request) and "5.30" in user_text(request)
    assert "starts at the listed camera cut that begins it" in text_of(request)

    def clip(inputs: Any) -> Any:
        spans = [Span(0.0, 5.3), Span(5.3, 10.0)]
        return {"continues_previous": False, "scenes": [scene(span, "w") for span in spans]}

    records, _ = captioned(frames, clip=clip)
    assert [draft.start_seconds for draft in records.pieces] == [0.0, 5.3]


def test_a_text_read_on_one_frame_stands_until_the_next() -> None:
    def clip(inputs: Any) -> Any:
        text = {"text": "EXIT", "start_seconds": 3.0, "stop_seconds": 3.0}
        return {"continues_previous": False, "scenes": [scene(inputs.span, "w", screen_text=[text])]}

    records, _ = captioned(shard([(0.0, 10.0, 1)]), clip=clip)
    assert [sighting.span for draft in records.pieces for sighting in draft.sightings] == [Span(3.0, 3.5)]


def standing(first: float, last: float, text: str = "LakeTV") -> str:
    return f"{text} ({first}–{last})"


def marked(frames: ShardFrames, *marks: str, **fields: Any) -> tuple[list[Sighting], list[bool]]:
    """The watermarks of the records, and which clips are told that there is one."""
    records, asked = captioned(frames, watermarks=marks, **fields)
    return list(records.watermarks), ["<watermarks>\nLakeTV\n" in user_text(one) for one in asked]


def test_a_watermark_without_labels_stands_over_the_whole_shard_and_is_told_to_every_clip() -> None:
    """So replies tell it that were given before labels were asked for."""
    found, told = marked(shard(TWO_FILMS), "LakeTV")
    assert [one.span for one in found] == [Span(0.0, 20.0)]
    assert told == [True, True]


THREE_SHOTS = [(0.0, 10.0, 1), (10.0, 20.0, 4), (20.0, 40.0, 2)]


def test_a_watermark_stands_to_the_ends_of_the_shots_that_show_it_and_only_their_clips_are_told() -> None:
    """A clip before a channel's sign was told that the sign is there, and the first scene said so."""
    looked: list[float] = []

    def nobody(request: Request[Any]) -> Any:
        looked.extend(request.inputs.frame_times)  # type: ignore[attr-defined]
        return []

    captioned(shard(THREE_SHOTS), characters=nobody)
    inside = [time for time in looked if 10.0 <= time < 20.0]
    found, told = marked(shard(THREE_SHOTS), standing(inside[0], inside[-1]))
    assert [(one.text, one.span) for one in found] == [("LakeTV", Span(10.0, 20.0))]
    assert told == [False, True, False, False]


def test_a_watermark_that_comes_up_within_a_shot_stands_from_halfway_to_the_frame_that_lacks_it() -> None:
    looked: list[float] = []

    def nobody(request: Request[Any]) -> Any:
        looked.extend(request.inputs.frame_times)  # type: ignore[attr-defined]
        return []

    captioned(shard(STATIC), characters=nobody)
    assert len(looked) >= 3
    found, told = marked(shard(STATIC), standing(looked[-1], looked[-1]))
    assert [one.span for one in found] == [Span((looked[-2] + looked[-1]) / 2, 40.0)]
    assert told[0] is False and told[-1] is True


@pytest.mark.parametrize("mark", [standing(300.0, 310.0), standing(0.0, 40.0, text=" ")])
def test_a_watermark_of_no_frame_that_was_sent_or_of_no_letter_is_nothing(mark: str) -> None:
    assert marked(shard(THREE_SHOTS), mark) == ([], [False] * 4)


def test_a_watermark_whose_labels_are_turned_round_stands_all_the_same() -> None:
    found, _ = marked(shard(THREE_SHOTS), standing(40.0, 0.0))
    assert [one.span for one in found] == [Span(0.0, 40.0)]


def test_the_paper_s_captions_are_told_of_a_watermark_only_where_it_stands() -> None:
    def clip(inputs: Any) -> Any:
        if isinstance(inputs, MergeBorderInputs):
            return {"same_scene": False}
        span = inputs.span
        times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
        return {"scenes": [{**times, "brief": "b", "detailed": "d"}], **times, "brief": "b", "detailed": "d"}

    looked: list[float] = []

    def nobody(request: Request[Any]) -> Any:
        looked.extend(time for time in request.inputs.frame_times if time < 10.0)  # type: ignore[attr-defined]
        return []

    paper = CaptioningOptions(recipe="paper")
    captioned(shard(TWO_FILMS), characters=nobody, clip=clip, options=paper)
    _, told = marked(shard(TWO_FILMS), standing(looked[0], looked[-1]), clip=clip, options=paper)
    assert told == [True, False]


def test_left_and_right_are_the_picture_s_and_texts_are_asked_for_once() -> None:
    _, (request,) = captioned(shard([(0.0, 10.0, 1)]))
    assert "Left and right are the picture's" in text_of(request)
    assert "No texts of screen_text" in text_of(request)


# --- characters
# --------------------------------------------------------------------------------------------------


def test_the_first_look_shows_every_shot_however_short() -> None:
    """A frame every four seconds missed whoever was seen for three."""
    shots = [
        (0.0, 9.0, 1),
        (9.0, 10.5, 2),
        (10.5, 11.5, 3),
        (11.5, 30.0, 4),
        (30.0, 31.0, 5),
        (31.0, 40.0, 6),
    ]
    looked: list[float] = []

    def nobody(request: Request[Any]) -> Any:
        looked.extend(request.inputs.frame_times)  # type: ignore[attr-defined]
        return []

    captioned(shard(shots), characters=nobody)
    for start, stop, _ in shots:
        assert any(start <= time < stop for time in looked), (start, stop)
    assert len(looked) <= 10


def test_the_sharpest_frame_near_a_shot_s_middle_is_shown() -> None:
    frames = shard([(0.0, 4.0, 1), (4.0, 8.0, 2)])
    blurred = [
        frame
        if frame.time_seconds in (1.5, 5.5)
        else frame_of(Image.new("RGB", (256, 144), "grey"), frame.time_seconds)
        for frame in frames.frames
    ]
    looked: list[float] = []

    def nobody(request: Request[Any]) -> Any:
        looked.extend(request.inputs.frame_times)  # type: ignore[attr-defined]
        return []

    captioned(ShardFrames(frames.span, tuple(blurred), frames.shots, ()), characters=nobody)
    assert looked == [1.5, 5.5]


def test_what_somebody_does_is_no_part_of_its_description() -> None:
    """`presents a small white music player` answers questions about other scenes, and makes identity hang on
    the place.
    """
    records, asked = captioned(shard(TWO_FILMS), characters=[character("person_a", 5.0)])
    (mention,) = records.mentions
    assert (mention.description, mention.activity) == ("looks of person_a", "presents a music player")
    assert not any("music player" in user_text(request) for request in asked)


def test_an_exemplar_is_asked_for_that_is_whole_and_hidden_by_nobody() -> None:
    """Of a robot the sheet showed the soldier in front of it, and of a car the half that was in the picture."""
    asked: list[str] = []

    def nobody(request: Request[Any]) -> Any:
        asked.append(text_of(request))
        return []

    captioned(shard([(0.0, 10.0, 1)]), characters=nobody)
    assert "large, sharp, well lit, whole (not cut by the picture's edge), nobody else before it" in asked[0]


def test_an_exemplar_is_cut_out_around_its_individual() -> None:
    """Two in one frame were told apart by words alone."""
    both = shard([(0.0, 10.0, 1)], people=lambda time: (RED, BLUE))
    right = {"left": 0.5, "top": 0.15, "right": 0.85, "bottom": 1.0}
    who = [character("person_a", 5.0, box=LEFT), character("person_b", 5.0, box=right)]
    records, (request,) = captioned(both, characters=who)
    (sheet,) = [picture for picture in request.pictures if picture.label.startswith("sheet, ")]
    assert sheet.label == "sheet, row 1: <person_a>, <person_b>"
    assert (
        np.abs(colour_of(sheet, 0, 2) - RED).max() < 40 and np.abs(colour_of(sheet, 1, 2) - BLUE).max() < 40
    )
    assert records.mentions[1].box == Box(0.5, 0.15, 0.85, 1.0)


@pytest.mark.parametrize(
    "box",
    [
        None,
        {"left": 100, "top": 20, "right": 180, "bottom": 140},
        {"left": 0.6, "top": 0.1, "right": 0.4, "bottom": 0.9},
        {"left": 0.5, "top": 0.5, "right": 0.505, "bottom": 0.9},
        "the left half",
    ],
)
def test_a_box_that_is_none_leaves_the_whole_frame(box: Any) -> None:
    records, (request,) = captioned(shard([(0.0, 10.0, 1)]), characters=[character("person_a", 5.0, box=box)])
    assert records.mentions[0].box is None and not records.failures
    assert cells(request) == ["<person_a>"]


def test_only_those_who_may_appear_in_a_clip_are_listed_and_shown() -> None:
    """Eight to twelve exemplars went out with every clip, of whom none to two were seen."""
    films = [(n * 10.0, n * 10.0 + 10, n) for n in range(4)]
    who = [character(f"person_{letter}", n * 10 + 5.0) for n, letter in enumerate("abcd")]

    def told(request: Request[Any]) -> Any:
        times = request.inputs.frame_times  # type: ignore[attr-defined]
        here = [[t for t in times if n * 10 <= t < n * 10 + 10] for n in range(4)]
        return [
            {**one, "exemplar_seconds": own[0], "seen_seconds": own}
            for one, own in zip(who, here, strict=True)
        ]

    _, asked = captioned(shard(films), characters=told)
    shown = [cells(request) for request in asked]
    assert "<person_a>" in shown[0] and "<person_d>" not in shown[0]
    assert "<person_d>" in shown[3] and not {"<person_a>", "<person_b>"} & set(shown[3])
    for request, names in zip(asked, shown, strict=True):
        assert len([p for p in request.pictures if p.label.startswith("sheet, ")]) <= 1
        assert [f"<{mention.name}>" for mention in request.inputs.mentions] == names  # type: ignore[attr-defined]


def test_whoever_is_known_from_elsewhere_is_described_and_can_be_named() -> None:
    """A bare name says nothing of who has it: the robot in the picture became a newcomer, a second time."""
    looks = {
        "robot_a": "grey robot with two round openings in its head, slab plates; yellow hands, dented left arm",
        "person_a": "woman about 30, seen from behind, very long wavy dark-blonde hair; loose black top, black trousers",
        "person_b": "bald man",
    }

    def told(request: Request[Any]) -> Any:
        times = request.inputs.frame_times  # type: ignore[attr-defined]
        own = [time for time in times if time < 10]
        found = [character(name, own[0], seen=own, look=look) for name, look in looks.items()]
        return [*found, character("dog_a", times[-1], seen=[t for t in times if t >= 40])]

    def clip(inputs: Any) -> Any:
        here = [] if inputs.span.start_seconds == 0 else [{"best_seconds": None, "name": "robot_a"}]
        return {"continues_previous": False, "scenes": [scene(inputs.span, "<robot_a>", appearing=here)]}

    films = [(n * 10.0, n * 10.0 + 10, n) for n in range(5)]
    records, asked = captioned(shard(films), characters=told, clip=clip)
    assert (
        "<elsewhere>\n"
        "<person_a>: woman about 30, seen from behind, very long wavy dark-blonde hair; loose black top\n"
        "<person_b>: bald man\n"
        "<robot_a>: grey robot with two round openings in its head, slab plates; yellow hands\n"
        "</elsewhere>\n"
    ) in user_text(asked[-1])
    assert not records.failures
    assert records.pieces[-1].appearing == ("robot_a",)


def test_who_is_known_from_elsewhere_is_never_described_in_half_a_phrase() -> None:
    """ "low domed head with ribbed" names nobody."""
    look = "huge pale grey-beige robot with a low and very broad domed head that turns all the way round, ribbed plates"
    assert in_short(look) == look.partition(",")[0]
    assert in_short("huge bulky robot, dark grey body with worn plates, heavy rounded head") == (
        "huge bulky robot, dark grey body with worn plates, heavy rounded head"
    )


def test_what_was_said_leaves_out_looks_that_are_listed() -> None:
    """It was cut in its middle to make room for what stands in the list above it."""
    look = (
        "slim man with short black hair, dark beard and black-rimmed glasses; black T-shirt, black trousers"
    )
    text = (
        "In a bare room <person_a>, a slim man with short black hair, dark beard and glasses, a torn scarf, comes in "
        "with a red bag. He wears a black T-shirt and black trousers. He has a letter. <person_a>, smiling, sits down."
    )

    def clip(inputs: Any) -> Any:
        return {"continues_previous": True, "scenes": [scene(inputs.span, text)]}

    one = character("person_a", 2.0, seen=[2.0, 12.0], look=look)
    _, asked = captioned(shard([(0.0, 20.0, 1)]), characters=[one], clip=clip)
    assert asked[1].inputs.said[0].text == (
        "In a bare room <person_a>, a torn scarf, comes in with a red bag. He has a letter. <person_a>, smiling, "
        "sits down."
    )


def test_what_was_said_is_not_cut_in_the_middle_of_looks() -> None:
    """Of "<a>, in yellow hat, brown hair, red jacket, walks" the hat went, and "<a> brown hair" was left."""
    text = "<person_a>, in yellow hat, brown hair, red jacket, walks. At the wall waits <person_a>, in red jacket, yellow hat."

    def clip(inputs: Any) -> Any:
        return {"continues_previous": True, "scenes": [scene(inputs.span, text)]}

    one = character("person_a", 2.0, seen=[2.0, 12.0], look="woman with a yellow hat; red jacket")
    _, asked = captioned(shard([(0.0, 20.0, 1)]), characters=[one], clip=clip)
    assert asked[1].inputs.said[0].text == ("<person_a>, brown hair, walks. At the wall waits <person_a>.")


def test_who_is_seen_behind_a_cut_alone_is_not_listed_in_a_clip_of_one_shot() -> None:
    """Three bottles were listed in a car park, since the next film begins five seconds later with them."""
    films = [(0.0, 20.0, 1), (20.0, 40.0, 5)]
    seen = [character("red_car_a", 4.0, seen=[4.0, 16.0]), character("bottle_a", 22.0, seen=[22.0, 36.0])]
    _, asked = captioned(shard(films), characters=seen)
    listed = [[one.name for one in request.inputs.mentions] for request in asked]
    assert listed == [["red_car_a"], ["red_car_a"], ["bottle_a"], ["bottle_a"]]


def test_an_exemplar_is_of_another_clip_where_there_is_a_good_one() -> None:
    """The sheet showed a frame of the clip itself, from which nobody learns who it is."""
    box = {"left": 0.04, "top": 0.2, "right": 0.35, "bottom": 0.95}

    def clip(inputs: Any) -> Any:
        best = inputs.frame_times[2]
        here = [{"best_seconds": best, "box": box, "name": "person_a"}]
        return {"continues_previous": True, "scenes": [scene(inputs.span, "w", appearing=here)]}

    who = character("person_a", 14.0, seen=[4.0, 14.0, 24.0], box=box)
    _, asked = captioned(
        shard([(0.0, 30.0, 1)], people=lambda time: (RED if time < 10 else BLUE,)),
        characters=[who],
        clip=clip,
    )
    colours = [np.asarray(Image.open(io.BytesIO(one.pictures[0].jpeg))).reshape(-1, 3) for one in asked]
    reds = [int(((c[:, 0] > 150) & (c[:, 2] < 100)).sum()) for c in colours]
    assert [red > 500 for red in reds] == [False, True, False]


def test_who_was_seen_from_the_same_camera_is_shown_when_it_cuts_back() -> None:
    views = [(0.0, 10.0, 1), (10.0, 20.0, 4), (20.0, 30.0, 7), (30.0, 40.0, 1)]

    def first_alone(request: Request[Any]) -> Any:
        own = [t for t in request.inputs.frame_times if t < 10]  # type: ignore[attr-defined]
        return [{**character("person_a", own[0]), "seen_seconds": own}]

    _, asked = captioned(shard(views), characters=first_alone)
    assert [cells(request) for request in asked[2:]] == [[], ["<person_a>"]]


def test_a_clip_proposes_whom_the_first_look_missed_and_the_next_clip_knows_them() -> None:
    def clip(inputs: Any) -> Any:
        if inputs.span.start_seconds == 10:
            new = character("person_b", 12.0, seen=[12.0], box=LEFT)
            words = scene(
                inputs.span, "<person_b> walks in.", appearing=[{"best_seconds": 12.0, "name": "person_b"}]
            )
            return {"newcomers": [new], "continues_previous": True, "scenes": [words]}
        return {"continues_previous": True, "scenes": [scene(inputs.span, "words")]}

    records, asked = captioned(shard(STATIC), characters=[character("person_a", 3.0)], clip=clip)
    late = [mention for mention in records.mentions if mention.late]
    assert [(m.name, m.exemplar_seconds, m.start_seconds) for m in late] == [("person_b", 12.0, 10.0)]
    assert "<person_b>" in cells(asked[2]) and "<person_b>" not in cells(asked[1])
    assert not records.failures


def test_whoever_was_there_as_a_clip_begins_is_listed_for_it() -> None:
    """She walked out in the clip's first frame, and was "somebody in black": later a seventh person."""

    def early(request: Request[Any]) -> Any:
        own = [time for time in request.inputs.frame_times if time < 4]  # type: ignore[attr-defined]
        return [character("person_a", own[0], seen=own[:1]), character("person_b", own[0], seen=own[:1])]

    def clip(inputs: Any) -> Any:
        here = [{"best_seconds": None, "name": "person_a"}] if inputs.span.start_seconds < 20 else []
        return {"continues_previous": True, "scenes": [scene(inputs.span, "w", appearing=here)]}

    _, asked = captioned(shard([(0.0, 4.0, 1), (4.0, 40.0, 4)]), characters=early, clip=clip)
    assert [cells(request) for request in asked[1:]] == [["<person_a>"], ["<person_a>"], []]


def test_a_name_that_a_cue_tells_is_kept_and_one_that_nothing_tells_is_not() -> None:
    """A reply had no field for it: people named once stayed without a name."""
    cues = (Cue(start_seconds=12.0, stop_seconds=13.0, text="Pip, come here!"),)

    def clip(inputs: Any) -> Any:
        names = ["dog_a: Pip (12.5)", "dog_a: Pip (12.0)", "person_a: Iris (12.5)", "person_z: Pip (12.5)"]
        text = {"text": "IRIS LUND, BAKER", "start_seconds": 22.0, "stop_seconds": 24.0}
        last = {
            **scene(inputs.span, "words"),
            "screen_text": [text] if inputs.span.start_seconds == 20 else [],
        }
        return {"continues_previous": True, "scenes": [last], "names": [*names, "person_a: Iris Lund (23.0)"]}

    found = [character("person_a", 2.0), character("dog_a", 2.0)]
    records, _ = captioned(shard(STATIC), characters=found, clip=clip, cues=cues)
    assert [(one.name, one.called, one.evidence.quote) for one in records.called] == [
        ("dog_a", "Pip", "Pip, come here!"),
        ("person_a", "Iris Lund", "IRIS LUND, BAKER"),
    ]
    assert ShardRecords.model_validate_json(records.model_dump_json()) == records


def test_a_logo_of_one_clip_is_told_with_its_time() -> None:
    """Captions were told to leave watermarks out, and the first look lists those of several shots alone."""

    def clip(inputs: Any) -> Any:
        span = inputs.span
        logo = {"text": "LAKE TV", "start_seconds": max(span.start_seconds, 14.0), "stop_seconds": 27.0}
        told = [logo] if 10 <= span.start_seconds < 30 else []
        return {"continues_previous": True, "scenes": [{**scene(span, "words"), "screen_text": told}]}

    records, asked = captioned(shard(STATIC), clip=clip)
    left_out = [
        line for line in text_of(asked[1]).splitlines() if "atermarks" in line and "is data" not in line
    ]
    assert left_out == [], "no watermark is listed, so none is to be left out"
    found = join_sightings(text for draft in records.pieces for text in draft.sightings)
    assert [(one.text, one.start_seconds, one.stop_seconds) for one in found] == [("LAKE TV", 14.0, 27.0)]


def test_a_name_follows_a_newcomer_s_new_name() -> None:
    cues = tuple(Cue(start_seconds=t, stop_seconds=t + 1, text="I'm Iris.") for t in (12.0,))

    def clip(inputs: Any) -> Any:
        at = inputs.span.start_seconds + 2
        new = character("person_a", at, look=f"somebody of {at:.0f}")
        words = scene(inputs.span, "<person_a> waves.", appearing=["person_a"])
        return {
            "newcomers": [new], "continues_previous": False, "scenes": [words], "names": [f"person_a: Iris ({at})"]
        }  # fmt: skip

    records, _ = captioned(shard(TWO_FILMS), clip=clip, cues=cues)
    assert [(one.name, one.called) for one in records.called] == [("person_b", "Iris")]


def test_two_chains_that_give_newcomers_one_name_keep_them_apart() -> None:
    def clip(inputs: Any) -> Any:
        at = inputs.span.start_seconds + 2
        new = character("person_a", at, look=f"somebody of {at:.0f}")
        words = scene(inputs.span, "<person_a> waves.", appearing=["person_a"])
        return {"newcomers": [new], "continues_previous": False, "scenes": [words]}

    records, _ = captioned(shard(TWO_FILMS), clip=clip)
    assert [(m.name, m.description) for m in records.mentions] == [
        ("person_a", "somebody of 2"),
        ("person_b", "somebody of 12"),
    ]
    assert [(draft.detailed, draft.appearing) for draft in records.pieces] == [
        ("<person_a> waves.", ("person_a",)),
        ("<person_b> waves.", ("person_b",)),
    ]


def test_a_newcomer_under_a_name_that_is_taken_is_asked_for_again() -> None:
    def clip(inputs: Any) -> Any:
        return {
            "newcomers": [character("person_a", inputs.span.start_seconds)],
            "continues_previous": False,
            "scenes": [scene(inputs.span, "w")],
        }

    records, _ = captioned(shard([(0.0, 10.0, 1)]), characters=[character("person_a", 5.0)], clip=clip)
    assert "person_a" in records.failures[0].reason


def test_a_clip_puts_a_description_right_and_nobody_becomes_another_by_it() -> None:
    """Dangerous: the first look saw a woman from behind and called her a man, and every card, question and export
    went on saying so.
    """
    wrong = "man, short brown hair; green coat"
    lines = {
        0.0: ["<person_a>: woman about 60, short brown hair; green coat", "person_q: nobody"],
        10.0: ["a woman", f"person_b: {'x' * 2000}"],
        20.0: [
            "person_a: woman about 60, short  brown hair, scar on the chin; green coat",
            f"<person_b>: {wrong}",
        ],
    }

    def clip(inputs: Any) -> Any:
        corrections = lines[inputs.span.start_seconds]
        return {
            "continues_previous": True,
            "corrections": corrections,
            "scenes": [scene(inputs.span, "words")],
        }

    people = [character("person_a", 1.0, look=wrong), character("person_b", 1.0, look=wrong)]
    records, asked = captioned(shard([(0.0, 30.0, 1)]), characters=people, clip=clip)
    assert len(asked) == 3
    assert [one.description for one in records.mentions] == [wrong, wrong], "what the first look said is kept"
    assert [(one.name, one.description) for one in records.described] == [
        ("person_a", "woman about 60, short brown hair, scar on the chin; green coat"),
        ("person_b", wrong),
    ]


def test_the_clips_after_a_correction_are_told_the_description_as_it_was_put_right() -> None:
    """Wrong descriptions stayed in the requests of their own stretch, and were read as what is to be seen."""

    def clip(inputs: Any) -> Any:
        lines = ["<person_a>: a dog's tail"] if inputs.span.start_seconds == 10.0 else []
        words = {"continues_previous": True, "corrections": lines}
        return {**words, "scenes": [scene(inputs.span, "words")]}

    people = [character("person_a", 1.0, look="a whitish head")]
    _, asked = captioned(shard([(0.0, 40.0, 1)]), characters=people, clip=clip)
    told = ["a dog's tail" in user_text(request) for request in asked]
    assert told == [False, False, True, True]
    assert ["a whitish head" in user_text(request) for request in asked] == [True, True, False, False]
    # An earlier run was answered by clips that were not told of it: they are not asked again.
    plainly, before = captioned(shard([(0.0, 40.0, 1)]), characters=people)
    assert not plainly.corrected
    answered = tuple(request.digest for request in before)
    _, again = captioned(shard([(0.0, 40.0, 1)]), characters=people, clip=clip, answered=answered)
    assert "a whitish head" in user_text(again[2])


def test_a_correction_follows_a_newcomer_s_new_name() -> None:
    """Two chains gave two newcomers one name, and the later was renamed: the correction means the later."""

    def clip(inputs: Any) -> Any:
        start = inputs.span.start_seconds
        new = [] if start % 20 else [character("person_a", start + 1.0, look=f"found at {start:g}")]
        lines = ["<person_a>: put right"] if start == 30.0 else []
        words = {"continues_previous": bool(start % 20), "newcomers": new, "corrections": lines}
        return {**words, "scenes": [scene(inputs.span, "words")]}

    records, _ = captioned(shard([(0.0, 20.0, 1), (20.0, 40.0, 2)]), clip=clip)
    assert {one.name: one.description for one in records.described} == {
        "person_a": "found at 0",
        "person_b": "put right",
    }


def test_a_scene_says_which_frame_shows_somebody_best() -> None:
    def clip(inputs: Any) -> Any:
        seen = [{"best_seconds": 7.5, "box": LEFT, "name": "person_a"}]
        return {"continues_previous": False, "scenes": [scene(inputs.span, "w", appearing=seen)]}

    records, _ = captioned(shard([(0.0, 10.0, 1)]), characters=[character("person_a", 3.0)], clip=clip)
    (best,) = records.pieces[0].best
    assert (best.name, best.seconds, best.box) == ("person_a", 7.5, Box(0.0, 0.0, 0.4, 1.0))


# --- cast
# --------------------------------------------------------------------------------------------------------


class Walls:
    """Stands for the video."""

    async def at(self, times: Any) -> dict[float, Frame]:
        return {time: picture(time, int(time) % 9) for time in times}


def montage() -> list[Mention]:
    """The compilation film's: eight and twelve, of whom three come back; two of the second stretch are dogs."""
    looks = {
        0: ["pug", "driver", "presenter", "batter", "bride", "diver", "chef", "singer"],
        1: [
            "pug",
            "driver",
            "presenter",
            "guard",
            "clerk",
            "nun",
            "boy",
            "monk",
            "wolf",
            "judge",
            "queen",
            "smith",
        ],
    }
    return [
        Mention(
            start_seconds=shard * 120.0 + n, stop_seconds=shard * 120.0 + n + 5, shard_index=shard,
            name=f"{'dog' if look in ('pug', 'wolf') else 'person'}_{'abcdefghijkl'[n]}",
            kind="dog" if look in ("pug", "wolf") else "person", description=look,
            exemplar_seconds=shard * 120.0 + n + 1, box=Box(0.1, 0.1, 0.6, 0.9),
        )
        for shard, names in looks.items()
        for n, look in enumerate(names)
    ]  # fmt: skip


def by_look(request: Request[Any]) -> dict[str, Any]:
    inputs: Any = request.inputs
    if request.prompt.name == "possible_cast":
        cards = [card for stretch in inputs.stretches for card in stretch.cards]
        return {
            "groups": [
                {"card_ids": [card.card_id for card in cards if card.description == look]}
                for look in sorted({card.description for card in cards})
            ]
        }
    return {
        "pairs": [
            {"left_id": a.card_id, "right_id": b.card_id, "better": "left"}
            for a in inputs.left
            for b in inputs.right
            if a.description == b.description
        ]
    }


def linked(
    answer: Any, mentions: list[Mention]
) -> tuple[list[set[str]], list[Request[Any]], tuple[Failure, ...]]:
    model = ScriptedModel(answer)
    cast = Cast(Calls(model), Walls(), frozenset())  # type: ignore[arg-type]
    members = portal().call(cast.link, mentions, {}, ())
    return [{m.mention_id for m in member.mentions} for member in members], model.requests, cast.failures


def test_the_montage_takes_three_calls_and_only_candidates_are_looked_at() -> None:
    """Twelve calls of 13 to 18 pictures compared dogs with people, each card up to four times."""
    found, asked, _ = linked(by_look, montage())
    assert [request.prompt.name for request in asked] == ["possible_cast", "link_cast", "link_cast"]
    assert not asked[0].pictures
    for request in asked[1:]:
        inputs: Any = request.inputs
        assert [card.description for card in (*inputs.left, *inputs.right)] == [
            "pug",
            "driver",
            "presenter",
        ] * 2
        assert len(request.pictures) == 1 and len(cells(request)) == 6
    assert sorted(map(len, found)) == [1] * 14 + [2] * 3


def test_the_mirror_is_asked_of_claimed_pairs_alone() -> None:
    def nobody(request: Request[Any]) -> Any:
        return by_look(request) if request.prompt.name == "possible_cast" else {"pairs": []}

    found, asked, _ = linked(nobody, montage())
    assert len(asked) == 2 and len(found) == 20


def test_where_words_leave_nothing_open_no_picture_is_sent() -> None:
    found, asked, _ = linked(lambda request: {"groups": []}, montage())
    assert [request.prompt.name for request in asked] == ["possible_cast"] and len(found) == 20


def test_words_that_fail_leave_it_to_the_pictures() -> None:
    from mrvideo.errors import ModelBusy

    def broken(request: Request[Any]) -> Any:
        return ModelBusy("503") if request.prompt.name == "possible_cast" else by_look(request)

    found, asked, failures = linked(broken, montage())
    assert sorted(map(len, found))[-3:] == [2, 2, 2] and not failures
    assert len(cells(asked[1])) == 20


def test_who_was_found_late_may_be_another_of_the_same_shard() -> None:
    pug, *others = montage()[:8]
    late = pug.model_copy(
        update={
            "name": "dog_z",
            "late": True,
            "exemplar_seconds": 77.0,
            "start_seconds": 77.0,
            "stop_seconds": 80.0,
        }
    )
    found, _, _ = linked(by_look, [pug, *others, late])
    assert {"0/dog_a", "0/dog_z"} in found


def test_looks_with_the_same_company_are_enough() -> None:
    _, asked, _ = linked(by_look, montage())
    assert "Looks that agree are enough together with the circumstances" in text_of(asked[1])
    assert "voice" not in text_of(asked[1]), "no voices are given"


def test_a_cell_that_shows_the_same_once_more_is_left_out() -> None:
    frame, other = picture(1.0, 1, (RED,)), picture(1.0, 1, (BLUE,))
    box = Box(0.0, 0.1, 0.4, 1.0)
    assert Cell("a", frame, box).shows_what(Cell("b", frame, box))
    assert not Cell("a", frame, box).shows_what(Cell("b", other, box))


def test_cells_of_one_are_the_most_different_and_nobody_who_is_cut_by_the_edge() -> None:
    """All three showed one moment of one pose, or the legs of somebody who leaves."""
    box = Box(0.1, 0.2, 0.45, 1.0)

    def pose(place: int) -> Frame:
        image = Image.new("RGB", (256, 144), "white")
        image.paste(RED, (30, 30 + place, 100, 144))
        return frame_of(image, 0.0)

    legs = Image.new("RGB", (256, 144), "black")
    seen = {
        0.0: pose(0),
        10.0: pose(8),
        20.0: pose(16),
        30.0: pose(70),
        40.0: pose(72),
        50.0: frame_of(legs, 0.0),
    }
    boxes = {50.0: Box(0.9, 0.2, 1.0, 1.0)}

    class Poses:
        async def at(self, times: Any) -> dict[float, Frame]:
            return {time: seen[time] for time in times}

    def shown(*times: float) -> list[float]:
        views = tuple(View(time, boxes.get(time, box)) for time in times)
        entry = Entry("0/person_a", CastCard(card_id="", kind="person", description="x"), views)
        made: list[Any] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mrvideo.captioning.cards.sheets", lambda cells: made.extend(cells) or ())
            portal().call(pictures_of, [("L1", entry)], Poses(), 40)
        return [next(time for time, frame in seen.items() if frame is cell.frame) for cell in made]

    assert shown(0.0, 10.0, 20.0, 30.0, 40.0, 50.0) == [0.0, 40.0, 20.0]
    assert shown(0.0, 50.0) == [0.0, 50.0], "better than none"
    assert shown(0.0) == [0.0]


def of_shape(name: str, width: int, height: int) -> Cell:
    """Somebody of a box of this size in a frame of 512 × 288, in white on black."""
    image = Image.new("RGB", (512, 288))
    image.paste((255, 255, 255), (0, 0, 512, 288))
    return Cell(name, frame_of(image, 0.0), Box(0.1, 0.1, 0.1 + width / 512, 0.1 + height / 288))


def test_cells_have_the_shape_of_what_they_show() -> None:
    """Two thirds of a sheet of people who stand were black."""
    (sheet,) = sheets([of_shape("<person_a>", 90, 200), of_shape("<person_b>", 100, 200)])
    image = Image.open(io.BytesIO(sheet.jpeg)).convert("L")
    assert image.height == CELL_PIXELS + NAME_PIXELS and image.width <= 200
    assert np.asarray(image)[NAME_PIXELS + 4 : -4].mean() > 230

    wide = [of_shape(f"<car_{letter}>", 200, 100) for letter in "abc"]
    (sheet,) = sheets(wide)
    image = Image.open(io.BytesIO(sheet.jpeg)).convert("L")
    assert image.height < CELL_PIXELS and image.width > 600
    assert np.asarray(image)[NAME_PIXELS + 4 : -4].mean() > 250


def test_somebody_tiny_is_enlarged_to_the_height_of_the_row() -> None:
    (sheet,) = sheets([of_shape("<person_a>", 30, 60)])
    image = Image.open(io.BytesIO(sheet.jpeg)).convert("L")
    assert image.height == CELL_PIXELS + NAME_PIXELS
    assert np.asarray(image)[-10:-4, 5:80].mean() > 250


def test_a_row_holds_as_many_as_fit_and_the_label_names_each_in_its_row() -> None:
    names = [f"<person_{letter}>" for letter in "abcdefghijklm"]
    first, second = sheets([of_shape(name, 120, 200) for name in names])
    rows = [names[:6], names[6:12]]
    assert first.label == "sheet, " + "; ".join(f"row {n}: {', '.join(r)}" for n, r in enumerate(rows, 1))
    assert second.label == "sheet, row 1: <person_m>"
    assert Image.open(io.BytesIO(first.jpeg)).width <= SHEET_PIXELS
    (mixed,) = sheets([of_shape("L1", 90, 200), *(of_shape(f"R{n}", 300, 100) for n in (1, 2, 3))])
    assert mixed.label == "sheet, row 1: L1, R1; row 2: R2, R3"


def test_the_size_of_a_sheet_is_known_before_it_is_made() -> None:
    for count in (1, 5, 12):
        (sheet,) = sheets([of_shape("R1", 200, 100) for _ in range(count)])
        shape = 200 / 100
        assert (
            np.abs(np.subtract(Image.open(io.BytesIO(sheet.jpeg)).size, sheet_size(count, shape))).max() <= 24
        )
