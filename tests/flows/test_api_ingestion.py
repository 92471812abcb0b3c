"""An API's records through the whole ingestion: what is new, once, and the place in the source with the rows."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from blocks import ApiSource
from flows.runner import run_here
from sluice.errors import DataRefused, InputError, SourceError
from sluice.jobs import fetching
from sluice.settings import settings
from sluice.sources.api import spool
from sluice.warehouse.connection import Warehouse
from tests.sources.api.server import Api, served

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: things
version: 1.0.0
status: active
schema:
  - name: things
    physicalType: table
    properties:
      - {name: name, logicalType: string, primaryKey: true}
      - name: stars
        logicalType: integer
        quality:
          - {name: few, metric: rowCount, mustBeLessThan: 1000}
      - {name: updated, logicalType: timestamp}
"""


@pytest.fixture
def api(project: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API on this machine, which may be asked, and the contract of what it has."""
    (tmp_path / "things.odcs.yaml").write_text(CONTRACT)
    monkeypatch.setenv("SLUICE_CONTRACTS", str(tmp_path))
    monkeypatch.setenv("SLUICE_ALLOWED_ADDRESSES", "127.0.0.0/8")
    settings.cache_clear()
    with served(Api()) as found:
        yield found


def loaded(api: Api, name: str = "listing", **more: Any) -> dict[str, Any]:
    mode = more.pop("mode", "upsert")
    source = {"kind": "api", "url": f"{api.url}/{name}", **more}
    return run_here({"dataset": "things", "mode": mode, "sources": [source]})


def rows(warehouse: Warehouse, query: str = "SELECT name, stars FROM data.things ORDER BY name") -> list[Any]:
    with warehouse.connect() as connection:
        return connection.execute(query.encode()).fetchall()


NEW = {"incremental": {"field": "updated", "param": "since"}}


def test_only_what_is_new_is_fetched_and_the_place_is_kept_with_the_rows(
    project: Warehouse, api: Api
) -> None:
    items = api.fill(30)
    first = loaded(api, **NEW)
    assert (first["read"], first["published"]) == (30, 30)
    assert [name for name, _ in rows(project)] == [one["name"] for one in items]
    items[3] |= {"stars": 1000, "updated": "2026-02-01T00:00:00Z"}
    second = loaded(api, **NEW)
    assert api.asked[-1] == {"since": "2026-01-28T00:00:00Z"}
    assert (second["read"], second["published"], second["unchanged"]) == (2, 1, 1)
    assert rows(project)[3] == ("item-000003", 1000)
    (state,) = rows(project, "SELECT state ->> 'high' FROM sluice.source_states")
    assert state == ("2026-02-01T00:00:00Z",)


def test_nothing_new_is_a_load_of_nothing(project: Warehouse, api: Api) -> None:
    api.fill(5)
    loaded(api, "known")
    again = loaded(api, "known")
    assert (again["read"], again["published"]) == (0, 0)
    assert len(rows(project)) == 5
    api.items.pop()
    assert loaded(api, "known", mode="replace")["published"] == 4
    assert len(rows(project)) == 4


def test_one_answer_of_csv_is_read_and_typed_as_a_file(project: Warehouse, api: Api) -> None:
    api.fill(25)
    api.delimiter = ";"
    done = loaded(api, "table")
    assert (done["read"], done["published"], done["rejected"]) == (25, 25, 0)
    assert rows(project)[24] == ("item-000024", 24)


def test_pages_of_csv_are_typed_and_records_of_another_width_are_rejects(
    project: Warehouse, api: Api
) -> None:
    api.fill(25)
    api.delimiter, api.rest = ";", "odd;1;2;3\n"
    done = loaded(api, "table", paging={"style": "page", "size": 10, "size_param": "size"})
    assert (done["read"], done["published"], done["rejected"]) == (25 + 3, 25, 3)
    assert rows(project)[24] == ("item-000024", 24)
    (reject,) = set(rows(project, "SELECT raw FROM sluice.rejected_rows"))
    assert "odd" in reject[0]


def test_pages_that_shifted_are_told_with_the_jobs_result(project: Warehouse, api: Api) -> None:
    items = api.fill(45)
    api.changes[2] = lambda: items.insert(0, {"name": "new", "stars": 1, "updated": "2026-02-01T00:00:00Z"})
    paging = {"style": "page", "size": 10, "size_param": "size"}
    done = loaded(api, paging=paging, concurrency=1)
    assert (done["read"], done["published"], done["superseded"]) == (46, 45, 1)
    (told,) = done["warnings"]
    assert "1 records came twice" in told


def test_content_that_comes_back_is_loaded_again(project: Warehouse, api: Api) -> None:
    api.fill(1)
    for stars in (1, 2, 1):
        api.items[0]["stars"] = stars
        loaded(api)
        assert rows(project) == [("item-000000", stars)]


def test_a_refused_load_leaves_the_place_as_it_was(project: Warehouse, api: Api) -> None:
    api.fill(10)
    loaded(api, **NEW)
    api.items = [one | {"updated": "2026-03-01T00:00:00Z"} for one in api.fill(1200)]
    with pytest.raises(DataRefused):
        loaded(api, **NEW)
    api.items = api.items[:20]
    assert loaded(api, **NEW)["published"] == 20
    assert {one.get("since") for one in api.asked[1:]} == {"2026-01-10T00:00:00Z"}


def test_a_failed_fetch_is_gone_on_with_by_the_next_job(project: Warehouse, api: Api) -> None:
    api.fill(45)
    paging = {"records": "$.items", "paging": {"style": "cursor", "next": "$.meta.cursor"}}
    api.faults = [None, None, None, Response(status_code=404)]
    with pytest.raises(SourceError):
        loaded(api, "cursored", **paging)
    assert loaded(api, "cursored", **paging)["published"] == 45
    assert len(api.asked) == 5 + 1
    assert not list((settings().root / "fetch").glob("*/*.ndjson"))


def test_an_address_that_is_not_allowed_is_not_asked(
    project: Warehouse, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLUICE_ALLOWED_ADDRESSES")
    settings.cache_clear()
    with pytest.raises(InputError, match="no public address"):
        loaded(api)
    assert api.asked == []


def test_a_blocks_secrets_open_the_api_and_stay_out_of_sight(project: Warehouse, api: Api) -> None:
    api.fill(3)
    block = ApiSource(base_url=api.url, token="tok-1", headers={"X-Key": "key-2"}, query={"api_key": "par-3"})  # type: ignore[arg-type]
    block.save("things")
    with pytest.raises(SourceError, match="401"):
        loaded(api, "secret")
    assert loaded(api, "secret", block="things")["published"] == 3
    kept = str(rows(project, "SELECT j::text FROM sluice.ingestion_jobs j"))
    assert not [secret for secret in ("tok-1", "key-2", "par-3") if secret in kept]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_many_pages_are_read_while_the_next_ones_come(
    project: Warehouse, api: Api, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(spool, "FULL", 4_000)
    items = api.fill(300)
    items[7]["stars"] = items[211]["stars"] = "many"
    read: list[bool] = []
    fetch = fetching.fetch

    def fetched(*args: Any, **more: Any) -> None:
        fetch(*args, **more)
        (stage,) = settings().stage_dir.iterdir()
        end = time.monotonic() + 30
        while not (found := (stage / "0" / "rows.parquet").exists()) and time.monotonic() < end:
            time.sleep(0.05)
        read.append(found)  # and the fetch has not ended yet

    monkeypatch.setattr(fetching, "fetch", fetched)
    paging = {"style": "page", "param": "page", "size": 10, "size_param": "size"}
    done = loaded(api, paging=paging, mode=mode)
    assert (done["read"], done["published"], done["rejected"]) == (300, 298, 2)
    assert read == [True]
    found = rows(project, "SELECT record_no, raw FROM sluice.rejected_rows ORDER BY 1")
    assert [number for number, _ in found] == [8, 212]
    assert [json.loads(raw)["name"] for _, raw in found] == ["item-000007", "item-000211"]
    (load,) = rows(project, "SELECT length(content_sha256), file_size > 20000 FROM sluice.loads")
    assert load == (64, True)


def test_a_fetch_that_fails_half_way_leaves_nothing_and_the_next_one_goes_on(
    project: Warehouse, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "FULL", 2_000)
    api.fill(200)
    api.faults = [None] * 15 + [Response(status_code=404)]  # type: ignore[list-item]
    paging = {"style": "page", "param": "page", "size": 10, "size_param": "size"}
    with pytest.raises(SourceError, match="404"):
        loaded(api, paging=paging, concurrency=1)
    assert not list(settings().stage_dir.iterdir())
    tables = "SELECT relname FROM pg_class WHERE relname LIKE 'incoming%%'"
    assert rows(project, tables) == []
    done = loaded(api, paging=paging, concurrency=1)
    assert done["published"] == 200
    assert max(api.times.values()) <= 2
