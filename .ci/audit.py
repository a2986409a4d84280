"""Looks for known holes in the packages that are installed in the environment of the tests, by pip-audit.

    python3 .ci/audit.py              .venv
    python3 .ci/audit.py FOLDER       another environment

Exit code 1 for a known hole. Where the database, or pip-audit itself, is not there within a minute, one line
says that it was skipped: a network that is shut tells nothing of a package. Nothing stays installed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST_SECONDS = 60.0


class Skipped(Exception):
    """Why nothing can be said."""


def main() -> int:
    begun = time.monotonic()
    environment = Path(sys.argv[1] if len(sys.argv) > 1 else ".venv")
    try:
        found = holes(environment, begun + MOST_SECONDS)
    except Skipped as why:
        print(f"audit: skipped, {' '.join(str(why).split())[:300]}")
        return 0
    for line in found:
        print(f"audit: {line}")
    print(f"audit: {len(found) or 'no'} known hole{'' if len(found) == 1 else 's'} in {environment}")
    return 1 if found else 0


def holes(environment: Path, until: float) -> list[str]:
    """A line for each. Raises `Skipped`."""
    (packages,) = environment.glob("lib/python*/site-packages")
    with tempfile.TemporaryDirectory(prefix="mrvideo-audit-") as folder:
        own, report = Path(folder) / "venv", Path(folder) / "report.json"
        run([sys.executable, "-m", "venv", str(own)], until, "no environment for pip-audit")
        pip = [str(own / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
        run(pip, until, "pip-audit cannot be had")
        audit = [str(own / "bin" / "pip-audit"), "--path", str(packages), "--skip-editable"]
        audit += ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
        try:
            run(audit, until, "the database cannot be reached")
        except Skipped:
            # It ends with 1 for a hole and for a failure alike; only in the first case there is a report.
            if not report.exists():
                raise
        try:
            told = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Skipped(f"pip-audit left no report ({error})") from None
    return [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in told
        for hole in one.get("vulns", ())
    ]


def run(command: list[str], until: float, problem: str) -> None:
    """Raises `Skipped` when it fails, or is not done in time; nothing that it started goes on."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _, complaint = process.communicate(timeout=max(until - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Skipped(f"{problem} within {MOST_SECONDS:.0f} s") from None
    if process.returncode:
        raise Skipped(f"{problem}: {(complaint.strip().splitlines() or ['no reason told'])[-1]}")


if __name__ == "__main__":
    sys.exit(main())
