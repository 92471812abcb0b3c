"""What a contract wants encrypted: columns that are classed above its ceiling, and the person that a row is about."""

from collections.abc import Sequence
from dataclasses import replace

from sluice.contracts.model import Column
from sluice.contracts.odcs import Place, advice

CEILING, SUBJECT, LOOKUP = "sluice.ceiling", "sluice.subject", "sluice.lookup"
LEVELS = ("public", "internal", "confidential", "restricted")


def ceiling_of(*settings: Place | None) -> str:
    """The first that is set, '' for none; what is no level is reported."""
    for setting in settings:
        if setting is None:
            continue
        word = setting.text.lower()
        if word not in LEVELS:
            setting.wrong(f"{CEILING} '{setting.text}' is not a level; {advice(setting.text, LEVELS)}")
        return word
    return ""


def sealed(columns: Sequence[Column], ceiling: str) -> tuple[Column, ...]:
    """The columns, those above the ceiling marked."""
    if not ceiling:
        return tuple(columns)
    return tuple(replace(one, sealed=_level(one) > LEVELS.index(ceiling)) for one in columns)


def subject_of(columns: Sequence[Column], place: Place) -> str:
    """The column that says which person a row is about; '' where none does."""
    named = [column.name for column in columns if column.subject]
    if len(named) > 1:
        place.wrong(f"{SUBJECT} stands at {', '.join(named)}; only one column can be the person's")
    return named[0] if named else ""


def _level(column: Column) -> int:
    """No class counts as internal, for only a contract says that something is public; an unknown one as restricted."""
    word = column.classification.lower() or "internal"
    return LEVELS.index(word) if word in LEVELS else len(LEVELS) - 1
