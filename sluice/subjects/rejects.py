"""The rejects that are about a person."""

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from sluice.jobs import concealed, samples
from sluice.subjects.clues import Clue, one_of
from sluice.subjects.person import Person
from sluice.warehouse.connection import Connection

_ALL = """
SELECT load_id, record_no, ordinal, job_id, line, column_name, reason, message, raw, cells, created_at
  FROM sluice.rejected_rows WHERE organization_id = %s AND dataset = %s ORDER BY load_id, record_no, ordinal
"""


def find(connection: Connection, person: Person, clues: Sequence[Clue]) -> list[dict[str, Any]]:
    """The reasons, decrypted, of each rejected record of these clues' dataset that is the person's.

    Reads all rejects of the dataset: they have no key. Raises SetupError where a key lacks.
    """
    known: set[tuple[int, int]] = set()
    found = []
    for reject in _opened(connection, person, clues):
        place = reject["load_id"], reject["record_no"]
        texts = (reject["raw"], reject["message"])
        if place in known or any(clue.fits(reject["cells"], texts) for clue in clues):
            known.add(place)
            found.append(reject)
    return found


def _opened(connection: Connection, person: Person, clues: Sequence[Clue]) -> Iterator[dict[str, Any]]:
    dataset = clues[0].contract.dataset
    with connection.cursor("sluice_subject_rejects", row_factory=dict_row) as cursor:
        cursor.itersize = 5000
        cursor.execute(_ALL, [person.organization_id, dataset])
        for row in cursor:
            if concealed.is_sealed(row):
                yield concealed.opened(row, person.ring, dataset)
            else:
                yield row


def delete(connection: Connection, found: Sequence[dict[str, Any]]) -> int:
    """Delete these records' rejects, and make the samples of them in their jobs anew; returns how many records."""
    places = sorted({(row["load_id"], row["record_no"]) for row in found})
    if not places:
        return 0
    where, values = one_of(places)
    connection.execute(sql.SQL("DELETE FROM sluice.rejected_rows WHERE {}").format(where), values)
    for job_id in sorted({row["job_id"] for row in found}):
        samples.note_first(connection, job_id)
    return len(places)
