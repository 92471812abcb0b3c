"""From a table to the proposed contract: each column looked at, the unclear ones a second time, then the key."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sluice.contracts.columns import OWN_COLUMNS, fitting
from sluice.errors import ReadError
from sluice.infer.cells import BLANKS, Cells, Profile, cells_of, shown
from sluice.infer.keys import Candidate, find_key
from sluice.infer.kinds import Kind, Locale, find_kind
from sluice.infer.kinds import empty as none_in
from sluice.infer.limits import Limits, find_limits, pattern_of
from sluice.infer.personal import CLASSIFICATION, personal
from sluice.infer.words import has_word, is_amount, is_id, is_numbered
from sluice.readers.base import RawTable
from sluice.readers.header import normalised
from sluice.readers.values import typed

_MOST = 1600 - 4  # columns: PostgreSQL's limit, less those of Sluice
_LONG = 100  # characters: of no key
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
    required: bool
    repeats: int
    measure: bool
    coded: bool
    counted: bool
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
    _require_columns_that_fit(table)
    with cells_of(table, folder, memory_limit_mb) as cells:
        names, left_out = _names(cells.header)
        found = {at: _look(cells, at, name, Locale()) for at, name in names.items()}
        locale = _locale(found.values())
        for at, one in found.items():
            if (one.kind.open == "decimal" and locale.decimal) or (one.kind.open == "order" and locale.order):
                found[at] = _look(cells, at, one.name, locale)
        columns = list(found.values())
        candidates = [_candidate(one) for one in columns if not one.kind.bad]
        key, why = find_key(cells, candidates, normalised(dataset))
        notes = [f"{shown(r.raw or '')} in line {r.line}: {r.message}" for r in cells.rejected[:5]]
        records = cells.records + cells.rejects
        return Proposal(dataset, records, cells.rejects, columns, key, why, left_out, notes)


def _require_columns_that_fit(table: RawTable) -> None:
    if len(table.header) > _MOST:
        raise ReadError(
            f"{table.path} has {len(table.header):,} columns; a table in PostgreSQL can't have more than {_MOST:,}"
            " of its own.",
            hint="Bring it into a long form (name, value), or keep the columns that matter: `sluice read` writes it"
            " as clean CSV.",
            file=str(table.path),
        )


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
    typed_at_all = kind.logical != "string" or kind.physical
    empty = profile.records - kind.good - kind.bad if typed_at_all else _empty_texts(profile, kind)
    if not typed_at_all:
        kind = replace(kind, good=profile.records - empty)
    texts = [text.strip() for text in profile.texts] if kind.logical in ("string", "integer") else []
    about = personal(name, texts)
    limits = find_limits(cells, profile, kind, name, bool(about))
    counted = _counts(kind, name, profile)
    measure = not counted and _measures(kind, name, profile)
    distinct = _distinct(cells, profile, kind, measure)
    finding = Finding(
        name, profile.header, position, kind, limits, profile.records, empty, profile.distinct,
        required=not empty and profile.records >= _ENOUGH, repeats=profile.records - distinct,
        measure=measure,
        coded=kind.physical == "uuid" or (kind.logical == "string" and bool(pattern_of(profile.texts))),
        counted=counted and distinct == profile.records,
        personal=about,
    )  # fmt: skip
    finding.evidence = _evidence(finding, profile)
    return finding


def _empty_texts(profile: Profile, kind: Kind) -> int:
    words = sum(
        n for text, n in profile.nulls.items() if text in kind.nulls or text.strip(BLANKS) in kind.nulls
    )
    return profile.empty + words


def _distinct(cells: Cells, profile: Profile, kind: Kind, measure: bool) -> int:
    """Different values; of many an estimate, but exact where the column may be a key.

    By hashes, which take little memory however long the texts are; the chance that two of 10 million texts share
    one is below 1 in 100,000.
    """
    likely = profile.distinct * 10 >= profile.records * 8 and not kind.bad and not measure
    if not cells.grouped and not likely:
        return min(profile.distinct, kind.good + kind.bad - 1)  # an estimate never says that all differ
    # Texts differ as they stand; two spellings of one number do not.
    value = "value" if kind.logical == "string" else typed(kind.column, "value")
    exact = f"SELECT count(DISTINCT hash({value})) FROM v WHERE NOT ({none_in(kind.column)})"  # noqa: S608
    return int(cells.row(exact)[0])


def _evidence(found: Finding, profile: Profile) -> list[str]:
    kind, records = found.kind, found.records
    filled = kind.good + kind.bad
    lines = []
    if not filled:
        lines.append(f"{f'all {records:,} cells are empty' if records else 'no records'}, so it is text")
    elif kind.logical != "string" or kind.physical:
        written = f" {' or '.join(kind.formats)}" if kind.formats else ""
        what = "UUIDs" if kind.physical == "uuid" else _PLURALS[kind.logical] + written
        words = what
        if kind.bad:
            words = f"{kind.good:,} of {filled:,} cells are {what}"
            listed = ", ".join(
                shown(text) + (f" ({n:,} times)" if n > 1 else "") for text, n in kind.examples
            )
            named = sum(n for _, n in kind.examples)
            verb, more = "is" if kind.bad == 1 else "are", ", ..." if named < kind.bad else ""
            words += f"; {kind.bad:,} {verb} not: {listed}{more}"
        lines.append(words)
    seen = [*found.limits.notes]
    if lines and not kind.bad and seen and seen[0].startswith("from "):
        lines[-1] += f" {seen.pop(0)}"
    lines += [*kind.notes, *seen]
    if found.empty and filled:
        words = (
            f"; {', '.join(map(shown, kind.nulls))} {'means' if len(kind.nulls) == 1 else 'mean'} empty"
            if kind.nulls
            else ""
        )
        lines.append(
            f"{found.empty:,} of {records:,} cells {'is' if found.empty == 1 else 'are'} empty{words}"
        )
    elif filled:
        lines.append("never empty")
    if filled and profile.distinct == 1 and records > 1:
        lines.append(f"always {shown(profile.common[0][0] if profile.common else '')}")
    elif records > 1 and not found.repeats and not found.measure and kind.logical != "date":
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


def _measures(kind: Kind, name: str, profile: Profile) -> bool:
    """Whole numbers measure something where they are many and have no name of a key or a part of a date."""
    if kind.logical in ("number", "boolean", "object", "array", "time", "timestamp"):
        return True
    if kind.logical == "integer":
        few = profile.distinct * 50 <= profile.records
        return not (
            is_id(name)
            or is_numbered(name)
            or few
            or has_word(name, "year|quarter|month|week|day|jahr|quartal|monat")
        )
    return profile.longest > _LONG


def _counts(kind: Kind, name: str, profile: Profile) -> bool:
    """Whole numbers as they are given out: few are left out between the least and the greatest."""
    if kind.logical != "integer" or not kind.good or kind.bad or is_amount(name):
        return False
    spread = int(kind.high) - int(kind.low) + 1
    return int(kind.low) >= 0 and profile.records <= spread <= profile.records * (2 if spread > 100 else 1)


def _candidate(found: Finding) -> Candidate:
    """As the search for a key sees it."""
    kind = found.kind
    contact = found.personal.startswith(("phone", "address", "dates", "IP"))
    moment = kind.logical == "timestamp" and has_word(
        found.name, "timestamp|time|ts|datetime|zeit|zeitpunkt|date|datum"
    )
    return Candidate(
        found.name, found.position, found.repeats, found.measure, found.coded, kind.logical == "integer",
        found.counted, contact, moment,
    )  # fmt: skip


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
