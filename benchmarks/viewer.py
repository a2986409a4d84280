"""Does the viewer stay quick over an index of ten hours? Prints each figure beside its limit; takes a minute.

    python benchmarks/viewer.py

3,600 scenes, 7,200 cues and a cast of forty, without a film or a model, served by `mrvideo view` in a process
of its own and opened in Debian's chromium. Exit code 1 where a limit is passed.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from mrvideo.library import Library
from mrvideo.records import Cue, Entity, Index, Mention, Scene, Shot, VideoInfo

SCENES = 3600
SECONDS = 10.0 * SCENES
CAST = 40
LOADS = 5
MORE_LOADS = 20

FIRST_PAINT_MS = 1500
LONGEST_TASK_MS = 50
"""A browser tells of no shorter ones: 0 is none at all."""
MOST_NODES = 500
MOST_GROWTH = 1.25
"""Of the server's memory, from its fifth page to its twenty-fifth."""


def ten_hours() -> Index:
    """An index as a model may have captioned it."""
    names = [f"person_{n + 1}" for n in range(CAST)]
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=10.0 * n,
            stop_seconds=10.0 * n + 10,
            brief=f"<{names[n % CAST]}> walks.",
            detailed=f"Scene {n}: <{names[n % CAST]}> walks along the quay and looks at the boats. " * 3,
            entity_names=(names[n % CAST],),
        )
        for n in range(SCENES)
    )
    cues = tuple(
        Cue(start_seconds=5.0 * n, stop_seconds=5.0 * n + 4, text=f"line {n}", speaker=f"speaker_{n % 4}")
        for n in range(2 * SCENES)
    )
    mentions = tuple(
        Mention(
            start_seconds=10.0 * n, stop_seconds=SECONDS, shard_index=0, name=f"person_{n}", kind="person",
            description="somebody in a coat", exemplar_seconds=10.0 * n + 5,
        )
        for n in range(CAST)
    )  # fmt: skip
    cast = tuple(
        Entity(
            name=name, kind="person", description="somebody in a coat", exemplar_seconds=10.0 * n + 5,
            mention_ids=(mentions[n].mention_id,), scene_indexes=tuple(range(n, SCENES, CAST)),
        )
        for n, name in enumerate(names)
    )  # fmt: skip
    shots = tuple(Shot(start_seconds=5.0 * n, stop_seconds=5.0 * n + 5) for n in range(2 * SCENES))
    info = VideoInfo(
        digest="ef" * 32, path="/videos/ten-hours.mp4", duration_seconds=SECONDS, width=1280, height=720,
        frames_per_second=25.0, codec="h264", has_audio=True, size_bytes=1,
    )  # fmt: skip
    return Index(key="k", video=info, scenes=scenes, cues=cues, entities=cast, mentions=mentions, shots=shots)


def memory_of(process: int) -> int:
    """Resident bytes of a process."""
    told = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", told)[0])


def opened(page: Page, address: str) -> float:
    """Opens the page; milliseconds until its first row of captions is painted."""
    page.goto(address)
    page.locator("#transcript .row").first.wait_for()
    # Counted from when the page was asked for.
    return page.evaluate("new Promise(requestAnimationFrame).then(() => performance.now())")


def scrolled(page: Page) -> tuple[int, float]:
    """Most nodes in the page's lists, and the longest task in milliseconds, while all of it is scrolled."""
    return tuple(
        page.evaluate(
            """async () => {
              let longest = 0;
              new PerformanceObserver(list => {
                for (const one of list.getEntries()) longest = Math.max(longest, one.duration);
              }).observe({type: 'longtask'});
              const box = document.getElementById('transcript');
              let nodes = 0;
              for (let top = 0; top < box.scrollHeight; top += box.scrollHeight / 300) {
                box.scrollTop = top;
                await new Promise(requestAnimationFrame);
                await new Promise(requestAnimationFrame);
                const lists = document.querySelectorAll('#transcript *, #cast *, #answers *, #chapters *, #lanes *');
                nodes = Math.max(nodes, lists.length);
              }
              return [nodes, longest];
            }"""
        )
    )


def moved(page: Page) -> float:
    """The longest task in milliseconds while the player goes from place to place: what follows it is redrawn."""
    return page.evaluate(
        """async () => {
          let longest = 0;
          new PerformanceObserver(list => {
            for (const one of list.getEntries()) longest = Math.max(longest, one.duration);
          }).observe({type: 'longtask'});
          for (let n = 0; n < 100; n++) {
            location.hash = 't=' + (n * 357 % 36000);
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
          }
          return longest;
        }"""
    )


def main() -> int:
    """Measure, print, and compare."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium; python3 .ci/install_chromium.py installs Debian's", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        library = Path(name) / "library.db"
        with Library.open(library) as kept:
            kept.put_index(ten_hours())
        viewer = subprocess.Popen(
            [sys.executable, "-m", "mrvideo", "view", "ef" * 32, "--no-open", "--library", str(library)],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert viewer.stderr is not None
            entrance = viewer.stderr.readline().split()[0]
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            opened(page, entrance)
            address = entrance.partition("?")[0]
            paints = [opened(page, address) for _ in range(LOADS)]
            before = memory_of(viewer.pid)
            nodes, longest = scrolled(page)
            longest_moved = moved(page)
            for _ in range(MORE_LOADS):
                opened(page, address)
            growth = memory_of(viewer.pid) / before
            browser.close()
        finally:
            viewer.terminate()
            viewer.wait(30)
    figures: list[tuple[str, float, float, str]] = [
        ("first captions painted, median", statistics.median(paints), FIRST_PAINT_MS, "ms"),
        ("first captions painted, worst", max(paints), FIRST_PAINT_MS, "ms"),
        ("longest task while scrolling", longest, LONGEST_TASK_MS, "ms"),
        ("longest task while playing moves on", longest_moved, LONGEST_TASK_MS, "ms"),
        ("nodes in the page's lists", nodes, MOST_NODES, ""),
        (f"server's memory after {MORE_LOADS} more pages", growth, MOST_GROWTH, "times"),
    ]
    print(f"{SCENES:,} scenes, {2 * SCENES:,} cues, {CAST} in the cast, {os.cpu_count()} cores")
    for told, found, limit, unit in figures:
        print(f"{told:38} {found:8.2f} of {limit:7.2f} {unit:6} {found / limit:5.2f}")
    return int(any(found > limit for _, found, limit, _ in figures))


if __name__ == "__main__":
    sys.exit(main())
