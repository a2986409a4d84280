"""The tree keeps its promises: imports go downwards only, heavy libraries stay in their adapters, the face is small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mrvideo

ROOT = Path(__file__).resolve().parent.parent

# Low to high. A room may import rooms on lower levels, and its own.
LEVELS = [
    {"errors"},
    {"records", "terminal", "questions"},
    {"settings", "messages", "prompt"},
    {"media", "models", "library", "migrations", "mapreduce"},
    {"speech"},
    {"captioning"},
    {"agents"},
    {"compose", "indexing", "export", "progress", "views"},
    {"api"},
    {"tools", "evals", "estimate", "notebook"},
    {"mcp"},
    {"commands", "doctor"},
    {"cli", "__main__"},
]
# Tools and the exploring agent live in agents/, yet call the SDK: they stand above it.
ABOVE_THE_SDK = {"agents.tools", "agents.tool_types", "agents.explore"}
# The SDK's face offers a conversation, which is made of tools that call the SDK: one door upwards, opened late.
DOORS = {("api", "agents.explore")}
HEAVY = {
    "torch": "models",
    "transformers": "models",
    "openai": "models",
    "rapidocr": "models",
    "av": "media",
    "decord": "media",
    "sqlalchemy": "library",
    "joblib": "mapreduce",
    "langgraph": "agents",
}


def modules() -> list[tuple[str, Path]]:
    found = []
    for folder, prefix in (("mrvideo", ""), ("agents", "agents."), ("evals", "evals.")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT / folder)
            if folder == "mrvideo" and relative.parts[0] in ("agents", "evals", "prompts"):
                continue  # links to the folders beside
            name = prefix + ".".join(relative.with_suffix("").parts)
            found.append((name.removesuffix(".__init__"), path))
    return found


def level(module: str) -> int:
    if module in ABOVE_THE_SDK:
        return level("tools")
    room = module.split(".")[0]
    for height, rooms in enumerate(LEVELS):
        if room in rooms:
            return height
    raise AssertionError(f"{module} stands on no level: add its room to LEVELS")


def imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def test_imports_go_downwards_only() -> None:
    wrong = []
    for module, path in modules():
        if module in ("__init__", "mrvideo"):
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "mrvideo" or len(parts) < 2 or parts[1] == "__version__":
                continue
            target = ".".join(parts[1:3])
            if not any(parts[1] in rooms for rooms in LEVELS):
                continue
            if (module, target) in DOORS:
                continue
            if level(target if target in ABOVE_THE_SDK else parts[1]) > level(module):
                wrong.append(f"{module} imports {name}")
    assert not wrong


def test_readers_and_models_do_not_know_each_other() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules()
        for name in imports(path)
        if (module.startswith("media") and name.startswith("mrvideo.models"))
        or (module.startswith("models") and name.startswith("mrvideo.media"))
    ]
    assert not wrong


def test_heavy_libraries_stay_in_their_adapters() -> None:
    allowed = {
        "speech": {"av", "openai"},
        "migrations": {"sqlalchemy"},
        "evals": {"av"},
        "library": {"sqlalchemy"},
    }
    wrong = []
    for module, path in modules():
        room = module.split(".")[0]
        for name in imports(path):
            library = name.split(".")[0]
            if library in HEAVY and room != HEAVY[library] and library not in allowed.get(room, set()):
                wrong.append(f"{module} imports {name}")
    assert not wrong


def test_the_environment_is_read_in_settings_alone() -> None:
    readers = [
        module
        for module, path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    ]
    assert set(readers) == {"settings"}


def test_the_face_is_pinned() -> None:
    assert mrvideo.__all__ == sorted(mrvideo.__all__)
    assert set(mrvideo.__all__) == {
        "Answer", "Claim", "Cue", "Entity", "Evidence", "MrVideoError", "Scene", "Settings", "Shot", "Span",
        "Unseen", "Usage", "Video", "__version__", "aindex", "aload", "index", "load", "load_settings", "search",
    }  # fmt: skip
    for name in mrvideo.__all__:
        assert getattr(mrvideo, name) is not None


@pytest.mark.parametrize(
    "heavy", ["torch", "transformers", "av", "openai", "langgraph", "sqlalchemy", "rapidocr"]
)
def test_importing_mrvideo_loads_nothing_heavy(heavy: str) -> None:
    code = f"import sys, mrvideo; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
