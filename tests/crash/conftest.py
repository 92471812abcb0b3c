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

from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from tests.conftest import new_database
from tests.crash import model


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
        self._ready = False

    def _heard(self) -> str:
        assert self._process.stdout is not None
        if not self._ready:
            assert self._process.stdout.readline().strip() == "ready"
            self._ready = True
        return self._process.stdout.readline()

    def begin(
        self,
        warehouse: Warehouse,
        home: Path,
        path: Path,
        mode: str,
        *,
        organization: int = 1,
        force: bool = False,
        insist: bool = False,
        kill_after: float | None = None,
    ) -> None:
        """Load in a process of its own; kill it after so many seconds."""
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        (home / "publishing").unlink(missing_ok=True)
        order = {
            "url": warehouse.url,
            "home": str(home),
            "path": str(path),
            "mode": mode,
            "organization": organization,
            "force": force,
            "insist": insist,
            "kill_after": kill_after,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """The answer to what was begun: seconds and outcome."""
        answer: dict[str, Any] = json.loads(self._heard())
        return answer

    def load(self, warehouse: Warehouse, home: Path, path: Path, mode: str, **options: Any) -> dict[str, Any]:
        """Begin, and wait for the end."""
        self.begin(warehouse, home, path, mode, **options)
        return self.end()

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


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """SLUICE_HOME in a folder of the test."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def fill(zygote: Zygote, warehouse: Warehouse, inputs: Inputs, home: Path) -> None:
    """Bring in the rows that stand before the load under test, of both organizations."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO sluice.organizations (id, name) VALUES (2, 'other')")
    for organization, path in ((1, inputs.standing), (2, inputs.foreign)):
        answer = zygote.load(warehouse, home, path, "append", organization=organization)
        assert answer["outcome"]["status"] == "completed", answer


@pytest.fixture(scope="session")
def filled(
    zygote: Zygote, server_url: str, template: str, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Name of a database with standing rows, to copy from."""
    with new_database(server_url, template) as url:
        fill(zygote, Warehouse.from_url(url), inputs, tmp_path_factory.mktemp("filling"))
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
