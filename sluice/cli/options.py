"""Options that several commands share."""

from typing import Annotated

import typer

from sluice.errors import SetupError

MODES = ("append", "upsert", "replace")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value for machines.")]
Sheet = Annotated[str, typer.Option("--sheet", help="Name or number (from 1) of a sheet.")]
InsideJson = Annotated[
    str, typer.Option("--path", help="Names on the way to the list in a JSON file: data.items.")
]
AsForLoad = Annotated[
    list[str] | None, typer.Option("--source-option", "-o", metavar="k=v", help="As for `sluice load`.")
]


def check_mode(mode: str) -> None:
    """Raise SetupError for a mode that there is not."""
    if mode not in MODES:
        raise SetupError(f"There is no mode '{mode}'.", hint=f"Choose one of {', '.join(MODES)}.")


def key_values(given: list[str]) -> dict[str, str]:
    """``["k=v"]`` as a dict. Raises SetupError for a text without '='."""
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise SetupError(
            f"'{wrong[0]}' is not of the form k=v.", hint="For example: --source-option delimiter=';'"
        )
    return {name.strip(): value for name, _, value in (text.partition("=") for text in given)}
