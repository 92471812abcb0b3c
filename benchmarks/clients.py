"""Clients of the gateway, several at once in a process of their own: prints how long each request took.

They share one thread and read no more of an answer than they must: what they cost, the gateway lacks.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop

PATIENCE = 60.0
Request = Callable[[int], Awaitable[object]]


class Client:
    """One connection to the gateway, kept open."""

    def __init__(self, url: str, token: str) -> None:
        self._address, self._token = urlsplit(url), token

    async def connected(self) -> "Client":
        """Itself, once it is."""
        self._in, self._out = await asyncio.open_connection(self._address.hostname, self._address.port)
        return self

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """The answer's body. Raises RuntimeError for a refusal."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._address.netloc}\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._out.write(head.encode() + body)
        told = (await self._in.readuntil(b"\r\n\r\n")).lower()
        size = int(told.partition(b"content-length:")[2].partition(b"\r\n")[0])
        content = await self._in.readexactly(size)
        if (status := int(told.split(b" ", 2)[1])) >= 300:
            raise RuntimeError(f"{method} {path}: {status} {content[:300]!r}")
        return content

    async def announce(self) -> bytes:
        """A job by ``init``."""
        body = {"filename": f"orders-{uuid4().hex}.csv", "dataset": "orders", "file_size": 1000}
        return await self.ask("POST", "/api/ingest/init", json.dumps(body).encode())

    async def send(self, file: Path) -> bytes:
        """A job by ``csv``."""
        edge = uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{{}}"{{}}\r\n\r\n'
        body = (head.format("dataset", "") + "orders\r\n").encode()
        body += head.format("file", f'; filename="{file.name}"').encode() + file.read_bytes()
        kind = f"multipart/form-data; boundary={edge}"
        return await self.ask("POST", "/api/ingest/csv", body + f"\r\n--{edge}--\r\n".encode(), kind)


async def requests(what: str, client: Client, files: list[Path]) -> Request:
    """What one client asks, by the number of its request."""
    if what == "init":
        return lambda number: client.announce()
    if what == "status":
        job_id = json.loads(await client.announce())["data"]["job_id"]
        return lambda number: client.ask("GET", f"/api/ingest/status/{job_id}")
    return lambda number: client.send(files[number])


async def timed(request: Request, count: int, pause: float) -> list[tuple[float, float]]:
    """When each request began, as a Unix time, and its seconds; ``pause``: between two."""
    found = []
    for number in range(count):
        moment, began = time.time(), time.perf_counter()
        async with asyncio.timeout(PATIENCE):
            await request(number)
        found.append((moment, time.perf_counter() - began))
        await asyncio.sleep(pause)
    return found


async def run(args: argparse.Namespace, token: str, files: list[list[Path]]) -> list[tuple[float, float]]:
    """The times of all clients."""

    async def one(number: int) -> list[tuple[float, float]]:
        client = await Client(args.url, token).connected()
        request = await requests(args.what, client, files[number])
        return await timed(request, args.count or len(files[number]), args.pause)

    return [times for each in await asyncio.gather(*map(one, range(args.clients))) for times in each]


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
    print(json.dumps(uvloop.run(run(args, token, files))))


if __name__ == "__main__":
    main()
