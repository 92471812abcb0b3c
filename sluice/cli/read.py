"""``sluice read``: what the reader understands of a file, without a contract and without a database."""

import tempfile
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from sluice.cli import output
from sluice.cli.files import whole
from sluice.cli.options import AsForLoad, AsJson, InsideJson, Sheet, key_values
from sluice.errors import InputError, SetupError
from sluice.readers import open_table
from sluice.readers.account import Account, counted, outside
from sluice.readers.export import Understood, export
from sluice.settings import settings
from sluice.sources.files import find

CHUNK = 1 << 20  # characters
SHOWN = 5  # rejects


def read(
    files: Annotated[list[str], typer.Argument(help="Paths or globs.", metavar="FILE...")],
    sheet: Sheet = "",
    path: InsideJson = "",
    source_option: AsForLoad = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write one file's table here.")] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out-dir", help="Write each file's table here, as NAME.csv.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the reader understands of files, as clean CSV: no contract, no database.

    Every cell's text is exactly as in the file. Of several files, those that
    can't be read are named and the others written. --json tells format,
    encoding, header, the lines that hold no record, each kind of repair, and
    the records that have no clear cells.

        sluice read messy.xlsx --out clean.csv
        sluice read 'in/*' --out-dir clean --json
    """
    options = key_values(source_option or []) | {
        name: text for name, text in (("sheet", sheet), ("path", path)) if text
    }
    paths = [Path(uri) for text in files for uri, _, _ in find(text, empty=True)]
    if len(paths) > 1 and not out_dir and not as_json:
        raise SetupError("Several files need a folder.", hint="Add --out-dir DIR.")
    if out and len(paths) > 1:
        raise SetupError("--out takes one file.", hint="Use --out-dir DIR for several.")
    if out_dir:
        out_dir.mkdir(parents=True, exist_ok=True)
    told, refused = [], 0
    for file in paths:
        try:
            told.append(_read(file, options, out_dir / f"{file.name}.csv" if out_dir else out, as_json))
        except InputError as error:
            if len(paths) == 1:
                raise
            refused = max(refused, error.exit_code)
            told.append({"file": str(file), **error.as_dict()})
            if not as_json:
                output.error(error)
    if as_json:
        output.as_json(told if len(told) > 1 else told[0])
    if refused:
        raise typer.Exit(refused)


def _read(path: Path, options: dict[str, str], target: Path | None, as_json: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="sluice-read-") as folder, ExitStack() as stack:
        work = Path(folder)
        table = stack.enter_context(closing(open_table(path, options, work=work)))
        written = stack.enter_context(whole(target)) if target else work / "read.csv"
        with written.open("w+", encoding="utf-8", newline="") as file:
            found = export(table, file, work, settings().memory_limit_mb, settings().threads)
            if not target and not as_json:
                file.seek(0)
                _print(file)
        told = {"file": str(path), "format": table.format, **table.details, **_told(found)}
        if not as_json:
            _tell(path, found, table.account)
        return {**told, **table.account.as_dict()}


def _tell(path: Path, found: Understood, account: Account) -> None:
    """What of the file is not in the CSV, or not as it stands in the file: never in silence, also in a pipe."""
    facts = [
        (f"{found.rejects:,} rejected", found.rejects),
        (f"lines that hold no record: {outside(account.lines)}", outside(account.lines)),
        (f"mended: {counted(account.repairs)}", account.repairs),
    ]
    if said := [text for text, stands in facts if stands]:
        output.aside(f"{path.name}: {found.records:,} records; {'; '.join(said)}. More: --json.")
    for one in found.rejected[:SHOWN]:
        output.aside(f"  line {one.line}: {one.message}")
    for text in account.warnings:
        output.aside(f"{path.name}: {text}")


def _print(file: IO[str]) -> None:
    while (text := file.read(CHUNK)) and output.write(text):
        pass


def _told(found: Understood) -> dict[str, Any]:
    return {
        "header": list(found.header),
        "records": found.records,
        "rejects": found.rejects,
        "rejected": [asdict(one) for one in found.rejected],
    }
