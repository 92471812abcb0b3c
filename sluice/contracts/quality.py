"""Rules from ``quality`` entries: library metrics and SQL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from sluice.contracts import rules
from sluice.contracts.custom import expectation_rules
from sluice.contracts.model import Rule, Severity
from sluice.contracts.odcs import Place, advice, nearest
from sluice.contracts.scope import Scope, severity
from sluice.contracts.sql import for_gx, identifier, literal, query_problem
from sluice.contracts.thresholds import OPERATORS, ZERO, Threshold, thresholds
from sluice.contracts.types import ColumnType

METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
# What ODCS 3.0 wrote under ``rule``.
_OLD_METRICS = {
    "nullCheck": "nullValues", "nullCount": "nullValues", "missingCount": "missingValues",
    "validValues": "invalidValues", "invalidCount": "invalidValues", "duplicateCount": "duplicateValues",
    "duplicatePercent": "duplicateValues", "uniqueCheck": "duplicateValues", "countCheck": "rowCount",
}  # fmt: skip
_NAMES = {
    "nullValues": "required", "missingValues": "missing", "invalidValues": "invalid",
    "duplicateValues": "duplicate", "rowCount": "row_count",
}  # fmt: skip
_KEYS = {
    "id", "name", "description", "type", "metric", "rule", "arguments", "unit", "severity", "query", "engine",
    "implementation", "dimension", *OPERATORS,
}  # fmt: skip
_TYPES = ("library", "sql", "custom", "text")
_PLACEHOLDER = re.compile(r"\$?\{\s*(\w+)\s*\}")
_TABLE_WORDS, _COLUMN_WORDS = {"table", "object", "model", "schema"}, {"property", "column", "field"}
_ROWS = "sluice_rows"
_ADD = f"add mustBe: 0 or one of {', '.join(OPERATORS[1:])}"


def quality_rules(owner: Place, scope: Scope, prop: str = "") -> Iterator[Rule]:
    """The rules of ``owner.quality``; ``prop`` names the property that owns them, '' for the whole table."""
    for place in owner.entries("quality"):
        meant = place.expect_keys(_KEYS)
        kind = place.string("type") or (
            "sql" if place.get("query") else "custom" if place.get("engine") else "library"
        )
        entry = Entry(place, scope, prop, bool(meant))
        if kind == "library":
            yield from entry.library()
        elif kind == "sql":
            yield from entry.sql()
        elif kind == "custom":
            yield from expectation_rules(place, scope, prop)
        elif kind != "text":
            place.wrong(f"quality type '{kind}' is not known; {advice(kind, _TYPES)}", "type")


@dataclass(frozen=True, slots=True)
class Entry:
    """One quality entry of the contract."""

    place: Place
    scope: Scope
    prop: str
    misspelled: bool

    @property
    def column(self) -> str:
        """The table's column for the owning property; '' for a rule of the whole table."""
        return self.scope.columns[self.prop][0] if self.prop else ""

    @property
    def _has_no_limit(self) -> bool:
        return not self.misspelled and not any(key in self.place.children for key in OPERATORS)

    def _name(self, otherwise: str) -> str:
        return self.place.string("name") or self.place.string("id") or otherwise

    def _message(self, otherwise: str) -> str:
        return " ".join(self.place.string("description").split()) or otherwise

    def library(self) -> Iterator[Rule]:
        """The rules of a library metric."""
        metric = self._metric()
        limits = thresholds(self.place) if metric else []
        if metric and not limits and self.place.get("rule") and metric != "rowCount":
            limits = [ZERO]
        if metric and not limits and self._has_no_limit:
            if self.place.get("rule"):
                self.scope.note(self.place, f"rule '{metric}' states no limit, so it is not run")
            else:
                self.place.wrong(f"metric {metric} has no limit to compare with; {_ADD}")
        for limit in limits:
            yield from self._limited(metric, limit)

    def _metric(self) -> str:
        written, old = self.place.string("metric"), self.place.string("rule")
        metric = written or _OLD_METRICS.get(old, old)
        if metric in METRICS:
            return metric
        if written or not old:
            key = "metric" if written else "type"
            self.place.wrong(f"metric '{metric}' is not known; {advice(metric, METRICS)}", key)
        elif nearest(old, METRICS, 0.85):
            self.place.wrong(f"rule '{old}' is not known; write metric: {nearest(old, METRICS)}", "rule")
        else:
            self.scope.note(
                self.place, f"library rule '{old}' is not one of the standard's metrics, so it is not run"
            )
        return ""

    def _limited(self, metric: str, limit: Threshold) -> Iterator[Rule]:
        percent = self.place.string("unit").lower() in ("percent", "%", "percentage")
        name, level = self._name(self._reason(metric)), severity(self.place)
        if metric == "rowCount":
            yield from self._value_rule(name, "count(*)", limit, f"The number of rows must {limit.sentence}.")
            return
        if metric == "duplicateValues":
            columns = self._key_columns()
            if columns and limit.only_zero(percent):
                yield replace(
                    rules.key_rule(columns, name, level),
                    message=self._message(f"{', '.join(columns)} must be unique."),
                )
            elif columns:
                yield from self._counted(
                    name, _surplus(columns), limit, percent, f"duplicates in {', '.join(columns)}"
                )
            return
        found = self._failing(metric, name, level)
        if found and limit.only_zero(percent):
            yield replace(found, name=name, message=self._message(found.message))
        elif found:
            count = f"count(*) FILTER (WHERE {found.failing_rows})"
            words = {"nullValues": "empty", "missingValues": "missing"}.get(metric, "invalid")
            yield from self._counted(name, count, limit, percent, f"{words} values of {self.column}")

    def _reason(self, metric: str) -> str:
        """The short word for rows that fail: an invalid value fails a list, a pattern, or either of both."""
        arguments = self.place.get("arguments") or self.place
        listed, pattern = arguments.get("validValues"), arguments.get("pattern") or self.place.get("pattern")
        if metric == "invalidValues" and bool(listed) != bool(pattern):
            return "enum" if listed else "pattern"
        return _NAMES[metric]

    def _key_columns(self) -> tuple[str, ...]:
        arguments = self.place.get("arguments")
        named = arguments.scalars("properties") if arguments else []
        if not named and not self.prop:
            self.place.wrong("duplicateValues of a whole table needs arguments: {properties: [a, b]}")
        columns = tuple(self.scope.column(item.text, item) for item in named)
        return columns if all(columns) and columns else (self.column,) if self.prop and not named else ()

    def _failing(self, metric: str, name: str, level: Severity) -> Rule | None:
        if not self.prop:
            self.place.wrong(f"metric {metric} judges one property; move it under that property's quality")
            return None
        column, kind = self.scope.columns[self.prop]
        if metric == "nullValues":
            return rules.not_null(column, name, level)
        arguments = self.place.get("arguments") or self.place
        if metric == "missingValues":
            return _missing(column, arguments.scalars("missingValues"), arguments, name, level)
        values, pattern = (
            arguments.scalars("validValues"),
            arguments.get("pattern") or self.place.get("pattern"),
        )
        if not values and not pattern:
            self.place.wrong(
                "invalidValues needs arguments: {validValues: [a, b]} or arguments: {pattern: '^x'}"
            )
            return None
        return _invalid(column, kind, values, pattern, name, level)

    def _counted(self, name: str, count: str, limit: Threshold, percent: bool, what: str) -> Iterator[Rule]:
        value = f"coalesce(100.0 * {count} / nullif(count(*), 0), 0)" if percent else count
        unit = "percentage" if percent else "number"
        yield from self._value_rule(name, value, limit, f"The {unit} of {what} must {limit.sentence}.")

    def _value_rule(self, name: str, value: str, limit: Threshold, message: str) -> Iterator[Rule]:
        """A rule on one number about all rows."""
        good = limit.sql("value")
        measured = f"(SELECT {value} AS value FROM {_ROWS}) AS measured"  # noqa: S608
        query = for_gx(f"SELECT * FROM {measured} WHERE ({good}) IS NOT TRUE", _ROWS)  # noqa: S608
        message = self._message(message)
        expectation, kwargs = _row_count(limit) if value == "count(*)" else ("", {})
        if not expectation:
            expectation, kwargs = "UnexpectedRowsExpectation", {"unexpected_rows_query": query}
        yield Rule(name, expectation, kwargs, "table", severity(self.place), self.column, "", message)

    def sql(self) -> Iterator[Rule]:
        """A query over the stage whose one value is compared."""
        query, limits = self.place.string("query").rstrip("; \n"), thresholds(self.place)
        if not query:
            self.place.wrong("a quality rule of type sql needs query: SELECT ...")
        elif not limits and self._has_no_limit:
            self.place.wrong(f"this sql rule has nothing to compare with; {_ADD}")
        elif limits and self._runs(query):
            for limit in limits:
                checked = f"{self._over_rows(query)} WHERE ({limit.sql('value')}) IS NOT TRUE"
                message = self._message(f"The result of the query must {limit.sentence}.")
                kwargs = {"unexpected_rows_query": for_gx(checked, _ROWS)}
                yield Rule(
                    self._name("sql"), "UnexpectedRowsExpectation", kwargs, "table", severity(self.place),
                    self.column, "", message,
                )  # fmt: skip

    def _over_rows(self, query: str) -> str:
        """The query with its placeholders filled; the dataset's own names are the stage's rows."""

        def fill(match: re.Match[str]) -> str:
            if match[1] in _TABLE_WORDS:
                return identifier(self.scope.names[0])
            if match[1] in _COLUMN_WORDS and self.column:
                return identifier(self.column)
            return identifier(self.scope.columns[match[1]][0]) if match[1] in self.scope.columns else match[0]

        tables = ", ".join(f"{identifier(name)} AS (SELECT * FROM {_ROWS})" for name in self.scope.names)  # noqa: S608
        filled = _PLACEHOLDER.sub(fill, query)
        return f"WITH {tables} SELECT * FROM ({filled}) AS measured(value)"  # noqa: S608

    def _runs(self, query: str) -> bool:
        columns = {name: kind.duckdb for name, kind in self.scope.columns.values()}
        columns |= {
            "_extra": "VARCHAR",
            "organization_id": "INTEGER",
            "_load_id": "BIGINT",
            "_record_no": "BIGINT",
        }
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns.items())
        error = query_problem(self._over_rows(query).replace(f"FROM {_ROWS}", f"FROM (SELECT {empty})"))
        if error is None:
            return True
        why = re.sub(r"\s+", " ", str(error).partition("LINE ")[0]).strip()
        variables = "${" in self._over_rows(query)
        if self.scope.foreign_sql or variables or isinstance(error, duckdb.CatalogException):
            self.scope.note(self.place, f"the sql rule is kept but not run: {why}")
        else:
            self.place.wrong(
                f"the query does not run: {why}; write DuckDB SQL over ${{table}} that gives one value",
                "query",
            )
        return False


def _missing(column: str, values: list[Place], place: Place, name: str, level: Severity) -> Rule:
    """Rows whose value is spelled as a missing one; without a list, the empty ones."""
    listed = place.get("missingValues") is not None
    words = [item.text for item in values if item.value is not None]
    tests = [f"{identifier(column)} IS NULL"] if not listed or len(words) < len(values) else []
    if words:
        tests.append(f"CAST({identifier(column)} AS VARCHAR) IN ({', '.join(map(literal, words))})")
    return rules.row_rule(name, column, " OR ".join(tests), f"{column} must not be missing.", level)


def _invalid(
    column: str, kind: ColumnType, values: list[Place], pattern: Place | None, name: str, level: Severity
) -> Rule | None:
    in_set = rules.one_of(column, kind, values, name, level) if values else None
    like = rules.matches(column, pattern.text, pattern, name, level) if pattern else None
    if in_set and like:
        condition = f"({in_set.failing_rows}) OR ({like.failing_rows})"
        return rules.row_rule(name, column, condition, in_set.message, level)
    return in_set or like


def _surplus(columns: tuple[str, ...]) -> str:
    """How many rows repeat an earlier row's key, as SQL; a row with an empty key column is not compared."""
    names = [identifier(column) for column in columns]
    key = (
        names[0]
        if len(names) == 1
        else f"CASE WHEN {' AND '.join(f'{n} IS NOT NULL' for n in names)} THEN ({', '.join(names)}) END"
    )
    return f"(count({key}) - count(DISTINCT {key}))"


def _row_count(limit: Threshold) -> tuple[str, dict[str, Any]]:
    """The plain expectation for a row count, where there is one."""
    if not all(isinstance(v, int) for v in limit.values) or limit.sign in ("<>", "NOT BETWEEN"):
        return "", {}
    low = {"=": 0, ">=": 0, "BETWEEN": 0, ">": 1}.get(limit.sign)
    high = {"=": 0, "<=": 0, "BETWEEN": 0, "<": -1}.get(limit.sign)
    kwargs = {}
    if low is not None:
        kwargs["min_value"] = limit.values[0] + low
    if high is not None:
        kwargs["max_value"] = limit.values[-1] + high
    return "ExpectTableRowCountToBeBetween", kwargs
