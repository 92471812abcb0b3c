"""SQL that looks at a cell's text before its type is asked: white space, emptiness, shape."""

from sluice.contracts.model import Column
from sluice.readers.spool import quote_text

BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


def bare(text: str) -> str:
    """SQL for the text without white space around it. Few texts have any, and looking costs a fifth of trimming."""
    last = f"right({text}, 1) IN (' ', chr(9), chr(10), chr(13), chr(160))"
    around = f"{text} < '!' OR starts_with({text}, chr(160)) OR {last}"
    return f"CASE WHEN {around} THEN trim({text}, {BLANKS}) ELSE {text} END"


def is_empty(column: Column, text: str) -> str:
    """SQL: the cell is missing, empty or a null spelling; white space around does not count."""
    spellings = ", ".join(quote_text(value) for value in dict.fromkeys(("", *column.null_values)))
    return f"({text} IS NULL OR {text} IN ({spellings}) OR trim({text}, {BLANKS}) IN ({spellings}))"


def strict(text: str, believed: str, cast: str, pattern: str, value: str) -> str:
    """SQL for the cheap cast where it is believed, else for ``value`` where the text has the pattern."""
    matches = f"regexp_full_match(trim({text}, {BLANKS}), '{pattern}')"
    return f"CASE WHEN {believed} THEN {cast} WHEN {text} = '' THEN NULL WHEN {matches} THEN {value} END"
