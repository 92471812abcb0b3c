"""Events over a line that stays open."""

import json
import threading
import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.gateway.test_uploads import announce


class Stream:
    """Server-sent events, read one at a time."""

    def __init__(self, reply: httpx.Response) -> None:
        self._lines = reply.iter_lines()

    def next(self):
        found, until = {}, time.monotonic() + 60
        for line in self._lines:
            if time.monotonic() > until:  # a sign of life comes now and then
                raise TimeoutError("no event for a minute")
            if not line and "data" in found:
                return found
            name, _, value = line.partition(": ")
            found[name] = value
        return None


def test_events_are_told_as_they_happen_and_go_on_where_they_ended(client):
    one = client()
    first = announce(one)["job_id"]
    with one.stream("GET", "/api/ingest/events", headers={"Last-Event-ID": "0"}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        stream = Stream(reply)
        while (event := stream.next()) and json.loads(event["data"])["job_id"] != first:
            pass
        last = event["id"]
        threading.Timer(0.2, announce, [client()]).start()
        told = stream.next()
        assert told["event"] == "job.pending"
        assert int(told["id"]) > int(last)
    with one.stream("GET", "/api/ingest/events", headers={"Last-Event-ID": last}) as reply:
        assert Stream(reply).next()["id"] == told["id"]


def test_events_of_another_organization_are_not_told(client):
    with client(2).stream("GET", "/api/ingest/events", headers={"Last-Event-ID": "0"}) as reply:
        stream = Stream(reply)
        announce(client(1))
        mine = announce(client(2))["job_id"]
        assert json.loads(stream.next()["data"])["job_id"] == mine


@pytest.mark.parametrize("how", ["header", "subprotocol"])
def test_a_websocket_tells_the_same(client, gateway, how):
    token = client().headers["authorization"].removeprefix("Bearer ")
    given = (
        {"additional_headers": {"Authorization": f"Bearer {token}"}}
        if how == "header"
        else {"subprotocols": ["bearer", token]}
    )
    with connect(gateway.replace("http", "ws") + "/api/ws", **given, proxy=None) as line:
        threading.Timer(0.3, announce, [client()]).start()
        assert json.loads(line.recv(timeout=5))["type"] == "job.pending"


def test_a_websocket_without_a_token_is_refused(gateway):
    with pytest.raises(InvalidStatus, match="403"):
        connect(gateway.replace("http", "ws") + "/api/ws", proxy=None)


def test_health_and_figures(gateway, client):
    announce(client())
    assert httpx.get(f"{gateway}/healthz", trust_env=False).json() == {"ok": True}
    ready = httpx.get(f"{gateway}/readyz", trust_env=False)
    assert ready.status_code == 503
    assert ready.json()["parts"] == {"postgres": True, "prefect": False, "worker": False, "landing": True}
    assert 'sluice_jobs{status="pending"}' in httpx.get(f"{gateway}/metrics", trust_env=False).text
    stats = client().get("/api/pipeline/stats").json()["data"]
    assert stats["jobs"]["pending"] >= 1
    assert not stats["paused"]


def test_what_happens_after_the_headers_came_is_told(client, module_warehouse):
    """They come once it is known where from."""
    opened = threading.Event()

    def read():
        with client().stream("GET", "/api/ingest/events") as reply:
            opened.set()
            told.append(json.loads(Stream(reply).next()["data"])["job_id"])

    told, reading = [], threading.Thread(target=read)
    with module_warehouse.connect() as connection:
        connection.execute("LOCK TABLE sluice.job_events")
        reading.start()
        assert not opened.wait(1)
    assert opened.wait(20)
    job = announce(client())["job_id"]
    reading.join(30)
    assert told == [job]
