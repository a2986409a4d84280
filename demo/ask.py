"""Asks the demo film three questions through the SDK and prints the answers with what they rest on.

    python demo/ask.py [VIDEO]

Without settings this runs with the offline model: no key, no network.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

import mrvideo
from mrvideo.records import Answer, clock

QUESTIONS: tuple[tuple[str, list[str] | None], ...] = (
    ("Which word stands on the tag of the key?", ["K-17", "K-38", "B-38", "K-83"]),
    (
        "In which order do these texts appear?",
        ["77 STEPS UP, NO SWIMMING, KITTIWAKE", "KITTIWAKE, NO SWIMMING, 77 STEPS UP"],
    ),
    ("What will Mara bring to Ben tonight?", None),
)


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


def main() -> None:
    """Index the film (at once when that was done before), then ask."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "harbour.mp4"
    console = Console()
    video = mrvideo.index(path)
    console.print(f"[bold]{path.name}[/bold]: {len(video.scenes)} scenes", highlight=False)
    for question, options in QUESTIONS:
        show(console, video.ask(question, options=options))


if __name__ == "__main__":
    main()
