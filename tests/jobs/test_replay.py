"""A replay reads what Sluice itself wrote down, whatever dates the contract accepts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sluice.contracts.registry import load_contract
from sluice.jobs import ledger
from sluice.jobs.outcome import Outcome
from sluice.jobs.replay import write_rejects
from sluice.settings import settings
from sluice.warehouse.connection import Connection, Warehouse
from tests.jobs.loading import load

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


def replay(warehouse: Warehouse, first: Outcome, path: Path, folder: Path) -> Outcome:
    request = write_rejects(warehouse, ledger.get(warehouse, first.job_id), folder)
    return load(warehouse, load_contract(path)[0], Path(request["sources"][0]["path"]))


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
    second = replay(warehouse, first, contract_file(10), tmp_path)
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
