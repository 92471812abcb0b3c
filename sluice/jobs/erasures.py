"""No job begins while a person's data is erased: it might seal rows with a key that is about to go."""

from sluice.warehouse.connection import Connection

_NAME = "hashtextextended('sluice erasure ' || %s::text, 0)"


def wait(connection: Connection, organization_id: int) -> None:
    """Wait until no erasure of the organization runs. None begins before the end of this transaction."""
    connection.execute(f"SELECT pg_advisory_xact_lock_shared({_NAME})".encode(), [organization_id])


def begin(connection: Connection, organization_id: int) -> None:
    """Let no job of the organization begin before the end of this transaction; those that have begun can be seen."""
    connection.execute(f"SELECT pg_advisory_xact_lock({_NAME})".encode(), [organization_id])
