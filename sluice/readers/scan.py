"""Which records of a block of bytes are tidy, told from the places of its delimiters, quotes and line ends."""

import numpy as np
import numpy.typing as npt

from sluice.readers.records import Dialect

_LF, _CR = 10, 13
Places = npt.NDArray[np.int64]


class Scanner:
    """Tidy: ``width`` cells and then ``padding`` empty ones, quotes only around whole cells, the usual line end, valid
    UTF-8, and no beginning like one of ``marks``. Whatever is not surely so is left to the exact pass.
    """

    def __init__(self, dialect: Dialect, width: int, padding: int, line_end: str, marks: str) -> None:
        self._cells, self._padding = width + padding, padding
        self._delimiter = dialect.delimiter.encode()
        self._quote, self._escape = dialect.quote.encode(), dialect.escape.encode()
        self._line_end = line_end.encode()
        self._end = self._line_end[-1]
        self._marks = np.frombuffer(marks.encode(), np.uint8)
        self._able = bool(self._delimiter) and len(self._quote) <= 1 and len(self._escape) == len(self._quote)

    def scan(self, block: bytes) -> tuple[Places, npt.NDArray[np.bool_], bool]:
        """Where the records end, which of them are tidy, and whether something untidy hides what follows them."""
        data = np.frombuffer(block, np.uint8)
        nothing = np.empty(0, np.int64), np.empty(0, np.bool_), True
        if not self._able or (delimiters := self._delimiters(data)) is None:
            return nothing
        is_end = data == self._end
        stop = len(block)
        places = np.flatnonzero(delimiters | is_end)
        quotes = np.empty(0, np.int64)
        if self._quote and self._quote in block:
            quotes, stop = self._quotes(data, block, delimiters | is_end)
            places = places[(np.searchsorted(quotes, places) & 1) == 0]
        if not block.isascii():
            stop = min(stop, _valid(block, block.rfind(self._line_end[-1:]) + 1))
        stopped = stop < len(block)
        places = places[places < stop]
        last = np.flatnonzero(data[places] == self._end)
        if self._end == _CR and len(last) and places[last[-1]] == len(block) - 1:
            last = last[:-1]  # its LF may follow
        if not len(last):
            return *nothing[:2], stopped
        ends = places[last] + 1
        starts = np.concatenate(([0], ends[:-1]))
        tidy = np.diff(last, prepend=-1) == self._cells
        tidy &= ends - starts > len(self._line_end)
        self._check_ends(data, block, quotes, ends, tidy)
        if len(self._marks):
            tidy &= ~np.isin(data[starts], self._marks)
        for number in range(self._padding):
            rows = np.flatnonzero(tidy)
            gap = len(self._line_end) + number * len(self._delimiter)
            tidy[rows] = places[last[rows] - number - 1] == places[last[rows]] - gap
        return ends, tidy, stopped

    def _delimiters(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
        """The last byte of each; None if they overlap."""
        size = len(self._delimiter)
        found: npt.NDArray[np.bool_] = data == self._delimiter[-1]
        if size == 1:
            return found
        for back, byte in enumerate(reversed(self._delimiter[:-1]), 1):
            found[back:] &= data[:-back] == byte
        found[: size - 1] = False
        return None if (np.diff(np.flatnonzero(found)) < size).any() else found

    def _quotes(
        self, data: npt.NDArray[np.uint8], block: bytes, borders: npt.NDArray[np.bool_]
    ) -> tuple[Places, int]:
        """Where cells are opened and closed in turns, and where that is sure no more."""
        stop, quote = len(block), self._quote[0]
        found = np.flatnonzero(data == quote)
        doubled = self._escape == self._quote
        if not doubled and self._escape in block:
            escapes = np.flatnonzero(data == self._escape[0])
            twice = escapes[:-1][np.diff(escapes) == 1]
            stop = int(twice[0]) if len(twice) else stop
            found = found[(found == 0) | (data[found - 1] != self._escape[0])]
        found = found[found < stop]
        opened, closed = found[::2], found[1::2]
        closed = closed[closed < len(block) - 1]
        before, after = data[opened - 1], data[closed + 1]
        fits = (opened == 0) | borders[opened - 1]
        ends = (after == self._delimiter[0]) | (after == self._line_end[0])
        if len(self._delimiter) > 1:
            ends = after == self._line_end[0]
            sure = np.minimum(closed + len(self._delimiter), len(block) - 1)
            ends |= (after == self._delimiter[0]) & borders[sure]
        if doubled:
            fits |= before == quote
            ends |= after == quote
        for bad in (opened[~fits], closed[~ends]):
            stop = min(stop, int(bad[0])) if len(bad) else stop
        return found, stop

    def _check_ends(
        self,
        data: npt.NDArray[np.uint8],
        block: bytes,
        quotes: Places,
        ends: Places,
        tidy: npt.NDArray[np.bool_],
    ) -> None:
        """No line end of another kind stands in a tidy record, or touches its own."""
        other = _LF if self._end == _CR else _CR
        if self._line_end == b"\r\n":
            tidy &= data[ends - 2] == _CR
        if other not in block:
            return
        found = np.flatnonzero(data == other)
        if self._line_end == b"\r\n":
            found = found[:-1] if found[-1] == len(block) - 1 else found
            found = found[data[found + 1] != _LF]
        found = found[(np.searchsorted(quotes, found) & 1) == 0]
        record = np.searchsorted(ends, found, "right")
        tidy[record[record < len(ends)]] = False
        if self._end == _CR:
            tidy[record[record > 0] - 1] = False


def _valid(block: bytes, size: int) -> int:
    """Where the first byte that is not UTF-8 stands before ``size``; what follows may be cut."""
    try:
        block[:size].decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(block)
