"""Append to tables of any kind: every type, triggers, rules, partitions, row-level security, indexes of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import DataRefused
from sluice.jobs import append
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import APPENDED, Row, Steps, check, rows, write
from tests.jobs.loading import load

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
