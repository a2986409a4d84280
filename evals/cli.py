"""`mrvideo eval` and `mrvideo import`: arguments in, a table or JSON out. Light to load: the work is imported
when asked for.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mrvideo.errors import InputError, SettingsError
from mrvideo.settings import OFFLINE, Settings
from mrvideo.wording import counted, rounded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mrvideo.evals.items import Benchmark, Outcome
    from mrvideo.evals.run import Result

BASE = Path(".mrvideo/evals")

EVAL_SETTINGS = (
    "vision",
    "text",
    "base_url",
    "preset",
    "recipe",
    "effort",
    "embed",
    "concurrency",
    "max_images",
    "context_tokens",
    "max_output_tokens",
    "workers",
    "max_cost",
    "max_tokens",
)
"""The settings that `mrvideo eval` takes as options. Its library lies in the folder of the run."""
_QUIET = "Print no progress and no remarks."
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def eval_command(
    benchmark: Annotated[
        str,
        typer.Argument(
            help="lvbench, longvideobench, videomme, egoschema, mlvu, mlvu-generation, vnbench, vuetr, charades, "
            "qvhighlights, momentseeker, videoxum, tvsum, summe, needle, offline."
        ),
    ],
    settings: Settings,
    origins: dict[str, str],
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of your copy; for needle, where to build it; for offline, your films and questions."
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="No model and no network.")] = False,
    subset: Annotated[str | None, typer.Option(help="One category, task or duration, such as long.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first N questions.")] = None,
    subtitles: Annotated[
        bool | None,
        typer.Option("--subtitles/--no-subtitles", help="Give subtitles; the benchmark's way by default."),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Baselines, efforts, recipes and missing parts too.")
    ] = False,
    systems: Annotated[
        str | None,
        typer.Option(
            help="Who answers, parted by commas: ask, find, find-confirm (moments), uniform, no-cast, "
            "no-intention, no-memory. [ask]"
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, max=40, help="Frames of the uniform baseline.")] = 32,
    minutes: Annotated[float, typer.Option(min=0.5, help="needle: length of a haystack.")] = 30.0,
    videos: Annotated[int, typer.Option(min=1, help="needle: how many haystacks.")] = 1,
    seed: Annotated[int, typer.Option(help="needle: another seed, another haystack.")] = 0,
    types: Annotated[
        str | None, typer.Option(help="needle: text, image or all. [text offline, else all]")
    ] = None,
    footage: Annotated[
        list[Path] | None, typer.Option(help="needle: your own video as hay; repeatable.")
    ] = None,
    films: Annotated[
        str | None, typer.Option(help="offline: only these, parted by commas; all by default.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest run of these settings.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Where runs, their library and haystacks are kept.")] = BASE,
    report: Annotated[Path | None, typer.Option(help="Write the HTML page here too.")] = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel="Everywhere", help=_QUIET)] = False,
) -> None:
    """Ask a benchmark's questions and score the answers as its authors do.

    Missing videos, failed calls and answers that cannot be read are counted and shown, never guessed. Exit
    code 1 when there were any.
    """
    named = [name for name in ("vision", "text") if origins[name] == "argument"]
    if offline and named:
        raise SettingsError("--offline means no model: leave out --vision and --text")
    if offline or (benchmark.lower() == "offline" and not named):
        # What the benchmark of this name measures, whatever model the environment names.
        settings = settings.updated(vision=OFFLINE, text=OFFLINE)
    if ablate and systems is not None:
        raise SettingsError("--ablate names its own systems: leave out --systems")
    wanted = _listed(films) or []
    if benchmark.lower() == "offline" and data is None:
        chosen, folder = _films(out, wanted, quiet=quiet)
    else:
        chosen, folder = _data(benchmark, data, settings, out, minutes, videos, seed, types, footage or [])
    _evaluate(
        chosen,
        folder,
        settings,
        out,
        subset=subset,
        limit=limit,
        films=wanted,
        subtitles=chosen.subtitles if subtitles is None else subtitles,
        ablate=ablate,
        systems=_listed(systems),
        frames=frames,
        resume=resume,
        report=report,
        as_json=as_json,
        quiet=quiet,
    )


def import_command(
    captions: Annotated[
        Path, typer.Argument(metavar="CAPTIONS.json", help="A caption file of the paper's release.")
    ],
    settings: Settings,
    origins: dict[str, str],
    video: Annotated[
        Path | None, typer.Argument(metavar="VIDEO", help="The video it belongs to, where you have it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take released captions as a video's index, to be asked without captioning anything.

    Without the video, questions are answered from the captions alone (effort low).
    """
    from mrvideo.captioning.corrections import keep_index
    from mrvideo.evals.released import import_released
    from mrvideo.library import Library

    index = import_released(captions, video)
    with Library.open(settings.library) as kept:
        kept.put_video(index.video)
        keep_index(index, kept)
    name = str(video) if video is not None else index.video.digest[:12]
    if as_json:
        made = {
            "video": name,
            "digest": index.video.digest,
            "scenes": len(index.scenes),
            "entities": len(index.entities),
            "failures": [failure.model_dump(mode="json") for failure in index.failures],
            "library": str(settings.library),
        }
        typer.echo(json.dumps(rounded(made)))
        return
    typer.echo(
        f"{counted(len(index.scenes), 'scene')}, {counted(len(index.entities), 'name')}, "
        f"{counted(len(index.failures), 'gap')} in {settings.library}"
    )
    where = f" --library {shlex.quote(str(settings.library))}" if origins["library"] == "argument" else ""
    typer.echo(f'ask it with: mrvideo ask {shlex.quote(name)} "…"{where}')


def _listed(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _data(
    name: str,
    data: Path | None,
    settings: Settings,
    out: Path,
    minutes: float,
    videos: int,
    seed: int,
    types: str | None,
    footage: list[Path],
) -> tuple[Benchmark, Path]:
    if name.lower() != "needle":
        from mrvideo.evals.tasks import find_benchmark

        chosen = find_benchmark(name)
        if data is None:
            raise InputError(f"--data is missing: the folder of your copy of {chosen.title}")
        return chosen, data
    from mrvideo.evals.needle import BENCHMARK, build_needles
    from mrvideo.evals.run import offline_only

    wanted = types or ("text" if offline_only(settings) else "all")
    if wanted not in ("text", "image", "all"):
        raise InputError(f"--types is text, image or all, not {wanted!r}")
    folder = data or out / "haystacks" / f"{wanted}-{minutes:g}min-{videos}x-seed{seed}"
    return BENCHMARK, build_needles(
        folder, minutes=minutes, seed=seed, videos=videos, types=wanted, footage=footage
    )


def _films(out: Path, films: list[str], *, quiet: bool) -> tuple[Benchmark, Path]:
    """The held-out set, its films drawn where they are not there yet."""
    from mrvideo.evals.offline import BENCHMARK, build_films

    def said(name: str) -> None:
        if not quiet:
            typer.echo(f"drawing {name}", err=True)

    return BENCHMARK, build_films(out / "offline", films=films, on_film=said)


def _evaluate(
    chosen: Benchmark,
    folder: Path,
    settings: Settings,
    out: Path,
    *,
    subset: str | None,
    limit: int | None,
    films: list[str],
    subtitles: bool,
    ablate: bool,
    systems: list[str] | None,
    frames: int,
    resume: bool,
    report: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    from rich.console import Console

    from mrvideo.evals.plots import check_installed
    from mrvideo.evals.report import write_report
    from mrvideo.evals.run import Plan, run, summary
    from mrvideo.evals.systems import ablations, check_fit, named
    from mrvideo.evals.tasks import choose

    remarks = Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False)
    if report is not None:
        check_installed()  # Not after hours of answering.
    questions = choose(
        chosen, chosen.load(folder, subtitles=subtitles), subset=subset, limit=limit, videos=films
    )
    chosen_systems = (
        ablations(settings.effort, settings.recipe, frames=frames)
        if ablate
        else named(("ask",) if systems is None else systems, settings.effort, settings.recipe, frames=frames)
    )
    check_fit(chosen_systems, questions, sees=settings.vision_model != OFFLINE)
    asked = {"data": str(folder.resolve()), "subset": subset, "limit": limit}
    if films:
        asked["films"] = ",".join(films)
    plan = Plan(chosen, questions, chosen_systems, settings, subtitles, asked)

    def done(count: int, total: int, outcome: Outcome) -> None:
        remarks.print(
            f"{count}/{total} {outcome.system}: {outcome.id} {outcome.status} {outcome.reason}".rstrip()
        )

    result = run(plan, out, resume=resume, on_done=done)
    try:
        write_report(result, result.folder / "report.html")
        if report is not None:
            write_report(result, report)
    except InputError as error:
        if report is not None:
            raise
        remarks.print(str(error))
    if as_json:
        typer.echo(json.dumps(rounded(summary(result)), ensure_ascii=False))
    else:
        _print(result)
    ended = {status for scores in result.scores for status in scores.statuses}
    raise typer.Exit(1 if ended & {"missing", "failed", "unparsed"} else 0)


def _print(result: Result) -> None:
    """One system: all its numbers, one a line. Several: one row each, then their facets side by side."""
    from rich.console import Console
    from rich.table import Table

    from mrvideo.evals.report import percent
    from mrvideo.evals.run import spent

    console = Console(highlight=False, markup=False, emoji=False)
    console.print(
        f"{result.plan.benchmark.title}: {counted(len(result.plan.questions), 'question')}, in %, ± standard error"
    )
    metrics = dict.fromkeys(name for scores in result.scores for name in scores.metrics)
    evidence = dict.fromkeys(name for scores in result.scores for name in scores.evidence)
    statuses = dict.fromkeys(status for scores in result.scores for status in scores.statuses)
    columns: dict[str, list[str]] = {}
    for scores in result.scores:
        spend = spent(result, scores.system)
        cells = columns[scores.system] = []
        cells += [percent(scores.metrics[name]) if name in scores.metrics else "" for name in metrics]
        cells += [percent(scores.evidence[name]) if name in scores.evidence else "" for name in evidence]
        cells += [str(scores.statuses.get(status, 0)) for status in statuses]
        cells += [str(scores.guessed), *(_amount(spend[name]) for name in _SPENT)]
    heads = [*metrics, *(f"evidence: {name}" for name in evidence), *statuses, "guessed", *_SPENT.values()]
    _table(console, Table(box=None, pad_edge=False), heads, columns)
    values = dict.fromkeys((f, v) for s in result.scores for f, held in s.facets.items() for v in held)
    told = {facet for s in result.scores for facet in s.tables}
    values = {(f, v): None for f, v in values if f not in told}
    facets = {
        s.system: [percent(s.facets[f][v]) if v in s.facets.get(f, {}) else "" for f, v in values]
        for s in result.scores
    }
    _table(console, Table(box=None, pad_edge=False), [f"{facet}: {value}" for facet, value in values], facets)
    for scores in result.scores:
        for facet, rows in scores.tables.items():
            _breakdown(console, Table(box=None, pad_edge=False), facet, rows)
    for name, published in result.plan.benchmark.published.items():
        console.print(
            f"published, {name}: " + ", ".join(f"{key} {value}" for key, value in published.items())
        )
    console.print(f"kept in {result.folder}")


def _breakdown(
    console: Console, table: Table, facet: str, rows: dict[str, dict[str, int | float | None]]
) -> None:
    from mrvideo.evals.report import share

    console.print()
    table.add_column(facet)
    for column in next(iter(rows.values())) if rows else ():
        # Only headings of several words may be broken.
        table.add_column(column, justify="right", no_wrap=" " not in column)
    for value, row in rows.items():
        table.add_row(value, *(share(cell) for cell in row.values()))
    console.print(table)


_SPENT = {
    "questions_paid": "paid",
    "seconds_per_question": "seconds a question",
    "calls_per_question": "calls a question",
    "input_tokens_per_question": "tokens in a question",
    "output_tokens_per_question": "tokens out a question",
    "cost_per_question": "$ a question",
    "captioning_seconds_per_hour": "captioning: seconds a video hour",
    "captioning_cost_per_hour": "captioning: $ a video hour",
    "captioning_failures": "captioning: clips lost",
}


def _amount(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"


def _table(console: Console, table: Table, heads: list[str], columns: dict[str, list[str]]) -> None:
    """Numbers as rows, systems as columns with a number where their names would not fit."""
    if not heads:
        return
    console.print()
    table.add_column("")
    many = len(columns) > 2
    for place, system in enumerate(columns, start=1):
        table.add_column(f"[{place}]" if many else system, justify="right", no_wrap=True)
    for row, head in enumerate(heads):
        table.add_row(head, *(cells[row] for cells in columns.values()))
    if many:
        console.print(", ".join(f"[{place}] {system}" for place, system in enumerate(columns, start=1)))
    console.print(table)
