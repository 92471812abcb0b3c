"""Records of a delimited file that are shorter or longer than its header."""

import pytest

from .understood import understood


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ("1,Smith, John,30", ["1", "Smith, John", "30"]),
        ("1,Bob,30,,", ["1", "Bob", "30"]),
        ("1,Bob,30,x", None),
        ("1,2,30", ["1", "2", "30"]),
        ("1,30", None),
    ],
)
def test_a_record_of_another_width_is_mended_only_where_one_reading_is_right(write, record, cells):
    _, rows, rejects, _, account = understood(write(f"id,name,age\n{record}\n2,Ann,31\n3,Roe,32\n"))
    assert rows == ([cells] if cells else []) + [["2", "Ann", "31"], ["3", "Roe", "32"]]
    assert [line for line, _ in rejects] == ([] if cells else [2])
    assert account.repairs.total() == (cells is not None and record.count(",") > 2)


def test_two_columns_of_text_leave_a_record_with_a_cell_too_many_a_reject(write):
    assert understood(write("id,name,city\n1,Bob,x,Rome\n2,Ann,Paris\n3,Roe,Kiel\n"))[2] == [
        (2, "too_many_cells")
    ]


def test_names_over_records_that_leave_out_their_last_cells_are_the_header(write):
    text = "id,a,b,c\n" + "".join(f"{i},x y,z{',w' if i % 3 == 0 else ''}\n" for i in range(30))
    header, rows, rejects, _, _ = understood(write(text))
    assert (header, len(rows), rejects) == (("id", "a", "b", "c"), 30, [])


def test_empty_cells_left_out_at_the_end_of_records_are_put_back_where_that_is_the_habit(write):
    text = "id,a,b,c\n1,x,y,z\n2,x\n3,x,y\n4,x,y\n5,x,y,z\n"
    _, rows, rejects, _, account = understood(write(text))
    assert rows[1:3] == [["2", "x", "", ""], ["3", "x", "y", ""]]
    assert (rejects, account.repairs) == ([], {"short_record": 3})
    written = understood(write(text + "6,x,y,\n"))  # here empty cells are written
    assert [line for line, _ in written[2]] == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ('"x" "y"\n"1" 2 3\n"2" 4 5\n"3" 6 7\n', ("", "x", "y")),
        ("mpg,cyl\nMazda,21,6\nDatsun,22,4\nHornet,21,6\n", ("", "mpg", "cyl")),
        ("id,name\n1,a,x\n2,b,y\n3,c,z\n", ("id", "name", "")),
        ("kind,size\na,1,x\nb,2,y\na,3,z\n", ("kind", "size", "")),
        ("kind,size\na,1,x,5\nb,2,y,6\nc,3,z,7\n", ("kind", "size", "", "")),
    ],
)
def test_records_that_are_all_wider_than_the_header_have_a_column_without_name(write, text, header):
    found = understood(write(text))
    assert (found[0], len(found[1]), found[2]) == (header, 3, [])
    assert "no name" in found[4].warnings[0]


def test_records_that_all_lack_the_last_cells_of_the_header_are_filled_up_and_told(write):
    found = understood(write("id,name,note,extra\n1,a\n2,b\n3,c\n"))
    assert found[:3] == (("id", "name", "note", "extra"), [[i, c, "", ""] for i, c in ("1a", "2b", "3c")], [])
    assert found[4].repairs == {"short_record": 3}
    assert "note, extra" in found[4].warnings[0]


def test_records_of_two_widths_do_not_change_the_header(write):
    found = understood(write("id,name\n1,a,x\n2,b\n3,c,z\n4,d,z\n"))
    assert (found[0], len(found[1])) == (("id", "name"), 1)
    assert [line for line, _ in found[2]] == [2, 4, 5]


@pytest.mark.parametrize("more", [0, 20_000])  # one file is read whole, the other by samples and DuckDB
@pytest.mark.parametrize(
    ("end", "blank", "records"),
    [
        (",,\n", 0, 1),
        (",,\n" * 400, 0, 400),
        ('"","",""\n', 0, 1),
        (",,,,,\n", 1, 0),
        (",,,,,\n" * 3, 3, 0),
    ],
)
def test_lines_of_delimiters_are_records_but_blank_at_the_end_in_another_width(
    write, more, end, blank, records
):
    body = "a,b,c\n" + "1,x,3\n" * (2 + more) + ",,\n" + "1,x,3\n" * (2 + more)
    for broken in ("", "1,x\n"):
        found = understood(write(body + broken + "1,x,3\n" + end))
        assert len(found[1]) == 2 * (2 + more) + 2 + records
        assert found[1][2 + more] == ["", "", ""]
        assert len(found[2]) == bool(broken)
        assert found[4].lines == {"header": 1} | ({"blank": blank} if blank else {})


def test_lines_of_delimiters_around_a_footer_are_blank(write):
    found = understood(write("a,b,c\n1,x,3\n2,y,4\n,,\n,,,,\nTotal,,7\n,,\n"))
    assert (len(found[1]), found[2], found[3]) == (2, [], [(6, "footer")])
    assert found[4].lines["blank"] == 3


def test_a_header_above_records_of_two_widths_is_seen(write):
    found = understood(write("name,note\n17,x\n1,2,3\n1,2,3\n1,2,3\n"))
    assert (found[0], found[1], len(found[2])) == (("name", "note"), [["17", "x"]], 3)
