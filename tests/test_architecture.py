"""The tree keeps its promises: imports go downwards only, heavy libraries stay in their adapters, the face is
small.

The links of the package (agents, evals, prompts) are followed; imports inside functions count like all
others.
"""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from architecture import ALIASES, PAGE, arrows, circles, imports, level, modules, redrawn

import mrvideo

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


@pytest.mark.slow
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


def test_the_picture_in_the_docs_is_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert redrawn(page) == page, "python docs/architecture.py --write draws it anew"


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
    allowed = {
        "speech": {"av", "openai"},
        "evals": {"av"},
        "library": {"sqlalchemy"},
        "retrieval": {"torch", "transformers", "openai"},
    }
    wrong = []
    for module in modules():
        room = module.split(".")[1] if "." in module else ""
        for name in imports(module):
            library = name.split(".")[0]
            if library in HEAVY and room != HEAVY[library] and library not in allowed.get(room, set()):
                wrong.append(f"{module} imports {name}")
    assert not wrong


@pytest.mark.slow
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
        "Answer", "Claim", "Cue", "Entity", "Evidence", "Found", "Moment", "MrVideoError", "Scene", "Settings", "Shot",
        "Span", "Unseen", "Usage", "Video", "__version__", "aindex", "aload", "find", "index", "load", "load_settings", "search",
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("mrvideo", ("torch", "transformers", "av", "openai", "langgraph", "sqlalchemy", "rapidocr")),
        # Most of a command's start was the import of a client that an index made offline never calls.
        ("mrvideo.session.asking", ("torch", "transformers", "openai", "rapidocr")),
    ],
)
def test_importing_loads_nothing_heavy(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({heavy!r})))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
