"""Nothing of a protected value stands on a disk: at no instant in the stage folder, nor in the database."""

import base64
import gzip
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from sluice.contracts.model import Contract
from sluice.contracts.registry import load_contract
from sluice.settings import settings
from sluice.sources.api import spool
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.embedded import Embedded, programs_folder
from tests.conftest import FAST, temporary_home
from tests.jobs.appending import write
from tests.jobs.loading import load, request_for, run
from tests.jobs.protected import HEADER, PATIENTS, patient

ROWS = 400
SECRETS = (
    "person7@secret-mail.example", "person399@secret-mail", "DIAGNOSIS-OF-0007", "DIAGNOSIS-OF-0399",
    "BADBORN-7766", "LONGDIAG-5544", "DRIFTED-3322",
)  # fmt: skip
PLAIN = "WARD-0007"
MODES = ("append", "upsert", "replace")


def forms(text: str) -> list[bytes]:
    """The text as it might stand somewhere: in four encodings, each as it is, as hexadecimal digits and in base64."""
    found = []
    for raw in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), text.encode("utf-32-le")):
        found += [raw, raw.hex().encode(), raw.hex().upper().encode()]
        for shift in range(3):  # where it may begin within three bytes
            coded = base64.b64encode(bytes(shift) + raw)
            found.append(coded[4 if shift else 0 : -4])
    return found


def hits(blobs: Iterator[tuple[str, bytes]], text: str) -> list[str]:
    """Where the text stands in any form."""
    wanted = forms(text)
    return [name for name, blob in blobs if any(form in blob for form in wanted)]


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()


class Watcher:
    """Copies what lies in the stage folder, again and again, while a load runs."""

    def __init__(self, folder: Path, into: Path) -> None:
        self._folder, self._into = folder, into
        self._over = threading.Event()
        self._numbers = count()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        seen: dict[Path, tuple[int, int]] = {}
        while not self._over.wait(0.002):
            for path in [Path(folder, name) for folder, _, names in os.walk(self._folder) for name in names]:
                try:
                    if path.is_symlink() or not path.is_file():
                        continue
                    status = path.stat()
                    mark = (status.st_size, status.st_mtime_ns)
                    if seen.get(path) != mark:
                        seen[path] = mark
                        shutil.copyfile(path, self._into / f"{next(self._numbers):06}-{path.name}")
                except OSError:
                    continue  # it is gone

    def __enter__(self) -> None:
        self._into.mkdir()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Embedded]:
    """A server of the test's own: what another test has left in its files would be found."""
    with temporary_home() as home:
        server = Embedded(home, FAST)
        server.ensure()
        yield server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """SLUICE_HOME in a folder of the test, where addresses of this machine may be loaded from."""
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLUICE_CONTRACTS", str(tmp_path / "contracts"))
    monkeypatch.setenv("SLUICE_PRIVATE_ADDRESSES", "true")
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def records() -> list[tuple[str, ...]]:
    rows = [(*patient(n), f"DRIFTED-{n}") for n in range(1, ROWS)]
    rows += [
        (*patient(ROWS, born="BADBORN-7766"), "x"),
        (*patient(ROWS + 1, diagnosis="LONGDIAG-5544" * 6), "x"),
    ]
    rows += [(*patient(7, email="person7@secret-mail.example"), "DRIFTED-3322")]
    return rows


NAMES = (*HEADER, "comment")


def csv_file(folder: Path) -> Path:
    return write(folder / "patients.csv", records(), NAMES)


def untidy_file(folder: Path) -> Path:
    path = write(folder / "untidy.csv", records(), NAMES)
    text = path.read_text()
    path.write_text("# DIAGNOSIS-OF-0007 was typed here\n\n" + text + 'broken,"DIAGNOSIS-OF-0399\n', "utf-16")
    return path


def gz_file(folder: Path) -> Path:
    path = folder / "patients.csv.gz"
    path.write_bytes(gzip.compress(csv_file(folder).read_bytes()))
    return path


def json_file(folder: Path) -> Path:
    path = folder / "patients.json"
    path.write_text(json.dumps({"rows": [dict(zip(NAMES, row, strict=True)) for row in records()]}, indent=1))
    return path


def workbook(folder: Path) -> Path:
    path = folder / "patients.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("patients")
    for row in (NAMES, *records()):
        sheet.append(list(row))
    book.save(path)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Callable[[Path], str]]:
    """What turns a file into the source of a load: by its path, or from a web server."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def url(path: Path) -> str:
        return f"http://127.0.0.1:{server.server_port}/{path.name}"

    yield url
    server.shutdown()


def contract_of(folder: Path, text: str) -> Contract:
    path = folder / "contracts" / "patients.odcs.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return load_contract(path)[0]


def raw_database(server: Embedded, warehouse: Warehouse) -> dict[str, bytes]:
    """All that the server keeps on its disk, and a dump."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        where = connection.execute("SHOW data_directory").fetchone()
    assert where
    dump = subprocess.run(
        [programs_folder() / "pg_dump", "--inserts", "-d", warehouse.url], capture_output=True, check=True
    )
    return dict(files_of(Path(where[0]))) | {"pg_dump": dump.stdout}


def loaded(
    server: Embedded,
    home: Path,
    contract: Contract,
    make: Callable[[Path], Path],
    source: Callable[[Path], str],
) -> tuple[dict[str, bytes], dict[str, bytes], Any]:
    """Load the file in each mode; returns all that was in the stage folder, and the database's raw bytes."""
    web = home.parent / "web"
    web.mkdir()
    address = source(make(web))
    warehouse = Warehouse.from_url(server.url("postgres")).prepare()
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS data.patients CASCADE")
    settings().stage_dir.mkdir(parents=True)
    with Watcher(settings().stage_dir, home.parent / "copies"):
        outcomes = [load(warehouse, contract, address, mode=mode) for mode in MODES]  # type: ignore[arg-type]
    return dict(files_of(home.parent / "copies")), raw_database(server, warehouse), outcomes


@pytest.mark.parametrize("make", [csv_file, untidy_file, gz_file, json_file, workbook])
def test_no_protected_value_stands_plainly_on_any_disk(
    server: Embedded, home: Path, tmp_path: Path, make: Callable[[Path], Path], source: Callable[[Path], str]
) -> None:
    staged, database, outcomes = loaded(server, home, contract_of(tmp_path, PATIENTS), make, source)
    assert outcomes[0].published > 300
    assert outcomes[0].rejected >= 3
    assert len(staged) > 10
    for secret in SECRETS:
        assert hits(iter(staged.items()), secret) == []
        assert hits(iter(database.items()), secret) == []
    found = hits(iter(database.items()), PLAIN)
    assert "pg_dump" in found
    assert any(name.startswith("base/") for name in found)
    assert any(name.startswith("pg_wal/") for name in found)


def pages(folder: Path) -> None:
    """What an API answers, a file a page; each names the next."""
    rows = [dict(zip(NAMES, row, strict=True)) for row in records()]
    for number, first in enumerate(range(0, len(rows), 20)):
        following = f"page-{number + 1}.json" if first + 20 < len(rows) else None
        page = {"rows": rows[first : first + 20], "next": following}
        (folder / f"page-{number}.json").write_text(json.dumps(page))


@pytest.mark.parametrize("ceiling", [True, False])
def test_no_protected_value_of_an_api_stands_plainly_on_any_disk(
    server: Embedded,
    home: Path,
    tmp_path: Path,
    source: Callable[[Path], str],
    monkeypatch: pytest.MonkeyPatch,
    ceiling: bool,
) -> None:
    monkeypatch.setattr(spool, "FULL", 20_000)
    text = PATIENTS if ceiling else PATIENTS.replace("sluice.ceiling", "other")
    contract = contract_of(tmp_path, text)
    (tmp_path / "web").mkdir()
    pages(tmp_path / "web")
    paging = {"style": "next", "next": "$.next"}
    api = {"kind": "api", "url": source(Path("page-0.json")), "records": "$.rows", "paging": paging}
    warehouse = Warehouse.from_url(server.url("postgres")).prepare()
    home.mkdir()
    with Watcher(home / "stage", tmp_path / "copies"), Watcher(home / "fetch", tmp_path / "fetched"):
        outcomes = [
            run(warehouse, contract, request_for(contract) | {"sources": [api], "mode": mode})
            for mode in MODES
        ]
    assert outcomes[0].published > 300
    assert outcomes[0].rejected >= (3 if ceiling else 1)
    staged, fetched = (dict(files_of(tmp_path / name)) for name in ("copies", "fetched"))
    assert any(name.endswith(".ndjson") for name in fetched)
    database = raw_database(server, warehouse)
    for secret in SECRETS:
        for found in (staged, fetched, database):
            assert bool(hits(iter(found.items()), secret)) is not ceiling, secret


def test_the_search_finds_what_is_not_protected(
    server: Embedded, home: Path, tmp_path: Path, source: Callable[[Path], str]
) -> None:
    text = PATIENTS.replace("- {property: sluice.ceiling, value: internal}", "- {property: other, value: x}")
    staged, database, _ = loaded(server, home, contract_of(tmp_path, text), csv_file, source)
    for secret in SECRETS:
        assert hits(iter(staged.items()), secret)
        assert hits(iter(database.items()), secret)
