"""Dead letters tried again."""

from collections.abc import Sequence

from sluice.jobs import ledger
from sluice.queue import dead_letters, outbox
from sluice.warehouse.connection import Connection


def retry(
    connection: Connection,
    organization_id: int,
    *,
    jobs: Sequence[str] | None = None,
    reason: str | None = None,
) -> list[str]:
    """Queue dead letters again, with all their tries: all of the organization's, or these jobs, or those of a reason.

    Works in the caller's transaction. Returns their job ids.
    """
    taken = dead_letters.take(connection, organization_id, jobs=jobs, reason=reason)
    for job_id in taken:
        ledger.requeue(connection, job_id)
        outbox.afresh(connection, job_id)
    return taken
