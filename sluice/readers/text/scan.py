"""Which records of a block of bytes are tidy, told from the places of its delimiters, quotes and line ends."""

import re
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sluice.readers.text.tokens import Dialect

_LF, _CR = 10, 13
_CHUNK = 4 << 20
_END = re.compile(rb"[\r\n]")
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Quotes(NamedTuple):
    """Where quotes stand, where counting them starts anew (a place and the number of quotes before it), the ends of
    lines that only the exact pass can tell, and where nothing is sure any more.
    """

    places: Places
    restarts: Places
    before: Places
    unclear: list[int]
    stop: int

    def outside(self, places: Places) -> Flags:
        """Which places lie in no quoted cell."""
        count = np.searchsorted(self.places, places)
        before = self.before[np.searchsorted(self.restarts, places, "right") - 1]
        outside: Flags = (count - before) & 1 == 0
        return outside


class Scanner:
    """Tidy: ``width`` cells and then ``padding`` empty ones, quotes only around whole cells, valid UTF-8, any line end,
    and no beginning like one of ``marks``. Whatever is not surely so is left to the exact pass.
    """

    def __init__(self, dialect: Dialect, width: int, padding: int, marks: str) -> None:
        self._cells, self._padding = width + padding, padding
        self._delimiter = dialect.delimiter.encode()
        self._quote, self._escape = dialect.quote.encode(), dialect.escape.encode()
        self._marks = np.frombuffer(marks.encode(errors="surrogateescape"), np.uint8)
        self._able = bool(self._delimiter) and len(self._quote) <= 1 and len(self._escape) == len(self._quote)

    def scan(self, block: bytes) -> tuple[Places, Flags, bool]:
        """Where the records end, which of them are tidy, and whether something untidy hides what follows them."""
        data = np.frombuffer(block, np.uint8)
        nothing = np.empty(0, np.int64), np.empty(0, np.bool_)
        if not self._able or (delimiters := self._delimiters(data)) is None:
            return *nothing, True
        is_end, returns = _line_ends(data, block)
        borders = delimiters | is_end
        escapes, stop = self._escapes(data, block, borders)
        places = np.flatnonzero(borders)
        unclear: list[int] = []
        if self._quote and self._quote in block:
            quotes = self._quotes(data, stop, borders, is_end)
            unclear, stop = quotes.unclear, quotes.stop
            places = places[quotes.outside(places)]
            escapes = escapes[quotes.outside(escapes)]
        stopped = stop < len(block)
        places = places[places < stop]
        last = np.flatnonzero(is_end[places])
        if not len(last):
            return *nothing, stopped
        ends = places[last] + 1
        starts = np.concatenate(([0], ends[:-1]))
        tails = ends - 1 - returns[ends - 2]  # of a block of one line end, the look wraps around to no return
        tidy = (np.diff(last, prepend=-1) == self._cells) & (tails > starts)
        tidy[np.searchsorted(ends, unclear)] = False
        tidy[np.searchsorted(ends, escapes[escapes < ends[-1]], "right")] = False
        if not block.isascii():
            tidy[np.searchsorted(ends, _undecodable(block, int(ends[-1])), "right")] = False
        if len(self._marks):
            tidy &= ~np.isin(data[starts], self._marks)
        for number in range(self._padding):
            rows = np.flatnonzero(tidy)
            gap = 1 + number * len(self._delimiter)
            tidy[rows] = places[last[rows] - number - 1] == tails[rows] - gap
        return ends, tidy, stopped

    def _delimiters(self, data: npt.NDArray[np.uint8]) -> Flags | None:
        """The last byte of each; None if they overlap."""
        size = len(self._delimiter)
        found: Flags = data == self._delimiter[-1]
        if size == 1:
            return found
        for back, byte in enumerate(reversed(self._delimiter[:-1]), 1):
            found[back:] &= data[:-back] == byte
        found[: size - 1] = False
        return None if (np.diff(np.flatnonzero(found)) < size).any() else found

    def _escapes(self, data: npt.NDArray[np.uint8], block: bytes, borders: Flags) -> tuple[Places, int]:
        """Where escapes stand, and where nothing is sure any more: at escaped escapes and line ends. A delimiter behind
        an escape is none of the ``borders``.
        """
        if self._escape in (b"", self._quote, self._delimiter) or self._escape not in block:
            return np.empty(0, np.int64), len(block)
        found = np.flatnonzero(data == self._escape[0])
        last = len(data) - 1
        after = data[np.minimum(found + 1, last)]
        borders[np.minimum(found + len(self._delimiter), last)] = False
        unsure = found[(after == self._escape[0]) | (after == _LF) | (after == _CR) | (found == last)]
        return found, int(unsure[0]) if len(unsure) else len(block)

    def _quotes(self, data: npt.NDArray[np.uint8], stop: int, borders: Flags, is_end: Flags) -> Quotes:
        """Cells are opened and closed in turns. Where that fails, the record's first line stands alone, as the exact
        pass has it, and the turns start anew behind it.
        """
        found = np.flatnonzero(data == self._quote[0])
        if self._escape != self._quote:
            found = found[(found == 0) | (data[found - 1] != self._escape[0])]
        found = found[found < stop]
        opens, closes = self._turns(data, found, borders)
        even = np.arange(len(found)) & 1 == 0
        bad = [np.flatnonzero(~np.where(even, *turn)).tolist() for turn in ((opens, closes), (closes, opens))]
        restarts, before, unclear = [0], [0], []
        if any(bad):
            lines, places = np.flatnonzero(is_end).tolist(), found.tolist()
            while (at := bisect_left(turn := bad[before[-1] & 1], before[-1])) < len(turn):
                end = self._first_line(lines, places, restarts[-1], before[-1], places[turn[at]])
                if end is None or end >= stop:
                    stop = min(stop, places[turn[at]])
                    break
                unclear.append(end + 1)
                restarts.append(end)
                before.append(bisect_left(places, end))
        return Quotes(found, np.array(restarts), np.array(before), unclear, stop)

    def _turns(self, data: npt.NDArray[np.uint8], found: Places, borders: Flags) -> tuple[Flags, Flags]:
        """Which quotes may open a cell, and which may close one."""
        size = len(self._delimiter)
        sure = np.minimum(found + 1, len(data) - 1)
        after = data[sure]
        opens = (found == 0) | borders[found - 1]
        closes = (found == len(data) - 1) | (after == _LF) | (after == _CR)
        closes |= (after == self._delimiter[0]) & borders[np.minimum(found + size, len(data) - 1)]
        if self._escape == self._quote:
            opens |= (data[found - 1] == self._quote[0]) & (found > 0)
            closes |= after == self._quote[0]
        return opens, closes

    @staticmethod
    def _first_line(lines: list[int], quotes: list[int], start: int, before: int, bad: int) -> int | None:
        """Where the first line ends of the record that holds a ``bad`` quote; None if that is not in the block."""
        line = bisect_left(lines, bad)
        while line and lines[line - 1] > start and (bisect_left(quotes, lines[line - 1]) - before) & 1:
            line -= 1
        return lines[line] if line < len(lines) else None


def _line_ends(data: npt.NDArray[np.uint8], block: bytes) -> tuple[Flags, Flags]:
    """The last byte of each line end, and the CR before an LF. A CR that stands last may be either: it is neither."""
    ends = data == _LF
    returns = np.zeros(len(data), np.bool_)
    if b"\r" in block:
        found = data == _CR
        returns[:-1] = found[:-1] & ends[1:]
        found[-1] = False
        ends |= found & ~returns
    return ends, returns


def _undecodable(block: bytes, size: int) -> list[int]:
    """Places before ``size`` of bytes that are not UTF-8, not more than one a line."""
    found, start = [], 0
    while start < size:
        try:
            block[start:size].decode()
            break
        except UnicodeDecodeError as error:
            found.append(start + error.start)
        end = _END.search(block, found[-1])
        start = end.end() if end else size
    return found


def may_hold_blank_lines(path: Path) -> bool:
    """Whether line ends stand side by side anywhere, also in cells."""
    chunk = min(_CHUNK, path.stat().st_size + 1)
    buffer = bytearray(b"\n" * (chunk + 1))
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(view[1:]):
            pairs = [0x0A0A, 0x0D0A, 0x0D0D] if buffer.find(b"\r", 0, count + 1) >= 0 else [0x0A0A]
            for shift in (0, 1):
                text = np.frombuffer(buffer, "<u2", (count + 1 - shift) // 2, shift)
                if any((text == pair).any() for pair in pairs):
                    return True
            buffer[0] = buffer[count]
    return False
