"""What a contract says of persons: at a column with or without a ceiling, and at a relationship."""

from pathlib import Path

import pytest

from sluice.contracts.registry import load_contract
from sluice.errors import ContractError
from tests.subjects.people import HEAD, ORDERS, SUBJECT, VISITS


def test_a_column_names_the_person_and_a_relationship_leads_to_one(tmp_path: Path) -> None:
    path = tmp_path / "c.odcs.yaml"
    path.write_text(HEAD.format("orders") + ORDERS)
    (orders,) = load_contract(path)
    assert (orders.subject, orders.ceiling, orders.sealed) == ("customer", "", ())
    path.write_text(HEAD.format("visits") + VISITS)
    (visits,) = load_contract(path)
    assert [one.subject for one in visits.relationships] == [True]
    path.write_text(HEAD.format("visits") + VISITS.replace(f", {SUBJECT}", ""))
    assert [one.subject for one in load_contract(path)[0].relationships] == [False]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("sluice.subject, value: maybe", "neither true nor false"),
        ("sluice.subjekt, value: true", "sluice.subject"),
    ],
)
def test_a_mistake_at_a_relationship_is_told(tmp_path: Path, wrong: str, told: str) -> None:
    path = tmp_path / "c.odcs.yaml"
    path.write_text(HEAD.format("visits") + VISITS.replace("sluice.subject, value: true", wrong))
    with pytest.raises(ContractError, match=told):
        load_contract(path)
