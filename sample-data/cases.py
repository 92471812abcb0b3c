"""The dirty files: each record that must be turned away, with its column and reason."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rows import Row, bug, project


@dataclass(frozen=True, slots=True)
class Case:
    """A record of a dirty file: its changes to a good row, and the (column, reason) pairs that it must get."""

    change: Row = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()
    forms: str = "csv json xlsx"


def wrong(reason: str, forms: str = "csv json xlsx", **change: Any) -> Case:
    """A record with one fault, in the one column that is changed."""
    return Case(change, ((next(iter(change)), reason),), forms)


BUG_CASES = (
    Case({"title": 'Good: quotes "", commas,\nline breaks and ünïcödé survive'}),
    wrong("not_an_integer", sla_hours="24h"),
    wrong("not_an_integer", sla_hours=1.5),
    wrong("not_an_integer", sla_hours=9_999_999_999),
    wrong("not_a_decimal", engineering_hours="a lot"),
    wrong("not_a_decimal", engineering_hours="3,5"),
    wrong("not_a_timestamp", created_at="2025-13-45T09:00:00Z"),
    wrong("not_a_timestamp", updated_at="2025-02-30 10:00:00"),
    wrong("not_a_timestamp", resolved_at="yesterday"),
    Case({"project": "A Project Nobody Listed"}),
    wrong("required", bug_number=None),
    wrong("required", title=None),
    wrong("required", severity=None),
    wrong("enum", severity="urgent"),
    wrong("enum", severity="High"),
    wrong("enum", priority="P1"),
    wrong("enum", status="wontfix"),
    wrong("pattern", bug_number="BUG-202513-0001"),
    wrong("pattern", bug_number="#4711"),
    wrong("pattern", github_url="https://gitlab.example.com/example-org/harbor-ledger/issues/7"),
    wrong("too_long", title="Too long: " + "x" * 491),
    wrong("too_long", assigned_to="A" * 256),
    Case({"sla_hours": 0, "engineering_hours": Decimal("0.00"), "title": "x" * 500}),
    wrong("minimum", sla_hours=-1),
    wrong("maximum", sla_hours=87_601),
    wrong("minimum", engineering_hours=Decimal("-0.50")),
    wrong("minimum", comments_count=-3),
    wrong("duplicate", bug_number="BUG-202510-0001"),
    Case(
        {
            "bug_number": "BUG-202510-0002",
            "title": "Good: an earlier record of this number was refused",
        }
    ),
    wrong("duplicate", bug_number="BUG-202510-0002"),
    Case(
        {"sla_hours": "soon", "created_at": "soon"},
        (("sla_hours", "not_an_integer"), ("created_at", "not_a_timestamp")),
    ),
    Case({"title": None, "severity": "urgent"}, (("title", "required"), ("severity", "enum"))),
    Case({"resolved_at": datetime(2020, 1, 1, tzinfo=UTC), "status": "closed"}),
    Case({"<cells>": -5}, (("", "too_few_cells"),), "csv"),
    Case({"<cells>": 2}, (("", "too_many_cells"),), "csv"),
    Case(),
)
PROJECT_CASES = (
    Case(),
    wrong("not_a_boolean", is_private="perhaps"),
    wrong("not_a_date", start_date="31.31.2025"),
    wrong("not_a_date", end_date="soon"),
    wrong("not_a_timestamp", last_commit_at="25:61"),
    wrong("not_an_integer", stars="1k"),
    wrong("not_a_decimal", budget="twelve"),
    Case({"github_url": None}),
    wrong("required", name=None),
    wrong("blank_name", name="   "),
    wrong("too_long", name="N" * 256),
    wrong("pattern", github_url="github.com/example-org/no-scheme"),
    wrong("format", demo_url="see the wiki"),
    wrong("enum", status="retired"),
    wrong("enum", priority="urgent"),
    wrong("minimum", stars=-5),
    wrong("minimum", budget=Decimal("-0.01")),
    wrong("minimum", progress=-1),
    wrong("maximum", progress=101),
    wrong("maximum", team_size=100_001),
    wrong("duplicate", github_url="https://github.com/example-org/dirty-1"),
    wrong("duplicate", name="Dirty 1"),
    Case({"<cells>": -1}, (("", "too_few_cells"),)),
    Case({"<cells>": 1}, (("", "too_many_cells"),)),
    Case(),
)


def dirty_bugs(dice: random.Random) -> list[tuple[Row, Case]]:
    """Every case, a good bug after every third, and a column that the contract does not know."""
    cases = [
        case for n, case in enumerate(BUG_CASES, 1) for case in ([case, Case()] if n % 3 == 0 else [case])
    ]
    numbered = enumerate(cases, 1)
    return [
        (
            bug(dice, f"BUG-202510-{n:04}", "Harbor Ledger") | {"found_in_build": f"2.4.{n}"} | case.change,
            case,
        )
        for n, case in numbered
    ]


def dirty_projects(dice: random.Random) -> list[tuple[Row, Case]]:
    """Every case once."""
    rows = []
    for n, case in enumerate(PROJECT_CASES, 1):
        unique = {"name": f"Dirty {n}", "github_url": f"https://github.com/example-org/dirty-{n}"}
        rows.append((project(dice, "Harbor Ledger") | unique | case.change, case))
    return rows
