"""From a table to the class of each column: each alone first, then what their neighbours tell."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sluice.classify import exact, likely, places
from sluice.classify.classes import LEVELS, OF_PERSONS, Classified, Column, Verdict
from sluice.classify.headers import classes_of, is_innocent, is_vague
from sluice.classify.sample import Sample, sample
from sluice.contracts.model import Contract
from sluice.readers.base import RawTable
from sluice.readers.header import by_column

READING = 60.0  # seconds, once the rows come
CHECKING = 3.0  # seconds; columns that come later are judged by fewer cells
_FEW = 40


@dataclass(frozen=True, slots=True)
class Classification:
    """The columns in file order. ``whole`` is false where only the first ``records`` were read in the time."""

    columns: list[Classified]
    records: int
    whole: bool

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        columns = [
            {
                "column": one.column, "class": one.kind, "confidence": round(one.confidence, 2), "level": one.level,
                "level_by": one.by, "country": one.country or None, "evidence": one.evidence, **one.facts,
            }
            for one in self.columns
        ]  # fmt: skip
        return {"records": self.records, "whole": self.whole, "columns": columns}


def classify(
    table: RawTable,
    folder: Path,
    contract: Contract | None = None,
    *,
    memory_limit_mb: int = 300,
    threads: int = 0,
    seconds: float = READING,
) -> Classification:
    """Read the table and judge every column; what does not fit into memory goes to ``folder``. Raises ReadError."""
    drawn = sample(table, folder, memory_limit_mb, threads, seconds)
    columns = _columns(table.header, drawn)
    verdicts = _together(columns, _each(columns))
    personal = any(one.kind in OF_PERSONS and one.confidence >= 0.6 for one in verdicts)
    levels = _of_contract(table.header, contract)
    found = [
        _classified(column, verdict, personal, level)
        for column, verdict, level in zip(columns, verdicts, levels, strict=True)
    ]
    return Classification(found, drawn.records, drawn.whole)


def judge(column: Column) -> Verdict:
    """The class that most speaks for, of the column alone."""
    if not column.texts:
        if column.named:
            return Verdict(column.named[0], 0.5, "the name says so; there are no cells to look at")
        return Verdict("none", 0.5, "there are no cells to look at")
    verdicts = [verdict for check in (*exact.CHECKS, *likely.CHECKS) if (verdict := check(column))]
    if verdicts:
        return max(verdicts, key=lambda one: (round(one.confidence, 2), column.is_named(one.kind)))
    if column.named:
        return Verdict("none", 0.6, f"the name says {column.named[0]}, but the cells are of no such kind")
    return Verdict(
        "none", 0.95 if column.innocent else 0.85, "neither the name nor the cells tell of any class"
    )


def _columns(header: Sequence[str], drawn: Sample) -> list[Column]:
    return [
        Column(text, one.texts, one.filled, classes_of(text), is_innocent(text), is_vague(text))
        for text, one in zip(header, drawn.columns, strict=True)
    ]


def _each(columns: Sequence[Column]) -> list[Verdict]:
    end = time.monotonic() + CHECKING
    return [
        judge(column if time.monotonic() < end else replace(column, texts=column.texts[:_FEW]))
        for column in columns
    ]


def _together(columns: Sequence[Column], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What columns without a telling name are beside others."""
    found = list(verdicts)
    personal = any(one.kind in OF_PERSONS for one in found)
    for at, column in enumerate(columns):
        if found[at].kind != "none" or not column.vague or not column.texts:
            continue
        beside = {found[near].kind for near in (at - 1, at + 1) if 0 <= near < len(found)}
        if personal and likely.like_births(column):
            found[at] = Verdict(
                "birth_date", 0.6, "dates over decades, few of them new, in a table of persons"
            )
        elif beside & {"city", "street_address"} and _is_code(column):
            found[at] = Verdict("postal_code", 0.65, "codes of one length beside a city or street")
        elif beside & {"postal_code", "street_address"} and _is_place(column):
            found[at] = Verdict("city", 0.6, "names of places beside a postal code or street")
    for at in range(len(columns) - 1):
        if {found[at].kind, found[at + 1].kind} == {"none"} and _are_degrees(columns[at], columns[at + 1]):
            for one in (at, at + 1):
                found[one] = Verdict(
                    "geo_coordinate", 0.6, "two columns of exact numbers within 90 and 180 degrees"
                )
    return found


def _is_code(column: Column) -> bool:
    alike = len({len(text) for text in column.texts}) <= 2
    years = exact.share(lambda text: text.startswith(("19", "20")) and len(text) == 4, column.texts) > 0.9
    return alike and not years and exact.share(places.is_postal_code, column.texts) >= 0.95


def _is_place(column: Column) -> bool:
    like, known = (exact.share(check, column.texts) for check in (places.is_city_like, places.is_known_city))
    return like >= 0.95 and known >= 0.1


def _are_degrees(first: Column, second: Column) -> bool:
    if not (first.vague and second.vague):
        return False
    for column in (first, second):
        values = [abs(value) for text in column.texts if (value := places.degrees(text)) is not None]
        exactly = exact.share(lambda text: places.decimals(text) >= 4, column.texts)
        if exactly < 0.8 or len(values) < len(column.texts) or not 2 < max(values) <= 180:
            return False
    return min(max(abs(places.degrees(text) or 0) for text in one.texts) for one in (first, second)) <= 90


def _of_contract(header: Sequence[str], contract: Contract | None) -> list[str]:
    """The classification of each header cell's column in the contract; '' where it has none."""
    if contract is None:
        return [""] * len(header)
    levels = {column.name: column.classification for column in contract.columns}
    names = {text: name for name, text in by_column({text: text for text in header}, contract).items()}
    return [levels.get(names.get(text, text), "") for text in header]


def _classified(column: Column, verdict: Verdict, personal: bool, written: str) -> Classified:
    own = LEVELS[verdict.kind][personal]
    evidence = verdict.evidence
    if written and written.lower() != own and verdict.kind != "none":
        evidence += f"; the contract says {written}, the class {own}"
    return Classified(
        column.header, verdict.kind, verdict.confidence, written or own, "contract" if written else "class", evidence,
        verdict.country, {"cells": column.filled, "looked_at": len(column.texts)},
    )  # fmt: skip
