"""``sluice classify``: which columns of a file hold data about persons or secrets."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.options import AsForLoad, AsJson, InsideJson, Sheet, key_values
from sluice.contracts.registry import Registry
from sluice.errors import SetupError
from sluice.readers import open_table
from sluice.settings import settings
from sluice.sources.files import find


def classify(
    file: Annotated[str, typer.Argument(help="A path.", metavar="FILE")],
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", help="A dataset whose contract decides the levels.", metavar="NAME"),
    ] = None,
    sheet: Sheet = "",
    path: InsideJson = "",
    source_option: AsForLoad = None,
    as_json: AsJson = False,
) -> None:
    """Tell of each column whether it holds data about persons or secrets, how sure that is, why, and its level.

    The name, different cells from the whole file and their check digits decide; nothing leaves this machine. Levels
    are public, internal, confidential and restricted. No database is needed.

        sluice classify customers.csv
    """
    paths = [Path(uri) for uri, _, _ in find(file)]
    if len(paths) != 1:
        raise SetupError(f"{file} is {len(paths)} files.", hint="`sluice classify` takes one.")
    contract = Registry.from_settings(settings()).get(dataset) if dataset else None
    options = key_values(source_option or []) | {
        name: text for name, text in (("sheet", sheet), ("path", path)) if text
    }
    from sluice import classify as classes  # takes a fifth of a second, which other commands do without

    with tempfile.TemporaryDirectory(prefix="sluice-classify-") as folder:
        work = Path(folder)
        with closing(open_table(paths[0], options, work=work)) as table:
            found = classes.classify(
                table, work, contract, memory_limit_mb=settings().memory_limit_mb, threads=settings().threads
            )
            account = table.account.as_dict()
    told: dict[str, Any] = {"file": str(paths[0]), "dataset": dataset, **found.facts(), **account}
    if as_json:
        output.as_json(told)
        return
    rows = [(one.column, one.kind, one.confidence, one.level, one.evidence) for one in found.columns]
    output.table(["column", "class", "confidence", "level", "evidence"], rows)
    if not found.whole:
        output.aside(
            f"{paths[0].name}: the time was over after {found.records:,} records; they were looked at."
        )
