"""`--vision host`: requests wait as tasks in the library, and whoever takes one answers it, once."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mrvideo.errors import InputError, LibraryError, ModelUnavailable, ReplyInvalid, SettingsError
from mrvideo.library import Library
from mrvideo.mapreduce import portal
from mrvideo.models import ModelSettings, open_model
from mrvideo.models.base import Model, Picture, Reply, Request
from mrvideo.models.ledger import Ledger
from mrvideo.prompts.loader import load_prompt
from mrvideo.schemas.captioning import MergeBorderInputs, MergeBorderReply
from mrvideo.session.options import captioning_options
from mrvideo.session.tasks import next_tasks, submit_reply, task_progress
from mrvideo.settings import Settings

RIGHT = {"seen": "the same door", "same_scene": True}
VIDEO = "ab" * 32


def border(number: int, *, pictures: int = 1) -> Request[MergeBorderReply]:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (number * 7 % 256, 90, 30)).save(stream, "JPEG")
    shown = tuple(Picture(f"{n}.50 s", stream.getvalue(), n + 0.5) for n in range(pictures))
    inputs = MergeBorderInputs(border_seconds=float(number), before="a door", after="a room")
    prompt = load_prompt("merge_border")
    return Request(prompt, inputs, MergeBorderReply, stage="captions", pictures=shown)


class Place:
    """A library, and runs that ask in it. What is started here is stopped with it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(library=folder / "library.db", vision="host")
        self.library = Library.open(self.settings.library)
        self.running: list[Future[Any]] = []

    def model(self, *, fresh: bool = False) -> Model:
        return open_model(
            ModelSettings.parse("host"), ledger=Ledger(), store=self.library, fresh=fresh, video=VIDEO
        )

    def ask(self, model: Model, request: Request[Any]) -> Future[Reply[Any]]:
        """Starts it, and returns once its task waits or it is done."""
        before = sum(one.open + one.taken for one in self.library.count_tasks())
        future = portal().start_task_soon(model.run, request)
        self.running.append(future)
        for _ in range(1000):
            waiting = sum(one.open + one.taken for one in self.library.count_tasks())
            if future.done() or waiting > before:
                return future
            threading.Event().wait(0.01)
        raise AssertionError("no task came")

    def next(self, limit: int = 1, **more: Any) -> Any:
        return next_tasks(self.settings, limit=limit, **more)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for future in made.running:
        future.cancel()
    made.library.close()


def right(place: Place, task: str) -> bool:
    return submit_reply(place.settings, task, RIGHT).accepted


def test_a_request_waits_until_somebody_answers_it_and_is_kept(place: Place) -> None:
    asked = place.ask(place.model(), border(3, pictures=2))
    (task,) = place.next()
    assert (task.stage, task.video) == ("captions", VIDEO)
    assert "3.00" in task.request and task.instructions == load_prompt("merge_border").static
    assert task.reply_schema is not None and "same_scene" in task.reply_schema["properties"]
    assert [cell.label for sheet in task.sheets for cell in sheet.cells] == ["0.50 s", "1.50 s"]
    assert not asked.done()
    assert submit_reply(place.settings, task.task, RIGHT).accepted
    reply = asked.result(timeout=10)
    assert reply.value == MergeBorderReply(**RIGHT)
    assert (reply.usage.calls, reply.usage.images, reply.usage.cost) == (1, 2, 0)
    again = place.ask(place.model(), border(3, pictures=2)).result(timeout=10)
    assert again.cached and again.value == reply.value
    assert place.next() == ()


def test_a_run_that_ended_finds_what_was_answered_since(place: Place) -> None:
    asked = place.ask(place.model(), border(1))
    asked.cancel()
    (task,) = place.next()
    assert right(place, task.task)
    assert place.ask(place.model(), border(1)).result(timeout=10).cached


def test_a_run_that_begins_anew_joins_the_task_that_waits(place: Place) -> None:
    place.ask(place.model(), border(1)).cancel()
    (task,) = place.next()
    second = portal().start_task_soon(place.model().run, border(1))
    place.running.append(second)
    assert place.next() == (), "it is held by whoever took it"
    assert right(place, task.task)
    assert second.result(timeout=10).value == MergeBorderReply(**RIGHT)
    assert task_progress(place.settings).total.answered == 1


def test_a_reply_outside_its_bounds_is_told_once_and_then_fails(place: Place) -> None:
    asked = place.ask(place.model(), border(1))
    (task,) = place.next()
    first = submit_reply(place.settings, task.task, {"same_scene": "perhaps"})
    assert not first.accepted and first.tries_left == 1
    assert first.problem is not None and "same_scene" in first.problem
    assert place.next() == (), "whoever was told may mend it"
    second = submit_reply(place.settings, task.task, "I cannot tell.")
    assert not second.accepted and second.tries_left == 0
    with pytest.raises(ReplyInvalid, match="outside its bounds twice: it holds no JSON object"):
        asked.result(timeout=10)
    third = submit_reply(place.settings, task.task, RIGHT)
    assert not third.accepted and third.problem is not None and "no reply any more" in third.problem
    anew = place.ask(place.model(), border(1))
    (task,) = place.next()
    assert task.problem is None and right(place, task.task)
    assert anew.result(timeout=10).value.same_scene


def test_a_mended_reply_is_accepted_as_text_too(place: Place) -> None:
    asked = place.ask(place.model(), border(1))
    (task,) = place.next()
    assert not submit_reply(place.settings, task.task, {}).accepted
    text = 'So:\n```json\n{"seen": "another room", "same_scene": false}\n```'
    assert submit_reply(place.settings, task.task, text).accepted
    assert not asked.result(timeout=10).value.same_scene


def test_a_lease_that_is_over_gives_the_task_to_the_next_and_one_reply_counts(place: Place) -> None:
    asked = place.ask(place.model(), border(1))
    (slow,) = place.next(lease_seconds=0.0)
    (quick,) = place.next()
    assert slow.task == quick.task
    assert right(place, quick.task)
    late = submit_reply(place.settings, slow.task, {**RIGHT, "same_scene": False})
    assert (late.accepted, late.problem) == (False, "it is answered already; take the next one")
    assert asked.result(timeout=10).value.same_scene


def test_leases_end_by_the_clock(place: Place) -> None:
    place.ask(place.model(), border(1))
    take = place.library.take_tasks
    assert len(take(1, lease_seconds=600, now=1000.0)) == 1
    assert take(1, lease_seconds=600, now=1599.0) == ()
    assert len(take(1, lease_seconds=600, now=1600.0)) == 1


def test_tasks_of_the_run_that_began_first_come_first(place: Place) -> None:
    early, late = place.model(), place.model()
    place.ask(late, border(1))
    place.ask(early, border(2))
    place.ask(late, border(3))
    place.ask(early, border(4))
    told = [task.request for task in place.next(limit=4)]
    assert [next(n for n in "1234" if f"{n}.00" in text) for text in told] == ["2", "4", "1", "3"]


@pytest.mark.slow
def test_no_two_takers_get_the_same_task(place: Place) -> None:
    model = place.model()
    for number in range(24):
        place.ask(model, border(number))
    taken: list[str] = []
    start = threading.Barrier(4)

    def take() -> None:
        start.wait()
        with Library.open(place.settings.library) as library:
            while some := library.take_tasks(2, lease_seconds=600):
                taken.extend(task.key for task in some)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    assert len(taken) == len(set(taken)) == 24


def test_kinds_are_explained_once(place: Place) -> None:
    model = place.model()
    for number in range(3):
        place.ask(model, border(number))
    first, second = place.next(limit=2)
    assert first.instructions and second.instructions is None and second.reply_schema is None
    (third,) = place.next(knows=[first.kind])
    assert third.kind == first.kind and third.instructions is None


def test_a_task_of_another_version_is_not_handed_out(place: Place) -> None:
    asked = place.ask(place.model(), border(1))
    with sqlite3.connect(place.settings.library) as raw:
        raw.execute("UPDATE tasks SET body = replace(body, 'a door', 'a gate')")
    raw.close()
    assert place.next() == ()
    with pytest.raises(ReplyInvalid, match="another version"):
        asked.result(timeout=10)


def test_fresh_asks_again_although_a_reply_is_kept(place: Place) -> None:
    place.ask(place.model(), border(1))
    assert right(place, place.next()[0].task)
    again = place.ask(place.model(fresh=True), border(1))
    (task,) = place.next()
    assert submit_reply(place.settings, task.task, {**RIGHT, "same_scene": False}).accepted
    assert not again.result(timeout=10).value.same_scene


def test_tasks_go_with_their_video(place: Place) -> None:
    asked = place.ask(place.model(), border(1))
    place.library.remove(VIDEO)
    assert place.next() == ()
    with pytest.raises(ReplyInvalid, match="removed with its video"):
        asked.result(timeout=10)


def test_answered_tasks_keep_no_pictures(place: Place) -> None:
    place.ask(place.model(), border(1, pictures=5))
    assert right(place, place.next()[0].task)
    with sqlite3.connect(place.settings.library) as raw:
        assert raw.execute("SELECT count(*) FROM task_pictures").fetchone() == (0,)
    raw.close()


def test_what_is_no_task_is_one_line(place: Place, tmp_path: Path) -> None:
    for name in ("", "zz", "0123", "0123456789abcdef", "%"):
        with pytest.raises(InputError, match="no task"):
            submit_reply(place.settings, name, RIGHT)
    with pytest.raises(LibraryError, match="no library here"):
        next_tasks(Settings(library=tmp_path / "none.db"))


def test_without_a_library_there_is_nowhere_to_wait() -> None:
    model = open_model(ModelSettings.parse("host"), ledger=Ledger())
    with pytest.raises(ModelUnavailable, match="--library"):
        portal().call(model.run, border(1))


@pytest.mark.parametrize("elsewhere", [{"workers": 2}, {"cluster": "dask://127.0.0.1:1"}])
def test_workers_elsewhere_are_refused(elsewhere: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="leave out --workers and --cluster"):
        captioning_options(Settings(vision="host", **elsewhere))


def test_text_follows_host() -> None:
    assert Settings(vision="host").text_model == "host"


def test_a_name_beside_host_is_refused() -> None:
    with pytest.raises(SettingsError, match="write offline, host, openai:NAME"):
        ModelSettings.parse("hosts")


def test_every_prompts_request_can_be_made_again() -> None:
    """A reply of a kind that is not found could never be checked, and its task would fail."""
    from importlib import resources
    from pkgutil import iter_modules

    from mrvideo import schemas
    from mrvideo.models import host

    assert {module.name for module in iter_modules(schemas.__path__)} == set(host._SCHEMAS)
    files = [file.name for file in resources.files("mrvideo.prompts").iterdir()]
    replies = {load_prompt(name.removesuffix(".md")).reply for name in files if name.endswith(".md")}
    assert len(replies) > 10
    assert replies <= set(host._types())
