"""Fetches of an API and of GitHub that are killed with SIGKILL at random instants: what the next load makes of it is
the same.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sluice.warehouse.connection import Warehouse
from tests.conftest import new_database
from tests.crash.conftest import Zygote
from tests.flows.test_api_ingestion import CONTRACT
from tests.sources.api.server import Api, served
from tests.sources.github.fake import FakeGitHub, fake_github

KILLS = int(os.environ.get("SLUICE_KILLS", 8))
LATENCY = 0.02
WAYS: list[dict[str, Any]] = [
    {"path": "cursored", "records": "$.items", "paging": {"style": "cursor", "next": "$.meta.cursor"}},
    {"path": "listing", "paging": {"style": "page", "size": 10, "size_param": "size"}},
    {"path": "listing", "paging": {"style": "offset", "size": 10, "size_param": "size"}, "concurrency": 1},
]
ROWS = "SELECT name, stars, updated::text FROM data.things ORDER BY name"
HIGH = "SELECT state ->> 'high' FROM sluice.source_states"
BUGS = "SELECT to_jsonb(b) - '{_load_id,_loaded_at,_record_no}'::text[] FROM data.bugs b ORDER BY github_url"
SEEN = "SELECT state -> 'seen' FROM sluice.source_states"


@pytest.fixture
def api() -> Iterator[Api]:
    with served(Api(latency=LATENCY)) as found:
        found.fill(300)
        yield found


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with many_bugs() as found:
        yield found


def many_bugs() -> Any:
    """A GitHub with 20 repositories of 130 issues, which are 41 pages."""
    github = FakeGitHub(latency=LATENCY)
    github.fill("acme", 20, 130)
    return fake_github(github)


def order(warehouse: Warehouse, home: Path, dataset: str, source: dict[str, Any]) -> dict[str, Any]:
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    (home / "contracts").mkdir(exist_ok=True)
    (home / "contracts" / "things.odcs.yaml").write_text(CONTRACT)
    shared = {"insist": False, "mode": "upsert", "dataset": dataset, "contracts": str(home / "contracts")}
    return {"url": warehouse.url, "home": str(home), "source": source, **shared}


def of_api(api: Api, way: dict[str, Any]) -> dict[str, Any]:
    new = {"field": "updated", "param": "since"}
    source = {"kind": "api", "url": f"{api.url}/{way['path']}", "incremental": new}
    return source | {name: value for name, value in way.items() if name != "path"}


def of_github(github: FakeGitHub) -> dict[str, Any]:
    return {"kind": "github", "what": "bugs", "owner": "acme", "api_url": github.url}


@pytest.fixture(scope="module")
def seconds(
    zygote: Zygote, template: str, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> float:
    """What an undisturbed load of the API takes."""
    with new_database(server_url, template) as url, served(Api(latency=LATENCY)) as api:
        api.fill(300)
        home = tmp_path_factory.mktemp("home")
        asked = order(Warehouse.from_url(url), home, "things", of_api(api, WAYS[0]))
        done = zygote.end(zygote.order(asked))
    assert done["published"] == 300, done
    return float(done["took"])


@pytest.fixture(scope="module")
def undisturbed(
    zygote: Zygote, template: str, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[float, list[Any]]:
    """What an undisturbed sync of GitHub takes, and its rows."""
    with new_database(server_url, template) as url, many_bugs() as github:
        warehouse, home = Warehouse.from_url(url), tmp_path_factory.mktemp("home")
        done = zygote.end(zygote.order(order(warehouse, home, "bugs", of_github(github))))
        assert done.get("published") == 20 * 130, done
        assert max(Counter(github.asked).values()) == 1
        with warehouse.connect() as connection:
            return float(done["took"]), connection.execute(BUGS).fetchall()


def killed(zygote: Zygote, asked: dict[str, Any], seconds: float, number: int) -> None:
    """Begin the load, kill it at an instant of its ``number``, and load again."""
    pid = zygote.order(asked)
    time.sleep(seconds * (number + random.Random(number).random()) / KILLS)
    os.kill(pid, signal.SIGKILL)
    done = zygote.end(pid) or zygote.end(zygote.order(asked))
    assert done["status"] == "completed", done


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_fetch_ends_as_an_undisturbed_one_and_reads_no_page_a_third_time(
    zygote: Zygote, api: Api, warehouse: Warehouse, home: Path, seconds: float, number: int
) -> None:
    way = WAYS[number % len(WAYS)]
    killed(zygote, order(warehouse, home, "things", of_api(api, way)), seconds, number)
    with warehouse.connect() as connection:
        found = connection.execute(ROWS).fetchall()
        assert connection.execute(HIGH).fetchall() == [("2026-01-28T00:00:00Z",)]
    assert [(name, stars) for name, stars, _ in found] == [(one["name"], one["stars"]) for one in api.items]
    assert max(api.times.values()) <= 2


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_sync_of_github_ends_as_an_undisturbed_one_and_reads_no_page_a_third_time(
    zygote: Zygote,
    github: FakeGitHub,
    warehouse: Warehouse,
    home: Path,
    undisturbed: tuple[float, list[Any]],
    number: int,
) -> None:
    seconds, rows = undisturbed
    killed(zygote, order(warehouse, home, "bugs", of_github(github)), seconds, number)
    with warehouse.connect() as connection:
        assert connection.execute(BUGS).fetchall() == rows
        assert len(connection.execute(SEEN).fetchall()) == 1
    assert max(Counter(github.asked).values()) <= 2
