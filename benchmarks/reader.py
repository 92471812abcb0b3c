"""One file read, timed from within a process that has its imports and a first small read behind it."""

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import python_calamine as calamine

from benchmarks.generate import DATA, orders
from sluice.contracts.compile import load_contract
from sluice.readers import open_table, stage

CONTRACT = Path(__file__).parent / "contracts" / "orders.odcs.yaml"


def sluice(path: Path, folder: Path) -> int:
    """Stage the file: found out, typed, checked. Records read."""
    table = open_table(path, work=folder)
    (contract,) = load_contract(CONTRACT)
    done = stage(table, contract, folder / "stage", load_id=1, organization_id=1)
    table.close()
    return done.records


def duckdb_copy(path: Path, folder: Path) -> int:
    """DuckDB finds out dialect and types by itself, and keeps none of what does not fit."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        source, target = (str(p).replace("'", "''") for p in (path, folder / "rows.parquet"))
        connection.execute(f"COPY (FROM read_csv('{source}')) TO '{target}'")
        (rows,) = connection.execute(f"SELECT count(*) FROM read_parquet('{target}')").fetchone() or (0,)
    return int(rows)


def calamine_rows(path: Path, _folder: Path) -> int:
    """Every cell of the first sheet as a Python value, and nothing done with it."""
    return len(calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()) - 1


def detect(path: Path, folder: Path) -> int:
    """Encoding, dialect, header and layout only."""
    open_table(path, work=folder).close()
    return 0


WAYS: dict[str, Callable[[Path, Path], int]] = {
    "sluice": sluice,
    "duckdb": duckdb_copy,
    "calamine": calamine_rows,
    "detect": detect,
}


def cpu_seconds() -> float:
    """Of this process and its ended children: a workbook is read in one."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(way: str, path: Path) -> tuple[float, float, int]:
    """Wall and CPU seconds, and the records read."""
    folder = Path(tempfile.mkdtemp(dir=DATA))
    try:
        started, cpu = time.perf_counter(), cpu_seconds()
        records = WAYS[way](path, folder)
        return time.perf_counter() - started, cpu_seconds() - cpu, records
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Print seconds and CPU seconds as the last line, JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--times", type=int, default=1, help="the median of so many")
    parser.add_argument("--records", type=int, default=0, help="records that the file has")
    args = parser.parse_args()
    if args.way != "calamine":
        timed(args.way, orders(200))
    runs = sorted(timed(args.way, args.file) for _ in range(args.times))
    seconds, cpu, records = runs[len(runs) // 2]
    if records != args.records:
        raise SystemExit(f"{records:,} records, not {args.records:,}")
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    main()
