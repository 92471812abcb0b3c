"""Invented projects and bugs: plausible, and the same for the same dice."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

MOMENT = datetime(2025, 11, 24, 12, tzinfo=UTC)
Row = dict[str, Any]

PEOPLE = (
    "Mara Lindqvist", "Tomás Herrera", "Aiko Sato", "Devon O'Neill", "Priya Raman", "Łukasz Wójcik", "Nadia Haddad",
    "Jonas Weiß", "Chiara Fontana", "Samuel Okafor", "Ingrid Dahl", "Mateo Silva",
)  # fmt: skip
TEAMS = ("Platform", "Payments", "Mobile", "Data", "Customer Care", "Infrastructure")
CLIENTS = (
    "Fjordline Shipping",
    "Castell & Sons, Ltd.",
    "Umbra Health",
    "Kestrel Rail",
    "Olive & Thyme",
    None,
)
FIRST = (
    "Harbor", "Copper", "Lantern", "Meadow", "Quartz", "Raven", "Summit", "Willow", "Ember", "Cobalt", "Juniper",
    "Saffron", "Tidal", "Maple", "Orchid",
)  # fmt: skip
SECOND = {
    "Ledger": ("keeps accounts and reconciles payments", "Python", "Python, FastAPI, PostgreSQL"),
    "Gate": ("signs users in and guards the APIs behind it", "Go", "Go, gRPC, Redis"),
    "Board": ("shows teams what is going on, and what is late", "TypeScript", "TypeScript, React, Node.js"),
    "Relay": ("moves messages between systems and never loses one", "Rust", "Rust, NATS, Protobuf"),
    "Atlas": ("draws maps and finds routes", "C++", "C++, Vulkan, SQLite"),
    "Forge": ("builds, tests and ships other projects", "Java", "Java, Gradle, Kubernetes"),
    "Scribe": ("writes, merges and archives documents", "C#", "C#, .NET 8, Azure"),
    "Beacon": ("watches services and wakes people up", "Elixir", "Elixir, Phoenix, InfluxDB"),
    "Pocket": ("is the app on the customer's phone", "Kotlin", "Kotlin, Swift, GraphQL"),
    "Sieve": ("cleans data on its way into the warehouse", "Python", "Python, Arrow, dbt"),
    "Almanac": ("plans shifts, holidays and rooms", "Ruby", "Ruby, Rails, MySQL"),
    "Kiln": ("trains models and serves them", "Python", "Python, PyTorch, Ray"),
}
WHERE = (
    "Login page", "Export dialog", "Search", "Nightly import", "Invoice PDF", "Settings page", "Mobile sync",
    "Webhook delivery", "Password reset", "Report scheduler", "File upload", "Audit log", "Price calculator",
    "Date picker", "Notification e-mail",
)  # fmt: skip
WHAT = (
    "shows a blank page", "loses the last row", "hangs", "returns HTTP 500", "shows amounts with a wrong sign",
    "ignores the time zone", "sends everything twice", "leaks memory", "rejects valid input", "is slow",
    "shows another user's name", "crashes",
)  # fmt: skip
WHEN = (
    "when the name holds an apostrophe", "after a session of more than an hour", "on the first day of a month",
    "with more than 10,000 rows", "behind a proxy", "in Safari 17", "when two people save at once",
    "after an upgrade from 2.3", "on a slow connection", "with dark mode on",
)  # fmt: skip
LABELS = (
    "regression",
    "ui",
    "backend",
    "performance",
    "security",
    "good first issue",
    "needs-repro",
    "customer",
)
LEVELS = ("critical", "high", "medium", "low")
SLA_HOURS = {"critical": 4, "high": 24, "medium": 72, "low": 168}
TEMPLATE_NAMES = ("Harbor Ledger", "Copper Gate", "Lantern Board", "Meadow Relay", "Quartz Atlas")


def project(dice: random.Random, name: str) -> Row:
    """One plausible project."""
    does, language, stack = SECOND[name.split()[-1]]
    slug = name.lower().replace(" ", "-")
    status = dice.choice(("planning", "active", "active", "active", "on_hold", "completed", "archived"))
    start = date(2019, 1, 7) + timedelta(days=dice.randrange(2300))
    end = (
        start + timedelta(days=dice.randrange(200, 900))
        if status != "active" or dice.random() < 0.3
        else None
    )
    created = moment(dice, datetime.combine(start, datetime.min.time(), UTC), 30)
    pushed = moment(dice, created, 400)
    return {
        "name": name,
        "description": f"{name} {does}." if dice.random() < 0.93 else None,
        "github_url": f"https://github.com/example-org/{slug}",
        "language": language,
        "tech_stack": stack,
        "status": status,
        "priority": dice.choice(LEVELS),
        "owner": dice.choice((dice.choice(PEOPLE), f"{dice.choice(TEAMS)} team")),
        "client_name": dice.choice(CLIENTS),
        "demo_url": f"https://{slug}.example.com/?demo=1" if dice.random() < 0.6 else None,
        "stars": int(dice.paretovariate(0.7)),
        "forks": int(dice.paretovariate(0.9)),
        "open_issues": dice.randrange(0, 140),
        "team_size": dice.randrange(1, 25),
        "budget": Decimal(dice.randrange(5_000_00, 900_000_00)) / 100 if dice.random() < 0.8 else None,
        "progress": 100 if status in ("completed", "archived") else dice.randrange(0, 100),
        "is_private": dice.random() < 0.4,
        "start_date": start,
        "end_date": end,
        "created_at": created,
        "updated_at": moment(dice, pushed, 20),
        "last_commit_at": pushed,
    }


def bug(dice: random.Random, number: str, name: str) -> Row:
    """One plausible bug of the project ``name``, reported in the month that its number tells."""
    where, what, when = dice.choice(WHERE), dice.choice(WHAT), dice.choice(WHEN)
    severity = dice.choices(LEVELS, (5, 20, 50, 25))[0]
    status = dice.choice(("open", "in_progress", "blocked", "resolved", "closed", "closed", "reopened"))
    created = moment(dice, datetime(int(number[4:8]), int(number[8:10]), 1, tzinfo=UTC), 25)
    solved = moment(dice, created, 40) if status in ("resolved", "closed") else None
    slug = name.lower().replace(" ", "-")
    return {
        "bug_number": number,
        "title": f"{where} {what} {when}",
        "description": describe(dice, where, what, when),
        "project": name,
        "severity": severity,
        "priority": dice.choice((severity, dice.choice(LEVELS))),
        "status": status,
        "assigned_to": dice.choice(PEOPLE) if status != "open" or dice.random() < 0.5 else None,
        "reported_by": dice.choice(PEOPLE),
        "sla_hours": SLA_HOURS[severity],
        "engineering_hours": Decimal(dice.randrange(25, 6000, 25)) / 100 if solved else None,
        "comments_count": dice.randrange(0, 30),
        "labels": ", ".join(sorted(dice.sample(LABELS, dice.randrange(0, 4)))) or None,
        "github_url": f"https://github.com/example-org/{slug}/issues/{dice.randrange(1, 2000)}",
        "resolution": f"Fixed in {dice.randrange(1, 5)}.{dice.randrange(0, 20)}: {where} no longer {what}."
        if solved
        else None,
        "created_at": created,
        "updated_at": solved or moment(dice, created, 30),
        "resolved_at": solved,
    }


def describe(dice: random.Random, where: str, what: str, when: str) -> str | None:
    """A bug's description: most are plain, some hold quotes, commas and line breaks, some are not there."""
    plain = f"{where} {what} {when}. It should not."
    listed = f'Steps:\n1. Open "{where}"\n2. Wait, then look\n\nIt {what} {when}.'
    return dice.choices((plain, listed, None), (75, 15, 10))[0]


def moment(dice: random.Random, after: datetime, days: int) -> datetime:
    """A second within ``days`` after ``after``, never in the future."""
    return min(after + timedelta(seconds=dice.randrange(60, days * 86_400)), MOMENT)


def templates(dice: random.Random) -> tuple[list[Row], list[Row]]:
    """Five projects and ten bugs; every field of the first of each is filled."""
    projects = [project(dice, name) for name in TEMPLATE_NAMES]
    bugs = [bug(dice, f"BUG-202511-{n:04}", dice.choice(TEMPLATE_NAMES)) for n in range(1, 11)]
    start = projects[0]["start_date"]
    projects[0] |= {
        "status": "completed",
        "progress": 100,
        "description": "Harbor Ledger keeps accounts, and reconciles payments with the bank's.",
        "client_name": CLIENTS[0], "demo_url": "https://harbor-ledger.example.com/?demo=1",
        "budget": Decimal("125000.00"), "end_date": start + timedelta(days=730),
    }  # fmt: skip
    created = bugs[0]["created_at"]
    bugs[0] |= {
        "description": 'Steps:\n1. Open "Invoices"\n2. Sort by date\n\nThe last row is gone.', "status": "resolved",
        "assigned_to": PEOPLE[1], "engineering_hours": Decimal("6.25"), "labels": "regression, ui",
        "resolution": "Fixed in 2.4: the page size counted the header.",
        "resolved_at": created + timedelta(hours=9), "updated_at": created + timedelta(hours=9),
    }  # fmt: skip
    return projects, bugs


def larger(dice: random.Random) -> tuple[list[Row], list[Row]]:
    """180 projects, none of the templates', one in ten without a GitHub URL; 5,000 bugs of theirs."""
    names = [f"{first} {second}" for first in FIRST for second in SECOND]
    names += [f"New {name}" for name in TEMPLATE_NAMES]
    names = [name for name in names if name not in TEMPLATE_NAMES]
    projects = [project(dice, name) for name in names]
    for row in dice.sample(projects, 18):
        row["github_url"] = None
    months = [f"{year}{month:02}" for year in (2024, 2025) for month in range(1, 13)][:21]
    count: Counter[str] = Counter()
    bugs = []
    for month in sorted(dice.choice(months) for _ in range(5000)):
        count[month] += 1
        bugs.append(bug(dice, f"BUG-{month}-{count[month]:04}", dice.choice(names)))
    return projects, bugs
