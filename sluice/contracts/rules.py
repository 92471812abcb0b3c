"""Rules from a column's constraints: required, bounds, lengths, pattern, enum, format and keys."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sluice.contracts.model import Rule, Severity
from sluice.contracts.odcs import Place, advice
from sluice.contracts.sql import failing_rows_query, identifier, literal, pattern_problem
from sluice.contracts.types import ColumnType, strptime_formats

_BOUNDS = {
    "minimum": ("min_value", False, "<", "at least"),
    "exclusiveMinimum": ("min_value", True, "<=", "more than"),
    "maximum": ("max_value", False, ">", "at most"),
    "exclusiveMaximum": ("max_value", True, ">=", "less than"),
}
_LENGTHS = ("minLength", "maxLength")
_TEXT_OPTIONS = {*_LENGTHS, "pattern", "format", "enum"}
_NUMBER_OPTIONS = {*_BOUNDS, "multipleOf", "format", "enum"}
_TIME_OPTIONS = {*_BOUNDS, "format", "timezone", "defaultTimezone", "enum"}
OPTIONS = {
    "string": _TEXT_OPTIONS,
    "integer": _NUMBER_OPTIONS,
    "number": _NUMBER_OPTIONS,
    "boolean": {"enum"},
    "date": _TIME_OPTIONS,
    "timestamp": _TIME_OPTIONS,
    "time": _TIME_OPTIONS,
    "object": {"minProperties", "maxProperties", "required"},
    "array": {"minItems", "maxItems", "uniqueItems"},
}

_UUID = r"^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
TEXT_FORMATS = {
    "email": r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$",
    "url": r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+[^\s]*$",
    "uuid": _UUID,
    "hostname": rf"^({_LABEL}\.)*{_LABEL}\.?$",
    "ipv4": rf"^({_OCTET}\.){{3}}{_OCTET}$",
    "ipv6": r"^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$",
    "date": r"^\d{4}-\d\d-\d\d$",
    "date-time": r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$",
}


def row_rule(
    name: str,
    column: str,
    condition: str,
    message: str,
    severity: Severity = "critical",
    plain: tuple[str, dict[str, Any]] | None = None,
) -> Rule:
    """A rule whose failing rows are those for which ``condition`` is true.

    ``plain`` is the expectation that says the same, and its arguments beside ``column``; without one Great
    Expectations runs the condition itself.
    """
    if plain:
        kwargs: dict[str, Any] = {"column": column, **plain[1]}
        return Rule(name, plain[0], kwargs, "row", severity, column, condition, message)
    kwargs = {"unexpected_rows_query": failing_rows_query(condition)}
    return Rule(name, "UnexpectedRowsExpectation", kwargs, "row", severity, column, condition, message)


def not_null(column: str, name: str = "required", severity: Severity = "critical", message: str = "") -> Rule:
    """No row may leave the column empty."""
    message = message or f"{column} must not be empty."
    plain: tuple[str, dict[str, Any]] = ("ExpectColumnValuesToNotBeNull", {})
    return row_rule(name, column, f"{identifier(column)} IS NULL", message, severity, plain)


def key_rule(columns: tuple[str, ...], name: str = "duplicate", severity: Severity = "critical") -> Rule:
    """No two rows may have the same values in these columns; a row where one is empty is not compared."""
    message = f"{', '.join(columns)} must be unique."
    if len(columns) == 1:
        kwargs: dict[str, Any] = {"column": columns[0]}
        return Rule(name, "ExpectColumnValuesToBeUnique", kwargs, "key", severity, columns[0], "", message)
    kwargs = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
    return Rule(name, "ExpectCompoundColumnsToBeUnique", kwargs, "key", severity, "", "", message)


def one_of(
    column: str, kind: ColumnType, values: list[Place], name: str = "enum", severity: Severity = "critical"
) -> Rule | None:
    """The column holds one of the values, read as the column's type; None if one is wrong (reported)."""
    allowed = [_typed(place, kind) for place in values if place.value is not None]
    if any(value is None for value in allowed):
        return None
    shown = ", ".join(place.text for place in values if place.value is not None)
    condition = f"{identifier(column)} NOT IN ({', '.join(_sql(v, kind) for v in allowed) or 'NULL'})"
    message = f"{column} must be one of {shown}."
    plain = None if kind.is_temporal else ("ExpectColumnValuesToBeInSet", {"value_set": allowed})
    return row_rule(name, column, condition, message, severity, plain)


def matches(
    column: str, pattern: str, place: Place, name: str = "pattern", severity: Severity = "critical"
) -> Rule | None:
    """The column's text contains a match of the pattern; None where DuckDB can't run it (reported)."""
    pattern = _re2(pattern)
    why = pattern_problem(pattern)
    if why:
        place.wrong(
            f"pattern '{pattern}' can't be run: {why}; write it without lookaround, backreferences or"
            " possessive quantifiers (RE2 syntax), or write a quality rule of type sql"
        )
        return None
    return row_rule(
        name, column, f"NOT regexp_matches({_text(column)}, {literal(pattern)})",
        f"{column} must match the pattern {pattern}", severity,
    )  # fmt: skip


def _re2(pattern: str) -> str:
    """ECMA and Java spellings that RE2 writes otherwise."""
    pattern = re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", pattern)
    return re.sub(r"(?<!\\)\(\?<(?![=!])", "(?P<", pattern).replace(r"\Z", r"\z")


def _text(column: str) -> str:
    return f"CAST({identifier(column)} AS VARCHAR)"


@dataclass(frozen=True, slots=True)
class Constraints:
    """The rules that one property's own constraints make."""

    column: str
    kind: ColumnType
    place: Place
    required: bool

    def rules(self) -> Iterator[Rule]:
        """All of them, problems reported on the place."""
        if self.required:
            yield not_null(self.column)
        options = self.place.get("logicalTypeOptions") or Place({}, self.place.line, self.place.problems)
        if not isinstance(options.value, dict):
            options.wrong("logicalTypeOptions must hold key: value lines, as minLength: 3")
            return
        self._check(options)
        if self.kind.is_number or self.kind.is_temporal:
            yield from self._bounds(options)
        if self.kind.is_number:
            yield from self._multiple_of(options)
        if self.kind.is_text:
            yield from self._lengths(options)
            yield from self._patterns(options)
        if self.kind.postgres == "jsonb":
            yield row_rule(
                "format",
                self.column,
                f"NOT json_valid({identifier(self.column)})",
                f"{self.column} must be JSON.",
            )
        yield from self._enum(options)

    def _check(self, options: Place) -> None:
        everywhere = set().union(*OPTIONS.values())
        mine = OPTIONS.get(self.kind.logical)
        if mine is None:
            return
        options.expect_keys(mine | everywhere)
        for key in set(options.children) & everywhere - mine:
            options.wrong(
                f"'{key}' does not apply to logicalType {self.kind.logical}; {advice(key, sorted(mine))}", key
            )

    def _bounds(self, options: Place) -> Iterator[Rule]:
        if self.kind.is_number and options.string("format").startswith("u"):
            yield self._bound("minimum", 0, "0")
        for key in _BOUNDS:
            place = options.get(key)
            value = place and _typed(place, self.kind, options.string("format"))
            if place and value is not None:
                yield self._bound(key, value, place.text)

    def _bound(self, key: str, value: Any, shown: str) -> Rule:
        argument, strict, operator, words = _BOUNDS[key]
        name = "minimum" if argument == "min_value" else "maximum"
        condition = f"{identifier(self.column)} {operator} {_sql(value, self.kind)}"
        message = f"{self.column} must be {words} {shown}."
        if not self.kind.is_number:
            return row_rule(name, self.column, condition, message)
        kwargs = {argument: value} | ({f"strict_{argument[:3]}": True} if strict else {})
        plain = ("ExpectColumnValuesToBeBetween", kwargs)
        return row_rule(name, self.column, condition, message, plain=plain)

    def _multiple_of(self, options: Place) -> Iterator[Rule]:
        step = options.number("multipleOf")
        if step is None:
            return
        if step <= 0:
            options.wrong(f"multipleOf {step} must be more than 0", "multipleOf")
            return
        share = f"{identifier(self.column)} / {literal(step)}::DOUBLE"
        condition = f"abs({share} - round({share})) > 1e-9 * greatest(1, abs({share}))"
        yield row_rule("multiple_of", self.column, condition, f"{self.column} must be a multiple of {step}.")

    def _lengths(self, options: Place) -> Iterator[Rule]:
        shortest, longest = (options.number(key) for key in _LENGTHS)
        if self.kind.length is not None:
            longest = min(longest if longest is not None else self.kind.length, self.kind.length)
        if shortest:
            yield self._length("too_short", "<", "min_value", int(shortest))
        if longest is not None:
            yield self._length("too_long", ">", "max_value", int(longest))

    def _length(self, name: str, sign: str, argument: str, limit: int) -> Rule:
        words = "at least" if sign == "<" else "at most"
        condition = f"length({identifier(self.column)}) {sign} {limit}"
        message = f"{self.column} must have {words} {limit} characters."
        plain = ("ExpectColumnValueLengthsToBeBetween", {argument: limit})
        return row_rule(name, self.column, condition, message, plain=plain)

    def _patterns(self, options: Place) -> Iterator[Rule]:
        pattern = options.get("pattern")
        if pattern:
            rule = matches(self.column, pattern.text, pattern)
            if rule:
                yield rule
        wanted = "uuid" if self.kind.postgres == "uuid" else options.string("format").lower()
        if wanted in TEXT_FORMATS:
            condition = f"NOT regexp_matches({identifier(self.column)}, {literal(TEXT_FORMATS[wanted])})"
            yield row_rule("format", self.column, condition, f"{self.column} must be a valid {wanted}.")

    def _enum(self, options: Place) -> Iterator[Rule]:
        custom = [
            value
            for item in self.place.entries("customProperties")
            if item.string("property") in ("enum", "sluice.enum")
            for value in item.scalars("value")
        ]
        for values in (_enum_values(self.place), options.scalars("enum"), custom):
            rule = one_of(self.column, self.kind, values) if values else None
            if rule:
                yield rule


def _enum_values(place: Place) -> list[Place]:
    """``enum`` of a property: plain values, or (ODCS 3.2) entries with a ``value``."""
    found = (item.get("value") if isinstance(item.value, dict) else item for item in place.scalars("enum"))
    return [item for item in found if item]


def _typed(place: Place, kind: ColumnType, date_format: str = "") -> Any:
    """The value as the column's type; None (reported) where it is none."""
    if kind.is_temporal:
        return _temporal(place, kind, date_format)
    if kind.is_number:
        return Place({"value": place.value}, place.line, place.problems, "", {"value": place}).number("value")
    if kind.duckdb == "BOOLEAN":
        return Place({"value": place.value}, place.line, place.problems, "", {"value": place}).flag("value")
    return place.text


def _temporal(place: Place, kind: ColumnType, date_format: str) -> str | None:
    """The text of a date, time or timestamp literal, from ISO or from the property's own format."""
    reader = {"DATE": date, "TIME": time}.get(kind.duckdb, datetime)
    for attempt in (place.text, *(strptime_formats(date_format) if _readable(date_format) else ())):
        try:
            if attempt is place.text:
                parsed = (
                    datetime.fromisoformat(attempt) if reader is not time else time.fromisoformat(attempt)
                )
            else:
                parsed = datetime.strptime(place.text, attempt)
        except ValueError:
            continue
        if reader is date and isinstance(parsed, datetime):
            return parsed.date().isoformat()
        if reader is time and isinstance(parsed, datetime):
            return parsed.time().isoformat()
        return parsed.isoformat(" ") if isinstance(parsed, datetime) else parsed.isoformat()
    example = {"DATE": "2025-01-31", "TIME": "08:30:00"}.get(kind.duckdb, "2025-01-31T08:30:00")
    place.wrong(f"'{place.text}' is not a {kind.logical}; write it as {example}, in quotes")
    return None


def _readable(date_format: str) -> bool:
    try:
        return bool(date_format and strptime_formats(date_format))
    except ValueError:
        return False


def _sql(value: Any, kind: ColumnType) -> str:
    return f"CAST({literal(value)} AS {kind.duckdb})" if kind.is_temporal else literal(value)
