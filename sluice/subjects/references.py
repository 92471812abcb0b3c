"""Rows of others that refer to a person's rows: their reference is emptied, so that no foreign key breaks."""

from collections.abc import Sequence

from psycopg import sql

from sluice.contracts.model import Contract, Relationship
from sluice.errors import SetupError
from sluice.subjects import search
from sluice.subjects.person import Person
from sluice.subjects.search import FOUND, Scope
from sluice.warehouse.columns import table_name
from sluice.warehouse.connection import Connection

_OTHERS = """
FROM {target} t JOIN {found} f ON f.dataset = {dataset} AND f.place = t.ctid
WHERE c.organization_id = t.organization_id AND t.organization_id = {organization} AND {pairs}
  AND NOT EXISTS (SELECT FROM {found} g WHERE g.dataset = {own} AND g.place = c.ctid)
"""


def empty(
    connection: Connection, person: Person, scope: Scope, kept: Sequence[Contract] = ()
) -> dict[str, int]:
    """Empty the references of rows that are not the person's; returns how many rows by dataset.

    Those to rows of datasets that are ``kept`` stay, unless they name what is lost.

    Raises SetupError where one must not be empty, or is encrypted: the contract has to say whose such rows are.
    """
    places = {(one.schema, one.table): one for one in scope.contracts}
    counts: dict[str, int] = {}
    for contract in scope.all:
        for one in contract.relationships:
            target = places.get((one.schema, one.table))
            if target and target in kept and not any(target.column(name).sealed for name in one.targets):
                continue
            if target and (count := _empty(connection, person, contract, target, one)):
                counts[contract.dataset] = counts.get(contract.dataset, 0) + count
    return counts


def _empty(
    connection: Connection, person: Person, contract: Contract, target: Contract, one: Relationship
) -> int:
    others = sql.SQL(_OTHERS).format(
        target=table_name(target),
        found=FOUND,
        dataset=sql.Literal(target.dataset),
        own=sql.Literal(contract.dataset),
        organization=sql.Literal(person.organization_id),
        pairs=search.pairs(one),
    )
    columns = [contract.column(name) for name in one.columns]
    fixed = [c.name for c in columns if c.sealed or c.name in contract.required]
    if not fixed:
        changes = sql.SQL(", ").join(
            sql.SQL("{} = NULL").format(sql.Identifier(name)) for name in one.columns
        )
        query = sql.SQL("UPDATE {} c SET {} {}").format(table_name(contract), changes, others)
        return connection.execute(query).rowcount
    query = sql.SQL("SELECT count(*) FROM {} c WHERE EXISTS (SELECT {})").format(table_name(contract), others)
    row = connection.execute(query).fetchone()
    if row and row[0]:
        raise SetupError(
            f"{row[0]:,} rows of {contract.dataset} refer by {', '.join(one.columns)} to rows of this person, and"
            f" {fixed[0]} can't be emptied.",
            hint="If such rows are the person's too, say so: sluice.subject: true at the relationship in the contract."
            " Nothing was erased.",
            dataset=contract.dataset,
        )
    return 0
