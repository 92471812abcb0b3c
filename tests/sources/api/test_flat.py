"""Pages of flat records are read as all others are, or left to those who read all others."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.sources.api.flat import FlatPages
from sluice.sources.api.lines import lines_of, written
from sluice.sources.model import ApiSource
from tests.sources.api.test_lines import NAMES, SCALARS

FIRST: list[dict[str, Any]] = [{"a": 1, "b": "x", "c": 2.5}]


def pages(first: list[Any] = FIRST, **source: Any) -> FlatPages:
    """Those of a source whose first page was ``first``."""
    paging = {"style": "page", "size": 2}
    made = FlatPages(
        ApiSource.model_validate({"kind": "api", "url": "http://127.0.0.1/", "paging": paging} | source)
    )
    made.learn(first, written(first).names)
    return made


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def test_a_page_is_cut_at_its_records() -> None:
    page = [{"a": 2, "b": "}\n{", "c": 0.5}, {"a": None, "b": "},{", "c": 1}, {"b": ""}]
    found = pages().read(compact(page))
    assert found
    assert found.lines.text.splitlines() == [compact(one) for one in page]
    assert (found.lines.count, found.lines.names, found.content) == (3, ("a", "b", "c"), [])
    assert found.values("a") == [2, None]


def test_an_empty_page_has_no_records() -> None:
    found = pages().read(b"[]")
    assert found
    assert (found.lines.text, found.lines.count) == (b"", 0)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"a":1.10}]',
        b'[{"a":1.0}]',
        b'[{"c":1.10}]',
        b'[{"c":1e22}]',
        b'[{"c":0.00001}]',
        b'[{"a":12345678901234567890123}]',
        b'[{"a":-0}]',
        b'[{"a":1,"a":2}]',
        b'[{"a":1, "b":"x"}]',
        b'[{"a":[1]}]',
        b'[{"a":{"b":1}}]',
        b'[{"d":1}]',
        b'[{"b":"\\u0000"}]',
        b'[{"b":"\\u00e4"}]',
        b'[{"b":"\xff"}]',
        b"[1]",
        b'{"a":1}',
        b"no JSON",
        b"",
    ],
    ids=str,
)
def test_other_pages_are_left_to_others(body: bytes) -> None:
    assert pages().read(body) is None


def test_what_stands_around_the_records_is_told() -> None:
    body = compact({"meta": {"total": 7}, "data": {"rows": FIRST, "more": [1]}, "next": "/2"})
    paging = {"style": "next", "next": "next"}
    found = pages(records="data.rows", paging=paging).read(body)
    assert found
    assert found.content == {"meta": {"total": 7}, "data": {"rows": [], "more": [1]}, "next": "/2"}
    assert found.lines.text == compact(FIRST[0]) + b"\n"


@pytest.mark.parametrize("paging", [{"style": "cursor", "next": "$[-1].a", "param": "after"}], ids=["last"])
def test_a_cursor_within_the_records_needs_their_values(paging: dict[str, Any]) -> None:
    assert pages(paging=paging).read(compact(FIRST)) is None


def test_it_learns_names_and_floats() -> None:
    found = pages()
    more = [{"a": 1.5, "d": True}]
    assert found.read(compact(more)) is None
    found.learn(more, written(more).names)
    read = found.read(compact(more))
    assert read
    assert read.lines.names == ("a", "b", "c", "d")


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(NAMES, SCALARS, max_size=4), max_size=5),
    st.lists(st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=2), max_size=4), max_size=5),
)
def test_any_page_has_the_lines_that_others_make_of_it(first: list[Any], page: list[Any]) -> None:
    flat = pages(first)
    flat.learn(page, written(page).names)
    body = orjson.dumps(page)
    if found := flat.read(body):
        exact = lines_of(page, page, body, "")
        assert (found.lines.text, found.lines.count) == (exact.text, exact.count)
        assert set(exact.names or ()) <= set(found.lines.names or ())
        assert exact.names is not None
