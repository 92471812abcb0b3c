"""Publishing into a real PostgreSQL: every record goes exactly one way, in every mode."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sluice.contracts.model import Contract
from sluice.errors import DataRefused, SetupError
from sluice.jobs import ledger
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.loading import load

Row = tuple[str, str, str]
GOOD_LABELS = st.sampled_from(["a", "b", "ccccc", 'é,"x', " y "])
KEYS = st.integers(min_value=1, max_value=12).map(str)
AMOUNTS = st.sampled_from(["", "0", "1.50", "99.99"])
good = st.tuples(KEYS, GOOD_LABELS, AMOUNTS)
bad = st.one_of(
    st.tuples(st.sampled_from(["x", "1.5", ""]), GOOD_LABELS, AMOUNTS),
    st.tuples(KEYS, st.sampled_from(["", "toolong"]), AMOUNTS),
    st.tuples(KEYS, GOOD_LABELS, st.sampled_from(["-1", "1.234", "abc"])),
)
marked = st.lists(
    st.one_of(good.map(lambda r: (True, r)), bad.map(lambda r: (False, r))), min_size=1, max_size=30
)


def write(path: Path, rows: list[Row], header: tuple[str, ...] = ("id", "label", "amount")) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def table(connection: Connection, name: str = "items") -> list[tuple[Any, ...]]:
    values = "t.id::text, label, coalesce(amount::text, '')"
    query = f"SELECT {values} FROM data.{name} t WHERE organization_id = 1 ORDER BY t.id"
    return connection.execute(query.encode()).fetchall()


def as_stored(row: Row) -> Row:
    return (row[0], row[1], "" if row[2] == "" else f"{float(row[2]):.2f}")


def expected(
    rows: list[tuple[bool, Row]], standing: dict[str, Row], mode: str
) -> tuple[dict[str, Row], Counter[str]]:
    """The table and the counts that loading ``rows`` must give: a plain model of the three modes."""
    counts: Counter[str] = Counter()
    result = {} if mode == "replace" and any(is_good for is_good, _ in rows) else dict(standing)
    new: dict[str, Row] = {}
    for is_good, row in rows:
        if not is_good:
            counts["rejected"] += 1
        elif mode == "upsert":
            counts["superseded"] += row[0] in new
            new[row[0]] = as_stored(row)
        elif row[0] in result:
            counts["rejected"] += 1
        else:
            counts["published"] += 1
            result[row[0]] = as_stored(row)
    for key, row in new.items():
        counts["unchanged" if standing.get(key) == row else "published"] += 1
        result[key] = row
    return result, counts


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],  # a load takes a tenth of a second: shrinking would take minutes
)
@given(before=st.lists(good, max_size=8, unique_by=lambda r: r[0]), rows=marked)
def test_good_rows_are_published_and_bad_ones_rejected_twice_in_a_row(
    module_warehouse: Warehouse,
    items: Contract,
    tmp_path: Path,
    mode: str,
    before: list[Row],
    rows: list[tuple[bool, Row]],
) -> None:
    with module_warehouse.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS data.items")
        if before:
            load(module_warehouse, items, write(tmp_path / "before.csv", before))
        standing = {row[0]: as_stored(row) for row in before}
        path = write(tmp_path / "rows.csv", [row for _, row in rows])
        for _ in range(2):
            result, counts = expected(rows, standing, mode)
            outcome = load(module_warehouse, items, path, mode=mode)
            found = {
                name: getattr(outcome, name) for name in ("published", "unchanged", "superseded", "rejected")
            }
            assert found == {name: counts[name] for name in found}
            assert outcome.read == len(rows) == sum(found.values())
            assert sum(outcome.reasons.values()) == outcome.rejected
            kept = {r["record_no"] for r in ledger.rejects(module_warehouse, outcome.job_id)}
            assert len(kept) == outcome.rejected
            assert table(connection) == sorted(result.values(), key=lambda row: int(row[0]))
            standing = result


def test_rejects_keep_line_raw_text_and_cells(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('id,label,amount\n1,"two\nlines",1\n2,toolong,1\n3,ok,-1\n4,ok,abc\n')
    outcome = load(warehouse, items, path)
    rows = {row["record_no"]: row for row in ledger.rejects(warehouse, outcome.job_id)}
    assert [(n, r["line"], r["reason"], r["raw"]) for n, r in rows.items()] == [
        (1, 2, "too_long", '1,"two\nlines",1'),
        (2, 4, "too_long", "2,toolong,1"),
        (3, 5, "minimum", "3,ok,-1"),
        (4, 6, "not_a_decimal", "4,ok,abc"),
    ]
    assert rows[2]["cells"] == {"id": "2", "label": "toolong", "amount": "1.00"}
    assert rows[4]["cells"]["amount"] == "abc"


def test_rows_of_other_organizations_stay(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [("1", "a", "1"), ("2", "b", "")])
    load(warehouse, items, path, organization_id=1)
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (7, 'other')")
    other = write(tmp_path / "y.csv", [("1", "z", "9")])
    assert load(warehouse, items, other, organization_id=7).published == 1
    for mode in ("replace", "upsert"):
        assert load(warehouse, items, other, organization_id=7, mode=mode).rejected == 0
    with warehouse.connect() as connection:
        assert [row[1] for row in table(connection)] == ["a", "b"]
        assert (
            load(warehouse, items, write(tmp_path / "z.csv", [("5", "n", "")]), mode="replace").published == 1
        )
        query = "SELECT organization_id, id, label FROM data.items ORDER BY 1"
        assert connection.execute(query).fetchall() == [(1, 5, "n"), (7, 1, "z")]


def test_the_same_content_is_loaded_once_unless_forced(
    warehouse: Warehouse, items: Contract, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.csv", [("1", "a", "1")])
    first = load(warehouse, items, path, force=False)
    again = load(warehouse, items, path, force=False)
    assert (again.read, again.skipped[0]["job_id"]) == (0, first.job_id)
    assert load(warehouse, items, path, force=True).reasons == {"duplicate": 1}
    load(warehouse, items, write(tmp_path / "y.csv", [("2", "b", "1")]), mode="replace", force=False)
    assert load(warehouse, items, path, force=False).published == 1


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_the_same_bytes_read_in_another_way_are_other_content(
    warehouse: Warehouse, items: Contract, tmp_path: Path, mode: str
) -> None:
    path = write(tmp_path / "x.csv", [("1", "a", "1"), ("2", "b", "1")])
    first = load(warehouse, items, path, mode=mode, force=False, options={"quote": "'"})
    other = load(warehouse, items, path, mode=mode, force=False)
    assert (other.read, other.skipped) == (2, ())
    if mode != "replace":  # which goes by the newest load alone
        again = load(warehouse, items, path, mode=mode, force=False, options={"quote": "'"})
        assert (again.read, again.skipped[0]["job_id"]) == (0, first.job_id)


@pytest.mark.parametrize("option", ["sheeet", "header"])
def test_a_wrong_option_is_refused_even_where_the_content_is_known(
    warehouse: Warehouse, items: Contract, tmp_path: Path, option: str
) -> None:
    path = write(tmp_path / "x.csv", [("1", "a", "1")])
    load(warehouse, items, path, force=False)
    with pytest.raises(SetupError, match=option):
        load(warehouse, items, path, force=False, options={option: "perhaps"})


def test_several_files_are_one_publish(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    one = write(tmp_path / "1.csv", [("1", "a", "1"), ("x", "b", "")])
    two = write(tmp_path / "2.csv", [("1", "again", "2"), ("2", "c", "")])
    outcome = load(warehouse, items, one, two)
    assert (outcome.read, outcome.published, outcome.reasons) == (4, 2, {"not_an_integer": 1, "duplicate": 1})
    outcome = load(warehouse, items, one, two, mode="upsert")
    assert (outcome.published, outcome.unchanged, outcome.superseded, outcome.rejected) == (1, 1, 1, 1)
    with warehouse.connect() as connection:
        query = "SELECT read, published, unchanged, superseded, rejected FROM sluice.loads ORDER BY id"
        assert connection.execute(query).fetchall()[-2:] == [(2, 0, 0, 1, 1), (2, 1, 1, 0, 0)]


def test_a_replace_that_brings_no_row_leaves_the_old_ones(
    warehouse: Warehouse, items: Contract, tmp_path: Path
) -> None:
    load(warehouse, items, write(tmp_path / "x.csv", [("1", "a", "1")]))
    outcome = load(
        warehouse, items, write(tmp_path / "y.csv", [("x", "b", "1"), ("2", "", "")]), mode="replace"
    )
    assert (outcome.published, outcome.rejected) == (0, 2)
    assert outcome.warnings == ("every record was rejected, so nothing was replaced: the old rows stay",)
    with warehouse.connect() as connection:
        assert table(connection) == [("1", "a", "1.00")]


@pytest.mark.parametrize(
    "obstacle",
    [
        "CREATE VIEW data.v AS SELECT * FROM data.items",
        "CREATE INDEX ON data.items (label)",
        "ALTER TABLE data.items ADD twice numeric GENERATED ALWAYS AS (amount * 2) STORED",
        "ALTER TABLE data.items ADD number int GENERATED ALWAYS AS IDENTITY",
        "GRANT SELECT (label) ON data.items TO PUBLIC",
    ],
)
@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_a_table_that_something_hangs_on_is_written_in_place(
    warehouse: Warehouse, items: Contract, tmp_path: Path, obstacle: str, mode: str
) -> None:
    load(warehouse, items, write(tmp_path / "x.csv", [("1", "a", "1"), ("2", "b", "1")]))
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(obstacle.encode())
        before = connection.execute("SELECT 'data.items'::regclass::oid").fetchone()
        outcome = load(
            warehouse, items, write(tmp_path / "y.csv", [("2", "new", "1"), ("3", "c", "")]), mode=mode
        )
        assert (outcome.published, outcome.rejected) == (2, 0)
        labels = [row[1] for row in table(connection)]
        assert labels == (["a", "new", "c"] if mode == "upsert" else ["new", "c"])
        assert connection.execute("SELECT 'data.items'::regclass::oid").fetchone() == before


def test_a_swap_keeps_keys_grants_and_comment(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [("1", "a", "1")])
    query = """
        SELECT array_agg(conname || ' ' || pg_get_constraintdef(oid) ORDER BY conname),
               obj_description('data.items'::regclass),
               (SELECT relacl::text FROM pg_class WHERE oid = 'data.items'::regclass)
          FROM pg_constraint WHERE conrelid = 'data.items'::regclass"""
    load(warehouse, items, path)
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("GRANT SELECT ON data.items TO PUBLIC")
        before = connection.execute(query).fetchone()
        old = connection.execute("SELECT 'data.items'::regclass::oid").fetchone()
        load(warehouse, items, path, mode="replace")
        assert connection.execute(query).fetchone() == before
        assert connection.execute("SELECT 'data.items'::regclass::oid").fetchone() != old


def test_projects_match_by_url_and_then_by_name(
    warehouse: Warehouse, people: Contract, tmp_path: Path
) -> None:
    header = ("name", "url", "age")
    load(
        warehouse,
        people,
        write(tmp_path / "a.csv", [("Ann", "u/1", "1"), ("Bob", "", "2"), ("Cid", "u/3", "3")], header),
    )
    changes = [
        ("Anna", "u/1", "1"),
        ("Bob", "u/2", "2"),
        ("Cid", "u/3", "3"),
        ("Bob", "u/3", "9"),
        ("Dan", "", "4"),
    ]
    outcome = load(warehouse, people, write(tmp_path / "b.csv", changes, header), mode="upsert")
    with warehouse.connect() as connection:
        rows = connection.execute("SELECT name, url, age FROM data.people ORDER BY name").fetchall()
    assert outcome.read == 5 == outcome.published + outcome.unchanged + outcome.superseded + outcome.rejected
    assert ("Anna", "u/1", 1) in rows
    assert ("Dan", None, 4) in rows
    assert len(rows) == 4


def test_two_rows_that_trade_a_unique_value_are_refused_whole(
    warehouse: Warehouse, people: Contract, tmp_path: Path
) -> None:
    header = ("name", "url", "age")
    load(warehouse, people, write(tmp_path / "a.csv", [("Ann", "u/1", "1"), ("Bob", "u/2", "2")], header))
    traded = write(tmp_path / "b.csv", [("Bob", "u/1", "1"), ("Ann", "u/2", "2")], header)
    try:
        outcome = load(warehouse, people, traded, mode="upsert")
    except DataRefused:
        outcome = None
    with warehouse.connect() as connection:
        rows = connection.execute("SELECT name, url, age FROM data.people ORDER BY age").fetchall()
    assert outcome is None or outcome.rejected == 2
    assert rows == [("Ann", "u/1", 1), ("Bob", "u/2", 2)]


def test_a_failed_load_leaves_nothing_behind(
    warehouse: Warehouse, items: Contract, tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("other,columns\n1,2\n")
    with pytest.raises(Exception, match="column"):
        load(warehouse, items, path)
    with warehouse.connect() as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE 'incoming%'").fetchall()
        status = connection.execute("SELECT status FROM sluice.ingestion_jobs").fetchall()
    assert left == []
    assert status == [("failed",)]
    assert not any((home / "stage").iterdir())


def test_the_publish_itself_keeps_what_it_took(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    outcome = load(warehouse, items, write(tmp_path / "a.csv", [("1", "a", "1")]))
    kept = ledger.get(warehouse, outcome.job_id)["result_data"]
    assert 0 < kept["seconds"]["publish"] <= kept["seconds"]["total"]
    assert kept["rows_per_second"] >= 0
    assert kept["peak_memory_mb"] > 0


@pytest.mark.parametrize("when", ["NOT DEFERRABLE", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_key_of_the_users_own_refuses_the_load_whenever_it_is_checked(
    warehouse: Warehouse, items: Contract, tmp_path: Path, mode: str, when: str
) -> None:
    load(warehouse, items, write(tmp_path / "a.csv", [("1", "a", "1")]))
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(f"ALTER TABLE data.items ADD UNIQUE (label) {when}".encode())
        load(warehouse, items, write(tmp_path / "b.csv", [("2", "b", "1")]), mode="append")
        twice = write(tmp_path / "c.csv", [("3", "c", "1"), ("4", "c", "1")])
        with pytest.raises(DataRefused, match=r"Key \(label\)=\(c\)"):
            load(warehouse, items, twice, mode=mode)
        assert table(connection) == [("1", "a", "1.00"), ("2", "b", "1.00")]
