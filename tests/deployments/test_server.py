"""What we change of the Prefect server changes none of its answers."""

from typing import Any

import pytest
from prefect.utilities.schema_tools import validation

from deployments.server import check_schemas_once

GOOD = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
BAD = {"type": "object", "properties": {"name": {"type": 5}}}


class Counting:
    """Stands where Prefect keeps its validator; counts what the real one is asked."""

    def __init__(self) -> None:
        self.real, self.asked = validation._VALIDATOR, 0
        self.FORMAT_CHECKER = self.real.FORMAT_CHECKER

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.real(*given, **named)

    def check_schema(self, *given: Any, **named: Any) -> None:
        self.asked += 1
        self.real.check_schema(*given, **named)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(validation, "_VALIDATOR", made)
    check_schemas_once()
    return made


def test_a_good_schema_is_checked_once(counting: Counting) -> None:
    for _ in range(3):
        validation.is_valid_schema(GOOD, preprocess=False)
    assert counting.asked == 1
    validation.is_valid_schema({**GOOD, "title": "another"}, preprocess=False)
    assert counting.asked == 2


def test_a_bad_schema_is_refused_each_time(counting: Counting) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="Invalid schema"):
            validation.is_valid_schema(BAD, preprocess=False)


def test_values_are_still_checked(counting: Counting) -> None:
    validation.validate({"name": "a"}, GOOD, raise_on_error=True)
    for _ in range(2):
        with pytest.raises(validation.ValidationError):
            validation.validate({"name": 5}, GOOD, raise_on_error=True)
