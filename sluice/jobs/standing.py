"""The rows that stand in a dataset's table, for a source whose records go by them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from sluice.contracts.model import Contract
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated
from sluice.warehouse.merge import LINEAGE

_ROWS = """
SELECT to_jsonb(t) - %(lineage)s::text[] - '_extra' || coalesce(to_jsonb(t._extra), '{{}}') FROM {table} t
 WHERE organization_id = %(organization)s
   AND EXISTS (SELECT FROM unnest(%(parts)s::text[]) part WHERE strpos(lower(github_url), part) > 0)
   AND {having}
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The table of one organization's dataset."""

    warehouse: Warehouse
    contract: Contract
    organization_id: int

    def rows(self, parts: Sequence[str], having: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Those whose ``github_url`` has one of the parts (lower case), and a value in one of ``having``, if any.

        None where the contract has no such columns.
        """
        names = {column.name for column in self.contract.columns}
        known = [sql.Identifier(name) for name in having if name in names]
        if "github_url" not in names or (having and not known):
            return
        valued = sql.SQL("num_nonnulls({}) > 0").format(sql.SQL(", ").join(known)) if known else None
        query = sql.SQL(_ROWS).format(table=_table(self.contract), having=valued or sql.SQL("true"))
        values = {"lineage": list(LINEAGE), "organization": self.organization_id, "parts": list(parts)}
        with translated(), self.warehouse.connect() as connection:
            for (row,) in connection.execute(query, values):
                yield row

    def projects(self) -> dict[str, str]:
        """The names of all projects, each with its ``github_url`` in lower case, empty for none."""
        try:
            contract = Registry.from_settings(settings()).get("projects")
        except SetupError:
            return {}
        if not {"name", "github_url"} <= {column.name for column in contract.columns}:
            return {}
        query = "SELECT name, coalesce(lower(github_url), '') FROM {} WHERE organization_id = %s"
        with translated(), self.warehouse.connect() as connection:
            table = _table(contract)
            there = connection.execute("SELECT to_regclass(%s)", [table.as_string(connection)]).fetchone()
            if not there or there[0] is None:
                return {}
            return dict(connection.execute(sql.SQL(query).format(table), [self.organization_id]).fetchall())


def _table(contract: Contract) -> sql.Identifier:
    return sql.Identifier(contract.schema, contract.table)
