"""The compiled contract: what the reader, the audit and the warehouse need, and nothing else."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Severity = Literal["critical", "warning"]
DriftPolicy = Literal["keep", "reject", "refuse"]
RuleKind = Literal["row", "table", "key"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a column's numbers are written where 1234.5 is not all: its signs, and the texts that stand beside them.

    ``units`` (€, EUR, %) do not change the value. ``negatives`` may be ``parentheses`` and ``trailing``.
    """

    decimal: str = "."
    thousands: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Booleans:
    """Words for true and false, lower case, beside those that are read anyway."""

    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset table.

    ``duckdb_type`` and ``postgres_type`` are SQL type names; ``formats`` are strptime formats tried in turn
    (empty: ISO). ``aliases`` are further header spellings that mean this column. ``numbers`` and ``booleans``:
    how the cells are written, where plain forms are not all. ``sealed``: its values are encrypted in the table;
    ``lookup``: rows can be found by them all the same. ``subject``: it says which person a row is about.
    """

    name: str
    logical_type: str
    duckdb_type: str
    postgres_type: str
    required: bool = False
    unique: bool = False
    primary_key_position: int = 0
    aliases: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ("",)
    classification: str = ""
    description: str = ""
    numbers: Numbers | None = None
    booleans: Booleans | None = None
    sealed: bool = False
    lookup: bool = False
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One quality rule as Great Expectations runs it.

    ``expectation`` is a GX class name (``ExpectColumnValuesToBeInSet``) and ``kwargs`` its arguments.
    A ``row`` rule names failing rows: when critical they become rejects with reason ``name``.
    A ``table`` rule judges the whole stage: when critical and failed, the load is refused.
    A ``key`` rule is a uniqueness; its kwargs name the ``column`` or the ``column_list``.
    ``message`` is a whole sentence for people, without placeholders. Rules of several columns share names
    (``required``); ``id`` is unique in its contract.
    ``failing_rows`` is a DuckDB boolean expression, true for each failing row (row rules only; SQL over the
    stage's columns). It is what finds *all* failing rows, since GX lists stop at a limit.
    """

    name: str
    expectation: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    kind: RuleKind = "row"
    severity: Severity = "critical"
    column: str = ""
    failing_rows: str = ""
    message: str = ""

    @property
    def id(self) -> str:
        """Column and name, unique within a contract: ``github_url.pattern``; a table's rule is its name."""
        return f"{self.column}.{self.name}" if self.column else self.name


@dataclass(frozen=True, slots=True)
class Relationship:
    """Rows refer to rows of another table, or of their own, by these columns in pairs, within an organization.

    A row with one of ``columns`` empty refers to nothing. ``subject``: a row that refers to a person's row is
    about that person too.
    """

    columns: tuple[str, ...]
    schema: str
    table: str
    targets: tuple[str, ...]
    severity: Severity = "critical"
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset, compiled once from its ODCS file.

    ``match_keys`` are the column groups that identify a record, tried in order; the first is the primary key
    where the contract has one. ``relationships`` are what each load checks; ``references`` maps a column to the
    ``(schema, table, column)`` of the foreign key that guards it between loads.
    ``ceiling``: the level up to which values stand plainly in the table; '' where all do. ``subject``: the column
    that says which person a row is about, '' for none.
    ``notes`` say what of the file is kept but not used, each with its line.
    """

    id: str
    version: str
    sha256: str
    dataset: str
    schema: str
    table: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    match_keys: tuple[tuple[str, ...], ...]
    rules: tuple[Rule, ...] = ()
    references: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    drift: DriftPolicy = "keep"
    freshness_hours: float | None = None
    description: str = ""
    path: Path | None = None
    notes: tuple[str, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    ceiling: str = ""
    subject: str = ""

    @property
    def sealed(self) -> tuple[Column, ...]:
        """The columns whose values are encrypted in the table."""
        return tuple(column for column in self.columns if column.sealed)

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that may not be null, primary key included."""
        return tuple(c.name for c in self.columns if c.required or c.primary_key_position)
