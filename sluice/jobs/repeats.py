"""Content that was loaded before: the same bytes into the same dataset are a no-op unless forced."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from sluice.contracts.model import Contract
from sluice.sources.model import has_a_state, replayed_job

Input = tuple[str, Mapping[str, str]]  # its SHA-256, and the options it is read with
_SINCE_REPLACE = """
SELECT DISTINCT ON (number) number::int, job_id
  FROM unnest(%(hashes)s::text[], %(options)s::text[]) WITH ORDINALITY AS given (sha256, options, number)
  JOIN sluice.loads l ON l.content_sha256 = given.sha256 AND l.options = given.options::jsonb
 WHERE organization_id = %(organization)s AND dataset = %(dataset)s AND contract_sha256 = %(contract)s
   AND published_at >= coalesce((SELECT max(published_at) FROM sluice.loads WHERE mode = 'replace'
       AND organization_id = %(organization)s AND dataset = %(dataset)s), '-infinity')
 ORDER BY number, l.id DESC
"""
_NEWEST = """
SELECT content_sha256, options, job_id FROM sluice.loads
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
    connection: psycopg.Connection,
    organization_id: int,
    contract: Contract,
    mode: str,
    inputs: Sequence[Input],
) -> dict[int, str]:
    """Positions in ``inputs`` of those that need no load, each with the job that brought it.

    Append and upsert: loaded since the table was last replaced. Replace: exactly these inputs made the
    newest load. A changed contract makes every input new.
    """
    values = {
        "organization": organization_id,
        "dataset": contract.dataset,
        "contract": contract.sha256,
        "hashes": [sha256 for sha256, _ in inputs],
        "options": [json.dumps(options) for _, options in inputs],
    }
    if mode != "replace":
        found = connection.execute(_SINCE_REPLACE, values).fetchall()
        return {number - 1: job_id for number, job_id in found}
    newest: list[tuple[str, Any, str]] = connection.execute(_NEWEST, values).fetchall()
    if sorted(map(_known, newest)) != sorted(map(_known, inputs)):
        return {}
    return dict.fromkeys(range(len(inputs)), newest[0][2])


def identity(source: str, sha256: str) -> str:
    """What an input of this source is known by; empty for one that is not done with once its content was loaded: an
    API may go back to it, and a replay ends with the rejects.
    """
    return "" if replayed_job(source) or has_a_state(source) else sha256


def _known(one: Sequence[Any]) -> tuple[str, str]:
    return one[0], json.dumps(one[1], sort_keys=True)


def earlier_inputs(
    connection: psycopg.Connection, skipped: Sequence[Mapping[str, str]]
) -> list[tuple[str, int]]:
    """Hash and size in bytes of inputs that are not loaded again: ``sha256``, and the ``job_id`` that brought it."""
    jobs, hashes = [one["job_id"] for one in skipped], [one["sha256"] for one in skipped]
    return connection.execute(_SIZES, [jobs, hashes]).fetchall() if skipped else []
