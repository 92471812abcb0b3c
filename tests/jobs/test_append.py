"""Append to a table that has rows: straight from the stage, whatever happens to the table meanwhile."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import BugError, DataRefused
from sluice.jobs import append, ledger, steps
from sluice.jobs.outcome import Outcome
from sluice.jobs.recovery import incoming_name
from sluice.quality.verdict import Verdict
from sluice.readers.base import Stage
from sluice.sources import acquire
from sluice.sources.acquire import Landed
from sluice.sources.model import source_of
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.loading import load
from tests.jobs.test_publish import Row as Cells
from tests.jobs.test_publish import as_stored, expected, good, marked, table

Row = tuple[str, ...]
HEADER = ("id", "label", "amount")


def write(path: Path, rows: list[Row], header: Row = HEADER) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def rows(connection: Connection, columns: str = "id, label", table: str = "items") -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM data.{table} ORDER BY 1, 2".encode()).fetchall()


@dataclass
class Steps:
    """A job whose steps a test takes one by one, to do something between them."""

    warehouse: Warehouse
    contract: Contract
    job: steps.Job

    @classmethod
    def of(
        cls, warehouse: Warehouse, contract: Contract, mode: str = "append", *, force: bool = True
    ) -> "Steps":
        shared = {"dataset": contract.dataset, "mode": mode, "organization_id": 1, "force": force}
        request = {**shared, "sources": [], "user_id": 1, "priority": "normal", "warehouse": "", "job_id": ""}
        job = steps.open_job(warehouse, request)
        ledger.start(warehouse, job.job_id)
        steps.connect(warehouse, contract, job)
        return cls(warehouse, contract, job)

    def landed(self, path: Path, number: int = 0) -> Landed:
        (item,) = acquire.validate(source_of(str(path)))
        return steps.collect(self.warehouse, self.job, item, number)

    def convert(self, path: Path, number: int = 0) -> Stage:
        return steps.convert(self.warehouse, self.contract, self.job, self.landed(path, number), number)

    def has_incoming(self, number: int = 0) -> bool:
        with self.warehouse.connect() as connection:
            name = f"sluice.{incoming_name(self.job.job_id, number)}"
            found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
        return bool(found and found[0])

    def publish(self, *stages: Stage) -> Outcome:
        verdict = steps.check(self.warehouse, self.contract, self.job, stages)
        return steps.store(self.warehouse, self.contract, self.job, stages, verdict, [], {})


@pytest.fixture
def standing(warehouse: Warehouse, items: Contract, tmp_path: Path) -> Warehouse:
    """A warehouse whose table has the keys 1 and 2."""
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    return warehouse


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Keys 2 (which stands) to 4, and a row that the audit rejects."""
    found = [("3", "three", "3"), ("9", "bad", "-1"), ("4", "four", ""), ("2", "twice", "2")]
    return write(tmp_path / "new.csv", found)


APPENDED = [(1, "one"), (2, "two"), (3, "three"), (4, "four")]


def check(warehouse: Warehouse, outcome: Outcome, wanted: list[tuple[Any, ...]] = APPENDED) -> None:
    assert (outcome.read, outcome.published, outcome.reasons) == (4, 2, {"minimum": 1, "duplicate": 1})
    with warehouse.connect() as connection:
        assert rows(connection) == wanted
        left = connection.execute("SELECT FROM pg_class WHERE relname LIKE 'incoming%'").fetchall()
        assert left == []
        lost = "SELECT FROM data.items WHERE _load_id NOT IN (SELECT id FROM sluice.loads)"
        assert connection.execute(lost).fetchall() == []


def test_rows_for_a_table_that_has_some_need_no_incoming_table(
    standing: Warehouse, items: Contract, new: Path
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    assert not work.has_incoming()
    check(standing, work.publish(stage))


def empty(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    with warehouse.connect() as connection:
        connection.execute("TRUNCATE data.items")


def replace(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    load(
        warehouse,
        items,
        write(tmp_path / "other.csv", [("2", "two", ""), ("7", "seven", "")]),
        mode="replace",
    )


def fill(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    load(warehouse, items, write(tmp_path / "other.csv", [("3", "mine", ""), ("7", "seven", "")]))


@pytest.mark.parametrize(
    ("meanwhile", "published", "wanted"),
    [
        (empty, 3, [(2, "twice"), (3, "three"), (4, "four")]),
        (replace, 2, [(2, "two"), (3, "three"), (4, "four"), (7, "seven")]),
        (fill, 1, [(1, "one"), (2, "two"), (3, "mine"), (4, "four"), (7, "seven")]),
    ],
)
def test_the_table_may_change_between_reading_and_publishing(
    standing: Warehouse,
    items: Contract,
    tmp_path: Path,
    new: Path,
    meanwhile: Callable[..., None],
    published: int,
    wanted: list[tuple[Any, ...]],
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    meanwhile(standing, items, tmp_path)
    outcome = work.publish(stage)
    assert (outcome.read, outcome.published, outcome.rejected) == (4, published, 4 - published)
    with standing.connect() as connection:
        assert rows(connection) == wanted


def test_a_table_that_was_filled_while_the_first_rows_were_read(
    warehouse: Warehouse, items: Contract, tmp_path: Path, new: Path
) -> None:
    work = Steps.of(warehouse, items)
    stage = work.convert(new)
    assert work.has_incoming()
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    check(warehouse, work.publish(stage))


@pytest.mark.parametrize("key", ["5", "1"])
def test_files_read_before_and_after_the_table_was_filled_are_one_publish(
    warehouse: Warehouse, items: Contract, tmp_path: Path, new: Path, key: str
) -> None:
    work = Steps.of(warehouse, items)
    first = work.convert(write(tmp_path / "first.csv", [(key, "first", "")]), 0)
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    second = work.convert(new, 1)
    assert (work.has_incoming(0), work.has_incoming(1)) == (True, False)
    outcome = work.publish(first, second)
    clashes = 1 if key == "5" else 2
    assert (outcome.read, outcome.published) == (5, 4 - clashes)
    assert outcome.reasons == {"duplicate": clashes, "minimum": 1}
    with warehouse.connect() as connection:
        assert rows(connection) == APPENDED + [(5, "first")] * (key == "5")


def test_an_incoming_table_of_an_earlier_try_is_not_published(
    warehouse: Warehouse, items: Contract, tmp_path: Path, new: Path
) -> None:
    work = Steps.of(warehouse, items)
    work.convert(new)
    assert work.has_incoming()
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    again = work.convert(new)
    assert not work.has_incoming()
    check(warehouse, work.publish(again))


def test_a_publish_whose_answer_was_lost_gives_the_same_outcome_again(
    standing: Warehouse, items: Contract, new: Path
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    first = work.publish(stage)
    assert work.publish(stage) == first
    check(standing, first)


def test_a_stage_without_rows_publishes_nothing(standing: Warehouse, items: Contract, tmp_path: Path) -> None:
    for bad in ([("x", "a", "1"), ("y", "b", "1")], [("7", "a", "-1"), ("8", "b", "-2")]):
        outcome = load(standing, items, write(tmp_path / "bad.csv", bad))
        assert (outcome.read, outcome.published, outcome.rejected) == (2, 0, 2)
    with standing.connect() as connection:
        assert rows(connection) == APPENDED[:2]


TYPES = """
apiVersion: v3.1.0
kind: DataContract
id: kinds
version: 1.0.0
status: active
schema:
  - name: kinds
    properties:
      - {name: region, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: since, logicalType: timestamp, physicalType: timestamptz, primaryKey: true, primaryKeyPosition: 2}
      - {name: token, logicalType: string, physicalType: uuid, unique: true}
      - {name: facts, logicalType: object, physicalType: jsonb}
      - {name: money, logicalType: number, physicalType: "numeric(30,6)", logicalTypeOptions: {minimum: -5}}
      - {name: small, logicalType: integer, physicalType: smallint}
      - {name: middle, logicalType: integer, physicalType: integer}
      - {name: large, logicalType: integer}
      - {name: ratio, logicalType: number}
      - {name: rough, logicalType: number, physicalType: real}
      - {name: truth, logicalType: boolean}
      - {name: day, logicalType: date}
      - {name: moment, logicalType: timestamp}
      - {name: clock, logicalType: time}
      - {name: word, logicalType: string, physicalType: "varchar(20)"}
"""
NAMES = ("region", "since", "token", "facts", "money", "small", "middle", "large", "ratio", "rough", "truth", "day",
         "moment", "clock", "word", "unknown")  # fmt: skip


def kinds(number: int, money: str = "") -> Row:
    """A row of every type; every third column of it is empty, another third in each row."""
    full = (
        f"2024-02-29T23:59:59.{number:06}+05:30", f"{{00000000-0000-4000-8000-{number:012}}}",
        f'{{"n": {number}, "deep": [1, null, "é\\n"]}}', f"{number}.000001", str(-number), str(number * 70_000),
        str(number * 10**15), f"{number}e-7", f"{number}.5", "yes", f"0999-01-{number % 28 + 1:02}",
        f"2024-01-01 00:00:00.{number:06}", f"23:59:59.{number:06}", f' "{number}",\n', f"x{number}",
    )  # fmt: skip
    cells = [cell if at < 1 or (at + number) % 3 else "" for at, cell in enumerate(full)]
    cells[0] = full[0]
    cells[3] = money or cells[3]
    return (f"r{number % 2}", *cells)


@pytest.mark.parametrize("bad", [0, 1])
def test_every_type_is_stored_the_same_straight_from_the_stage(
    warehouse: Warehouse, tmp_path: Path, bad: int
) -> None:
    (tmp_path / "kinds.odcs.yaml").write_text(TYPES)
    contract = load_contract(tmp_path / "kinds.odcs.yaml")[0]
    cells = [kinds(n, "-9" if bad and n % 10 == 7 else "") for n in range(1, 400)]
    path = write(tmp_path / "kinds.csv", cells, NAMES)
    stored = (
        "SELECT to_jsonb(t) - '_load_id' - 'organization_id' FROM data.kinds t WHERE organization_id = %s"
        " ORDER BY _record_no"
    )
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (7, 'other')")
        first = load(warehouse, contract, path)
        second = load(warehouse, contract, path, organization_id=7)
        through_incoming = connection.execute(stored, [1]).fetchall()
        straight = connection.execute(stored, [7]).fetchall()
    assert (first.published, first.rejected) == (399 - 40 * bad, 40 * bad)
    assert (second.published, second.rejected) == (first.published, first.rejected)
    assert straight == through_incoming
    for name in (*NAMES[:-1], "_extra"):
        assert any(row[0][name] is not None for row in straight), name


def test_keys_of_several_columns_and_empty_ones_are_told_apart(
    warehouse: Warehouse, people: Contract, tmp_path: Path
) -> None:
    header = ("name", "url", "age")
    load(warehouse, people, write(tmp_path / "a.csv", [("Ann", "u/1", "1"), ("Bob", "", "2")], header))
    fresh = write(tmp_path / "b.csv", [("Cid", "", "3"), ("Dan", "u/4", "4"), ("Eve", "", "5")], header)
    assert load(warehouse, people, fresh).published == 3
    clashing = [("Bob", "", "6"), ("Fay", "u/4", "7"), ("Gus", "", "8"), ("Ann", "u/1", "9")]
    outcome = load(warehouse, people, write(tmp_path / "c.csv", clashing, header))
    assert (outcome.published, outcome.reasons) == (1, {"duplicate": 3})


@pytest.mark.parametrize("key", ["3", "2"])
@pytest.mark.parametrize("files", [1, 2])
def test_columns_outside_the_contract_keep_their_own_values(
    standing: Warehouse, items: Contract, tmp_path: Path, files: int, key: str
) -> None:
    with standing.connect(autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE data.items ADD doubled bigint GENERATED ALWAYS AS (id * 2) STORED,"
            " ADD number bigint GENERATED ALWAYS AS IDENTITY, ADD noted text NOT NULL DEFAULT 'by default'"
        )
        found = [[(key, "n", "1"), ("4", "n", "1")], [("5", "n", "1")]][:files]
        paths = [write(tmp_path / f"{n}.csv", rows) for n, rows in enumerate(found)]
        outcome = load(standing, items, *paths)
        assert outcome.published == files + (key == "3")
        added = rows(connection, "id, doubled, noted, number IS NOT NULL")
    assert added == [(id, id * 2, "by default", True) for (id, *_) in added]


def test_triggers_fire(standing: Warehouse, items: Contract, tmp_path: Path) -> None:
    with standing.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION data.shout() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.label := upper(NEW.label); RETURN NEW; END $$;"
            " CREATE TRIGGER shout BEFORE INSERT ON data.items FOR EACH ROW EXECUTE FUNCTION data.shout()"
        )
        load(standing, items, write(tmp_path / "x.csv", [("3", "low", "1")]))
        assert rows(connection)[-1] == (3, "LOW")


def test_a_rule_which_copy_would_not_follow_is_followed(
    standing: Warehouse, items: Contract, tmp_path: Path
) -> None:
    with standing.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE data.seen (id bigint); CREATE RULE also AS ON INSERT TO data.items"
            " DO ALSO INSERT INTO data.seen VALUES (NEW.id)"
        )
        load(standing, items, write(tmp_path / "x.csv", [("3", "a", "1")]))
        assert rows(connection, "id, 1", "seen") == [(3, 1)]


def test_a_partitioned_table_takes_rows_into_its_partitions(
    standing: Warehouse, items: Contract, tmp_path: Path, new: Path
) -> None:
    with standing.connect(autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE data.items RENAME TO old; ALTER TABLE data.old RENAME CONSTRAINT items_pkey TO old_pkey;"
            " CREATE TABLE data.items (LIKE data.old INCLUDING DEFAULTS,"
            " CONSTRAINT items_pkey PRIMARY KEY (organization_id, id)) PARTITION BY RANGE (id);"
            " CREATE TABLE data.low PARTITION OF data.items FOR VALUES FROM (0) TO (4);"
            " CREATE TABLE data.high PARTITION OF data.items FOR VALUES FROM (4) TO (100);"
            " INSERT INTO data.items SELECT * FROM data.old"
        )
        check(standing, load(standing, items, new))
        assert rows(connection, table="high") == [(4, "four")]


@pytest.fixture
def secured(standing: Warehouse) -> Iterator[Warehouse]:
    """The standing warehouse, whose table has row-level security, as a role that is bound by it."""
    with standing.connect(autocommit=True) as connection:
        role = f"bound_{connection.info.dbname}"
        connection.execute(
            sql.SQL(
                "CREATE ROLE {role}; GRANT ALL ON SCHEMA sluice, data TO {role};"
                " GRANT ALL ON ALL TABLES IN SCHEMA sluice, data TO {role};"
                " GRANT ALL ON ALL SEQUENCES IN SCHEMA sluice TO {role};"
                " ALTER TABLE data.items ENABLE ROW LEVEL SECURITY;"
                " CREATE POLICY own ON data.items USING (organization_id = 1)"
            ).format(role=sql.Identifier(role))
        )
        yield Warehouse(make_conninfo(standing.url, options=f"-c role={role}"))
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


def test_a_user_under_row_level_security_inserts(secured: Warehouse, items: Contract, new: Path) -> None:
    with secured.connect() as connection:
        assert not append.takes_copy(connection, items)
    check(secured, load(secured, items, new))


def test_row_level_security_that_comes_while_reading(
    standing: Warehouse, items: Contract, new: Path, request: pytest.FixtureRequest
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    assert not work.has_incoming()
    secured: Warehouse = request.getfixturevalue("secured")
    check(secured, Steps(secured, items, work.job).publish(stage))


@pytest.mark.parametrize("direct", [True, False])
def test_a_unique_index_outside_the_contract_refuses_the_load(
    standing: Warehouse, items: Contract, tmp_path: Path, direct: bool
) -> None:
    with standing.connect(autocommit=True) as connection:
        connection.execute("CREATE UNIQUE INDEX ON data.items (label)")
        if not direct:
            connection.execute("CREATE RULE nothing AS ON DELETE TO data.items DO ALSO SELECT 1")
        with pytest.raises(DataRefused, match=r"one.*already exists") as caught:
            load(standing, items, write(tmp_path / "x.csv", [("3", "one", "1")]))
        assert "unique index" in caught.value.hint
        assert rows(connection) == APPENDED[:2]


def stage_with(folder: Path, numbers: list[int], rejected: list[tuple[int, int]]) -> tuple[Stage, Verdict]:
    """A stage of load 5 with these records, and a verdict that rejects (load, record)."""
    pq.write_table(pa.table({"_record_no": pa.array(numbers, pa.int64())}), folder / "rows.parquet", 3)
    loads, records = zip(*rejected, strict=True) if rejected else ((), ())
    table = {"_load_id": pa.array(loads, pa.int64()), "_record_no": pa.array(records, pa.int64())}
    pq.write_table(pa.table(table), folder / "verdict.parquet", 2)
    return Stage(folder, 5, len(numbers), len(numbers), 0), Verdict(folder, rejected=len(set(rejected)))


@pytest.mark.parametrize(
    ("rejected", "left"),
    [
        ([], [2, 3, 5, 7, 8, 9, 12]),
        ([(5, 2), (5, 5), (5, 5), (5, 5), (5, 5), (5, 12)], [3, 7, 8, 9]),
        ([(4, 3), (4, 9), (5, 3), (6, 2), (6, 12)], [2, 5, 7, 8, 9, 12]),
        ([(5, n) for n in (2, 3, 5, 7, 8, 9, 12)], []),
        ([(4, 2), (6, 2)], [2, 3, 5, 7, 8, 9, 12]),
    ],
)
def test_kept_leaves_out_the_rejected(
    tmp_path: Path, rejected: list[tuple[int, int]], left: list[int]
) -> None:
    stage, verdict = stage_with(tmp_path, [2, 3, 5, 7, 8, 9, 12], rejected)
    assert [n for batch in append.kept(stage, verdict) for n in batch["_record_no"].to_pylist()] == left


@pytest.mark.parametrize(
    ("numbers", "rejected"),
    [
        ([2, 3, 5, 7, 8], [4]),
        ([2, 3, 5, 7, 8], [9]),
        ([2, 3, 5, 7, 8], [1]),
        ([7, 8, 9, 2, 3], [3, 8]),
        ([], [1]),
    ],
)
def test_a_rejected_record_that_is_not_found_stops_the_publish(
    tmp_path: Path, numbers: list[int], rejected: list[int]
) -> None:
    stage, verdict = stage_with(tmp_path, numbers, [(5, n) for n in rejected])
    with pytest.raises(BugError, match="not in the stage"):
        list(append.kept(stage, verdict))


def test_a_copy_that_fails_half_way_leaves_the_connection_usable(
    standing: Warehouse, items: Contract, tmp_path: Path
) -> None:
    work = Steps.of(standing, items)
    many = [(str(n), "n", "1") for n in range(10, 60_000)]
    stage = work.convert(write(tmp_path / "many.csv", many))
    pq.write_table(
        pa.table({"_load_id": [stage.load_id], "_record_no": [59_995]}), tmp_path / "verdict.parquet"
    )
    with standing.connect() as connection:
        connection.execute("CREATE TEMP TABLE before ()")
        with pytest.raises(BugError, match="not in the stage"):
            append.copied(connection, items, [stage], Verdict(tmp_path, rejected=1))
        assert connection.execute("SELECT FROM before").fetchall() == []
        assert rows(connection) == APPENDED[:2]


def rising(stage: Stage) -> tuple[str, ...]:
    """``id`` where it only rises, by brute force."""
    ids = pq.read_table(stage.rows_path)["id"].to_pylist()
    return ("id",) if ids and None not in ids and all(a < b for a, b in pairwise(ids)) else ()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # a load takes a tenth of a second: shrinking would take minutes
)
@given(
    before=st.lists(good, min_size=1, max_size=6, unique_by=lambda r: r[0]),
    found=marked,
    cut=st.integers(0, 40),
    ordered=st.booleans(),
)
def test_any_rows_are_published_or_rejected_twice_in_a_row(
    module_warehouse: Warehouse,
    items: Contract,
    tmp_path: Path,
    before: list[Cells],
    found: list[tuple[bool, Cells]],
    cut: int,
    ordered: bool,
) -> None:
    if ordered:
        found.sort(key=lambda one: int(one[1][0]) if one[1][0].isdigit() else 0)
    parts = [part for part in (found[:cut], found[cut:]) if part]
    paths = [write(tmp_path / f"{n}.csv", [row for _, row in part]) for n, part in enumerate(parts)]
    with module_warehouse.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS data.items")
        load(module_warehouse, items, write(tmp_path / "before.csv", before))
        standing = {row[0]: as_stored(row) for row in before}
        for _ in range(2):
            standing, counts = expected(found, standing, "append")
            work = Steps.of(module_warehouse, items)
            stages = [work.convert(path, number) for number, path in enumerate(paths)]
            assert not any(work.has_incoming(number) for number in range(len(paths)))
            assert all(stage.rising == rising(stage) for stage in stages)
            outcome = work.publish(*stages)
            assert (outcome.published, outcome.rejected) == (counts["published"], counts["rejected"])
            assert outcome.published + outcome.rejected == outcome.read == len(found)
            assert sum(outcome.reasons.values()) == outcome.rejected
            kept = {(r["load_id"], r["record_no"]) for r in ledger.rejects(module_warehouse, outcome.job_id)}
            assert len(kept) == outcome.rejected
            assert table(connection) == sorted(standing.values(), key=lambda row: int(row[0]))
            steps.clean(module_warehouse, work.job)
