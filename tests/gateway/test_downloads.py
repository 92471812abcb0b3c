"""Downloads: a job's rows and rejects in each format, whole, exact, harmless, and nobody else's."""

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

import psycopg
import pytest
from openpyxl import load_workbook

from sluice.contracts.registry import Registry
from sluice.jobs import downloads, ledger
from sluice.jobs.export import writer
from sluice.jobs.unsealing import Reader
from sluice.security.tokens import Role
from sluice.settings import settings
from sluice.warehouse import datasets
from sluice.warehouse.columns import table_name
from sluice.warehouse.tenants import acting_for, confine

THINGS = """
apiVersion: v3.1.0
kind: DataContract
id: things
version: 1.0.0
status: active
schema:
  - name: things
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: label, logicalType: string}
      - {name: amount, logicalType: number, physicalType: "numeric(38,10)"}
      - {name: seen, logicalType: timestamp, physicalType: timestamptz}
      - {name: day, logicalType: date}
      - {name: sold, logicalType: boolean}
"""
SEEN = datetime.fromisoformat("2026-01-31T12:00:00.123456+01:00")
AMOUNT = "1234567890123456789.0123456789"
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-12.5", "+49"]
HARMLESS = ["'=1+1", "'+cmd|' /C calc'!A0", "'-2+3", "'@SUM(A1)", "'\t=1", "'\r=1", "-12.5", "+49"]


@pytest.fixture(scope="module", autouse=True)
def things(tmp_path_factory, module_warehouse, gateway_settings):
    """A dataset of our own, with its table; there are two organizations."""
    folder = tmp_path_factory.mktemp("contracts")
    (folder / "things.odcs.yaml").write_text(THINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_CONTRACTS", str(folder))
        settings.cache_clear()
        contract = Registry.from_settings(settings()).get("things")
        with module_warehouse.connect() as connection:
            datasets.migrate(connection, contract)
        yield contract
    settings.cache_clear()


@pytest.fixture
def made(module_warehouse, things):
    """Makes a completed job of an organization with these rows (id, label, ...), and returns its id."""

    def make(*rows, organization_id=1, filename="things.csv", rejects=()):
        with module_warehouse.connect(autocommit=True) as connection, connection.transaction():
            job = new_job(connection, filename, organization_id)
            load = new_load(connection, things, job, organization_id, len(rows))
            for number, row in enumerate(rows, 1):
                insert(connection, things, organization_id, load, number, row)
            for number, cells in enumerate(rejects, 1):
                reject(connection, job, organization_id, load, number, cells)
            ledger.complete(connection, job, {})
        return job

    return make


def new_job(connection, filename, organization_id=1):
    job = ledger.create(
        connection, dataset="things", filename=filename, file_type="csv", organization_id=organization_id
    )
    ledger.start(connection, job)
    return job


def new_load(connection, contract, job, organization_id, published):
    load = ledger.next_load_id(connection)
    connection.execute(
        "INSERT INTO sluice.loads (id, job_id, organization_id, dataset, source, filename, file_type, contract_id,"
        " contract_version, contract_sha256, mode, read, published, table_schema, table_name)"
        " VALUES (%s, %s, %s, 'things', '', '', 'csv', 'things', '1', '', 'upsert', %s, %s, %s, %s)",
        [load, job, organization_id, published, published, contract.schema, contract.table],
    )
    return load


def insert(connection, contract, organization_id, load, number, row):
    """The row, in the place of one that has its key."""
    table = table_name(contract).as_string(connection)
    key = [organization_id, row[0]]
    connection.execute(f"DELETE FROM {table} WHERE organization_id = %s AND id = %s", key)
    names = [column.name for column in contract.columns][: len(row)]
    columns = ["organization_id", "_load_id", "_record_no", *names]
    places = ", ".join(["%s"] * len(columns))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
    connection.execute(query, [organization_id, load, number, *row])


def reject(connection, job, organization_id, load, number, cells):
    for ordinal, reason in enumerate(("required", "maximum")):
        connection.execute(
            "INSERT INTO sluice.rejected_rows (load_id, record_no, ordinal, job_id, organization_id, dataset, line,"
            " reason, message, raw, cells) VALUES (%s, %s, %s, %s, %s, 'things', %s, %s, %s, %s, %s)",
            [load, number, ordinal, job, organization_id, number + 1, reason, f"{reason}!", ",".join(cells.values()),
             json.dumps(cells)],
        )  # fmt: skip


def got(client, job, what="result", kind="csv"):
    reply = client.get(f"/api/ingest/{job}/{what}", params={"format": kind})
    assert reply.status_code == 200, reply.text
    assert int(reply.headers["content-length"]) == len(reply.content)
    return reply


def lines(reply):
    return list(csv.reader(io.StringIO(reply.content.decode(), newline="")))


def sheet(reply, title):
    return list(load_workbook(io.BytesIO(reply.content))[title].iter_rows(values_only=True))


HEADER = ["id", "label", "amount", "seen", "day", "sold", "_extra"]


def test_rows_come_out_exactly_in_each_format(client, made):
    job = made((2, 'é, "x"\n', AMOUNT, SEEN, "2026-01-31", True), (1, None, "1.5", None, None, False))
    one = client(1, Role.viewer)
    moment = "2026-01-31T11:00:00.123456+00:00"
    assert lines(got(one, job)) == [
        HEADER,
        ["2", 'é, "x"\n', AMOUNT, moment, "2026-01-31", "true", ""],
        ["1", "", "1.5000000000", "", "", "false", ""],
    ]
    nulls = {"label": None, "seen": None, "day": None, "_extra": None}
    assert got(one, job, kind="json").json() == [
        {"id": 2, "label": 'é, "x"\n', "amount": AMOUNT, "seen": moment, "day": "2026-01-31", "sold": True}
        | {"_extra": None},
        {"id": 1, **nulls, "amount": "1.5000000000", "sold": False},
    ]  # fmt: skip
    header, first, second = sheet(got(one, job, kind="xlsx"), "result")
    assert list(header) == HEADER
    assert first[:4] == (2, 'é, "x"\n', AMOUNT, moment)
    assert first[4:] == (datetime(2026, 1, 31), True, None)
    assert second[:3] == (1, None, 1.5)


@pytest.mark.parametrize(
    ("kind", "empty"), [("csv", b",".join(n.encode() for n in HEADER) + b"\r\n"), ("json", b"[]\n")]
)
def test_a_job_that_published_nothing_has_a_file_without_rows(client, made, kind, empty):
    reply = got(client(), made(), kind=kind)
    assert (reply.content, reply.headers["sluice-rows"]) == (empty, "0")
    rejects = got(client(), made(), "rejects", kind)
    assert rejects.headers["sluice-rows"] == "0"


def test_formulas_are_harmless_and_numbers_stay(client, made):
    job = made(*enumerate(FORMULAS), rejects=[{"id": "1", "=cmd": text} for text in FORMULAS])
    assert [row[1] for row in lines(got(client(), job))[1:]] == HARMLESS
    header, *rejected = lines(got(client(), job, "rejects"))
    assert header[:2] == ["id", "'=cmd"]
    assert [row[1] for row in rejected] == HARMLESS
    book = load_workbook(io.BytesIO(got(client(), job, kind="xlsx").content))
    cells = [row[1] for row in book["result"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[0].value == "=1+1"
    header = load_workbook(io.BytesIO(got(client(), job, "rejects", "xlsx").content))["rejects"][1]
    assert {cell.data_type for cell in header} == {"s"}


def test_a_reject_is_one_line_with_all_its_reasons(client, made):
    job = made(rejects=[{"id": "x", "label": "a"}, {"id": "y", "other": "b"}])
    rows = got(client(), job, "rejects", "json").json()
    assert [(row["id"], row["label"], row["other"]) for row in rows] == [("x", "a", None), ("y", None, "b")]
    assert [row["_sluice_reason"] for row in rows] == ["required, maximum"] * 2
    assert sheet(got(client(), job, "rejects", "xlsx"), "rejects")[1][0] == "x"


def test_rows_that_a_later_load_replaced_are_no_longer_in_the_file(client, made):
    first = made((71, "old"), (72, "stays"))
    second = made((71, "new"))
    assert [row[1] for row in lines(got(client(), first))[1:]] == ["stays"]
    assert [row[1] for row in lines(got(client(), second))[1:]] == ["new"]


def test_a_job_that_is_not_over_is_told_so(client, module_warehouse):
    with module_warehouse.connect(autocommit=True) as connection:
        job = new_job(connection, "running.csv")
        for what in ("result", "rejects"):
            reply = client().get(f"/api/ingest/{job}/{what}")
            assert (reply.status_code, "not over" in reply.json()["message"]) == (409, True)
        ledger.fail(connection, job, ValueError("no"))
        assert "published nothing" in client().get(f"/api/ingest/{job}/result").json()["message"]
        assert got(client(), job, "rejects").headers["sluice-rows"] == "0"


def test_a_completed_job_names_its_result(client, made):
    job, one = made((5, "x")), client()
    told = one.get(f"/api/ingest/status/{job}").json()["data"]["job"]
    assert lines(one.get(told["result_url"]))[1][1] == "x"


def test_the_name_of_the_file_fits_a_header(client, made):
    odd = 'a"b;\r\nX: y/../é\u202e' + "long" * 50 + ".csv"
    header = got(client(), made(filename=odd)).headers["content-disposition"]
    assert header.startswith('attachment; filename="')
    assert set(header.partition('"')[2]) <= set('abcdefghijklmnopqrstuvwxyzXé0123456789._-"') - {"é"}
    assert len(header) < 150


def opened(warehouse, organization_id, query, values):
    """What a tenant gets that calls the function itself."""
    with warehouse.connect(autocommit=True) as connection:
        confine(connection)
        if organization_id is None:
            with connection.transaction():
                return fetched(connection, query, values)
        with acting_for(connection, organization_id):
            return fetched(connection, query, values)


def fetched(connection, query, values):
    (name,) = connection.execute(query, values).fetchone()
    if name is None:
        return []
    with connection.cursor(name) as cursor:
        return cursor.fetchall()


CALLS = {
    "rows": ("SELECT sluice.job_rows(%s, %s)", lambda job: [job, ["id", "label"]]),
    "rejects": ("SELECT sluice.job_rejects(%s)", lambda job: [job]),
}


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("organization_id", [None, 1, 2])
def test_the_functions_give_an_organization_nothing_but_its_own(
    made, module_warehouse, what, organization_id
):
    job = made((81, "own"), organization_id=1, rejects=[{"id": "own"}])
    made((81, "foreign"), organization_id=2, rejects=[{"id": "foreign"}])
    query, values = CALLS[what]
    found = opened(module_warehouse, organization_id, query, values(job))
    assert (found != [], "foreign" in str(found)) == (organization_id == 1, False)


def test_rows_of_others_in_a_load_of_ones_own_are_not_given(made, module_warehouse, things):
    job = made((91, "own"))
    with module_warehouse.connect(autocommit=True) as connection:
        (load,) = connection.execute("SELECT id FROM sluice.loads WHERE job_id = %s", [job]).fetchone()
        insert(connection, things, 2, load, 2, (91, "foreign"))
        reject(connection, job, 2, load, 9, {"id": "foreign"})
    query, values = CALLS["rows"]
    assert opened(module_warehouse, 1, query, values(job)) == [(91, "own")]
    assert opened(module_warehouse, 1, CALLS["rejects"][0], [job]) == []


def test_column_names_are_names_and_no_sql(made, module_warehouse):
    job = made((92, "own"))
    wanted = ["id", 'label" FROM sluice.webhooks --', "ctid"]
    assert opened(module_warehouse, 1, "SELECT sluice.job_rows(%s, %s)", [job, wanted]) == [(92,)]


def test_functions_with_the_rights_of_their_owner_are_for_tenants_only_and_fixed(connection):
    query = (
        "SELECT proname, proacl::text, proconfig FROM pg_proc"
        " WHERE pronamespace = 'sluice'::regnamespace AND prosecdef"
    )
    found = {name: (rights, config) for name, rights, config in connection.execute(query)}
    called = {"job_rows", "job_rejects", "own_data_keys", "own_subject_keys"}
    assert set(found) == called | {"chain_entry", "audit_new_jobs"}  # triggers', which nobody calls
    for name, (rights, config) in found.items():
        assert config == ["search_path=pg_catalog, pg_temp"]
        assert ("sluice_tenant=X" in rights) == (name in called)
        assert "{=" not in rights
        assert ",=" not in rights
    connection.execute("CREATE ROLE sluice_test_stranger")
    try:
        connection.execute("GRANT USAGE ON SCHEMA sluice TO sluice_test_stranger")
        connection.execute("SET ROLE sluice_test_stranger")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT sluice.job_rejects('x')")
    finally:
        connection.execute("RESET ROLE")
        connection.execute("DROP OWNED BY sluice_test_stranger")
        connection.execute("DROP ROLE sluice_test_stranger")


MANY = 25_000


@pytest.fixture(scope="module")
def large(module_warehouse, things):
    """A job of many rows and rejects, 50 MB of each."""
    with module_warehouse.connect(autocommit=True) as connection, connection.transaction():
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (3, 'third')")
        job = new_job(connection, "large.csv", 3)
        load = new_load(connection, things, job, 3, MANY)
        table = table_name(things).as_string(connection)
        connection.execute(
            f"INSERT INTO {table} (organization_id, _load_id, _record_no, id, label)"
            " SELECT 3, %s, n, n, repeat('x', 2000) FROM generate_series(%s, 1, -1) n",
            [load, MANY],
        )
        connection.execute(
            "INSERT INTO sluice.rejected_rows (load_id, record_no, job_id, organization_id, dataset, line, reason,"
            " message, raw, cells) SELECT %s, n, %s, 3, 'things', n, 'required', '', '',"
            " jsonb_build_object('id', n::text, 'label', repeat('x', 2000)) FROM generate_series(1, %s) n",
            [load, job, MANY],
        )  # fmt: skip
        ledger.complete(connection, job, {})
    return job


def peak(*, anew=False):
    """Megabytes of memory that this process had at most, since it was asked anew."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


@pytest.mark.parametrize(
    ("write", "kind"),
    [(downloads.write_rows, kind) for kind in ("csv", "json", "xlsx")] + [(downloads.write_rejects, "csv")],
)
def test_many_rows_need_little_memory_and_come_in_the_order_of_their_records(
    module_warehouse, things, large, write, kind
):
    writer(kind, "x")((), (), io.BytesIO())  # imports and caches
    with module_warehouse.connect(autocommit=True) as connection, TemporaryFile() as file:
        confine(connection)
        before = peak(anew=True)
        with acting_for(connection, 3):
            count = write(connection, large, Reader(connection, things, 3), writer(kind, "x"), file)
        assert count == MANY
        assert peak() - before < 25  # the rows are twice of that
        if kind == "csv":
            file.seek(0)
            numbers = [int(line.partition(b",")[0]) for line in list(file)[1:]]
            assert numbers == list(range(1, MANY + 1))
