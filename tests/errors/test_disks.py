"""The disk of the stage folder is full or may not be written: said so at once, and nothing half-written stays."""

import gzip
import random
from pathlib import Path

import pytest

from sluice.errors import SetupError
from sluice.warehouse.connection import Warehouse
from tests.errors.conftest import GOOD
from tests.errors.ingest import check_no_files, check_nothing_left, check_said, ingest
from tests.errors.mounts import fill, small_disk


def big(path: Path) -> Path:
    """Some 3 MB that hardly compress."""
    chance = random.Random(3)
    rows = (f"{n},{chance.randbytes(3).hex()},{chance.randrange(10**6)}.5\n" for n in range(150_000))
    path.write_text("id,label,amount\n" + "".join(rows))
    return path


def refused(warehouse: Warehouse, text: str, home: Path, **options: object) -> None:
    with pytest.raises(SetupError) as caught:
        ingest(warehouse, text, **options)  # type: ignore[arg-type]
    check_said(caught.value, "full", str(home / "stage"), "Free some space", "SLUICE_HOME")
    check_nothing_left(warehouse, caught.value)


def test_a_disk_that_fills_while_a_file_is_read(warehouse: Warehouse, tmp_path: Path, home: Path) -> None:
    with small_disk(home / "stage", 1):
        refused(warehouse, str(big(tmp_path / "a.csv")), home)


def test_a_disk_that_fills_while_an_archive_is_unpacked(
    warehouse: Warehouse, tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(big(tmp_path / "a.csv").read_bytes()))
    with small_disk(home / "stage", 1):
        refused(warehouse, str(path), home)


def test_a_disk_that_fills_while_a_url_is_fetched(warehouse: Warehouse, http: str, home: Path) -> None:
    with small_disk(home / "stage", 1):
        refused(warehouse, f"http://{http}/big.csv", home)


@pytest.mark.parametrize("step", ["convert", "check", "store"])
def test_a_disk_that_is_full_before_a_step(
    warehouse: Warehouse, tmp_path: Path, home: Path, step: str
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(GOOD + b"3,far too long,1\n"))
    with small_disk(home / "stage", 1) as disk:
        ballast: list[Path] = []
        try:
            with pytest.raises(SetupError) as caught:
                ingest(warehouse, str(path), before={step: lambda: ballast.append(fill(disk))})
        finally:
            ballast[0].unlink()
        check_said(caught.value, str(home / "stage"))
        check_nothing_left(warehouse, caught.value)


def test_a_stage_folder_that_may_not_be_written(warehouse: Warehouse, tmp_path: Path, home: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD)
    with small_disk(home / "stage", 1, "ro"):
        with pytest.raises(SetupError) as caught:
            ingest(warehouse, str(tmp_path / "a.csv"))
        check_said(caught.value, "may not be written", str(home / "stage"), "SLUICE_HOME")
        check_nothing_left(warehouse, caught.value)


def test_a_stage_folder_that_is_a_file(warehouse: Warehouse, tmp_path: Path, home: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD)
    home.mkdir()
    (home / "stage").touch()
    with pytest.raises(SetupError) as caught:
        ingest(warehouse, str(tmp_path / "a.csv"))
    check_said(caught.value, str(home / "stage"), "SLUICE_HOME")
    (home / "stage").unlink()
    check_nothing_left(warehouse, caught.value)
    check_no_files()
