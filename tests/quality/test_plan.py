"""What Great Expectations needs for a contract's rules is worked out once, and counts each load's own rows."""

from dataclasses import replace

import pytest

from sluice.errors import ContractError
from sluice.quality import rehearse
from sluice.quality.judge import Judge
from tests.quality.conftest import at_least, contract_of, required, row_count

RULES = (required("name"), at_least("amount", 10), row_count(2))


def counts(verdict):
    return [
        (result.id, result.success, result.unexpected_count, result.observed) for result in verdict.results
    ]


def test_loads_by_the_same_rules_share_a_plan_and_nothing_else(judge_rows, monkeypatch):
    rows = [{"id": 1, "name": None, "amount": 5}, {"id": 2, "name": "b", "amount": 20}]
    first = judge_rows(contract_of(*RULES), rows)
    monkeypatch.setattr(Judge, "_needs", None)  # nobody asks again
    assert counts(judge_rows(contract_of(*RULES), rows)) == counts(first)
    good = judge_rows(contract_of(*RULES), rows[1:])
    assert counts(first) == [
        ("name.required", False, 1, None),
        ("amount.minimum", False, 1, None),
        ("row_count", True, None, 2),
    ]
    assert counts(good) == [
        ("name.required", True, 0, None),
        ("amount.minimum", True, 0, None),
        ("row_count", False, None, 1),
    ]


@pytest.mark.parametrize("least", [10, 20, 30])
def test_a_rule_that_differs_has_a_plan_of_its_own(judge_rows, least):
    rows = [{"id": 1, "name": "a", "amount": amount} for amount in (5, 15, 25)]
    found = judge_rows(contract_of(at_least("amount", least)), rows)
    assert found.results[0].unexpected_count == least // 10


def test_a_rule_that_can_not_be_planned_says_so_each_time(judge_rows):
    wrong = replace(required("name"), expectation="ExpectNothing")
    for _ in range(2):
        with pytest.raises(ContractError, match="has no expectation 'ExpectNothing'"):
            judge_rows(contract_of(wrong), [{"id": 1, "name": "a"}])


def test_a_rehearsal_spares_the_first_load_the_planning(judge_rows, monkeypatch):
    rules = (required("code"), at_least("amount", 12))
    rehearse(contract_of(*rules))
    monkeypatch.setattr(Judge, "_needs", None)
    found = judge_rows(contract_of(*rules), [{"id": 1, "code": None, "amount": 12}])
    assert [result.unexpected_count for result in found.results] == [1, 0]


def test_a_rehearsal_says_what_an_audit_would(judge_rows):
    contract = contract_of(required("unknown"))
    with pytest.raises(ContractError) as alone:
        rehearse(contract)
    with pytest.raises(ContractError) as judged:
        judge_rows(contract, [{"id": 1}])
    assert str(alone.value) == str(judged.value)
