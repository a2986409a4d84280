"""Which model takes a role, and which server it is asked at."""

from __future__ import annotations

from typing import Any

import pytest

from mrvideo.mapreduce import portal
from mrvideo.records import Event
from mrvideo.session.models import model_settings, open_models
from mrvideo.settings import Settings

SEES = "http://127.0.0.1:1/v1"
OWN = "http://127.0.0.1:2/v1"
ALL = "http://127.0.0.1:3/v1"


def ignore(event: Event) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(
    ("role", "given", "address"),
    [
        # A role without a model of its own is taken by the vision model, and asked where that is.
        ("text", {}, SEES),
        ("verify", {}, SEES),
        ("text", {"text_base_url": OWN}, OWN),
        ("verify", {"verify_base_url": OWN}, OWN),
        # A model of its own may be another maker's: it is never looked for at the vision model's server.
        ("text", {"text": "openai:other"}, ALL),
        ("verify", {"verify_model": "openai:other"}, ALL),
        ("text", {"text": "openai:other", "text_base_url": OWN}, OWN),
        ("verify", {"verify_model": "openai:other", "verify_base_url": OWN}, OWN),
    ],
)
def test_a_role_is_asked_at_its_own_server(role: str, given: dict[str, Any], address: str) -> None:
    settings = Settings(vision="openai:vlm", vision_base_url=SEES, base_url=ALL, **given)
    assert model_settings(settings, role).base_url == address
    assert model_settings(settings, "vision").base_url == SEES


@pytest.mark.parametrize(
    ("verify_model", "checking", "second"),
    [
        ("openai:other", True, True),
        ("openai:other", False, False),
        ("openai:vlm", True, False),
        (None, True, False),
    ],
)
def test_only_another_model_is_a_second_one(verify_model: str | None, checking: bool, second: bool) -> None:
    """The answer tells whether another model than the one that looked has checked it."""
    settings = Settings(vision="openai:vlm", base_url=ALL, api_key="none", verify_model=verify_model)
    models = open_models(settings, None, ignore, checking=checking)
    portal().call(models.aclose)
    assert (models.verify is not None) is second


@pytest.mark.parametrize("comparing", [True, False])
def test_texts_are_compared_by_a_model_that_only_runs_that_compare_open(comparing: bool) -> None:
    settings = Settings(
        vision="openai:vlm", base_url=ALL, api_key="none", embed_text="openai:text-embedding-3-small"
    )
    models = open_models(settings, None, ignore, comparing=comparing)
    portal().call(models.aclose)
    assert (models.meaning is not None) is comparing
