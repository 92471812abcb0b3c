"""From text cells to the contract's types: one SQL projection that never changes a value on its way."""

from collections.abc import Sequence

from sluice.contracts.model import Column, Contract
from sluice.readers.base import cell
from sluice.readers.header import Mapping, unique_names
from sluice.readers.spool import quote_text
from sluice.readers.texts import is_empty
from sluice.readers.values import JSON_NUL, cast, kind, value

ANY_UNKNOWN = -1


def projection(
    mapping: Mapping, contract: Contract, header: Sequence[str], relation: str, numbered: bool
) -> str:
    """The SELECT that types ``relation``.

    Columns: the contract's, ``_extra``, ``_record_no`` (if ``numbered``), then ``_bad`` (list of positions of
    cells that cannot be typed, -1 for some unknown one; NULL for a good row) and ``_cells`` (JSON object, for
    bad rows only).
    """
    known = {c.name: (c, mapping.positions[c.name]) for c in contract.columns if c.name in mapping.positions}
    casts, values = [], []
    for column, position in known.values():
        text = cell(position)
        if lenient := cast(column, text):
            casts.append(f"{lenient} AS r{position}")
        values.append(f"{value(column, text, f'r{position}')} AS t{position}")
    number = ", _record_no" if numbered else ""
    every = ", ".join(cell(i) for i in range(len(header)))
    raw = f"SELECT {', '.join(['*', *casts])} FROM {relation}"  # noqa: S608
    values.append(f"{_unknown(mapping, contract, header)} AS _unknown")
    typed = f"SELECT {', '.join([every + number, *values])} FROM ({raw})"  # noqa: S608
    outputs = [
        f"t{known[c.name][1]} AS {quote_name(c.name)}"
        if c.name in known
        else f"NULL::{_output_type(c)} AS {quote_name(c.name)}"
        for c in contract.columns
    ]
    kept = "_unknown" if contract.drift == "keep" else "NULL::VARCHAR"
    outputs.append(f"{kept} AS _extra{number}")
    # In a query of its own: a name that stands for an expression beside it would have it planned twice.
    judged = f"SELECT *, {_bad(contract, mapping, known)} AS _bad FROM ({typed})"  # noqa: S608
    cells = f"CASE WHEN _bad IS NOT NULL THEN to_json({_struct(header, range(len(header)))}) END AS _cells"
    return f"SELECT {', '.join(outputs)}, _bad, {cells} FROM ({judged})"  # noqa: S608


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _struct(header: Sequence[str], positions: Sequence[int]) -> str:
    names = unique_names(header)
    return "{" + ", ".join(f"{quote_text(names[i])}: {cell(i)}" for i in positions) + "}"


def _unknown(mapping: Mapping, contract: Contract, header: Sequence[str]) -> str:
    """Text of the unknown cells: JSON where they are kept, else all in one; NULL if there are none."""
    texts = ", ".join(cell(i) for i in mapping.unknown)
    if not mapping.unknown:
        return "NULL::VARCHAR"
    if contract.drift == "reject":
        return f"concat({texts})"
    return f"CASE WHEN coalesce({texts}) IS NOT NULL THEN to_json({_struct(header, mapping.unknown)})::VARCHAR END"


def _bad(contract: Contract, mapping: Mapping, known: dict[str, tuple[Column, int]]) -> str:
    """Positions of bad cells. Cheap tests come first: most rows have no NULL where text stood."""
    suspects, tests = [], []
    for column, position in known.values():
        if kind(column) != "VARCHAR":
            suspects.append(f"t{position} IS NULL")
            tests.append((f"t{position} IS NULL AND NOT {is_empty(column, cell(position))}", position))
    if mapping.unknown and contract.drift == "reject":
        suspects.append("_unknown <> ''")
        tests.append(("_unknown <> ''", ANY_UNKNOWN))
    elif mapping.unknown:
        suspects.append("contains(_unknown, '\\u0000')")
        tests.append((f"regexp_matches(_unknown, '{JSON_NUL}')", ANY_UNKNOWN))
    if not tests:
        return "NULL::INTEGER[]"
    found = ", ".join(f"CASE WHEN {test} THEN {position} END" for test, position in tests)
    worst = " OR ".join(f"({test})" for test, _ in tests)
    return f"CASE WHEN {' OR '.join(suspects)} THEN CASE WHEN {worst} THEN [{found}] END END"


def _output_type(column: Column) -> str:
    return "VARCHAR" if kind(column) in ("VARCHAR", "JSON", "UUID") else column.duckdb_type
