"""Rows of a contract with a ceiling on their way into the warehouse and back: which cells are sealed, by which keys."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sluice.contracts.model import Contract
from sluice.errors import SetupError
from sluice.security import cells, ring
from sluice.security.cells import Opener, Sealer, Shape
from sluice.security.keys import Keks, keks_of
from sluice.settings import settings
from sluice.warehouse.connection import Connection, Warehouse
from sluice.warehouse.failures import translated
from sluice.warehouse.incoming import IncomingTable


def domains(contract: Contract) -> dict[str, str]:
    """Each sealed column that rows are found or referred to by, with the name of what its values are compared in."""
    found = {name for key in (*contract.match_keys, contract.primary_key) for name in key}
    found |= {name for one in contract.relationships for name in one.columns}
    found |= {column.name for column in contract.columns if column.unique or column.lookup}
    own = {c.name: f"{contract.schema}.{contract.table}.{c.name}" for c in contract.sealed if c.name in found}
    for one in contract.relationships:
        pairs = zip(one.columns, one.targets, strict=True)
        own |= {name: f"{one.schema}.{one.table}.{target}" for name, target in pairs if name in own}
    return own | {name: ".".join(target) for name, target in contract.references.items() if name in own}


def shape(contract: Contract) -> Shape:
    """What is sealed of the contract's rows."""
    keys = dict.fromkeys(name for key in (*contract.match_keys, contract.primary_key) for name in key)
    return Shape(
        dataset=contract.dataset,
        types={c.name: "JSON" if c.postgres_type == "jsonb" else c.duckdb_type for c in contract.sealed},
        domains=domains(contract),
        bound=tuple(name for name in keys if not contract.column(name).sealed),
        subject=contract.subject,
        subject_domain=_subject_domain(contract),
        keyed=bool(keys),
    )


def _subject_domain(contract: Contract) -> str:
    if not contract.subject:
        return ""
    own = (contract.schema, contract.table, contract.subject)
    return "subject " + ".".join(contract.references.get(contract.subject, own))


def keks(warehouse: Warehouse) -> Keks:
    """The key-encryption keys of the warehouse's block, else of the settings. Raises SetupError or RetryError."""
    return warehouse.keks or keks_of(settings())


def sealer(warehouse: Warehouse, contract: Contract, organization_id: int) -> Sealer | None:
    """What seals the organization's rows; None for a contract without a ceiling. Raises SetupError."""
    if not contract.ceiling:
        return None
    with translated(), warehouse.connect(autocommit=True) as connection:
        own = ring.ensure(connection, keks(warehouse), organization_id)

    def persons(tokens: Sequence[bytes]) -> Mapping[bytes, bytes]:
        with translated(), warehouse.connect(autocommit=True) as connection:
            return ring.ensure_subjects(connection, own, tokens)

    return Sealer(own, shape(contract), persons)


def sealed_batches(
    seal: Sealer | None, batches: Generator[pa.RecordBatch, None, None]
) -> Generator[pa.RecordBatch, None, None]:
    """The batches as they may be sent."""
    with closing(batches):
        for batch in batches:
            yield batch if seal is None else seal.seal(batch)


def own_ring(connection: Connection, given: Keks, organization_id: int) -> ring.Ring:
    """The organization's keys. Raises SetupError where it has none."""
    found = ring.read(connection, given, organization_id)
    if found is None:
        raise SetupError(
            f"Organization {organization_id} has no data keys, so nothing of it can be decrypted.",
            hint="Restore the table sluice.data_keys from a backup if rows of it are encrypted.",
        )
    return found


def opener(connection: Connection, given: Keks, contract: Contract, organization_id: int) -> Opener:
    """What opens the organization's rows, by keys that the connection reads. Raises SetupError."""
    own = own_ring(connection, given, organization_id)

    def persons(tokens: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return ring.subjects(connection, own, tokens)

    return Opener(own, shape(contract), persons)


def masker(contract: Contract) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What puts ``***`` in place of marks, and takes ``_sealed`` away."""
    names = {column.name for column in contract.sealed}

    def mask(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: cells.MASK if name in names and value is not None else value
            for name, value in row.items()
            if name != cells.SEALED
        }

    return mask


@dataclass(frozen=True, slots=True)
class SealingSink:
    """An incoming table that is sent sealed rows."""

    table: IncomingTable
    seal: Sealer

    def start(self, schema: pa.Schema) -> None:
        """As the table's."""
        self.table.start(self.seal.schema(schema))

    def write(self, batch: pa.RecordBatch) -> None:
        """Send one batch, sealed."""
        self.table.write(self.seal.seal(batch))

    def finish(self) -> None:
        """As the table's."""
        self.table.finish()

    def abort(self) -> None:
        """As the table's."""
        self.table.abort()
