"""The synthetic world and its perceiver, loaded by path, and small helpers that many tests share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_SUPPORT = Path(__file__).parents[1] / "support"


def load(stem: str) -> ModuleType:
    """A helper module of tests/support by its name: tests are no package, so there is nothing to import it from."""
    name = f"tests_support_{stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _SUPPORT / f"{stem}.py")
        assert spec is not None and spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def worlds() -> ModuleType:
    """tests/support/world.py"""
    return load("world")


@pytest.fixture(scope="session")
def perceivers() -> ModuleType:
    """tests/support/perceiver.py"""
    return load("perceiver")


@pytest.fixture(scope="session")
def chat() -> ModuleType:
    """tests/support/chat_server.py"""
    return load("chat_server")
