"""Delimited text in blocks: runs of tidy records as they are, and only what is untidy one by one."""

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from sluice.readers.text import records as exact
from sluice.readers.text.records import Lines, Record, next_record
from sluice.readers.text.scan import Scanner
from sluice.readers.text.tokens import Dialect, Tokenizer

_BLOCK = 1 << 20
_SMALL = 1 << 14
_FEW = 4  # records: a run of so few is not worth its while
_MOST_STEPS = 512
_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class Run(NamedTuple):
    """Whole tidy records: the first's line, their exact bytes with all line ends, where each ends, all lines."""

    line: int
    data: bytes
    ends: npt.NDArray[np.int64]
    lines: int

    def record(self, position: int) -> tuple[int, str]:
        """Line and raw text of one record."""
        begin = int(self.ends[position - 1]) if position else 0
        raw = self.data[begin : int(self.ends[position])].decode().rstrip("\r\n")
        # Usually each record is one line; to count would take ever longer towards the end.
        before = position if self.lines == len(self.ends) else _line_ends(self.data[:begin])
        return self.line + before, raw


class ByteLines(Lines):
    """Lines of a binary UTF-8 file; what was read ahead is at hand as ``data[at:]``."""

    def __init__(self, file: IO[bytes]) -> None:
        self._bytes = file
        self.data = file.read(len(_BOM)).removeprefix(_BOM)
        self.at = self.number = self.tail = 0
        self._before = 0

    @property
    def position(self) -> int:
        """Bytes before the next line."""
        return self._before + self.at

    def fill(self) -> bool:
        """Read on; False at the end of the file."""
        more = self._bytes.read(_BLOCK)
        self._before += self.at
        self.data, self.at = self.data[self.at :] + more, 0
        return bool(more)

    def next(self) -> str:
        seen = 0
        while True:
            found = _END.search(self.data, self.at + seen)
            if found and (found[0] != b"\r" or found.end() < len(self.data)):
                end = found.end()
                break
            seen = found.start() - self.at if found else len(self.data) - self.at
            if self._is_too_long() or not self.fill():
                end = len(self.data)
                break
        text = self.data[self.at : end].decode("utf-8", "surrogateescape")
        if len(text) > exact.RECORD_LIMIT:
            text = text[: exact.RECORD_LIMIT]
            end = self.at + len(_encode(text))
        self.at = end
        self.number += bool(text)
        return text

    def _is_too_long(self) -> bool:
        least = exact.RECORD_LIMIT + 4  # a character may be cut into four
        rest = len(self.data) - self.at
        return rest > least and len(self.data[self.at :].decode("utf-8", "surrogateescape")) > least

    def without(self, char: str, most: int) -> str:
        found = self.data.find(char.encode(), self.at, self.at + most)
        stop = found if found >= 0 else min(self.at + most, len(self.data))
        text = self.data[self.at : self.data.rfind(b"\n", self.at, stop) + 1]
        self.at += len(text)
        self.number += _line_ends(text)
        return text.decode("utf-8", "surrogateescape")

    def back(self, texts: list[str], number: int) -> None:
        again = _encode("".join(texts))
        self._before = self.position - len(again)
        self.data, self.at = again + self.data[self.at :], 0
        self.number = number

    def skip_rest(self) -> None:
        number = self.number
        while (line := self.next()) and line[-1] not in "\r\n":
            pass
        self.number = number

    def run(self, ends: npt.NDArray[np.int64]) -> Run:
        """Take the records that end at ``ends`` (counted from the next line's begin)."""
        data = self.data[self.at : self.at + int(ends[-1])]
        found = Run(self.number + 1, data, ends, _line_ends(data))
        self.at += len(data)
        self.number += found.lines
        return found


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _line_ends(data: bytes) -> int:
    returns = data.count(b"\r")
    return data.count(b"\n") + (returns - data.count(b"\r\n") if returns else 0)


def parts(lines: ByteLines, dialect: Dialect, scanner: Scanner | None, skip: int) -> Iterator[Record | Run]:
    """All records in order, after ``skip`` lines: what ``records`` gives, but tidy ones in runs if there is a
    ``scanner``.
    """
    tokenizer = Tokenizer(dialect)
    for _ in range(skip):
        lines.next()
    if not scanner:
        while record := next_record(lines, tokenizer):
            yield record
        return
    most = min(_BLOCK, exact.RECORD_LIMIT)
    size, steps = most, 1
    while True:
        if len(lines.data) - lines.at < size:
            lines.fill()
        begin = lines.position
        ends, tidy, stopped = scanner.scan(lines.data[lines.at : lines.at + size])
        if len(ends):
            yield from _known(lines, tokenizer, ends, tidy)
        if stopped or not len(ends):
            few = len(ends) < _FEW
            # Where hardly anything is tidy, looking costs more than it saves: look less often.
            steps = min(steps * 2, _MOST_STEPS) if few else 1
            size = min(max(_SMALL, 2 * (lines.position - begin)), most)
            for _ in range(steps):
                if not (record := next_record(lines, tokenizer)):
                    return
                yield record
        else:
            size, steps = min(size * 4, most), 1


def _known(
    lines: ByteLines, tokenizer: Tokenizer, ends: npt.NDArray[np.int64], tidy: npt.NDArray[np.bool_]
) -> Iterator[Record | Run]:
    """The records that end at ``ends``."""
    if tidy.all():
        yield lines.run(ends)
        return
    begin, last = lines.position, int(ends[-1])
    starts = [0, *ends[:-1].tolist()]
    place = {start: number for number, start in enumerate(starts)}
    stops = [*np.flatnonzero(~tidy).tolist(), len(ends)]
    upcoming = 0
    while (at := lines.position - begin) < last:
        first = place.get(at)
        if first is not None:
            while stops[upcoming] < first:
                upcoming += 1
            if (stop := stops[upcoming]) - first >= _FEW:
                yield lines.run(ends[first:stop] - at)
                continue
        if not (record := next_record(lines, tokenizer)):
            return
        yield record
