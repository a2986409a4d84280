"""Installs mrvideo on every Python found, with the newest dependencies and with the lowest, and asks a part of
the demo film.

    python3 .ci/check_pythons.py              each of 3.10 to 3.13 that is found
    python3 .ci/check_pythons.py 3.12         this one alone

Interpreters are looked for on PATH and among pyenv's. Needs nothing but the standard library; uv, which
resolves the lowest versions that have wheels, is installed into an environment that goes away with the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
QUESTION, ANSWER = "What is written on the ferry's sign?", "FERRY 09:40"
# Two scenes, the second with the ferry's sign, copied from a key frame on: the whole film is read by the tests.
CUT = """
import av, sys
with av.open(sys.argv[1]) as film, av.open(sys.argv[2], "w") as scene:
    copied = film.streams.video[0]
    stream, begin, end = scene.add_stream_from_template(copied), *(round(s / copied.time_base) for s in (98.8, 114))
    film.seek(begin, stream=copied)
    for packet in film.demux(copied):
        if packet.dts is not None and packet.pts < end:
            packet.pts, packet.dts, packet.stream = packet.pts - begin, packet.dts - begin, stream
            scene.mux(packet)
"""
SHOWN = ("av", "numpy", "openai", "langgraph", "onnxruntime", "rapidocr")


def find(version: str) -> Path | None:
    """An interpreter of this version that starts, or None."""
    candidates = [Path(found)] if (found := shutil.which(f"python{version}")) else []
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [home / "bin" / "python" for home in sorted(pyenv.glob(f"{version}.*"), reverse=True)]
    candidates.append(Path(sys.executable))
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        asked = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip() == version:
            return candidate
    return None


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Raises `SystemExit` with what was printed when the command fails."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MRVIDEO_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}exit {done.returncode}")
    return done


def check(python: Path, resolution: str, uv: Path, folder: Path) -> str:
    """Install, examine, index and ask; returns the versions that were installed. Raises `SystemExit`."""
    run(python, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    installed = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    lowest = ("--resolution", "lowest-direct", "--only-binary", ":all:", "--no-binary", "mrvideo")
    options = lowest if resolution == "lowest" else ()
    run(uv, "pip", "install", "--quiet", "--python", installed / "python", *options, ROOT, cwd=folder)
    # No UTF-8 in the environment, as in a bare container: what is printed must not depend on it.
    plain = {"LANG": "C", "LC_ALL": "C", "HOME": str(folder)}
    film = folder / "ferry.mp4"
    run(installed / "python", "-c", CUT, ROOT / "demo" / "harbour.mp4", film, cwd=folder)
    steps = (("doctor",), ("index", film), ("ask", film, QUESTION), ("ask", film, QUESTION, "--json"))
    for step in steps:
        done = run(installed / "mrvideo", *step, cwd=folder, **plain)
        if "Traceback" in done.stderr + done.stdout:
            raise SystemExit(f"mrvideo {step[0]} on {python}:\n{done.stdout}{done.stderr}")
    answer = json.loads(done.stdout)
    if ANSWER not in (answer["answer"] or "") or not answer["evidence"]:
        raise SystemExit(f"asked on {python}: {answer['answer']!r} in place of {ANSWER!r}")
    names = "; ".join(f"print('{name}', m.version('{name}'))" for name in SHOWN)
    versions = run(installed / "python", "-c", f"import importlib.metadata as m; {names}", cwd=folder)
    return ", ".join(versions.stdout.splitlines())


def told(version: str, python: Path, resolution: str, home: Path) -> tuple[bool, str]:
    """Whether `check` went well, and what to print of it."""
    began = time.monotonic()
    folder = home / f"{version}-{resolution}"
    folder.mkdir()
    what = f"Python {version}, {resolution} dependencies"
    try:
        versions = check(python, resolution, home / "uv" / "bin" / "uv", folder)
    except SystemExit as error:  # One tells little of the others: the rest is asked, too.
        return False, f"{what}: FAILED\n{error}"
    finally:
        shutil.rmtree(folder)
    return True, f"{what}: ok in {time.monotonic() - began:.0f} s ({versions})"


def main(wanted: tuple[str, ...]) -> int:
    failed, checked = [], 0
    found = {version: find(version) for version in wanted}
    skipped = [version for version, python in found.items() if python is None]
    with tempfile.TemporaryDirectory(prefix="mrvideo-pythons-") as temporary:
        home = Path(temporary)
        run(sys.executable, "-m", "venv", home / "uv", cwd=home)
        run(home / "uv" / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "uv", cwd=home)
        # Two at a time: one waits for its packages while another works.
        with ThreadPoolExecutor(2) as pool:
            asked = [
                pool.submit(told, version, python, resolution, home)
                for version, python in found.items()
                if python is not None
                for resolution in ("newest", "lowest")
            ]
            for one in as_completed(asked):
                well, text = one.result()
                checked += 1
                print(text, flush=True)
                if not well:
                    failed.append(text.partition(":")[0])
    for version in skipped:
        print(f"Python {version}: skipped, there is no such interpreter here")
    if not checked:
        print("no Python was checked")
    if failed:
        print(f"failed: {'; '.join(failed)}")
    return 0 if checked and not failed else 1


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or VERSIONS))
