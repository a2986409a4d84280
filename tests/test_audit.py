"""CI's look for known holes: it fails for one, and says why where nothing can be told."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def audit(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, asked about an environment without packages."""
    spec = importlib.util.spec_from_file_location("audit", repository / ".ci" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["audit.py", str(tmp_path)])
    return module


def reporting(audit: ModuleType, told: Any, *, fails: bool) -> Callable[..., None]:
    def run(command: list[str], until: float, problem: str) -> None:
        if "--output" in command:
            if told is not None:
                report = Path(command[command.index("--output") + 1])
                report.write_text(json.dumps({"dependencies": told}), encoding="utf-8")
            if fails:
                raise audit.Skipped(f"{problem}: no route")

    return run


HOLE = {"name": "av", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
NONE = {"name": "av", "version": "2", "vulns": []}


@pytest.mark.parametrize(
    ("told", "fails", "code", "said"),
    [
        ([NONE], False, 0, "no known holes"),
        ([NONE, HOLE], True, 1, "av 1: PYSEC-1, mended in 2"),
        (None, True, 0, "skipped, the database cannot be reached: no route"),
        (None, False, 0, "skipped, pip-audit left no report"),
    ],
)
def test_a_hole_fails_and_silence_does_not(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], told: Any, fails: bool,
    code: int, said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(audit, "run", reporting(audit, told, fails=fails))
    assert audit.main() == code
    assert said in capsys.readouterr().out


def test_what_takes_too_long_is_ended(audit: ModuleType) -> None:
    with pytest.raises(audit.Skipped, match="the database cannot be reached within"):
        audit.run(
            [sys.executable, "-c", "import threading; threading.Event().wait()"],
            0.0,
            "the database cannot be reached",
        )


def test_ci_calls_it_last(repository: Path) -> None:
    last = (repository / ".ci" / "run").read_text(encoding="utf-8").strip().splitlines()[-1]
    assert last.endswith(".ci/audit.py")
    shell = subprocess.run(["bash", "-n", str(repository / ".ci" / "run")], check=False)
    assert shell.returncode == 0
