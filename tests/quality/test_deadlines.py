"""An audit ends with its step's time, whichever query it is at."""

import time

import pytest

from sluice.contracts.model import Rule
from sluice.deadline import deadline
from sluice.errors import RetryError
from sluice.quality import warm_up
from tests.quality.conftest import contract_of, required, unique

ROWS = "SELECT range AS id, range::VARCHAR AS name, 1 AS amount FROM range(50_000)"
HEAVY = "(SELECT count(*) FROM stage a, stage b WHERE hash(a.id + b.id + stage.id) % 7 = 3) = 0"


def heavy(number: int) -> Rule:
    query = f"SELECT * FROM {{batch}} AS t{number}, stage a, stage b WHERE hash(a.id + b.id + t{number}.id) % 7 = 3"
    return Rule(
        f"heavy{number}", "UnexpectedRowsExpectation", {"unexpected_rows_query": query}, "table"
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 12])
def test_rules_that_take_too_long_are_interrupted(judge_rows, count):
    warm_up()
    began = time.monotonic()
    with pytest.raises(RetryError, match="'check quality' was stopped"), deadline("check quality", 1):
        judge_rows(contract_of(required("id"), *map(heavy, range(count)), unique("id")), ROWS)
    assert 1 <= time.monotonic() - began < 5


def test_the_query_that_collects_the_rejects_is_interrupted(judge_rows):
    warm_up()
    rule = Rule(
        "slow", "ExpectColumnValuesToNotBeNull", {"column": "code"}, column="code", failing_rows=HEAVY
    )  # fmt: skip
    began = time.monotonic()
    with pytest.raises(RetryError, match="'check quality' was stopped"), deadline("check quality", 1.5):
        judge_rows(contract_of(rule), ROWS)
    assert 1.5 <= time.monotonic() - began < 5


def test_an_audit_that_is_done_in_time_notices_nothing(judge_rows):
    with deadline("check quality", 100):
        verdict = judge_rows(contract_of(required("id"), unique("id")), ROWS)
    assert verdict.rejected == 0
