"""Sealed files: what is written is read back, nothing of it stands on the disk, and no change goes unnoticed."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sluice.errors import RetryError, SetupError
from sluice.security import lake, sealed
from sluice.settings import settings

SIZES = (0, 1, sealed.CHUNK - 1, sealed.CHUNK, sealed.CHUNK + 1, 3 * sealed.CHUNK, 3 * sealed.CHUNK + 17)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A protected folder."""
    sealed.protect(tmp_path)
    yield tmp_path
    sealed.forget(tmp_path)


def written(path: Path, content: bytes, piece: int = 10_007) -> Path:
    with sealed.create(path) as file:
        for at in range(0, len(content), piece):
            file.write(content[at : at + piece])
    return path


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read_back(folder: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    path = written(folder / "file", content)
    with sealed.SealedReader(path) as file:
        assert (file.size, file.read()) == (size, content)
        file.seek(size // 2)
        assert file.read(1000) == content[size // 2 :][:1000]


def test_nothing_of_it_stands_on_the_disk(folder: Path) -> None:
    path = written(folder / "file", b"an open secret " * 10_000)
    assert b"secret" not in path.read_bytes()
    plain = written(folder.parent / f"{folder.name}-plain", b"an open secret")
    assert b"secret" in plain.read_bytes()


def cut(raw: bytearray) -> None:
    del raw[sealed.HEAD + 2 * (sealed.CHUNK + sealed.TAG) :]


def cut_short(raw: bytearray) -> None:
    del raw[-5:]


def flipped(raw: bytearray) -> None:
    raw[sealed.HEAD + 100] ^= 1


def swapped(raw: bytearray) -> None:
    size = sealed.CHUNK + sealed.TAG
    body = raw[sealed.HEAD :]
    raw[sealed.HEAD :] = body[size : 2 * size] + body[:size] + body[2 * size :]


def other_file(raw: bytearray) -> None:
    raw[sealed.HEAD - 1] ^= 1


@pytest.mark.parametrize("change", [cut, cut_short, flipped, swapped, other_file])
def test_a_change_is_noticed(folder: Path, change: object) -> None:
    path = written(folder / "file", os.urandom(3 * sealed.CHUNK))
    raw = bytearray(path.read_bytes())
    change(raw)  # type: ignore[operator]
    path.write_bytes(raw)
    with sealed.SealedReader(path) as file, pytest.raises(SetupError, match="was changed or cut off"):
        file.read()


def test_threads_read_one_file_at_once(folder: Path) -> None:
    content = os.urandom(20 * sealed.CHUNK)
    with sealed.SealedReader(written(folder / "file", content)) as file:

        def part(number: int) -> bool:
            at = number * 9_973 % len(content)
            file.seek(at)
            return file.read(70_000) == content[at : at + 70_000]

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(part, range(400)))


def test_duckdb_and_pyarrow_read_and_write_it(folder: Path) -> None:
    table = pa.table({"n": list(range(100_000)), "text": [f"secret {n}" for n in range(100_000)]})
    with lake.ParquetWriter(folder / "one.parquet", table.schema) as writer:
        writer.write_table(table)
    with duckdb.connect() as connection:
        where = lake.location(connection, folder / "one.parquet")
        copy = lake.target(connection, folder / "two.parquet")
        connection.execute(f"COPY (FROM read_parquet('{where}')) TO '{copy}' (FORMAT parquet)")
        count = connection.execute(f"SELECT count(DISTINCT text) FROM '{copy}'").fetchone()
    assert count == (100_000,)
    with lake.parquet(folder / "two.parquet") as file:
        assert file.read().to_pydict() == table.to_pydict()
    assert not any(b"secret" in path.read_bytes() for path in folder.iterdir())


def test_a_file_is_laid_open_by_its_name_in_memory_only(folder: Path) -> None:
    path = written(folder / "customers.csv", b"a,b\n1,secret\n")
    with sealed.laid_open(path, folder) as plain:
        assert (plain.name, plain.read_bytes()) == ("customers.csv", b"a,b\n1,secret\n")
        assert not plain.resolve().is_relative_to(folder)
        other = subprocess.run(
            [sys.executable, "-c", f"print(open({str(plain)!r}).read())"], capture_output=True
        )
        assert b"secret" in other.stdout
    assert list(folder.iterdir()) == [path]


def test_a_file_too_large_for_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(folder / "big.csv", bytes(65_000_000))
    monkeypatch.setenv("SLUICE_MEMORY_LIMIT_MB", "64")
    settings.cache_clear()
    try:
        with pytest.raises(SetupError, match="SLUICE_MEMORY_LIMIT_MB"), sealed.laid_open(path, folder):
            pass
    finally:
        settings.cache_clear()


def test_another_process_can_not_read_it(folder: Path) -> None:
    path = written(folder / "file", b"secret")
    sealed.seals.cache_clear()
    with pytest.raises(RetryError, match="a process that has ended"):
        sealed.SealedReader(path)


def test_what_spills_is_encrypted(folder: Path) -> None:
    with duckdb.connect() as connection:
        lake.spill_sealed(connection, folder)
        connection.execute("SET memory_limit = '30MB'; SET threads = 1; SET preserve_insertion_order = false")
        connection.execute("SET temp_directory = ?", [str(folder / "spill")])
        text = "'a very open secret ' || hash(i)"
        connection.execute(
            f"CREATE TEMP TABLE t AS SELECT {text} AS x, {text} AS y FROM range(2_000_000) r(i)"
        )
        files = list((folder / "spill").iterdir())
        assert files, "it did not spill"
        assert not any(b"open secret" in file.read_bytes() for file in files)


def test_copies_of_a_reader_are_in_memory_and_those_of_the_killed_go(folder: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable, "-c",
            "import time; from pathlib import Path; from sluice.security import sealed;"
            f"sealed.protect(Path({str(folder)!r}));"
            f"(sealed.work_parent(Path({str(folder)!r})) / 'left').write_text('x'); print('there', flush=True);"
            "time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout
    assert child.stdout.readline() == b"there\n"
    left = sealed.MEMORY / f"sluice-{os.getuid()}" / str(child.pid) / "left"
    assert left.exists()
    child.kill()
    child.wait()
    own = sealed.work_parent(folder)
    assert own
    assert own.is_relative_to(sealed.MEMORY)
    assert not left.exists()
    assert sealed.work_parent(folder.parent) == folder.parent
