"""The SQLAlchemy dialect through which Great Expectations reads a DuckDB connection that we own.

duckdb-engine would do, but for three things: its cursors share one result, which is lost when GX gives the
connection back before it fetches; its reflection through ``pg_catalog`` takes most of a small audit; and
imported beside GX it keeps DuckDB's types alive until the interpreter ends, which DuckDB reports as leaks.
So this module must not import duckdb.
"""

from functools import cache
from typing import Any, cast

from sqlalchemy import Engine, create_engine, pool, text, types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect, PGIdentifierPreparer
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedPrimaryKeyConstraint
from sqlalchemy.util import LRUCache

_TYPES: dict[str, type[types.TypeEngine[Any]]] = {
    "TINYINT": types.SMALLINT,
    "SMALLINT": types.SMALLINT,
    "INTEGER": types.INTEGER,
    "BIGINT": types.BIGINT,
    "FLOAT": types.FLOAT,
    "DOUBLE": types.DOUBLE,
    "DECIMAL": types.DECIMAL,
    "BOOLEAN": types.BOOLEAN,
    "VARCHAR": types.VARCHAR,
    "JSON": types.JSON,
    "DATE": types.DATE,
    "TIME": types.TIME,
    "TIMESTAMP": types.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": types.TIMESTAMP,
    "UUID": types.UUID,
    "BLOB": types.BLOB,
}


def open_engine(connection: Any) -> Engine:
    """A SQLAlchemy engine that reads over a DuckDB connection, which stays open when the engine is disposed."""
    known, own = _first_engine(), cast(Any, _Connection(connection))
    engine = Engine(pool.StaticPool(lambda: own), known.dialect, known.url)
    return engine.execution_options(compiled_cache=_compiled())


@cache
def _first_engine() -> Engine:
    """One that reads nothing: its dialect serves all others, so that SQLAlchemy knows their statements again."""
    registry.register("duckdb.sluice", __name__, "DuckDBDialect")
    engine = create_engine("duckdb+sluice://", creator=lambda: _Connection(None), poolclass=pool.StaticPool)
    with engine.connect():  # which completes the dialect
        return engine


@cache
def _compiled() -> LRUCache[Any, Any]:
    """The statements of former audits, compiled: most loads are judged by the rules of one before them."""
    return LRUCache(500)


class _Cursor:
    """A DB-API cursor with a DuckDB cursor, and so a result, of its own; rows stay in DuckDB until fetched."""

    rowcount = -1
    arraysize = 1

    def __init__(self, connection: "_Connection") -> None:
        self.connection = connection
        self._cursor = connection.duck.cursor()

    def execute(self, statement: str, parameters: Any = None) -> None:
        self._cursor.execute(statement, parameters or None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


class _Connection:
    """A DB-API connection without transactions: it only reads."""

    def __init__(self, duck: Any) -> None:
        self.duck = duck

    def cursor(self) -> _Cursor:
        return _Cursor(self)

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class _DBAPI:
    """What SQLAlchemy asks of a driver module."""

    paramstyle = "numeric_dollar"
    apilevel = "2.0"
    threadsafety = 1
    Error = Exception


class _Preparer(PGIdentifierPreparer):
    """Quotes every name: DuckDB reserves words that PostgreSQL does not, such as ``at`` and ``show``."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class DuckDBDialect(PGDialect):
    """DuckDB speaks PostgreSQL's SQL; what is left is to reflect a view's columns."""

    preparer = _Preparer
    name = "duckdb"
    driver = "sluice"
    supports_statement_cache = True
    supports_server_side_cursors = False

    @classmethod
    def import_dbapi(cls) -> Any:
        return _DBAPI

    def initialize(self, connection: Any) -> None:
        DefaultDialect.initialize(self, connection)

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return (16,)

    def _get_default_schema_name(self, connection: Any) -> str:
        return "main"

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        raise NotImplementedError

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        query = text("SELECT 1 FROM information_schema.tables WHERE table_name = :name")
        return connection.execute(query, {"name": str(table_name)}).first() is not None

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedColumn]:
        # The information schema would be read through views of all there is, which costs 40 ms at first.
        found = connection.exec_driver_sql(f"DESCRIBE {self.identifier_preparer.quote(str(table_name))}")
        return [
            {
                "name": name,
                "type": _TYPES.get(kind.partition("(")[0], types.NullType)(),
                "nullable": True,
                "default": None,
            }
            for name, kind, *_ in found
        ]

    def get_pk_constraint(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> ReflectedPrimaryKeyConstraint:
        return {"constrained_columns": [], "name": None}
