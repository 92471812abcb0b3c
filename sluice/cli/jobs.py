"""``sluice jobs``: what happened."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.errors import SetupError
from sluice.jobs import ledger
from sluice.settings import settings
from sluice.sources.model import stored_label
from sluice.warehouse.connection import Warehouse

SHORT = len("job_") + 8
COUNTS = ("read", "published", "unchanged", "superseded", "rejected")
ALWAYS = ("read", "published", "rejected")


def jobs(
    job: Annotated[
        str | None, typer.Argument(help="A job id; empty lists the newest jobs.", metavar="[JOB]")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs, or show all about one: its state, counts, times and error."""
    warehouse = Warehouse.from_settings().prepare()
    if job:
        row = find(warehouse, job)
        output.as_json(row) if as_json else output.pairs(row)
        return
    rows = ledger.listing(warehouse, organization_id=settings().organization_id, limit=limit)
    if as_json:
        output.as_json(rows)
        return
    counts = shown_counts([row["result_data"] or {} for row in rows])
    columns = ["job", "dataset", "file", "status", *counts, "created", "error"]
    output.table(columns, [_line(row, counts) for row in rows])


def shown_counts(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The counts that a table of these results needs: a column of zeros only is left out."""
    return [name for name in COUNTS if name in ALWAYS or any(result.get(name) for result in results)]


def named(files: Sequence[str]) -> str:
    """The first file's name, and how many more there are."""
    if not files:
        return ""
    more = f" +{len(files) - 1} more" if len(files) > 1 else ""
    return f"{PurePath(files[0]).name}{more}"


def find(warehouse: Warehouse, text: str) -> dict[str, Any]:
    """The job whose id is or begins with ``text``; ``last``: the newest. Raises SetupError for none or several."""
    if text == "last":
        newest = ledger.listing(warehouse, organization_id=settings().organization_id, limit=1)
        text = newest[0]["job_id"] if newest else text
    found = ledger.beginning_with(warehouse, text, organization_id=settings().organization_id)
    if len(found) > 1:
        raise SetupError(f"Several jobs begin with {text}.", hint="Give more of the id.")
    if not found:
        raise SetupError(f"There is no job {text}.", hint="`sluice jobs` lists them.")
    return ledger.get(warehouse, found[0])


def _line(row: dict[str, Any], counts: Sequence[str]) -> list[Any]:
    result = row["result_data"] or {}
    request = (row["details"] or {}).get("request", {})
    sources = [stored_label(one) for one in request.get("sources", [])]
    return [
        row["job_id"][:SHORT],
        row["dataset"],
        named(result.get("files") or sources or [row["filename"]]),
        row["status"],
        *(result.get(name) for name in counts),
        row["created_at"],
        output.one_line(row["error_message"] or ""),
    ]
