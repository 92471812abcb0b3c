"""From ODCS to contracts: names, types, settings, relationships, and files that are odd but valid."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import open_data_contract_standard
import pytest
from contract_cases import HEAD, compiled

from sluice.contracts.odcs import parse
from sluice.contracts.registry import LIBRARY, load_contract

VALID = Path(__file__).parent / "valid"

TYPES = [
    ("logicalType: string", "VARCHAR", "text"),
    ("", "VARCHAR", "text"),
    ("logicalType: integer", "BIGINT", "bigint"),
    ("logicalType: integer\nlogicalTypeOptions: {format: i32}", "INTEGER", "integer"),
    ("logicalType: integer\nlogicalTypeOptions: {format: u64}", "DECIMAL(20,0)", "numeric(20,0)"),
    ("logicalType: number", "DOUBLE", "double precision"),
    ("logicalType: number\nlogicalTypeOptions: {format: f32}", "FLOAT", "real"),
    ("logicalType: number\nphysicalType: NUMERIC(12, 2)", "DECIMAL(12,2)", "numeric(12,2)"),
    ("logicalType: number\nphysicalType: decimal(50,4)", "DECIMAL(38,4)", "numeric(50,4)"),
    ("logicalType: number\nphysicalType: numeric", "DECIMAL(38,9)", "numeric(38,9)"),
    ("logicalType: integer\nphysicalType: NUMBER", "DECIMAL(38,0)", "numeric(38,0)"),
    ("logicalType: number\nphysicalType: int", "INTEGER", "integer"),
    ("logicalType: boolean", "BOOLEAN", "boolean"),
    ("logicalType: boolean\nphysicalType: tinyint(1)", "BOOLEAN", "boolean"),
    ("logicalType: date", "DATE", "date"),
    ("logicalType: date\nphysicalType: varchar(10)", "DATE", "date"),
    ("logicalType: date\nphysicalType: timestamp", "TIMESTAMP", "timestamp"),
    ("logicalType: date\nphysicalType: time", "TIME", "time"),
    ("logicalType: timestamp", "TIMESTAMP", "timestamp"),
    ("logicalType: timestamp\nlogicalTypeOptions: {timezone: true}", "TIMESTAMPTZ", "timestamptz"),
    ("physicalType: timestamp(6) with time zone", "TIMESTAMPTZ", "timestamptz"),
    ("physicalType: TIMESTAMP_NTZ(9)", "TIMESTAMP", "timestamp"),
    ("logicalType: time", "TIME", "time"),
    ("logicalType: object", "VARCHAR", "jsonb"),
    ("logicalType: array\nphysicalType: text[]\nitems: {logicalType: string}", "VARCHAR", "jsonb"),
    ("logicalType: map\nmap: {key: {logicalType: string}, value: {logicalType: string}}", "VARCHAR", "jsonb"),
    ("physicalType: jsonb", "VARCHAR", "jsonb"),
    ("logicalType: string\nphysicalType: UUID", "VARCHAR", "uuid"),
    ("logicalType: string\nphysicalType: char(2)", "VARCHAR", "char(2)"),
    ("logicalType: string\nphysicalType: varchar(20)", "VARCHAR", "varchar(20)"),
    ("logicalType: string\nphysicalType: int", "VARCHAR", "text"),
    ("physicalType: STRUCT<a INT, b ARRAY<STRING>>", "VARCHAR", "text"),
]


@pytest.mark.parametrize(("lines", "duckdb_type", "postgres_type"), TYPES)
def test_a_type_is_what_a_person_would_expect(one_column, lines, duckdb_type, postgres_type):
    column = one_column(lines).column("c")
    assert (column.duckdb_type, column.postgres_type) == (duckdb_type, postgres_type)


FORMATS = [
    ("yyyy-MM-dd", ("%Y-%m-%d",)),
    ("dd/MM/yy", ("%d/%m/%y",)),
    ("d MMMM uuuu", ("%d %B %Y",)),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", ("%Y-%m-%dT%H:%M:%S.%f%z",)),
    ("h:mm a 'o''clock'", ("%I:%M %p o'clock",)),
    ("yyyy-MM-dd[ HH:mm]", ("%Y-%m-%d %H:%M", "%Y-%m-%d")),
    ("%d.%m.%Y", ("%d.%m.%Y",)),
]


@pytest.mark.parametrize(("written", "formats"), FORMATS)
def test_a_java_date_format_becomes_strptime(one_column, written, formats):
    text = json.dumps(written)
    contract = one_column(f"logicalType: timestamp\nlogicalTypeOptions: {{format: {text}}}")
    assert contract.column("c").formats == formats


def test_names_tables_and_schemas_come_from_the_file():
    one, two, three = compiled("""
        schema:
        - {name: a b}
        - {name: orders, physicalName: sales.orders_v2, description: All orders.}
        - {name: raw, physicalName: db.pub.raw}
        """)
    assert (one.dataset, one.schema, one.table) == ("a b", "data", "a b")
    assert (two.dataset, two.schema, two.table, two.description) == (
        "orders",
        "sales",
        "orders_v2",
        "All orders.",
    )
    assert (three.schema, three.table) == ("pub", "raw")


def test_a_property_is_stored_under_its_physical_name_and_read_under_both():
    contract = compiled("""
        schema:
        - name: t
          properties:
          - {name: order date, physicalName: ord_dt, primaryKey: true}
          - {name: organization_id}
          - name: country
            classification: public
            customProperties:
            - {property: sluice.aliases, value: [land]}
            - {property: sluice.nullValues, value: ['-', NA]}
            - {property: sluice.formats, value: [ignored for text]}
            - {property: somebody.elses, value: {any: thing}}
        """)[0]
    first, second, third = contract.columns
    assert (first.name, first.aliases) == ("ord_dt", ("order date",))
    assert contract.primary_key == ("ord_dt",)
    assert (second.name, second.aliases) == ("source_organization_id", ("organization_id",))
    assert (third.aliases, third.null_values, third.classification) == (("land",), ("", "-", "NA"), "public")
    assert first.null_values == ("",)


def test_values_that_yaml_likes_to_change_stay_as_written(one_column):
    contract = one_column("logicalTypeOptions: {enum: [NO, yes, 1.10, 007, 12:30, 2020-01-01, true]}")
    values = contract.rules[0].kwargs["value_set"]
    assert values == ["NO", "yes", "1.10", "007", "12:30", "2020-01-01", "true"]
    assert compiled("", HEAD.replace("1.0.0", "1.10")) == []


def test_relationships_are_resolved_by_name_and_by_id():
    contracts = compiled("""
        schema:
        - id: cust
          name: customers
          physicalName: crm.clients
          properties: [{id: cid, name: id, physicalName: client_no, primaryKey: true}]
        - name: orders
          relationships:
          - {from: orders.buyer, to: customers.id}
          - {from: [orders.a, orders.b], to: [x.a, x.b]}
          properties:
          - {name: buyer}
          - {name: seller, relationships: [{to: schema/cust/properties/cid}]}
          - {name: place, relationships: [{to: places.code}]}
          - {name: street, relationships: [{to: customers.address_street}]}
          - {name: far, relationships: [{to: 'https://example.com/other.yaml#/schema/a/properties/b'}]}
          - name: soft
            relationships: [{to: customers.id, customProperties: [{property: sluice.severity, value: warning}]}]
        """)
    orders = contracts[1]
    assert orders.references == {
        "seller": ("crm", "clients", "client_no"),
        "place": ("data", "places", "code"),
        "buyer": ("crm", "clients", "client_no"),
    }
    assert orders.reported_references == {"soft": ("crm", "clients", "client_no")}
    assert len(orders.notes) == 3


@pytest.mark.parametrize(
    ("sla", "hours"),
    [
        ("{property: freshness, value: 6, unit: h}", 6),
        ("{property: latency, value: 4, unit: d}", 96),
        ("{property: latency, value: 4, unit: days}, {property: freshness, value: 30, unit: minutes}", 0.5),
        ("{property: freshness, value: soon}", None),
        ("{property: retention, value: 3, unit: y}", None),
    ],
)
def test_freshness_is_told_in_hours(sla, hours):
    assert compiled(f"schema: [{{name: t}}]\nslaProperties: [{sla}]\n")[0].freshness_hours == hours


@pytest.mark.parametrize("path", sorted(VALID.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_odd_but_valid_file_loads(path):
    assert all(contract.dataset for contract in load_contract(path))


@pytest.mark.parametrize(
    "path", sorted([*VALID.glob("v31_*.yaml"), *LIBRARY.glob("*.yaml")]), ids=lambda path: path.stem
)
def test_our_examples_are_valid_by_the_standards_own_schema(path):
    schema = json.loads((files(open_data_contract_standard) / "schema.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(parse(path.read_bytes(), path.name).value)


def test_the_library_holds_what_the_first_datasets_need():
    projects, bugs = (
        load_contract(LIBRARY / "projects.odcs.yaml")[0],
        load_contract(LIBRARY / "bugs.odcs.yaml")[0],
    )
    assert projects.match_keys == (("github_url",), ("name",))
    assert projects.primary_key == ()
    assert bugs.match_keys == (("bug_number",),)
    assert bugs.reported_references == {"project": ("data", "projects", "name")}
    assert all(column.description and column.classification for c in (projects, bugs) for column in c.columns)
    assert (projects.freshness_hours, bugs.freshness_hours) == (168, 24)
    assert projects.notes == bugs.notes == ()


def test_every_rule_of_the_library_is_one_that_great_expectations_takes():
    import great_expectations.expectations as gxe

    for path in LIBRARY.glob("*.yaml"):
        for contract in load_contract(path):
            for rule in contract.rules:
                getattr(gxe, rule.expectation)(**rule.kwargs)
