"""``sluice infer``: a contract proposed for a file, with the evidence."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from sluice.cli import output
from sluice.cli.options import AsForLoad, AsJson, InsideJson, Sheet, key_values
from sluice.contracts.compile import compile_contract
from sluice.errors import SetupError
from sluice.infer import propose
from sluice.infer.odcs import contract_text
from sluice.infer.proposal import facts
from sluice.readers import open_table
from sluice.sources.files import find


def infer(
    file: Annotated[str, typer.Argument(help="A path.", metavar="FILE")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="The dataset's name.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the contract here, as NAME.odcs.yaml.")
    ] = None,
    sheet: Sheet = "",
    path: InsideJson = "",
    source_option: AsForLoad = None,
    as_json: AsJson = False,
) -> None:
    """Propose a contract for a file: types, formats, keys, allowed values, ranges and personal data.

    Each proposal has its evidence as a comment: read it before you load. No database is needed. --json gives the
    contract and the evidence.

        sluice infer orders.csv --dataset orders --out contracts/orders.odcs.yaml
    """
    paths = [Path(uri) for uri, _, _ in find(file)]
    if len(paths) != 1:
        raise SetupError(f"{file} is {len(paths)} files.", hint="`sluice infer` takes one.")
    if out and not out.parent.is_dir():
        raise SetupError(f"The folder of {out} does not exist.", hint="Make it, or choose another.")
    options = key_values(source_option or []) | {
        name: text for name, text in (("sheet", sheet), ("path", path)) if text
    }
    with tempfile.TemporaryDirectory(prefix="sluice-infer-") as folder:
        work = Path(folder)
        with closing(open_table(paths[0], options, work=work)) as table:
            found = propose(table, dataset, work)
            account = table.account.as_dict()
    text = contract_text(found, paths[0].name)
    compile_contract(text.encode(), Path(f"{dataset}.odcs.yaml"))  # what can't be loaded is not proposed
    if out:
        partial = out.with_name(f".{out.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    if as_json:
        output.as_json({"file": str(paths[0]), **facts(found), "contract": text, **account})
    elif not out:
        output.write(text)
    else:
        output.note(f"{len(found.columns):,} columns; load with: sluice load {file} --dataset {dataset}")
