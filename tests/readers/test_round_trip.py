"""What Python's csv module writes comes back cell for cell; SLUICE_EXAMPLES sets how many tables are tried."""

import csv
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sluice.readers import open_table
from sluice.readers.export import export

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "100"))
AWKWARD = [
    *(
        "Smith, John",
        "O'Brien",
        "5'11\"",
        "a;b;c",
        "x|y",
        'said "hi" to me',
        "line one\nline two",
        "",
        "NULL",
    ),
    *(
        "https://example.org/a?b=1&c=2",
        "12:30:00",
        "1,5",
        '{"a": [1, 2]}',
        "C:\\dir\\",
        "-",
        "It was, they said; so.",
    ),
    *("#12", "two\r\nlines", "tab\there", " padded ", "Müller", "Crème brûlée", "50% off!", "a~b^c", "Total"),
]
TEXTS = st.sampled_from(AWKWARD) | st.sampled_from(["Anna", "Bob", "Rome", "New York", "a longer note"])
COLUMNS = {
    "day": st.dates().map(str),
    "amount": st.decimals(-999, 9999, places=2).map(str),
    "count": st.integers(0, 10**6).map(str),
    "flag": st.sampled_from(["true", "false"]),
    "name": TEXTS,
    "note": TEXTS,
}
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@dataclass(frozen=True)
class Written:
    """How a table is written."""

    delimiter: str
    quote: str
    doubled: bool
    quoting: int
    encoding: str

    def write(self, rows: list[list[str]], ends: list[str]) -> bytes:
        out = io.StringIO(newline="")
        for row, end in zip(rows, ends, strict=True):
            csv.writer(
                out,
                delimiter=self.delimiter,
                quotechar=self.quote,
                doublequote=self.doubled,
                escapechar=None if self.doubled else "\\",
                quoting=self.quoting,  # type: ignore[arg-type]
                lineterminator="\r\n",  # so that a cell with either character is quoted
            ).writerow(row)
            out.seek(out.tell() - 2)
            out.write(end)
            out.truncate()
        return out.getvalue().encode(self.encoding)


def read(data: bytes, **options: str) -> tuple[list[list[str]], int]:
    """Header and records, and how many were rejected."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(data)
        table = open_table(path, options)
        out = io.StringIO(newline="")
        found = export(table, out, Path(folder), memory_limit_mb=300, threads=1)
        table.close()
    return list(csv.reader(io.StringIO(out.getvalue(), newline=""))), found.rejects


def dialects(delimiters: list[str], encodings: list[str]) -> st.SearchStrategy[Written]:
    """All of Python's: without quotes, every special character stands behind a backslash."""
    places = st.sampled_from(delimiters), st.sampled_from(['"', "'"])
    quoting = st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
    encoding = st.sampled_from(encodings)
    doubled = st.builds(Written, *places, st.just(True), quoting, encoding)
    escaped = st.builds(Written, *places, st.just(False), quoting | st.just(csv.QUOTE_NONE), encoding)
    return doubled | escaped


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    data=st.data(),
    written=dialects(
        [",", ";", "\t", "|", "\x1f", "^", "~"], ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]
    ),
    names=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=6, unique=True),
    size=st.integers(3, 30),
)
def test_a_realistic_table_comes_back_without_hints(data, written, names, size):
    # Nothing shows an apostrophe as the quote where hardly a cell is quoted and each stands behind a backslash.
    assume(written.doubled or written.quote == '"' or written.quoting == csv.QUOTE_ALL)
    header = ["id", *names, "said", "last"]
    # What shows the escape, and no line end before that of the record.
    shown = ['so, "he" said; it\'s', "no"]
    rows = [[str(i), *(data.draw(COLUMNS[name]) for name in names), *shown] for i in range(1, size + 1)]
    ends = data.draw(st.lists(ENDS, min_size=size + 1, max_size=size + 1))
    assert read(written.write([header, *rows], ends)) == ([header, *rows], 0)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    data=st.data(),
    written=dialects(
        [",", ";", "\t", "|", ":", " ", "\x1f", "\x01", "^", "a", "0", "é", "、"],
        ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"],
    ),
    cells=st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2
        ),
        max_size=8,
    ),
)
def test_any_text_comes_back_when_the_dialect_is_told(data, written, cells):
    # Last an id: of a CR behind a backslash and the line's own LF, nobody knows which the backslash is for.
    rows = [["one", "two", "id"], *([*row, str(i)] for i, row in enumerate(cells, 1))]
    ends = data.draw(st.lists(ENDS, min_size=len(rows), max_size=len(rows)))
    options = {
        "delimiter": written.delimiter,
        "quote": written.quote,
        "escape": written.quote if written.doubled else "\\",
        "encoding": written.encoding,
        "header": "true",
    }
    assert read(written.write(rows, ends), **options) == (rows, 0)
