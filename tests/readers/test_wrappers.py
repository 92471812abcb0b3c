"""Packed files: what is undone, what is refused, and the limits."""

import bz2
import gzip
import io
import json
import lzma
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import InputError, ReadError, SetupError
from sluice.readers import open_table
from sluice.settings import settings as environment

from .conftest import cells, cursor

AWKWARD = Path(__file__).parents[2] / "sample-data" / "awkward"
TABLE = b"a,b\n1,2\n"
MORE = b"3,4\n"
PACKERS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
LONG = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i * 7919 % 10007) for i in range(20_000))


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


@pytest.fixture
def limits(monkeypatch):
    def change(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SLUICE_{name.upper()}", str(value))
        environment.cache_clear()

    yield change
    monkeypatch.undo()
    environment.cache_clear()


@pytest.mark.parametrize("name", PACKERS)
def test_all_members_of_a_packed_file_are_read(write, name):
    table = open_table(write(PACKERS[name](TABLE) + PACKERS[name](MORE), name="x.csv"))
    assert cells(table) == [["1", "2"], ["3", "4"]]
    assert table.details["wrappers"] == [name]


@pytest.mark.parametrize("name", PACKERS)
def test_a_packed_file_that_is_cut_off_or_damaged_is_refused_by_its_own_name(write, name):
    packed = PACKERS[name](LONG)
    middle = len(packed) // 2
    for broken in (packed[:-10], packed[:middle], packed[:middle] + bytes(40) + packed[middle + 40 :]):
        with pytest.raises(ReadError, match=rf"input.dat is a (damaged )?{name} file") as caught:
            open_table(write(broken))
        assert caught.value.hint


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*PACKERS, "zip"]), min_size=1, max_size=2))
def test_any_two_wrappers_are_undone(wrappers):
    data = TABLE
    for name in reversed(wrappers):
        data = zipped(("in.dat", data)) if name == "zip" else PACKERS[name](data)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x").write_bytes(data)
        table = open_table(Path(folder) / "x")
        assert cells(table) == [["1", "2"]]
        assert table.details["wrappers"] == wrappers
        table.close()


def samples():
    """A small file of each format, by its ending."""
    found = defaultdict(list)
    for told in sorted(AWKWARD.rglob("*.expected.json")):
        path, expected = (
            told.with_name(told.name.removesuffix(".expected.json")),
            json.loads(told.read_text()),
        )
        if path.parent.name != "wrappers" and expected.get("rows") and "options" not in expected:
            found[path.suffix].append(path)
    return [
        path for paths in found.values() for path in sorted(paths, key=lambda path: path.stat().st_size)[:2]
    ]


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_a_packed_file_of_any_format_is_read_as_the_plain_one(write, path):
    data = path.read_bytes()
    plain = everything(open_table(path))
    packed = {(name,): pack(data) for name, pack in PACKERS.items()}
    packed["zip",] = zipped(("x", data))
    packed["zip", "gzip"] = zipped(("x.gz", packed["gzip",]))
    packed["gzip", "zip"] = PACKERS["gzip"](packed["zip",])
    for wrappers, content in packed.items():
        table = open_table(write(content, name="wrong.png"))
        assert table.details["wrappers"] == list(wrappers)
        assert everything(table) == plain


def everything(table):
    """All that a table tells, but for how it was wrapped and what it is called."""
    found = (
        table.format,
        table.header,
        cells(table),
        list(table.broken(cursor())),
        table.account.as_dict(),
    )
    return found, {name: one for name, one in table.details.items() if name not in ("wrappers", "member")}


def test_three_wrappers_are_refused(write):
    with pytest.raises(ReadError, match="more than twice"):
        open_table(write(gzip.compress(gzip.compress(gzip.compress(TABLE)))))


def test_a_zip_of_one_table_is_read_whatever_systems_put_beside_it(write):
    table = open_table(
        write(zipped(("d/", b""), ("d/a.csv", TABLE), ("__MACOSX/d/._a.csv", b"x"), ("d/.DS_Store", b"y")))
    )
    assert cells(table) == [["1", "2"]]
    assert table.details["member"] == "d/a.csv"
    assert not table.account.warnings


def test_notes_beside_the_table_are_left_out_and_named(write):
    table = open_table(write(zipped(("a.csv", TABLE), ("README.md", b"hello"))))
    assert cells(table) == [["1", "2"]]
    assert table.account.warnings == ["Of the archive, a.csv was read; left out: README.md."]


def test_of_several_tables_one_must_be_named(write):
    path = write(zipped(("x/a.csv", TABLE), ("b.csv", b"c\n9\n")))
    with pytest.raises(ReadError, match=r"holds 2 files: x/a.csv, b.csv") as caught:
        open_table(path)
    assert "member=" in caught.value.hint
    assert open_table(path, {"member": "b.csv"}).header == ("c",)
    assert open_table(path, {"member": "a.csv"}).header == ("a", "b")
    with pytest.raises(SetupError, match=r"no member 'c\.csv'"):
        open_table(path, {"member": "c.csv"})
    with pytest.raises(SetupError, match="no zip archive"):
        open_table(write(TABLE), {"member": "a.csv"})


def test_members_never_land_under_their_own_names(write, tmp_path):
    work = tmp_path / "deep" / "work"
    work.mkdir(parents=True)
    table = open_table(write(zipped(("../../evil.csv", TABLE))), work=work)
    assert cells(table) == [["1", "2"]]
    assert not list(tmp_path.rglob("evil*"))
    link = zipfile.ZipInfo("link.csv")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ReadError, match="without a file"):
        open_table(write(zipped((link, b"/etc/passwd"))))


def test_encrypted_cut_off_and_strangely_packed_archives_are_refused(write):
    data = bytearray(zipped(("a.csv", TABLE)))
    listed = data.index(b"PK\x01\x02")
    encrypted, strange = bytearray(data), bytearray(data)
    encrypted[6] |= 1
    encrypted[listed + 8] |= 1
    strange[8] = strange[listed + 10] = 9
    for broken, says in [
        (encrypted, "encrypted"),
        (strange, "not read"),
        (data[:-30], "cut off or damaged"),
        (zipped(), "without a file"),
    ]:
        with pytest.raises(ReadError, match=says):
            open_table(write(bytes(broken)))


def test_members_that_overlap_are_refused(write):
    data = zipped(("a.csv", TABLE))
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    listed = data[begin:end] * 2
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(listed), begin, 0)
    with pytest.raises(ReadError, match="overlap"):
        open_table(write(data[:begin] + listed + tail))


@pytest.mark.parametrize("name", [*PACKERS, "zip"])
def test_bombs_are_refused_before_they_fill_the_disk(write, limits, monkeypatch, name):
    monkeypatch.setattr("sluice.readers.packed.wrappers.RATIO_COUNTS_FROM", 2_000_000)
    data = b"a,b\n" + b"1,2\n" * 2_000_000
    path = write(zipped(("a.csv", data)) if name == "zip" else PACKERS[name](data))
    with pytest.raises(ReadError, match="as a zip bomb does") as caught:
        open_table(path)
    assert "SLUICE_UNPACKED_RATIO" in caught.value.hint
    limits(unpacked_ratio=0)
    assert open_table(path).header == ("a", "b")


def test_an_archive_of_too_many_members_is_refused(write, limits):
    limits(zip_members=3)
    path = write(zipped(*((f"{i}.csv", TABLE) for i in range(4))))
    with pytest.raises(ReadError, match="more than 3 members"):
        open_table(path, {"member": "1.csv"})


def test_archives_that_are_not_read_are_refused_by_name(write):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(TABLE)
        archive.addfile(member, io.BytesIO(TABLE))
    tar = out.getvalue()
    for data, says in [
        (tar, "a tar archive"),
        (gzip.compress(tar), "a tar archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "7-Zip"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(50), "RAR"),
    ]:
        with pytest.raises(ReadError, match=f"input.dat is {says}|input.dat is a {says}"):
            open_table(write(data))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([*PACKERS, "zip"]), st.data())
def test_no_damage_brings_anything_but_an_input_error(name, data):
    packed = bytearray(zipped(("a.csv", LONG[:3000])) if name == "zip" else PACKERS[name](LONG[:3000]))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x").write_bytes(packed)
        try:
            open_table(Path(folder) / "x").close()
        except InputError as error:
            assert folder in error.message  # noqa: PT017
            assert "unpacked-" not in error.message  # noqa: PT017
