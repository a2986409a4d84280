"""The viewer in a real browser: Debian's chromium, driven by Playwright. Skipped where either is missing
(docs/viewer.md).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.casts import DIGEST, cast_index
from support.films import video_info
from support.strings import BREAKERS, MARKDOWN, ORDERS
from web.conftest import Running

from mrvideo.api import Video, load
from mrvideo.library import Library
from mrvideo.records import Answer, Claim, Cue, Event, Failure, Index, Notice, Scene, Sighting, Span, Unseen
from mrvideo.records.answer import ModelFinding
from mrvideo.session.paging import film_beside, page_of_answer, page_of_index
from mrvideo.wording import printable

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
# Read here: no test sees the variables of the person who runs it.
SCREENSHOTS = os.environ.get("MRVIDEO_TEST_SCREENSHOTS")
expect = sync_api.expect

HTML = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "<iframe src='http://127.0.0.1:9/'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "'\"><body onload=alert(1)>",
    "<style>@import 'http://127.0.0.1:9/x.css'</style>",
    "<base href='http://127.0.0.1:9/'>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)
HOSTILE = (*ORDERS, *BREAKERS, *MARKDOWN, *HTML)


def _shot(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"), full_page=True)


def test_a_question_is_asked_its_evidence_seeks_and_loops_and_a_reload_keeps_it(
    page: Any, viewer: Running
) -> None:
    page.expected_errors = ["400"]  # The thumbnail of the film whose file is gone.
    page.get_by_role("link", name="talk.mp4").click()
    page.wait_for_selector("#transcript .row")
    assert "token" not in page.url
    page.fill("#question", "What is the boat called?")
    page.click("#go")
    chip = page.locator("#answers .chip").first
    chip.wait_for(timeout=60_000)
    assert "checking: finished" in page.locator("#events").text_content()
    chip.click()
    expect(page.locator("#clock")).to_contain_text("looping")
    assert chip.get_attribute("aria-pressed") == "true"
    start = chip.locator("time").text_content().split("–")[0]
    assert f"looping {start}" in page.text_content("#clock")
    # Lists are made anew when something was put right: what loops is still told by its chip.
    page.select_option("#action", "rename")
    page.fill("#value", "Somebody")
    page.click("#correct button.main")
    expect(page.locator("#told")).to_contain_text("is called Somebody")
    assert chip.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    page.click("#unloop")
    expect(page.locator("#clock")).not_to_contain_text("looping")
    said = page.text_content("#answers .answer strong")
    page.click("#write")
    page.locator("#chapters li").first.wait_for()
    page.fill("#query", "the key of the boat")
    page.press("#query", "Enter")
    page.locator("#moments .chip").first.wait_for()
    _shot(page, "video")
    page.reload()
    page.wait_for_selector("#answers .answer")
    assert page.text_content("#answers .answer strong") == said
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "nothing runs off a narrow screen"
    )
    _shot(page, "video-narrow")
    page.goto(viewer.origin)
    page.wait_for_selector("#videos a")
    _shot(page, "library")


def test_a_cast_is_put_right_in_the_page_and_is_so_after_a_reload(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    page.wait_for_selector("#cast li:nth-child(3)")
    assert "nothing to play" in page.text_content("#note")
    page.select_option("#who", "person_1")
    page.select_option("#other", "person_3")
    page.click("#correct button.main")
    expect(page.locator("#cast li")).to_have_count(2)
    expect(page.locator("#told")).to_contain_text("person_3 is person_1")
    page.reload()
    page.wait_for_selector("#cast li")
    assert page.locator("#cast li").count() == 2
    assert page.locator("#transcript .row", has_text="person_1 sings.").count() == 1
    with Library.open(viewer.settings.library) as library:
        assert [one.told for one in library.corrections(DIGEST)] == ["person_3 is person_1"]
    page.select_option("#action", "rename")
    page.fill("#value", "Anna")
    page.click("#correct button.main")
    page.wait_for_selector("#transcript .row:has-text('Anna sings.')")
    _shot(page, "cast")
    for told, count in (("person_1 is called Anna", 2), ("person_3 is person_1", 3)):
        page.click("#undo")
        expect(page.locator("#told")).to_contain_text(f"Taken back: {told}")
        expect(page.locator("#cast li")).to_have_count(count)
    # Undone while it was still in work: one after the other.
    page.select_option("#who", "person_1")
    page.fill("#value", "Bea")
    page.evaluate("for (const one of ['#correct button.main', '#undo']) document.querySelector(one).click()")
    expect(page.locator("#told")).to_contain_text("Taken back: person_1 is called Bea")
    with Library.open(viewer.settings.library) as library:
        assert library.corrections(DIGEST) == ()


def test_each_correction_of_the_form_is_kept_and_shown_after_a_reload(
    page: Any, viewer: Running, tmp_path: Path
) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    page.wait_for_selector("#cast li:nth-child(3)")
    Image.new("RGB", (300, 200), "red").save(tmp_path / "anna.png")
    (tmp_path / "words.png").write_text("no picture")

    def put_right(who: str, action: str, told: str, **fields: str) -> None:
        page.select_option("#who", who)
        page.select_option("#action", action)
        if "other" in fields:
            page.select_option("#other", fields["other"])
        if "value" in fields:
            page.fill("#value", fields["value"])
        if "photo" in fields:
            page.set_input_files("#photo", tmp_path / fields["photo"])
        page.click("#correct button.main")
        expect(page.locator("#told")).to_contain_text(told)
        page.reload()
        page.wait_for_selector("#cast li:nth-child(3)")

    put_right("person_1", "apart", "person_3 is not person_1", other="person_3")
    put_right("person_2", "rename", "person_2 is called Ben", value="Ben")
    put_right("person_1", "photo", "person_1 has a photo", photo="anna.png")
    assert (
        page.get_by_alt_text("Photo of person_1").evaluate("one => one.decode().then(() => one.naturalWidth)")
        == 300
    )
    put_right("person_1", "split", "person_1 is somebody else in scenes 3, 5", value="3,5")
    expect(page.locator("#cast li")).to_have_count(4)
    assert "Ben (person_2)" in page.text_content("#cast")
    with Library.open(viewer.settings.library) as library:
        assert [one.kind for one in library.corrections(DIGEST)] == ["apart", "name", "photo", "apart"]
        index = library.latest_index(DIGEST)
    assert index is not None
    assert [e.scene_indexes for e in index.entities if e.name in ("person_1", "person_4")] == [(0, 1), (3, 5)]
    # What cannot be meant is said where it is seen, far below the page's head, and changes nothing.
    for action, field, wrong, told in (
        ("split", "#value", "x", "is no scene"),
        ("rename", "#value", "Ben", "called Ben already"),
        ("photo", "#photo", "words.png", "is not a picture"),
    ):
        page.select_option("#action", action)
        if field == "#photo":
            page.set_input_files(field, tmp_path / wrong)
        else:
            page.fill(field, wrong)
        page.click("#correct button.main")
        expect(page.locator("#problem")).to_contain_text(told)
        expect(page.locator("#problem")).to_be_in_viewport()
    with Library.open(viewer.settings.library) as library:
        assert len(library.corrections(DIGEST)) == 4


def test_an_answer_that_is_out_of_date_is_asked_again(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    video = load(DIGEST, settings=viewer.settings)
    video.ask("Does person_3 sing?")
    video.rename("person_3", "Clara")
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    again = page.get_by_role("button", name="Ask again")
    expect(page.locator("#answers .answer")).to_contain_text("Out of date: person_3 is called Clara")
    again.click()
    expect(page.locator("#answers .answer")).to_have_count(2, timeout=60_000)
    page.reload()
    page.locator("#answers .answer").nth(1).wait_for()
    assert again.count() == 1
    assert [answer.stale is None for answer in video.answers()] == [False, True]


def test_an_answer_says_how_far_it_goes(page: Any, viewer: Running) -> None:
    """As `str(answer)` does: what was not seen or read, where models differ, and what a reader cannot know."""
    page.expected_errors = ["400"]
    asked = {"confidence": 2, "verified": False, "video": "film.mp4", "video_digest": DIGEST}
    answers = (
        Answer(
            question="Who sings?", answer=None, models={"text": "offline"}, searched="six scenes", **asked
        ),
        Answer(
            question="Is there a dog?",
            options=("yes", "no"),
            answer=None,
            choice=1,
            guessed=True,
            unseen=(Unseen(start_seconds=50, stop_seconds=60, reason="no reply"),),
            unread=tuple(Span(4.0 * n, 4.0 * n + 2) for n in range(7)),
            claims=(
                Claim(
                    text="<b>No dog</b> barks.",
                    evidence_ids=(),
                    findings=(
                        ModelFinding(model="one", holds=True, seen="a cat"),
                        ModelFinding(model="two", holds=False, seen=""),
                    ),
                ),
            ),
            **asked,
        ),
    )
    with Library.open(viewer.settings.library) as library:
        for answer in answers:
            library.put_answer(answer)
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    first, second = page.locator("#answers .answer").nth(0), page.locator("#answers .answer").nth(1)
    expect(second.locator("strong")).to_have_text("not found in what was read and heard")
    expect(second).to_contain_text("Searched: six scenes")
    expect(first.locator("strong")).to_have_text("no")
    expect(first).to_contain_text("a guess: a choice was demanded")
    expect(first).to_contain_text("Models differ: <b>No dog</b> barks. one: yes, a cat; two: no")
    expect(first.locator(".claims li")).to_have_text("<b>No dog</b> barks.not checked")
    lost = first.locator(".lost")
    expect(lost.nth(0).locator(".chip")).to_have_text("0:50.0–1:00.0no reply")
    expect(lost.nth(1).locator(".chip")).to_have_count(5)
    expect(lost.nth(1)).to_contain_text("and 2 more")
    lost.nth(0).locator(".chip").click()
    expect(page.locator("#clock")).to_contain_text("0:50.0 of 1:00.0, looping 0:50.0–1:00.0")


def test_each_state_of_a_video_is_said(page: Any, viewer: Running) -> None:
    """Gone, begun and not finished, unknown: what is there, and what to do."""
    page.expected_errors = ["400", "404"]
    with Library.open(viewer.settings.library) as library:
        library.put_video(video_info(10.0, digest="77" * 32, path="/films/half.mp4"))
    page.reload()
    gone, half = (page.locator("#videos li", has_text=name) for name in ("film.mp4", "half.mp4"))
    expect(gone.locator(".picture")).to_have_text("The file is gone")
    expect(half).to_contain_text("indexing was begun and not finished")
    expect(page.locator("#videos li", has_text="talk.mp4").locator(".picture img")).to_have_count(1)
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    expect(page.locator("#stage")).to_contain_text("The file is gone, or holds another film by now.")
    for digest, told in (
        ("77" * 32, "/films/half.mp4 is begun in"),
        ("0" * 64, "run mrvideo index on it first"),
    ):
        page.goto(f"{viewer.origin}/video/{digest}")
        expect(page.locator("#problem")).to_contain_text(told)
        expect(page.locator("#columns")).to_be_hidden()
        expect(page.locator("#title")).to_have_text("")


def test_a_library_without_videos_says_how_to_fill_it(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    with Library.open(viewer.settings.library) as library:
        for one in library.videos():
            library.remove(one.digest)
    page.reload()
    # Its text stands in the page from the beginning, and is shown once the library is known to be empty.
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#empty")).to_contain_text("mrvideo index VIDEO")
    expect(page.locator("#search")).to_be_hidden()


def test_a_viewer_that_has_ended_is_told_of(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400", "ERR_FAILED", "401"]
    page.goto(f"{viewer.origin}/video/{viewer.digest}")
    page.wait_for_selector("#transcript .row")
    page.route("**/find?*", lambda route: route.abort())
    page.fill("#query", "a boat")
    page.press("#query", "Enter")
    expect(page.locator("#problem")).to_have_text(
        "The viewer does not answer. Is mrvideo view still running?"
    )
    page.unroute("**/find?*")
    page.context.clear_cookies()
    page.press("#query", "Enter")
    expect(page.locator("#problem")).to_contain_text("open the address that it has printed")


def test_words_that_run_from_right_to_left_do_so(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    cue = Cue(start_seconds=1, stop_seconds=2, text="السفينة تغادر (9:40)", speaker="Captain")
    with Library.open(viewer.settings.library) as library:
        library.put_index(cast_index("rtl").model_copy(update={"cues": (cue,)}))
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    row = page.locator("#transcript .row", has_text="Captain").locator("[dir=auto], bdi")
    sides = [row.nth(n).evaluate("one => getComputedStyle(one).direction") for n in range(2)]
    assert sides == ["ltr", "rtl"]


def test_the_lanes_take_the_colours_of_day_and_night(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    page.wait_for_selector(".lane canvas")
    lane = "[...document.querySelectorAll('.lane canvas')].at(-1)"
    colour = f"{lane}.getContext('2d').getImageData(5, 5, 1, 1).data.join()"
    # The player stands still: nothing else has the lanes drawn.
    day = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    changed = f"""async () => {{
      for (let frame = 0; frame < 120 && {colour} === {day!r}; frame++) await new Promise(requestAnimationFrame);
      return {colour};
    }}"""
    assert page.evaluate(changed) != day


def test_who_is_in_the_cast_is_shown_from_the_film(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{viewer.digest}")
    face = page.locator("#cast li img").first
    face.wait_for()
    face.scroll_into_view_if_needed()
    assert face.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    assert page.locator("#cast li img").count() == page.locator("#cast li").count()


def test_what_the_library_is_searched_for_leads_to_its_moment(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    page.fill("#words", "sings")
    page.keyboard.press("Enter")
    hit = page.locator("#hits a")
    expect(hit).to_have_count(1)
    hit.click()
    page.wait_for_selector("#transcript .row")
    expect(page.locator("#clock")).to_contain_text("0:40.0 of 1:00.0")
    page.goto(viewer.origin)
    page.fill("#words", "nothing-like-it")
    page.keyboard.press("Enter")
    expect(page.locator("#hits")).to_have_text("Nothing holds these words.")


def test_the_keyboard_the_lanes_and_the_transcript_move_the_player(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{viewer.digest}")
    page.wait_for_selector("#transcript .row")
    clock, playing = page.locator("#clock"), "!document.querySelector('video').paused"
    for key, shown in (("ArrowRight", "0:05.0 of"), ("ArrowRight", "0:10.0 of"), ("ArrowLeft", "0:05.0 of")):
        page.keyboard.press(key)
        expect(clock).to_contain_text(shown)
    page.keyboard.press(" ")
    assert page.evaluate(playing)
    page.keyboard.press(" ")
    assert not page.evaluate(playing)
    lane = page.locator(".lane", has_text="Scenes").locator("canvas")
    lane.click(position={"x": lane.bounding_box()["width"] / 2, "y": 8})
    middle = load(viewer.digest, settings=viewer.settings).info.duration_seconds / 2
    assert abs(page.evaluate("document.querySelector('video').currentTime") - middle) < 1
    row = page.locator("#transcript .row").nth(2)
    told = row.locator("time").text_content()
    row.click()
    expect(clock).to_contain_text(f"{told} of")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type("Who")
    assert page.input_value("#question") == "Who"


def test_each_speaker_member_text_and_loss_has_a_lane(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    told = cast_index()
    cues = tuple(
        Cue(start_seconds=n, stop_seconds=n + 1, text=f"line {n}", speaker=("Anna", None, "speaker_2")[n % 3])
        for n in range(9)
    )
    text = Sighting(start_seconds=3, stop_seconds=4, text="EXIT")
    scenes = (told.scenes[0].model_copy(update={"sightings": (text,)}), *told.scenes[1:])
    lost = Failure(stage="clips", start_seconds=50, stop_seconds=60, reasons=("no answer",))
    cast = told.entities + tuple(
        told.entities[0].model_copy(update={"name": f"extra_{n}"}) for n in range(39)
    )
    index = told.model_copy(update={"cues": cues, "scenes": scenes, "failures": (lost,), "entities": cast})
    with Library.open(viewer.settings.library) as library:
        library.put_index(index)
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    page.wait_for_selector("#transcript .row")
    names = page.locator(".lane .name").all_text_contents()
    assert names[:6] == ["Scenes", "Speech", "Anna speaks", "speaker_2 speaks", "Texts", "Unseen"]
    assert names[6:9] == ["person_1", "person_2", "person_3"] and len(names) == 46
    assert "2 more members without a lane here." in page.text_content("#lanes")
    page.locator(".lane", has_text="speaker_2 speaks").locator("canvas").press("ArrowRight")
    expect(page.locator("#clock")).to_contain_text("0:02.0")
    page.locator(".lane", has_text="Unseen").locator("canvas").press("ArrowRight")
    expect(page.locator("#clock")).to_contain_text("0:50.0")


def test_hostile_strings_stay_text(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    scenes = tuple(
        Scene(index=n, start_seconds=n, stop_seconds=n + 1, brief=text, detailed=text)
        for n, text in enumerate(HOSTILE)
    )
    cues = tuple(Cue(start_seconds=n, stop_seconds=n + 1, text=t, speaker=t) for n, t in enumerate(HOSTILE))
    cast = tuple(
        e.model_copy(update={"display_name": t, "description": t, "scene_indexes": (0,)})
        for e, t in zip(cast_index().entities, HTML, strict=False)
    )
    info = video_info(200.0, digest="cd" * 32, path="/videos/<img src=x onerror=alert(1)>.mp4")
    with Library.open(viewer.settings.library) as library:
        library.put_index(Index(key="h", video=info, scenes=scenes, cues=cues, entities=cast))
    page.goto(viewer.origin)
    page.get_by_role("link", name="onerror=alert").wait_for()
    page.goto(f"{viewer.origin}/video/{info.digest}")
    page.wait_for_selector("#transcript .row")
    seen = ""
    height = page.evaluate("document.getElementById('transcript').scrollHeight")
    for top in range(0, height, 300):
        page.evaluate(f"document.getElementById('transcript').scrollTop = {top}")
        page.evaluate("new Promise(requestAnimationFrame)")
        page.evaluate("new Promise(requestAnimationFrame)")
        seen += "\n".join(page.locator("#transcript .row").all_text_contents())
    assert len(HOSTILE) >= 40
    missing = [text for text in HOSTILE if text not in seen]
    assert missing == []
    assert page.locator("#transcript script, #transcript img, #cast img, #cast script, iframe").count() == 0


def test_ten_hours_are_few_nodes_of_the_page_wherever_it_is_scrolled(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=10.0 * n,
            stop_seconds=10.0 * n + 10,
            brief=f"Scene {n}.",
            detailed=f"Scene {n}: somebody walks along the quay and looks at the boats. " * 3,
        )
        for n in range(3600)
    )
    info = video_info(36_000.0, digest="ef" * 32, path="/videos/ten-hours.mp4")
    with Library.open(viewer.settings.library) as library:
        library.put_index(Index(key="t", video=info, scenes=scenes))
    page.goto(f"{viewer.origin}/video/{info.digest}")
    page.wait_for_selector("#transcript .row")
    most = page.evaluate(
        """async () => {
          const box = document.getElementById('transcript');
          let most = 0;
          for (let top = 0; top < box.scrollHeight; top += box.scrollHeight / 100) {
            box.scrollTop = top;
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            most = Math.max(most, box.querySelectorAll('*').length);
          }
          return most;
        }"""
    )
    assert most <= 500
    page.evaluate("document.getElementById('transcript').scrollTop = 1e9")
    expect(page.locator("#transcript .row", has_text="Scene 3599:")).to_have_count(1)


def test_chapters_are_written_and_listed_and_their_titles_seek(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]  # The thumbnail of the film whose file is gone.
    page.goto(f"{viewer.origin}/video/{viewer.digest}")
    page.wait_for_selector("#transcript .row")
    assert page.locator(".lane", has_text="Chapters").count() == 0
    page.click("#write")
    page.locator("#chapters li").first.wait_for()
    expect(page.locator("#unwritten")).to_be_hidden()
    assert page.locator(".lane", has_text="Chapters").count() == 1
    page.locator(".lane", has_text="Scenes").locator("canvas").press("ArrowRight")
    expect(page.locator("#clock")).not_to_contain_text("0:00.0 of")
    title = page.locator("#chapters button").first
    title.click()
    expect(page.locator("#clock")).to_contain_text("0:00.0 of")
    told = title.text_content()
    page.reload()
    assert page.locator("#chapters button").first.text_content() == told


def test_what_is_found_is_listed_drawn_and_looped(page: Any, viewer: Running) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{viewer.digest}")
    page.wait_for_selector("#transcript .row")
    page.fill("#query", "the key of the boat")
    page.keyboard.press("Enter")
    moment = page.locator("#moments .chip", has_text="key").first
    moment.click()
    expect(page.locator("#clock")).to_contain_text("looping")
    assert page.locator(".lane", has_text="Found").count() == 1
    assert "best first" in page.text_content("#found")
    pictures = page.locator("#moments .chip img")
    expect(pictures.first).to_have_js_property("complete", value=True)
    assert pictures.first.evaluate("one => one.naturalWidth") == 160
    assert page.locator("#moments .chip").count() == pictures.count()
    page.fill("#query", "?!")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("holds no word")
    assert page.text_content("#found") == ""


def test_moments_of_a_film_that_is_gone_are_listed_without_a_broken_picture(
    page: Any, viewer: Running
) -> None:
    page.expected_errors = ["400"]
    page.goto(f"{viewer.origin}/video/{DIGEST}")
    page.wait_for_selector("#cast li")
    with page.expect_response("**/frame?*") as asked:
        page.fill("#query", "digs")
        page.keyboard.press("Enter")
    assert asked.value.status == 400
    expect(page.locator("#moments .chip img")).to_have_count(0)
    assert page.locator("#moments .chip").count() > 0


def test_the_stop_button_stops_the_work_and_says_so(
    page: Any, viewer: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that goes on after it was stopped spends money that nobody watches."""
    page.expected_errors = ["400"]
    stopped = threading.Event()
    asked = Video.astream

    async def endless(self: Video, *arguments: Any, **more: Any) -> AsyncGenerator[Event]:
        try:
            yield Notice(text="a long look")
            await asyncio.Event().wait()
        finally:
            stopped.set()

    monkeypatch.setattr(Video, "astream", endless)
    page.goto(f"{viewer.origin}/video/{viewer.digest}")
    page.wait_for_selector("#transcript .row")
    assert page.is_hidden("#stop")
    page.fill("#question", "What is the boat called?")
    page.click("#go")
    page.locator("#events li", has_text="a long look").wait_for()
    assert page.is_disabled("#go") and not stopped.is_set()
    page.click("#stop")
    expect(page.locator("#cost")).to_have_text("Stopped.")
    assert stopped.wait(10), "the work itself ended, not only its display"
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#problem")).to_have_text("")
    assert page.input_value("#question") == "What is the boat called?", "to be asked again, or put otherwise"
    monkeypatch.setattr(Video, "astream", asked)
    page.click("#go")
    page.locator("#answers .answer").first.wait_for(timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(browser: Any, viewer: Running, scheme: str, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    with Library.open(viewer.settings.library) as library:
        index = library.latest_index(viewer.digest)
        # Lists that are longer than their boxes.
        one, full = cast_index().entities[0], cast_index("full")
        members = tuple(one.model_copy(update={"name": f"person_{n}"}) for n in range(1, 31))
        info = full.video.model_copy(update={"digest": "dd" * 32})
        library.put_index(full.model_copy(update={"video": info, "entities": members}))
        asked = {"confidence": 3, "verified": False, "video": info.path, "video_digest": info.digest}
        for n in range(12):
            library.put_answer(Answer(question=f"Question {n}?", answer="Yes.", **asked))
    assert index is not None
    exported, told = tmp_path / "page.html", tmp_path / "answer.html"
    film = film_beside(exported, str(viewer.settings.library.parent.parent / "talk.mp4"))
    video = load(viewer.digest, settings=viewer.settings)
    exported.write_text(page_of_index(index, viewer.settings, most_pictures=4, film=film), encoding="utf-8")
    answer = video.ask("What is the boat called?")
    told.write_text(page_of_answer(answer, index, viewer.settings), encoding="utf-8")
    # What is put into the page is not the page's own script: its policy is not asked for it.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(viewer.entrance)
    page.wait_for_selector("#videos a")
    pages = {
        "library": "",
        "video": f"{viewer.origin}/video/{viewer.digest}",
        "cast": f"{viewer.origin}/video/{DIGEST}",
        "full": f"{viewer.origin}/video/{'dd' * 32}",
        "unknown": f"{viewer.origin}/video/{'00' * 32}",
    }
    pages |= {"exported": exported.as_uri(), "told": told.as_uri()}
    found: list[str] = []
    for name, address in pages.items():
        if address:
            page.goto(address)
        if name == "video":
            page.click("#write")
            page.fill("#query", "the key of the boat")
            page.keyboard.press("Enter")
            page.locator("#moments .chip").first.wait_for()
            page.locator("#answers .answer").first.wait_for()
        elif name == "full":
            page.wait_for_selector("#cast li:nth-child(30)")
            for box in ("cast", "answers"):
                assert page.evaluate(f"{box}.scrollHeight > {box}.clientHeight"), box
        elif name == "unknown":
            expect(page.locator("#problem")).not_to_be_empty()
        elif name == "cast":
            page.wait_for_selector("#cast li:nth-child(3)")
        page.evaluate(script)
        for one in page.evaluate("axe.run().then(done => done.violations)"):
            if one["impact"] in ("serious", "critical"):
                found += [f"{name}: {one['id']}: {node['html'][:120]}" for node in one["nodes"]]
    context.close()
    assert found == []


def test_an_exported_page_opens_as_a_file_and_plays_the_film_beside_it(
    browser: Any, viewer: Running, tmp_path: Path
) -> None:
    film = viewer.settings.library.parent.parent / "talk.mp4"
    with Library.open(viewer.settings.library) as library:
        index = library.latest_index(viewer.digest)
    assert index is not None
    scenes = tuple(
        Scene(index=n, start_seconds=n, stop_seconds=n + 1, brief=text, detailed=text)
        for n, text in enumerate(HOSTILE)
    )
    cues = tuple(Cue(start_seconds=n, stop_seconds=n + 1, text=t, speaker=t) for n, t in enumerate(HOSTILE))
    index = index.model_copy(
        update={
            "scenes": scenes,
            "cues": cues,
            "video": index.video.model_copy(update={"path": str(film)}),
        }
    )
    path = tmp_path / "page.html"
    path.write_text(
        page_of_index(index, viewer.settings, most_pictures=12, film=film_beside(path, str(film))),
        encoding="utf-8",
    )
    opened = browser.new_page(viewport={"width": 390, "height": 800})
    wrong: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda r: asked.append(r.url) if not r.url.startswith("data:image/jpeg") else None)
    opened.goto(path.as_uri())
    # The page's policy also forbids the evaluation of strings that `wait_for_function` needs.
    opened.evaluate(
        "new Promise(done => film.readyState ? done() : film.addEventListener('loadedmetadata', done))"
    )
    opened.locator("article button", has_text="0:20.0–0:21.0").first.click()
    opened.evaluate("new Promise(done => film.paused ? done() : film.addEventListener('pause', done))")
    assert 21 <= opened.evaluate("film.currentTime") < 22, "it stops where the span ends"
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.locator("article img").first.evaluate("one => one.naturalWidth") > 0
    text = opened.locator("main").text_content()
    assert [one for one in HOSTILE if printable(one) not in text] == []
    assert wrong == [] and set(asked) <= {path.as_uri(), film.as_uri()}
    _shot(opened, "page-narrow")
    opened.set_viewport_size({"width": 1280, "height": 900})
    _shot(opened, "page")
    opened.close()


@pytest.mark.parametrize("linked", [True, False], ids=["film beside", "frames alone"])
def test_a_report_opens_as_a_file_without_an_error_or_a_request(
    browser: Any, viewer: Running, tmp_path: Path, linked: bool
) -> None:
    video = load(viewer.digest, settings=viewer.settings)
    answer = video.ask("What is the boat called?")
    path = tmp_path / "answer.html"
    video.report(answer, path, link_video=linked)
    opened = browser.new_page(viewport={"width": 390, "height": 800})
    wrong: list[str] = []
    asked: set[str] = set()
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda r: asked.add(r.url) if not r.url.startswith("data:image/jpeg") else None)
    opened.goto(path.as_uri())
    assert answer.told in opened.locator("main").text_content()
    assert opened.locator("img").first.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    assert opened.locator("video").count() == linked
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if linked:
        opened.evaluate(
            "new Promise(done => film.readyState ? done() : film.addEventListener('loadedmetadata', done))"
        )
        opened.locator("main button").first.click()
        opened.evaluate(
            "new Promise(done => film.currentTime ? done() : film.addEventListener('timeupdate', done))"
        )
    film = Path(video.info.path).as_uri()
    assert wrong == [] and asked == {path.as_uri()} | ({film} if linked else set())
    opened.close()
