"""An index as text: what no caption tells of is told, too."""

from __future__ import annotations

from support.films import video_info

from mrvideo.records import Cue, Failure, Index, Scene
from mrvideo.session.exporting import export_index


def _index(*failures: Failure) -> Index:
    return Index(
        key="k",
        video=video_info(30.0),
        scenes=(Scene(index=0, start_seconds=0, stop_seconds=20, brief="A gate.", detailed="A gate opens."),),
        cues=(Cue(start_seconds=1, stop_seconds=2, text="Good morning"),),
        failures=failures,
    )


def test_markdown_ends_with_what_was_not_seen_and_why() -> None:
    failures = (
        Failure(start_seconds=20, stop_seconds=24, stage="open", reason="no *picture* here\n# it ended"),
        Failure(start_seconds=28, stop_seconds=30, stage="open", reason="cut short"),
    )
    text = export_index(_index(*failures), "md")
    assert text.partition("## Not seen")[2] == (
        "\n\n- 0:20.0–0:24.0: no \\*picture\\* here \\# it ended\n- 0:28.0–0:30.0: cut short\n"
    )


def test_markdown_of_a_film_seen_whole_says_nothing_of_it() -> None:
    text = export_index(_index(), "md")
    assert "Not seen" not in text
    assert text.endswith("## Speech\n\n- 0:01.0–0:02.0: Good morning\n")
