"""Columns, or groups of them, that tell all records of a file apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.infer.cells import Cells, shown
from sluice.infer.words import is_id, is_numbered
from sluice.readers.base import cell

_MOST = 8  # columns of a key
_FEW = 50  # records: of fewer, some columns are unique by chance


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column that may be of a key. ``repeats``: cells that are empty or whose value stood before; ``measure``: of
    amounts, times and long texts, which name nothing; ``coded``: the texts have the shape of a code; ``counted``:
    the whole numbers leave few or none out; ``contact``: phone numbers, addresses.
    """

    name: str
    position: int
    repeats: int
    measure: bool
    coded: bool = False
    whole: bool = False
    counted: bool = False
    contact: bool = False
    moment: bool = False

    def likeness(self, dataset: str) -> int:
        """How much it is like a key: id before order_id before sku before title."""
        owner = re.escape(dataset.lower().rstrip("s"))
        words = f"id|uuid|{owner}_?(id|no|nr|key|code|number|nummer)|id_{owner}"
        numbers = self.coded or self.whole
        if self.contact:
            return 0
        if re.fullmatch(f"{words}|{owner}" if numbers else words, self.name):
            return 3
        if is_id(self.name):
            return 2 if re.search("(^|_)(id|uuid|key|no|nr|number)$|numm?er$|nr$|^id_", self.name) else 1
        return int((numbers and is_numbered(self.name)) or (self.counted and not self.position))

    def why(self, dataset: str) -> str:
        """What speaks for it beside that it is unique."""
        if self.likeness(dataset) and not (self.counted and not is_id(self.name)):
            return ", by its name a key,"
        return ", whole numbers that count up," if self.counted else ", of codes," if self.coded else ""

    @property
    def plain(self) -> bool:
        """A text or date as any: rather a key by chance than a code or a number is."""
        return self.contact or not (self.coded or self.counted)


def find_key(cells: Cells, columns: Sequence[Candidate], dataset: str) -> tuple[tuple[str, ...], str]:
    """The key's columns and the evidence; () where none tells the records apart."""
    if cells.records < 2:
        return (), "none, too few records"
    ranked = sorted(
        (one for one in columns if not one.measure),
        key=lambda one: (-one.likeness(dataset), one.plain, one.position),
    )
    single = [one for one in ranked if not one.repeats]
    near = [one for one in ranked if one.likeness(dataset) >= 2 and 0 < one.repeats * 10 <= cells.records]
    if near and not (single and single[0].likeness(dataset)):
        best = near[0]
        return (best.name,), (
            f"{best.name} by its name, though {best.repeats:,} of {cells.records:,} cells are empty or repeat"
            f" another: {_repeated(cells, best)}"
        )
    few = cells.records < _FEW
    if few:
        single = [one for one in single if one.likeness(dataset) or (one.coded and not one.contact)]
    if single:
        others = ", ".join(one.name for one in single[1:6])
        also = f"; so {'is' if len(single) == 2 else 'are'} {others}" if others else ""
        return (single[0].name,), (
            f"{single[0].name}{single[0].why(dataset)} is unique and never empty in {cells.records:,} records{also}"
        )
    usable = [one for one in columns if not one.measure and (not few or one.likeness(dataset))][:_MOST]
    timed = [one for one in columns if one in usable or (one.moment and not few)][:_MOST]
    if group := _group(cells, usable) or (timed != usable and _group(cells, timed)):
        return group, f"no column is unique; {', '.join(group)} together are, in {cells.records:,} records"
    if few:
        return (
            (),
            f"none: no column looks like one, and in {cells.records:,} records any may be unique by chance",
        )
    return (), "none: no column that may be one is unique and never empty, nor are the first ones together"


def _repeated(cells: Cells, column: Candidate) -> str:
    name = cell(column.position)
    empty = f"coalesce(trim({name}), '') = ''"
    twice = (
        f"SELECT hash({name}) FROM {cells.relation} GROUP BY 1 "  # noqa: S608
        f"HAVING count(*) > 1 OR any_value({empty}) ORDER BY count(*) DESC, any_value({name}) LIMIT 5"
    )
    found = cells.rows(
        f"SELECT {name}, count(*) FROM {cells.relation} WHERE hash({name}) IN ({twice}) "  # noqa: S608
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return ", ".join(f"{shown(text or '')} {count:,} times" for text, count in found)


def _group(cells: Cells, columns: Sequence[Candidate]) -> tuple[str, ...]:
    """The columns without those that are not needed."""
    chosen = list(columns)
    if len(chosen) < 2 or not _unique(cells, chosen):
        return ()
    for one in reversed(columns):
        fewer = [other for other in chosen if other is not one]
        if len(fewer) > 1 and _unique(cells, fewer):
            chosen = fewer
    return tuple(one.name for one in chosen)


def _unique(cells: Cells, columns: Sequence[Candidate]) -> bool:
    """By hashes, which take little memory; an estimate says first whether it is worth counting."""
    together = f"hash({', '.join(cell(one.position) for one in columns)})"
    about = cells.row(f"SELECT approx_count_distinct({together}) FROM {cells.relation}")[0]  # noqa: S608
    if about * 10 < cells.records * 8:
        return False
    exact = cells.row(f"SELECT count(DISTINCT {together}) FROM {cells.relation}")[0]  # noqa: S608
    return bool(exact == cells.records)
