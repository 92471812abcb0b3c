"""A person's data is found in all datasets, given out whole, and erased without a rest."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sluice.audit.verify import verify
from sluice.contracts.model import Contract
from sluice.errors import RetryError, SetupError
from sluice.jobs import ledger
from sluice.landing.folder import Folder
from sluice.settings import settings
from sluice.subjects import search
from sluice.warehouse.connection import Connection, Warehouse
from tests.deployments.conftest import until
from tests.jobs.appending import write
from tests.jobs.loading import load
from tests.subjects.helpers import erased, given, lines, newest, read, stands
from tests.subjects.people import ALL, ANN, BOB, HER, ORDERS, PATIENTS, compiled, fill, scope_of


def test_an_export_has_all_that_is_the_persons_and_nothing_else(
    filled: Warehouse, contracts: dict[str, Contract], connection: Connection
) -> None:
    found = given(filled, contracts)
    assert found.counts == {
        "orders": {"rows": 1, "rejects": 2},
        "patients": {"rows": 1, "rejects": 1},
        "visits": {"rows": 1, "rejects": 1},
    }
    parts = {part["dataset"]: part for part in found.document["datasets"]}
    (patient,), (visit,), (order,) = (parts[name]["rows"] for name in ("patients", "visits", "orders"))
    assert (patient["email"], patient["diagnosis"]) == (ANN, "ASTHMA-OF-ANN")
    assert (visit["patient"], visit["finding"]) == (ANN, "FINDING-OF-ANN")
    assert (order["order_no"], order["amount"]) == ("A-1", "12.50")
    assert {reject["cells"]["order_no"] for reject in parts["orders"]["rejects"]} == {"A-2", "A-3"}
    assert "BROKEN-OF-ANN" in parts["visits"]["rejects"][0]["raw"]
    text = json.dumps(found.document)
    assert "OF-BOB" not in text
    assert BOB not in text
    loads = {load["load"]: load["file"] for load in found.document["loads"]}
    assert loads[order["_load_id"]] == "orders-1.csv"
    assert {job["job"] for job in found.document["jobs"]} == {load["job"] for load in found.document["loads"]}
    assert "load.published" in {entry["event"] for entry in found.document["audit"]}
    entry = newest(connection, "subject.exported")
    assert (entry["user_id"], entry["organization_id"]) == (9, 1)
    assert entry["details"] == {"subject": found.document["subject"], "datasets": found.counts}
    assert ANN not in json.dumps(entry)


def test_an_export_of_some_datasets_and_of_nobody(filled: Warehouse, contracts: dict[str, Contract]) -> None:
    assert set(given(filled, contracts, datasets=["orders"]).counts) == {"orders"}
    assert given(filled, contracts, "nobody@example.org").counts == {}
    with pytest.raises(SetupError, match="tickets says of no column"):
        given(filled, contracts, datasets=["tickets"])


def test_a_person_is_found_however_the_identifier_is_written(
    filled: Warehouse, contracts: dict[str, Contract]
) -> None:
    for text in ("7", "007", " 7 "):
        found = given(filled, contracts, text.strip())
        assert found.counts == {"members": {"rows": 1, "rejects": 1}}
        assert found.document["datasets"][0]["rows"][0]["member"] == 7


def test_nothing_of_an_erased_person_stands_anywhere(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, connection: Connection
) -> None:
    erased(filled, contracts, store, organization=2)
    assert stands(filled, ANN)  # of the first organization
    assert len(given(filled, contracts).counts) == 3
    told = erased(filled, contracts, store)
    assert told.rows == {"orders": 1, "patients": 1, "visits": 1}
    assert told.rejects == {"orders": 2, "patients": 1, "visits": 1}
    assert told.references == {"tickets": 1}
    assert told.keys == 1
    assert told.remains == {}
    for text in HER:
        assert not stands(filled, text), text
    assert stands(filled, BOB)
    assert given(filled, contracts).counts == {}
    entry = newest(connection, "subject.erased")
    assert (entry["user_id"], entry["details"]["rows"]) == (9, told.rows)
    assert entry["details"]["subject"] == told.subject
    assert all(not one.findings for one in verify(filled, settings(), None))


def test_others_keep_what_is_theirs(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, connection: Connection
) -> None:
    before = [given(filled, contracts, BOB, organization).document["datasets"] for organization in (1, 2)]
    second = given(filled, contracts, ANN, 2).document["datasets"]
    erased(filled, contracts, store)
    after = [given(filled, contracts, BOB, organization).document["datasets"] for organization in (1, 2)]
    assert after == before
    assert given(filled, contracts, ANN, 2).document["datasets"] == second
    rejected = connection.execute(
        "SELECT cells ->> 'customer' FROM sluice.rejected_rows WHERE dataset = 'orders' AND organization_id = 1"
    ).fetchall()
    assert rejected == [(f"jo{ANN}",)]
    tickets = "SELECT id, order_no FROM data.tickets WHERE organization_id = 1 ORDER BY id"
    assert connection.execute(tickets).fetchall() == [(1, None), (2, "B-1")]


def test_a_number_is_erased_where_it_names_the_person_only(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, connection: Connection
) -> None:
    told = erased(filled, contracts, store, "7")
    assert (told.rows, told.rejects, told.texts) == ({"members": 1}, {"members": 1}, 0)
    left = "SELECT member, points FROM data.members WHERE organization_id = 1"
    assert connection.execute(left).fetchall() == [(70, 7)]
    (result,) = connection.execute(
        "SELECT result_data FROM sluice.ingestion_jobs WHERE dataset = 'members' AND organization_id = 1"
    ).fetchone() or ({},)
    assert [row["member"] for row in result["data_preview"]] == [70]


def test_a_second_erasure_finds_nothing_and_writes_nothing(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, connection: Connection
) -> None:
    erased(filled, contracts, store)
    first = newest(connection, "subject.erased")
    told = erased(filled, contracts, store)
    assert told.nothing
    assert newest(connection, "subject.erased") == first


def test_a_rehearsal_changes_nothing(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder
) -> None:
    before = lines(filled)
    rehearsed = erased(filled, contracts, store, rehearse=True)
    assert lines(filled) == before
    assert rehearsed.rows
    assert erased(filled, contracts, store) == rehearsed


def test_a_backup_reads_erased_and_later_loads_are_readable(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, connection: Connection, tmp_path: Path
) -> None:
    connection.execute("CREATE TABLE public.backup AS SELECT * FROM data.patients")
    erased(filled, contracts, store)
    connection.execute(
        "INSERT INTO data.patients SELECT * FROM public.backup WHERE id = 1 AND organization_id = 1"
    )
    row = read(filled, contracts["patients"])[1]
    assert (row["email"], row["diagnosis"]) == ("(erased)", "(erased)")
    connection.execute("DELETE FROM data.patients WHERE id = 1 AND organization_id = 1")
    load(filled, contracts["patients"], tmp_path / "patients-1.csv", mode="upsert")
    (part,) = given(filled, contracts).document["datasets"]
    assert part["rows"][0]["diagnosis"] == "ASTHMA-OF-ANN"


def test_an_erasure_waits_for_no_load_at_work(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder
) -> None:
    job = ledger.create(filled, dataset="orders", filename="x.csv", file_type="csv")
    ledger.start(filled, job)
    with pytest.raises(RetryError, match="is loading into"):
        erased(filled, contracts, store)
    assert len(given(filled, contracts).counts) == 3
    ledger.cancel(filled, job)
    assert erased(filled, contracts, store).rows


def test_a_job_that_would_begin_during_an_erasure_waits_for_its_end(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, tmp_path: Path
) -> None:
    new = write(
        tmp_path / "new.csv", [("9", "north", ANN, "NEW-OF-ANN")], ("id", "ward", "email", "diagnosis")
    )
    with ThreadPoolExecutor(2) as pool:
        with filled.connect() as holding:
            holding.execute("LOCK TABLE data.visits IN SHARE MODE")
            erasing = pool.submit(erased, filled, contracts, store)
            with filled.connect(autocommit=True) as looking:
                until(lambda: looking.execute(WAITING, ["visits"]).fetchone() or erasing.done())
                loading = pool.submit(load, filled, contracts["patients"], new)
                until(lambda: looking.execute(WAITING, [None]).fetchone() or loading.done())
                assert not loading.done(), loading.exception()
            begun = "SELECT count(*) FROM sluice.ingestion_jobs WHERE status = 'processing'"
            assert holding.execute(begun).fetchone() == (0,)
        assert erasing.result().keys == 1
        assert loading.result().published == 1
    (part,) = given(filled, contracts).document["datasets"]
    assert [row["diagnosis"] for row in part["rows"]] == ["NEW-OF-ANN"]


# Who waits for a lock on the table, or for a named one.
WAITING = """
SELECT pid FROM pg_locks LEFT JOIN pg_class c ON c.oid = relation
 WHERE NOT granted AND relname IS NOT DISTINCT FROM %s::text AND database = (SELECT oid FROM pg_database
        WHERE datname = current_database())
"""


def test_a_reference_that_can_not_be_emptied_stops_the_erasure(
    warehouse: Warehouse, store: Folder, tmp_path: Path
) -> None:
    sealed = ALL["visits"].replace(", customProperties: [{property: sluice.subject, value: true}]", "")
    assert sealed != ALL["visits"]
    contracts = compiled(tmp_path / "contracts", visits=sealed)
    fill(warehouse, contracts, tmp_path)
    with pytest.raises(SetupError, match="1 rows of visits refer by patient"):
        erased(warehouse, contracts, store)
    assert set(given(warehouse, contracts).counts) == {"orders", "patients"}


def test_rows_that_were_sealed_before_the_contract_named_the_person_are_found(
    warehouse: Warehouse, store: Folder, tmp_path: Path
) -> None:
    before = PATIENTS.replace(", customProperties: [{property: sluice.subject, value: true}]", "")
    assert before != PATIENTS
    contracts = compiled(tmp_path / "contracts", patients=before)
    fill(warehouse, contracts, tmp_path)
    contracts = compiled(tmp_path / "contracts")
    assert erased(warehouse, contracts, store).rows == {"orders": 1, "patients": 1, "visits": 1}
    assert not stands(warehouse, ANN)


def test_where_no_contract_names_a_person_nobody_is_told_that_nothing_is_kept(
    filled: Warehouse, contracts: dict[str, Contract]
) -> None:
    unnamed = [one for one in contracts.values() if not one.subject]
    assert unnamed
    with filled.connect() as connection, pytest.raises(SetupError, match="nothing was searched"):
        search.scope(connection, unnamed)


def test_a_table_that_does_not_follow_its_contract_is_told(
    filled: Warehouse, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    ceiling = "    customProperties: [{property: sluice.ceiling, value: internal}]\n"
    sealed = ceiling + ORDERS.lstrip("\n").replace(
        "customer, logicalType: string,", "customer, logicalType: string, classification: restricted,"
    )
    with pytest.raises(SetupError, match="does not follow its contract"):
        scope_of(filled, compiled(tmp_path / "contracts", orders=sealed))
