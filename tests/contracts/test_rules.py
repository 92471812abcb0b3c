# ruff: noqa: E501 (a case a line reads as a table)
"""Each constraint becomes a rule that marks the right rows in DuckDB."""

from datetime import date
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from contract_cases import compiled, error_of, failing, rule, table_rule_fails
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from sluice.contracts.sql import failing_rows_query, identifier, literal, pattern_problem

ROW_RULES: list[tuple[str, str, list[Any], list[Any]]] = [
    ("required: true", "required", [None, "x"], [None]),
    ("logicalType: integer\nlogicalTypeOptions: {minimum: 3}", "minimum", [2, 3, None], [2]),
    ("logicalType: integer\nlogicalTypeOptions: {exclusiveMinimum: 3}", "minimum", [2, 3, 4], [2, 3]),
    ("logicalType: number\nlogicalTypeOptions: {maximum: 0.5}", "maximum", [0.5, 0.6, -1], [0.6]),
    ("logicalType: number\nlogicalTypeOptions: {exclusiveMaximum: 0.5}", "maximum", [0.5, 0.4], [0.5]),
    ("physicalType: numeric(12,2)\nlogicalType: number\nlogicalTypeOptions: {maximum: 9.99}", "maximum", ["9.99", "10"], ["10"]),
    ("logicalType: integer\nlogicalTypeOptions: {format: u16}", "minimum", [-1, 0], [-1]),
    ("logicalType: integer\nlogicalTypeOptions: {multipleOf: 5}", "multiple_of", [10, -5, 0, 7], [7]),
    ("logicalType: number\nlogicalTypeOptions: {multipleOf: 0.01}", "multiple_of", [0.07, 1.1, 2.345], [2.345]),
    ("logicalType: date\nlogicalTypeOptions: {minimum: 2020-01-01}", "minimum", ["2019-12-31", "2020-01-01"], ["2019-12-31"]),
    ("logicalType: date\nlogicalTypeOptions: {maximum: '31.12.2020', format: dd.MM.yyyy}", "maximum", ["2020-12-31", "2021-01-01"], ["2021-01-01"]),
    ("logicalType: timestamp\nlogicalTypeOptions: {exclusiveMaximum: '2020-01-01 12:00:00'}", "maximum", ["2020-01-01 12:00:00", "2020-01-01 11:59:59"], ["2020-01-01 12:00:00"]),
    ("logicalType: timestamp\nlogicalTypeOptions: {minimum: '2020-01-01T00:00:00Z', timezone: true}", "minimum", ["2019-12-31 23:59:59+00", "2020-01-01 00:00:00+00"], ["2019-12-31 23:59:59+00"]),
    ("logicalType: time\nlogicalTypeOptions: {maximum: '17:30'}", "maximum", ["17:30:00", "17:30:01"], ["17:30:01"]),
    ("logicalType: string\nlogicalTypeOptions: {minLength: 2}", "too_short", ["é", "éé", None], ["é"]),
    ("logicalType: string\nlogicalTypeOptions: {maxLength: 2}", "too_long", ["ééé", "éé"], ["ééé"]),
    ("logicalType: string\nphysicalType: varchar(3)\nlogicalTypeOptions: {maxLength: 9}", "too_long", ["abcd", "abc"], ["abcd"]),
    ("logicalType: string\nlogicalTypeOptions: {pattern: '^\\d{2}:(?:x)$'}", "pattern", ["12:x", "1:x"], ["1:x"]),
    ("logicalType: string\nlogicalTypeOptions: {pattern: \"it's\"}", "pattern", ["so it's", "its"], ["its"]),
    ("logicalType: string\nlogicalTypeOptions: {enum: [NO, DE, 'it''s']}", "enum", ["NO", "de", "it's", None], ["de"]),
    ("logicalType: integer\nlogicalTypeOptions: {enum: [1, 2]}", "enum", [1, 3], [3]),
    ("logicalType: date\nenum: [{value: '2024-01-01', label: new year}]", "enum", ["2024-01-01", "2024-01-02"], ["2024-01-02"]),
    ("logicalType: string\ncustomProperties: [{property: sluice.enum, value: [a, b]}]", "enum", ["a", "c"], ["c"]),
    ("logicalType: string\nlogicalTypeOptions: {format: email}", "format", ["a@b.co", "a@b", "a b@c.d"], ["a@b", "a b@c.d"]),
    ("logicalType: string\nlogicalTypeOptions: {format: uri}", "format", ["https://x.y/z", "mailto:a@b", "x.y"], ["x.y"]),
    ("logicalType: string\nlogicalTypeOptions: {format: ipv4}", "format", ["127.0.0.1", "256.1.1.1", "1.2.3"], ["256.1.1.1", "1.2.3"]),
    ("logicalType: string\nlogicalTypeOptions: {format: ipv6}", "format", ["::1", "fe80::1", "1.2.3.4"], ["1.2.3.4"]),
    ("logicalType: string\nlogicalTypeOptions: {format: hostname}", "format", ["a.example.org", "-a", "a_b"], ["-a", "a_b"]),
    ("logicalType: string\nphysicalType: uuid", "format", ["6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f96"], ["6f96"]),
    ("logicalType: object", "format", ['{"a": 1}', "[1]", "{a}", None], ["{a}"]),
    ("quality: [{metric: nullValues, mustBe: 0, name: filled}]", "filled", [None, "x"], [None]),
    ("quality: [{metric: nullValues, mustBeLessThan: 1}]", "required", [None, "x"], [None]),
    ("quality: [{metric: nullValues, mustBeLessOrEqualTo: 0, unit: percent}]", "required", [None, "x"], [None]),
    ("quality: [{rule: nullCheck}]", "required", [None, "x"], [None]),
    ("quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: [null, '', N/A]}}]", "missing", [None, "", "N/A", "NA"], [None, "", "N/A"]),
    ("quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: [N/A]}}]", "missing", [None, "N/A"], ["N/A"]),
    ("quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [a, b]}}]", "enum", ["a", "c", None], ["c"]),
    ("quality: [{metric: invalidValues, mustBe: 0, arguments: {pattern: '^[a-z]{2}$'}}]", "pattern", ["ab", "a"], ["a"]),
    ("quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [ab, x], pattern: '^..$'}}]", "invalid", ["ab", "x", "cd"], ["x", "cd"]),
    ("quality:\n- rule: validValues\n  mustBe: 0\n  validValues: [a]", "enum", ["a", "c"], ["c"]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "name", "values", "bad"), ROW_RULES)
def test_a_row_rule_marks_the_failing_rows_and_no_others(one_column, lines, name, values, bad):
    contract = one_column(lines)
    assert rule(contract, name).kind == "row"
    assert failing(contract, name, values) == bad


TABLE_RULES: list[tuple[str, str, list[Any], bool]] = [
    ("metric: nullValues, mustBeLessOrEqualTo: 50, unit: percent", "required", [None, "x"], False),
    ("metric: nullValues, mustBeLessThan: 50, unit: percent", "required", [None, "x"], True),
    ("metric: nullValues, mustBeLessThan: 50, unit: percent", "required", [], False),
    ("metric: nullValues, mustBeGreaterThan: 0", "required", ["x"], True),
    ("metric: invalidValues, mustBeBetween: [1, 2], arguments: {validValues: [a]}", "enum", ["b", "b"], False),
    ("metric: invalidValues, mustBeBetween: [1, 2], arguments: {validValues: [a]}", "enum", ["a"], True),
    ("metric: invalidValues, mustNotBeBetween: [1, 2], arguments: {validValues: [a]}", "enum", ["b"], True),
    ("metric: duplicateValues, mustBeLessThan: 2", "duplicate", ["a", "a", "b", None, None], False),
    ("metric: duplicateValues, mustBeLessThan: 2", "duplicate", ["a", "a", "a"], True),
    ("type: sql, query: 'SELECT count(*) FROM ${table} WHERE ${property} = ''x''', mustBe: 1", "sql", ["x", "y"], False),
    ("type: sql, query: 'SELECT count(*) FROM {object} WHERE {property} = ''x''', mustNotBe: 1", "sql", ["x"], True),
    ("type: sql, query: 'SELECT count(*) > 1 FROM t', mustBe: true", "sql", ["x"], True),
    ("type: sql, query: 'SELECT max(c::INTEGER) FROM t;', mustBeGreaterThan: 1", "sql", [], True),
    ("type: sql, query: \"SELECT count(*) FILTER (WHERE regexp_matches(c, '^x{2}(?:y)')) FROM t\", mustBe: 1", "sql", ["xxy"], False),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "name", "values", "fails"), TABLE_RULES)
def test_a_threshold_judges_the_whole_table(one_column, entry, name, values, fails):
    contract = (
        one_column(f"quality:\n- {{{entry}}}")
        if "FILTER" not in entry
        else one_column(f"quality: [{{{entry}}}]")
    )
    assert rule(contract, name).kind == "table"
    assert table_rule_fails(contract, name, values) is fails


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("mustBe: 5", {"min_value": 5, "max_value": 5}),
        ("mustBeGreaterThan: 5", {"min_value": 6}),
        ("mustBeGreaterOrEqualTo: 5", {"min_value": 5}),
        ("mustBeLessThan: 5", {"max_value": 4}),
        ("mustBeLessOrEqualTo: 5", {"max_value": 5}),
        ("mustBeBetween: [1, 5]", {"min_value": 1, "max_value": 5}),
    ],
)
def test_a_row_count_is_the_plain_expectation(limit, expected):
    contract = compiled(f"schema:\n- name: t\n  quality: [{{metric: rowCount, {limit}}}]\n")[0]
    found = rule(contract, "row_count")
    assert (found.expectation, found.kwargs) == ("ExpectTableRowCountToBeBetween", expected)


def test_what_great_expectations_can_say_itself_is_a_plain_expectation(one_column):
    lines = "logicalType: integer\nrequired: true\nlogicalTypeOptions: {exclusiveMinimum: 1, maximum: 9, enum: [2, 3]}"
    rules = {r.name: (r.expectation, r.kwargs) for r in one_column(lines).rules}
    assert rules == {
        "required": ("ExpectColumnValuesToNotBeNull", {"column": "c"}),
        "minimum": ("ExpectColumnValuesToBeBetween", {"column": "c", "min_value": 1, "strict_min": True}),
        "maximum": ("ExpectColumnValuesToBeBetween", {"column": "c", "max_value": 9}),
        "enum": ("ExpectColumnValuesToBeInSet", {"column": "c", "value_set": [2, 3]}),
    }


def test_keys_are_rules_of_their_own_and_stand_once():
    contract = compiled("""
        schema:
        - name: t
          customProperties: [{property: sluice.matchKeys, value: [[a], [b, c], d]}]
          quality:
          - {metric: duplicateValues, mustBe: 0, arguments: {properties: [b, c]}}
          - {metric: duplicateValues, mustBe: 0, arguments: {properties: [a, c]}, name: pair, severity: warning}
          properties:
          - {name: a, primaryKey: true, unique: true}
          - {name: b}
          - {name: c}
          - {name: d, unique: true, quality: [{metric: duplicateValues, mustBe: 0}]}
        """)[0]
    keys = [
        (r.name, r.kwargs.get("column") or tuple(r.kwargs["column_list"]), r.severity)
        for r in contract.rules
        if r.kind == "key"
    ]
    assert keys == [
        ("duplicate", "a", "critical"),
        ("duplicate", ("b", "c"), "critical"),
        ("duplicate", "d", "critical"),
        ("pair", ("a", "c"), "warning"),
    ]
    assert contract.match_keys == (("a",), ("b", "c"), ("d",))
    assert contract.primary_key == ("a",)


def test_match_keys_default_to_the_primary_key_then_to_the_unique_columns():
    both = "schema:\n- name: t\n  properties:\n  - {name: a, unique: true}\n  - {name: b, unique: true}\n"
    assert compiled(both)[0].match_keys == (("a",), ("b",))
    keyed = (
        both
        + "  - {name: k2, primaryKey: true, primaryKeyPosition: 2}\n  - {name: k1, primaryKey: true, primaryKeyPosition: 1}\n"
    )
    assert compiled(keyed)[0].match_keys == (("k1", "k2"),)
    assert compiled("schema:\n- name: t\n  properties: [{name: a}]\n")[0].match_keys == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", "critical"),
        ("error", "critical"),
        ("info", "warning"),
        ("Warning", "warning"),
        ("high", "critical"),
    ],
)
def test_severity_is_critical_unless_it_is_mild(one_column, written, meant):
    assert (
        one_column(f"quality:\n- {{metric: nullValues, mustBe: 0, severity: '{written}'}}").rules[0].severity
        == meant
    )


def test_rules_of_one_contract_have_ids_of_their_own(one_column):
    lines = "logicalType: integer\nlogicalTypeOptions: {minimum: 1, exclusiveMinimum: 0}\nquality: [{metric: nullValues, mustBe: 0}]\nrequired: true"
    assert [r.id for r in one_column(lines).rules] == ["c.required", "c.minimum", "c.minimum_2"]


def test_a_great_expectations_rule_runs_as_it_is(one_column):
    contract = one_column("""
        quality:
        - type: custom
          engine: greatExpectations
          implementation: |
            type: expect_column_values_to_be_in_set
            kwargs: {value_set: [a, b]}
        - type: custom
          engine: great-expectations
          severity: warning
          implementation: {type: expect_table_row_count_to_be_between, kwargs: {minValue: 1}}
        - {type: custom, engine: soda, implementation: "anything: at all"}
        - {type: text, description: Checked by people.}
        """)
    first, second = contract.rules
    assert (first.expectation, first.kind) == ("ExpectColumnValuesToBeInSet", "row")
    assert first.kwargs == {"column": "c", "value_set": ["a", "b"]}
    assert (second.expectation, second.kwargs) == ("ExpectTableRowCountToBeBetween", {"min_value": 1})
    assert (second.kind, second.severity) == ("table", "warning")
    assert any("soda" in note for note in contract.notes)


def test_sql_in_another_servers_dialect_is_kept_and_noted():
    body = """
        servers: [{server: p, type: snowflake}]
        schema:
        - name: t
          properties: [{name: c}]
          quality: [{type: sql, query: 'SELECT COUNT_IF(c LIKE ANY (1)) FROM ${table} SAMPLE ROW', mustBe: 0}]
        """
    contract = compiled(body)[0]
    assert contract.rules == ()
    assert "not run" in contract.notes[0]
    assert "does not run" in error_of(body.replace("snowflake", "duckdb")).message


def test_sql_with_a_variable_of_another_tool_is_noted(one_column):
    query = "SELECT count(*) FROM ${TARGET_TABLE} WHERE c > ${CUTOFF:-1}"
    contract = one_column(f"quality: [{{type: sql, query: '{query}', mustBe: 0}}]")
    assert (contract.rules, len(contract.notes)) == ((), 1)


def test_sql_over_another_table_is_noted():
    contract = compiled("""
        schema:
        - name: t
          properties: [{name: c}]
          quality: [{type: sql, query: 'SELECT count(*) FROM t JOIN other USING (c)', mustBe: 0}]
        """)[0]
    assert "other" in contract.notes[0]


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(min_size=1, max_size=12).filter(lambda s: "\x00" not in s and s.isprintable()),
    value=st.text(max_size=12).filter(lambda s: "\x00" not in s),
)
def test_any_name_and_value_survives_quoting(name, value):
    query = f"SELECT {literal(value)} AS {identifier(name)}"
    cursor = duckdb.connect().execute(query)
    assert cursor.description[0][0] == name
    assert cursor.fetchone() == (value,)


@settings(max_examples=40, deadline=None)
@given(low=st.integers(-1000, 1000), values=st.lists(st.integers(-2000, 2000), max_size=20))
def test_bounds_agree_with_python_on_any_numbers(low, values):
    body = f"schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: integer\n    logicalTypeOptions: {{minimum: {low}}}\n"
    assert failing(compiled(body)[0], "minimum", values) == [v for v in values if v < low]


@settings(max_examples=40, deadline=None)
@given(day=st.dates(), low=st.dates())
def test_date_bounds_agree_with_python(day: date, low: date):
    body = f"schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: date\n    logicalTypeOptions: {{exclusiveMinimum: '{low}'}}\n"
    assert bool(failing(compiled(body)[0], "minimum", [day])) is (day <= low)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab(){}:\\?^$'[]|0,1", max_size=8))
@example(":0:")
@example(":ab:")
@example("\\\\:")
@example("\\\\:a")
@example("a::b")
def test_a_pattern_is_refused_or_runs_through_great_expectations_text(pattern):
    if pattern_problem(pattern):
        return
    query = failing_rows_query(f"NOT regexp_matches(c, {literal(pattern)})").format(batch="t")
    executed = str(sa.text(query).compile(dialect=sqlite.dialect()))
    assert executed == f"SELECT * FROM t WHERE NOT regexp_matches(c, {literal(pattern)})"
