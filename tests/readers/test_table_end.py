"""What stands below the last record: records, a footer, or lines of delimiters."""

import duckdb
import pytest

from sluice.readers import open_table
from sluice.readers.base import RawTable
from tests.places import located
from tests.readers.conftest import cells

ORDERS = (
    "id;name;city;date;amount\n1;Al;Rome;19.01.2026;5,00\n2;Bo;Oslo;20.01.2026;6,00\n"
    "3;Cy;Bern;20.01.2026;7,00\n"
)


def rejects(table: RawTable) -> list[tuple[int | None, str]]:
    return [(r.line, r.reason) for r in table.broken(duckdb.connect())]


def test_both_halves_of_a_broken_record_at_the_end_are_rejects(write):
    table = open_table(write(ORDERS + "4;Di;New\nYork;21.01.2026;7,00\n"))
    assert len(cells(table)) == 3
    assert rejects(table) == [(5, "too_few_cells"), (6, "too_few_cells")]
    assert not table.account.lines["footer"]
    table.close()


def test_a_piece_of_a_record_behind_a_blank_line_is_a_reject(write):
    table = open_table(
        write("name;age;city;day\nAl Bo;1;Rome;2026-01-01\nCy Di;2;Oslo;2026-01-02\n\nEd Fy;3\n")
    )
    assert len(cells(table)) == 2
    assert rejects(table) == [(5, "too_few_cells")]
    table.close()


@pytest.mark.parametrize(
    "line",
    [
        "Total;;18,00",
        "Sum of all orders",
        "Printed by the till; no claim",
        "(3 rows)",
        "3 of 3",
        "These are all, as of today",
        "* prices without tax",
        "=====",
    ],
)
def test_what_clearly_is_a_footer_is_one(write, line):
    table = open_table(write(ORDERS + line + "\n"))
    assert len(cells(table)) == 3
    assert rejects(table) == []
    assert [(one.line, one.kind) for one in table.account.skipped] == [(5, "footer")]
    table.close()


@pytest.mark.parametrize(
    "notes", ["\nNotas:\nInstituto", "\nDone.", "1/ Forecast.\n2/ Revised.", "[1] Forecast"]
)
def test_notes_of_few_words_below_a_first_column_of_text_are_a_footer(write, notes):
    table = open_table(write(f"region,2019,2020\nNorth,10,20\nSouth,30,40\nEast,11,21\n{notes}\n"))
    assert len(cells(table)) == 3
    assert rejects(table) == []
    assert table.account.lines["footer"] == len(notes.split("\n")) - (not notes[0].strip())
    table.close()


@pytest.mark.parametrize("line", ["\nWest", "\nWe.st,5", "1/,2"])
def test_pieces_of_records_with_a_first_column_of_text_are_rejects(write, line):
    table = open_table(write(f"region,2019,2020\nNorth,10,20\nSouth,30,40\nEast,11,21\n{line}\n"))
    assert len(cells(table)) == 3
    assert len(rejects(table)) == 1
    table.close()


@pytest.mark.parametrize("line", [";;;;;", ";", ";;;;;;;;;"])
@pytest.mark.parametrize("times", [1, 300, 60_000])
def test_lines_of_delimiters_are_no_table(write, line, times):
    text = "name;qty;city;x\n" + "".join(f"A{i};{i};Rome;t\n" for i in range(5))
    table = open_table(write(text + f"{line}\n" * times))
    assert table.header == ("name", "qty", "city", "x")
    assert cells(table) == [[f"A{i}", str(i), "Rome", "t"] for i in range(5)]
    assert rejects(table) == []
    assert table.account.lines["blank"] == times
    assert not table.account.warnings
    table.close()


@pytest.mark.parametrize(
    "text",
    [
        "a#b\n#x#\n",
        "a#b\n1#2#\n#x#\n3#4#\n",
        "a,b\n1,2,\n# x,y,\n3,4,\n",
        "a,b\n1,2,\n// x,,\n,,\n",
    ],
)
def test_empty_cells_behind_all_records_make_no_comment_of_one(write, text):
    """Both ways to read the file agree on which lines are records."""
    table = open_table(write(text))
    rows = cells(table)
    assert len(rows) == text.count("\n") - 1
    assert list(located(table, range(1, len(rows) + 1))) == list(range(1, len(rows) + 1))
    table.close()
