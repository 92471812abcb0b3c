"""Columns that only rise: whatever ``Rising`` says holds, counted by brute force."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.readers.rising import Rising
from tests.readers.conftest import Staged, column, contract

UTC = dt.UTC
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int64(), st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)])),
    (pa.int16(), st.integers(-3, 3)),
    (pa.float64(), st.sampled_from([-0.0, 0.0, 1.0, float("nan"), float("inf"), -float("inf"), 5e-324])),
    (pa.float32(), st.sampled_from([-0.0, 0.0, 1.5, float("nan")])),
    (pa.decimal128(38, 2), st.decimals(-2, 2, places=2)),
    (pa.string(), st.text("aAäÄ\u0301ß ", max_size=3)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 5))),
    (pa.time64("us"), st.sampled_from([dt.time(0), dt.time(0, 0, 0, 1), dt.time(23, 59)])),
    (pa.timestamp("us"), st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2))),
    (
        pa.timestamp("us", tz="UTC"),
        st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2), timezones=st.just(UTC)),
    ),
]


def watched(kind: pa.DataType, *batches: list[Any]) -> bool:
    rising = Rising(["key"])
    for values in batches:
        rising.see(pa.RecordBatch.from_pydict({"key": pa.array(values, kind)}))
    return rising.names == ("key",)


def rises(values: list[Any]) -> bool:
    """What ``Rising`` should say: no value is missing, and each is larger than the one before."""
    return bool(values) and None not in values and all(a < b for a, b in pairwise(values))


def repeats(values: list[Any]) -> int:
    """Values that are missing or stand again; a NaN is like any other."""
    known = Counter("NaN" if v != v else v for v in values if v is not None)
    return len(values) - len(known)


def in_batches(values: list[Any], places: list[int]) -> list[list[Any]]:
    cuts = [0, *sorted(place % (len(values) + 1) for place in places), len(values)]
    return [values[a:b] for a, b in pairwise(cuts)]


@pytest.mark.parametrize(("kind", "values"), KINDS, ids=lambda given: str(given)[:20])
@settings(deadline=None)
@given(data=st.data(), cuts=st.lists(st.integers(0, 30), max_size=4))
def test_what_rises_repeats_nothing(
    kind: pa.DataType, values: st.SearchStrategy[Any], data: st.DataObject, cuts: list[int]
) -> None:
    rows = data.draw(st.lists(st.one_of(values, values, values, st.none()), max_size=8))
    if data.draw(st.booleans()):
        rows = sorted({value for value in rows if value is not None and value == value})
    batches = in_batches(rows, cuts)
    said = watched(kind, *batches)
    # Arrow orders text by its bytes, which is the order of code points.
    assert said == rises(rows)
    assert not said or repeats(rows) == 0


@pytest.mark.parametrize(
    ("batches", "rising"),
    [
        ([], False),
        ([[]], False),
        ([[], [7]], True),
        ([[7], []], True),
        ([[None]], False),
        ([[1, 2], [2, 3]], False),
        ([[1, 2], [None], [3]], False),
        ([[1], [2], [3]], True),
        ([[3, 2], [9]], False),
    ],
)
def test_batches_are_one_column(batches: list[list[Any]], rising: bool) -> None:
    assert watched(pa.int64(), *batches) is rising


def test_each_column_is_watched_by_itself() -> None:
    rising = Rising(["a", "b", "c"])
    for a, b, c in (([1, 2], ["b", "a"], [1.5, 1.6]), ([3, 9], ["c", "d"], [1.7, 1.7])):
        rising.see(pa.record_batch({"a": a, "b": b, "c": c}))
    assert rising.names == ("a",)


def test_a_stage_tells_which_unique_columns_rise(
    load: Callable[..., Staged], write: Callable[..., Path]
) -> None:
    path = write("id,code,other\n" + "".join(f"{n},{n % 7},{n}\n" for n in range(100)))
    watched = contract(
        column("id", "BIGINT", unique=True), column("code", unique=True), column("other", "BIGINT")
    )
    assert load(path, watched).stage.rising == ("id",)


def test_bad_rows_do_not_count_and_a_file_that_is_read_again_starts_anew(
    load: Callable[..., Staged], write: Callable[..., Path]
) -> None:
    # A record with too many cells late in the file: DuckDB gives up there, and the file is read another way.
    chance = random.Random(3)
    numbers = list(range(40_000))
    lines = [f"{n},{Decimal(n) / 4}" for n in numbers]
    for place in chance.sample(numbers, 50):
        lines[place] = "x,1"
    lines[39_000] = "1,2,3,4"
    done = load(
        write("id,amount\n" + "\n".join(lines) + "\n"),
        contract(column("id", "BIGINT", unique=True), column("amount", "DECIMAL(9,2)", unique=True)),
    )
    assert done.stage.rejects >= 50
    assert done.stage.rising == ("id", "amount")
    values = done.table["id"].to_pylist()
    assert repeats(values) == 0


def test_a_repeat_in_the_part_that_only_the_second_reading_sees_is_noticed(
    load: Callable[..., Staged], write: Callable[..., Path]
) -> None:
    lines = [str(n) for n in range(40_000)]
    lines[39_000] = "1,2,3,4"
    lines[39_500] = "39499"
    done = load(
        write("id,\n" + "\n".join(f"{line}," for line in lines) + "\n"),
        contract(column("id", "BIGINT", unique=True)),
    )
    assert repeats(done.table["id"].to_pylist()) == 1
    assert done.stage.rising == ()
