"""Tables drawn for people: columns that stand straight, names that are underlined, boxes."""

import pytest

from .understood import understood


def read(path):
    header, rows, rejects, _, account = understood(path)
    return header, rows, rejects, account.lines


def test_underlined_names_tell_where_columns_stand(write):
    lines = ["     EMPNO ENAME      COMM", "---------- ---------- ----------"]
    text = "\n".join([*lines, "      7369 SMITH", "      7499 AL LEN            300", "      7521 WARD", ""])
    rows = [["7369", "SMITH", ""], ["7499", "AL LEN", "300"], ["7521", "WARD", ""]]
    assert read(write(text)) == (("EMPNO", "ENAME", "COMM"), rows, [], {"header": 2})


def test_underlined_names_that_stand_on_each_page_are_no_records(write):
    page = " ID NAME\n--- -----\n  1 Ann\n  2 Bo X\n"
    rows = [["1", "Ann"], ["2", "Bo X"]] * 2
    assert read(write(page + "\n" + page)) == (("ID", "NAME"), rows, [], {"header": 4, "blank": 1})


@pytest.mark.parametrize(
    "text",
    [
        "Name  City\n----- -----\nAnn   New O\nBob   Reno\n",
        "| Name | City |\n|---|---|\n|Ann|New O|\n|Bob|Reno|\n",
    ],
)
def test_a_rule_below_names_is_no_record_where_all_cells_are_texts(write, text):
    assert read(write(text)) == (("Name", "City"), [["Ann", "New O"], ["Bob", "Reno"]], [], {"header": 2})


def test_boxes_may_have_plain_rules(write):
    rule = "-" * 20 + "\n"
    text = f"{rule}|Code|Name  |  Total|\n{rule}|0001|Ann Lee|   1,50|\n|0002|Bob   |   2,50|\n"
    header, rows, rejects, lines = read(write(text))
    assert (header, rejects) == (("Code", "Name", "Total"), [])
    assert rows == [["0001", "Ann Lee", "1,50"], ["0002", "Bob", "2,50"]]
    assert lines == {"preamble": 1, "header": 2}


def test_one_blank_between_two_names_parts_columns_that_are_further_apart_below(write):
    text = "ST  LATITUDE LONGITUDE\nA1   40.7789  -73.9692\nB2   42.3606  -71.0097\n"
    rows = [["A1", "40.7789", "-73.9692"], ["B2", "42.3606", "-71.0097"]]
    assert read(write(text)) == (("ST", "LATITUDE", "LONGITUDE"), rows, [], {"header": 1})
