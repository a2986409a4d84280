"""The rooms of the package and their arrows, read off the code: for the test that holds them, and for the picture in the docs.

    python docs/architecture.py --write      draw docs/architecture.md's picture anew

The links of the package (agents, evals, prompts) are followed; imports inside functions count like all others.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "mrvideo"
PAGE = Path(__file__).resolve().parent / "architecture.md"

# Low to high. A module may import modules on its own level and below.
LEVELS = (
    ("errors", "wording"),
    ("records", "text", "questions", "files", "trust", "doors"),
    ("settings", "tracebacks", "schemas", "prompts"),
    ("media", "models", "library", "mapreduce"),
    ("speech", "display", "retrieval"),
    ("captioning", "memory"),
    ("agents",),
    ("session",),
    ("tools",),
    ("api",),
    ("evals", "web"),
    ("cli",),
)
# Names that are documented and lead elsewhere, and the package's own face.
ALIASES = {"mrvideo", "mrvideo.__main__", "mrvideo.mcp", "mrvideo.notebook"}


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
            if node.level:
                raise ValueError(f"{module} imports relative to itself")
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


def room(module: str) -> str:
    """The room that a module belongs to: the first name below the package."""
    return module.split(".")[1]


def level(module: str) -> int:
    """How high its room stands. Raises `ValueError` for a room that is not in LEVELS."""
    for height, rooms in enumerate(LEVELS):
        if room(module) in rooms:
            return height
    raise ValueError(f"{module} stands on no level: add its room to LEVELS")


def drawing() -> str:
    """The rooms as a Mermaid graph: an arrow from each room to those it imports, without those that others imply."""
    rooms: dict[str, set[str]] = {}
    for module, names in arrows().items():
        if module not in ALIASES:
            wanted = {room(name) for name in names if name not in ALIASES} - {room(module)}
            rooms.setdefault(room(module), set()).update(wanted)
    below = {name: _reachable(name, rooms) for name in rooms}
    lines = ["```mermaid", "graph TD"]
    for high in reversed(LEVELS):
        for name in high:
            direct = {to for to in rooms[name] if not any(to in below[by] for by in rooms[name] - {to})}
            lines += [f"  {name} --> {to}" for to in sorted(direct)]
    return "\n".join([*lines, "```"])


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph[name]
    return seen


def redrawn(page: str) -> str:
    """The page with its picture as the code is now."""
    return re.sub(r"```mermaid\n.*?```", lambda _: drawing(), page, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(redrawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(drawing())
