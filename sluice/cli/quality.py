"""``sluice docs``: Great Expectations Data Docs of the datasets."""

from pathlib import Path
from typing import Annotated

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.jobs.quality import documents
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


def docs(
    out: Annotated[Path | None, typer.Option("--out", help="Folder; default: docs in SLUICE_HOME.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a site that shows every dataset's rules and how its last load fared."""
    index = documents(Warehouse.from_settings().prepare(), out or settings().root / "docs")
    output.as_json({"index": str(index)}) if as_json else output.say(f"open file://{index}")
