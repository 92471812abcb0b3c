"""Acting for one organization: what a connection sees and changes is only its own, whatever is asked."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from sluice.warehouse.connection import Connection, Statement
from sluice.warehouse.failures import translated

ROLE = "sluice_tenant"
CONFINE = sql.SQL("SET ROLE {}").format(sql.Identifier(ROLE))


def confine(connection: Connection) -> None:
    """From now on the connection, an autocommit one, sees nothing but through ``acting_for``."""
    connection.execute(CONFINE)


@contextmanager
def acting_for(connection: Connection, organization_id: int) -> Iterator[Connection]:
    """A transaction on the confined connection, in which the organization's rows are there and no others."""
    with translated(), connection.transaction():
        connection.execute(*acting(organization_id))
        yield connection


def acting(organization_id: int) -> Statement:
    """What a transaction of a confined connection begins with."""
    return b"SELECT set_config('sluice.organization_id', %s, true)", [str(organization_id)]
