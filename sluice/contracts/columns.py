"""From a property of the schema to a column of the table."""

import hashlib

from sluice.contracts.model import Column
from sluice.contracts.odcs import Place, advice
from sluice.contracts.protection import LOOKUP, SUBJECT
from sluice.contracts.spellings import booleans, numbers
from sluice.contracts.types import LOGICAL_TYPES, ColumnType, column_type, strptime_formats

# Columns of Sluice, and those that PostgreSQL gives to each table.
OWN_COLUMNS = (
    "organization_id", "_load_id", "_record_no", "_extra", "_sealed",
    "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax",
)  # fmt: skip
NAME_BYTES = 63  # PostgreSQL cuts longer names off, and then two may be one
_PROPERTY_SETTINGS = (
    "sluice.aliases", "sluice.nullValues", "sluice.formats", "sluice.enum", "sluice.numbers", "sluice.booleans",
    LOOKUP, SUBJECT,
)  # fmt: skip
_PROPERTY_KEYS = {
    "name", "physicalName", "description", "logicalType", "logicalTypeOptions", "physicalType", "required",
    "unique", "primaryKey", "primaryKeyPosition", "classification", "relationships", "quality",
    "customProperties", "enum", "semanticType",
}  # fmt: skip


def read_kind(prop: Place) -> ColumnType:
    """The property's types, problems reported."""
    prop.expect_keys(_PROPERTY_KEYS)
    logical = prop.string("logicalType")
    if logical and logical not in LOGICAL_TYPES:
        prop.wrong(f"logicalType '{logical}' is not known; {advice(logical, LOGICAL_TYPES)}", "logicalType")
        logical = ""
    options = prop.get("logicalTypeOptions") or Place({}, prop.line, prop.problems)
    return column_type(
        logical, prop.string("physicalType"), options.string("format"), options.flag("timezone")
    )


def read_column(prop: Place, name: str, kind: ColumnType) -> Column:
    """The property as a column of the table."""
    written = prop.string("physicalName") or name
    # A column of the source that is called as one of Sluice's own is kept beside it.
    actual = fitting(f"source_{written.lstrip('_')}" if written.lower() in OWN_COLUMNS else written)
    settings = settings_of(prop, _PROPERTY_SETTINGS)
    aliases = [*_texts(settings.get("sluice.aliases")), name, written]
    nulls = settings.get("sluice.nullValues")
    position = prop.number("primaryKeyPosition")
    key = prop.flag("primaryKey")
    return Column(
        actual, kind.logical, kind.duckdb, kind.postgres,
        required=prop.flag("required"), unique=prop.flag("unique"),
        primary_key_position=0 if not key else int(position) if position and position > 0 else 1000,
        aliases=tuple(dict.fromkeys(alias for alias in aliases if alias != actual)),
        formats=_formats(prop, kind, settings.get("sluice.formats")),
        null_values=("",) if nulls is None else tuple(dict.fromkeys(("", *_texts(nulls)))),
        classification=prop.string("classification"), description=prop.string("description"),
        numbers=numbers(settings.get("sluice.numbers")) if kind.is_number else None,
        booleans=booleans(settings.get("sluice.booleans")) if kind.duckdb == "BOOLEAN" else None,
        lookup=flag(settings.get(LOOKUP)), subject=flag(settings.get(SUBJECT)),
    )  # fmt: skip


def flag(setting: Place | None) -> bool:
    """Whether it is set to true; what is neither true nor false is reported."""
    if setting is not None and setting.text.lower() not in ("true", "false"):
        setting.wrong(f"value '{setting.text}' is neither true nor false")
    return setting is not None and setting.text.lower() == "true"


def fitting(name: str) -> str:
    """The name, or its beginning and a hash where it is too long for PostgreSQL."""
    if len(name.encode()) <= NAME_BYTES:
        return name
    start = name.encode()[: NAME_BYTES - 9].decode(errors="ignore")
    return f"{start}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _texts(place: Place | None) -> list[str]:
    if place is None:
        return []
    return [item.text for item in place.children.values()] if isinstance(place.value, list) else [place.text]


def _formats(prop: Place, kind: ColumnType, setting: Place | None) -> tuple[str, ...]:
    if not kind.is_temporal:
        return ()
    options = prop.get("logicalTypeOptions")
    written = _texts(setting) or _texts(options.get("format") if options else None)
    found: list[str] = []
    for text in written:
        try:
            found += strptime_formats(text)
        except ValueError as error:
            (setting or options or prop).wrong(
                f"format '{text}' has '{error}', which has no meaning here; write yyyy-MM-dd or %Y-%m-%d",
                "format",
            )
    return tuple(dict.fromkeys(found))


def settings_of(place: Place, known: tuple[str, ...]) -> dict[str, Place]:
    """The ``sluice.*`` custom properties; others are somebody else's."""
    found = {}
    for item in place.entries("customProperties"):
        name, value = item.string("property"), item.get("value")
        if name in known and value:
            found[name] = value
        elif name.startswith("sluice.") and name not in known:
            item.wrong(f"custom property '{name}' is not known here; {advice(name, known)}", "property")
    return found
