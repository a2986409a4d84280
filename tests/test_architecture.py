"""The tree keeps its promises: imports go downwards only, heavy libraries stay in their adapters, the face is small.

The links of the package (agents, evals, prompts) are followed; imports inside functions count like all others.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import mrvideo

PACKAGE = Path(__file__).resolve().parent.parent / "mrvideo"

# Low to high. A module may import modules on its own level and below.
LEVELS = (
    ("errors",),
    ("records", "text", "questions"),
    ("settings", "schemas", "prompts"),
    ("media", "models", "library", "mapreduce"),
    ("speech", "display"),
    ("captioning",),
    ("agents",),
    ("session",),
    ("tools",),
    ("api",),
    ("evals",),
    ("cli",),
)
# Names that are documented and lead elsewhere.
ALIASES = {"mrvideo", "mrvideo.__main__", "mrvideo.mcp", "mrvideo.notebook"}
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


@cache
def modules() -> Mapping[str, Path]:
    """Dotted name → file, links followed."""
    found = {}
    for path in sorted(_files(PACKAGE)):
        name = ".".join(("mrvideo", *path.relative_to(PACKAGE).with_suffix("").parts))
        found[name.removesuffix(".__init__")] = path
    return found


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix == ".py":
            yield entry


@cache
def imports(module: str) -> frozenset[str]:
    """Everything that a module imports when it runs, wherever in the file; not what only type checkers read."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    for_types = {
        id(inside)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for part in node.body
        for inside in ast.walk(part)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relative to itself"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def arrows() -> dict[str, set[str]]:
    """Module → the modules of the package that it imports. A package stands for its own __init__."""
    graph = {}
    for module in modules():
        wanted = {name for name in imports(module) if name in modules() and name != "mrvideo"}
        # `from a.b import c` runs a, a.b and, where it is a module, a.b.c.
        parents = {
            ".".join(name.split(".")[:depth]) for name in wanted for depth in range(2, name.count(".") + 1)
        }
        graph[module] = {
            name for name in wanted | parents if name != module and not module.startswith(f"{name}.")
        }
    return graph


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The modules that can reach themselves, in groups (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in graph[node]:
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in order:
            visit(node)
    return found


def level(module: str) -> int:
    room = module.split(".")[1]
    for height, rooms in enumerate(LEVELS):
        if room in rooms:
            return height
    raise AssertionError(f"{module} stands on no level: add its room to LEVELS")


def test_imports_go_downwards_only() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in arrows().items()
        if module not in ALIASES
        for name in sorted(names)
        if level(name) > level(module)
    ]
    assert not wrong


def test_no_module_reaches_itself() -> None:
    """A circle makes two files one: neither can be read, tested or imported alone."""
    assert not circles(arrows())


def test_a_circle_of_any_length_would_be_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}, "e": {"a", "e"}}
    assert circles(graph) == [["b", "c", "d"]]


def test_readers_and_models_do_not_know_each_other() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in arrows().items()
        for name in names
        if {module.split(".")[1:2][0] if "." in module else "", name.split(".")[1]} == {"media", "models"}
    ]
    assert not wrong


def test_only_the_session_composes() -> None:
    """Models are opened and indexes built in one room; every face goes through it."""
    composing = {
        "mrvideo.models.registry",
        "mrvideo.speech.registry",
        "mrvideo.captioning.index.build_index",
        "mrvideo.agents.ask.run",
    }
    allowed = {"session", "models", "speech", "captioning", "agents"}
    wrong = [
        f"{module} imports {name}"
        for module in modules()
        for name in imports(module)
        if name in composing and module.split(".")[1] not in allowed
    ]
    assert not wrong


def test_heavy_libraries_stay_in_their_adapters() -> None:
    allowed = {"speech": {"av", "openai"}, "evals": {"av"}, "library": {"sqlalchemy"}}
    wrong = []
    for module in modules():
        room = module.split(".")[1] if "." in module else ""
        for name in imports(module):
            library = name.split(".")[0]
            if library in HEAVY and room != HEAVY[library] and library not in allowed.get(room, set()):
                wrong.append(f"{module} imports {name}")
    assert not wrong


def test_the_environment_is_read_in_settings_alone() -> None:
    readers = {
        module
        for module, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers == {"mrvideo.settings"}


def test_the_face_is_pinned() -> None:
    assert mrvideo.__all__ == sorted(mrvideo.__all__)
    assert set(mrvideo.__all__) == {
        "Answer", "Claim", "Cue", "Entity", "Evidence", "MrVideoError", "Scene", "Settings", "Shot", "Span",
        "Unseen", "Usage", "Video", "__version__", "aindex", "aload", "index", "load", "load_settings", "search",
    }  # fmt: skip
    for name in mrvideo.__all__:
        assert getattr(mrvideo, name) is not None


def test_documented_names_of_010_import() -> None:
    """Moved inside, still where the documentation of 0.1.0 said."""
    import mrvideo.mcp
    import mrvideo.notebook
    import mrvideo.tools

    assert callable(mrvideo.mcp.serve)
    assert callable(mrvideo.notebook.Bars())
    assert callable(mrvideo.tools.langchain)
    assert callable(mrvideo.tools.openai)


@pytest.mark.parametrize(
    "heavy", ["torch", "transformers", "av", "openai", "langgraph", "sqlalchemy", "rapidocr"]
)
def test_importing_mrvideo_loads_nothing_heavy(heavy: str) -> None:
    code = f"import sys, mrvideo; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
