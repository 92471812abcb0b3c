"""``sluice subject``: what is kept about one person, to be handed out or erased."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.files import whole
from sluice.cli.options import AsJson
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.jobs.recovery import recover
from sluice.landing.store import store_of
from sluice.security import ring
from sluice.security.keys import Keks
from sluice.settings import settings
from sluice.subjects import document, search
from sluice.subjects import erase as erasing
from sluice.subjects.erase import Erased
from sluice.subjects.person import Person
from sluice.subjects.search import Scope
from sluice.warehouse import sealing
from sluice.warehouse.connection import Warehouse
from sluice.warehouse.failures import translated

app = typer.Typer(
    help="What is kept about one person: hand it out, or erase it (GDPR, articles 15, 17 and 20).",
    no_args_is_help=True,
)
Value = Annotated[
    str, typer.Argument(metavar="VALUE", help="What names the person in the columns marked sluice.subject.")
]
Organization = Annotated[int, typer.Option("--organization", min=0, help="Of which organization; 0: yours.")]


@app.command()
def export(
    value: Value,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", help="Of this dataset only; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the document here; else to the screen.")
    ] = None,
    organization: Organization = 0,
    as_json: AsJson = False,
) -> None:
    """Give out all that is kept about a person as one JSON document: rows, rejects, and where they came from.

    Encrypted values are decrypted; the audit log has who did it, when, and how much, before the first byte is written.
    """
    warehouse, here = Warehouse.from_settings().prepare(), settings()
    person, keks = _person(warehouse, value, organization)
    found = document.export(
        warehouse, person, _scope(warehouse), keks, datasets=dataset or [], user_id=here.user_id
    )
    if out is None:
        output.as_json(found.document)
        return
    with whole(out) as partial:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        partial.write_text(json.dumps(found.document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    told: dict[str, Any] = {"file": str(out), "subject": person.token, "datasets": found.counts}
    if as_json:
        output.as_json(told)
        return
    rows = sum(counts["rows"] for counts in found.counts.values())
    rejects = sum(counts["rejects"] for counts in found.counts.values())
    output.say(f"{out}: {rows:,} rows and {rejects:,} rejects of {len(found.counts)} datasets.")


@app.command()
def erase(
    value: Value,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    keep_rows: Annotated[
        bool,
        typer.Option(
            "--keep-rows",
            help="Let rows stay that name the person by encrypted columns only; what was encrypted is lost.",
        ),
    ] = False,
    organization: Organization = 0,
    as_json: AsJson = False,
) -> None:
    """Erase all that is kept about a person: rows, rejects, samples, uploads, and the key that opens copies of them.

    Shows first what that is, and asks. What a source still has comes again with its next load: correct it there too.
    Exit code 2 if it neither may ask nor was told --yes.
    """
    warehouse, here = Warehouse.from_settings().prepare(), settings()
    recover(warehouse, here.stage_dir)
    person, keks = _person(warehouse, value, organization)
    scope, store = _scope(warehouse), store_of("", here)
    if not yes:
        found = erasing.erase(warehouse, person, scope, keks, store, keep_rows=keep_rows, rehearse=True)
        if not found.nothing:
            _ask(found, as_json)
    told = erasing.erase(warehouse, person, scope, keks, store, user_id=here.user_id, keep_rows=keep_rows)
    _tell(told, as_json, erased=True)


def _ask(found: Erased, as_json: bool) -> None:
    """Show what would be erased, and go on if the reader says so. Raises SetupError where nobody can be asked."""
    asked = sys.stdin.isatty() and not as_json
    if not as_json:
        _tell(found, as_json, erased=False)
    if not asked:
        raise SetupError("Nothing was erased.", hint="Say --yes to erase it.", **_facts(found))
    typer.confirm("Erase this? It can't be undone", abort=True)


def _facts(found: Erased) -> dict[str, str]:
    return {
        "subject": found.subject,
        "rows": str(sum(found.rows.values())),
        "rejects": str(sum(found.rejects.values())),
    }


def _tell(told: Erased, as_json: bool, *, erased: bool) -> None:
    if as_json:
        output.as_json(told.as_dict())
        return
    if told.nothing:
        output.say("Nothing is kept about this person.")
    else:
        names = sorted(told.rows.keys() | told.rejects.keys() | told.references.keys())
        columns = ["dataset", "rows", "of them kept", "rejects", "references of others"]
        lines = [
            [name, *(counts.get(name, 0) for counts in (told.rows, told.kept, told.rejects, told.references))]
            for name in names
        ]
        output.table(columns, lines)
        output.say(
            f"{'erased' if erased else 'to be erased'}: previews of {told.previews:,} jobs, {told.texts:,} other"
            f" places, {told.keys:,} keys, {len(told.uploads):,} uploads"
        )
    if erased and told.flow_runs:
        output.aside(
            f"Runs that show the erased rejects in Prefect, to be deleted there: {', '.join(told.flow_runs)}."
        )
    if told.uploads_left:
        output.aside(f"Uploads of jobs that are not over stay: {', '.join(told.uploads_left)}.")
    if told.remains:
        listed = ", ".join(f"{table} ({count:,})" for table, count in told.remains.items())
        output.aside(f"The identifier still stands in Sluice's own tables: {listed}. See docs/subjects.md.")


def _person(warehouse: Warehouse, value: str, organization: int) -> tuple[Person, Keks]:
    keks = sealing.keks(warehouse)
    number = organization or settings().organization_id
    with translated(), warehouse.connect(autocommit=True) as connection:
        return Person(value.strip(), ring.ensure(connection, keks, number)), keks


def _scope(warehouse: Warehouse) -> Scope:
    """All contracts' tables. Raises ContractError for a wrong contract: its table could hold the person's rows."""
    registry = Registry.from_settings(settings())
    for problem in registry.problems():
        raise problem
    with translated(), warehouse.connect() as connection:
        return search.scope(connection, [registry.get(name) for name in registry.names()])
