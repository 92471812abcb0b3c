"""What a reader made of a file besides its records: nothing is left out or mended in silence."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Kind = Literal["preamble", "header", "comment", "blank", "footer", "table"]
MOST = 100  # lines that are named; all are counted


class Skipped(NamedTuple):
    """A line (from 1) that holds no record; ``table``: it belongs to another, smaller table of the file."""

    line: int
    kind: Kind
    text: str


@dataclass(slots=True)
class Account:
    """Complete once the file was read to its end.

    ``lines``: how many lines of each kind hold no record. ``skipped``: the first of them, but for header and blank
    lines. ``repairs``: how many records were mended, by the name of the repair. ``warnings``: sentences.
    """

    lines: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def skip(self, kind: Kind, line: int, text: str = "") -> None:
        """Note a line that holds no record."""
        self.lines[kind] += 1
        if kind not in ("header", "blank") and len(self.skipped) < MOST:
            self.skipped.append(Skipped(line, kind, text[:200]))

    def as_dict(self, *, texts: bool = True) -> dict[str, Any]:
        """JSON-ready values; without ``texts`` not what stood in the lines."""
        skipped = self.skipped if texts else [one._replace(text="***") for one in self.skipped]
        return {
            "lines": dict(self.lines),
            "skipped": [one._asdict() for one in skipped],
            "repairs": dict(self.repairs),
            "warnings": self.warnings,
        }


def outside(lines: Mapping[str, int]) -> str:
    """``2 preamble, 1 footer``: lines that hold no record, but for header and blank ones, which nobody misses."""
    return counted({kind: count for kind, count in lines.items() if kind not in ("header", "blank")})


def counted(counts: Mapping[str, int]) -> str:
    """``3 stray quote, 1 short record``."""
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
