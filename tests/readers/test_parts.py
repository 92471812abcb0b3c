"""A table in parts is read as the one file that they would be, whenever they come."""

import json
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from sluice.errors import ReadError, RetryError
from sluice.readers import open_table, stage
from sluice.readers.base import Stage
from sluice.readers.parts import Index, Part, Parts
from sluice.sources.api.lines import written

from .conftest import column, contract

THINGS = contract(column("name"), column("size", "BIGINT"), column("note"))
OWN = ("directory", "load_id", "source", "sha256", "size", "details")


def records(chance: Random, count: int) -> list[dict[str, Any]]:
    """Some with more, fewer or nested members, some that can't be typed."""
    found: list[dict[str, Any]] = [{"name": f"n{number}", "size": number} for number in range(count)]
    for one in chance.sample(found, count // 4):
        one |= chance.choice(
            [{"size": "many"}, {"note": "x"}, {"more": {"a": 1}}, {"size": None}, {"note": "\0"}]
        )
    return found


def lay(folder: Path, parts: list[list[dict[str, Any]]]) -> list[Part]:
    folder.mkdir(exist_ok=True)
    found = []
    for number, part in enumerate(parts):
        lines = written(part)
        (folder / f"{number:06}.ndjson").write_bytes(lines.text)
        found.append(Part(f"{number:06}.ndjson", lines.count, len(lines.text), lines.names))
    return found


def staged(table: Any, folder: Path) -> tuple[Stage, list[Any], list[Any]]:
    done = stage(table, THINGS, folder, load_id=1, organization_id=1)
    rows = pq.read_table(done.rows_path).to_pylist()
    return done, rows, pq.read_table(done.rejects_path).to_pylist()


@pytest.mark.parametrize("seed", range(6))
def test_parts_are_read_as_one_file(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    parts = [records(chance, chance.randint(1, 60)) for _ in range(chance.randint(1, 5))]
    found = lay(tmp_path / "parts", parts)
    Index(tuple(found), complete=True).write(tmp_path / "parts")
    whole = tmp_path / "whole.ndjson"
    whole.write_text("".join(json.dumps(one) + "\n" for part in parts for one in part))
    one, rows, rejects = staged(open_table(whole, work=tmp_path), tmp_path / "one")
    many, rows_of_many, rejects_of_many = staged(Parts(tmp_path / "parts", tmp_path), tmp_path / "many")
    for name in one.__slots__:
        if name not in OWN:
            assert getattr(many, name) == getattr(one, name), name
    for row in (*rows, *rows_of_many):
        row["_extra"] = row["_extra"] and {
            k: v for k, v in json.loads(row["_extra"]).items() if v is not None
        }
    assert rows_of_many == rows
    for reject in (*rejects, *rejects_of_many):
        reject["raw"], reject["cells"] = json.loads(reject["raw"]), _filled(reject["cells"])
    assert rejects_of_many == rejects
    numbers = sorted(chance.sample(range(1, one.records + 1), min(5, one.records)))
    raw = [json.loads(text) for _, _, text in Parts(tmp_path / "parts", tmp_path).find(numbers)]
    assert raw == [[one for part in parts for one in part][number - 1] for number in numbers]


def _filled(cells: str | None) -> dict[str, str] | None:
    return cells and {name: text for name, text in json.loads(cells).items() if text is not None}


def test_parts_are_read_while_they_come(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    parts = [[{"name": f"{part}-{n}", "size": n} for n in range(100)] for part in range(4)]
    found = lay(folder, parts)
    Index(tuple(found[:1])).write(folder)
    seen: list[int] = []

    def come() -> None:
        for count in (2, 3, 4):
            while not seen or seen[-1] < 100 * (count - 1):
                time.sleep(0.01)
            Index(tuple(found[:count])).write(folder)
        Index(tuple(found), complete=True).write(folder)

    thread = threading.Thread(target=come)
    thread.start()
    done = stage(
        Parts(folder, tmp_path), THINGS, tmp_path / "s", load_id=1, organization_id=1, progress=seen.append
    )
    thread.join()
    assert (done.rows, done.records) == (400, 400)
    numbers = pq.read_table(done.rows_path).column("_record_no").to_pylist()
    assert numbers == list(range(1, 401))


def test_what_is_given_up_is_read_no_further(tmp_path: Path) -> None:
    found = lay(tmp_path / "parts", [[{"name": "a", "size": 1}]])
    Index(tuple(found), given_up=True).write(tmp_path / "parts")
    with pytest.raises(RetryError, match="not all of it came"):
        staged(Parts(tmp_path / "parts", tmp_path), tmp_path / "s")
    assert not (tmp_path / "s" / "stage.json").exists()


def test_a_required_column_may_be_absent_from_a_part_of_what_is_all_there(tmp_path: Path) -> None:
    needed = contract(column("name"), column("size", "BIGINT", required=True))
    found = lay(tmp_path / "parts", [[{"name": "a"}], [{"name": "b", "size": 2}]])
    index = Index(tuple(found), complete=True)
    index.write(tmp_path / "parts")
    done = stage(Parts(tmp_path / "parts", tmp_path), needed, tmp_path / "s", load_id=1, organization_id=1)
    assert (done.rows, done.missing) == (2, ())
    index = Index(tuple(found[:1]), complete=True)
    index.write(tmp_path / "parts")
    with pytest.raises(ReadError, match="requires size"):
        stage(Parts(tmp_path / "parts", tmp_path), needed, tmp_path / "s", load_id=1, organization_id=1)


def test_numbers_that_duckdb_would_write_in_another_way_are_kept(tmp_path: Path) -> None:
    found = lay(tmp_path / "parts", [[{"name": 1.5}], [{"name": 0.00001}]])
    assert [part.names for part in found] == [("name",), None]
    Index(tuple(found), complete=True).write(tmp_path / "parts")
    _, rows, _ = staged(Parts(tmp_path / "parts", tmp_path), tmp_path / "s")
    assert [row["name"] for row in rows] == ["1.5", (tmp_path / "parts" / found[1].name).read_text()[8:-2]]


def test_a_part_that_duckdb_refuses_is_read_another_way(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    found = lay(folder, [[{"name": "a", "size": 1}], [{"name": "b", "size": 2}, {"name": "c", "size": 3}]])
    broken = folder / found[1].name
    broken.write_bytes(broken.read_bytes().replace(b'"b"', b'"b'))
    Index(tuple(found), complete=True).write(folder)
    _, rows, rejects = staged(Parts(folder, tmp_path), tmp_path / "s")
    assert [row["name"] for row in rows] == ["a", "c"]
    assert [(reject["record_no"], reject["raw"]) for reject in rejects] == [(2, '{"name":"b,"size":2}')]
