"""APIs on this machine, each page answered after a latency, from memory: orders by pages, or a fake GitHub."""

import argparse
import asyncio
import json

import duckdb
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.generate import COLUMNS
from benchmarks.web import FEW, ISSUES, LATENCY, REPOSITORIES, ROWS, SIZE
from tests.sources.api.server import running
from tests.sources.github.fake import FakeGitHub, fake_github


def pages(rows: int, size: int) -> list[bytes]:
    """The bodies of all pages, and the empty one after them."""
    names = [
        line.rpartition(" AS ")[2].strip().rstrip(",") for line in COLUMNS.splitlines() if " AS " in line
    ]
    packed = ", ".join(f"{name} := {name}" for name in names)
    columns = COLUMNS.replace("$change", "0")
    found = duckdb.sql(
        f"SELECT list(to_json(struct_pack({packed}))::VARCHAR ORDER BY i) FROM"
        f" (SELECT i, {columns} FROM range({rows}) t(i)) GROUP BY i // {size} ORDER BY min(i)"
    ).fetchall()
    return [f"[{','.join(row[0])}]".encode() for row in found] + [b"[]"]


def orders() -> Starlette:
    """``/orders`` has all, ``/few`` the first of them."""
    bodies = pages(ROWS, SIZE)

    async def answer(request: Request) -> Response:
        await asyncio.sleep(LATENCY)
        number = int(request.query_params["page"]) - 1
        last = FEW // SIZE if request.url.path == "/few" else len(bodies) - 1
        return Response(bodies[number if number < last else -1], media_type="application/json")

    return Starlette(routes=[Route("/orders", answer), Route("/few", answer)])


def main() -> None:
    """Serve until killed; tells the URL first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["orders", "github"])
    if parser.parse_args().what == "orders":
        serving = running(orders())
    else:
        github = FakeGitHub(latency=LATENCY)
        serving = fake_github(github)
    with serving as found:
        if isinstance(found, FakeGitHub):
            found.fill("acme", REPOSITORIES, ISSUES)
        print(json.dumps({"url": getattr(found, "url", found)}), flush=True)
        asyncio.run(asyncio.Event().wait())


if __name__ == "__main__":
    main()
