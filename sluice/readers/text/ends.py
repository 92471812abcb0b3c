"""Records that end in another character than CR or LF: a copy of the file with LF in its place."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from sluice.readers.bytes import CHUNK
from sluice.readers.text.dialect import find_dialect
from sluice.readers.text.sample import Sample

# The record separator of ASCII, and the line ends of Unicode (the last one is that of mainframes too).
_ENDS = ("\x1e", "\u2028", "\u2029", "\x85")
_SAMPLE = 1 << 16
_NEARLY_ALL = 0.9


class Ended(NamedTuple):
    """The copy, and the character that ends the file's records."""

    path: Path
    end: str


def ended(path: Path, options: dict[str, str], folder: Path) -> Ended | None:
    """A copy in ``folder`` of a UTF-8 file whose records clearly end so; None if CR or LF stands anywhere in it."""
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
        whole = not file.read(1)
    if b"\n" in start or b"\r" in start:
        return None
    text = start.decode("utf-8-sig", "surrogateescape")
    end = next((one for one in _ENDS if one in text), "")
    target = folder / "ended"
    if not end or not _is_table(Sample(text.replace(end, "\n"), whole), options):
        return None
    return Ended(target, end) if _copied(path, target, end) else None


def _is_table(sample: Sample, options: dict[str, str]) -> bool:
    """Whether nearly all records have the same number of cells, more than one."""
    if not sample.head.strip():
        return False
    found = sample.records(find_dialect(sample, options))
    widths = Counter(0 if r.reason else len(r.cells) for r in found)
    width, count = widths.most_common(1)[0]
    return width > 1 and len(found) > 1 and count >= _NEARLY_ALL * len(found)


def _copied(path: Path, target: Path, end: str) -> bool:
    """Whether the file holds no other line ends, so that the copy has as many lines as the file has records."""
    with (
        path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as source,
        target.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        while text := source.read(CHUNK):
            if "\n" in text or "\r" in text:
                return False
            out.write(text.replace(end, "\n"))
    return True
