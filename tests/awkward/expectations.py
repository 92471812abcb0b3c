"""The awkward files, what each is expected to give, and how an answer differs from it."""

import csv
import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "sample-data" / "awkward"
_LINE_END = re.compile(r"\r\n|\r|\n")
_UNNAMED = ("header", "blank")  # kinds of lines that are only counted


@dataclass(frozen=True)
class Sample:
    """One awkward file and what is expected of it."""

    path: Path
    expected: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def area(self) -> str:
        return self.path.parent.name

    @property
    def header(self) -> list[str]:
        return list(self.expected["header"])

    @property
    def rows(self) -> list[list[str]]:
        return list(self.expected["rows"])

    @property
    def refused(self) -> list[str]:
        return list(self.expected.get("refused", []))


def samples() -> list[Sample]:
    """All awkward files."""
    found = sorted(FOLDER.glob("*/*.expected.json"))
    return [
        Sample(path.with_name(path.name.removesuffix(".expected.json")), json.loads(path.read_text("utf-8")))
        for path in found
    ]


def clean(text: str) -> list[list[str]]:
    """The rows of a written CSV file, header first."""
    return list(csv.reader(io.StringIO(text, newline="")))


def differences(sample: Sample, told: dict[str, Any], written: list[list[str]]) -> list[str]:
    """Each way in which an answer of ``sluice read --json`` and the file that it wrote are not as expected."""
    if sample.refused or "error" in told:
        return _refusal(sample, told)
    wanted = sample.expected
    rejects = [[one["line"], one["reason"]] for one in told["rejected"]]
    found = {
        "header": (wanted["header"], told["header"]),
        "written header": (wanted["header"], written[0] if written else None),
        "rows": (wanted["rows"], written[1:]),
        "rejects": (wanted["rejects"], rejects),
        "records": (len(wanted["rows"]) + len(wanted["rejects"]), told["records"]),
        "mended": (wanted.get("mended", {}), told["repairs"]),
        **_skipped(wanted.get("skipped", {}), told),
    }
    if "lines" in wanted:
        total = lines_of_records(written[1:], told) + sum(told["lines"].values())
        found["lines of the file"] = (wanted["lines"], total)
    for name, value in wanted.get("details", {}).items():
        found[name] = (value, told.get(name))
    unlike = [f"{name}: expected {a!r}, found {b!r}" for name, (a, b) in found.items() if a != b]
    return unlike + _warnings(wanted.get("warnings", []), told["warnings"])


def _refusal(sample: Sample, told: dict[str, Any]) -> list[str]:
    if "error" not in told:
        return [f"read, though it is to be refused: {told['records']} records of {told['header']!r}"[:300]]
    said = f"{told['message']} {told['hint']}"
    if not sample.refused:
        return [f"refused: {said}"]
    missing = [word for word in sample.refused if word.lower() not in said.lower()]
    return [f"the refusal lacks {missing}: {said}"] if missing else []


def _skipped(wanted: dict[str, list[int]], told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    found: dict[str, list[int]] = {}
    for one in told["skipped"]:
        found.setdefault(one["kind"], []).append(one["line"])
    counts = {kind: len(lines) for kind, lines in wanted.items()}
    return {
        "lines by kind": (counts, {kind: n for kind, n in told["lines"].items() if n}),
        "skipped": ({kind: lines for kind, lines in wanted.items() if kind not in _UNNAMED}, found),
    }


def lines_of_records(rows: list[list[str]], told: dict[str, Any]) -> int:
    """Lines that records and rejects cover: one each, and one more for each line end inside."""
    inside = sum(len(_LINE_END.findall(cell)) for row in rows for cell in row)
    broken = sum(len(_LINE_END.findall(one["raw"] or "")) for one in told["rejected"])
    return int(told["records"]) + inside + broken


def _warnings(wanted: list[list[str]], found: list[str]) -> list[str]:
    if len(wanted) != len(found):
        return [f"warnings: expected {wanted}, found {found}"]
    left = Counter(found)
    for words in wanted:
        match = next((text for text in left if all(w.lower() in text.lower() for w in words)), None)
        if match is None:
            return [f"no warning with {words}: {found}"]
        left.pop(match)
    return []
