"""Staging as a whole: sinks, restarts, failures, counts, memory."""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import SetupError
from sluice.readers import Stage, open_table, stage

from .conftest import column, contract


class Recorder:
    """A sink that keeps what it was told; fails where asked."""

    def __init__(self, fail_at: str = "") -> None:
        self.calls: list[str] = []
        self.batches: list[pa.RecordBatch] = []
        self.threads: set[int] = set()
        self._fail_at = fail_at

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.threads.add(threading.get_ident())
        if name == self._fail_at:
            raise SetupError("the sink failed")

    def start(self, schema: pa.Schema) -> None:
        self.batches = []
        self._call("start")

    def write(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)
        self._call("write")

    def finish(self) -> None:
        self._call("finish")

    def abort(self) -> None:
        self._call("abort")


TIDY = "a,b\n" + "".join(f"{i},x\n" for i in range(100_000))


def test_a_stage_has_typed_columns_lineage_and_a_saved_summary(write, tmp_path):
    path = write("b,a\nx,1\ny,2\n")
    wanted = contract(column("a", "INTEGER"), "b")
    table = open_table(path)
    done = stage(
        table, wanted, tmp_path / "s", load_id=7, organization_id=3, source="file:x", sha256="00", size=9
    )
    rows = pq.read_table(done.rows_path)
    assert rows.schema.names == ["a", "b", "_extra", "organization_id", "_load_id", "_record_no"]
    assert [str(t) for t in rows.schema.types] == ["int32", "string", "string", "int32", "int64", "int64"]
    assert rows.to_pylist()[1] == {
        "a": 2, "b": "y", "_extra": None, "organization_id": 3, "_load_id": 7, "_record_no": 2,
    }  # fmt: skip
    assert (done.source, done.sha256, done.size, done.records) == ("file:x", "00", 9, 2)
    assert Stage.load(tmp_path / "s") == done
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == [
        "rejects.parquet",
        "rows.parquet",
        "stage.json",
    ]


def test_sinks_get_every_row_in_order_in_one_thread_of_their_own(write, load):
    sinks = [Recorder(), Recorder()]
    staged = load(write(TIDY), contract(column("a", "INTEGER"), "b"), sinks)
    for sink in sinks:
        assert sink.calls == ["start", *["write"] * len(sink.batches), "finish"]
        assert pa.Table.from_batches(sink.batches).equals(staged.table)
        assert len(sink.threads) == 1
        assert threading.get_ident() not in sink.threads
    assert staged.values("_record_no") == list(range(1, 100_001))


def test_dirt_late_in_the_file_restarts_the_sinks(write, load):
    sink = Recorder()
    staged = load(write(TIDY + "broken\n1,y\n"), contract(column("a", "INTEGER"), "b"), [sink])
    assert sink.calls[0] == "start"
    assert sink.calls.count("abort") == sink.calls.count("start") - 1 == 1
    assert sink.calls[-1] == "finish"
    assert pa.Table.from_batches(sink.batches).equals(staged.table)
    assert staged.reasons == [(100_001, None, "too_few_cells")]
    assert (staged.rejects[0]["line"], staged.rows[-1]["_record_no"]) == (100_002, 100_002)


def test_dirt_of_both_kinds_is_merged_in_order_of_records(write, load):
    staged = load(write("a,b\nx,1\n1\n2,2\ny,3\n4,5,6\n"), contract(column("a", "INTEGER"), "b"))
    assert staged.reasons == [
        (1, "a", "not_an_integer"),
        (2, None, "too_few_cells"),
        (4, "a", "not_an_integer"),
        (5, None, "too_many_cells"),
    ]


@pytest.mark.parametrize("moment", ["start", "write", "finish"])
def test_a_failing_sink_stops_everything_and_its_error_comes_out(write, load, moment, tmp_path):
    other, failing = Recorder(), Recorder(fail_at=moment)
    with pytest.raises(SetupError, match="the sink failed"):
        load(write(TIDY), contract(column("a", "INTEGER"), "b"), [failing, other])
    assert failing.calls[-1] == "abort"
    assert other.calls[-1] == "abort"
    assert not (tmp_path / "stage" / "stage.json").exists()


def test_progress_rises_to_the_number_of_records(write, tmp_path):
    seen: list[int] = []
    table = open_table(write(TIDY))
    stage(table, contract("a", "b"), tmp_path / "s", load_id=1, organization_id=1, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 100_000


def test_many_rejects_are_all_there_with_line_and_raw_text(write, tmp_path):
    text = "a,b\n" + "".join(f"x{i},y\n" for i in range(60_000))
    table = open_table(write(text))
    done = stage(table, contract(column("a", "INTEGER"), "b"), tmp_path / "s", load_id=1, organization_id=1)
    rejects = pq.read_table(done.rejects_path).to_pylist()
    assert (done.rejects, len(rejects)) == (60_000, 60_000)
    assert [(r["line"], r["raw"]) for r in rejects] == [(i + 2, f"x{i},y") for i in range(60_000)]


def peak_mb(path: Path, directory: Path) -> int:
    """Peak memory of a process that stages the file."""
    program = """
import sys
from pathlib import Path
from sluice.readers import open_table, stage
from tests.readers.conftest import column, contract
wanted = contract(column("a", "INTEGER"), "b", column("c", "DATE"))
table = open_table(Path(sys.argv[1]))
stage(table, wanted, Path(sys.argv[2]), load_id=1, organization_id=1, memory_limit_mb=150, threads=2)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    command = [sys.executable, "-c", program, str(path), str(directory)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) // 1024


def long_file(path: Path, rows: int, last: str = "") -> Path:
    body = "".join(f"{i},some text to fill the row a little,2024-01-01\n" for i in range(1000))
    with path.open("w") as file:
        file.write("a,b,c\n")
        file.writelines(body for _ in range(rows // 1000))
        file.write(last)
    return path


def test_memory_stays_flat_for_a_tidy_file(tmp_path):
    peaks = [
        peak_mb(long_file(tmp_path / "x", rows), tmp_path / str(rows)) for rows in (2_000_000, 6_000_000)
    ]
    assert peaks[1] < 450
    # Where the peak falls depends on how far writers lag behind the reader: a few batches either way.
    assert peaks[1] < peaks[0] + 100


def test_memory_stays_flat_for_a_dirty_file(tmp_path):
    assert peak_mb(long_file(tmp_path / "x", 1_500_000, "broken\n"), tmp_path / "s") < 450


def test_a_wide_table_gets_the_memory_that_its_columns_need(write, load, tmp_path):
    def wide(columns: int) -> Path:
        return write(",".join(f"h{i}" for i in range(columns)) + "\n" + ",".join("x" * columns) + "\n")

    assert len(json.loads(load(wide(1000), contract("h1")).rows[0]["_extra"])) == 999
    done = stage(
        open_table(wide(3000)), contract("h1"), tmp_path / "s",
        load_id=1, organization_id=1, memory_limit_mb=64,
    )  # fmt: skip
    (row,) = pq.read_table(done.rows_path).to_pylist()
    assert len(json.loads(row["_extra"])) == 2999


GOOD = st.tuples(st.integers(-(2**31), 2**31 - 1).map(str), st.sampled_from(["x", "", '"q ""q"""', '"l\nl"']))
BAD = st.sampled_from([("x", "y"), ("1",), ("1", "2", "3"), ("1.5", ""), ("1", '"q"z'), ("1", "\0")])


@settings(max_examples=80, deadline=None)
@given(
    records=st.lists(GOOD | BAD, max_size=30).flatmap(
        lambda found: st.permutations([("7", "x")] * 4 + found)
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_good_records_are_rows_and_bad_ones_rejects_in_any_mix(records, end):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_text("a,b" + end + "".join(",".join(r) + end for r in records), newline="")
        wanted = contract(column("a", "INTEGER"), "b")
        table = open_table(path, {"delimiter": ",", "quote": '"', "escape": '"'})
        done = stage(table, wanted, Path(folder) / "s", load_id=1, organization_id=1)
        bad = {("x", "y"), ("1",), ("1", "2", "3"), ("1.5", ""), ("1", '"q"z'), ("1", "\0")}
        expected = [n for n, record in enumerate(records, 1) if record not in bad]
        assert pq.read_table(done.rows_path)["_record_no"].to_pylist() == expected
        rejects = pq.read_table(done.rejects_path).to_pylist()
        assert sorted({r["record_no"] for r in rejects} | set(expected)) == list(range(1, len(records) + 1))
        assert (done.rows, done.rejects, done.records) == (
            len(expected),
            len(records) - len(expected),
            len(records),
        )
        for reject in rejects:
            assert reject["raw"] == ",".join(records[reject["record_no"] - 1]).replace("\0", "\\x00")
            assert json.loads(reject["cells"] or "{}").keys() <= {"a", "b"}
