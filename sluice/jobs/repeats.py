"""Content that was loaded before: the same bytes into the same dataset are a no-op unless forced."""

from collections.abc import Mapping, Sequence

import psycopg

from sluice.contracts.model import Contract

_SINCE_REPLACE = """
SELECT DISTINCT ON (content_sha256) content_sha256, job_id FROM sluice.loads
 WHERE organization_id = %(organization)s AND dataset = %(dataset)s AND content_sha256 = ANY(%(hashes)s)
   AND contract_sha256 = %(contract)s
   AND published_at >= coalesce((SELECT max(published_at) FROM sluice.loads WHERE mode = 'replace'
       AND organization_id = %(organization)s AND dataset = %(dataset)s), '-infinity')
 ORDER BY content_sha256, id DESC
"""
_NEWEST = """
SELECT content_sha256, job_id FROM sluice.loads
 WHERE organization_id = %(organization)s AND dataset = %(dataset)s AND contract_sha256 = %(contract)s
   AND mode = 'replace' AND job_id = (SELECT job_id FROM sluice.loads
       WHERE organization_id = %(organization)s AND dataset = %(dataset)s ORDER BY id DESC LIMIT 1)
"""
_SIZES = """
SELECT sha256, coalesce((SELECT max(file_size) FROM sluice.loads l
    WHERE l.job_id = given.job_id AND content_sha256 = sha256), 0)
  FROM unnest(%s::text[], %s::text[]) AS given (job_id, sha256)
"""


def of_size(connection: psycopg.Connection, organization_id: int, dataset: str, size: int) -> bool:
    """Whether the dataset has loaded an input of ``size`` bytes."""
    query = "SELECT FROM sluice.loads WHERE organization_id = %s AND dataset = %s AND file_size = %s LIMIT 1"
    return connection.execute(query, [organization_id, dataset, size]).fetchone() is not None


def loaded_before(
    connection: psycopg.Connection, organization_id: int, contract: Contract, mode: str, hashes: Sequence[str]
) -> dict[str, str]:
    """Hashes that need no load, each with the job that brought them.

    Append and upsert: loaded since the table was last replaced. Replace: exactly these inputs made the
    newest load. A changed contract makes every input new.
    """
    values = {
        "organization": organization_id,
        "dataset": contract.dataset,
        "contract": contract.sha256,
        "hashes": list(hashes),
    }
    query = _NEWEST if mode == "replace" else _SINCE_REPLACE
    found: dict[str, str] = dict(connection.execute(query, values).fetchall())
    if mode == "replace" and set(found) != set(hashes):
        return {}
    return found


def earlier_inputs(
    connection: psycopg.Connection, skipped: Sequence[Mapping[str, str]]
) -> list[tuple[str, int]]:
    """Hash and size in bytes of inputs that are not loaded again: ``sha256``, and the ``job_id`` that brought it."""
    jobs, hashes = [one["job_id"] for one in skipped], [one["sha256"] for one in skipped]
    return connection.execute(_SIZES, [jobs, hashes]).fetchall() if skipped else []
