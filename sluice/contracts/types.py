"""Column types: ODCS logical and physical types to DuckDB and PostgreSQL types, and Java date formats."""

import re
from dataclasses import dataclass

LOGICAL_TYPES = (
    "string", "integer", "number", "boolean", "date", "timestamp", "time", "object", "array", "map", "vector",
)  # fmt: skip

# A family is what a physical type can hold; a physical type of another family than the logical type is the
# source's business (a date kept as text, say) and the logical type decides.
_PHYSICAL: dict[str, tuple[str, str, str]] = {}
for _names, _family, _duckdb, _postgres in (
    ("smallint int2 tinyint byteint int8_t int16 i8 i16 short byte", "integer", "SMALLINT", "smallint"),
    ("integer int int4 mediumint int32 i32 serial", "integer", "INTEGER", "integer"),
    ("bigint int8 int64 i64 long bigserial hugeint", "integer", "BIGINT", "bigint"),
    ("real float4 float32 f32", "number", "FLOAT", "real"),
    ("double float float8 float64 f64 double precision binary_double", "number", "DOUBLE",
     "double precision"),
    ("boolean bool bit", "boolean", "BOOLEAN", "boolean"),
    ("date date32", "date", "DATE", "date"),
    ("time timetz time without time zone time with time zone", "time", "TIME", "time"),
    ("timestamp datetime datetime2 timestamp_ntz timestamp without time zone", "timestamp", "TIMESTAMP",
     "timestamp"),
    ("timestamptz timestamp_tz timestamp_ltz datetimeoffset timestamp with time zone", "timestamp",
     "TIMESTAMPTZ", "timestamptz"),
    ("uuid uniqueidentifier", "string", "VARCHAR", "uuid"),
    ("json jsonb variant super", "json", "VARCHAR", "jsonb"),
    ("text string varchar varchar2 nvarchar nvarchar2 character varying char character nchar bpchar clob",
     "string", "VARCHAR", "text"),
):  # fmt: skip
    for _name in re.findall(
        r"(?:timestamp|time) with(?:out)? time zone|double precision|character varying|\S+", _names
    ):
        _PHYSICAL[_name] = (_family, _duckdb, _postgres)
# PostgreSQL's limits; Snowflake's plain VARCHAR is exported with 16,777,216 characters.
MOST_CHARACTERS, MOST_DIGITS = 10_485_760, 1000
_DECIMALS = ("numeric", "decimal", "dec", "number", "money", "bignumeric")
_SIZED_TEXT = (
    "varchar",
    "varchar2",
    "nvarchar",
    "nvarchar2",
    "character varying",
    "char",
    "character",
    "nchar",
    "bpchar",
)

_DEFAULTS = {
    "string": ("VARCHAR", "text"),
    "integer": ("BIGINT", "bigint"),
    # Double keeps 15 digits wherever the point stands; a fixed decimal would round small numbers to zero.
    # Money says so in its contract: physicalType: numeric(12,2).
    "number": ("DOUBLE", "double precision"),
    "boolean": ("BOOLEAN", "boolean"),
    "date": ("DATE", "date"),
    "timestamp": ("TIMESTAMP", "timestamp"),
    "time": ("TIME", "time"),
}
_FITS = {
    "string": {"string", "json"},
    "integer": {"integer", "number"},
    "number": {"integer", "number"},
    "boolean": {"boolean"},
    "date": {"date", "timestamp", "time"},
    "timestamp": {"date", "timestamp"},
    "time": {"time", "timestamp"},
}
_NUMBER_FORMATS = {
    "i8": "smallint", "i16": "smallint", "i32": "integer", "i64": "bigint", "i128": "numeric(38,0)",
    "u8": "smallint", "u16": "integer", "u32": "bigint", "u64": "numeric(20,0)", "u128": "numeric(38,0)",
    "f32": "real", "f64": "double precision",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's types; ``length`` is the most characters that a sized text type holds, else None."""

    logical: str
    duckdb: str
    postgres: str
    length: int | None = None

    @property
    def is_text(self) -> bool:
        """Whether lengths and patterns apply."""
        return self.duckdb == "VARCHAR" and self.postgres != "jsonb"

    @property
    def is_number(self) -> bool:
        """Whether bounds are numbers."""
        return self.logical in ("integer", "number") and self.duckdb != "VARCHAR"

    @property
    def is_temporal(self) -> bool:
        """Whether bounds are dates or times, and text formats are strptime ones."""
        return self.duckdb in ("DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ")


def column_type(
    logical: str, physical: str = "", number_format: str = "", timezone: bool = False
) -> ColumnType:
    """The types of a column. ``logical`` may be empty: the physical type tells then, text is the default."""
    if logical in ("object", "array", "map", "vector"):
        return ColumnType(logical, "VARCHAR", "jsonb")
    if logical in ("integer", "number") and not physical:
        physical = _NUMBER_FORMATS.get(number_format, "")
    found = _physical(physical, logical)
    if found and (not logical or found[0] in _FITS[logical]):
        family, duckdb, postgres, length = found
        own_logical = {"json": "object"}.get(family, family)
        kind = ColumnType(logical or own_logical, duckdb, postgres, length)
    else:
        kind = ColumnType(logical or "string", *_DEFAULTS[logical or "string"])
    if timezone and kind.duckdb == "TIMESTAMP":
        return ColumnType(kind.logical, "TIMESTAMPTZ", "timestamptz")
    return kind


def _physical(written: str, logical: str) -> tuple[str, str, str, int | None] | None:
    match = re.fullmatch(
        r"([a-z][\w ]*?)\s*(?:\(([\d\s,]*|max)\))?\s*(with(?:out)? time zone)?", written.strip().lower()
    )
    if not match:
        return None
    base = " ".join(filter(None, (match[1], match[3])))
    sizes = [int(size) for size in (match[2] or "").split(",") if size.strip().isdecimal()]
    if base in _DECIMALS:
        return _decimal(base, sizes, logical)
    if base == "tinyint" and sizes == [1] and logical == "boolean":
        return "boolean", "BOOLEAN", "boolean", None
    if base in _SIZED_TEXT and sizes and sizes[0]:
        if sizes[0] > MOST_CHARACTERS:
            return "string", "VARCHAR", "text", sizes[0]
        kind = "char" if base in ("char", "character", "nchar", "bpchar") else "varchar"
        return "string", "VARCHAR", f"{kind}({sizes[0]})", sizes[0]
    return (*_PHYSICAL[base], None) if base in _PHYSICAL else None


def _decimal(base: str, sizes: list[int], logical: str) -> tuple[str, str, str, None]:
    """Exact numbers. Without sizes: 38 digits, 9 of them decimals (integer: none; money: 4)."""
    if not sizes:
        sizes = [19, 4] if base == "money" else [38, 0 if logical == "integer" else 9]
    scale = sizes[1] if len(sizes) > 1 else 0
    precision = min(max(sizes[0], scale), MOST_DIGITS)
    # DuckDB's widest decimal has 38 digits; a wider PostgreSQL column takes them all.
    staged = min(max(precision, 1), 38)
    return "number", f"DECIMAL({staged},{min(scale, staged)})", f"numeric({precision},{scale})", None


_JAVA_FORMAT = {
    "yyyy": "%Y", "uuuu": "%Y", "y": "%Y", "u": "%Y", "yy": "%y", "uu": "%y",
    "MMMM": "%B", "LLLL": "%B", "MMM": "%b", "LLL": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S",
    "a": "%p", "EEEE": "%A", "EEE": "%a", "EE": "%a", "E": "%a", "DDD": "%j", "D": "%j",
    "z": "%Z", "VV": "%Z",
}  # fmt: skip


def strptime_formats(written: str) -> tuple[str, ...]:
    """The strptime formats for a Java DateTimeFormatter pattern; a ``[part]`` may be there or not.

    A format with a ``%`` is taken for strptime already. Raises ValueError naming the part that has no match.
    """
    if "%" in written:
        return (written,)
    optional = re.search(r"\[([^\[\]]*)\]", written)
    if optional:
        before, after = written[: optional.start()], written[optional.end() :]
        whole = strptime_formats(before + optional[1] + after) + strptime_formats(before + after)
        return tuple(dict.fromkeys(whole))
    parts = re.finditer(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+|'", written)
    return ("".join(_strptime_part(part[0]) for part in parts),)


def _strptime_part(part: str) -> str:
    if part == "''":
        return "'"
    if part.startswith("'") and len(part) > 1:
        return part[1:-1].replace("''", "'")
    if set(part) == {"S"} or set(part) == {"n"}:
        return "%f"
    if set(part) <= {"X"} or set(part) <= {"x"} or set(part) <= {"Z"}:
        return "%z"
    if part[0].isalpha() or part == "'":
        if part not in _JAVA_FORMAT:
            raise ValueError(part)
        return _JAVA_FORMAT[part]
    return part
