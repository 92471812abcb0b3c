"""A contract's own Great Expectations rules, run as they are."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from sluice.contracts.model import Rule
from sluice.contracts.odcs import Place, nearest
from sluice.contracts.scope import Scope, severity

# Expectations about each row's value: Great Expectations can list the rows that fail. Uniqueness is about
# several rows at once, and ``mostly`` about all of them.
_BY_ROW = re.compile(r"expect_column_(values|value_lengths|pair_values)_(?!to_be_unique)")


def expectation_rules(place: Place, scope: Scope, prop: str) -> Iterator[Rule]:
    """The rule of a quality entry of type custom; other engines' rules are kept and ignored."""
    engine = place.string("engine")
    if re.sub(r"[^a-z]", "", engine.lower()) not in ("greatexpectations", "gx", "ge"):
        scope.note(place, f"a rule of engine '{engine}' is kept but not run")
        return
    body = _implementation(place)
    written = str(body.get("type") or body.get("expectation_type") or "")
    kwargs = body.get("kwargs") or {}
    name, known = _snake(written), _expectations()
    if name in known and isinstance(kwargs, dict):
        yield _rule(place, scope, prop, name, {_snake(key): value for key, value in kwargs.items()})
    elif body:
        near = nearest(name, known)
        hint = (
            f"; did you mean {near}?"
            if near and name not in known
            else "; write type: expect_... and kwargs: {...}"
        )
        place.wrong(f"'{written}' is not an expectation of Great Expectations{hint}", "implementation")


def _rule(place: Place, scope: Scope, prop: str, name: str, kwargs: dict[str, Any]) -> Rule:
    columns = {key: column for key, (column, _) in scope.columns.items()}
    if prop and name.startswith("expect_column_") and "pair" not in name:
        kwargs = {"column": prop, **kwargs}
    for key in ("column", "column_A", "column_B"):
        if key in kwargs:
            kwargs[key] = columns.get(kwargs[key], kwargs[key])
    expectation = "".join(part.capitalize() for part in name.split("_")).replace(
        "KlDivergence", "KLDivergence"
    )
    message = " ".join(place.string("description").split()) or f"The rows must pass {expectation}."
    return Rule(
        place.string("name") or place.string("id") or name, expectation, kwargs,
        "row" if _BY_ROW.match(name) and "mostly" not in kwargs else "table", severity(place),
        str(kwargs.get("column", columns.get(prop, ""))), "", message,
    )  # fmt: skip


def _implementation(place: Place) -> dict[str, Any]:
    found = place.get("implementation")
    value = found.value if found else None
    if isinstance(value, str):
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            value = None
    if isinstance(value, dict) and value:
        return value
    place.wrong("implementation must be YAML or JSON, as {type: expect_..., kwargs: {...}}", "implementation")
    return {}


def _snake(key: object) -> str:
    """Words joined by ``_``, as Great Expectations wants them; ``column_A`` is one of its own."""
    if key in ("column_A", "column_B"):
        return str(key)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(key)).lower()


@cache
def _expectations() -> frozenset[str]:
    """Names of the expectations there are, from their files: importing Great Expectations takes seconds."""
    spec = find_spec("great_expectations")
    folders = (spec and spec.submodule_search_locations) or [""]
    core = Path(folders[0]) / "expectations" / "core"
    return frozenset(path.stem for path in core.glob("*expect*.py"))
