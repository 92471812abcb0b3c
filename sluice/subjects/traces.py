"""What jobs tell of a person beside rows and rejects: samples, previews, messages, what was observed and left out."""

import json
import re
from collections.abc import Sequence
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from sluice.security.cells import ERASED
from sluice.subjects.clues import Clue, telling, word
from sluice.warehouse.connection import Connection

# Finished jobs change in nothing else: see the migration 0014.
ERASING = "SET LOCAL sluice.erasing = 'on'"
# By table: what names a row, and its columns that people's values may have got into.
PLACES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "ingestion_jobs": ("id", ("message", "error_message"), ("details", "result_data")),
    "loads": ("id", (), ("account",)),
    "rule_results": ("ctid", (), ("observed",)),
    "rejected_rows": ("ctid", ("message", "raw"), ("cells",)),
    "dead_letters": ("job_id", ("message",), ()),
    "outbox": ("id", ("trouble",), ()),
    "job_events": ("id", (), ("data",)),
    "deliveries": ("id", ("answer",), ()),
    "answers": ("ctid", (), ("body",)),
}
_PREVIEWS = """
SELECT id, result_data FROM sluice.ingestion_jobs
 WHERE organization_id = %s AND dataset = %s AND jsonb_array_length(result_data -> 'data_preview') > 0 FOR UPDATE
"""
_REMAINS = "SELECT count(*) FROM sluice.{} t WHERE organization_id = %s AND t::text ~* %s"
# What keeps names of files and tokens, and what can never be changed.
_LOOKED_AT = (*PLACES, "audit_log", "uploads", "source_states", "callbacks")


def previews(connection: Connection, organization_id: int, clues: Sequence[Clue]) -> int:
    """Take the person's rows out of the previews of this dataset's jobs; returns how many jobs had such.

    Where the person's column shows as ``***``, a preview does not tell whose rows it has: then it is emptied.
    """
    changed = 0
    for number, result in connection.execute(
        _PREVIEWS, [organization_id, clues[0].contract.dataset]
    ).fetchall():
        rows = result["data_preview"]
        kept = [row for row in rows if not any(clue.hidden or clue.fits(row) for clue in clues)]
        if len(kept) < len(rows):
            changed += 1
            connection.execute(
                "UPDATE sluice.ingestion_jobs SET result_data = %s WHERE id = %s",
                [Jsonb({**result, "data_preview": kept}), number],
            )
    return changed


def texts(connection: Connection, organization_id: int, text: str) -> int:
    """Put ``(erased)`` in place of the text, wherever it stands by itself; returns how many rows had it.

    Only of a text that means one person wherever it stands.
    """
    if not telling(text):
        return 0
    pattern = word(text)
    return sum(_texts(connection, organization_id, table, text, pattern) for table in PLACES)


def _texts(
    connection: Connection, organization_id: int, table: str, text: str, pattern: re.Pattern[str]
) -> int:
    key, plain, documents = PLACES[table]
    columns = [sql.Identifier(name) for name in (*plain, *documents)]
    query = sql.SQL("SELECT {}, {} FROM sluice.{} WHERE organization_id = %s AND ({}) FOR UPDATE").format(
        sql.Identifier(key),
        sql.SQL(", ").join(columns),
        sql.Identifier(table),
        sql.SQL(" OR ").join(sql.SQL("strpos(lower({}::text), %s) > 0").format(one) for one in columns),
    )
    wanted = [text.lower()] * len(plain) + [json.dumps(text.lower(), ensure_ascii=False)[1:-1]] * len(
        documents
    )
    changed = 0
    for name, *values in connection.execute(query, [organization_id, *wanted]).fetchall():
        new = [_without(value, pattern) for value in values]
        if new != values:
            changed += 1
            changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(one) for one in columns)
            update = sql.SQL("UPDATE sluice.{} SET {} WHERE {} = %s").format(
                sql.Identifier(table), changes, sql.Identifier(key)
            )
            sent = new[: len(plain)] + [None if one is None else Jsonb(one) for one in new[len(plain) :]]
            connection.execute(update, [*sent, name])
    return changed


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, list):
        return [_without(one, pattern) for one in value]
    if isinstance(value, dict):
        # A request names the source that a replay reads.
        return {name: one if name == "request" else _without(one, pattern) for name, one in value.items()}
    return value


def remains(connection: Connection, organization_id: int, text: str) -> dict[str, int]:
    """In how many rows of Sluice's own tables the text still stands; by table, those that have none left out."""
    if not telling(text):
        return {}
    pattern = rf"(^|[^[:alnum:]_.+@-]){re.escape(text)}($|[^[:alnum:]_@])"
    found = {}
    for table in _LOOKED_AT:
        query = sql.SQL(_REMAINS).format(sql.Identifier(table))
        row = connection.execute(query, [organization_id, pattern]).fetchone()
        if row and row[0]:
            found[table] = int(row[0])
    return found
