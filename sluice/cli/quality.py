"""``sluice docs``: Great Expectations Data Docs of the datasets."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import typer

from sluice.cli import output
from sluice.cli.options import AsJson
from sluice.errors import SetupError
from sluice.jobs.quality import documents
from sluice.settings import settings
from sluice.warehouse.connection import Warehouse


def docs(
    out: Annotated[Path | None, typer.Option("--out", help="Folder; default: docs in SLUICE_HOME.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a site that shows every dataset's rules and how its last load fared."""
    folder = out or settings().root / "docs"
    _check(folder)  # Great Expectations would print a traceback for each page
    index = documents(Warehouse.from_settings().prepare(), folder)
    output.as_json({"index": str(index)}) if as_json else output.say(f"open file://{index}")


def _check(folder: Path) -> None:
    """Make the folder. Raises SetupError where it can't be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "is a file, not a folder" if folder.is_file() else f"can't be written: {error.strerror}"
        hint = "Give --out a folder that you may write to."
        raise SetupError(f"{folder} {reason}.", hint=hint, folder=str(folder)) from error
