"""What the cells of a record's text are, exactly as DuckDB's strict parser sees it."""

import csv
import re
from dataclasses import dataclass

_CELL_LIMIT = 131_072  # of Python's csv module


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are written. Empty ``quote``: quotes are ordinary text.

    An ``escape`` that is not the quote stands before a quote, a delimiter, a line end or itself outside of quotes too,
    and is text before anything else there.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'

    @property
    def escapes_outside(self) -> bool:
        """Whether an escape means something outside of quotes."""
        return self.escape not in ("", self.quote, self.delimiter)


class Tokenizer:
    """Splits the text of a record into cells."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        d, q, e = (re.escape(part) for part in (dialect.delimiter, dialect.quote, dialect.escape))
        self._outside = dialect.escapes_outside
        if self._outside:
            self._plain = re.compile(rf"((?:(?!{d})[^{e}]|{e}{d}|{e}[\s\S])*+)({d}|{e}?\Z)")
            self._escaped_plain = re.compile(rf"{e}({d}|{q or e}|{e}|\r\n?|\n)")
        if not dialect.quote:
            self._opening = re.compile(r"(?!)")
            return
        doubled = dialect.escape == dialect.quote
        inner = rf"[^{q}]++|{q}{q}" if doubled else rf"[^{q}{e}]++|{e}[\s\S]"
        before = after = ""
        if dialect.delimiter != " ":
            # As DuckDB does: one space before an opening quote and all after a closing one do not count,
            # and quoted parts with only spaces between them are one cell.
            before, after = " ?", " *?"
            inner += rf"|{q}(?!{d}) ++{q}" if dialect.delimiter[0] == " " else f"|{q} ++{q}"
        opening, inside = rf"{before}{q}", rf"((?:{inner})*+)"
        closing, still = rf"{q}{after}(?:{d}|\Z)", r"\Z" if doubled else rf"(?:{e})?\Z"
        self._opening = re.compile(opening)
        self._quoted, self._open = (
            re.compile(opening + inside + closing),
            re.compile(opening + inside + still),
        )
        self._closing, self._inside = re.compile(inside + closing), re.compile(inside + still)
        one = len(dialect.delimiter) == 1 and doubled
        cell = rf"(?:{q}(?:[^{q}]++|{q}{q})*+{q}|[^{q}{d}]*+)"
        self._tidy = re.compile(rf"{cell}(?:{d}{cell})*+") if one else None
        self._escaped = re.compile(rf"{q}( +){q}|{e}" + (f"({q})" if doubled else r"([\s\S])"))

    def split(self, text: str) -> tuple[list[str], str]:
        """Cells, and '' or what is wrong: ``open`` (a quoted cell does not end here), ``escaped`` (nor does any other,
        by an escape at the end) or ``bad_quote``.
        """
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        escaped = self._outside and self.dialect.escape in text
        if not escaped and (not quote or quote not in text):
            return text.split(delimiter), ""
        if not escaped and self._tidy and len(text) < _CELL_LIMIT and self._tidy.fullmatch(text):
            return next(csv.reader([text], delimiter=delimiter, quotechar=quote)), ""
        cells: list[str] = []
        return cells, self._split_untidy(text, cells)[0]

    def unescaped(self, text: str) -> str:
        """What the text of a quoted cell means."""
        quote = self.dialect.quote
        if self.dialect.escape == quote and f"{quote} " not in text:  # the usual, at a tenth of the time
            return text.replace(quote + quote, quote)
        return self._escaped.sub(r"\1\2", text)

    def _split_untidy(self, text: str, cells: list[str], position: int = 0) -> tuple[str, int]:
        """Add the cells from ``position`` on; what is wrong, and where the text of a wrong cell begins."""
        delimiter, end = self.dialect.delimiter, len(text)
        while True:
            if opening := self._opening.match(text, position):
                found = self._quoted.match(text, position)
                if not found:
                    return "open" if self._open.match(text, position) else "bad_quote", opening.end()
                cells.append(self.unescaped(found[1]))
                position = found.end()
                if position == end and not text.endswith(delimiter, found.end(1)):
                    return "", end
            elif self._outside:
                found = self._plain.match(text, position)
                assert found
                if found[2] != delimiter:
                    if found[2]:
                        return "escaped", position
                    cells.append(self._escaped_plain.sub(r"\1", found[1]))
                    return "", end
                cells.append(self._escaped_plain.sub(r"\1", found[1]))
                position = found.end()
            else:
                stop = text.find(delimiter, position)
                if stop < 0:
                    cells.append(text[position:])
                    return "", end
                cells.append(text[position:stop])
                position = stop + len(delimiter)

    def opened(self, line: str) -> tuple[list[str], list[str], str]:
        """The cells before the one that is still open at the line's end, the text of that one so far, and ``open`` or
        ``escaped``.
        """
        cells: list[str] = []
        problem, start = self._split_untidy(line.rstrip("\r\n"), cells)
        return cells, [line[start:]], problem

    def resume(self, cells: list[str], inside: list[str], problem: str, line: str) -> str:
        """Go on in the open cell (what ``opened`` gave, brought up to date). What is wrong, as from ``split``.

        A line is looked at once, however many the cell has.
        """
        text = line.rstrip("\r\n")
        if problem == "escaped":
            return self._resume_plain(cells, inside, line, text)
        found = self._closing.match(text)
        if not found:
            inside.append(line)
            return "open" if self._inside.match(text) else "bad_quote"
        cells.append(self.unescaped("".join((*inside, found[1]))))
        if found.end() == len(text) and not text.endswith(self.dialect.delimiter, found.end(1)):
            return ""
        return self._resume_after(cells, inside, line, text, found.end())

    def _resume_plain(self, cells: list[str], inside: list[str], line: str, text: str) -> str:
        found = self._plain.match(text)
        assert found
        if found[2] not in ("", self.dialect.delimiter):
            inside.append(line)
            return "escaped"
        cells.append(self._escaped_plain.sub(r"\1", "".join((*inside, found[1]))))
        return self._resume_after(cells, inside, line, text, found.end()) if found[2] else ""

    def _resume_after(self, cells: list[str], inside: list[str], line: str, text: str, position: int) -> str:
        problem, start = self._split_untidy(text, cells, position)
        inside[:] = [line[start:]]
        return problem

    def end(self, cells: list[str], inside: list[str]) -> None:
        """Close the cell that an escape left open at the end of the file: nothing follows, so the escape is text."""
        cells.append(self._escaped_plain.sub(r"\1", "".join(inside).rstrip("\r\n")))
