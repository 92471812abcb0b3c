"""A client of the live platform, files to send, and a source that fails when told to."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg
import pytest

from sluice.warehouse.embedded import Embedded
from tests.deployments.conftest import Running, until_one_of

OVER = {"completed", "failed", "cancelled"}


def projects(rows: int = 3) -> tuple[str, bytes]:
    """A CSV file of projects that nobody sent before, and what all their names begin with."""
    prefix = f"journey-{uuid.uuid4().hex}"
    lines = [f"{prefix}-{number},{number}" for number in range(rows)]
    return prefix, "\n".join(["name,stars", *lines, ""]).encode()


@dataclass
class Service:
    """The job service as a client of one organization sees it."""

    http: httpx.Client
    platform: Running

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The data of an answer."""
        reply = self.http.request(method, path, **more)
        assert reply.status_code == status, reply.text
        return reply.json()["data"]

    def send(self, *contents: bytes, **form: str) -> list[str]:
        """Files in one request. Returns their job ids."""
        files = [("file", (f"projects-{number}.csv", content)) for number, content in enumerate(contents)]
        data = {"dataset": "projects", "mode": "append", **form}
        taken = self.ask("POST", "/api/ingest/csv", 202, data=data, files=files)
        return [str(one["job_id"]) for one in taken["jobs"]]

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/ingest/status/{job_id}")["job"]
        return found

    def job_in(self, job_id: str, statuses: set[str], seconds: float = 60) -> dict[str, Any]:
        """The job, as soon as it has one of these statuses."""

        return until_one_of(lambda: self.job(job_id), "status", statuses, seconds)

    def rows(self, prefix: str) -> int:
        """How many projects of that name there are in the warehouse."""
        return int(self.query("SELECT count(*) FROM data.projects WHERE starts_with(name, %s)", prefix)[0][0])

    def query(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(Embedded(self.platform.home).url(), autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()


@pytest.fixture
def service(platform: Running) -> Iterator[Service]:
    with platform.client() as http:
        yield Service(http, platform)


class Source:
    """A web server with one CSV file, whose end it sends when ``hold`` is set."""

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.prefix, self.content = projects()
        self.asked = 0
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                source.asked += self.command == "GET"
                self.send_response(200)
                self.send_header("Content-Length", str(len(source.content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(source.content[:20])
                    self.wfile.flush()
                    source.hold.wait(300)
                    self.wfile.write(source.content[20:])

            def log_message(self, *_: object) -> None:
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/projects.csv"

    def request(self, **more: Any) -> dict[str, Any]:
        """A job of it."""
        return {
            "dataset": "projects",
            "mode": "append",
            "sources": [{"kind": "http", "url": self.url}],
            **more,
        }


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.hold.set()
    made.server.shutdown()
    made.server.server_close()
