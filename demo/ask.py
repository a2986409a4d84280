"""Asks the demo film questions through the SDK and prints the answers with what they rest on.

    python demo/ask.py [VIDEO]                                   what is read without a model, then what one that sees has answered
    python demo/ask.py --record MODEL [--base-url URL] [VIDEO]   record the latter anew, in demo/recorded.jsonl

Without settings the first part runs with the offline model. The second answers from the recording, where
there is one: no key, no network in either.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import mrvideo
from mrvideo.errors import ModelError, SettingsError
from mrvideo.records import Answer, Event, Notice, clock
from mrvideo.settings import Settings, load_settings

RECORDED = Path(__file__).parent / "recorded.jsonl"

QUESTIONS: tuple[tuple[str, list[str] | None], ...] = (
    ("Which word stands on the tag of the key?", ["K-17", "K-38", "B-38", "K-83"]),
    (
        "In which order do these texts appear?",
        ["77 STEPS UP, NO SWIMMING, KITTIWAKE", "KITTIWAKE, NO SWIMMING, 77 STEPS UP"],
    ),
    ("What will Mara bring to Ben tonight?", None),
)

SEEN: tuple[tuple[str, list[str] | None], ...] = (
    *QUESTIONS,
    ("What does Mara wear?", None),
    ("Which animals are shown, and where?", None),
    ("How does the film end?", None),
)
"""What a model that sees is asked. Whoever changes them records anew: CONTRIBUTING.md says how."""


def show(console: Console, answer: Answer) -> None:
    """One answer: the question, what was found, and a row for each piece of evidence."""
    console.print(f"\n[bold]{answer.question}[/bold]", highlight=False)
    for number, option in enumerate(answer.options):
        mark = "[green]●[/green]" if number == answer.choice else "○"
        console.print(f"  {mark} {option}", highlight=False)
    words = answer.answer if answer.answer is not None else f"not found in the video. {answer.searched}"
    checked = answer.checks
    console.print(f"[cyan]{words}[/cyan]  (confidence {answer.confidence} of 5, {checked})", highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    for heading in ("when", "from", "what stands there"):
        table.add_column(heading)
    for piece in answer.evidence:
        span = f"{clock(piece.start_seconds)}–{clock(piece.stop_seconds)}"
        table.add_row(span, piece.source, piece.quote)
    if answer.evidence:
        console.print(table)


def ask_all(
    console: Console,
    path: Path,
    questions: tuple[tuple[str, list[str] | None], ...],
    **options: Any,
) -> None:
    """Index the film (at once when that was done before), then ask."""

    def told(event: Event) -> None:
        if isinstance(event, Notice):
            console.print(event.text, style="dim", highlight=False, markup=False)

    video = mrvideo.index(path, on_event=told, **options)
    console.print(f"[bold]{path.name}[/bold]: {len(video.scenes)} scenes", highlight=False)
    for question, choices in questions:
        answer = video.ask(question, options=choices, on_event=told)
        show(console, answer)
        if "settings" in options:
            console.print(
                f"answered by {answer.models['vision']}", style="dim", highlight=False, markup=False
            )


def replay(console: Console, path: Path, recorded: Path = RECORDED) -> None:
    """What a vision model answered when it was recorded. A recording that does not fit any more is told, and
    is no fault.
    """
    console.print(
        "\n[bold]Recorded[/bold]: what a vision model answered, played back without key and network",
        highlight=False,
    )
    with tempfile.TemporaryDirectory(prefix="mrvideo-demo-") as folder:
        # Not those of the environment: requests have to come out as they were recorded.
        settings = Settings(vision=f"replay:{recorded}", library=Path(folder) / "library.db")
        try:
            ask_all(console, path, SEEN, settings=settings)
        except (ModelError, SettingsError) as error:
            console.print(str(error), style="dim", highlight=False, markup=False)


def record(console: Console, path: Path, model: str, base_url: str | None, recorded: Path = RECORDED) -> None:
    """Ask a live model the same, and add its replies to the recording."""
    settings = load_settings(vision=model, base_url=base_url, record=recorded)
    ask_all(console, path, SEEN, settings=settings)


def main() -> None:
    """Both parts, or a new recording."""
    parser = argparse.ArgumentParser(description="Ask the demo film.")
    parser.add_argument("video", nargs="?", type=Path, default=Path(__file__).parent / "harbour.mp4")
    parser.add_argument("--record", metavar="MODEL", help="such as openai:gpt-5-mini")
    parser.add_argument("--base-url", metavar="URL")
    given = parser.parse_args()
    console = Console()
    if given.record is not None:
        record(console, given.video, given.record, given.base_url)
        return
    ask_all(console, given.video, QUESTIONS)
    if RECORDED.is_file():
        replay(console, given.video)


if __name__ == "__main__":
    main()
