"""Rejects of a contract with a ceiling: raw text and cells are sealed, and what is told of them names no value."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from sluice.contracts.model import Contract
from sluice.security.cells import MASK, Sealer, open_text, seal_text
from sluice.security.ring import Ring

PREFIX = "sluice-sealed:"
CELLS = "_sealed"


def batches(
    found: Iterator[pa.RecordBatch], contract: Contract, seal: Sealer | None
) -> Iterator[pa.RecordBatch]:
    """The batches of ``rejected_rows`` as they may be written."""
    if seal is None:
        yield from found
        return
    told = {rule.message or f"fails {rule.expectation}" for rule in contract.rules}
    for batch in found:
        rows = batch.to_pylist()
        for row in rows:
            whole = {"raw": row["raw"], "message": row["message"]}
            row["raw"] = PREFIX + _sealed(seal, json.dumps(whole))
            if row["cells"] is not None:
                row["cells"] = json.dumps({CELLS: _sealed(seal, row["cells"])})
            row["message"] = _message(row, told)
        yield pa.RecordBatch.from_pylist(rows, schema=batch.schema)


def _sealed(seal: Sealer, text: str) -> str:
    return base64.b64encode(seal_text(seal.ring, seal.shape.dataset, text)).decode()


def _message(row: Mapping[str, Any], told: set[str]) -> str:
    """The reject's message without what stood in the record; a contract's own words stay."""
    message, column, reason = row["message"] or "", row["column_name"], row["reason"]
    if message in told or reason == "duplicate":  # which names keys and records, no values
        return str(message)
    if reason.startswith("not_") and " is not " in message:
        return f"{column}: {MASK} is not {message.rpartition(' is not ')[2]}"
    return f"{column}: {reason}." if column else f"The record is not as it should be: {reason}."


def is_sealed(row: Mapping[str, Any]) -> bool:
    """Whether the reject was sealed."""
    return isinstance(row.get("raw"), str) and row["raw"].startswith(PREFIX)


def masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """The reject, with ``***`` for its raw text and no cells where they are sealed."""
    if not is_sealed(row):
        return dict(row)
    return {**row, "raw": MASK} | ({"cells": None} if "cells" in row else {})


def opened(row: Mapping[str, Any], ring: Ring, dataset: str) -> dict[str, Any]:
    """The reject as it was. Raises SetupError where it was tampered with."""
    if not is_sealed(row):
        return dict(row)
    whole = json.loads(_text(ring, dataset, row["raw"].removeprefix(PREFIX)))
    cells = {"cells": open_cells(row["cells"], ring, dataset)} if row.get("cells") is not None else {}
    return {**row, **whole, **cells}


def open_cells(cells: dict[str, Any], ring: Ring, dataset: str) -> dict[str, Any]:
    """The reject's cells as they were."""
    if cells.keys() != {CELLS}:
        return cells
    found: dict[str, Any] = json.loads(_text(ring, dataset, cells[CELLS]))
    return found


def _text(ring: Ring, dataset: str, text: str) -> str:
    return open_text(ring, dataset, base64.b64decode(text))
