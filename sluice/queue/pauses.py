"""Pauses: while an organization pauses, none of its jobs is handed over; those that run go on."""

from sluice.warehouse.connection import Connection


def pause(connection: Connection, organization_id: int, user_id: int | None) -> bool:
    """Returns whether it did not pause before."""
    query = "INSERT INTO sluice.pauses (organization_id, user_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    return connection.execute(query, [organization_id, user_id]).rowcount > 0


def resume(connection: Connection, organization_id: int) -> bool:
    """Returns whether it paused. The dispatcher is told."""
    paused = (
        connection.execute("DELETE FROM sluice.pauses WHERE organization_id = %s", [organization_id]).rowcount
        > 0
    )
    connection.execute("SELECT pg_notify('sluice_outbox', '')")
    return paused


def paused(connection: Connection, organization_id: int) -> bool:
    """Whether the organization pauses now."""
    query = "SELECT FROM sluice.pauses WHERE organization_id = %s"
    return connection.execute(query, [organization_id]).fetchone() is not None
