"""The docs site builds from what is here, with every warning an error."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_no_font_from_elsewhere(repository: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {page.name for page in (repository / "docs").glob("*.md")}
    nav = set(
        re.findall(r"(\S+\.md)$", (repository / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert nav == pages
    assert "fonts.googleapis" not in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="mrvideo.api.Video.ask"' in (tmp_path / "sdk" / "index.html").read_text(encoding="utf-8")
