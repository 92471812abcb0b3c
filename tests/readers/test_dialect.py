"""Delimiter, quote and escape are found without hints; tables drawn for people are read as such."""

import pytest

from sluice.readers import open_table
from tests.readers.conftest import cells

ROWS = [
    ["id", "name", "day", "note"],
    ["1", "Smith", "2020-01-02", "so it is"],
    ["2", "Roe", "2021-03-04", "no"],
]


def found(path):
    table = open_table(path)
    return [list(table.header), *cells(table)]


@pytest.mark.parametrize(
    "delimiter",
    [
        *(",", ";", "\t", "|", "^", "~", "\x1f", "\x01", "\u00a6", "\u00a7", "#", "@", "*", "="),
        *("||", "::", "~|~", " | ", "\t|\t", "^^", "=>"),
    ],
)
def test_any_delimiter_is_found(write, delimiter):
    assert found(write("".join(delimiter.join(row) + "\n" for row in ROWS))) == ROWS


@pytest.mark.parametrize("quote", ['"', "'", "`"])
@pytest.mark.parametrize("doubled", [True, False])
def test_quotes_and_escapes_are_found(write, quote, doubled):
    rows = [["id", "text"], ["1", f"a{quote}b, c"], ["2", "two\nlines"], ["3", f"{quote}x{quote}"]]
    escape = quote if doubled else "\\"
    lines = [",".join(f"{quote}{cell.replace(quote, escape + quote)}{quote}" for cell in row) for row in rows]
    assert found(write("\n".join(lines))) == rows


@pytest.mark.parametrize(
    "text",
    [
        "price\n$1,234.50\n$9,876,543.21\n",
        "place\n(1.25, 3.5)\n(2.5, 4.75)\n",
        "phone\n+1 (230) 846-7605\n+3 (398) 855-6576\n",
        "link\nhttps://a.example/x?a=1&b=2\nhttps://a.example/y?a=3&b=4\n",
        "at\n2020-01-02T10:30:00Z\n2020-01-03T11:40:00Z\n",
    ],
)
def test_delimiters_inside_of_values_split_no_column(write, text):
    assert found(write(text)) == [[line] for line in text.splitlines()]


def test_apostrophes_are_no_quotes(write):
    rows = [["id", "text"], ["1", "'tis so"], ["2", "rock 'n'"], ["3", "O'Brien"]]
    assert found(write("".join(",".join(row) + "\n" for row in rows))) == rows


DRAWN = [
    "name       qty  city\nAnna Lee     1  New York\nBo          20  Oslo\nCy Young     3  Bern\n",
    "name\t\tqty\tcity\nAnna Lee\t1\tNew York\nBo\t\t20\tOslo\nCy Young\t3\tBern\n",
    "| name | qty | city |\n|---|--:|---|\n| Anna Lee | 1 | New York |\n| Bo | 20 | Oslo |\n| Cy Young | 3 | Bern |\n",
    " name     | qty | city\n----------+-----+------\n Anna Lee |   1 | New York\n Bo       |  20 | Oslo\n"
    " Cy Young |   3 | Bern\n(3 rows)\n",
]


@pytest.mark.parametrize("text", DRAWN)
def test_a_table_drawn_for_people_is_read_without_its_padding_and_found_as_written(write, text):
    path = write(text)
    assert found(path) == [
        ["name", "qty", "city"],
        ["Anna Lee", "1", "New York"],
        ["Bo", "20", "Oslo"],
        ["Cy Young", "3", "Bern"],
    ]
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "Bo" in one)
    assert open_table(path).locate([2]) == {2: (line, text.splitlines()[line - 1])}
