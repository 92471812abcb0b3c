"""The view beside a table with encrypted columns: ``***`` where a value is, all else as it is."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from sluice.contracts.columns import fitting
from sluice.contracts.model import Contract
from sluice.security.cells import MASK
from sluice.warehouse.tenants import ROLE

_THERE = "SELECT relkind = 'v' FROM pg_class WHERE oid = to_regclass(%s)"
_GRANTS = """
SELECT CASE grantee WHEN 0 THEN NULL ELSE grantee::regrole::text END, privilege_type
  FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(%s) AND grantee <> relowner
"""
# Who acts for an organization sees its rows only; the barrier keeps the others' from functions in its conditions.
_CREATE = """
CREATE VIEW {view} WITH (security_barrier) AS SELECT {columns} FROM {table}
 WHERE organization_id = (SELECT sluice.own_organization()) OR NOT (SELECT sluice.sees_one())
"""


@dataclass(frozen=True, slots=True)
class View:
    """A view that has been taken down, to be put back."""

    name: sql.Identifier
    definition: str
    grants: tuple[tuple[str | None, str], ...]


def view_name(schema: str, table: str) -> sql.Identifier:
    """``schema.table_masked``."""
    return sql.Identifier(schema, fitting(f"{table}_masked"))


def create(connection: psycopg.Connection, contract: Contract) -> None:
    """Make the view anew, and let tenants read it."""
    view = view_name(contract.schema, contract.table)
    connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
    sealed = {column.name for column in contract.sealed}
    names = [
        *(column.name for column in contract.columns),
        "_extra",
        "organization_id",
        "_load_id",
        "_record_no",
    ]
    columns = sql.SQL(", ").join(_masked(name) if name in sealed else sql.Identifier(name) for name in names)
    table = sql.Identifier(contract.schema, contract.table)
    connection.execute(sql.SQL(_CREATE).format(view=view, columns=columns, table=table))
    tenant, schema = sql.Identifier(ROLE), sql.Identifier(contract.schema)
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(view, tenant))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, tenant))


def _masked(name: str) -> sql.Composed:
    column = sql.Identifier(name)
    return sql.SQL("CASE WHEN {} IS NOT NULL THEN {} END AS {}").format(column, sql.Literal(MASK), column)


def is_there(connection: psycopg.Connection, schema: str, table: str) -> bool:
    """Whether the table has its view."""
    name = view_name(schema, table).as_string(connection)
    return connection.execute(_THERE, [name]).fetchone() == (True,)


def take_down(connection: psycopg.Connection, schema: str, table: str) -> View | None:
    """Drop the view, if there is one, so that its table may change; returns it to be put back."""
    if not is_there(connection, schema, table):
        return None
    name = view_name(schema, table)
    text = name.as_string(connection)
    row = connection.execute("SELECT pg_get_viewdef(to_regclass(%s))", [text]).fetchone()
    grants = connection.execute(_GRANTS, [text]).fetchall()
    assert row
    connection.execute(sql.SQL("DROP VIEW {}").format(name))
    return View(name, row[0], tuple(grants))


def put_back(connection: psycopg.Connection, view: View | None) -> None:
    """Make the view again over the table that has the name now."""
    if view is None:
        return
    text = sql.SQL(
        "CREATE VIEW {} WITH (security_barrier) AS {}"
    )  # the definition is PostgreSQL's own rendering
    connection.execute(text.format(view.name, sql.SQL(view.definition)))
    for grantee, privilege in view.grants:
        connection.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(
                sql.SQL(privilege), view.name, sql.SQL(grantee or "PUBLIC")
            )
        )
