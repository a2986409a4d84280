"""Films that chromium cannot play itself, in chromium: a preview plays, or frames are shown and it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.films import grey_film
from web.conftest import Running

from mrvideo.errors import VideoError
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.records import Index, Scene
from mrvideo.session import previewing

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

FILM = "document.querySelector('video')"
NOT_PLAYED = "cannot play the file as it is: a preview is made"


@pytest.fixture
def opened(page: Any, viewer: Running, tmp_path: Path) -> Callable[..., Any]:
    """`opened("film.avi", codec="mpeg4")`: the page of a film that is made so."""
    page.expected_errors = ["400"]  # The thumbnail of the film whose file is gone.

    def open_it(name: str, **what: Any) -> Any:
        info = probe(str(grey_film(tmp_path / name, **what)))
        scenes = tuple(
            Scene(index=n, start_seconds=5 * n, stop_seconds=5 * n + 5, brief="b", detailed="d")
            for n in range(4)
        )
        with Library.open(viewer.settings.library) as library:
            library.put_index(Index(key="p", video=info, scenes=scenes))
        page.goto(f"{viewer.origin}/video/{info.digest}")
        page.wait_for_selector("#transcript .row")
        return page

    return open_it


def _until(page: Any, condition: str) -> None:
    """Waits for it. The page's policy forbids the evaluation of strings that `wait_for_function` needs."""
    page.evaluate(
        f"""async () => {{
          const latest = performance.now() + 30000;
          while (!({condition})) {{
            if (performance.now() > latest) throw new Error({json.dumps(condition)} + " was never so");
            await new Promise(done => setTimeout(done, 20));
          }}
        }}"""
    )


def _brightness(page: Any) -> float:
    """Of the picture that the player shows."""
    return page.evaluate(
        f"""() => {{
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 8;
          const pen = canvas.getContext('2d');
          pen.drawImage({FILM}, 0, 0, 8, 8);
          return pen.getImageData(4, 4, 1, 1).data[0];
        }}"""
    )


def _seek(page: Any, seconds: float) -> None:
    page.evaluate(
        f"""time => new Promise(done => {{
          {FILM}.addEventListener('seeked', done, {{once: true}});
          {FILM}.currentTime = time;
        }})""",
        seconds,
    )


def test_a_film_of_another_format_plays_as_a_preview(opened: Callable[..., Any]) -> None:
    page = opened("film.avi", codec="mpeg4", seconds=20)
    expect(page.locator("#note")).to_contain_text(NOT_PLAYED)
    _until(page, f"{FILM}.videoWidth === 64")
    assert page.evaluate(f"{FILM}.duration") == 20
    for seconds in (17.5, 3.5, 10.5):
        _seek(page, seconds)
        shown = _brightness(page)
        assert abs(shown - (30 + 10 * int(seconds))) <= 6, (seconds, shown)
    # Across the border of two parts, without a stop.
    _seek(page, 9.6)
    page.evaluate(f"{FILM}.play()")
    _until(page, f"{FILM}.currentTime > 10.4")
    page.evaluate(f"{FILM}.pause()")
    page.locator("#transcript .row", has_text="scene 3").click()
    _until(page, f"!{FILM}.seeking && {FILM}.currentTime === 15")
    assert abs(_brightness(page) - 180) <= 6
    _seek(page, 19.0)
    page.evaluate(f"{FILM}.play()")
    _until(page, f"{FILM}.ended")


def test_a_film_of_which_only_the_sound_plays_gets_a_preview(opened: Callable[..., Any]) -> None:
    """A browser plays the sound of MPEG-4 in MP4 beside a black picture, and reports no error."""
    page = opened("film.mp4", codec="mpeg4", seconds=4, sound=True)
    expect(page.locator("#note")).to_contain_text(NOT_PLAYED)
    _until(page, f"{FILM}.videoWidth === 64")
    page.evaluate(f"{FILM}.play()")
    _until(page, f"{FILM}.currentTime > 1 && {FILM}.webkitAudioDecodedByteCount > 0")


def test_a_film_that_plays_has_no_preview(opened: Callable[..., Any]) -> None:
    page = opened("film.mp4", seconds=2, sound=True)
    _until(page, f"{FILM}.videoWidth === 64")
    page.evaluate(f"{FILM}.play()")
    _until(page, f"{FILM}.ended")
    assert page.text_content("#note") == "" and page.evaluate(f"{FILM}.src").endswith("/file")


def test_without_a_preview_frames_are_shown_and_it_is_said(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any, **more: Any) -> bytes:
        raise VideoError("film.avi: ten seconds of it take longer than 60 s to encode; frames are shown")

    monkeypatch.setattr(previewing, "preview_part", fails)
    page = opened("film.avi", codec="mpeg4", seconds=6)
    expect(page.locator("#note")).to_contain_text("frames are shown, sound is off. film.avi: ten seconds")
    picture = page.locator("#stage img")
    _until(page, "document.querySelector('#stage img')?.naturalWidth > 0")
    assert page.locator("video").count() == 0
    page.click("#stage button")
    _until(page, "document.querySelector('#stage img').src.includes('t=1.50')")
    page.click("#stage button")
    expect(page.locator("#stage button")).to_have_text("Play frames")
    page.locator("#transcript .row", has_text="scene 1").click()
    expect(picture).to_have_attribute(
        "src", picture.get_attribute("src").split("frame?")[0] + "frame?t=5.00&side=960"
    )
