"""Reading alone, without a database: Sluice's stage against DuckDB's own reader and against bare calamine."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import generate, measure
from benchmarks.measure import Sample

LABELS = {
    "duckdb": "DuckDB `COPY (FROM read_csv) TO parquet`, tidy CSV",
    "stage": "Sluice stage, the same tidy CSV (typed, checked, numbered)",
    "untidy": "Sluice stage, untidy CSV (title, comments, bad quotes, ragged records, mixed line ends)",
    "calamine": "bare calamine, xlsx",
    "sheet": "Sluice stage, the same xlsx",
    "detect": "Sluice detection of a 200-row CSV, warm (median of 20)",
}
UNTIDY_ROWS, SHEET_ROWS, SMALL_ROWS = 500_000, 200_000, 200
HEAD = "| reading | rows | MB | seconds | MB/s | x baseline | peak memory MB | CPU s |"


@dataclass
class Reading:
    """One way to read one file, and each round's sample. ``baseline``: the key of the case it is compared with."""

    key: str
    rows: int
    path: Path
    baseline: str = ""
    samples: list[Sample] = field(default_factory=list)

    @property
    def megabytes(self) -> float:
        return self.path.stat().st_size / 1e6

    @property
    def middle(self) -> Sample:
        return Sample.median(self.samples)


def measure_reading(rows: int, rounds: int, env: dict[str, str], logs: Path) -> dict[str, Reading]:
    """Each case ``rounds`` times, in turn."""
    tidy, sheet = generate.orders(rows), generate.workbook(SHEET_ROWS)
    found = {
        one.key: one
        for one in (
            Reading("duckdb", rows, tidy),
            Reading("stage", rows, tidy, "duckdb"),
            Reading("untidy", UNTIDY_ROWS, generate.untidy(UNTIDY_ROWS)),
            Reading("calamine", SHEET_ROWS, sheet),
            Reading("sheet", SHEET_ROWS, sheet, "calamine"),
            Reading("detect", SMALL_ROWS, generate.orders(SMALL_ROWS)),
        )
    }
    for _ in range(rounds):
        for one in found.values():
            sample = measure.run(_command(one), logs / f"reading-{one.key}.log", env)
            one.samples.append(sample)
            figures = f"{one.rows:>10,} rows  {sample.seconds:7.3f} s  {sample.peak_mb:5.0f} MB"
            print(f"{figures}  {LABELS[one.key]}", flush=True)
    return found


def _command(one: Reading) -> list[str]:
    way = one.key if one.key in ("duckdb", "calamine", "detect") else "sluice"
    expected = ["--times", "20"] if way == "detect" else ["--records", str(one.rows)]
    return [sys.executable, "-m", "benchmarks.reader", way, str(one.path), *expected]


def ratio(found: dict[str, Reading], key: str) -> float:
    """How many times as fast as the baseline."""
    return found[found[key].baseline].middle.seconds / found[key].middle.seconds


def table(found: dict[str, Reading]) -> Iterator[str]:
    """Markdown lines: one for each case, the median of its rounds."""
    yield from (HEAD, "| --- " + "| ---: " * 7 + "|")
    for one in found.values():
        sample = one.middle
        times = f"{ratio(found, one.key):.2f}" if one.baseline else ""
        yield (
            f"| {LABELS[one.key]} | {one.rows:,} | {one.megabytes:.1f} | {sample.seconds:.3f} "
            f"| {one.megabytes / sample.seconds:.1f} | {times} | {sample.peak_mb:.0f} | {sample.cpu_seconds:.2f} |"
        )


def goals(found: dict[str, Reading]) -> Iterator[tuple[str, str, bool]]:
    """What we promised, what we got, and whether that is enough."""
    tidy, sheet = ratio(found, "stage"), ratio(found, "sheet")
    untidy = found["untidy"].megabytes / found["untidy"].middle.seconds
    detect = found["detect"].middle.seconds * 1000
    yield "a tidy CSV staged at 0.85x of DuckDB's own reader", f"{tidy:.2f}x", tidy >= 0.85
    yield "an untidy CSV at 20 MB/s", f"{untidy:.1f} MB/s", untidy >= 20
    yield f"xlsx of {SHEET_ROWS:,} x 12 at 0.8x of bare calamine", f"{sheet:.2f}x", sheet >= 0.8
    yield "detection of a small file under 50 ms, warm", f"{detect:.0f} ms", detect < 50
