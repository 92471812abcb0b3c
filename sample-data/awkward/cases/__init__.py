"""What one awkward file is: its bytes, its one defect, and what a careful person would read in it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

HEADER = ("name", "qty", "city")
ROWS = (("Anna", "1", "Rome"), ("Bo", "20", "Oslo"), ("Cy", "3", "Bern"))
Rows = Iterable[Iterable[str]]


@dataclass(frozen=True)
class Case:
    """``skipped``: kind to the lines (from 1) that hold no record. ``mended``: how many repairs are told.

    ``warnings``: for each warning, words that it holds. ``refused``: words of the error; nothing is read then.
    ``lines``: lines of the file, in formats that have lines. ``gap``: why Sluice can't do this yet.
    """

    name: str
    defect: str
    content: bytes
    header: tuple[str, ...] = HEADER
    rows: tuple[tuple[str, ...], ...] = ROWS
    rejects: tuple[tuple[int, str], ...] = ()
    skipped: dict[str, list[int]] = field(default_factory=dict)
    mended: dict[str, int] = field(default_factory=dict)
    warnings: tuple[tuple[str, ...], ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    lines: int | None = None
    gap: str = ""

    def expected(self) -> str:
        """The expectation as JSON: one row a line, and only what there is."""
        about: dict[str, Any] = {"defect": self.defect}
        if self.gap:
            about["gap"] = self.gap
        if self.refused:
            return _lines({**about, "refused": self.refused, "exit_code": 1}, {})
        some = {
            name: value
            for name in ("skipped", "mended", "warnings", "details", "lines")
            if (value := getattr(self, name))
        }
        return _lines({**about, **some, "header": self.header}, {"rows": self.rows, "rejects": self.rejects})


def _lines(single: dict[str, Any], several: dict[str, Iterable[Any]]) -> str:
    parts = [f"  {_text(name)}: {_text(value)}" for name, value in single.items()]
    for name, values in several.items():
        inner = ",\n".join(f"    {_text(value)}" for value in values)
        parts.append(f"  {_text(name)}: [\n{inner}\n  ]" if inner else f"  {_text(name)}: []")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _text(value: Any) -> str:
    # Not every reader of a file shows them, and JSON may hold them as escapes.
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == " " else f"\\u{ord(c):04x}" for c in text)


def text(name: str, defect: str, content: str, encoding: str = "utf-8", **expected: Any) -> Case:
    """A file of delimited text. Unless told otherwise, line 1 is the header."""
    for part in ("header", "rejects", "warnings"):
        if part in expected:
            expected[part] = tuple(expected[part])
    if "rows" in expected:
        expected["rows"] = tuple(tuple(row) for row in expected["rows"])
    expected.setdefault("skipped", {"header": [1]})
    return Case(name, defect, content.encode(encoding), lines=count(content), **expected)


def count(content: str) -> int:
    """Lines of a text that may lack its last line end; a line ends with CR LF, LF or CR."""
    plain = content.replace("\r\n", "\n").replace("\r", "\n")
    return plain.count("\n") + (not plain.endswith("\n"))


def table(delimiter: str = ",", end: str = "\n", rows: Rows = (HEADER, *ROWS)) -> str:
    """The usual small table, or another one, without quotes."""
    return "".join(delimiter.join(row) + end for row in rows)


def refused(name: str, defect: str, content: bytes, *words: str, gap: str = "") -> Case:
    """A file that is to be refused, by an error that holds these words."""
    return Case(name, defect, content, refused=words, gap=gap)


def unique(cases: Iterable[Case]) -> Iterator[Case]:
    """The same cases; raises ValueError if two have one name."""
    names: set[str] = set()
    for case in cases:
        if case.name in names:
            raise ValueError(f"Two cases are called {case.name}.")
        names.add(case.name)
        yield case
