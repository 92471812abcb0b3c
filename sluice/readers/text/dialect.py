"""How the cells of a delimited file are written: candidates tried on samples."""

import re
from collections.abc import Iterator

from sluice.errors import SetupError
from sluice.readers.text.candidates import delimiters, escapes, quotes
from sluice.readers.text.sample import Sample
from sluice.readers.text.scores import score, single
from sluice.readers.text.tokens import Dialect

_FIRST = 30  # records that choose which candidates are looked at closely
_FINAL = 4
_SCORED = 1 << 18  # characters
NAMES = {
    "tab": "\t",
    "\\t": "\t",
    "space": " ",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "\\x1f": "\x1f",
}
# No text holds it: the delimiter of a table of one column.
_NONE = "\x1f"
# Excel's own first line.
SEPARATOR = re.compile(r"sep=([^\r\n\ud800-\udfff]+?)(?=[\r\n])", re.IGNORECASE)


def boolean(name: str, text: str) -> bool:
    """The option as a truth value. Raises SetupError."""
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise SetupError(
        f"The source option {name}={text} is neither true nor false.", hint=f"Write {name}=true."
    )


def find_dialect(sample: Sample, options: dict[str, str]) -> Dialect:
    """The best candidate; ``options`` that are given are believed."""
    text = sample.head
    told = SEPARATOR.match(text)
    given = options.get("delimiter", told[1] if told else None)
    tried = {NAMES.get(given.lower(), given): 1.0} if given else delimiters(text)
    quote = options.get("quote", '"')
    best = Dialect(next(iter(tried)) if given else _NONE, quote, options.get("escape", quote))
    part = Sample(text[:_SCORED], sample.whole and len(text) <= _SCORED)
    seen = "\n".join((part.head, *sample.others))
    every = [(d, prior) for delimiter, prior in tried.items() for d in _dialects(seen, delimiter, options)]
    if len(every) > _FINAL:
        scores = {d: score(part.records(d, _FIRST), d) * prior for d, prior in every}
        least = max(scores.values()) / 2
        every = [one for one in sorted(every, key=lambda one: -scores[one[0]]) if scores[one[0]] >= least]
    best_score = 0.0 if given else single(part, best)
    for dialect, prior in every[:_FINAL]:
        found = score(part.records(dialect), dialect) * prior
        if found > best_score + 1e-9:
            best, best_score = dialect, found
    return best if given else _spaced(best, part)


def _dialects(text: str, delimiter: str, options: dict[str, str]) -> Iterator[Dialect]:
    for quote in [options["quote"]] if "quote" in options else quotes(text, delimiter):
        for escape in (
            [options["escape"] or quote] if "escape" in options else escapes(text, quote, delimiter)
        ):
            if quote != delimiter:
                yield Dialect(delimiter, quote, escape)


def _spaced(dialect: Dialect, sample: Sample) -> Dialect:
    """With the spaces that stand around every delimiter: they are no part of the cells."""
    delimiter = dialect.delimiter
    if delimiter not in (",", ";", "|") or f"{delimiter} " not in sample.head:
        return dialect
    rows = [r.cells for r in (*sample.records(dialect), *sample.later(dialect)) if len(r.cells) > 1]
    after = bool(rows) and all(cell[:1] == " " for row in rows for cell in row[1:])
    before = after and all(cell[-1:] == " " for row in rows for cell in row[:-1])
    return Dialect(f"{' ' * before}{delimiter}{' ' * after}", dialect.quote, dialect.escape)
