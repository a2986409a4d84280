"""Takes the pictures of the documentation: the viewer and a report over the demo film, in Debian's chromium.

python docs/screenshots.py      writes docs/viewer.webp, viewer-narrow.webp and report.webp; without a model
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).resolve().parent
DEMO = DOCS.parent / "demo"
QUESTION = "What is written on the ferry's sign?"
QUERY = "the key of the boat"
MOST_BYTES = 300_000
"""Of all pictures together: a page of documentation loads at once."""


def main() -> int:
    """Take them all. Raises `RuntimeError` where no chromium is, or they are too large."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("no chromium; python3 .ci/install_chromium.py installs Debian's")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        for suffix in (".mp4", ".srt"):
            shutil.copy(DEMO / f"harbour{suffix}", folder)
        _mrvideo(folder, "index", "harbour.mp4", "-q")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        viewer = subprocess.Popen(
            [sys.executable, "-m", "mrvideo", "view", "harbour.mp4", "--no-open"],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert viewer.stderr is not None
            address = viewer.stderr.readline().split()[0]
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            _ask(page, address)
            _keep(page, "viewer")
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 390, "height": 844})
            page.evaluate("scrollTo(0, 0)")
            _keep(page, "viewer-narrow")
        finally:
            viewer.terminate()
            viewer.wait(30)
        _mrvideo(folder, "ask", "harbour.mp4", QUESTION, "-q", "--report", "report.html")
        page = browser.new_page(viewport={"width": 980, "height": 640})
        page.goto((folder / "report.html").as_uri())
        _keep(page, "report")
        browser.close()
    size = sum((DOCS / f"{name}.webp").stat().st_size for name in ("viewer", "viewer-narrow", "report"))
    if size > MOST_BYTES:
        raise RuntimeError(f"the pictures take {size:,} bytes, more than {MOST_BYTES:,}; take smaller ones")
    return 0


def _mrvideo(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "mrvideo", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )


def _ask(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#transcript .row")
    page.click("#write")
    page.locator("#chapters li").first.wait_for()
    page.fill("#query", QUERY)
    page.press("#query", "Enter")
    page.locator("#moments .chip").first.wait_for()
    page.fill("#question", QUESTION)
    page.click("#go")
    page.wait_for_selector("#events li:has-text('checking: finished')")
    chip = page.locator("#answers .chip").first
    chip.click()
    # The still picture of the span, not wherever playing has come to.
    page.evaluate("document.querySelector('video').pause()")
    page.evaluate(
        "new Promise(done => { const film = document.querySelector('video');"
        " film.seeking ? film.addEventListener('seeked', done, {once: true}) : done(); })"
    )
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.mouse.move(0, 0)
    page.evaluate("new Promise(requestAnimationFrame)")


def _keep(page: Page, name: str) -> None:
    taken: Any = Image.open(io.BytesIO(page.screenshot()))
    taken.convert("RGB").save(DOCS / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    sys.exit(main())
