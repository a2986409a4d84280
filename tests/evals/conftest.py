import json

import pytest

from mrvideo.evals.items import Outcome
from mrvideo.records import Span


@pytest.fixture
def folder(tmp_path):
    """Writes a data folder: annotation files by name, and empty files that stand for videos."""

    def make(files, videos=()):
        for name, rows in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(rows, str):
                path.write_text(rows, encoding="utf-8")
            elif name.endswith(".jsonl"):
                path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
            else:
                path.write_text(json.dumps(rows), encoding="utf-8")
        for name in videos:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


@pytest.fixture
def outcome():
    """An outcome for a question: an index is a choice, spans are times, a word is a status."""

    def make(question, made, *, cited=(), system="s"):
        fields = {"id": question.id, "system": system, "video": question.video}
        if made == "missing" or question.path is None:
            return Outcome(**fields, status="missing")
        if isinstance(made, str):
            return Outcome(**fields, status=made)
        if isinstance(made, int):
            return Outcome(**fields, status="answered", choice=made, spans=tuple(Span(*s) for s in cited))
        return Outcome(**fields, status="answered", spans=tuple(Span(*s) for s in made))

    return make
