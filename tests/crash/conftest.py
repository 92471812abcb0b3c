"""Fixtures of the crash tests: warm processes to kill, and databases with rows that must survive."""

import json
import subprocess
import sys
import time
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

MODES = ("append", "upsert", "replace")
# Of a file whose keys are all new, one COPY brings the rows from the stage into the table.
KINDS = (*MODES, "direct")


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

    def _asked(self, line: str) -> str:
        """The answer to a line."""
        given, heard = self._process.stdin, self._process.stdout
        assert given is not None
        assert heard is not None
        if not self._ready:
            assert heard.readline() == "ready\n", "the zygote did not start"
            self._ready = True
        given.write(f"{line}\n")
        given.flush()
        answer = heard.readline()
        assert answer, "the zygote has died"
        return answer

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
        embedded: Path | None = None,
    ) -> int:
        """Load in a process of its own. Returns its id, which stays its own until ``end``."""
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        order = {
            "url": warehouse.url,
            "home": str(home),
            "path": str(path),
            "mode": "append" if mode == "direct" else mode,
            "organization": organization,
            "force": force,
            "insist": insist,
            "embedded": embedded and str(embedded),
        }
        return self.order(order)

    def order(self, order: dict[str, Any]) -> int:
        """Begin what the order says. Returns the id of its process, which stays its own until ``end``."""
        return int(self._asked(json.dumps(order)))

    def end(self, pid: int) -> dict[str, Any]:
        """Wait for the process; its outcome, empty if it was killed."""
        return json.loads(self._asked(str(pid))) or {}

    def load(self, warehouse: Warehouse, home: Path, path: Path, mode: str, **options: Any) -> dict[str, Any]:
        """Begin, and wait for the end."""
        return self.end(self.begin(warehouse, home, path, mode, **options))

    def close(self) -> None:
        try:
            self._process.communicate("", timeout=30)
        finally:
            self._process.kill()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


@dataclass(frozen=True)
class Inputs:
    """The files under test, by kind of load, and those that bring what stands before them."""

    rows: dict[str, list[tuple[bool, model.Row]]]
    paths: dict[str, Path]
    clean: Path
    standing: Path
    foreign: Path


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("crash-inputs")
    rows = dict.fromkeys(MODES, model.file_rows()) | {"direct": model.new_rows()}
    paths = dict.fromkeys(MODES, folder / "items.csv") | {"direct": folder / "new.csv"}
    return Inputs(
        rows,
        {kind: model.write(path, [row for _, row in rows[kind]]) for kind, path in paths.items()},
        model.write(folder / "clean.csv", model.clean()),
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
        done = zygote.load(warehouse, home, path, "append", organization=organization)
        assert done["status"] == "completed", done


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


@pytest.fixture(scope="session")
def durations(
    zygote: Zygote, server_url: str, filled: str, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], float]:
    """Seconds that an undisturbed load takes, and its publish, by kind."""
    measured: dict[tuple[str, str], float] = {}
    for kind in KINDS:
        with new_database(server_url, filled) as url:
            home = tmp_path_factory.mktemp("home")
            done = zygote.load(Warehouse.from_url(url), home, inputs.paths[kind], kind)
        measured |= {(kind, "whole"): float(done["took"]), (kind, "publish"): float(done["publish_took"])}
    return measured


def wait_for(path: Path) -> None:
    """Wait until the file is there."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


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
