"""Comment lines of delimited text: which mark begins them, and which lines are none."""

from collections.abc import Sequence

from sluice.readers.text.closing import RULE
from sluice.readers.text.dialect import kind
from sluice.readers.text.records import Record
from sluice.readers.text.widths import usual_width

MARKERS = ("#", "//", "--", ";", "%")
_SURE = ("#", "//", "--")  # where no habit shows


def find_comment(found: Sequence[Record], delimiter: str) -> str:
    """What begins lines that do not fit the table; '' if such lines are no habit, or records begin so too."""
    width = usual_width(found)
    for marker in MARKERS:
        marked = [r for r in found if r.raw.startswith(marker)]
        if not marked or len(marked) == len(found) or marker.startswith(delimiter):
            continue
        if width == 1:
            head = next(i for i, r in enumerate(found) if not r.raw.startswith(marker))
            if marker != ";" and head == len(marked) and all(r.raw[len(marker) :][:1] == " " for r in marked):
                return marker
            continue
        strange = [r for r in marked if r.reason or len(r.cells) != width]
        apart = all(r.raw[len(marker) :][:1] in ("", " ") for r in marked)
        if len(strange) * 2 > len(marked) - apart and not all(RULE.fullmatch(r.raw) for r in strange):
            return marker
    return ""


def is_comment(record: Record, comment: str, kinds: Sequence[str]) -> bool:
    """A line that begins like a comment and is no record of the table; ``comment``: the table's own mark, if known."""
    raw = record.raw
    marker = comment or next((m for m in MARKERS if raw.startswith(m)), "")
    if not marker or not raw.startswith(marker) or len(kinds) == 1:
        return False
    spaced = raw[len(marker) : len(marker) + 1] in ("", " ", "\t")
    strange = kinds[0] not in ("text", "empty") and kind(record.cells[0] if record.cells else raw) != kinds[0]
    if not record.reason and len(record.cells) == len(kinds):
        return bool(comment) and (spaced or strange)
    return bool(comment) or (marker in _SURE and (spaced or strange))
