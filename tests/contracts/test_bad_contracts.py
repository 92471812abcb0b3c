# ruff: noqa: E501 (a case a line reads as a table)
"""A bad contract says its file, its line and what to write instead."""

from contextlib import suppress

import pytest
from contract_cases import HEAD, error_of
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.contracts.compile import compile_contract
from sluice.contracts.registry import LIBRARY, load_contract
from sluice.errors import ContractError

# Line 6 is the first after the head.
BAD = [
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: strng\n", 10, "did you mean string?"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    requird: true\n", 10, "did you mean required?"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    required: maybe\n", 10, "required: true or required: false"),
    ("schema:\n- name: t\n  properties:\n  - logicalType: string\n", 9, "write name: my_column"),
    ("schema:\n- name: t\n  properties: [{name: a},\n    {name: A}]\n", 9, "a second time"),
    ("schema:\n- description: x\n", 7, "write name: my_dataset"),
    ("schema: {name: t}\n", 6, "begin each of its entries with '- '"),
    ("schema:\n- t\n", 7, "key: value"),
    ("schema:\n- name: t\n  name: u\n", 8, "second time"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalTypeOptions:\n      minLenght: 3\n", 11, "minLength"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: integer\n    logicalTypeOptions:\n      minLength: 3\n", 12, "does not apply"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalTypeOptions:\n      pattern: a(?=b)\n", 11, "without lookaround"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: integer\n    logicalTypeOptions:\n      minimum: low\n", 12, "not a number"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: date\n    logicalTypeOptions:\n      minimum: yesterday\n", 12, "2025-01-31"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    logicalType: date\n    logicalTypeOptions:\n      format: yyyy-QQ\n", 12, "yyyy-MM-dd"),
    ("schema:\n- name: t\n  quality:\n  - metric: rowCont\n    mustBe: 1\n", 9, "did you mean rowCount?"),
    ("schema:\n- name: t\n  quality:\n  - metric: rowCount\n", 9, "add mustBe: 0"),
    ("schema:\n- name: t\n  quality:\n  - metric: rowCount\n    mustBeBetwen: [1, 2]\n", 10, "mustBeBetween"),
    ("schema:\n- name: t\n  quality:\n  - metric: rowCount\n    mustBeBetween: [2, 1]\n", 10, "write mustBeBetween: [1, 2]"),
    ("schema:\n- name: t\n  quality:\n  - metric: nullValues\n    mustBe: 0\n", 9, "property"),
    ("schema:\n- name: t\n  quality:\n  - metric: duplicateValues\n    mustBe: 0\n", 9, "properties"),
    ("schema:\n- name: t\n  properties: [{name: abc}]\n  quality:\n  - metric: duplicateValues\n    mustBe: 0\n    arguments: {properties: [abd]}\n", 12, "did you mean abc?"),
    ("schema:\n- name: t\n  quality:\n  - type: sqll\n", 9, "did you mean sql?"),
    ("schema:\n- name: t\n  quality:\n  - type: sql\n    query: SELEC 1\n    mustBe: 1\n", 10, "DuckDB SQL"),
    ("schema:\n- name: t\n  properties: [{name: amount}]\n  quality:\n  - type: sql\n    query: SELECT max(amuont) FROM t\n    mustBe: 1\n", 11, "amount"),
    ("schema:\n- name: t\n  quality:\n  - type: custom\n    engine: greatExpectations\n    implementation: {type: expect_table_row_count_to_be_betwen}\n", 11, "expect_table_row_count_to_be_between"),
    ("schema:\n- name: t\n  customProperties:\n  - {property: sluice.drift, value: kep}\n", 9, "did you mean keep?"),
    ("schema:\n- name: t\n  customProperties:\n  - {property: sluice.drfit, value: keep}\n", 9, "did you mean sluice.drift?"),
    ("schema:\n- name: t\n  properties: [{name: abc}]\n  customProperties:\n  - {property: sluice.matchKeys, value: [[abd]]}\n", 10, "did you mean abc?"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    relationships:\n    - to: other\n", 11, "other_table.column"),
    ("schema:\n- name: t\n  properties:\n  - name: c\n    relationships:\n    - to: other.id\n      from: t.c\n", 12, "remove 'from'"),
    ("schema:\n- name: t\n  properties: [{name: abc}]\n  relationships:\n  - from: t.abd\n    to: other.id\n", 10, "did you mean abc?"),
    ("schema:\n- name: t\n  properties: [{name: a}]\n  relationships:\n  - from: t.a\n    to: [o.a, o.b]\n", 11, "equally many"),
    ("schema:\n- name: t\n  properties: [{name: a}]\n  relationships:\n  - to: o.a\n", 10, "needs from"),
    ("schema:\n- name: t\n  physicalName: sluice.loads\n", 8, "physicalName: data.loads"),
    ("schema:\n- name: t\n  physicalName: pg_catalog.x\n", 8, "not for data"),
    ('schema:\n- name: t\n  properties:\n  - name: "a\\0b"\n', 9, "NUL"),
    ("schema: [\n", 7, "not YAML"),
    ("schema: &x [*x]\n", 6, "nested"),
    ("a: b: c\n", 6, "not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "line", "words"), BAD)
def test_a_mistake_is_named_with_its_line_and_what_to_write(body, line, words):
    error = error_of(body)
    assert error.message.startswith(f"t.odcs.yaml line {line}: ")
    assert words in error.message
    assert (error.facts["file"], error.facts["line"]) == ("t.odcs.yaml", line)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (HEAD.replace("v3.1.0", "v2.2.2"), "apiVersion: v3.1.0"),
        (HEAD.replace("DataContract", "DataProduct"), "kind: DataContract"),
        (HEAD.replace("id: t\n", ""), "write id:"),
        (HEAD.replace("version: 1.0.0\n", ""), "write version:"),
        ("", "apiVersion"),
        ("- a\n- b\n", "not a contract"),
        ("just text", "not a contract"),
    ],
)
def test_a_file_that_is_no_contract_says_how_to_begin_one(head, words):
    assert words in error_of("", head).message


def test_all_mistakes_of_a_file_come_in_one_error_each_on_its_line():
    error = error_of(
        "schema:\n- name: t\n  properties:\n  - name: a\n    logicalType: strng\n  - name: b\n    unique: 3\n"
    )
    first, second = error.message.splitlines()
    assert first.startswith("t.odcs.yaml line 10: logicalType 'strng' is not known")
    assert second.startswith("t.odcs.yaml line 12: unique '3'")
    assert error.exit_code == 2


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(ContractError, match="can't be read"):
        load_contract(tmp_path / "missing.odcs.yaml")


def test_a_file_in_another_encoding_says_so(tmp_path):
    path = tmp_path / "latin.odcs.yaml"
    path.write_bytes((HEAD + "description: {purpose: caf\xe9}\n").encode("latin-1"))
    with pytest.raises(ContractError, match="UTF-8"):
        load_contract(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_contract_makes_anything_but_a_contract_error(data):
    content = (LIBRARY / "bugs.odcs.yaml").read_bytes()
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, min(len(content), start + 60)))
    damaged = content[:start] + data.draw(st.binary(max_size=6)) + content[stop:]
    with suppress(ContractError):
        compile_contract(damaged, LIBRARY / "bugs.odcs.yaml")
