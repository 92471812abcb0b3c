"""From ODCS to contracts: names, types, settings, relationships, and files that are odd but valid."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import open_data_contract_standard
import pytest
from contract_cases import HEAD, compiled

from sluice.contracts.model import Relationship
from sluice.contracts.odcs import parse
from sluice.contracts.registry import LIBRARY, load_contract
from sluice.quality.suite import build_suite
from sluice.warehouse.datasets import compare, migrate

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
    ("logicalType: string\nphysicalType: VARCHAR(16777216)", "VARCHAR", "text"),
    ("logicalType: number\nphysicalType: NUMBER(2, 5)", "DECIMAL(5,5)", "numeric(5,5)"),
    ("logicalType: number\nphysicalType: decimal(1200, 3)", "DECIMAL(38,3)", "numeric(1000,3)"),
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


def test_names_that_postgresql_can_not_keep_are_kept_in_another_form():
    long = "a_very_long_name_of_a_column_that_somebody_has_made_up_in_another_system"
    contract = compiled(f"""
        schema:
        - name: {long}
          properties: [{{name: {long}}}, {{name: {long}2}}, {{name: CTID}}, {{name: xmin}}]
        """)[0]
    one, two, three, four = contract.columns
    assert one.name != two.name
    assert all(len(column.name) <= 63 for column in contract.columns)
    assert (one.aliases, two.aliases) == ((long,), (f"{long}2",))
    assert (three.name, four.name) == ("source_CTID", "source_xmin")
    assert (contract.dataset, contract.table) == (long, one.name)


def test_values_that_yaml_likes_to_change_stay_as_written(one_column):
    contract = one_column("logicalTypeOptions: {enum: [NO, yes, 1.10, 007, 12:30, 2020-01-01, true]}")
    values = contract.rules[0].kwargs["value_set"]
    assert values == ["NO", "yes", "1.10", "007", "12:30", "2020-01-01", "true"]
    assert compiled("", HEAD.replace("1.0.0", "1.10")) == []


RELATED = """
schema:
- id: cust
  name: customers
  physicalName: crm.clients
  properties:
  - {id: cid, name: id, physicalName: client_no, primaryKey: true}
  - {name: land}
  - {name: address, logicalType: object, properties: [{id: street_id, name: street}]}
- name: orders
  relationships:
  - {from: orders.buyer, to: customers.id}
  - {id: both, type: foreignKey, from: [orders.buyer, orders.land], to: [customers.id, customers.land]}
  - {from: schema/orders_tbl/properties/seller_id, to: schema/cust/properties/cid}
  - {from: orders.home.street, to: customers.land}
  properties:
  - {name: buyer}
  - {name: land}
  - {id: seller_id, name: seller, relationships: [{to: schema/cust/properties/cid}, {to: sellers.no}]}
  - {name: place, relationships: [{to: places.code, description: Where it went.}]}
  - {name: branch, relationships: [{to: world.places.code}]}
  - {name: street, relationships: [{to: customers.address.street}]}
  - {name: way, relationships: [{to: schema/cust/properties/address_id/properties/street_id}]}
  - {name: far, relationships: [{to: 'https://example.com/other.yaml#/schema/a/properties/b'}]}
  - {name: near, relationships: [{to: 'other.yaml#customers.id'}]}
  - name: soft
    relationships: [{to: customers.id, customProperties: [{property: sluice.severity, value: warning}]}]
"""


def test_relationships_are_resolved_by_name_and_by_id():
    orders = compiled(RELATED)[1]
    assert [(one.columns, one.schema, one.table, one.targets) for one in orders.relationships] == [
        (("seller",), "crm", "clients", ("client_no",)),
        (("seller",), "data", "sellers", ("no",)),
        (("place",), "data", "places", ("code",)),
        (("branch",), "world", "places", ("code",)),
        (("soft",), "crm", "clients", ("client_no",)),
        (("buyer",), "crm", "clients", ("client_no",)),
        (("buyer", "land"), "crm", "clients", ("client_no", "land")),
    ]
    assert [one.columns for one in orders.relationships if one.severity == "warning"] == [("soft",)]
    assert len(orders.notes) == 5


def test_a_column_is_tied_by_its_first_critical_relationship():
    assert compiled(RELATED)[1].references == {
        "seller": ("crm", "clients", "client_no"),
        "place": ("data", "places", "code"),
        "branch": ("world", "places", "code"),
        "buyer": ("crm", "clients", "client_no"),
    }


@pytest.mark.parametrize(
    ("sla", "hours"),
    [
        ("{property: freshness, value: 6, unit: h}", 6),
        ("{property: latency, value: 4, unit: d}", 96),
        ("{property: latency, value: 4, unit: days}, {property: freshness, value: 30, unit: minutes}", 0.5),
        ("{property: latency, value: '4', unit: D}", 96),
        ("{property: LY, value: 1.5, unit: hours, element: 'a.b, t.c'}", 1.5),
        ("{property: frequency, value: 1, valueExt: 1, unit: d}", 24),
        ("{property: frequency, value: 1, unit: d}, {property: latency, value: 4, unit: d}", 96),
        ("{property: latency, value: soon}, {property: frequency, value: 2, unit: weeks}", 336),
        ("{property: freshness, value: soon}", None),
        ("{property: freshness, value: null, unit: h}", None),
        ("{property: freshness, value: 24}", None),
        ("{property: retention, value: 3, unit: y}", None),
    ],
)
def test_freshness_is_told_in_hours(sla, hours):
    assert compiled(f"schema: [{{name: t}}]\nslaProperties: [{sla}]\n")[0].freshness_hours == hours


def test_an_sla_is_about_the_objects_that_it_names():
    one, two, three = compiled("""
        schema: [{name: a}, {name: b, physicalName: s.b_1}, {name: c}]
        slaProperties:
        - {property: latency, value: 4, unit: h, element: 'a.x, b_1.y'}
        - {property: latency, value: soon, element: c}
        """)
    assert (one.freshness_hours, two.freshness_hours, three.freshness_hours) == (4, 4, None)
    assert (one.notes, len(three.notes)) == ((), 1)
    one, two = compiled(
        "schema: [{name: a}, {name: b}]\nslaDefaultElement: b.x\nslaProperties: [{property: ly, value: 1, unit: d}]\n"
    )
    assert (one.freshness_hours, two.freshness_hours) == (None, 24)


def test_an_sla_that_can_not_be_told_in_hours_is_noted():
    three = compiled("schema: [{name: c}]\nslaProperties:\n- {property: latency, value: soon, element: c}\n")[
        0
    ]
    assert "line 8: latency 'soon' is kept but not watched" in three.notes[0]


@pytest.mark.parametrize("path", sorted(VALID.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_odd_but_valid_file_becomes_a_table_and_a_suite(path, module_warehouse):
    for contract in load_contract(path):
        build_suite(contract)
        with module_warehouse.connect() as connection:
            migrate(connection, contract)
            assert compare(connection, contract).same


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
    assert bugs.relationships == (Relationship(("project",), "data", "projects", ("name",), "warning"),)
    assert bugs.references == {}
    assert all(column.description and column.classification for c in (projects, bugs) for column in c.columns)
    assert (projects.freshness_hours, bugs.freshness_hours) == (168, 24)
    assert projects.notes == bugs.notes == ()


def test_every_rule_of_the_library_is_one_that_great_expectations_takes():
    import great_expectations.expectations as gxe

    for path in LIBRARY.glob("*.yaml"):
        for contract in load_contract(path):
            for rule in contract.rules:
                getattr(gxe, rule.expectation)(**rule.kwargs)
