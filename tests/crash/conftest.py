"""Fixtures of the crash tests: warm processes to kill, and databases with rows that must survive."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.conftest import new_database
from tests.crash import model
from tests.jobs.loading import load


class Zygote:
    """The parent of the processes that load and are killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._heard() == "ready"

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def load(
        self,
        warehouse: Warehouse,
        home: Path,
        path: Path,
        mode: str,
        *,
        organization: int = 1,
        kill_after: float | None = None,
    ) -> dict[str, Any]:
        """Load in a process of its own; kill it after so many seconds."""
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        order = {
            "url": warehouse.url,
            "home": str(home),
            "path": str(path),
            "mode": mode,
            "organization": organization,
            "kill_after": kill_after,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._heard())
        return answer

    def close(self) -> None:
        self._process.communicate("", timeout=30)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


@dataclass(frozen=True)
class Inputs:
    """The file under test and those that bring what stands before it."""

    rows: list[tuple[bool, model.Row]]
    path: Path
    standing: Path
    foreign: Path


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("crash-inputs")
    rows = model.file_rows()
    return Inputs(
        rows,
        model.write(folder / "items.csv", [row for _, row in rows]),
        model.write(folder / "standing.csv", list(model.standing().values())),
        model.write(folder / "foreign.csv", list(model.FOREIGN.values())),
    )


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract(model.CONTRACT)[0]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """SLUICE_HOME in a folder of the test."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def fill(warehouse: Warehouse, inputs: Inputs, contract: Contract) -> None:
    """Bring in the rows that stand before the load under test, of both organizations."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'other')")
    load(warehouse, contract, inputs.standing)
    load(warehouse, contract, inputs.foreign, organization_id=2)


@pytest.fixture(scope="session")
def filled(
    server_url: str,
    template: str,
    inputs: Inputs,
    contract: Contract,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Name of a database with standing rows, to copy from."""
    with new_database(server_url, template) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_HOME", str(tmp_path_factory.mktemp("filling")))
        settings.cache_clear()
        fill(Warehouse.from_url(url), inputs, contract)
        settings.cache_clear()
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database(server_url: str, filled: str) -> Iterator[Warehouse]:
    """A warehouse of the test's own with standing rows."""
    with new_database(server_url, filled) as url:
        yield Warehouse.from_url(url)


def quiet(warehouse: Warehouse) -> None:
    """Wait until no session of a killed process is left in the database."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    with psycopg.connect(warehouse.url, autocommit=True) as connection:
        for _ in range(1000):
            if not connection.execute(query).fetchall():
                return
            connection.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("a killed process's session goes on")
