"""Files that can't be loaded: each is refused with the reason, and nothing half-written stays."""

import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from sluice.errors import ReadError, SetupError, SluiceError, SourceError
from sluice.sources.acquire import Item
from sluice.warehouse.connection import Warehouse
from tests.errors.conftest import GOOD
from tests.errors.ingest import check_nothing_left, check_said, ingest, validate

NOBODY = 65534


def missing(path: Path) -> None:
    """Nothing is written."""


def empty(path: Path) -> None:
    path.write_bytes(b"")


def only_a_header(path: Path) -> None:
    path.write_bytes(GOOD.partition(b"\n")[0] + b"\n")


def blank(path: Path) -> None:
    path.write_bytes(b" \r\n\n  \n")


def junk(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def a_program(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0" + bytes(3000))


def truncated_gzip(path: Path) -> None:
    rows = b"".join(b"%d,a,%d\n" % (n, n % 7) for n in range(20_000))
    path.write_bytes(gzip.compress(b"id,label,amount\n" + rows)[:-5000])


def gzip_without_its_end(path: Path) -> None:
    path.write_bytes(gzip.compress(GOOD)[:-3])


def truncated_xlsx(path: Path) -> None:
    book = Workbook()
    for row in [("id", "label", "amount"), *((n, "a", 1) for n in range(2000))]:
        book.active.append(row)
    book.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zip_that_is_no_xlsx(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + random.Random(2).randbytes(2000))


def other_dataset(path: Path) -> None:
    path.write_bytes(b"title,severity,url\nx,high,http://example.org\n")


def required_column_missing(path: Path) -> None:
    path.write_bytes(b"id,amount\n1,2\n")


def column_twice(path: Path) -> None:
    path.write_bytes(b"id,label,ID\n1,a,2\n")


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


CASES: list[tuple[Callable[[Path], None], str, type[SluiceError], list[str]]] = [
    (missing, "a.csv", SourceError, ["does not exist"]),
    (empty, "a.csv", ReadError, ["is empty"]),
    (blank, "a.csv", ReadError, []),
    (only_a_header, "a.csv", ReadError, ["has a header but no records"]),
    (junk, "a.csv", ReadError, ["binary"]),
    (a_program, "a.csv", ReadError, ["program"]),
    (truncated_gzip, "a.csv.gz", ReadError, ["gzip", "too early"]),
    (gzip_without_its_end, "a.csv.gz", ReadError, ["gzip", "too early"]),
    (truncated_xlsx, "a.xlsx", ReadError, ["cut off"]),
    (zip_that_is_no_xlsx, "a.xlsx", ReadError, ["zip"]),
    (other_dataset, "a.csv", ReadError, ["items", "title, severity, url", "sluice datasets"]),
    (required_column_missing, "a.csv", ReadError, ["items requires label", "id, amount"]),
    (column_twice, "a.csv", ReadError, ["'id'", "'ID'"]),
    (folder, "a.csv", SourceError, ["is a folder", "/*.csv"]),
    (pipe, "a.csv", SourceError, ["not a regular file"]),
]


@pytest.mark.parametrize(("make", "name", "kind", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_an_input_that_cannot_be_loaded_is_refused_whole(
    warehouse: Warehouse,
    tmp_path: Path,
    make: Callable[[Path], None],
    name: str,
    kind: type[SluiceError],
    words: list[str],
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(kind) as caught:
        ingest(warehouse, str(path))
    assert not caught.value.retryable
    assert caught.value.exit_code == (1 if kind is ReadError else 2)
    check_said(caught.value, name, *words)
    check_nothing_left(warehouse, caught.value)


def test_one_bad_file_among_good_ones_keeps_all_out(warehouse: Warehouse, tmp_path: Path) -> None:
    good, bad = tmp_path / "a.csv", tmp_path / "b.csv"
    good.write_bytes(GOOD)
    junk(bad)
    with pytest.raises(ReadError) as caught:
        ingest(warehouse, str(good), str(bad))
    check_said(caught.value, str(bad))
    check_nothing_left(warehouse, caught.value)


def test_a_file_that_the_user_may_not_read_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "secret.csv"
    path.write_bytes(GOOD)
    path.chmod(0)

    def as_nobody(text: str) -> list[Item]:
        """Root may read anything, so root steps back for this step."""
        opened = [
            folder for folder in path.parents if folder.stat().st_uid == os.geteuid() and folder != Path("/")
        ]
        modes = {folder: folder.stat().st_mode for folder in opened if not folder.stat().st_mode & 0o001}
        for folder in modes:
            folder.chmod(modes[folder] | 0o001)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            return validate(text)
        finally:
            if is_root:
                os.seteuid(0)
            for folder, mode in modes.items():
                folder.chmod(mode)

    with pytest.raises(SourceError) as caught:
        ingest(warehouse, str(path), validated=as_nobody)
    check_said(caught.value, str(path), "may not be read")
    check_nothing_left(warehouse, caught.value)


@pytest.mark.parametrize("step", ["collect", "convert"])
def test_a_file_that_vanishes_under_way_fails_the_job(
    warehouse: Warehouse, tmp_path: Path, step: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(GOOD)
    with pytest.raises(SourceError) as caught:
        ingest(warehouse, str(path), before={step: path.unlink})
    check_said(caught.value, str(path))
    check_nothing_left(warehouse, caught.value)


def test_a_file_that_grows_while_it_is_read_fails_the_job(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(GOOD)

    def grow() -> None:
        path.write_bytes(GOOD + b"3,c,1\n")

    with pytest.raises(SourceError) as caught:
        ingest(warehouse, str(path), before={"convert": grow})
    check_said(caught.value, "a.csv changed while it was read")
    check_nothing_left(warehouse, caught.value)


def test_an_unknown_dataset_is_named_with_what_there_is(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(GOOD)
    with pytest.raises(SetupError) as caught:
        ingest(warehouse, str(path), dataset="bugz")
    check_said(caught.value, "bugz", "bugs", "SLUICE_CONTRACTS")
    check_nothing_left(warehouse, caught.value)
