"""From a table to the proposed contract: each column looked at, the unclear ones a second time, then the key."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sluice.contracts.columns import OWN_COLUMNS, fitting
from sluice.infer.cells import Cells, Profile, cells_of, shown
from sluice.infer.keys import Candidate, find_key
from sluice.infer.kinds import Kind, Locale, find_kind
from sluice.infer.kinds import empty as none_in
from sluice.infer.limits import Limits, find_limits
from sluice.infer.personal import CLASSIFICATION, personal
from sluice.infer.words import has_word, is_id
from sluice.readers.base import RawTable
from sluice.readers.header import normalised
from sluice.readers.typing import typed

_LONG = 200  # characters: of no key
_ENOUGH = 5  # records from which "never empty" says something


@dataclass(slots=True)
class Finding:
    """A proposed column with its evidence."""

    name: str
    header: str
    position: int
    kind: Kind
    limits: Limits
    records: int
    empty: int
    distinct: int
    longest: int
    required: bool
    repeats: int
    personal: str
    evidence: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Proposal:
    """A contract to be: ``left_out`` are header cells for which there can be no column, with the reason."""

    dataset: str
    records: int
    rejects: int
    columns: list[Finding]
    key: tuple[str, ...]
    key_evidence: str
    left_out: dict[str, str]
    notes: list[str]


def propose(table: RawTable, dataset: str, folder: Path, memory_limit_mb: int = 300) -> Proposal:
    """Read the table to its end and propose its contract; copies go to ``folder``. Raises ReadError."""
    with cells_of(table, folder, memory_limit_mb) as cells:
        names, left_out = _names(cells.header)
        found = {at: _look(cells, at, name, Locale()) for at, name in names.items()}
        locale = _locale(found.values())
        for at, one in found.items():
            if (one.kind.open == "decimal" and locale.decimal) or (one.kind.open == "order" and locale.order):
                found[at] = _look(cells, at, one.name, locale)
        columns = list(found.values())
        candidates = [
            Candidate(one.name, one.position, one.repeats, _is_measure(one))
            for one in columns
            if not one.kind.bad
        ]
        key, why = find_key(cells, candidates, normalised(dataset))
        notes = [f"{shown(r.raw or '')} in line {r.line}: {r.message}" for r in cells.rejected[:5]]
        records = cells.records + cells.rejects
        return Proposal(dataset, records, cells.rejects, columns, key, why, left_out, notes)


def _names(header: Sequence[str]) -> tuple[dict[int, str], dict[str, str]]:
    """A name for each column by its position, and the header cells that can be none."""
    repeated = {text for text, count in Counter(header).items() if count > 1}
    left_out = dict.fromkeys(repeated, "stands more than once in the header")
    left_out |= {text: "is a name of Sluice's own" for text in header if text.startswith("_sluice_")}
    spelled = {text.lower() for text in header}
    taken: set[str] = set()
    names = {}
    for position, text in enumerate(header):
        if text in left_out:
            continue
        base = normalised(text) or f"column_{position + 1}"
        base = f"column_{base}" if base[0].isdigit() else base
        base = f"source_{base}" if base in OWN_COLUMNS else base
        name, count = fitting(base), 1
        while _folded(name) in taken or (name != text.lower() and name in spelled):
            count += 1
            name = fitting(f"{base}_{count}")
        taken.add(_folded(name))
        names[position] = name
    return names, left_out


def _folded(name: str) -> str:
    return name.replace("_", "")


def _look(cells: Cells, position: int, name: str, locale: Locale) -> Finding:
    profile = cells.open_column(position)
    kind = find_kind(cells, profile, name, locale)
    used = tuple(
        text for text in kind.nulls if text in {t.strip() for t in profile.nulls} | set(profile.nulls)
    )
    kind = replace(kind, nulls=used)
    column = kind.column
    empty_cells = f"FROM v WHERE {none_in(column)}"
    empty = int(cells.row(f"SELECT coalesce(sum(n), 0)::BIGINT {empty_cells}")[0])
    if kind.logical == "string" and not kind.physical:
        kind = replace(kind, good=profile.records - empty)
    limits = find_limits(cells, profile, kind, name)
    # Texts differ as they stand; two spellings of one number do not.
    several = "*" if kind.logical == "string" else f"DISTINCT {typed(column, 'value')}"
    distinct = cells.row(f"SELECT count({several}) FROM v WHERE NOT ({none_in(column)})")[0]  # noqa: S608
    texts = [text.strip() for text in profile.texts] if kind.logical in ("string", "integer") else []
    finding = Finding(
        name, profile.header, position, kind, limits, profile.records, empty, profile.distinct, profile.longest,
        required=not empty and profile.records >= _ENOUGH, repeats=profile.records - distinct,
        personal=personal(name, texts),
    )  # fmt: skip
    finding.evidence = _evidence(finding, profile)
    return finding


def _evidence(found: Finding, profile: Profile) -> list[str]:
    kind, records = found.kind, found.records
    filled = kind.good + kind.bad
    lines = []
    if not filled:
        lines.append(f"all {records:,} cells are empty, so it is text")
    elif kind.logical != "string" or kind.physical:
        written = f" {' or '.join(kind.formats)}" if kind.formats else ""
        what = "UUIDs" if kind.physical == "uuid" else _PLURALS[kind.logical] + written
        words = f"{kind.good:,} of {filled:,} cells are {what}"
        if kind.bad:
            listed = ", ".join(
                shown(text) + (f" ({n:,} times)" if n > 1 else "") for text, n in kind.examples
            )
            named = sum(n for _, n in kind.examples)
            verb, more = "is" if kind.bad == 1 else "are", ", ..." if named < kind.bad else ""
            words += f"; {kind.bad:,} {verb} not: {listed}{more}"
        lines.append(words)
    lines += [*kind.notes, *found.limits.notes]
    if found.empty:
        words = f"; {', '.join(map(shown, kind.nulls))} mean empty" if kind.nulls else ""
        lines.append(f"{found.empty:,} of {records:,} cells are empty{words}")
    elif filled:
        lines.append(f"never empty in {records:,} records")
    if filled and profile.distinct == 1 and records > 1:
        lines.append(f"always {shown(profile.common[0][0] if profile.common else '')}")
    elif records > 1 and not found.repeats:
        lines.append("each value once")
    if found.personal:
        lines.append(f"may be personal data ({found.personal})")
    return lines


_PLURALS = {
    "integer": "whole numbers", "number": "numbers", "boolean": "truth values", "date": "dates", "time": "times",
    "timestamp": "timestamps", "object": "JSON objects", "array": "JSON arrays",
}  # fmt: skip


def _locale(found: Any) -> Locale:
    """What most columns that are clear say, with the first of them as witness."""
    answers: dict[str, tuple[str, str]] = {}
    for key in ("decimal", "order"):
        votes = [(one.kind.votes[key], one.name) for one in found if key in one.kind.votes]
        if votes:
            most = Counter(vote for vote, _ in votes).most_common(1)[0][0]
            answers[key] = (most, next(name for vote, name in votes if vote == most))
    decimal, order = answers.get("decimal", ("", "")), answers.get("order", ("", ""))
    return Locale(*decimal, *order)


def _is_measure(found: Finding) -> bool:
    """Whole numbers measure something where they are many and have no name of a key or a part of a date."""
    kind = found.kind
    if kind.logical in ("number", "boolean", "object", "array", "time", "timestamp"):
        return True
    if kind.logical == "integer":
        few = found.distinct * 50 <= found.records
        return not (
            is_id(found.name) or few or has_word(found.name, "year|quarter|month|week|day|jahr|quartal|monat")
        )
    return found.longest > _LONG


def facts(proposal: Proposal) -> dict[str, Any]:
    """JSON-ready: the columns with their evidence."""
    columns = [
        {
            "name": one.name, "header": one.header, "logicalType": one.kind.logical,
            "physicalType": one.kind.physical or None, "formats": list(one.kind.formats), "records": one.records,
            "empty": one.empty, "distinct": one.distinct, "typed": one.kind.good, "untyped": one.kind.bad,
            "untyped_examples": [{"text": text, "cells": n} for text, n in one.kind.examples],
            "null_values": list(one.kind.nulls), "required": one.required, "unique": not one.repeats,
            "values": one.limits.values, "limits": one.limits.options,
            "classification": CLASSIFICATION if one.personal else None, "evidence": one.evidence,
        }
        for one in proposal.columns
    ]  # fmt: skip
    return {
        "dataset": proposal.dataset, "records": proposal.records, "rejects": proposal.rejects, "columns": columns,
        "key": list(proposal.key), "key_evidence": proposal.key_evidence, "left_out": proposal.left_out,
    }  # fmt: skip
