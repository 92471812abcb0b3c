"""Pages of a real server, to the last record and no further, whatever happens on the way."""

import json
import os
import shutil
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from sluice.deadline import deadline
from sluice.errors import InputError, RetryError, SetupError, SluiceError, SourceError
from sluice.sources.api.client import Client
from sluice.sources.api.fetch import fetch
from sluice.sources.api.spool import NOTE, Checkpoint, forget, spooled
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from tests.sources.api.server import Api

STYLES: dict[str, dict[str, Any]] = {
    "listing": {"paging": {"style": "page", "param": "page", "size": 10, "size_param": "size"}},
    "listing?": {"paging": {"style": "offset", "size": 10, "size_param": "size"}},
    "linked": {"records": "$.data.rows", "paging": {"style": "link"}},
    "cursored": {"records": "$.items", "paging": {"style": "cursor", "next": "$.meta.cursor"}},
    "cursored?": {"records": "items", "paging": {"style": "next", "next": "$.meta.url"}},
    "lines": {},
}


def source(api: Api, name: str, **more: Any) -> ApiSource:
    return ApiSource.model_validate({"url": f"{api.url}/{name.rstrip('?')}", **STYLES.get(name, {}), **more})


def fetched(folder: Path, what: ApiSource, **more: Any) -> tuple[list[dict[str, Any]], Checkpoint]:
    """All records, and what the spool noted at the end."""
    with (
        spooled(folder) as spool,
        Client(Guard(anywhere=True), rate=what.rate, concurrency=what.concurrency).opened() as client,
    ):
        fetch(what, client, spool, **more)
        return list(spool.records()), spool.at


@pytest.mark.parametrize("count", [0, 1, 10, 35])
@pytest.mark.parametrize("name", STYLES)
def test_every_record_of_every_kind_of_pages_comes_once_and_in_order(api, tmp_path, name, count):
    items = api.fill(count)
    found, at = fetched(tmp_path, source(api, name))
    assert found == items
    assert (at.records, at.done) == (count, True)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_request_is_tried_again(api, tmp_path, status):
    items = api.fill(25)
    api.faults = [Response(status_code=status), Response(status_code=status)]
    found, _ = fetched(tmp_path, source(api, "linked"))
    assert found == items
    assert len(api.asked) == 3 + 2


@pytest.mark.parametrize("told", ["seconds", "date", "reset", "moment"])
def test_the_server_says_how_long_to_wait(api, tmp_path, told):
    now = datetime.now(UTC)
    headers = {
        "seconds": {"retry-after": "2"},
        "date": {"retry-after": format_datetime(now + timedelta(seconds=3), usegmt=True)},
        "reset": {"ratelimit-remaining": "0", "ratelimit-reset": "2"},
        "moment": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(now.timestamp()) + 3)},
    }[told]
    api.fill(5)
    api.faults = [Response(status_code=403 if told == "moment" else 429, headers=headers)]
    began = time.monotonic()
    fetched(tmp_path, source(api, "listing"))
    assert 1.5 < time.monotonic() - began < 6


def test_no_request_is_sent_where_none_is_left(api, tmp_path):
    api.fill(20)
    api.headers = {"ratelimit-remaining": "0", "ratelimit-reset": "1"}
    began = time.monotonic()
    fetched(tmp_path, source(api, "listing", concurrency=1))
    assert time.monotonic() - began > 1.9  # after each but the last of three pages


def test_no_more_requests_a_second_than_declared(api, tmp_path):
    api.fill(40)
    began = time.monotonic()
    fetched(tmp_path, source(api, "listing", rate=5))
    assert time.monotonic() - began > 0.8


def test_a_stopped_fetch_goes_on_where_it_was(api, tmp_path):
    items = api.fill(45)
    api.faults = [None, None, JSONResponse({"error": "no"}, 404)]  # type: ignore[list-item]
    with pytest.raises(SourceError, match="404"):
        fetched(tmp_path, source(api, "cursored"))
    (tmp_path / "000000.ndjson").open("a").write('{"name": "half a rec')  # a page that was not noted
    (tmp_path / NOTE).open("a").write('{"size": 99')
    found, at = fetched(tmp_path, source(api, "cursored"))
    assert found == items
    assert (at.pages, at.records) == (5, 45)
    assert len(api.asked) == 5 + 1


def test_a_note_of_before_the_machines_crash_is_not_believed(api, tmp_path):
    items = api.fill(30)
    fetched(tmp_path, source(api, "linked"))
    note = tmp_path / NOTE
    note.write_text(json.dumps(json.loads(note.read_text().splitlines()[-1]) | {"boot": "another"}) + "\n")
    found, _ = fetched(tmp_path, source(api, "linked"))
    assert found == items
    assert len(api.asked) == 6


def test_two_do_not_fetch_the_same_at_once(tmp_path):
    folder, order = tmp_path / "fetch", []

    def other():
        with spooled(folder):
            order.append("second")

    with spooled(folder):
        late = threading.Thread(target=other)
        late.start()
        late.join(1)
        order.append("first")
        with pytest.raises(RetryError, match="fetch"), deadline("fetch", 0.5), spooled(folder):
            pass
        shutil.rmtree(folder)  # as the first does when it is done
    late.join(20)
    assert order == ["first", "second"]


def test_a_fetch_that_nobody_went_on_with_goes_and_one_at_work_stays(api, tmp_path):
    api.fill(3)
    for name in ("old", "new", "held"):
        fetched(tmp_path / name, source(api, "linked"))
    for name in ("old", "held"):
        os.utime(tmp_path / name / NOTE, (0, 0))
    with spooled(tmp_path / "held"):
        assert forget(tmp_path, 3600) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held", "new"]
    assert forget(tmp_path / "nowhere", 3600) == 0


def test_a_server_that_knows_no_pages_is_found_out(api, tmp_path):
    api.fill(30)
    with pytest.raises(SourceError, match="the same page again"):
        fetched(tmp_path, source(api, "same", paging={"style": "page"}))


def test_a_server_that_shows_its_last_page_for_all_beyond_is_at_its_end(api, tmp_path):
    items = api.fill(30)
    api.clamps = True
    found, at = fetched(tmp_path, source(api, "listing"))
    assert (found, at.done) == (items, True)


def test_pages_that_go_round_are_found_out(api, tmp_path):
    api.fill(5)
    round_trip = [
        JSONResponse({"items": [{"name": str(n)}], "meta": {"cursor": f"c{n % 2}"}}) for n in range(9)
    ]
    api.faults = list(round_trip)
    with pytest.raises(SourceError, match="leads back"):
        fetched(tmp_path, source(api, "cursored"))


def test_only_what_is_new_is_asked_for(api, tmp_path):
    api.fill(56)
    new = {"field": "updated", "param": "since"}
    found, at = fetched(tmp_path / "1", source(api, "listing", incremental=new))
    assert (len(found), at.high) == (56, "2026-01-28T00:00:00Z")
    found, at = fetched(tmp_path / "2", source(api, "listing", incremental=new), since=at.high)
    assert {one["updated"] for one in found} == {"2026-01-28T00:00:00Z"}


def test_content_that_the_server_knows_as_unchanged_is_not_sent(api, tmp_path):
    api.fill(5)
    _, at = fetched(tmp_path / "1", source(api, "known"))
    found, again = fetched(tmp_path / "2", source(api, "known"), validators=at.validators)
    assert (found, again.done, again.validators) == ([], True, at.validators)


@pytest.mark.parametrize(
    ("name", "more", "kind", "said"),
    [
        ("text", {}, SourceError, "is no JSON"),
        ("linked", {"records": "$.rows"}, SourceError, "nothing at \\$.rows; the answer has data"),
        ("listing", {"records": "$..["}, SetupError, "is no JSONPath"),
        ("nowhere", {}, SourceError, "404"),
        ("cursored", {"paging": {"style": "cursor", "next": "$.meta"}}, SourceError, "is not one value"),
    ],
)
def test_what_is_wrong_is_said(api, tmp_path, name, more, kind, said):
    api.fill(12)
    with pytest.raises(kind, match=said):
        fetched(tmp_path, source(api, name, **more))


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://10.0.0.1/"]
)
def test_a_redirect_to_an_address_that_is_not_public_is_refused(api, tmp_path, target):
    allowed = Guard.of(False, "127.0.0.1")
    with (
        spooled(tmp_path) as spool,
        Client(allowed).opened() as client,
        pytest.raises(InputError, match="no public address"),
    ):
        fetch(source(api, "elsewhere", params={"to": target}), client, spool)


def test_a_name_that_means_another_address_by_now_is_not_spoken_to(api, tmp_path, monkeypatch: Any):
    """The look before finds a public address, the connection another."""
    guard = Guard()
    monkeypatch.setattr(Guard, "check", lambda self, url: None)
    with (
        spooled(tmp_path) as spool,
        Client(guard).opened() as client,
        pytest.raises(SluiceError, match="no public"),
    ):
        fetch(source(api, "listing"), client, spool)
    assert api.asked == []


@pytest.mark.parametrize("nested", [0, 25], ids=["at the beginning", "later"])
def test_a_nested_record_among_flat_ones_is_read_as_such(api, tmp_path, nested):
    items = api.fill(40)
    items[nested]["more"] = {"a": 1}
    with spooled(tmp_path) as spool, Client(Guard(anywhere=True)).opened() as client:
        fetch(source(api, "listing"), client, spool)
        assert spool.at.names is None
        assert list(spool.records()) == items
