"""``sluice load``: own files through the standard ingestion flow."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.jobs import SHORT, named, shown_counts
from sluice.cli.options import AsJson, check_mode, key_values
from sluice.cli.runner import run
from sluice.contracts.registry import Registry
from sluice.readers.account import counted, outside
from sluice.settings import program, settings
from sluice.sources.acquire import validate
from sluice.sources.api.declared import ENDING, of_dataset
from sluice.sources.model import FileSource, source_of


def load(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Paths, globs, file://, http(s)://, s3://, gs:// or az:// URLs; NAME.source.yaml for an API.",
            metavar="FILE...",
        ),
    ],
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="Where to: a name that `sluice datasets` lists.")
    ],
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            "-m",
            help="append: a key that stands already is a reject. upsert: by key, the last record wins."
            " replace: these become the only rows.",
        ),
    ] = "append",
    source_option: Annotated[
        list[str] | None,
        typer.Option(
            "--source-option",
            "-o",
            metavar="k=v",
            help="For the reader: delimiter, quote, encoding, header, sheet, ...",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Load again what was loaded before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load files into a dataset, all of them or none.

    Every row is typed and checked by the dataset's contract.
    Rows that fail are kept with their reason (`sluice rejects JOB`), never dropped.

        sluice load bugs.csv --dataset bugs
        sluice load 'in/*.csv' https://example.org/more.json --dataset projects --mode upsert
    """
    check_mode(mode)
    Registry.from_settings(settings()).get(dataset)
    options = key_values(source_option or [])
    sources = [
        of_dataset(Path(text), dataset) if text.endswith(ENDING) else source_of(text, options)
        for text in files
    ]
    for source in sources:
        if isinstance(source, FileSource):
            validate(source)  # a mistyped path is told at once, before anything is started
    request = {
        "dataset": dataset,
        "sources": [source.model_dump() for source in sources],
        "mode": mode,
        "force": force,
        **tenant(),
    }
    show(run(request), as_json)


def tenant() -> dict[str, int]:
    """The organization and user that commands act for."""
    return {"organization_id": settings().organization_id, "user_id": settings().user_id}


def show(outcome: dict[str, Any], as_json: bool = False) -> None:
    """Print what a load did."""
    if as_json:
        output.as_json(outcome)
        return
    summary([outcome])
    output.say("")
    for name, count in outcome["reasons"].items():
        output.say(f"  {count:,} rejected: {name}")
    if outcome["drift"]:
        output.say(f"  columns outside the contract, kept in _extra: {', '.join(outcome['drift'])}")
    if outcome["missing"]:
        output.say(f"  columns that the input lacks, left empty: {', '.join(outcome['missing'])}")
    if lines := outside(outcome["lines"]):
        output.say(f"  lines that hold no record: {lines}")
    if outcome["repairs"]:
        output.say(f"  records mended: {counted(outcome['repairs'])}")
    for text in outcome["warnings"]:
        output.say(f"  warning: {text}")
    for seen in outcome["skipped"]:
        output.say(f"  {seen['source']}: loaded before by {seen['job_id'][:SHORT]}; --force loads it again")
    job = outcome["job_id"][:SHORT]
    output.say(
        f"job {job}" + (f"; see the rejects: {program()} rejects {job}" if outcome["rejected"] else "")
    )


def summary(outcomes: list[dict[str, Any]]) -> None:
    """The result table: a line a load."""
    counts = shown_counts(outcomes)
    output.table(
        ["file", "dataset", *counts, "quality", "seconds"],
        [
            [
                named(o["files"]) or "–",
                o["dataset"],
                *(o[name] for name in counts),
                o["quality_score"],
                o["seconds"].get("total"),
            ]
            for o in outcomes
        ],
    )
