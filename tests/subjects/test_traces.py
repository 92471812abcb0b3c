"""What else there is of a person: uploads, what a killed or failed one left, rows that are kept."""

import gzip
import os
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import errors

from sluice.audit.verify import verify
from sluice.contracts.model import Contract
from sluice.errors import InputError
from sluice.jobs import ledger, uploads
from sluice.jobs.uploads import Wanted
from sluice.landing.folder import Folder
from sluice.settings import settings
from sluice.warehouse.connection import Connection, Warehouse
from tests.cli.conftest import SLUICE, own_environment
from tests.jobs.loading import load, run
from tests.subjects.helpers import erased, given, lines, read
from tests.subjects.people import ANN, BOB


@pytest.fixture
def uploaded(warehouse: Warehouse, store: Folder) -> Callable[..., tuple[str, Path]]:
    """Makes an upload for a dataset, and loads it; returns its job and where its bytes are."""

    def make(
        contract: Contract, content: bytes, name: str = "orders.csv", ends: bool = True
    ) -> tuple[str, Path]:
        upload_id = uploads.new_upload_id(1)
        place = store.place(upload_id, name)
        with store.continued(place, 0, 10_000) as part:
            part.write(content)
        expires = datetime.now(UTC) + timedelta(hours=1)
        named = {
            "organization_id": 1,
            "user_id": 1,
            "upload_id": upload_id,
            "place": place,
            "expires_at": expires,
        }
        with warehouse.connect() as connection:
            job = uploads.announce(connection, Wanted(contract.dataset, name, mode="append"), **named)
            upload = uploads.find(connection, upload_id)
            assert upload
            uploads.arrived(connection, upload, part.size, part.sha256)
        if ends:
            run(warehouse, contract, ledger.get(warehouse, job)["details"]["request"])
        return job, Path(place)

    return make


def order(number: str, customer: str) -> bytes:
    return f"order_no,customer,amount\n{number},{customer},1\n".encode()


def test_uploads_with_the_person_go_and_others_stay(
    filled: Warehouse,
    contracts: dict[str, Contract],
    store: Folder,
    uploaded: Callable[..., tuple[str, Path]],
    connection: Connection,
) -> None:
    orders = contracts["orders"]
    _, hers = uploaded(orders, order("U-1", ANN))
    _, wide = uploaded(orders, b"\xff\xfe" + order("U-2", ANN).decode().encode("utf-16-le"))
    _, bobs = uploaded(orders, order("U-3", BOB))
    _, packed = uploaded(orders, gzip.compress(order("U-4", BOB)), "orders.csv.gz")
    _, waiting = uploaded(orders, order("U-5", ANN), ends=False)
    connection.execute("UPDATE data.orders SET customer = 'x' WHERE order_no = 'U-2'")  # as a later load may
    told = erased(filled, contracts, store)
    assert told.rows["orders"] == 2
    assert [path.exists() for path in (hers, wide, bobs, packed, waiting)] == [
        False,
        False,
        True,
        False,
        True,
    ]
    assert (len(told.uploads), told.uploads_left) == (3, [waiting.parent.name])


class Dying(Folder):
    """A landing store whose process ends before anything is removed."""

    def remove(self, upload_id: str) -> None:
        raise KeyboardInterrupt


def test_what_a_killed_erasure_has_left_goes_with_the_next(
    filled: Warehouse,
    contracts: dict[str, Contract],
    store: Folder,
    uploaded: Callable[..., tuple[str, Path]],
) -> None:
    _, place = uploaded(contracts["orders"], order("U-1", ANN))
    with pytest.raises(KeyboardInterrupt):
        erased(filled, contracts, Dying(store.folder))
    assert place.exists()
    assert given(filled, contracts).counts == {}
    assert erased(filled, contracts, store).nothing
    assert not place.exists()


def test_an_erasure_that_is_killed_has_erased_nothing(
    filled: Warehouse, contracts: dict[str, Contract], home: Path, tmp_path: Path, connection: Connection
) -> None:
    more = {"SLUICE_DATABASE_URL": filled.url, "SLUICE_CONTRACTS": str(tmp_path / "contracts")}
    env = own_environment(home, SLUICE_ENCRYPTION_KEY=os.environ["SLUICE_ENCRYPTION_KEY"], **more)
    activity = "SELECT wait_event, state, query FROM pg_stat_activity WHERE datname = current_database()"
    waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    before = lines(filled)
    with filled.connect() as other:
        # The audit log's entry, the last that it writes, has to wait for this one.
        other.execute("SELECT pg_advisory_xact_lock(hashtext('sluice:events'), 1)")
        with subprocess.Popen([SLUICE, "subject", "erase", ANN, "--yes"], env=env, cwd=tmp_path) as process:
            try:
                end = time.monotonic() + 40
                while connection.execute(waits).fetchone() is None:
                    assert process.poll() is None
                    assert time.monotonic() < end, connection.execute(activity).fetchall()
                    time.sleep(0.05)
            finally:
                process.kill()
    assert lines(filled) == before
    assert subprocess.run([SLUICE, "subject", "erase", ANN, "--yes"], env=env, cwd=tmp_path).returncode == 0
    assert not stands_of_first(filled)


def stands_of_first(warehouse: Warehouse) -> bool:
    """Whether the first organization still has rows or rejects with her address."""
    query = (
        "SELECT FROM data.orders WHERE organization_id = 1 AND customer = %s UNION ALL"
        " SELECT FROM sluice.rejected_rows WHERE organization_id = 1 AND raw ~ %s"
    )
    with warehouse.connect() as connection:
        return connection.execute(query, [ANN, rf"\m{ANN}"]).fetchone() is not None


def test_rows_that_are_kept_have_nothing_of_the_person(
    filled: Warehouse,
    contracts: dict[str, Contract],
    store: Folder,
    connection: Connection,
    tmp_path: Path,
) -> None:
    marks = "SELECT email FROM data.patients WHERE organization_id = 1 AND id = 1"
    before = connection.execute(marks).fetchone()
    told = erased(filled, contracts, store, keep_rows=True)
    assert told.kept == {"patients": 1, "visits": 1}
    assert told.rows == {"orders": 1, "patients": 1, "visits": 1}
    assert connection.execute(marks).fetchone() != before
    visits = "SELECT id, patient IS NULL FROM data.visits WHERE organization_id = 1 ORDER BY id"
    assert connection.execute(visits).fetchall() == [(1, True), (2, False)]
    lost = {"id": 1, "ward": "north", "email": "(erased)", "diagnosis": "(erased)"}
    assert read(filled, contracts["patients"])[1] == lost
    assert read(filled, contracts["visits"])[1] == {"id": 1, "patient": None, "finding": "(erased)"}
    assert erased(filled, contracts, store, keep_rows=True).nothing
    load(filled, contracts["patients"], tmp_path / "patients-1.csv", mode="upsert")
    assert read(filled, contracts["patients"])[1]["diagnosis"] == "ASTHMA-OF-ANN"


def test_what_a_failed_job_told_is_erased_and_what_can_not_be_is_told(
    filled: Warehouse, contracts: dict[str, Contract], store: Folder, connection: Connection
) -> None:
    job = ledger.create(filled, dataset="tickets", filename=f"{ANN}.csv", file_type="csv")
    ledger.start(filled, job)
    ledger.fail(filled, job, InputError(f"{ANN} and jo{ANN} are no tickets."))
    told = erased(filled, contracts, store)
    found = ledger.get(filled, job)
    assert found["error_message"] == found["message"] == f"(erased) and jo{ANN} are no tickets."
    assert found["details"]["error"]["message"] == f"(erased) and jo{ANN} are no tickets."
    assert told.texts > 0
    # The name of its file, in the job and its events; the audit log's entry of the failure.
    assert told.remains.keys() == {"ingestion_jobs", "job_events", "audit_log"}
    assert (told.remains["ingestion_jobs"], told.remains["audit_log"]) == (1, 1)
    assert erased(filled, contracts, store).remains == told.remains
    assert all(not one.findings for one in verify(filled, settings(), None))
    with pytest.raises(errors.Error, match="does not change any more"):
        connection.execute("UPDATE sluice.ingestion_jobs SET message = 'x' WHERE job_id = %s", [job])
