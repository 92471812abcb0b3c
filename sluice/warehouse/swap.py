"""Puts a freshly filled table in a dataset table's place, where nothing hangs on the old one."""

import psycopg
from psycopg import sql

from sluice.warehouse import masked

PATIENCE = "3s"

_OBSTACLES = """
SELECT 'a view or rule uses it' FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
 WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = %(oid)s AND r.ev_class <> %(oid)s
   AND r.ev_class IS DISTINCT FROM to_regclass(%(masked)s)
UNION ALL SELECT 'a foreign key refers to it' FROM pg_constraint WHERE contype = 'f' AND confrelid = %(oid)s
UNION ALL SELECT 'it has a trigger' FROM pg_trigger WHERE tgrelid = %(oid)s AND NOT tgisinternal
UNION ALL SELECT 'it has a policy' FROM pg_policy WHERE polrelid = %(oid)s
UNION ALL SELECT 'it inherits or is inherited' FROM pg_inherits WHERE %(oid)s IN (inhrelid, inhparent)
UNION ALL SELECT 'it is published' FROM pg_publication_rel WHERE prrelid = %(oid)s
UNION ALL SELECT 'it has an index of its own' FROM pg_index i
 WHERE indrelid = %(oid)s AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
UNION ALL SELECT 'it owns a sequence' FROM pg_depend
 WHERE refobjid = %(oid)s AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
   AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S')
UNION ALL SELECT 'a column is generated or has grants of its own' FROM pg_attribute
 WHERE attrelid = %(oid)s AND attnum > 0 AND (attgenerated <> '' OR attidentity <> '' OR attacl IS NOT NULL)
UNION ALL SELECT 'it has row-level security, options or another owner' FROM pg_class
 WHERE oid = %(oid)s AND (relrowsecurity OR relkind <> 'r' OR reloptions IS NOT NULL
   OR relispartition OR relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user))
"""


def obstacles(connection: psycopg.Connection, target: sql.Identifier) -> list[str]:
    """What forbids to put another table in this one's place; empty where nothing does."""
    masked_view = masked.view_name(*target._obj).as_string(connection)
    rows = connection.execute(_OBSTACLES, {"oid": oid(connection, target), "masked": masked_view}).fetchall()
    return sorted({text for (text,) in rows})


def oid(connection: psycopg.Connection, table: sql.Identifier) -> int:
    """The table's object id. Raises psycopg.errors.UndefinedTable."""
    row = connection.execute("SELECT %s::regclass::oid::bigint", [table.as_string(connection)]).fetchone()
    assert row is not None
    return int(row[0])


def swap(
    connection: psycopg.Connection, incoming: sql.Identifier, target: sql.Identifier, schema: str, name: str
) -> None:
    """Give ``incoming`` the target's keys, grants and comment, drop the target and take its name.

    All within the connection's transaction. Raises psycopg.errors.UniqueViolation or NotNullViolation where
    the rows break a key, LockNotAvailable where somebody goes on reading the table.
    """
    old, new = oid(connection, target), oid(connection, incoming)
    constraints = _constraints(connection, old)
    prepare(connection, incoming, target)
    _copy_grants(connection, incoming, old)
    _copy_comment(connection, incoming, old)
    _lock_out_readers(connection, target)
    view = masked.take_down(connection, schema, name)
    connection.execute(sql.SQL("DROP TABLE {}").format(target))
    connection.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(incoming, sql.Identifier(schema)))
    moved = sql.Identifier(schema, incoming._obj[-1])
    connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(moved, sql.Identifier(name)))
    for number, (constraint, _) in enumerate(constraints):
        connection.execute(
            sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}").format(
                target, sql.Identifier(_temporary(new, number)), sql.Identifier(constraint)
            )
        )
    masked.put_back(connection, view)


def prepare(connection: psycopg.Connection, incoming: sql.Identifier, target: sql.Identifier) -> None:
    """Build the target's keys on ``incoming`` unless it has them. Raises as ``swap`` does where the rows break one."""
    old, new = oid(connection, target), oid(connection, incoming)
    wanted, made = _constraints(connection, old), _constraints(connection, new)
    if made and _definitions(made) == _definitions(wanted):
        return
    for name, _ in reversed(made):  # made for a table that has changed since
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(incoming, sql.Identifier(name))
        )
    _add_constraints(connection, incoming, old, new, wanted)


def _lock_out_readers(connection: psycopg.Connection, target: sql.Identifier) -> None:
    """Wait a moment for readers, but not longer: new readers queue behind a waiting exclusive lock."""
    before = connection.execute("SELECT current_setting('lock_timeout')").fetchone()
    assert before is not None
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
    if masked.is_there(connection, *target._obj):  # before its table, as those who read it do
        view = masked.view_name(*target._obj)
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(view))
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(target))
    connection.execute("SELECT set_config('lock_timeout', %s, true)", list(before))


def _constraints(connection: psycopg.Connection, old: int) -> list[tuple[str, str]]:
    """Name and definition of each constraint; from PostgreSQL 18 on NOT NULL is one too."""
    return connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s ORDER BY contype = 'f', contype <> 'n', conname",
        [old],
    ).fetchall()


def _definitions(constraints: list[tuple[str, str]]) -> list[str]:
    return sorted(definition for _, definition in constraints)


def _temporary(new: int, number: int) -> str:
    return f"sluice_swap_{new}_{number}"


def _add_constraints(
    connection: psycopg.Connection,
    incoming: sql.Identifier,
    old: int,
    new: int,
    constraints: list[tuple[str, str]],
) -> None:
    changes: list[sql.Composable] = []
    if connection.info.server_version < 180_000:
        changes += [sql.SQL("ALTER {} SET NOT NULL").format(column) for column in _required(connection, old)]
    changes += [
        # The definition is PostgreSQL's own rendering.
        sql.SQL("ADD CONSTRAINT {} {}").format(sql.Identifier(_temporary(new, number)), sql.SQL(definition))
        for number, (_, definition) in enumerate(constraints)
    ]
    if changes:
        # One statement, so that one scan of the table checks all of them.
        connection.execute(sql.SQL("ALTER TABLE {} {}").format(incoming, sql.SQL(", ").join(changes)))


def _required(connection: psycopg.Connection, old: int) -> list[sql.Identifier]:
    query = (
        "SELECT attname FROM pg_attribute WHERE attrelid = %s AND attnotnull AND attnum > 0 ORDER BY attnum"
    )
    return [sql.Identifier(name) for (name,) in connection.execute(query, [old])]


def _copy_grants(connection: psycopg.Connection, incoming: sql.Identifier, old: int) -> None:
    grants = connection.execute(
        "SELECT CASE grantee WHEN 0 THEN NULL ELSE grantee::regrole::text END, privilege_type, is_grantable"
        " FROM pg_class, aclexplode(relacl) WHERE oid = %s",
        [old],
    ).fetchall()
    for grantee, privilege, grantable in grants:
        connection.execute(
            sql.SQL("GRANT {} ON {} TO {}{}").format(
                sql.SQL(privilege),
                incoming,
                sql.SQL(grantee or "PUBLIC"),  # regrole's text is quoted already
                sql.SQL(" WITH GRANT OPTION" if grantable else ""),
            )
        )


def _copy_comment(connection: psycopg.Connection, incoming: sql.Identifier, old: int) -> None:
    row = connection.execute("SELECT obj_description(%s, 'pg_class')", [old]).fetchone()
    if row and row[0] is not None:
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(incoming, sql.Literal(row[0])))
