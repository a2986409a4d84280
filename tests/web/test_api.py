"""The viewer over HTTP: who is let in, what is served, and that what was put right is in the library."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.routing import Route
from support.casts import DIGEST
from web.conftest import TOKEN, Running

from mrvideo.library import Library
from mrvideo.session import previewing
from mrvideo.web.app import Viewer
from mrvideo.web.openapi import description


@pytest.fixture
def client(viewer: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=viewer.origin, cookies={}, trust_env=False) as client:
        assert client.get(f"/?token={TOKEN}", follow_redirects=True).status_code == 200
        yield client


def test_without_the_token_nothing_is_served(viewer: Running) -> None:
    for path in (
        "/",
        "/api/videos",
        "/static/video.js",
        f"/api/videos/{viewer.digest}/file",
        "/?token=other",
    ):
        assert httpx.get(viewer.origin + path, trust_env=False).status_code == 401


def test_a_browser_without_the_token_gets_a_page_that_says_what_to_open(viewer: Running) -> None:
    reply = httpx.get(f"{viewer.origin}/", headers={"Accept": "text/html,*/*"}, trust_env=False)
    assert reply.status_code == 401 and "<p>Open the address that mrvideo view has printed" in reply.text
    policy = reply.headers["content-security-policy"]
    style = reply.text.partition("<style>")[2].partition("</style>")[0]
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{known}';" in policy and "unsafe" not in policy
    assert "script-src 'self';" in policy and "<script" not in reply.text
    plain = httpx.get(f"{viewer.origin}/api/videos", trust_env=False)
    assert plain.text == "Open the address that mrvideo view has printed: it carries the token.\n"


def test_a_page_that_there_is_not_leads_to_the_library(client: httpx.Client) -> None:
    reply = client.get("/vidoe", headers={"Accept": "text/html"})
    assert reply.status_code == 404 and '<a href="/">To the library</a>' in reply.text
    assert client.get("/vidoe").json() == {"detail": "Not Found"}


def test_the_token_leaves_the_address_and_stays_as_a_cookie_that_scripts_cannot_read(viewer: Running) -> None:
    reply = httpx.get(f"{viewer.origin}/video/{viewer.digest}?token={TOKEN}&x=1", trust_env=False)
    assert (reply.status_code, reply.headers["location"]) == (303, f"/video/{viewer.digest}?x=1")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    reply = httpx.get(f"{viewer.origin}//elsewhere.example/?token={TOKEN}", trust_env=False)
    assert reply.headers["location"].startswith("/elsewhere"), "never to another site"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "10.1.2.3"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_other_hosts_and_origins_are_refused_also_with_the_token(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    assert client.get("/api/videos", headers=headers).status_code == 403


def test_every_answer_forbids_scripts_from_elsewhere(client: httpx.Client, viewer: Running) -> None:
    for path in ("/", "/api/videos", "/static/video.js", "/nothing", f"/video/{viewer.digest}"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy


def test_pages_hold_no_script_and_no_style_of_their_own(client: httpx.Client, viewer: Running) -> None:
    for path in ("/", f"/video/{viewer.digest}"):
        page = client.get(path).text
        assert "onclick" not in page and "style=" not in page and "<style" not in page
        assert page.count("<script") == page.count('<script type="module" src="/static/') == 1


def test_the_file_is_served_by_ranges(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{viewer.digest}/file"
    film = (viewer.settings.library.parent.parent / "talk.mp4").read_bytes()
    part = client.get(path, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == film[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(film)}"
    assert client.get(path, headers={"Range": "bytes=-5"}).content == film[-5:]
    assert client.get(path, headers={"Range": f"bytes={len(film)}-"}).status_code == 416


def test_another_file_under_the_path_is_not_served(client: httpx.Client, viewer: Running) -> None:
    (viewer.settings.library.parent.parent / "talk.mp4").write_bytes(b"something private")
    assert client.get(f"/api/videos/{viewer.digest}/file").status_code == 404
    assert client.get(f"/api/videos/{viewer.digest}").json()["playable"] is False


@pytest.mark.parametrize("digest", ["..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "talk.mp4", "0" * 64, "ab"])
def test_paths_come_from_the_library_alone(client: httpx.Client, digest: str) -> None:
    for rest in ("", "/file", "/frame?t=1"):
        assert client.get(f"/api/videos/{digest}{rest}").status_code in (400, 404)


def test_a_frame_is_a_jpeg_and_nonsense_is_told(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{viewer.digest}/frame"
    assert client.get(f"{path}?t=108").content[:2] == b"\xff\xd8"
    for wrong in ("t=x", "t=-1", "t=nan", "t=1e9", "t=1&side=99999", "t=1&box=0,0,1", "t=1&box=0,0,1,nan"):
        reply = client.get(f"{path}?{wrong}")
        assert reply.status_code == 400 and "\n" not in reply.json()["detail"], wrong


def test_playing_reads_no_index(
    client: httpx.Client, viewer: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of ten hours takes half a second to read: too long for each range, frame and part of a preview."""

    def refuse(library: Library, digest: str) -> None:
        raise AssertionError("an index was read")

    monkeypatch.setattr(Library, "latest_index", refuse)
    path = f"/api/videos/{viewer.digest[:8]}"
    assert client.get(f"{path}/file", headers={"Range": "bytes=100-199"}).status_code == 206
    for rest in ("frame?t=1&side=64", "preview", "preview/16"):
        assert client.get(f"{path}/{rest}", timeout=60).status_code == 200, rest


def test_a_video_that_is_half_indexed_says_what_to_do_and_shows_its_frames(
    client: httpx.Client, viewer: Running
) -> None:
    with Library.open(viewer.settings.library) as library:
        info = next(one for one in library.videos() if one.digest == viewer.digest)
        library.remove(viewer.digest)
        library.put_video(info)
    path = f"/api/videos/{viewer.digest}"
    reply = client.get(path)
    assert reply.status_code == 400 and "is begun in" in reply.json()["detail"]
    assert "run mrvideo index again: it goes on where it stopped" in reply.json()["detail"]
    assert client.get(f"{path}/frame?t=1&side=64").content[:2] == b"\xff\xd8"
    unknown = client.get(f"/api/videos/{'0' * 64}/frame?t=1").json()["detail"]
    assert "is not in" in unknown and "run mrvideo index on it first" in unknown


def test_a_box_is_cut_out_of_a_frame(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{viewer.digest}/frame?t=108&side=160"
    whole, part = (
        Image.open(io.BytesIO(client.get(p).content)) for p in (path, f"{path}&box=0.4,0.2,0.5,0.8")
    )
    assert whole.width == 160 > whole.height
    assert part.height == 160 > part.width


def test_a_preview_is_told_and_served_in_parts(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{viewer.digest}/preview"
    told = client.get(path).json()
    assert told["parts"] == 17 and told["media_type"].startswith('video/mp4; codecs="avc1')
    part = client.get(f"{path}/16", timeout=60)
    assert part.content[4:8] == b"ftyp" and part.headers["content-type"] == "video/mp4"
    for wrong in ("17", "999999"):
        reply = client.get(f"{path}/{wrong}")
        assert reply.status_code == 400 and "no part" in reply.json()["detail"]
    assert client.get(f"{path}/-1").status_code == 404
    assert client.get(f"/api/videos/{DIGEST}/preview").status_code == 400, "its file is gone"


def test_a_preview_that_nobody_waits_for_is_not_made(
    client: httpx.Client, viewer: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who jumps about in a film leaves parts behind: they would keep the processor from the one on screen."""
    begun, stopped = threading.Event(), threading.Event()

    def endless(*arguments: Any, go_on: Callable[[], None], **more: Any) -> bytes:
        begun.set()
        try:
            while True:
                go_on()
        finally:
            stopped.set()

    monkeypatch.setattr(previewing, "preview_part", endless)
    with pytest.raises(httpx.ReadTimeout):
        client.get(f"/api/videos/{viewer.digest}/preview/0", timeout=httpx.Timeout(30, read=0.5))
    assert begun.is_set() and stopped.wait(30)


def test_a_question_streams_its_events_and_its_answer_is_kept(client: httpx.Client, viewer: Running) -> None:
    body = {"question": "What is the boat called?"}
    with client.stream("POST", f"/api/videos/{viewer.digest}/ask", json=body, timeout=60) as reply:
        told = [json.loads(line) for line in reply.iter_lines()]
    assert told[-1]["type"] == "Answer" and len(told) > 1
    assert client.get(f"/api/videos/{viewer.digest}").json()["answers"][-1]["answer"] == told[-1]["answer"]


def test_a_question_that_cannot_be_asked_is_a_problem(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{viewer.digest}/ask"
    assert json.loads(client.post(path, json={"question": " "}).text)["type"] == "Problem"
    assert client.post(path, json={"question": ""}).status_code == 422
    assert client.post(path, json={"question": "Who?", "library": "/etc"}).status_code == 422
    assert client.post(path, content=b'{"question": "Who?"}').status_code == 415
    assert client.post(path, json={"question": "x" * 200_000}).status_code == 413


def test_what_is_put_right_is_in_the_library(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{DIGEST}/cast"
    done = client.post(path, json={"action": "merge", "name": "person_1", "other": "person_3"})
    assert done.json()["told"] == "person_3 is person_1"
    with Library.open(viewer.settings.library) as library:
        index = library.latest_index(DIGEST)
    assert index is not None and [e.name for e in index.entities] == ["person_1", "person_2"]
    wrong = client.post(path, json={"action": "merge", "name": "person_1", "other": "person_3"})
    assert wrong.status_code == 400 and "nobody in the cast is called person_3" in wrong.json()["detail"]
    assert client.post(path, json={"action": "undo"}).status_code == 200
    assert len(client.get(f"/api/videos/{DIGEST}").json()["entities"]) == 3


def test_a_photo_is_given_and_shown(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{DIGEST}/photo"
    assert client.get(path, params={"name": "person_1"}).status_code == 404
    made = io.BytesIO()
    Image.new("RGB", (80, 60), "red").save(made, format="PNG")
    binary = {"Content-Type": "application/octet-stream"}
    given = {"params": {"name": "person_1"}, "content": made.getvalue()}
    assert client.post(path, **given).status_code == 415
    assert client.post(path, headers=binary, **given).json()["told"] == "person_1 has a photo"
    assert client.get(path, params={"name": "person_1"}).content[:2] == b"\xff\xd8"
    for content, status in ((b"no picture", 400), (bytes((16 << 20) + 1), 413)):
        reply = client.post(path, headers=binary, params={"name": "person_1"}, content=content)
        assert reply.status_code == status and "\n" not in reply.json()["detail"]
    with Library.open(viewer.settings.library) as library:
        assert [one.kind for one in library.corrections(DIGEST)] == ["photo"]


def test_chapters_are_none_until_they_are_written_and_kept_since(
    client: httpx.Client, viewer: Running
) -> None:
    path = f"/api/videos/{viewer.digest}/chapters"
    assert client.get(path).json() is None
    written = client.post(path).json()
    assert written and written[0]["start_seconds"] == 0 and written[0]["title"]
    assert client.get(path).json() == written
    with Library.open(viewer.settings.library) as library:
        assert len(list(library.parts(viewer.digest, "memory"))) == 1


def test_moments_are_found_by_a_description(client: httpx.Client, viewer: Running) -> None:
    path = f"/api/videos/{viewer.digest}/find"
    found = client.get(path, params={"query": "the key of the boat"}).json()
    assert any("key" in reason["quote"] for one in found["moments"] for reason in one["why"])
    assert len(found["moments"]) <= 20
    for wrong in ("", "?!", "x" * 5000):
        reply = client.get(path, params={"query": wrong})
        assert reply.status_code == 400 and "\n" not in reply.json()["detail"], wrong


def test_every_route_is_described_and_every_reference_leads_somewhere(
    client: httpx.Client, viewer: Running
) -> None:
    told = client.get("/api/openapi.json").json()
    assert told == json.loads(json.dumps(description()))
    text = json.dumps(told)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names and names <= told["components"]["schemas"].keys()
    routes = {
        (route.path.replace(":str", "").replace(":int", ""), method.lower())
        for route in Viewer(viewer.settings).app().routes
        if isinstance(route, Route) and route.path.startswith("/api/") and route.methods
        for method in route.methods - {"HEAD"}
    } - {("/api/openapi.json", "get")}
    assert routes == {(path, method) for path, of in told["paths"].items() for method in of}
