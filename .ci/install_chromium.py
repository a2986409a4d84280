"""Installs Debian's chromium for the browser tests of the viewer, where apt is at hand.

    python3 .ci/install_chromium.py

Does nothing where a chromium is there already. Exit code 1, with a line that says why, where none can be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

MOST_SECONDS = 120


def main() -> int:
    if shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
        print("chromium: is there")
        return 0
    apt = shutil.which("apt-get")
    if apt is None:
        print("chromium: no apt-get here; install chromium by other means")
        return 1
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                [*as_root, apt, *words], env=environment, capture_output=True, text=True, timeout=MOST_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"chromium: {error}")
            return 1
        if done.returncode:
            print(f"chromium: apt-get {words[0]} failed: {' '.join(done.stderr.split())[-300:]}")
            return 1
    print("chromium: installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
