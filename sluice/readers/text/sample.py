"""Parts of a delimited file that show what it is like."""

import io
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from sluice.errors import ReadError
from sluice.readers.text.records import RECORD_LIMIT, Record, records
from sluice.readers.text.tokens import Dialect

SAMPLE_RECORDS = 200
_SAMPLE = 1 << 18
_OTHER_SAMPLE = 1 << 15
_MARK = "\ufeff"  # of which a program may have added a second one
_LINE_END = re.compile(r"\r\n|\r|\n")


class Sample(NamedTuple):
    """Text of the file's head, and of its middle and end where the head is not the whole."""

    head: str
    whole: bool
    others: tuple[str, ...] = ()

    def records(self, dialect: Dialect, most: int = SAMPLE_RECORDS) -> list[Record]:
        """The first records."""
        return _cut(self.head, dialect, most, whole=self.whole)

    def later(self, dialect: Dialect) -> list[Record]:
        """Records of the middle and the end, less their first: it may begin inside a quoted cell."""
        return [r for text in self.others for r in _cut(text, dialect, 50, whole=False)[1:]]

    def tail(self, dialect: Dialect) -> list[Record]:
        """The last records, less the first of that part; none of a sample that is the whole file."""
        return [] if self.whole else list(records(io.StringIO(self.others[-1], newline=""), dialect))[1:]


def _cut(text: str, dialect: Dialect, most: int, *, whole: bool) -> list[Record]:
    found = list(itertools.islice(records(io.StringIO(text, newline=""), dialect), most))
    return found[:-1] if not whole and 1 < len(found) < most else found


def sample_of(path: Path) -> Sample:
    """Head, middle and end of a UTF-8 file. Raises ReadError if its first line is too long."""
    head, whole = _head(path)
    if whole:
        return Sample(head, True)
    size = path.stat().st_size
    others = []
    with path.open("rb") as file:
        for place in (size // 2, size - _OTHER_SAMPLE):
            file.seek(max(place, 0))
            text = file.read(_OTHER_SAMPLE).decode("utf-8", "surrogateescape")
            cut = _LINE_END.search(text)
            others.append(text[cut.end() :] if cut else "")
    return Sample(head, False, tuple(others))


def _head(path: Path) -> tuple[str, bool]:
    """The first part of the file, longer if its first record is, and whether it is the whole file."""
    size = _SAMPLE
    while True:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            text = file.read(size)
        begun = text.lstrip("\r\n")
        if len(text) < size or "\n" in begun or "\r" in begun:
            return text.lstrip(_MARK), len(text) < size
        if size > RECORD_LIMIT:
            raise ReadError(
                f"The first line of {path} is longer than {RECORD_LIMIT:,} characters.",
                hint="Is this really a table, with line ends?",
                file=path,
            )
        size *= 8
