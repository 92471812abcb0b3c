"""Rows of a person that stay, with all that was encrypted in them lost for good."""

import secrets

from psycopg import sql

from sluice.contracts.model import Contract
from sluice.security import cells
from sluice.subjects import search
from sluice.subjects.search import Scope
from sluice.warehouse.columns import table_name
from sluice.warehouse.connection import Connection

# What reads as a row of a person whose key is gone, of nobody in particular.
_LOST = b"\x02" + bytes(cells.TOKEN)
# No one can compute it again: the salt is kept nowhere.
_MARK = "{name} = CASE length({name}) WHEN 16 THEN substr(sha256({name} || {salt}), 1, 16) ELSE {name} END"


def keepable(scope: Scope, contract: Contract) -> bool:
    """Whether the dataset's rows name the person by encrypted columns only, and can do without what they refer by."""
    names = _naming(scope, contract)
    if not all(contract.column(name).sealed for name in names):
        return False
    return not _referring(contract) & names & set(contract.required)


def shred(connection: Connection, organization_id: int, scope: Scope, contract: Contract, salt: bytes) -> int:
    """Take from the person's rows of the dataset all that was encrypted, and what they could be found by; how many."""
    referring, naming = _referring(contract), _naming(scope, contract)
    changes = [sql.SQL("_sealed = %s").format()]
    for column in contract.sealed:
        name = sql.Identifier(column.name)
        if column.name not in referring:
            changes.append(sql.SQL(_MARK).format(name=name, salt=sql.Literal(salt)))
        elif column.name in naming:
            changes.append(sql.SQL("{} = NULL").format(name))
    query = sql.SQL("UPDATE {} d SET {} WHERE organization_id = %s AND {}").format(
        table_name(contract), sql.SQL(", ").join(changes), search.theirs(contract.dataset)
    )
    return connection.execute(query, [_LOST + secrets.token_bytes(12), organization_id]).rowcount


def _naming(scope: Scope, contract: Contract) -> set[str]:
    """The columns that say, of the dataset's rows, which person they are about."""
    links = [link.relationship for link in scope.links if link.contract == contract]
    return {name for one in links for name in one.columns} | {contract.subject} - {""}


def _referring(contract: Contract) -> set[str]:
    return {name for one in contract.relationships for name in one.columns}
