"""What is known of a source from its last load. It changes in the transaction that publishes what it brought."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from sluice.warehouse.connection import Connection

FILE = "state.json"
_READ = "SELECT state FROM sluice.source_states WHERE organization_id = %s AND dataset = %s AND source = %s"
_SAVE = """
INSERT INTO sluice.source_states (organization_id, dataset, source, state, job_id) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (organization_id, dataset, source)
DO UPDATE SET state = excluded.state, job_id = excluded.job_id, updated_at = now()
"""


@dataclass(frozen=True, slots=True)
class SourceState:
    """``high``: the highest value of the incremental field; ``validators``: by which the server knows the content;
    ``loads``: how many there were; ``seen``: what else the kind of source remembers, such as the tags of many pages.
    """

    source: str
    high: str | None = None
    validators: dict[str, str] = field(default_factory=dict)
    loads: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Lay it beside the records that it goes with."""
        (folder / FILE).write_bytes(orjson.dumps(asdict(self)))


def laid(folder: Path) -> list[SourceState]:
    """Those that lie beside the inputs of a job, in ``folder``."""
    return [SourceState(**orjson.loads(path.read_bytes())) for path in sorted(folder.glob(f"*/{FILE}"))]


def read(connection: Connection, organization_id: int, dataset: str, source: str) -> SourceState:
    """What is known of the source; of a new one nothing."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_READ, [organization_id, dataset, source]).fetchone()
    return SourceState(source, **(row["state"] if row else {}))


def save(
    connection: Connection, organization_id: int, dataset: str, job_id: str, states: Sequence[SourceState]
) -> None:
    """Keep them, from the caller's commit on."""
    for one in states:
        state = {name: value for name, value in asdict(one).items() if name != "source"}
        connection.execute(_SAVE, [organization_id, dataset, one.source, Jsonb(state), job_id])
