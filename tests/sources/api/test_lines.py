"""A page's records as lines: whatever a server writes, no digit is lost, and what is called flat is read the same."""

import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.readers.json.flat import FlatTable
from sluice.readers.json.table import JsonTable
from sluice.readers.spool import WorkFolder
from sluice.sources.api.lines import lines_of, written
from tests.readers.conftest import cells

RECORD = (
    '{"id": 1, "price": 1.10, "long": 0.12345678901234567890, "big": 12345678901234567890123, "far": 1E400}'
)


def exactly(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (f"[{RECORD},{RECORD}]", ""),
        (f'{{"meta": {{"total": 2.50}}, "data": {{"rows": [\n  {RECORD},\r\n  {RECORD}\n]}}}}', "data.rows"),
        (f"{RECORD}\n\n{RECORD}\n", ""),
    ],
    ids=["array", "inside, over lines", "lines"],
)
def test_numbers_keep_their_text(body: str, where: str) -> None:
    body = body.replace("1E400", "1e40")  # beyond a double, orjson refuses the page
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = [orjson.loads(line) for line in body.split("\n") if line]
    page = content["data"]["rows"] if where else content
    found = lines_of(page, content, body.encode(), where)
    assert (found.count, found.names) == (2, None)
    lines = found.text.splitlines()
    assert [exactly(line) for line in lines] == [exactly(RECORD.replace("1E400", "1e40"))] * 2


@pytest.mark.parametrize(
    "record",
    [{"a": [1]}, {"a": {"b": 1}}, {"a": 1, "A": 2}, {"a": "\0"}, {"a": 1e-05}, {"a": 1e16}, 5, [1, 2]],
    ids=str,
)
def test_what_is_not_flat_has_no_names(record: Any) -> None:
    assert written([{"a": 1}, record]).names is None


TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(["1.50", "},{", "[", "e-", "1e-5", '"', "\\"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
NAMES = st.sampled_from(["a", "b", "ä ö", '"', "'", "a.b", ""]) | st.text(
    st.characters(codec="utf-8"), max_size=3
)


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=2), max_size=4), min_size=1, max_size=5
    )
)
def test_flat_lines_are_read_as_all_others(page: list[Any]) -> None:
    lines = written(page)
    assert [orjson.loads(line) for line in lines.text.splitlines()] == page
    if lines.names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "page.ndjson")
            path.write_bytes(lines.text)
            _compare(path, lines.names, len(page))


def _compare(path: Path, names: tuple[str, ...], count: int) -> None:
    exact, flat = JsonTable(path, "utf-8", WorkFolder(path.parent)), FlatTable(path, names, count)
    found = [dict(zip(names, row, strict=True)) for row in cells(flat)]
    rows = [dict(zip(exact.header, row, strict=True)) for row in cells(exact)]
    assert found == [dict.fromkeys(names) | row for row in rows]
    assert list(flat.find([count])) == list(exact.find([count]))
