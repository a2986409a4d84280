"""The notebooks run top to bottom offline, and what is committed is what their sources say, with outputs."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
NAMES = sorted(path.stem for path in (NOTEBOOKS / "source").glob("*.py"))


@pytest.fixture(scope="session")
def build() -> Any:
    spec = importlib.util.spec_from_file_location("notebooks_build", NOTEBOOKS / "build.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules["notebooks_build"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_five() -> None:
    assert len(NAMES) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_is_its_source_with_outputs(name: str, build: Any) -> None:
    kept = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(kept)
    source = build.read_source(NOTEBOOKS / "source" / f"{name}.py")
    assert [(c.cell_type, c.source) for c in kept.cells] == [(c.cell_type, c.source) for c in source.cells]
    outputs = [output for cell in kept.cells for output in cell.get("outputs", [])]
    assert not any(output.output_type == "error" for output in outputs)
    pictures = sum(
        "image/png" in data or "image/jpeg" in data or "data:image/jpeg" in data.get("text/html", "")
        for data in (output.get("data", {}) for output in outputs)
    )
    assert pictures, "nothing worth looking at"


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_holds_no_path_of_the_machine_that_made_it(name: str) -> None:
    text = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
    for folder in ("/tmp/", "/root/", "/home/", "/Users/", "site-packages"):
        assert folder not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(
    name: str, build: Any, indexed_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(indexed_demo / ".mrvideo", tmp_path / "kept")
    monkeypatch.setenv("MRVIDEO_LIBRARY", str(tmp_path / "kept" / "library.db"))
    # The kernel's files: where it finds this environment's own kernel, and nothing of the person who runs it.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    done = build.execute(
        build.read_source(NOTEBOOKS / "source" / f"{name}.py"), tmp_path, timeout_seconds=240
    )
    kept = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)

    def shapes(notebook: Any) -> list[list[str]]:
        return [
            sorted({kind for o in c.get("outputs", []) for kind in o.get("data", {"stream": ""})})
            for c in notebook.cells
        ]

    assert shapes(done) == shapes(kept)
