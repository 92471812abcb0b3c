"""The operators of a quality rule: which values of a metric are good."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sluice.contracts.odcs import Place
from sluice.contracts.sql import literal

_OPERATORS: dict[str, tuple[str, str]] = {
    "mustBe": ("=", "be"),
    "mustNotBe": ("<>", "not be"),
    "mustBeGreaterThan": (">", "be more than"),
    "mustBeGreaterOrEqualTo": (">=", "be at least"),
    "mustBeGreaterThanOrEqualTo": (">=", "be at least"),
    "mustBeLessThan": ("<", "be less than"),
    "mustBeLessOrEqualTo": ("<=", "be at most"),
    "mustBeLessThanOrEqualTo": ("<=", "be at most"),
    "mustBeBetween": ("BETWEEN", "be between"),
    "mustNotBeBetween": ("NOT BETWEEN", "not be between"),
}
OPERATORS = tuple(_OPERATORS)
_TESTS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison (``<= 5``, ``BETWEEN 1 AND 9``) that a number or truth value must pass."""

    sign: str
    words: str
    values: tuple[Any, ...]

    def sql(self, value: str) -> str:
        """The comparison of a SQL expression, as SQL; NULL where the value is NULL."""
        return f"{value} {self.sign} {' AND '.join(map(literal, self.values))}"

    @property
    def sentence(self) -> str:
        """``be at most 5``."""
        return f"{self.words} {' and '.join(map(str, self.values))}"

    def only_zero(self, percent: bool) -> bool:
        """Whether a count of rows (or a percentage) passes if it is zero and not otherwise."""
        least = 1e-12 if percent else 1
        return self.accepts(0) and not any(self.accepts(n) for n in (least, 2, 100, 10**12))

    def accepts(self, number: float) -> bool:
        """Whether this number passes."""
        if isinstance(self.values[0], str):
            return False
        if len(self.values) == 2:
            return bool(self.values[0] <= number <= self.values[1]) == (self.sign == "BETWEEN")
        return bool(_TESTS[self.sign](number, self.values[0]))


ZERO = Threshold("=", "be", (0,))


def thresholds(rule: Place) -> list[Threshold]:
    """The thresholds that a quality rule states, problems reported. All of them hold."""
    return [found for key in OPERATORS if rule.get(key) for found in _read(rule, key)]


def _read(rule: Place, key: str) -> list[Threshold]:
    sign, words = _OPERATORS[key]
    place = rule.children[key]
    if not key.endswith("Between"):
        if key in ("mustBe", "mustNotBe") and isinstance(place.value, bool | str):
            return [Threshold(sign, words, (place.value,))]
        number = rule.number(key)
        return [] if number is None else [Threshold(sign, words, (number,))]
    ends = [item.value for item in place.children.values()]
    if len(ends) != 2 or any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
        place.wrong(f"{key} needs two numbers, the smaller first; write {key}: [1, 10]")
        return []
    if ends[0] > ends[1]:
        place.wrong(f"{key} {ends} has the larger number first; write {key}: [{ends[1]}, {ends[0]}]")
        return []
    return [Threshold(sign, words, tuple(ends))]
