"""What a load of the test file must give: made from the rows alone, without any of Sluice's code."""

import csv
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = tuple[str, ...]
CONTRACT = Path(__file__).with_name("items.odcs.yaml")
HEADER = ("id", "label", "amount")
ROWS = 12_000
STANDING = 4_000
# Organization 2 owns these; no load of organization 1 may touch them.
FOREIGN: dict[str, Row] = {str(n): (str(n), "theirs", f"{n}.00") for n in range(1, 301)}


def good(number: int) -> Row:
    return (str(number), f"n{number % 997}", f"{number % 500}.25")


def standing() -> dict[str, Row]:
    """Rows of an earlier load: half of them equal to what the file brings, half not, some not in it."""
    rows = {n: good(n) if n % 2 else (str(n), "old", "1.00") for n in range(1, STANDING)}
    rows |= {-n: (str(-n), "stays", "2.00") for n in range(1, 100)}
    return {str(n): row for n, row in rows.items()}


def file_rows(seed: int = 7) -> list[tuple[bool, Row]]:
    """Good rows, repeated keys, cells of a wrong type, rows against a rule and rows of a wrong width."""
    chance = random.Random(seed)
    rows: list[tuple[bool, Row]] = []
    for number in range(1, ROWS + 1):
        kind = chance.random()
        known = str(chance.randrange(1, number + 1))
        if kind < 0.80:
            rows.append((True, good(number)))
        elif kind < 0.87:
            rows.append((True, (known, "again", f"{chance.randrange(9)}.50")))
        else:
            wrong = [
                ("x", "a", "1"),
                (known, "far too long", "1"),
                (known, "a", "-1"),
                (known, "a", "1", "2"),
            ]
            rows.append((False, chance.choice(wrong)))
    return rows


def new_rows() -> list[tuple[bool, Row]]:
    """The same file with keys of which none stands yet."""
    return [
        (is_good, (str(int(row[0]) + 10 * ROWS), *row[1:]) if row[0].isdigit() else row)
        for is_good, row in file_rows()
    ]


def clean() -> list[Row]:
    return [good(number) for number in range(1, ROWS + 1)]


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)
    return path


@dataclass(frozen=True)
class Expected:
    """The organization's rows after a completed load, and what became of the file's records."""

    rows: dict[str, Row]
    counts: Counter[str]
    rejected: frozenset[int] = field(repr=False)

    @property
    def numbers(self) -> dict[str, int]:
        return {name: self.counts[name] for name in ("published", "unchanged", "superseded", "rejected")}


def expected(rows: list[tuple[bool, Row]], before: dict[str, Row], mode: str) -> Expected:
    counts: Counter[str] = Counter()
    result = {} if mode == "replace" else dict(before)
    newest: dict[str, Row] = {}
    rejected = set[int]()
    for number, (is_good, row) in enumerate(rows, 1):
        if not is_good or (mode != "upsert" and row[0] in result):
            rejected.add(number)
        elif mode == "upsert":
            counts["superseded"] += row[0] in newest
            newest[row[0]] = row
        else:
            counts["published"] += 1
            result[row[0]] = row
    for key, row in newest.items():
        counts["unchanged" if before.get(key) == row else "published"] += 1
        result[key] = row
    counts["rejected"] = len(rejected)
    return Expected(result, counts, frozenset(rejected))


def stored(connection: Any, organization: int = 1) -> dict[str, Row]:
    """The organization's rows in the dataset table; a key that stands twice fails the test."""
    query = "SELECT id::text, label, amount::text FROM data.items WHERE organization_id = %s"
    rows = connection.execute(query, [organization]).fetchall()
    found = {row[0]: row for row in rows}
    assert len(found) == len(rows), "a key stands twice"
    return found
