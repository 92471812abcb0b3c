"""``sluice probe``: an API's endpoint tried, and proposed as a source with a contract."""

import re
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
import typer
import yaml

from sluice.cli import output
from sluice.cli.files import whole
from sluice.cli.options import AsJson, key_values
from sluice.contracts.compile import compile_contract
from sluice.errors import SetupError
from sluice.infer import propose
from sluice.infer.odcs import contract_text
from sluice.readers import open_table
from sluice.settings import program, settings
from sluice.sources.api.client import Client
from sluice.sources.api.declared import ENDING
from sluice.sources.api.probe import Found, declaration
from sluice.sources.api.probe import probe as probed
from sluice.sources.guard import Guard
from sluice.sources.model import ApiSource
from sluice.sources.urls import without_secrets


def probe(
    url: Annotated[str, typer.Argument(help="An endpoint that lists records.", metavar="URL")],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset", "-d", metavar="NAME", help="The dataset's name.", show_default="the URL's last word"
        ),
    ] = "",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="k=v", help="A query parameter; none that is secret."),
    ] = None,
    block: Annotated[str, typer.Option("--block", help="Name of an API Source block with the login.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write NAME.source.yaml and NAME.odcs.yaml into this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try an endpoint and propose how to declare it: records, pages, changes, and a contract for what it has.

    It is asked a few times, at most about twenty. Read the proposal before you load.

        sluice probe https://api.example.org/v1/customers --out contracts
    """
    if out and not out.is_dir():
        raise SetupError(f"There is no folder {out}.", hint="Make it, or choose another.")
    source = ApiSource(url=url, params=key_values(param or []), block=block) if "://" in url else None
    if source is None:
        raise SetupError(f"{url} is no http(s) URL.", hint="Begin it with https://.")
    dataset = dataset or _named_by(url)
    client = Client(Guard.from_settings(settings()), _secrets(source), tries=1)
    with client.opened():
        found = probed(source, client)
    ends = client.certificates.items()
    told = [*found.evidence, *(f"certificate of {host}: good until {until:%Y-%m-%d}" for host, until in ends)]
    told += client.warnings
    declared = "".join(f"# {text}.\n" for text in told) + yaml.safe_dump(
        declaration(found, dataset), sort_keys=False
    )
    contract, keyed = _contract(found, dataset)
    if out:
        for name, text in ((f"{dataset}{ENDING}", declared), (f"{dataset}.odcs.yaml", contract)):
            with whole(out / name) as partial:
                partial.write_text(text, encoding="utf-8")
    if as_json:
        named = {"url": without_secrets(url), "requests": found.requests, "evidence": told}
        output.as_json({**named, "source": declaration(found, dataset), "contract": contract})
    elif out:
        output.note("\n".join(told))
        mode = "upsert" if keyed else "replace"
        command = f"{program()} load {out / (dataset + ENDING)} --dataset {dataset} --mode {mode}"
        output.note(f"load with: SLUICE_CONTRACTS={out} {command}")
    else:
        output.write(f"# --- {dataset}{ENDING}\n{declared}# --- {dataset}.odcs.yaml\n{contract}")


def _named_by(url: str) -> str:
    """The last word of its path, without an ending such as .json. Raises SetupError."""
    parts = [part.partition(".")[0].lower() for part in urlsplit(url).path.split("/")]
    words = [re.sub(r"\W+", "_", part).strip("_") for part in parts]
    for word in reversed(words):
        if word and not word[0].isdigit():
            return word
    raise SetupError("The URL has no word to call the dataset by.", hint="Name it: --dataset NAME.")


def _secrets(source: ApiSource) -> Mapping[str, Any] | None:
    if not source.block:
        return None
    from blocks.resolve import secrets_of  # Prefect takes two seconds to import

    return secrets_of(source)


def _contract(found: Found, dataset: str) -> tuple[str, bool]:
    """A contract for the records that were seen, and whether it has a key; what can't be loaded is not proposed."""
    with tempfile.TemporaryDirectory(prefix="sluice-probe-") as folder:
        sample = Path(folder, "records.ndjson")
        sample.write_bytes(b"\n".join(orjson.dumps(one) for one in found.records))
        with closing(open_table(sample, {}, work=Path(folder))) as table:
            text = contract_text(propose(table, dataset, Path(folder)), without_secrets(found.source.url))
    (compiled,) = compile_contract(text.encode(), Path(f"{dataset}.odcs.yaml"))
    return text, bool(compiled.match_keys)
