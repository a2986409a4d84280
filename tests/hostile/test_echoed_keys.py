"""A server that repeats the key it was sent, as it is, in part or encoded: it reaches no library, export, log
or error.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

import mrvideo
from mrvideo.errors import MrVideoError
from mrvideo.models.server_words import masked
from mrvideo.settings import Settings

KEY = "sk-Owner+key/0123456789=abcdefXYZ"


def _escaped(form: str) -> str:
    return "".join(form.format(ord(letter)) for letter in KEY)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ECHOES = {
    "as it is": KEY,
    "in a header": f"Bearer {KEY}",
    "its beginning": KEY[:14],
    "its end": KEY[-12:],
    "its middle, starred": f"***{KEY[8:20]}***",
    "repr": repr(KEY),
    "URL": quote(KEY, safe=""),
    "every letter with percent": _escaped("%{:02x}"),
    "base64": _base64(KEY),
    "base64 of the header": _base64(f"Bearer {KEY}"),
    "base64 of a name and it": _base64(f"me:{KEY}"),
    "base64 one further": _base64(f"x{KEY}y"),
    "base64 for URLs": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "hexadecimal, large": KEY.encode().hex().upper(),
    "JSON escapes": _escaped("\\u{:04x}"),
    "Python escapes": _escaped("\\x{:02x}"),
    "HTML": _escaped("&#{};"),
    "HTML, hexadecimal": _escaped("&#x{:x};"),
    "base64 in JSON escapes": "".join(f"\\u{ord(letter):04x}" for letter in _base64(KEY)),
}
NOT_OF_THE_KEY = "a kettle of 0123 sk- \\u00e9 %20 &#233; &#9999999; \\u0073ea"


@pytest.fixture(params=ECHOES)
def echo(request: pytest.FixtureRequest) -> str:
    return ECHOES[request.param]


@pytest.fixture
def film(tmp_path: Path, film_maker: Callable[[Path, int], None]) -> Path:
    film_maker(tmp_path / "film.mp4", 2)
    return tmp_path / "film.mp4"


def settings_for(server: Any, tmp_path: Path) -> Settings:
    return Settings(
        vision="openai:test-vlm",
        base_url=server.base_url,
        api_key=SecretStr(KEY),
        library=tmp_path / "library.db",
        clip_seconds=2,
        shard_seconds=10,
    )


def written(error: BaseException | None) -> str:
    return "" if error is None else f"{error!r}\n{written(error.__cause__ or error.__context__)}"


def test_words_that_are_no_key_stay_as_they_are() -> None:
    assert masked(NOT_OF_THE_KEY, KEY) == NOT_OF_THE_KEY


def test_what_is_masked_holds_neither_the_echo_nor_the_key(echo: str) -> None:
    said = masked(f"the header was {echo} indeed", KEY)
    assert "***" in said and said.startswith("the header was ") and said.endswith(" indeed")
    assert all(piece not in said for piece in (echo, KEY[:8], KEY[-8:]))


@pytest.mark.slow
def test_a_reply_that_repeats_the_key_reaches_no_library(
    echo: str,
    film: Path,
    chat: ModuleType,
    seeing: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(asked: Any) -> Any:
        reply = seeing.answer(asked)
        if asked.schema_name == "CaptionClipReply":
            reply["scenes"][0]["detailed"] += " <person_a> says KEYKEY"
            reply["scenes"][0]["screen_text"] = [
                {"start_seconds": 0.0, "stop_seconds": 1.0, "text": "it reads KEYKEY"}
            ]
        # Put in afterwards: escapes are to be escapes of the JSON, and quotes of repr none.
        text = json.dumps(reply).replace("KEYKEY", echo)
        if "\\x" in echo:
            text = json.dumps(reply).replace("KEYKEY", echo.replace("\\", "\\\\"))
        return chat.Raw.json({"choices": [{"finish_reason": "stop", "message": {"content": text}}]})

    caplog.set_level(logging.DEBUG)
    with chat.ChatServer(answer=answer) as server:
        video = mrvideo.index(film, settings=settings_for(server, tmp_path))
    [scene] = video.scenes
    assert "***" in scene.detailed and "***" in str(scene.sightings)
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("library.db*") if file.is_file())
    assert b"***" in kept
    for secret in (echo, KEY, KEY[:8], KEY[-8:]):
        assert secret.encode() not in kept
        assert secret not in repr(video.index) + caplog.text


@pytest.mark.slow
def test_an_error_that_repeats_the_key_tells_it_to_nobody(
    echo: str, film: Path, chat: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fault = chat.Fault.status(404, text=f"no such model for {echo}, sorry")
    with chat.ChatServer(fault_of=lambda index: fault) as server:
        with pytest.raises(MrVideoError, match="no such model for") as caught:
            mrvideo.index(film, settings=settings_for(server, tmp_path))
    told = written(caught.value) + caplog.text
    for secret in (echo, KEY, KEY[:8], KEY[-8:]):
        assert secret not in told
