"""`mrvideo eval` and `mrvideo import`, as a user types them."""

import json

import pytest
from typer.testing import CliRunner

from mrvideo.cli.app import app
from mrvideo.errors import InputError, SettingsError
from mrvideo.evals.haystack import build_haystack


@pytest.fixture
def type_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*words):
        done = CliRunner().invoke(app, list(words))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return invoke


def caption_file(path):
    path.write_text(
        json.dumps(
            [
                {"t_start": 0, "t_end": 6, "caption": "<person_d-10> paints a blue door."},
                {"t_start": 6, "t_end": 12, "caption": "<person_d-10> feeds a goat."},
            ]
        )
    )


@pytest.mark.slow
def test_released_captions_are_imported_and_found_again(type_in, tmp_path):
    from mrvideo import load

    build_haystack(tmp_path / "v.mp4", duration_seconds=12, seed=0)
    caption_file(tmp_path / "c.json")
    made = json.loads(type_in("import", "c.json", "v.mp4", "--json").stdout)
    assert made["scenes"] == 2 and made["failures"] == []
    video = load("v.mp4")
    assert [hit.text for hit in video.search("goat")] and video.entities[0].name == "person_1"


def test_captions_without_their_video_can_be_asked(type_in, tmp_path):
    from mrvideo import load

    caption_file(tmp_path / "c.json")
    made = json.loads(type_in("import", "c.json", "--json").stdout)
    video = load(made["video"])
    answer = video.ask("What is painted?")
    assert answer.effort == "low", "there is nothing to look at"
    told = type_in("import", "c.json").stdout
    assert made["video"] in told and "2 scenes, 1 name, 0 gaps" in told


@pytest.mark.slow
def test_missing_videos_are_shown_and_make_the_exit_code_one(type_in, folder):
    row = {
        "key": "abc",
        "qa": [{"uid": "1", "question": "Who?\n(A) a\n(B) b", "answer": "A", "question_type": ["reasoning"]}],
    }
    data = folder({"lvb/video_info.meta.jsonl": [row]})
    done = type_in(
        "eval", "lvbench", "--data", str(data / "lvb"), "--offline", "--json", "--report", "page.html"
    )
    assert done.exit_code == 1
    (system,) = json.loads(done.stdout)["systems"]
    assert system["statuses"] == {"missing": 1}
    assert system["metrics"]["accuracy"] == {"value": None, "standard_error": None, "count": 0}
    assert system["metrics"]["accuracy, strict"]["value"] == 0.0
    assert "LVBench" in (data / "page.html").read_text()
    told = type_in("eval", "lvbench", "--data", str(data / "lvb"), "--offline", "--resume", "-q")
    assert "60.8" in told.stdout, "what the paper reports stands beside"


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("eval", "imagenet", "--data", "."), InputError, "no benchmark"),
        (("eval", "lvbench"), InputError, "--data"),
        (("eval", "lvbench", "--data", "nowhere"), InputError, "nowhere"),
        (("eval", "needle", "--types", "smells", "--offline"), InputError, "text, image or all"),
        (("eval", "needle", "--offline", "--vision", "openai:x"), SettingsError, "--offline"),
        (("import", "nowhere.json"), InputError, "nowhere.json"),
    ],
)
def test_what_cannot_be_done_is_said(type_in, words, error, message):
    with pytest.raises(error, match=message):
        type_in(*words)


@pytest.mark.slow
def test_needles_offline_are_all_found_and_none_invented(type_in):
    done = type_in("eval", "needle", "--minutes", "1.5", "--seed", "1", "--offline", "--json", "-q")
    assert done.exit_code == 0, done.output
    (system,) = json.loads(done.stdout)["systems"]
    assert system["metrics"]["false finds"]["value"] == 0.0
    assert system["facets"]["task"]["ret"]["value"] == system["facets"]["task"]["ord"]["value"] == 1.0
    assert system["evidence"]["recall"]["value"] >= 0.95
    assert system["guessed"] == 0
