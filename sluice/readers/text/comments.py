"""Comment lines of delimited text: which mark begins them, and which lines are none."""

import itertools
from collections.abc import Sequence

from sluice.readers.text.closing import RULE
from sluice.readers.text.kinds import VALUES, column_kinds, is_header, kind
from sluice.readers.text.records import Record
from sluice.readers.text.titles import fits
from sluice.readers.text.widths import usual_width

MARKERS = ("#", "//", "--", ";", "%")
_SEEN = 60  # records whose kinds are looked at
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


def comments_of(found: Sequence[Record], comment: str) -> list[Record]:
    """The lines that begin so, but for a header that is the last of those above the first record."""
    notes = [r for r in found if comment and r.raw.startswith(comment)]
    lead = list(itertools.takewhile(lambda r: r.raw.startswith(comment), found)) if notes else []
    if lead and _is_header(lead, found[len(lead) :], comment):
        notes.remove(lead[-1])
    return notes


def _is_header(lead: Sequence[Record], below: Sequence[Record], comment: str) -> bool:
    """Whether the last line names the typed columns below, which no other line above and no record does."""
    names, width = lead[-1].cells, len(lead[-1].cells)
    rows = [r.cells for r in below[:_SEEN] if fits(r, width)]
    if width < 3 or len(rows) < 2 or any(fits(r, width) for r in lead[:-1]) or names[0] == comment:
        return False
    own = all(name and name == name.strip() and kind(name) not in VALUES for name in names)
    tight = not names[0].removeprefix(comment)[:1].isspace() and len(set(names)) == width
    kinds = column_kinds(rows[1:], width)
    return own and tight and is_header(names, kinds) and not is_header(rows[0], kinds)


def is_comment(record: Record, comment: str, kinds: Sequence[str], delimiter: str) -> bool:
    """A line that begins like a comment and is no record of the table; ``comment``: the table's own mark, if known."""
    raw = record.raw
    markers = (m for m in MARKERS if raw.startswith(m) and not m.startswith(delimiter))
    marker = comment or next(markers, "")
    if not marker or not raw.startswith(marker) or len(kinds) == 1:
        return False
    spaced = raw[len(marker) : len(marker) + 1] in ("", " ", "\t")
    strange = kinds[0] not in ("text", "empty") and kind(record.cells[0] if record.cells else raw) != kinds[0]
    if not record.reason and len(record.cells) == len(kinds):
        return bool(comment) and (spaced or strange)
    return bool(comment) or (marker in _SURE and (spaced or strange))
