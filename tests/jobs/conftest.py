"""Fixtures of the job tests: a state folder of their own and two small datasets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import write
from tests.jobs.loading import load

ITEMS = """
apiVersion: v3.1.0
kind: DataContract
id: items
version: 1.0.0
status: active
schema:
  - name: items
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: label, logicalType: string, required: true, logicalTypeOptions: {maxLength: 5}}
      - {name: amount, logicalType: number, physicalType: "numeric(8,2)", logicalTypeOptions: {minimum: 0}}
"""
PEOPLE = """
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: people
    customProperties:
      - {property: sluice.matchKeys, value: [[url], [name]]}
    properties:
      - {name: name, logicalType: string, required: true, unique: true}
      - {name: url, logicalType: string, unique: true}
      - {name: age, logicalType: integer}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """SLUICE_HOME in a folder of the test."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def _contract(folder: Path, text: str) -> Contract:
    path = folder / "contract.odcs.yaml"
    path.write_text(text)
    return load_contract(path)[0]


@pytest.fixture(scope="session")
def items(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """A dataset with a plain primary key."""
    return _contract(tmp_path_factory.mktemp("items"), ITEMS)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """A dataset known by URL, or else by name."""
    return _contract(tmp_path_factory.mktemp("people"), PEOPLE)


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
