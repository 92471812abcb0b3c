"""Fixtures of the job tests: a state folder of their own and two small datasets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.settings import settings

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
