"""What is kept is found by what was chosen: without a key, a server, or the package that runs the model."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support import chat_server, seeing
from support.films import grey_film, video_info

import mrvideo
from mrvideo.errors import InputError, MrVideoError, SettingsError
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.registry import identity_of
from mrvideo.records import Cue, Span
from mrvideo.session.indexing import index_video
from mrvideo.session.keeping import kept_video
from mrvideo.session.models import model_settings
from mrvideo.settings import Settings
from mrvideo.speech import Transcript, open_transcriber, transcriber_fingerprint, transcriber_settings

KEY = "sk-kept-0123456789"
QUESTION = "What colour is shown?"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return grey_film(tmp_path / "film.mp4", sound=True)


class Server(chat_server.ChatServer):
    """One that a test may stop early."""

    stopped = False

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.__exit__()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(answer=seeing.answer)
    server.__enter__()
    yield server
    server.stop()


def settings_of(server: Server, folder: Path, **changes: Any) -> Settings:
    # The preset is OpenAI's own, which wants a key.
    own: dict[str, Any] = {
        "vision": "openai:test-vlm",
        "base_url": server.base_url,
        "preset": "openai",
        "clip_seconds": 4,
    }
    own["library"] = folder / "library.db"
    return Settings(**own | changes)


@pytest.mark.slow
@pytest.mark.parametrize("effort", ["low", "high"])
def test_an_index_and_an_answer_are_found_without_a_key_and_without_the_server(
    server: Server, film: Path, tmp_path: Path, effort: Any
) -> None:
    """Dangerous: what was paid for was out of reach on a machine without the key, or while the server was
    down.
    """
    first = mrvideo.index(film, settings=settings_of(server, tmp_path, api_key=SecretStr(KEY), effort=effort))
    answer = first.ask(QUESTION)
    asked = server.calls
    server.stop()

    again = mrvideo.index(film, settings=settings_of(server, tmp_path, effort=effort))
    assert again.scenes == first.scenes
    assert again.index.usage.calls == 0
    kept = again.ask(QUESTION)
    assert (kept.answer, kept.claims, kept.usage.calls) == (answer.answer, answer.claims, 0)
    assert server.calls == asked

    with pytest.raises(SettingsError, match="openai wants a key"):
        again.ask("What else is shown?")
    with pytest.raises(MrVideoError, match="no server answers"):
        mrvideo.load(film, settings=settings_of(server, tmp_path, api_key=SecretStr(KEY), effort=effort)).ask(
            "What else?"
        )


def test_no_model_is_opened_to_find_an_index(
    server: Server, film: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    settings = settings_of(server, tmp_path, api_key=SecretStr(KEY))
    first = mrvideo.index(film, settings=settings)
    monkeypatch.setattr("mrvideo.session.models.open_model", None)
    assert mrvideo.index(film, settings=settings).scenes == first.scenes


def test_a_bound_on_money_does_not_hide_an_index_of_unknown_price(
    server: Server, film: Path, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path, api_key=SecretStr(KEY))
    first = mrvideo.index(film, settings=settings)
    assert mrvideo.index(film, settings=settings.updated(max_cost=1.0)).scenes == first.scenes


def test_a_transcript_is_found_without_the_package_that_made_it(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(library=tmp_path / "library.db", speech="faster-whisper:small")
    own = transcriber_fingerprint(model_settings(settings, "speech"))
    info = probe(str(film))
    # As 0.1.0 made the key.
    key = hashlib.sha256("\n".join(["speech", info.digest, own, ""]).encode()).hexdigest()
    said = Cue(start_seconds=1.0, stop_seconds=2.0, text="Nobody said this.")
    with closing(Library.open(settings.library)) as library:
        library.put_video(info)
        body = Transcript(cues=(said,)).model_dump_json()
        library.put_part(key, "transcript", info.digest, Span(0.0, info.duration_seconds), body)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    assert [cue.text for cue in index_video(str(film), settings, on_event=lambda _: None).cues] == [said.text]


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        (
            "openai:whisper-1",
            '{"base_url": "https://api.openai.com/v1", "detail": "auto", "extra": "44136fa355b3678a", '
            '"name": "openai:whisper-1", "reply_format": "json_schema", "temperature": 0.0}\n300.0\n25165824\n2',
        ),
        (
            "faster-whisper:small",
            '{"extra": "44136fa355b3678a", "name": "faster-whisper:small"}\n300.0\n25165824\n2',
        ),
    ],
)
def test_a_transcriber_is_named_as_by_010(name: str, fingerprint: str) -> None:
    assert transcriber_fingerprint(transcriber_settings(name)) == fingerprint


def test_a_transcriber_that_is_opened_has_the_name_it_had_before() -> None:
    settings = transcriber_settings("openai:whisper-1", api_key=SecretStr(KEY))
    assert open_transcriber(settings, ledger=Ledger()).fingerprint == transcriber_fingerprint(settings)


@pytest.mark.parametrize("name", ["openai:gpt-5-mini", "gemini:g", "ollama:q", "hf:/nowhere", "offline"])
def test_a_model_that_is_opened_has_the_name_it_had_before(name: str) -> None:
    bare = ModelSettings.parse(name)
    opened = open_model(bare.model_copy(update={"api_key": SecretStr(KEY)}), ledger=Ledger())
    known = identity_of(bare)
    assert (known.name, known.fingerprint, known.capabilities) == (
        opened.name,
        opened.fingerprint,
        opened.capabilities,
    )


def test_the_start_of_a_digest_that_fits_two_videos_names_neither(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library.db")
    with closing(Library.open(settings.library)) as library:
        for last in "01":
            library.put_video(video_info(10.0, digest="ab" * 31 + "c" + last, path=f"/{last}.mp4"))
    with pytest.raises(InputError, match="fits several videos; give more of one digest"):
        kept_video("ab" * 8, settings)
    assert kept_video("ab" * 31 + "c1", settings).video.path == "/1.mp4"
    with pytest.raises(InputError, match="is not in"):
        kept_video("abababa", settings)
