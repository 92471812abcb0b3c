"""Clients of the gateway, several at once in a process of their own: prints how long each request took.

They speak HTTP by the standard library, which costs less of the shared cores than the usual clients do.
"""

import argparse
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

Request = Callable[[int], Any]


class Client:
    """One connection to the gateway, kept open."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Any:
        """The answer's data. Raises RuntimeError for a refusal."""
        self._line.request(method, path, body or None, {**self._headers, "Content-Type": kind})
        reply = self._line.getresponse()
        content = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {content[:300]!r}")
        return json.loads(content)["data"]

    def announce(self) -> str:
        """A job by ``init``."""
        body = {"filename": f"orders-{uuid4().hex}.csv", "dataset": "orders", "file_size": 1000}
        return str(self.ask("POST", "/api/ingest/init", json.dumps(body).encode())["job_id"])

    def send(self, file: Path) -> str:
        """A job by ``csv``."""
        edge = uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{{}}"{{}}\r\n\r\n'
        body = (head.format("dataset", "") + "orders\r\n").encode()
        body += head.format("file", f'; filename="{file.name}"').encode() + file.read_bytes()
        kind = f"multipart/form-data; boundary={edge}"
        sent = self.ask("POST", "/api/ingest/csv", body + f"\r\n--{edge}--\r\n".encode(), kind)
        return str(sent["job_id"])


def requests(what: str, client: Client, files: list[Path]) -> Request:
    """What one client asks, by the number of its request."""
    if what == "init":
        return lambda number: client.announce()
    if what == "status":
        job_id = client.announce()
        return lambda number: client.ask("GET", f"/api/ingest/status/{job_id}")
    return lambda number: client.send(files[number])


def timed(request: Request, count: int, pause: float) -> Iterator[tuple[float, float]]:
    """When each request began, as a Unix time, and its seconds; ``pause``: between two."""
    for number in range(count):
        moment, began = time.time(), time.perf_counter()
        request(number)
        yield moment, time.perf_counter() - began
        time.sleep(pause)


def main() -> None:
    """Ask, and print each request's times as JSON. The token comes by standard input, then the files, one a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["init", "status", "csv"])
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--count", type=int, default=0, help="requests of each client")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two of a client")
    args = parser.parse_args()
    token, *names = sys.stdin.read().split("\n")
    files = [[Path(name) for name in names[number :: args.clients]] for number in range(args.clients)]

    def run(number: int) -> list[tuple[float, float]]:
        request = requests(args.what, Client(args.url, token), files[number])
        return list(timed(request, args.count or len(files[number]), args.pause))

    with ThreadPoolExecutor(args.clients) as pool:
        print(json.dumps([times for each in pool.map(run, range(args.clients)) for times in each]))


if __name__ == "__main__":
    main()
