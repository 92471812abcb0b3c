"""Finds a person's rows: in each table whose contract names the person's column, and in those that refer to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from sluice.contracts.model import Contract, Relationship
from sluice.errors import SetupError
from sluice.security import cells
from sluice.security.keys import Keks
from sluice.subjects.person import Person, normal, typed
from sluice.warehouse import live, sealing
from sluice.warehouse.columns import column_types, table_name
from sluice.warehouse.connection import Connection

FOUND = sql.Identifier("pg_temp", "sluice_person")
_MAKE = """
CREATE TEMPORARY TABLE sluice_person (dataset text, place tid, PRIMARY KEY (dataset, place)) ON COMMIT DROP
"""
_ADD = """
INSERT INTO {found} SELECT %s, ctid FROM {table} WHERE organization_id = %s AND {where} ON CONFLICT DO NOTHING
"""
_FOLLOW = """
INSERT INTO {found} SELECT %s, c.ctid FROM {table} c
  JOIN {target} t ON t.organization_id = c.organization_id AND {pairs}
  JOIN {found} f ON f.dataset = %s AND f.place = t.ctid WHERE c.organization_id = %s ON CONFLICT DO NOTHING
"""
_OPEN = "SELECT d.ctid::text, {} FROM {} d WHERE organization_id = %s AND {} ORDER BY _load_id, _record_no"
_COUNT = "SELECT dataset, count(*) FROM {} GROUP BY dataset"


@dataclass(frozen=True, slots=True)
class Link:
    """A relationship whose rows are about the person that they refer to; ``target`` is the other dataset."""

    contract: Contract
    target: Contract
    relationship: Relationship


@dataclass(frozen=True, slots=True)
class Scope:
    """The datasets of which rows may be about a person: those that say so, and those that refer to them."""

    named: tuple[Contract, ...]
    links: tuple[Link, ...]
    all: tuple[Contract, ...] = field(repr=False)

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """All of them, each once."""
        found = {one.dataset: one for one in (*self.named, *(link.contract for link in self.links))}
        return tuple(found[name] for name in sorted(found))

    def only(self, datasets: Sequence[str]) -> tuple[Contract, ...]:
        """Those of these names; all of them where none is named. Raises SetupError for one that is not among them."""
        known = {one.dataset for one in self.contracts}
        for name in datasets:
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                raise SetupError(
                    f"The contract of {name} says of no column that it names a person.",
                    hint=f"Those that do: {listed}. See sluice.subject.",
                    dataset=name,
                )
        return tuple(one for one in self.contracts if not datasets or one.dataset in datasets)


def scope(connection: Connection, contracts: Sequence[Contract]) -> Scope:
    """What of the contracts' tables, of those that there are, may be about a person.

    Raises SetupError where no contract names a person, and where such a table does not follow its contract yet: then
    the person's rows could be missed.
    """
    if not any(one.subject for one in contracts):
        raise SetupError(
            "No contract says which column names a person, so nothing was searched.",
            hint="Set sluice.subject: true at that column of each dataset that has one.",
        )
    there = {(one.schema, one.table): one for one in contracts if _follows(connection, one)}
    named = tuple(one for one in there.values() if one.subject)
    reached, links = set(map(_place, named)), list[Link]()
    open_ = [
        Link(one, there[target], relationship)
        for one in there.values()
        for relationship in one.relationships
        if relationship.subject and (target := (relationship.schema, relationship.table)) in there
    ]
    while more := [link for link in open_ if link not in links and _place(link.target) in reached]:
        links += more
        reached |= {_place(link.contract) for link in more}
    return Scope(named, tuple(links), tuple(there.values()))


def _place(contract: Contract) -> tuple[str, str]:
    return contract.schema, contract.table


def _follows(connection: Connection, contract: Contract) -> bool:
    """Whether the table is there, with what is asked for."""
    table = live.read(connection, contract.schema, contract.table)
    if table is None:
        return False
    wanted = column_types(contract)
    used = {contract.subject} - {""} | {name for one in contract.relationships for name in one.columns}
    used |= {cells.SEALED} if contract.ceiling else set()
    for name in used if contract.subject or any(one.subject for one in contract.relationships) else ():
        if name not in table.fields or table.fields[name].type != wanted[name]:
            raise SetupError(
                f"The table of {contract.dataset} does not follow its contract: see its column {name}.",
                hint="`sluice datasets check` says how; the next load does it. Nothing was searched.",
                dataset=contract.dataset,
            )
    return True


def find(connection: Connection, person: Person, given: Scope, keks: Keks) -> dict[str, int]:
    """Note the places of the person's rows in the transaction's temporary table; returns how many by dataset."""
    connection.execute(_MAKE)
    for contract in given.named:
        _find_named(connection, person, contract)
        if contract.ceiling and contract.column(contract.subject).sealed:
            _find_sealed_before(connection, person, contract, keks)
    while sum(_follow(connection, person, link) for link in given.links):
        pass
    rows = connection.execute(sql.SQL(_COUNT).format(FOUND)).fetchall()
    return {str(dataset): int(count) for dataset, count in rows}


def _find_named(connection: Connection, person: Person, contract: Contract) -> None:
    value, column = person.value(contract), contract.column(contract.subject)
    if value is None:
        return
    name = sql.Identifier(column.name)
    given: str | bytes = value
    if column.sealed:
        where, given = (
            sql.SQL("substr(_sealed, 1, 17) = %s").format(),
            b"\x02" + (person.key(contract) or b""),
        )
    elif typed(column):
        # The type comes from the contract's compiler, which lets nothing but a type name through.
        kind = sql.SQL(column.postgres_type)
        where = sql.SQL("{} = %s::{}").format(name, kind)
    else:
        where = sql.SQL("{}::text = %s").format(name)
    query = sql.SQL(_ADD).format(found=FOUND, table=table_name(contract), where=where)
    connection.execute(query, [contract.dataset, person.organization_id, given])


def _find_sealed_before(connection: Connection, person: Person, contract: Contract, keks: Keks) -> None:
    """Rows that were sealed before the contract named the person's column, and so by no key of a person."""
    where = sql.SQL("substr(_sealed, 1, 1) = '\\x01' AND {} IS NOT NULL").format(
        sql.Identifier(contract.subject)
    )
    for places, rows in opened(connection, person, contract, keks, where):
        same = [place for place, row in zip(places, rows, strict=True) if _names(row, contract, person)]
        connection.execute(
            sql.SQL("INSERT INTO {} SELECT %s, unnest(%s::tid[]) ON CONFLICT DO NOTHING").format(FOUND),
            [contract.dataset, same],
        )


def _names(row: Mapping[str, object], contract: Contract, person: Person) -> bool:
    value = row[contract.subject]
    return value is not None and normal(value, contract.column(contract.subject)) == person.value(contract)


def _follow(connection: Connection, person: Person, link: Link) -> int:
    query = sql.SQL(_FOLLOW).format(
        found=FOUND,
        table=table_name(link.contract),
        target=table_name(link.target),
        pairs=pairs(link.relationship),
    )
    values = [link.contract.dataset, link.target.dataset, person.organization_id]
    return connection.execute(query, values).rowcount


def pairs(relationship: Relationship) -> sql.Composed:
    """SQL for a row ``c`` that refers to the row ``t``."""
    return sql.SQL(" AND ").join(
        sql.SQL("c.{} = t.{}").format(sql.Identifier(own), sql.Identifier(target))
        for own, target in zip(relationship.columns, relationship.targets, strict=True)
    )


def opened(
    connection: Connection, person: Person, contract: Contract, keks: Keks, where: sql.Composable
) -> Iterator[tuple[list[str], list[dict[str, object]]]]:
    """The organization's rows of that condition in portions: their places, and their values, decrypted."""
    names = [*(column.name for column in contract.columns), cells.EXTRA, "_load_id", "_record_no"]
    names += [cells.SEALED] if contract.ceiling else []
    query = sql.SQL(_OPEN).format(sql.SQL(", ").join(map(sql.Identifier, names)), table_name(contract), where)
    opener = sealing.opener(connection, keks, contract, person.organization_id) if contract.ceiling else None
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    with connection.cursor("sluice_subject") as cursor:
        cursor.execute(query, [person.organization_id])
        while found := cursor.fetchmany(1000):
            rows = [dict(zip(names, row[1:], strict=True)) for row in found]
            yield [str(row[0]) for row in found], opener.open(rows) if opener else rows


def theirs(dataset: str) -> sql.Composed:
    """SQL for rows, of the table ``d``, that were found."""
    return sql.SQL("EXISTS (SELECT FROM {} f WHERE f.dataset = {} AND f.place = d.ctid)").format(
        FOUND, sql.Literal(dataset)
    )
