"""Columns whose kind is known from one match have the kind that a count of their cells gives."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.readers.text.kinds import column_kinds, kind
from sluice.readers.text.plain import all_like

WRITTEN = (
    r"-?\d{1,4}(\.\d{1,3})?",
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d)?",
    r"[a-z]{1,3}[0-9._]?@[a-z.-]{1,4}\.[a-z]{1,3}",
    r"[A-Za-z]{1,3}[-_]?\d{1,4}",
    r"[A-Za-z][ \t-]{1,3}[A-Za-z0-9@:./-]{1,4}",
    r"[0-9a-f]{2}(-[0-9a-f]{2}){5}",
    r"https?://[a-z ]{1,3}",
    r"(true|No|NA|null|-|\.|\\n)",
    r"[ \n\r\t\u00a0]{0,2}[A-Za-z0-9]{0,2}[ \n\r\u2028]{0,2}",
)
CELL = st.one_of(*(st.from_regex(way, fullmatch=True) for way in WRITTEN), st.text(max_size=5), st.just(""))


def counted(cells: list[str]) -> str:
    counts = Counter(kind(cell) for cell in cells)
    counts.pop("empty", None)
    name, most = counts.most_common(1)[0] if counts else ("empty", 0)
    return name if most >= 0.9 * counts.total() else "text"


@st.composite
def columns(draw: st.DrawFn) -> list[str]:
    """Cells written in one way, and perhaps one that is not."""
    cells = draw(
        st.lists(draw(st.sampled_from([st.from_regex(w, fullmatch=True) for w in WRITTEN])), min_size=1)
    )
    return draw(st.permutations([*cells, *draw(st.lists(CELL, max_size=2))]))


@given(columns())
@settings(max_examples=1000, deadline=None)
def test_a_column_has_the_kind_of_nearly_all_its_cells(cells: list[str]) -> None:
    assert column_kinds([[cell] for cell in cells], 1) == [counted(cells)]


@given(columns())
@settings(max_examples=1000, deadline=None)
def test_cells_that_are_clearly_of_one_kind_are_of_it_one_by_one(cells: list[str]) -> None:
    of = kind(next(filter(None, cells), ""))
    if all_like(cells, of):
        assert {kind(cell) for cell in cells} - {"empty"} == {of}


@pytest.mark.parametrize(
    ("cells", "of"),
    [
        (["1", "-2", "", "3.50"], "number"),
        (["2024-01-31", "2024-01-31 10:00:00"], "date"),
        (["a@b.de", "c.d@e-f.org"], "link"),
        (["ORD-1", "ORD-000002"], "AAA-9"),
        (["two words", "Three more: words."], "text"),
    ],
)
def test_plain_columns_need_no_count(cells: list[str], of: str) -> None:
    assert all_like(cells, of)
    assert column_kinds([[cell] for cell in cells], 1) == [of]


@pytest.mark.parametrize(
    ("cells", "of"),
    [
        (["1\n2", "3"], "number"),
        (["1", "x"], "number"),
        ([" "], "empty"),
        (["A-1", "A-" + "1" * 40], "A-9"),
        (["AB-1", "A-1"], "AA-9"),
        (["1-2-3"], "9-9-9"),
    ],
)
def test_a_column_that_is_not_plain_is_counted(cells: list[str], of: str) -> None:
    assert not all_like(cells, of)


def test_rows_of_other_widths_count_where_they_have_a_cell() -> None:
    assert column_kinds([["1", "x"], ["2"], ["3", "2024-01-01", "z"]], 3) == ["number", "text", "text"]
