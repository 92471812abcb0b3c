"""From an ODCS file to contracts: one for each object of its schema."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sluice.contracts.columns import fitting, read_column, read_kind, settings_of
from sluice.contracts.model import Column, Contract, DriftPolicy, Rule
from sluice.contracts.odcs import Place, advice, parse
from sluice.contracts.protection import CEILING, ceiling_of, sealed, subject_of
from sluice.contracts.quality import quality_rules
from sluice.contracts.references import References
from sluice.contracts.rules import Constraints, key_rule
from sluice.contracts.scope import Scope
from sluice.contracts.sla import freshness_hours
from sluice.contracts.types import ColumnType
from sluice.errors import ContractError

DEFAULT_SCHEMA = "data"
_RESERVED = ("sluice", "information_schema")
DRIFT: tuple[DriftPolicy, ...] = ("keep", "reject", "refuse")
_FILE_KEYS = {
    "apiVersion", "kind", "id", "version", "schema", "servers", "slaProperties", "status", "name", "customProperties",
}  # fmt: skip
_OBJECT_KEYS = {
    "name",
    "physicalName",
    "description",
    "properties",
    "quality",
    "relationships",
    "customProperties",
}
_FILE_SETTINGS = (CEILING,)
_OBJECT_SETTINGS = ("sluice.drift", "sluice.matchKeys", CEILING)


def load_contract(path: Path) -> list[Contract]:
    """The contracts of an ODCS v3 file, one for each schema object.

    Raises ContractError, one line for each thing wrong: file, line, and what to write instead.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractError(
            f"{path} can't be read: {error.strerror}.", hint="Check its name and permissions.", file=str(path)
        ) from error
    return compile_contract(content, path)


def compile_contract(content: bytes, path: Path) -> list[Contract]:
    """The contracts of an ODCS v3 file's bytes; ``path`` names it in errors."""
    tree = parse(content, path.name)
    _check_head(tree)
    sha256 = hashlib.sha256(content).hexdigest()
    objects = [SchemaObject(place, tree) for place in tree.entries("schema")]
    objects = [item for item in objects if item.dataset]
    contracts = [item.contract(objects, sha256, path) for item in objects]
    tree.problems.stop_if_any()
    return contracts


def _check_head(tree: Place) -> None:
    tree.expect_keys(_FILE_KEYS)
    if tree.string("kind") != "DataContract":
        tree.wrong(f"kind '{tree.string('kind')}' is not a contract's; write kind: DataContract", "kind")
    version = tree.string("apiVersion")
    if not version.startswith(("v3.", "3.")):
        tree.wrong(
            f"apiVersion '{version}' is not one that Sluice reads; write apiVersion: v3.1.0", "apiVersion"
        )
    for key in ("id", "version"):
        if not tree.string(key):
            example = "1.0.0" if key == "version" else "my-dataset"
            tree.wrong(f"'{key}' is missing; write {key}: {example}", key)


@dataclass(slots=True)
class SchemaObject:
    """One object of a file's schema on its way to a contract."""

    place: Place
    tree: Place
    dataset: str = ""
    schema: str = DEFAULT_SCHEMA
    table: str = ""
    columns: list[Column] = field(default_factory=list)
    kinds: dict[str, tuple[str, ColumnType]] = field(default_factory=dict)
    properties: list[tuple[Place, Column]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place.expect_keys(_OBJECT_KEYS)
        self.dataset = self.place.string("name")
        if not self.dataset:
            self.place.wrong("this schema object has no name; write name: my_dataset")
        parts = [part for part in (self.place.string("physicalName") or self.dataset).split(".") if part]
        self.table = fitting(parts[-1]) if parts else ""
        self.schema = fitting(parts[-2]) if len(parts) > 1 else DEFAULT_SCHEMA
        if self.schema.startswith("pg_") or self.schema in _RESERVED:
            self.place.wrong(
                f"schema '{self.schema}' is not for data; write physicalName: {DEFAULT_SCHEMA}.{self.table}",
                "physicalName",
            )
        for prop in self.place.entries("properties"):
            self._add(prop)

    def _add(self, prop: Place) -> None:
        name = prop.string("name")
        if not name:
            prop.wrong("this property has no name; write name: my_column")
        elif prop.string("semanticType") == "measure":
            self.notes.append(
                f"line {prop.line}: measure '{name}' is computed from other columns, so it has none"
            )
        else:
            kind = read_kind(prop)
            column = read_column(prop, name, kind)
            for other in self.columns:
                if other.name.lower() == column.name.lower():
                    prop.wrong(
                        f"column '{column.name}' stands here a second time; give one another physicalName",
                        "name",
                    )
            self.columns.append(column)
            self.kinds[name] = (column.name, kind)
            self.properties.append((prop, column))

    def contract(self, objects: list["SchemaObject"], sha256: str, path: Path) -> Contract:
        """The compiled contract; problems are reported on the tree."""
        references = References(self, objects)
        primary_key = tuple(
            c.name
            for c in sorted(self.columns, key=lambda c: c.primary_key_position)
            if c.primary_key_position
        )
        settings = settings_of(self.place, _OBJECT_SETTINGS)
        match_keys = self._match_keys(settings.get("sluice.matchKeys"), primary_key)
        ceiling = ceiling_of(settings.get(CEILING), settings_of(self.tree, _FILE_SETTINGS).get(CEILING))
        rules = _distinct(self._rules(primary_key, match_keys))
        return Contract(
            id=self.tree.string("id"),
            version=self.tree.string("version"),
            sha256=sha256,
            dataset=self.dataset,
            schema=self.schema,
            table=self.table,
            columns=sealed(self.columns, ceiling),
            primary_key=primary_key,
            match_keys=match_keys,
            rules=rules,
            references=references.foreign_keys,
            drift=_drift(settings.get("sluice.drift")),
            freshness_hours=freshness_hours(self.tree, (self.dataset, self.table), self.notes),
            description=self.place.string("description"),
            path=path,
            notes=tuple(self.notes),
            relationships=tuple(references.found),
            ceiling=ceiling,
            subject=subject_of(self.columns, self.place),
        )

    def _rules(self, primary_key: tuple[str, ...], match_keys: tuple[tuple[str, ...], ...]) -> Iterator[Rule]:
        servers = {server.string("type").lower() for server in self.tree.entries("servers")}
        foreign = bool(servers - {"duckdb", "postgres", "postgresql", "local"})
        names = tuple(dict.fromkeys((self.dataset, self.table)))
        scope = Scope(self.dataset, names, self.kinds, foreign, self.notes)
        unique = [(column.name,) for column in self.columns if column.unique]
        keys = dict.fromkeys(key for key in (primary_key, *match_keys, *unique) if key)
        for prop, column in self.properties:
            required = column.required or bool(column.primary_key_position)
            yield from Constraints(column.name, self.kinds[prop.string("name")][1], prop, required).rules()
        yield from map(key_rule, keys)
        for owner, name in [*((prop, prop.string("name")) for prop, _ in self.properties), (self.place, "")]:
            for rule in quality_rules(owner, scope, name):
                columns = (rule.column,) if rule.column else tuple(rule.kwargs.get("column_list", ()))
                if rule.kind != "key" or columns not in keys:
                    yield rule

    def _match_keys(self, setting: Place | None, primary_key: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        if setting is None:
            return (primary_key,) if primary_key else tuple((c.name,) for c in self.columns if c.unique)
        groups = [item.children.values() or [item] for item in setting.children.values()]
        named = [[self.kinds.get(name.text, ("",))[0] for name in group] for group in groups]
        for name in (name for group in groups for name in group if name.text not in self.kinds):
            name.wrong(
                f"sluice.matchKeys names '{name.text}', which is no property; {advice(name.text, self.kinds)}"
            )
        if not groups:
            setting.wrong(
                "sluice.matchKeys must be a list of keys; write value: [[id], [first_name, last_name]]"
            )
        return tuple(tuple(group) for group in named)


def _distinct(rules: Iterator[Rule]) -> tuple[Rule, ...]:
    """The rules without repeats, a second one of the same name and column numbered."""
    found: dict[str, Rule] = {}
    for rule in rules:
        same = [
            other for other in found.values() if (other.column, other.kwargs) == (rule.column, rule.kwargs)
        ]
        if any(other.expectation == rule.expectation and other.severity == rule.severity for other in same):
            continue
        name, number = rule.name, 2
        while rule.id in found:
            rule = replace(rule, name=f"{name}_{number}")
            number += 1
        found[rule.id] = rule
    return tuple(found.values())


def _drift(setting: Place | None) -> DriftPolicy:
    for policy in DRIFT:
        if setting is not None and setting.text == policy:
            return policy
    if setting is not None:
        setting.wrong(f"sluice.drift '{setting.text}' is not known; {advice(setting.text, DRIFT)}")
    return "keep"
