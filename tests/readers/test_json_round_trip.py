"""Any JSON value comes back, each scalar as it was written; SLUICE_EXAMPLES sets how many are tried."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sluice.readers import open_table

from .conftest import cells, cursor

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "100"))
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


class Number(str):
    """A number's text."""


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True).map(
    Number
)
TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    ["", "null", "1.50", "[1]", '{"a": 1}', "a\r\nb", "\ufeff"]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
NAMES = st.sampled_from(["a", "b", "c", "A", "", "a.b", ".", "\u00e4 x", '"', "value"]) | st.text(
    st.characters(codec="utf-8"), max_size=3
)


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.dictionaries(NAMES, values, max_size=4)
    return objects | st.lists(values, max_size=4) | st.lists(objects, max_size=4)


VALUES = st.recursive(SCALARS, _containers, max_leaves=25)


def dump(value: Any, gap: str = "", ascii_only: bool = False) -> str:
    """The value as JSON, ``gap`` wherever white space may stand."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(k, ensure_ascii=ascii_only)}{gap}:{gap}{dump(v, gap, ascii_only)}"
            for k, v in value.items()
        )
        return f"{{{gap}{f'{gap},{gap}'.join(members)}{gap}}}"
    if isinstance(value, list):
        return f"[{gap}{f'{gap},{gap}'.join(dump(one, gap, ascii_only) for one in value)}{gap}]"
    return json.dumps(value, ensure_ascii=ascii_only)


def cell(value: Any) -> str | None:
    """What stands in the cell of a value."""
    if isinstance(value, str) or value is None:
        return None if value is None else str(value)
    return dump(value)


def lists_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """The lists of an object, and of objects in it, by path."""
    for name, one in value.items():
        if isinstance(one, list):
            yield (*path, name), one
        elif isinstance(one, dict):
            yield from lists_in(one, (*path, name))


def take(value: Any, row: dict[str, str | None], path: tuple[str, ...] = ()) -> None:
    """Take the cells of an object out of its row: an object in it is flattened, or one cell if names clash."""
    column = ".".join(path)
    if path and (not isinstance(value, dict) or not value or row.get(column, "") == dump(value)):
        assert row.pop(column) == cell(value)
        return
    for name, one in value.items():
        take(one, row, (*path, name))


def assert_record(value: Any, header: tuple[str, ...], row: list[str | None]) -> None:
    """Each scalar stands in the row, and nothing else."""
    if header == ("value",) and row == [cell(value)]:
        return
    left = dict(zip(header, row, strict=True))
    assert len(left) == len(row)
    if isinstance(value, list):
        assert row == [*map(cell, value), *[None] * (len(row) - len(value))]
        return
    take(value, left)
    assert not any(text is not None for text in left.values())


def kind(value: Any) -> Any:
    """Records of one kind are read without a reject."""
    return len(value) if isinstance(value, list) else type(value) if isinstance(value, dict) else None


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    value=VALUES | st.lists(_containers(VALUES), min_size=2, max_size=6),
    lines=st.booleans(),
    gap=st.sampled_from(["", " ", "\t", "\n", "\r\n  ", "\r"]),
    ascii_only=st.booleans(),
    encoding=st.sampled_from(ENCODINGS),
)
@example(value={"": [{"a": None}]}, lines=False, gap="", ascii_only=False, encoding="utf-8")
def test_any_json_value_comes_back(
    value: Any, lines: bool, gap: str, ascii_only: bool, encoding: str
) -> None:
    lines = lines and isinstance(value, list) and len(value) > 1
    if lines:
        text = "\n".join(dump(one, gap.strip("\r\n"), ascii_only) for one in value)
    else:
        text = dump(value, gap, ascii_only)
    if text[0] not in "[{":  # RFC 4627 has objects and arrays only, so that their encoding shows
        encoding = "utf-8"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(text.encode(encoding))
        table = open_table(path, {} if text[0] in "[{" and not lines else {"format": "json"})
        assert table.header
        _assert_table(table, value if lines else _records(value, table.details))
        table.close()


def _records(value: Any, details: dict[str, Any]) -> list[Any]:
    """The records of a value alone: those of the highest list that holds some, if it holds one; of several as high
    the longest. Of the names that tell more than that (``data``, ``meta``) just ``value`` is in these examples.
    """
    if isinstance(value, list):
        return value[1] if _is_page(value) else value
    found = [
        (path, one) for path, one in (lists_in(value) if _is_object(value) else ()) if any(map(_is_row, one))
    ]
    assert ("path" in details) == bool(found)
    if not found:
        return [value]
    path, records = min(found, key=lambda one: _rank(*one))
    assert ".".join(path) == details["path"]
    return records


def _rank(path: tuple[str, ...], records: list[Any]) -> tuple[bool, bool, int, int]:
    return path[-1] != "value", "value" not in path, len(path), -sum(map(_is_row, records))


def _is_page(value: list[Any]) -> bool:
    """The array of one object and the array of its records."""
    return (
        len(value) == 2
        and isinstance(value[0], dict)
        and isinstance(value[1], list)
        and bool(value[1])
        and all(map(_is_object, value[1]))
    )


def _is_row(value: Any) -> bool:
    """An object with members, or cells: not a list of lists, which are points of a shape."""
    return _is_object(value) or (isinstance(value, list) and bool(value) and not isinstance(value[0], list))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)


def _assert_table(table: Any, records: list[Any]) -> None:
    header, rows = table.header, iter(cells(table))
    rejects = {one.record_no: one for one in table.broken(cursor())}
    named = table.account.lines["header"]
    assert records[:named] == [list(header)][:named]
    assert not rejects or len(set(map(kind, records))) > 1
    for number, record in enumerate(records[named:], 1):
        if number in rejects:
            assert json.loads(rejects[number].raw, parse_int=Number, parse_float=Number) == record
        else:
            assert_record(record, header, next(rows))
    assert not list(rows)
    found = table.find(range(1, len(records) + 1 - named))
    raws = [json.loads(raw, parse_int=Number, parse_float=Number) for _, _, raw in found]
    assert raws == records[named:]


COLUMN = st.sampled_from([st.text(max_size=4), st.integers(), st.booleans() | st.none(), SCALARS, VALUES])


@settings(max_examples=max(15, EXAMPLES // 10), deadline=None)
@given(data=st.data(), how=st.sampled_from(["array", "lines", "inside"]), compact=st.booleans())
def test_many_records_that_look_alike_come_back_as_few_do(data, how, compact):
    """Beyond the first hundred records, those that look alike are read by one pattern."""
    kinds = data.draw(st.dictionaries(st.sampled_from(["a", "b.c", "", "\u00e4", '"']), COLUMN, min_size=1))
    some = data.draw(st.lists(st.fixed_dictionaries({}, optional=kinds), min_size=1, max_size=6))
    texts = [json.dumps(one, separators=(",", ":") if compact else None) for one in some]
    wanted = _read_all("\n".join(texts * 2))
    many = texts * (240 // len(texts))
    begin, between, end = {
        "array": "[,]",
        "lines": ("", "\n", "\n"),
        "inside": ('{"n": {"x": [', ",\n", "]}}"),
    }[how]
    assume(how != "inside" or "{}" not in texts)
    header, rows = _read_all(begin + between.join(many) + end)
    assert header == wanted[0]
    assert rows == wanted[1][: len(texts)] * (240 // len(texts))


def _read_all(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_text(text, encoding="utf-8", newline="")
        table = open_table(path, {"format": "json"} | ({"path": "n.x"} if text[:5] == '{"n":' else {}))
        return table.header, cells(table)
