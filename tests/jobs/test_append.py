"""Append to a table that has rows: straight from the stage, whatever happens to the table meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluice.contracts.model import Contract
from sluice.warehouse.connection import Warehouse
from tests.jobs.appending import APPENDED, Steps, check, rows, write
from tests.jobs.loading import load


def test_rows_for_a_table_that_has_some_need_no_incoming_table(
    standing: Warehouse, items: Contract, new: Path
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    assert not work.has_incoming()
    check(standing, work.publish(stage))


def empty(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    with warehouse.connect() as connection:
        connection.execute("TRUNCATE data.items")


def replace(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    load(
        warehouse,
        items,
        write(tmp_path / "other.csv", [("2", "two", ""), ("7", "seven", "")]),
        mode="replace",
    )


def fill(warehouse: Warehouse, items: Contract, tmp_path: Path) -> None:
    load(warehouse, items, write(tmp_path / "other.csv", [("3", "mine", ""), ("7", "seven", "")]))


@pytest.mark.parametrize(
    ("meanwhile", "published", "wanted"),
    [
        (empty, 3, [(2, "twice"), (3, "three"), (4, "four")]),
        (replace, 2, [(2, "two"), (3, "three"), (4, "four"), (7, "seven")]),
        (fill, 1, [(1, "one"), (2, "two"), (3, "mine"), (4, "four"), (7, "seven")]),
    ],
)
def test_the_table_may_change_between_reading_and_publishing(
    standing: Warehouse,
    items: Contract,
    tmp_path: Path,
    new: Path,
    meanwhile: Callable[..., None],
    published: int,
    wanted: list[tuple[Any, ...]],
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    meanwhile(standing, items, tmp_path)
    outcome = work.publish(stage)
    assert (outcome.read, outcome.published, outcome.rejected) == (4, published, 4 - published)
    with standing.connect() as connection:
        assert rows(connection) == wanted


def test_a_table_that_was_filled_while_the_first_rows_were_read(
    warehouse: Warehouse, items: Contract, tmp_path: Path, new: Path
) -> None:
    work = Steps.of(warehouse, items)
    stage = work.convert(new)
    assert work.has_incoming()
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    check(warehouse, work.publish(stage))


@pytest.mark.parametrize("key", ["5", "1"])
def test_files_read_before_and_after_the_table_was_filled_are_one_publish(
    warehouse: Warehouse, items: Contract, tmp_path: Path, new: Path, key: str
) -> None:
    work = Steps.of(warehouse, items)
    first = work.convert(write(tmp_path / "first.csv", [(key, "first", "")]), 0)
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    second = work.convert(new, 1)
    assert (work.has_incoming(0), work.has_incoming(1)) == (True, False)
    outcome = work.publish(first, second)
    clashes = 1 if key == "5" else 2
    assert (outcome.read, outcome.published) == (5, 4 - clashes)
    assert outcome.reasons == {"duplicate": clashes, "minimum": 1}
    with warehouse.connect() as connection:
        assert rows(connection) == APPENDED + [(5, "first")] * (key == "5")


def test_an_incoming_table_of_an_earlier_try_is_not_published(
    warehouse: Warehouse, items: Contract, tmp_path: Path, new: Path
) -> None:
    work = Steps.of(warehouse, items)
    work.convert(new)
    assert work.has_incoming()
    load(warehouse, items, write(tmp_path / "standing.csv", [("1", "one", "1"), ("2", "two", "")]))
    again = work.convert(new)
    assert not work.has_incoming()
    check(warehouse, work.publish(again))


def test_a_publish_whose_answer_was_lost_gives_the_same_outcome_again(
    standing: Warehouse, items: Contract, new: Path
) -> None:
    work = Steps.of(standing, items)
    stage = work.convert(new)
    first = work.publish(stage)
    assert work.publish(stage) == first
    check(standing, first)


def test_a_stage_without_rows_publishes_nothing(standing: Warehouse, items: Contract, tmp_path: Path) -> None:
    for bad in ([("x", "a", "1"), ("y", "b", "1")], [("7", "a", "-1"), ("8", "b", "-2")]):
        outcome = load(standing, items, write(tmp_path / "bad.csv", bad))
        assert (outcome.read, outcome.published, outcome.rejected) == (2, 0, 2)
    with standing.connect() as connection:
        assert rows(connection) == APPENDED[:2]
