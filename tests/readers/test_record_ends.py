"""Records that end in another character than CR or LF."""

import duckdb
import pytest

from sluice.readers import open_table
from tests.places import located
from tests.readers.conftest import cells

ROWS = [["id", "name", "note"], *([str(i), f"N {i}", "a, b"] for i in range(30))]


def joined(delimiter: str, end: str) -> str:
    return "".join(delimiter.join(row) + end for row in ROWS)


@pytest.mark.parametrize("end", ["\x1e", "\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_records_end_where_another_character_clearly_ends_them(write, end, encoding):
    table = open_table(write(joined("\x1f", end), encoding=encoding))
    assert (list(table.header), cells(table)) == (ROWS[0], ROWS[1:])
    assert table.details["line_end"] == end
    table.close()


def test_such_ends_count_as_line_ends(write):
    table = open_table(write(joined("\x1f", "\x1e") + "30\x1fN 30\x1e"))
    assert cells(table) == ROWS[1:]
    (reject,) = table.broken(duckdb.connect())
    assert (reject.record_no, reject.line, reject.reason) == (31, 32, "too_few_cells")
    assert located(table, [3, 31]) == {3: (4, "2\x1fN 2\x1fa, b"), 31: (32, "30\x1fN 30")}
    table.close()


@pytest.mark.parametrize("end", ["\x1e", "\u2028", "\x85"])
def test_beside_line_ends_they_are_text(write, end):
    table = open_table(write(f"id,name\n1,a{end}b\n2,c\n"))
    assert cells(table) == [["1", f"a{end}b"], ["2", "c"]]
    table.close()


def test_a_line_end_far_below_makes_them_text(write):
    rows = "".join(f"{i}\x1fN {i}\x1e" for i in range(20_000))
    table = open_table(write(rows + "1\x1fa\nb\x1e"))
    assert "line_end" not in table.details
    table.close()


def test_what_would_make_no_table_ends_no_record(write):
    table = open_table(write("id,name\u2028of a thing,city,day"))
    assert table.header == ("id", "name\u2028of a thing", "city", "day")
    table.close()
