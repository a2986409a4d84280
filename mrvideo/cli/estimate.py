"""`mrvideo estimate`: what indexing and asking would take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mrvideo.cli.options import FETCHING, JsonFlag, VideoArgument
from mrvideo.cli.output import print_json, print_lines, print_table
from mrvideo.cli.streams import DONE
from mrvideo.records import clock
from mrvideo.settings import Settings
from mrvideo.wording import plain, stage_label

if TYPE_CHECKING:
    from mrvideo.session.estimating import StageCost

SETTINGS = (
    "vision",
    "verify_model",
    "text",
    "embed",
    "embed_text",
    "detail",
    "base_url",
    "preset",
    "reader",
    "language",
    *FETCHING,
    "library",
    "max_images",
    "context_tokens",
)


def estimate(video: VideoArgument, settings: Settings, as_json: JsonFlag = False) -> int:
    """Estimate the calls, images, tokens and cost of indexing and asking.

    Calls no model and writes nothing.
    """
    from mrvideo.session.estimating import estimate_index

    found = estimate_index(video, settings)
    if as_json:
        print_json(found.model_dump())
        return DONE
    length = clock(found.video.duration_seconds)
    print_lines([f"{plain(video)}: {length} long; vision {found.vision}, text {found.text}"])
    for recipe, stages in found.recipes.items():
        _print_costs(f"index, recipe {recipe}", stages.values(), passes=True)
    if found.embedded_frames:
        frames = f"about {found.embedded_frames:,} frames become vectors"
        print_lines([f"index, --embed {settings.embed}: {frames} on this machine, without a call"])
    _print_costs("one question, by effort, from", found.question.values(), passes=False)
    _print_costs("one question, by effort, to", found.question_most.values(), passes=False)
    print_lines([f"assumed: {found.assumptions}", *([found.note] if found.note else [])])
    return DONE


def _print_costs(title: str, rows: Iterable[StageCost], *, passes: bool) -> None:
    headings = [
        "stage",
        "calls",
        "images",
        *(["passes"] if passes else []),
        "tokens in",
        "tokens out",
        "cost",
    ]
    print_table(
        headings,
        [
            [
                stage_label(row.stage),
                f"{row.calls:,}",
                f"{row.images:,}",
                *([f"{row.passes:.2f}"] if passes else []),
                f"{row.input_tokens:,}",
                f"{row.output_tokens:,}",
                "unknown" if row.cost is None else f"${row.cost:.4f}",
            ]
            for row in rows
        ],
        title=title,
    )
