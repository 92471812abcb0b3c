"""The values of an Arrow column as exact text.

Nested values become JSON (a map: a list of pairs), binary values hex digits, moments with a zone their UTC instant
with a Z, lengths of time hours, minutes and seconds.
"""

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_AS_ARROW_SAYS = (
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_null,
)


def texts_of(column: pa.Array) -> pa.Array:
    """Each value's exact text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts_of(column.dictionary_decode())
    if isinstance(column, pa.ExtensionArray):
        return _meant(column)
    if pa.types.is_string(kind):
        return column
    if any(is_kind(kind) for is_kind in _AS_ARROW_SAYS):
        return column.cast(pa.string())
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return _spans(column) if pa.types.is_duration(kind) else _clock(column)
    if pa.types.is_float64(kind):
        return pa.array([None if v is None else _float(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_floating(kind):  # the shortest text that gives the same value in that width
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0$", "")
    return pa.array([None if v is None else _text(v) for v in column.to_pylist()], pa.string())


def in_utf8(texts: pa.Array) -> tuple[pa.Array, int]:
    """The texts with wrong bytes replaced, and how many held such: Parquet does not check what is written as text."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        held = texts.view(pa.binary()).to_pylist()
        mended = [None if value is None else value.decode(errors="replace") for value in held]
        wrong = sum(a is not None and a.encode() != b for a, b in zip(mended, held, strict=True))
        return pa.array(mended, pa.string()), wrong
    return texts, 0


def _meant(column: pa.ExtensionArray) -> pa.Array:
    """What a type made of another one stands for."""
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    return texts_of(column.cast(pa.bool_()) if isinstance(column.type, pa.Bool8Type) else column.storage)


def _clock(column: pa.Array) -> pa.Array:
    kind = column.type
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    if zoned:
        column = column.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp(kind.unit))
    elif pa.types.is_date64(kind):
        column = column.cast(pa.timestamp("ms"))
    texts = column.cast(pa.string())
    if pc.any(odd := pc.match_substring(texts, "out of range")).as_py():
        texts = pc.replace_with_mask(texts, odd, _far(column.filter(odd)))
    texts = pc.replace_substring_regex(texts, r"(\.\d*?)0+$", r"\1")
    texts = pc.replace_substring_regex(
        texts, r"\.$| 00:00:00\.?$" if pa.types.is_date64(kind) else r"\.$", ""
    )
    return pc.binary_join_element_wise(texts, "Z", "") if zoned else texts


def _far(column: pa.Array) -> pa.Array:
    """Days and moments in years that Arrow does not write. Raises ValueError for times beyond a day."""
    if pa.types.is_time(column.type):
        raise ValueError("a time of day is beyond 24 hours")
    unit = "D" if pa.types.is_date(column.type) else column.type.unit
    texts = np.datetime_as_string(column.to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]"))
    return pa.array([text.replace("T", " ") for text in texts.tolist()], pa.string())


def _spans(column: pa.Array) -> pa.Array:
    digits = _DIGITS[column.type.unit]
    counts = column.cast(pa.int64()).to_pylist()
    return pa.array([None if count is None else _duration(count, digits) for count in counts], pa.string())


def _float(value: float) -> str:
    return repr(value).removesuffix(".0") if value else "0"


def _text(value: Any) -> str:
    return _json(value) if isinstance(value, dict | list | tuple) else _plain(value)


def _json(value: Any) -> str:
    """As json.dumps, but with a decimal's own digits."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(k))}: {_json(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_json, value)) + "]"
        case Decimal() if value.is_finite():
            return format(value, "f")
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float() if math.isfinite(value):
            return repr(value)
        case _:
            return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case dt.datetime() if value.tzinfo:
            return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ") + "Z"
        case dt.datetime():
            return value.isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            nanoseconds = getattr(value, "value", None)  # pandas keeps more digits than Python
            return (
                _duration(value // dt.timedelta(microseconds=1), 6)
                if nanoseconds is None
                else _duration(nanoseconds, 9)
            )
        case _:
            return str(value)


def _duration(count: int, digits: int) -> str:
    """Hours, minutes, seconds of a count of seconds with so many decimal digits; hours may be more than 24."""
    seconds, rest = divmod(abs(count), 10**digits)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return ("-" if count < 0 else "") + text + (f".{rest:0{digits}}".rstrip("0") if rest else "")
