"""SQL that looks at a cell's text before its type is asked: white space, emptiness, shape."""

from sluice.contracts.model import Column
from sluice.readers.spool import quote_text

# As they are: an expression that makes them would be planned anew at each of the many places.
BLANKS = quote_text(" \t\n\r\u00a0")
_BLANK = ", ".join(map(quote_text, " \t\n\r\u00a0"))


def bare(text: str) -> str:
    """SQL for the text without white space around it. Few texts have any, and looking costs a fifth of trimming."""
    last = f"right({text}, 1) IN ({_BLANK})"
    around = f"{text} < '!' OR starts_with({text}, '\u00a0') OR {last}"
    return f"CASE WHEN {around} THEN trim({text}, {BLANKS}) ELSE {text} END"


def is_empty(column: Column, text: str) -> str:
    """SQL: the cell is missing, empty or a null spelling; white space around does not count."""
    spelled = dict.fromkeys(("", *column.null_values))
    if len(spelled) == 1:
        return f"({text} IS NULL OR trim({text}, {BLANKS}) = '')"
    spellings = ", ".join(map(quote_text, spelled))
    return f"({text} IS NULL OR {text} IN ({spellings}) OR trim({text}, {BLANKS}) IN ({spellings}))"


def strict(text: str, believed: str, cast: str, pattern: str, value: str) -> str:
    """SQL for the cheap cast where it is believed, else for ``value`` where the text has the pattern."""
    matches = f"regexp_full_match(trim({text}, {BLANKS}), '{pattern}')"
    return f"CASE WHEN {believed} THEN {cast} WHEN {text} = '' THEN NULL WHEN {matches} THEN {value} END"
