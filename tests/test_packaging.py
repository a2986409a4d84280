"""An install puts one name into site-packages, and works beside a stranger who owns `agents`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from support.films import part_of

import mrvideo

pytestmark = pytest.mark.slow

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_package_is_listed(repository: Path) -> None:
    listed = set(tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = [("mrvideo", repository / "mrvideo")]
    folders += [(f"mrvideo.{name}", repository / name) for name in ("agents", "evals", "prompts")]
    found = set()
    for prefix, folder in folders:
        for init in folder.rglob("__init__.py"):
            parts = init.parent.relative_to(folder).parts
            if prefix == "mrvideo" and parts[:1] in (("agents",), ("evals",), ("prompts",)):
                continue
            found.add(".".join((prefix, *parts)))
    assert found == listed


def test_what_runs_models_in_this_process_is_optional(repository: Path) -> None:
    """A plain install stays small: torch alone is gigabytes, and decord has no wheel for many machines."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^\w-]", requirement, maxsplit=1)[0] for requirement in requirements}

    heavy = {"torch", "torchvision", "transformers", "accelerate", "llguidance", "decord"}
    assert names(project["dependencies"]).isdisjoint(heavy)
    extras = project["optional-dependencies"]
    assert names(extras["local"]) | names(extras["decord"]) == heavy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, as an index would serve it."""
    root = Path(__file__).resolve().parent.parent
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, root, cwd=root)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} <= {"mrvideo", "mrvideo-0.1.0.dist-info"}
    for needed in (
        "mrvideo/py.typed",
        "mrvideo/prompts/answer.md",
        "mrvideo/agents/ask/graph.py",
        "mrvideo/cli/app.py",
        "mrvideo/evals/offline/questions.jsonl",
        "mrvideo/evals/report.html.jinja",
        "mrvideo/display/pages/index.html.jinja",
        "mrvideo/display/pages/page.js",
    ):
        assert needed in names
    assert len(names) == len(set(names))


def test_an_installed_wheel_answers_beside_a_foreign_agents_package(
    wheel: Path, tmp_path: Path, repository: Path
) -> None:
    """The wheel is installed without its dependencies: those are borrowed from this environment by a path
    file.
    """
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    )
    (site / "agents").mkdir()
    (site / "agents" / "__init__.py").write_text("OWNER = 'somebody else'\n")
    run(
        sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", site, wheel,
        cwd=tmp_path,
    )  # fmt: skip
    import pydantic

    borrowed = Path(pydantic.__file__).parent.parent
    (site / "zz_borrowed.pth").write_text(f"{borrowed}\n")
    code = "import agents, mrvideo; print(agents.OWNER, mrvideo.__file__)"
    owner, _, where = run(python, "-c", code, cwd=tmp_path).strip().rpartition(" ")
    assert owner == "somebody else"
    assert Path(where).is_relative_to(site)

    film = part_of(repository / "demo" / "harbour.mp4", tmp_path / "key.mp4", 98.8, 107.2)
    out = run(
        python, "-m", "mrvideo", "ask", film, "How long is the video?",
        "--json", "--quiet", "--effort", "low",
        cwd=tmp_path,
    )  # fmt: skip
    answer = json.loads(out)
    assert answer["question"] == "How long is the video?"
    assert answer["usage"]["cost"] == 0.0


def test_the_version_is_the_same_wherever_it_stands(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["version"] == mrvideo.__version__
    assert f"## {mrvideo.__version__}" in (repository / "CHANGELOG.md").read_text()
