"""Records that look alike are taken apart by one regular expression; whatever it does not match goes the slow way."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from json import dumps
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers.json.form import Form, Place
from sluice.readers.json.values import Item, exactly, line_ends, to_text
from sluice.readers.spool import TableSpool

_MOST = 300  # members of a pattern; more take long to compile
_LEVELS = 3  # of lists and objects in one cell
_FEW = 500  # records: less are no batch of their own
_LESSONS = 8
_LESSON = 100  # records
_ESCAPE = r'\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
_PLAIN = r'[^"\\\x00-\x1f\ud800-\udfff]*+'
_TEXT = f"{_PLAIN}(?:{_ESCAPE}{_PLAIN})*+"
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false"
_SPACED = re.compile(r"[ \t\r\n\\]")
_SPACE = r"[ \t\r\n]*+"


@dataclass(frozen=True, slots=True)
class Run:
    """Records in a row that the pattern matched: the line of the first, where each begins in the text, where the last
    ends, and the groups of all, one after another (few objects of Python live at once: its collector costs time).
    """

    text: str
    line: int
    starts: list[int]
    end: int
    groups: list[str | None]

    def __len__(self) -> int:
        return len(self.starts)

    def item(self, number: int) -> Item:
        """One of the records, from 0."""
        start, end = self.starts[number], [*self.starts, self.end][number + 1]
        line = self.line + line_ends(self.text, self.starts[0], start)
        return Item(line, self.text[start:end].rstrip(" \t\r\n,"), None)


@dataclass(frozen=True, slots=True)
class Layout:
    """What follows each record, and what may stand between its parts, as regular expressions."""

    after: str
    space: str = _SPACE


ARRAY = Layout(rf",{_SPACE}(?=[^ \t\r\n\]])")
ROW = Layout(rf"{_SPACE}(?=\{{)")
LINES = Layout(r"(?:\r\n|\n|\r(?=[^\n]))", r"[ \t]*+")


class Shape(Protocol):
    """How the records' values become cells."""

    def learn(self, form: Form, item: Item) -> None:
        """Show the form one record that has cells."""

    def column(self, place: Place) -> str:
        """The column of a place in the record."""


class Pattern:
    """The regular expression of records of a form.

    Names are optional, but their order is not; a name that comes twice never matches.
    """

    def __init__(self, form: Form, layout: Layout, column: Callable[[Place], str]) -> None:
        self._space, self._column = layout.space, column
        self._groups: list[tuple[str, str]] = []  # column and kind
        self._match = re.compile(self._value(form, ()) + layout.space + layout.after)

    def _value(self, form: Form, path: Place) -> str:
        parts = []
        nested, space = _nested(self._space), self._space
        for kind, pattern in (
            ("text", f'"({_TEXT})"'),
            ("number", f"({_NUMBER})"),
            ("list", f"({nested[0]})"),
            ("empty", rf"(\{{{space}\}})"),
            ("whole", f"({nested[1]})"),
        ):
            if kind in form.kinds:
                self._groups.append((self._column(path), kind))
                parts.append(pattern)
        if parts or "null" in form.kinds:
            parts.append("null")
        if "object" in form.kinds:
            members = "".join(self._member(one, (*path, name)) for name, one in form.members.items())
            parts.append(rf'\{{{self._space}(?="){members}\}}')
        if "row" in form.kinds:
            cells = [self._value(one, (name,)) + self._space for name, one in form.members.items()]
            parts.append(rf"\[{self._space}{f',{self._space}'.join(cells)}\]")
        return f"(?>{'|'.join(parts or ['(?!)'])})"

    def _member(self, form: Form, path: Place) -> str:
        space, name = self._space, path[-1]
        spelled = "|".join(re.escape(one) for one in {dumps(name), dumps(name, ensure_ascii=False)})
        value = self._value(form, path)
        return rf'(?:(?>{spelled}){space}:{space}{value}{space}(?:,{space}(?=")|(?=\}})))?+'

    def run(self, text: str, position: int, line: int) -> Run | None:
        """The records from ``position`` on that match."""
        starts: list[int] = []
        groups: list[str | None] = []
        found: re.Match[str] | None = None
        for found in iter(self._match.scanner(text, position).match, None):  # type: ignore[attr-defined]
            starts.append(found.start())
            groups.extend(found.groups())
        return Run(text, line, starts, found.end(), groups) if found else None

    def columns(self, run: Run) -> dict[str, pa.Array]:
        """Cell texts by column. Raises TooDeepError."""
        escaped = "\\" in run.text
        found: dict[str, pa.Array] = {}
        for place, (column, kind) in enumerate(self._groups):
            texts = run.groups[place :: len(self._groups)]
            cells = pa.array(_texts(texts, kind, escaped), pa.string())
            found[column] = pc.coalesce(found[column], cells) if column in found else cells
        return found


def _texts(part: list[str | None], kind: str, escaped: bool) -> list[str | None]:
    if kind == "text":
        return (
            part
            if not escaped
            else [exactly(f'"{text}"') if text and "\\" in text else text for text in part]
        )
    if kind != "number":
        return [to_text(exactly(text)) if text and _SPACED.search(text) else text for text in part]
    return part


def _nested(space: str, levels: int = _LEVELS) -> tuple[str, str]:
    """A list and an object of few levels."""
    inner = "|".join(("", *_nested(space, levels - 1))) if levels > 1 else ""
    one = f'(?>"{_TEXT}"|{_NUMBER}|null{inner})'
    more = rf',{space}(?=["\[{{\-0-9tfn])'
    member = f'"{_TEXT}"{space}:{space}{one}{space}'
    return (
        rf"\[{space}(?:{one}{space}(?:{more}|(?=\])))*+\]",
        rf'\{{{space}(?:{member}(?:,{space}(?=")|(?=\}})))*+\}}',
    )


@dataclass(slots=True)
class Known:
    """The pattern of a file's records, learned from those that had to go the slow way."""

    layout: Layout | None = None
    pattern: Pattern | None = None
    _form: Form = field(default_factory=Form)
    _lessons: int = 0
    _slow: int = 0
    _fast: int = 0

    @classmethod
    def anything(cls, layout: Layout) -> "Known":
        """A pattern of any values, with four groups: text, number, list, object."""
        return cls(layout, Pattern(Form({"text", "number", "list", "whole"}), layout, lambda _: ""))

    def clear(self) -> None:
        """Forget it."""
        self.pattern, self._form, self._lessons, self._slow, self._fast = None, Form(), 0, 0, 0

    def run(self, text: str, position: int, line: int) -> Run | None:
        """The records from ``position`` on that the pattern matches."""
        run = self.pattern.run(text, position, line) if self.pattern else None
        self._fast += len(run) if run else 0
        return run

    def miss(self, item: Item, shape: Shape) -> None:
        """Learn from a record that the pattern did not match; a pattern comes of many."""
        if self.layout is None or self._lessons == _LESSONS:
            return
        shape.learn(self._form, item)
        self._slow += 1
        if self._slow >= _LESSON:
            if self._slow * 20 > self._fast and self._form.kinds and self._form.count() <= _MOST:
                self.pattern = Pattern(self._form, self.layout, shape.column)
                self._lessons += 1
            self._slow = self._fast = 0

    def spool(self, run: Run, first_no: int, spool: TableSpool) -> None:
        """Add its records to the table."""
        if self.pattern is None:
            return
        columns, chars = self.pattern.columns(run), run.end - run.starts[0]
        if len(run) >= _FEW:
            spool.add_columns(first_no, columns, len(run), chars)
            return
        each = chars // len(run)
        texts = [column.to_pylist() for column in columns.values()]
        for place in range(len(run)):
            cells = {name: text[place] for name, text in zip(columns, texts, strict=True)}
            spool.add_named(first_no + place, cells, each)
