"""A folder from a stranger: what its mrvideo.toml may set, and that neither a key nor a picture goes where it
points.

Each test that could leak has a second server, and looks at what that one received.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mrvideo
from mrvideo.cli.app import run
from mrvideo.errors import SettingsError
from mrvideo.session.models import model_settings
from mrvideo.settings import HARMLESS, Settings, load_settings

KEY = "sk-owner-0123456789abcdef"


@pytest.fixture
def serve(chat: ModuleType, seeing: ModuleType) -> Iterator[Callable[..., Any]]:
    servers: list[Any] = []

    def start(**options: Any) -> Any:
        servers.append(chat.ChatServer(**({"answer": seeing.answer} | options)).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    (path / ".config" / "mrvideo").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture
def cloned(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, film_maker: Callable[[Path, int], None]
) -> Path:
    """The working folder: a film, and what a test writes into its mrvideo.toml."""
    folder = tmp_path / "cloned"
    folder.mkdir()
    film_maker(folder / "film.mp4", 4)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return folder


def received(server: Any) -> str:
    return "".join(repr(asked.headers) for asked in server.asked)


def test_a_folder_that_points_at_another_server_gets_neither_key_nor_picture(
    cloned: Path, serve: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The attack: a repository with videos and a settings file, in which `mrvideo index film.mp4` is run."""
    stranger = serve()
    (cloned / "mrvideo.toml").write_text(f'vision = "openai:test-vlm"\nbase_url = "{stranger.base_url}"\n')
    assert run(["index", "film.mp4", "--quiet"]) == 2
    assert stranger.calls == 0
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    assert line.startswith("mrvideo: mrvideo.toml: vision and base_url are not taken from this file")
    assert "mrvideo config trust" in line and str(cloned) in line
    with pytest.raises(SettingsError, match="vision and base_url are not taken"):
        mrvideo.index("film.mp4")
    assert stranger.calls == 0


def test_a_run_that_says_itself_where_to_ask_goes_on(
    cloned: Path, serve: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Options and variables win over the file, so what it was refused is not needed."""
    stranger, mine = serve(), serve()
    (cloned / "mrvideo.toml").write_text(
        f'vision = "openai:test-vlm"\nbase_url = "{stranger.base_url}"\nframes_per_second = 1.0\n'
    )
    asked = ["index", "film.mp4", "--vision", "openai:test-vlm", "--base-url", mine.base_url, "--quiet"]
    assert run(asked) == 0, capsys.readouterr().err
    assert stranger.calls == 0
    assert mine.calls > 0 and KEY in received(mine)
    assert load_settings(vision="offline", base_url="http://localhost:1/v1").frames_per_second == 1.0


@pytest.mark.parametrize(
    "pointing",
    [
        "vision_base_url",
        "text_base_url",
        "speech_base_url",
        "embed_text",
        "embed_text_base_url",
        "preset",
        "key_file",
        "cluster",
        "cast",
        "text",
    ],
)
def test_one_setting_that_points_elsewhere_is_enough(
    cloned: Path, serve: Callable[..., Any], pointing: str
) -> None:
    mine = serve()
    value = {"preset": "gemini", "text": "gemini:x", "cluster": "dask://127.0.0.1:1"}.get(
        pointing, "http://127.0.0.1:1/v1"
    )
    (cloned / "mrvideo.toml").write_text(f'{pointing} = "{value}"\n')
    with pytest.raises(SettingsError, match=f"{pointing} is not taken"):
        mrvideo.index("film.mp4", vision="openai:test-vlm", base_url=mine.base_url)
    assert mine.calls == 0


def test_a_file_that_the_folder_names_as_a_key_is_sent_to_nobody(
    cloned: Path, serve: Callable[..., Any], tmp_path: Path
) -> None:
    """Any file of one line could be read and sent as the key, to whoever answers."""
    (tmp_path / "private.txt").write_text("the-combination-is-1234\n")
    mine = serve()
    (cloned / "mrvideo.toml").write_text('key_file = "../private.txt"\n')
    with pytest.raises(SettingsError, match="key_file is not taken"):
        load_settings(vision="openai:test-vlm", base_url=mine.base_url)


def test_only_what_is_harmless_is_taken_untrusted(cloned: Path) -> None:
    """A setting that is added later needs trust until somebody decides otherwise."""
    assert Settings.model_fields.keys() > HARMLESS
    for name in Settings.model_fields.keys() - HARMLESS - {"api_key", "max_cost", "max_tokens"}:
        (cloned / "mrvideo.toml").write_text(f'{name} = "../x"\n')
        with pytest.raises(SettingsError, match=f"{name} is not taken"):
            load_settings()
    harmless = (
        'effort = "low"\nmax_rounds = 3\nvision = "offline"\nlibrary = "kept/here.db"\nmax_cost = 1.0\n'
    )
    (cloned / "mrvideo.toml").write_text(harmless)
    found = load_settings()
    assert (found.effort, found.max_rounds, found.max_cost) == ("low", 3, 1.0)
    assert found.library == Path("kept/here.db")


def test_a_library_that_leads_outside_needs_trust(
    cloned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (cloned / "link").symlink_to(tmp_path / "elsewhere")
    for place in ("../library.db", "link/library.db", str(tmp_path / "library.db"), "~/library.db"):
        (cloned / "mrvideo.toml").write_text(f'library = "{place}"\n')
        assert run(["list"]) == 2
        assert "library is not taken" in capsys.readouterr().err
        run(["list", "--library", str(tmp_path / "mine.db")])
        assert "is not taken" not in capsys.readouterr().err


def test_your_own_bounds_hold_in_a_strangers_folder(cloned: Path, home: Path) -> None:
    own = home / ".config" / "mrvideo" / "mrvideo.toml"
    own.write_text("max_cost = 0.5\nmax_tokens = 1000\n")
    (cloned / "mrvideo.toml").write_text("max_cost = 900.0\nmax_tokens = 10\n")
    assert (load_settings().max_cost, load_settings().max_tokens) == (0.5, 10)


def test_your_own_server_stays_yours_in_a_strangers_folder(
    cloned: Path, home: Path, serve: Callable[..., Any]
) -> None:
    """A harmless file in the folder once hid your own, and the key went to the family's usual address
    instead.
    """
    mine = serve()
    own = home / ".config" / "mrvideo" / "mrvideo.toml"
    own.write_text(f'vision = "openai:test-vlm"\nbase_url = "{mine.base_url}"\n')
    (cloned / "mrvideo.toml").write_text("clip_seconds = 2.0\nshard_seconds = 10.0\n")
    mrvideo.index("film.mp4")
    assert mine.calls > 0 and KEY in received(mine)
    (cloned / "mrvideo.toml").write_text('base_url = "http://127.0.0.1:1/v1"\n')
    with pytest.raises(SettingsError, match="base_url is not taken"):
        load_settings()


@pytest.mark.slow
def test_trust_lasts_until_the_file_changes(
    cloned: Path, serve: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = serve(), serve()
    file = cloned / "mrvideo.toml"
    file.write_text(f'vision = "openai:test-vlm"\nbase_url = "{first.base_url}"\n')
    assert run(["config", "trust", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sets"] == {"vision": "openai:test-vlm", "base_url": first.base_url}
    assert run(["index", "film.mp4", "--quiet"]) == 0
    assert KEY in received(first)

    file.write_text(f'vision = "openai:test-vlm"\nbase_url = "{second.base_url}"\n')
    capsys.readouterr()
    assert run(["index", "film.mp4", "--quiet", "--no-cache"]) == 2
    assert "has changed since you trusted it" in capsys.readouterr().err
    assert second.calls == 0
    assert run(["config", "trust", "--list"]) == 0
    assert f"{file}  (changed" in capsys.readouterr().out

    assert run(["config", "trust"]) == 0
    capsys.readouterr()
    assert run(["config", "trust", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"file": str(file), "unchanged": True}]
    assert load_settings().base_url == second.base_url
    assert run(["config", "trust", "--remove"]) == 0
    with pytest.raises(SettingsError, match="is not one that you trust"):
        load_settings()
    assert run(["config", "trust", "--remove"]) == 2


def test_trust_is_of_one_place(cloned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy elsewhere, or a link to the trusted file, is another folder's: paths in it would lead elsewhere."""
    (cloned / "mrvideo.toml").write_text('key_file = "key.txt"\n')
    (cloned / "key.txt").write_text("sk-theirs")
    assert run(["config", "trust"]) == 0
    assert load_settings().key_file == Path("key.txt")
    for name, make in {
        "copy": lambda to: to.write_text('key_file = "key.txt"\n'),
        "link": link_to(cloned),
    }.items():
        other = tmp_path / name
        other.mkdir()
        make(other / "mrvideo.toml")
        monkeypatch.chdir(other)
        with pytest.raises(SettingsError, match="key_file is not taken"):
            load_settings()
    # The same place by another way is the same.
    (tmp_path / "way").symlink_to(cloned)
    monkeypatch.chdir(tmp_path / "way")
    assert load_settings().key_file == Path("key.txt")


def link_to(folder: Path) -> Callable[[Path], None]:
    return lambda to: to.symlink_to(folder / "mrvideo.toml")


def test_what_was_shown_is_what_was_trusted(cloned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is changed between the reading and the trusting is not trusted as it became."""
    file = cloned / "mrvideo.toml"
    file.write_text('language = "en"\nworkers = 2\n')
    from mrvideo.cli import config

    keep = config.trust

    def changed_meanwhile(path: Path, data: bytes) -> None:
        file.write_text('base_url = "http://127.0.0.1:1/v1"\n')
        keep(path, data)

    monkeypatch.setattr(config, "trust", changed_meanwhile)
    assert run(["config", "trust"]) == 0
    with pytest.raises(SettingsError, match="base_url is not taken"):
        load_settings()


def test_commands_of_the_library_alone_say_it_and_go_on(
    cloned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["index", "film.mp4", "--quiet", "--vision", "offline"]) == 0
    (cloned / "mrvideo.toml").write_text('base_url = "http://127.0.0.1:1/v1"\n')
    capsys.readouterr()
    assert run(["list"]) == 0
    out, err = capsys.readouterr()
    assert "film.mp4" in out and "base_url is not taken" in err
    assert run(["config", "show", "--json"]) == 0
    out, err = capsys.readouterr()
    assert (
        json.loads(out)["base_url"] == {"value": None, "from": "default"} and "base_url is not taken" in err
    )
    assert run(["doctor", "--json"]) == 1
    assert any(
        "base_url is not taken" in problem for problem in json.loads(capsys.readouterr().out)["problems"]
    )


def test_a_file_that_you_name_yourself_is_your_own_pointing(
    cloned: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Any]
) -> None:
    mine = serve()
    (cloned / "mrvideo.toml").write_text(f'base_url = "{mine.base_url}"\n')
    monkeypatch.setenv("MRVIDEO_CONFIG", "mrvideo.toml")
    assert load_settings().base_url == mine.base_url


@pytest.mark.skipif(os.name != "posix", reason="pipes with a name")
def test_a_settings_file_that_is_none_is_one_line(cloned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe would be waited for, an endless file read, a deep one end in a RecursionError."""
    file = cloned / "mrvideo.toml"
    os.mkfifo(file)
    assert run(["list"]) == 2
    file.unlink()
    file.symlink_to("/dev/zero")
    assert run(["list"]) == 2
    file.unlink()
    for text in (
        "x = " + "[" * 5000,
        "effort = " + '"' + "x" * 300_000 + '"',
        'base_url = "\\u0000"\nlibrary = "\\u0000"\n',
    ):
        file.write_text(text)
        capsys.readouterr()
        assert run(["index", "film.mp4"]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        file.unlink()


def test_a_key_for_openai_is_not_shown_to_whatever_listens_at_a_usual_port(
    cloned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a shared machine anybody may listen at Ollama's port; nobody pointed the key there."""
    for name in ("ollama:x", "vllm:x", "lmstudio:x"):
        assert model_settings(load_settings(vision=name), "vision").api_key is None
        pointed = load_settings(vision=name, base_url="http://127.0.0.1:9/v1")
        assert sent(pointed) == KEY
    assert sent(load_settings(vision="openai:x")) == KEY
    monkeypatch.setenv("MRVIDEO_API_KEY", "sk-for-all")
    assert sent(load_settings(vision="ollama:x")) == "sk-for-all", "this one was given for whatever is asked"


def sent(settings: Settings) -> str:
    key = model_settings(settings, "vision").api_key
    assert key is not None
    return key.get_secret_value()


@pytest.mark.slow
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_server_cannot_send_key_or_pictures_on_to_another(
    cloned: Path, chat: ModuleType, serve: Callable[..., Any], status: int
) -> None:
    stranger = serve()
    away = {"location": f"{stranger.base_url}/chat/completions"}
    mine = serve(answer=lambda asked: chat.Raw(b"", status, away))
    with pytest.raises(mrvideo.MrVideoError, match=rf"sent on to another address \({status}\)"):
        mrvideo.index("film.mp4", vision="openai:test-vlm", base_url=mine.base_url)
    assert mine.calls > 0 and stranger.calls == 0


def test_two_who_trust_at_once_are_both_remembered(tmp_path: Path, home: Path) -> None:
    from mrvideo.trust import trust, trusted_files

    folders = [tmp_path / f"f{number}" for number in range(8)]
    start = threading.Barrier(len(folders))

    def one(folder: Path) -> None:
        folder.mkdir()
        (folder / "mrvideo.toml").write_text("workers = 2\n")
        start.wait()
        trust(folder / "mrvideo.toml", b"workers = 2\n")

    threads = [threading.Thread(target=one, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = trusted_files(1000)
    assert [one.file.parent for one in found] == folders and all(one.unchanged for one in found)
    kept = home / ".config" / "mrvideo" / "trusted"
    assert all(file.stat().st_mode & 0o077 == 0 for file in [kept, *kept.iterdir()])
