"""Records with stray quotes, mended where only one reading has as many cells as the table."""

from collections.abc import Iterator

from sluice.readers.account import Account
from sluice.readers.text.blocks import Run
from sluice.readers.text.records import Record
from sluice.readers.text.tokens import Dialect, Tokenizer

_LONG = 10_000  # characters of a record that is looked at
_MANY = 40  # quotes in it
_WIDE = 1_000  # cells of it


def with_quotes_mended(
    found: Iterator[Record | Run], dialect: Dialect, width: int, account: Account
) -> Iterator[Record | Run]:
    """All records; what was mended is counted."""
    tokenizer = Tokenizer(dialect)
    for record in found:
        if isinstance(record, Run) or record.reason not in ("bad_quote", "unclosed_quote"):
            yield record
        elif cells := clear_reading(record.raw, tokenizer, width):
            account.repairs["stray_quote"] += 1
            yield record._replace(cells=cells, reason="")
        else:
            yield record


def clear_reading(raw: str, tokenizer: Tokenizer, width: int) -> list[str]:
    """The only ``width`` cells that the text can be read as; none if there are several ways, or no way.

    A quote closes a quoted cell only before a delimiter or the end, and is text elsewhere. A quote that closes a
    cell without having been opened makes nothing clear.
    """
    dialect = tokenizer.dialect
    if len(raw) > _LONG or width > _WIDE or raw.count(dialect.quote) > _MANY or not _is_text(raw):
        return []
    if raw.count(dialect.delimiter) < width - 1:
        return []
    step, stop = len(dialect.delimiter), len(raw)
    # Where the next cell may begin: in how many ways, and the cells of one of them.
    ways: dict[int, tuple[int, tuple[str, ...]]] = {0: (1, ())}
    for left in reversed(range(width)):
        following: dict[int, tuple[int, tuple[str, ...]]] = {}
        for start, (count, before) in ways.items():
            for end, text, sure in _cells_at(raw, start, tokenizer):
                if (end == stop) == (left == 0):
                    others = following.get(end + step, (0, ()))[0]
                    following[end + step] = count * (1 if sure else 2) + others, (*before, text)
        if not (ways := following):
            return []
    count, cells = ways.get(stop + step, (0, ()))
    return list(cells) if count == 1 else []


def _cells_at(raw: str, start: int, tokenizer: Tokenizer) -> Iterator[tuple[int, str, bool]]:
    """Each end that a cell may have, its text, and whether that is sure."""
    delimiter, quote = tokenizer.dialect.delimiter, tokenizer.dialect.quote
    if not raw.startswith(quote, start):
        end = raw.find(delimiter, start)
        end = len(raw) if end < 0 else end
        yield end, raw[start:end], not raw.endswith(quote, start, end)
        return
    at = raw.find(quote, start + 1)
    while at >= 0:
        end = at + 1
        if end == len(raw) or raw.startswith(delimiter, end):
            yield end, tokenizer.unescaped(raw[start + 1 : at]), True
        at = raw.find(quote, end)


def _is_text(raw: str) -> bool:
    try:
        raw.encode()
    except UnicodeEncodeError:
        return False
    return True
