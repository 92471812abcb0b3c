"""Protected values on their way to a reader: masked, or decrypted for one who may, and then written down."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from psycopg import sql

from sluice.contracts.model import Contract
from sluice.errors import InputError
from sluice.jobs import concealed, ledger
from sluice.security import cells
from sluice.security.cells import Opener
from sluice.security.keys import Keks
from sluice.security.ring import Ring
from sluice.warehouse import sealing
from sluice.warehouse.connection import Connection

PORTION = 1000  # rows that are opened at a time


@dataclass(frozen=True)
class Reader:
    """One who reads a dataset's rows or rejects over the connection, in a transaction. ``keks``: None for one who sees
    masks only.
    """

    connection: Connection
    contract: Contract
    organization_id: int
    user_id: int | None = None
    keks: Keks | None = None

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """The table's rows as this reader sees them. Raises SetupError where one was tampered with."""
        portion: list[dict[str, Any]] = []
        for row in rows:
            portion.append(dict(row))
            if len(portion) == PORTION:
                yield from self._portion(portion)
                portion = []
        yield from self._portion(portion)

    def _portion(self, rows: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        if not self.contract.ceiling or not rows:
            return rows
        return self._opener.open(rows) if self.keks else map(sealing.masker(self.contract), rows)

    def rejects(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rejects as this reader sees them. Raises SetupError where one was tampered with."""
        for row in rows:
            if self.keks and concealed.is_sealed(row):
                yield concealed.opened(row, self._ring, self.contract.dataset)
            else:
                yield concealed.masked(row)

    def note(self, what: str, rows: int, job_id: str | None = None) -> None:
        """Write down in the open transaction what was decrypted for this reader, if anything was."""
        if not self.keks or not ({"_ring", "_opener"} & self.__dict__.keys()):
            return
        columns = [column.name for column in self.contract.sealed]
        ledger.audit(
            self.connection,
            "data.unsealed",
            organization_id=self.organization_id,
            user_id=self.user_id,
            job_id=job_id,
            dataset=self.contract.dataset,
            details={"what": what, "columns": columns, "rows": rows},
        )

    @cached_property
    def _ring(self) -> Ring:
        assert self.keks
        return sealing.own_ring(self.connection, self.keks, self.organization_id)

    @cached_property
    def _opener(self) -> Opener:
        assert self.keks
        return sealing.opener(self.connection, self.keks, self.contract, self.organization_id)


def condition(
    connection: Connection,
    contract: Contract,
    organization_id: int,
    wanted: Mapping[str, str],
    keks: Keks | None,
) -> tuple[sql.Composed, list[Any]]:
    """SQL and its values for the organization's rows that have these values; one of a sealed column by its mark.

    Raises InputError for a column that there is not, or that can't be looked up by.
    """
    parts, values = [sql.SQL("organization_id = %s")], list[Any]([organization_id])
    domains, known = sealing.domains(contract), {column.name: column for column in contract.columns}
    for name, text in wanted.items():
        if name not in known:
            raise InputError(f"{contract.dataset} has no column {name}.", hint=f"It has: {', '.join(known)}.")
        if not known[name].sealed:
            parts.append(sql.SQL("{}::text = %s").format(sql.Identifier(name)))  # type: ignore[arg-type]
            values.append(text)
            continue
        if name not in domains:
            raise InputError(
                f"{contract.dataset}.{name} is encrypted, and rows can't be looked up by it.",
                hint="Give the column sluice.lookup: true in the contract, and load its rows again.",
            )
        assert keks
        own = sealing.own_ring(connection, keks, organization_id)
        text = cells.canonical(text, sealing.shape(contract).types[name])
        parts.append(sql.SQL("{} = %s").format(sql.Identifier(name)))  # type: ignore[arg-type]
        values.append(cells.token(own, domains[name], text))
    return sql.SQL(" AND ").join(parts), values


def selected(
    reader: Reader, where: Mapping[str, str], limit: int, keks: Keks | None
) -> Iterator[dict[str, Any]]:
    """Rows of the dataset's table, the first ``limit`` that have these values, as the reader sees them."""
    contract = reader.contract
    names = [*(column.name for column in contract.columns), cells.EXTRA]
    names += [cells.SEALED] if contract.ceiling else []
    found, values = condition(reader.connection, contract, reader.organization_id, where, keks)
    query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY _load_id, _record_no LIMIT %s").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.Identifier(contract.schema, contract.table),
        found,
    )
    reader.connection.execute("SET LOCAL TimeZone = 'UTC'")
    cursor = reader.connection.execute(query, [*values, limit])
    yield from reader.rows(dict(zip(names, row, strict=True)) for row in cursor)


def tuples(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows' values in the order of the names."""
    return (tuple(row[name] for name in names) for row in rows)
