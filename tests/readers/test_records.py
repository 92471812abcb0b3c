"""Blocks of tidy records and the exact pass see the same file."""

import io
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluice.errors import ReadError
from sluice.readers import open_table, stage
from sluice.readers.text import blocks, records
from sluice.readers.text.blocks import ByteLines, Run, parts
from sluice.readers.text.scan import Scanner
from sluice.readers.text.table import CsvTable
from sluice.readers.text.tokens import Dialect
from tests.places import located
from tests.readers.conftest import cells, contract, cursor

DIALECTS = st.builds(
    Dialect, st.sampled_from([",", ";", "\t", " ", "||", ", ", "§", "ab"]), st.sampled_from(['"', "'", ""])
).flatmap(
    lambda d: st.sampled_from([d.quote, "\\"] if d.quote else [""]).map(
        lambda escape: Dialect(d.delimiter, d.quote, escape)
    )
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Dialect, int, int, str]:
    """Mostly tidy lines of one width and, between them, anything at all."""
    dialect, end = draw(DIALECTS), draw(ENDS)
    width, padding = draw(st.integers(1, 3)), draw(st.sampled_from([0, 0, 1, 2]))
    d, q, e = dialect.delimiter, dialect.quote, dialect.escape
    plain = st.text("xyé§ ", max_size=3)
    inner = st.lists(st.sampled_from(["x", "\n", "\r", "\r\n", " ", d, e + q, "é"]), max_size=4).map("".join)
    cell = plain | inner.map(lambda text: q + text + q) if q else plain
    tail = d * padding + end
    tidy = st.lists(cell, min_size=width, max_size=width).map(lambda row: d.join(row) + tail)
    any_text = st.lists(
        st.sampled_from(
            [d, q, e, "\n", "\r", "\r\n", " ", "x", "é", "\0", "#", "\udcff", "\udcc3", "\ufeff"]
        ),
        max_size=8,
    ).map("".join)
    lines = draw(
        st.lists(
            tidy | tidy | tidy | any_text.map(lambda t: t + end) | any_text | st.just("x" * 150), max_size=25
        )
    )
    return "".join(lines).encode("utf-8", "surrogateescape"), dialect, width, padding, end


@settings(max_examples=400, deadline=None)
@given(file=files(), block=st.sampled_from([1, 7, 40, 1 << 20]), limit=st.sampled_from([60, 100, 16_000_000]))
def test_blocks_give_the_same_records_as_the_exact_pass(file, block, limit):
    data, dialect, width, padding, _ = file
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "RECORD_LIMIT", limit)
        patch.setattr(blocks, "_BLOCK", block)
        patch.setattr(blocks, "_SMALL", 1)
        patch.setattr(blocks, "_FEW", 1)
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "surrogateescape", newline="")
        expected = list(records.records(text, dialect))
        scanner = Scanner(dialect, width, padding, "#")
        found = []
        for part in parts(ByteLines(io.BytesIO(data)), dialect, scanner, 0):
            if isinstance(part, Run):
                found += [part.record(place) for place in range(len(part.ends))]
                for record in expected[len(found) - len(part.ends) : len(found)]:
                    assert (record.reason, len(record.cells)) == ("", width + padding)
                    assert not any(record.cells[width:])
                    assert not record.raw.startswith("#")
            else:
                found.append((part.line, part.raw))
                assert part == expected[len(found) - 1]
        assert found == [(record.line, record.raw) for record in expected]


@settings(max_examples=150, deadline=None)
@given(file=files())
@example(file=(b",\n,\nx\n", Dialect(",", "", ""), 1, 0, "\n"))
def test_a_repaired_file_has_the_cells_rejects_and_account_of_the_exact_pass(file):
    data, dialect, width, _, end = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        head = dialect.delimiter.join("abc"[:width]) + end
        path.write_bytes(head.encode() + data)
        seen = []
        for runs in (True, False):
            options = {"delimiter": dialect.delimiter, "quote": dialect.quote, "escape": dialect.escape}
            try:
                table = open_table(path, {**options, "encoding": "utf-8"}, work=Path(folder))
            except ReadError:
                return  # the header is not read
            assert isinstance(table, CsvTable)
            table._read_exactly(runs=runs)
            rows = cells(table)
            rejects = list(table.broken(cursor()))
            count = len(rows) + len(rejects)
            seen.append((rows, rejects, table.account.as_dict(), located(table, range(1, count + 1))))
            table.close()
        assert seen[0] == seen[1]


def test_most_of_a_file_with_a_few_bad_lines_goes_in_runs():
    rows = [b'1,"a ""b""\n c",\xc3\xa4\r\n'] * 100_000
    for place in (500, 60_000, 90_000):
        rows[place] = b'1,"open,\xff\r\n'
    scanner = Scanner(Dialect(), 3, 0, "")
    found = list(parts(ByteLines(io.BytesIO(b"".join(rows))), Dialect(), scanner, 0))
    assert sum(len(part.ends) for part in found if isinstance(part, Run)) > 99_000


def test_record_numbers_stay_those_of_the_file(tmp_path):
    lines = [f"{i},x\n" for i in range(1, 50_001)]
    bad = {7, 8, 20_000, 49_999}
    for number in bad:
        lines[number - 1] = "short\n"
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "".join(lines))
    done = stage(open_table(path), contract("a", "b"), tmp_path / "s", load_id=1, organization_id=1)
    rows = pq.read_table(done.rows_path)
    assert rows["a"].to_pylist() == [str(number) for number in rows["_record_no"].to_pylist()]
    assert set(range(1, 50_001)) - set(rows["_record_no"].to_pylist()) == bad


def test_records_too_long_for_duckdb_are_read_all_the_same(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,x\n2\n3," + "y" * 9_000_000 + "\n4,z\n")
    done = stage(open_table(path), contract("a", "b"), tmp_path / "s", load_id=1, organization_id=1)
    rows = pq.read_table(done.rows_path).to_pylist()
    assert [(row["_record_no"], row["a"], len(row["b"])) for row in rows] == [
        (1, "1", 1),
        (3, "3", 9_000_000),
        (4, "4", 1),
    ]
