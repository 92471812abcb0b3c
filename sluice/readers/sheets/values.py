"""What the cells of a sheet say, as the text a person would write: one value at a time, or a whole part of a sheet.

Imports nothing of Sluice: see ``sheets.main``.
"""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

EXACT = 2.0**53
PLAIN, MOMENT, LENGTH = range(3)  # what a number format makes of a number
_MOMENTS = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
_LENGTHS = {46}
_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.')
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.I)
_DAY = 86_400_000


class Exact(str):
    """The digits of a long whole number."""


KINDS = {
    str: "s",
    float: "n",
    int: "n",
    bool: "b",
    dt.date: "d",
    dt.datetime: "d",
    dt.time: "t",
    dt.timedelta: "t",
    Exact: "n",
}


def meaning_of(number: int, code: str | None) -> int:
    """What the number format with that number and code (None: a built-in one) shows."""
    if code is None:
        return MOMENT if number in _MOMENTS else LENGTH if number in _LENGTHS else PLAIN
    code = _LITERAL.sub("", code).split(";")[0]
    if _ELAPSED.search(code):
        return LENGTH
    code = re.sub(r"\[[^\]]*\]", "", code)
    return MOMENT if re.search(r"[dmhys]", code.replace("General", ""), re.I) else PLAIN


def text_of(value: Any) -> str:
    """The cell's text: ISO dates and times, whole numbers without '.0', true/false, '' for an empty cell."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return _number(value)
        case dt.datetime():
            return _short(value.isoformat(" "))
        case dt.time():
            return _short(value.isoformat())
        case dt.date():
            return value.isoformat()
        case dt.timedelta():
            return _duration(value)
        case _:
            return "" if value is None else str(value)


def _number(value: float) -> str:
    if not value.is_integer():
        return repr(value)
    if abs(value) < EXACT:
        return str(int(value))
    return format(Decimal(repr(value)).to_integral_value(), "f") if abs(value) < 1e21 else repr(value)


def _short(text: str) -> str:
    return text.rstrip("0") if "." in text else text


def _duration(value: dt.timedelta) -> str:
    """Hours may be more than 24."""
    micros = round(value / dt.timedelta(microseconds=1))
    seconds, micros = divmod(abs(micros), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return ("-" if value < dt.timedelta() else "") + text + (f".{micros:06}".rstrip("0") if micros else "")


def duration_text(days: float) -> str:
    """A length of time given in days."""
    return _duration(dt.timedelta(milliseconds=round(days * _DAY)))


def column_of(values: Sequence[Any]) -> pa.Array:
    """The texts of a column; the usual kinds without a Python call for each cell."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return pa.array(values, pa.string())
    if kinds == {float}:
        return number_texts(np.array(values, np.float64))
    known: dict[Any, str] = {}  # 1 and True are equal, so the type belongs to the key
    texts = []
    for value in values:
        if value.__class__ is str:
            texts.append(value)
            continue
        key = (value.__class__, value)
        text = known.get(key)
        if text is None:
            text = known[key] = text_of(value)
        texts.append(text)
    return pa.array(texts, pa.string())


def number_texts(values: npt.NDArray[np.float64], written: pa.StringArray | None = None) -> pa.StringArray:
    """Numbers as repr writes them, whole ones without a point; ``written``: what the file says, for long ones."""
    whole = (values == np.floor(values)) & (np.abs(values) < 1e15)
    with np.errstate(invalid="ignore"):
        odd = ~whole & ((np.abs(values) < 1e-4) | (np.abs(values) >= 1e9) | ~np.isfinite(values))
    if whole.all():
        return pa.array(values.astype(np.int64)).cast(pa.string())
    usual = ~(whole | odd)
    texts = [
        pa.array(values[usual]).cast(pa.string()),
        pa.array(values[whole].astype(np.int64)).cast(pa.string()),
    ]
    long = written.filter(pa.array(odd)).to_pylist() if written is not None else [""] * int(odd.sum())
    texts.append(
        pa.array(
            [
                text if re.fullmatch(r"-?[1-9]\d{15,}", text) else _number(value)
                for value, text in zip(values[odd].tolist(), long, strict=True)
            ],
            pa.string(),
        )
    )
    place = np.empty(len(values), np.int64)
    place[np.concatenate([np.flatnonzero(usual), np.flatnonzero(whole), np.flatnonzero(odd)])] = np.arange(
        len(values)
    )
    return pa.concat_arrays(texts).take(pa.array(place))


def moment_texts(
    serial: npt.NDArray[np.float64], since_1904: bool
) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """Days since the workbook's first one as dates, moments, and times below one day; and which are times."""
    days = serial + 1462 if since_1904 else np.where(serial < 60, serial + 1, serial)
    millis = np.rint(days * _DAY).astype(np.int64) - 25_569 * _DAY
    time = serial < 1
    millis = np.where(time, np.rint(serial * _DAY).astype(np.int64), millis)
    texts = pa.array(millis, pa.timestamp("ms")).cast(pa.string())
    start, stop = np.where(time, 11, 0), np.where(time | (millis % _DAY != 0), 23, 10)
    stop = np.where((stop == 23) & (millis % 1000 == 0), 19, stop)
    content = np.frombuffer(texts.buffers()[2], np.uint8)
    length = stop - start
    offsets = np.concatenate([[0], np.cumsum(length)])
    base = np.arange(len(serial)) * 23 + start - offsets[:-1]
    made = content.take(np.repeat(base, length) + np.arange(offsets[-1]))
    result = pa.StringArray.from_buffers(
        len(serial), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(made)
    )
    if (parts := (stop == 23)).any():
        result = pc.replace_with_mask(
            result, pa.array(parts), pa.array([_short(t) for t in result.filter(pa.array(parts)).to_pylist()])
        )
    return result, time
