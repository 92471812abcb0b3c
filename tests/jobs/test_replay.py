"""A replay reads what Sluice itself wrote down, whatever dates the contract accepts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.errors import InputError
from sluice.jobs import ledger, trace
from sluice.jobs.outcome import Outcome
from sluice.jobs.replay import records, request_of
from sluice.settings import settings
from sluice.sources.model import RejectsSource
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.loading import load, run

VISITS = """
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
schema:
  - name: visits
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: rank, logicalType: integer, logicalTypeOptions: {maximum: MOST}}
      - {name: day, logicalType: date, customProperties: [{property: sluice.formats, value: [dd.MM.yy, d/M/yyyy]}]}
      - name: at
        logicalType: timestamp
        customProperties: [{property: sluice.formats, value: [dd.MM.yyyy, "dd.MM.yyyy HH:mm:ss"]}]
      - name: seen
        logicalType: timestamp
        logicalTypeOptions: {timezone: true, format: "yyyyMMdd HH:mm XXX"}
      - {name: plain, logicalType: date}
      - {name: clock, logicalType: time}
      - {name: share, logicalType: number}
      - {name: sure, logicalType: boolean}
      - {name: more, logicalType: object}
"""
HEADER = "id;rank;day;at;seen;plain;clock;share;sure;more;Shop"
ROWS = (
    '1;9;31.01.25;05.02.2025;20250301 10:00 +02:00;2025-01-31;23:59;1e-9;yes;{"a": [1, null]};north',
    "2;9;3/2/1899;05.02.2025 13:14:15;;;;;;;",
    "3;9;;;;;;;;;",
    "4;1;31.01.25;05.02.2025 00:00:01;20250301 10:00 +02:00;;;;;;",
)


@pytest.fixture
def contract_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Writes the contract with that limit of ``rank``."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    monkeypatch.setenv("SLUICE_CONTRACTS", str(folder))
    settings.cache_clear()

    def write(most: int) -> Path:
        path = folder / "visits.odcs.yaml"
        path.write_text(VISITS.replace("MOST", str(most)))
        return path

    return write


def replay(warehouse: Warehouse, job_id: str, path: Path) -> Outcome:
    request = request_of(warehouse, ledger.get(warehouse, job_id))
    return run(warehouse, load_contract(path)[0], request)


def test_rows_that_the_audit_turned_away_can_be_typed_again(
    warehouse: Warehouse,
    connection: Connection,
    contract_file: Callable[[int], Path],
    tmp_path: Path,
) -> None:
    source = tmp_path / "visits.csv"
    source.write_text("\n".join([HEADER, *ROWS, ""]))
    first = load(warehouse, load_contract(contract_file(5))[0], source)
    assert first.reasons == {"maximum": 3}
    second = replay(warehouse, first.job_id, contract_file(10))
    assert (second.read, second.published, second.reasons) == (3, 3, {})
    query = (
        "SELECT id, day::text, at::text, (seen AT TIME ZONE 'UTC')::text, plain::text, clock::text, share, sure,"
        " more::text, _extra::text FROM data.visits WHERE id < 4 ORDER BY id"
    )
    told = connection.execute(query).fetchall()
    assert told == [
        (1, "2025-01-31", "2025-02-05 00:00:00", "2025-03-01 08:00:00", "2025-01-31", "23:59:00", 1e-9, True,
         '{"a": [1, null]}', '{"Shop": "north"}'),
        (2, "1899-02-03", "2025-02-05 13:14:15", None, None, None, None, None, None,
         '{"Shop": ""}'),
        (3, *[None] * 8, '{"Shop": ""}'),
    ]  # fmt: skip


def test_cells_are_written_as_the_contract_writes_its_dates(
    warehouse: Warehouse, contract_file: Callable[[int], Path], tmp_path: Path
) -> None:
    source = tmp_path / "visits.csv"
    source.write_text("\n".join([HEADER, *ROWS, ""]))
    first = load(warehouse, load_contract(contract_file(5))[0], source)
    one, two, _ = [row["cells"] for row in ledger.rejects(warehouse, first.job_id)]
    assert (one["day"], one["at"], one["seen"]) == ("31.01.25", "05.02.2025", "20250301 08:00 +00")
    assert (two["day"], two["at"], two["plain"]) == ("03/02/1899", "05.02.2025 13:14:15", None)


@pytest.fixture
def first(warehouse: Warehouse, contract_file: Callable[[int], Path], tmp_path: Path) -> Outcome:
    """Four records, of which only the last one, of rank 1, is published; the others want a maximum of 9, 7 and 8."""
    source = tmp_path / "ranks.csv"
    source.write_text("id;rank\n1;9\n2;7\n3;8\n4;1\n")
    return load(warehouse, load_contract(contract_file(5))[0], source)


def test_a_reject_is_replayed_once(
    warehouse: Warehouse, connection: Connection, contract_file: Callable[[int], Path], first: Outcome
) -> None:
    second = replay(warehouse, first.job_id, contract_file(9))
    assert (second.read, second.published, second.files) == (3, 3, (f"rejects of {first.job_id[:12]}",))
    query = "SELECT DISTINCT replayed_by_job FROM sluice.rejected_rows WHERE job_id = %s"
    assert connection.execute(query, [first.job_id]).fetchall() == [(second.job_id,)]
    with pytest.raises(InputError, match="no rejects left to replay"):
        request_of(warehouse, ledger.get(warehouse, first.job_id))
    request = ledger.get(warehouse, second.job_id)["details"]["request"]
    with pytest.raises(InputError, match="no rejects left to replay"):
        run(warehouse, load_contract(contract_file(9))[0], {**request, "job_id": ""})


def test_what_fails_again_is_replayed_again_though_its_content_is_the_same(
    warehouse: Warehouse, contract_file: Callable[[int], Path], first: Outcome
) -> None:
    job_id = first.job_id
    for _ in range(2):
        again = replay(warehouse, job_id, contract_file(5))
        assert (again.read, again.rejected, again.skipped) == (3, 3, ())
        job_id = again.job_id


def test_a_replay_that_fails_leaves_the_rejects_and_is_replayed_itself(
    warehouse: Warehouse, connection: Connection, contract_file: Callable[[int], Path], first: Outcome
) -> None:
    contract = load_contract(contract_file(9))[0]
    request = request_of(warehouse, ledger.get(warehouse, first.job_id))
    connection.execute("ALTER TABLE sluice.loads RENAME TO away")
    with pytest.raises(Exception, match="loads"):
        run(warehouse, contract, request)
    connection.execute("ALTER TABLE sluice.away RENAME TO loads")
    (failed,) = ledger.listing(warehouse, organization_id=1, limit=1)
    assert failed["status"] == "failed"
    assert all(row["replayed_by_job"] is None for row in ledger.rejects(warehouse, first.job_id))
    again = replay(warehouse, failed["job_id"], contract_file(9))
    assert (again.read, again.published) == (3, 3)


def test_of_two_replays_at_once_one_publishes(
    warehouse: Warehouse, connection: Connection, contract_file: Callable[[int], Path], first: Outcome
) -> None:
    contract = load_contract(contract_file(9))[0]
    source = {"kind": "rejects", "job": first.job_id}
    request = request_of(warehouse, ledger.get(warehouse, first.job_id))
    with pytest.raises(InputError, match="replayed by another"):
        run(warehouse, contract, {**request, "sources": [source, source]})
    assert connection.execute("SELECT count(*) FROM data.visits").fetchone() == (1,)
    assert replay(warehouse, first.job_id, contract_file(9)).published == 3


def test_a_replay_after_a_replace_keeps_what_was_published(
    warehouse: Warehouse, connection: Connection, contract_file: Callable[[int], Path], tmp_path: Path
) -> None:
    source = tmp_path / "ranks.csv"
    source.write_text("id;rank\n1;9\n4;1\n")
    first = load(warehouse, load_contract(contract_file(5))[0], source, mode="replace")
    assert replay(warehouse, first.job_id, contract_file(9)).mode == "append"
    assert connection.execute("SELECT id FROM data.visits ORDER BY 1").fetchall() == [(1,), (4,)]


def test_rejects_are_of_one_organization_and_dataset(
    warehouse: Warehouse, contract_file: Callable[[int], Path], items: Contract, first: Outcome
) -> None:
    source, contract = RejectsSource(job=first.job_id), load_contract(contract_file(9))[0]
    assert len(list(records(warehouse, source, contract, 1))) == 3
    with pytest.raises(InputError, match="There is no job"):
        next(records(warehouse, source, contract, 2))
    with pytest.raises(InputError, match="loaded into visits, not items"):
        next(records(warehouse, source, items, 1))


def test_a_replayed_row_leads_to_its_first_file_through_all_replays(
    warehouse: Warehouse, contract_file: Callable[[int], Path], first: Outcome
) -> None:
    second = replay(warehouse, first.job_id, contract_file(7))
    third = replay(warehouse, second.job_id, contract_file(9))
    contract = load_contract(contract_file(9))[0]
    (found,) = trace.row(warehouse, contract, "3", 1)
    assert (found["job"], found["record"]) == (third.job_id, 2)
    steps_back = [(one["job"], one["record"], one["line"]) for one in found["replayed_from"]]
    assert steps_back == [(second.job_id, 3, 3), (first.job_id, 3, 4)]
    assert found["replayed_from"][-1]["file"] == "ranks.csv"
    onward = trace.record(warehouse, ledger.get(warehouse, first.job_id), contract, 3)
    assert [(one["fate"], one["job"], one["record"]) for one in onward] == [
        ("rejected", first.job_id, 3),
        ("rejected", second.job_id, 3),
        ("published", third.job_id, 2),
    ]


def test_a_record_of_a_job_that_loaded_nothing_leads_on(
    warehouse: Warehouse, contract_file: Callable[[int], Path], first: Outcome, tmp_path: Path
) -> None:
    contract = load_contract(contract_file(5))[0]
    again = load(warehouse, contract, tmp_path / "ranks.csv", force=False)
    here, there = trace.record(warehouse, ledger.get(warehouse, again.job_id), contract, 4)
    assert first.job_id in here["fate"]
    assert (there["fate"], there["job"]) == ("published", first.job_id)
    with pytest.raises(InputError, match="read no record 5"):
        trace.record(warehouse, ledger.get(warehouse, again.job_id), contract, 5)
    (tmp_path / "wrong.csv").write_text("one;two\n1;2\n")
    with pytest.raises(InputError):
        load(warehouse, contract, tmp_path / "wrong.csv")
    (failed,) = ledger.listing(warehouse, organization_id=1, limit=1)
    with pytest.raises(InputError, match=r"is failed .* None of the input's columns") as told:
        trace.record(warehouse, failed, contract, 1)
    assert f"sluice replay {failed['job_id']}" in told.value.hint
