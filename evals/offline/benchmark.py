"""Questions about the generated films, or about footage of one's own, and their score.

A folder holds films and one `questions.jsonl`. A line of it:

    id, film, language, kind, question     film is the file's name without its ending
    answerable                             false: the film does not tell, to who reads and hears it
    accepted, rejected                     words, see `matching.says`; of an unanswerable one: ways to deny it
    options, right                         right is the 0-based index
    windows                                [[start, stop]]: the time asked for, in seconds
    seconds                                the length asked for
    spans                                  [[start, stop]]: where the answer can be read or heard; any one will do
    words                                  what stands or is said there
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError
from mrvideo.evals.counting import is_right, statuses
from mrvideo.evals.files import VideoFolder, find_file, need, read_rows, spans_of
from mrvideo.evals.items import Answered, Benchmark, Outcome, Question, Scores
from mrvideo.evals.offline.films import FILMS
from mrvideo.evals.scorers import clustered_mean

QUESTIONS = "questions.jsonl"
SHIPPED = "harbour"
"""The demo film, which lies in the repository and is not generated."""
SURE = 4
"""From this confidence on, an answer claims to be right."""
WRONG_AND_SURE = f"wrong at ≥ {SURE}"

_SUBTITLES = (".srt", ".vtt", ".ass")
_FIELDS = frozenset(
    [
        "id",
        "film",
        "language",
        "kind",
        "question",
        "answerable",
        "accepted",
        "rejected",
        "options",
        "right",
        "windows",
        "seconds",
        "spans",
        "words",
    ]
)


def build_films(
    base: Path, *, films: Sequence[str] = (), on_film: Callable[[str], None] | None = None
) -> Path:
    """A folder below `base` with the films and their questions; what is there is kept, what changed gets a
    new folder.

    `films` names those that are needed; all by default. Raises `InputError` for a name that is none of them.
    """
    known = (*FILMS, SHIPPED)
    if unknown := [name for name in films if name not in known]:
        raise InputError(f"offline has no film {unknown[0]!r}; there are {', '.join(known)}")
    folder = base / f"films-{_digest()}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in films or known:
        if name == SHIPPED:
            _copy_demo(folder)
        elif not (folder / f"{name}.mp4").exists():
            if on_film is not None:
                on_film(name)
            FILMS[name].write(folder)
    (folder / QUESTIONS).write_text(question_file(), encoding="utf-8")
    return folder


def question_file() -> str:
    """The set's own questions, as JSON Lines."""
    return resources.files("mrvideo.evals.offline").joinpath(QUESTIONS).read_text(encoding="utf-8")


def _copy_demo(folder: Path) -> None:
    """The demo film beside the others. An installed package has none: its questions count as missing."""
    demo = Path(__file__).resolve().parents[2] / "demo"
    for ending in (".srt", ".mp4"):
        if (demo / f"{SHIPPED}{ending}").exists():
            partial = folder / f".{SHIPPED}{ending}.partial"
            shutil.copy(demo / f"{SHIPPED}{ending}", partial)
            partial.replace(folder / f"{SHIPPED}{ending}")


def _digest() -> str:
    """Of all code that draws, so that a changed film is not taken from the cache."""
    here = Path(__file__).resolve().parent
    drawing = [here / f"{name}.py" for name in ("film", "lettering", "scenery")]
    code = hashlib.sha256()
    for path in (*drawing, *sorted((here / "films").glob("*.py"))):
        code.update(path.read_bytes())
    return code.hexdigest()[:12]


def load(data: Path, *, subtitles: bool) -> tuple[Question, ...]:
    """The questions of a folder. Raises `InputError` for a row without a truth, or with a field that there is
    not.
    """
    path = find_file(data, QUESTIONS, "*questions*.jsonl")
    videos = VideoFolder(data)
    return tuple(_question(row, path, videos, subtitles=subtitles) for row in read_rows(path))


def _question(row: dict[str, Any], path: Path, videos: VideoFolder, *, subtitles: bool) -> Question:
    name = str(need(row, "id", path))
    if unknown := sorted(set(row) - _FIELDS):
        raise InputError(f"{path}: {name} has a field {unknown[0]!r}; there are {', '.join(sorted(_FIELDS))}")
    answerable = need(row, "answerable", path) is True
    options = tuple(str(option) for option in row.get("options") or ())
    truths = [row.get("right") if options else row.get("accepted"), row.get("windows"), row.get("seconds")]
    if answerable and all(truth in (None, [], ()) for truth in truths):
        raise InputError(
            f"{path}: {name} is answerable and has no truth: give accepted, right, windows or seconds"
        )
    film = str(need(row, "film", path))
    found = videos.find(film)
    beside = [Path(found).with_suffix(ending) for ending in _SUBTITLES] if found and subtitles else []
    return Question(
        id=name,
        kind="open" if answerable else "absent",
        video=film,
        path=found,
        text=str(need(row, "question", path)),
        options=options,
        right=row.get("right") if answerable else None,
        accepted=tuple(map(str, row.get("accepted") or ())),
        rejected=tuple(map(str, row.get("rejected") or ())),
        seconds=row.get("seconds"),
        windows=spans_of(row.get("windows") or []),
        key_spans=spans_of(row.get("spans") or []),
        facets={
            "kind": (str(need(row, "kind", path)),),
            "language": (str(need(row, "language", path)),),
            "film": (film,),
        },
        duration_seconds=FILMS[film].duration_seconds if film in FILMS else None,
        subtitles=next((str(each) for each in beside if each.exists()), None),
    )


def score(system: str, answered: Answered) -> Scores:
    """How much of what was answered is right, how much of what can be answered was, and how often nothing was
    found there.

    precision    right of those answered (an unanswerable one that is answered is wrong)
    recall       right of those that can be answered
    false finds  answered of those that cannot
    """
    present = [(q, o) for q, o in answered if o.status not in ("missing", "failed")]
    metrics = {
        name: clustered_mean([value for _, value in held], [q.video for q, _ in held])
        for name, held in _shares(present).items()
    }
    facets = {
        facet: {
            value: clustered_mean([v for _, v in held], [q.video for q, _ in held])
            for value, rows in _groups(present, facet).items()
            if (held := _shares(rows)["recall"])
        }
        for facet in ("kind", "language", "film")
    }
    tables = {
        "all": {"all": _row(present)},
        **{
            facet: {value: _row(rows) for value, rows in _groups(present, facet).items()}
            for facet in ("kind", "language", "film")
        },
    }
    return Scores(
        system=system,
        headline="recall",
        metrics=metrics,
        facets=facets,
        statuses=statuses(answered),
        guessed=sum(o.guessed for _, o in answered),
        tables=tables,
    )


def wrong_and_sure(question: Question, outcome: Outcome) -> bool:
    """A wrong answer that claims to be right."""
    answered = outcome.status in ("answered", "unparsed")
    return answered and (outcome.confidence or 0) >= SURE and not is_right(question, outcome)


def _shares(items: Answered) -> dict[str, list[tuple[Question, float]]]:
    rights = [(q, o, is_right(q, o)) for q, o in items]
    given = [(q, float(right)) for q, o, right in rights if o.status != "not_found"]
    there = [(q, float(right)) for q, _, right in rights if q.kind != "absent"]
    finds = [(q, float(not right)) for q, _, right in rights if q.kind == "absent"]
    return {"precision": given, "recall": there, "false finds": finds}


def _groups(items: Answered, facet: str) -> dict[str, list[tuple[Question, Outcome]]]:
    groups: dict[str, list[tuple[Question, Outcome]]] = {}
    for question, outcome in items:
        for value in question.facets[facet]:
            groups.setdefault(value, []).append((question, outcome))
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def _row(items: Answered) -> dict[str, int | float | None]:
    shares = {
        name: sum(value for _, value in held) / len(held) if held else None
        for name, held in _shares(items).items()
    }
    return {
        "asked": len(items),
        "answerable": sum(q.kind != "absent" for q, _ in items),
        "answered": sum(o.status != "not_found" for _, o in items),
        **shares,
        WRONG_AND_SURE: sum(wrong_and_sure(q, o) for q, o in items),
    }


BENCHMARK = Benchmark(name="offline", title="Held-out films", load=load, score=score, subtitles=True)
