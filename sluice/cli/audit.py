"""``sluice audit``: the audit log, whether it is whole, and signed reports of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sluice.audit import export as writing
from sluice.audit import log as entries
from sluice.audit import report
from sluice.audit.anchoring import anchor, warn
from sluice.audit.frameworks import framework
from sluice.audit.verify import Verified, verify
from sluice.cli import jobs, output
from sluice.cli.options import AsJson
from sluice.errors import SetupError
from sluice.security.anchor_key import AnchorKeys
from sluice.settings import settings
from sluice.sources.files import disk_errors
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

app = typer.Typer(help="The audit log: look at it, verify that it is whole, report.", no_args_is_help=True)
BROKEN = 1
Organization = Annotated[int, typer.Option("--organization", min=0, help="Of which organization; 0: yours.")]


@app.command()
def log(
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Entries of this dataset only.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="Of this job; `last`: the newest.")] = None,
    event: Annotated[str | None, typer.Option(help="Of this event, such as load.published.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 50,
    organization: Organization = 0,
    as_json: AsJson = False,
) -> None:
    """List the newest entries of the audit log, the last first."""
    warehouse = Warehouse.from_settings().prepare()
    job_id = jobs.find(warehouse, job)["job_id"] if job else None
    number = organization or settings().organization_id
    with translated(), warehouse.connect() as connection:
        rows = entries.newest(connection, number, dataset=dataset, job_id=job_id, event=event, limit=limit)
    if as_json:
        output.as_json([{**row, "hash": row["hash"].hex()} for row in rows])
        return
    lines = [
        [
            f"{row['at'].astimezone():%Y-%m-%d %H:%M:%S}",
            row["event"],
            row["user_id"],
            (row["job_id"] or "")[: jobs.SHORT],
            row["dataset"],
            output.one_line(", ".join(f"{name} {value}" for name, value in row["details"].items()), 80),
        ]
        for row in rows
    ]
    output.table(["created", "event", "user", "job", "dataset", "details"], lines)


@app.command("verify")
def verify_(
    organization: Annotated[
        int, typer.Option("--organization", min=0, help="Of which organization; 0: of all.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Verify that no entry of the audit log was changed, removed, moved or slipped in; exit code 1 if one was.

    Goes along each organization's chain, compares its head, and the signed anchors in the warehouse and in the file
    with it. What holds is anchored at the end.
    """
    warehouse = Warehouse.from_settings().prepare()
    found = list(verify(warehouse, settings(), organization or None))
    keys = AnchorKeys.from_settings(settings())
    broken = any(one.findings for one in found)
    if not broken:
        _anchor(warehouse, organization or None)
    if as_json:
        told = {"ok": not broken, "key_id": keys.key_id, "public_key": keys.public}
        output.as_json(told | {"organizations": [one.as_dict() for one in found]})
    else:
        columns = ["organization", "entries", "seconds", "anchors", "anchored", "after it", "result"]
        output.table(columns, [_line(one) for one in found])
        _beside(found, keys)
    if broken:
        raise typer.Exit(BROKEN)


@app.command()
def export(
    chosen: Annotated[Literal["sox", "gdpr", "pci-dss"], typer.Option("--framework", help="What it is for.")],
    since: Annotated[str, typer.Option("--from", help="First day, or a time: 2026-01-31.")] = "",
    to: Annotated[str, typer.Option("--to", help="Last day, or a time that it ends before.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; empty: named after the framework.")
    ] = None,
    organization: Organization = 0,
    as_json: AsJson = False,
) -> None:
    """Verify the audit log, and write a signed report: which entries answer which requirement, and what is not covered.

    The report is JSON; the signature, a JWS, lies beside it. `sluice audit check` verifies both. Exit code 1 if the
    log is broken; the report says so too.
    """
    warehouse, keys = Warehouse.from_settings().prepare(), AnchorKeys.from_settings(settings())
    number = organization or settings().organization_id
    wanted = report.Wanted(
        framework(chosen), number, _moment(since, "--from"), _moment(to, "--to", whole=True)
    )
    path = out or Path(f"audit-{chosen}-{datetime.now(UTC):%Y%m%d-%H%M%S}.json")
    with disk_errors(path.parent):
        verified, (count,) = writing.export(warehouse, settings(), number, {path: wanted})
    told = {"report": str(path), "signature": str(report.signature_of(path)), "entries": count}
    if as_json:
        output.as_json(told | {"key_id": keys.key_id, "chain": verified.as_dict()})
    else:
        output.say(f"{path}: {count:,} entries, signed by the key {keys.key_id}; {_result(verified)}.")
    if verified.findings:
        _beside([verified], keys)
        raise typer.Exit(BROKEN)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A report; its signature lies beside it.", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Verify that a report is what a trusted key signed; exit code 1 if not. No database is needed."""
    found = report.check(AnchorKeys.from_settings(settings()), file)
    if as_json:
        output.as_json({"ok": True, **found})
        return
    at = datetime.fromtimestamp(found["iat"], UTC)
    output.say(f"{file}: as it was signed on {at:%Y-%m-%d %H:%M} UTC by the key {found['kid']}.")


def _anchor(warehouse: Warehouse, organization_id: int | None) -> None:
    with translated(), warehouse.connect() as connection:
        warn(anchor(connection, settings(), organization_id))


def _line(one: Verified) -> list[Any]:
    anchored = f"{one.anchored_at:%Y-%m-%d %H:%M:%S} UTC" if one.anchored_at else "never"
    return [
        one.organization_id,
        one.entries,
        one.seconds,
        one.anchors,
        anchored,
        one.unanchored,
        _result(one),
    ]


def _result(one: Verified) -> str:
    return "the chain is broken" if one.findings else "the chain is whole"


def _beside(found: list[Verified], keys: AnchorKeys) -> None:
    for one in found:
        for finding in one.findings:
            output.aside(f"broken: {finding}")
        if one.foreign:
            output.aside(
                f"organization {one.organization_id}: {one.foreign:,} anchors by keys not trusted here."
            )
        if one.unfiled:
            output.aside(
                f"organization {one.organization_id}: {one.unfiled:,} anchors are not in {settings().audit_dir}."
            )
    output.note(f"The public key here is {keys.public}.")


def _moment(text: str, option: str, *, whole: bool = False) -> datetime | None:
    """The time in UTC where no zone is told; of a ``whole`` day its end."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SetupError(
            f"{option} '{text}' is no day and no time.", hint="For example: 2026-01-31"
        ) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found + timedelta(days=1) if whole and len(text) <= len("2026-01-31") else found
