"""Delimiter, quote and escape are found without hints; tables drawn for people are read as such."""

import pytest

from sluice.readers import open_table
from tests.places import located
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


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
@pytest.mark.parametrize(
    "rows",
    [
        [["1,5", "2,5"], ["3,5", "4,5"], ["6,5", "7,5"]],
        [["a,b,c", "2019"], ["x,f,y15", "8.1"], ["x,g,y15", "13.1"]],
    ],
)
def test_records_are_not_torn_at_commas_when_a_stronger_delimiter_stands_in_all(write, delimiter, rows):
    name, *others = found(write("".join(delimiter.join(row) + "\n" for row in rows)))
    assert (others if len(others) == 3 else [name, *others]) == rows


@pytest.mark.parametrize(
    "values",
    [
        ["1.234,56", "7,00", "12.345,10"],
        ["7,00", "12,10", "3,50", "8,25"],
        ["0b0e5a1e-1111-4a4a-9b9b-0123456789ab", "1b0e5a1e-2222-4a4a-9b9b-0123456789ab"],
        ["978-3-16-148410-0", "978-0-306-40615-7", "978-1-86197-271-2"],
        ["00:1a:2b:3c:4d:5e", "00:1a:2b:3c:4d:5f", "00:1a:2b:3c:4d:60"],
        ["030/1234567", "0421/765432", "089/998877"],
        ["+1-202-555-0101", "+1-202-555-0102", "+1-202-555-0103"],
    ],
)
def test_values_in_one_column_without_a_name_are_records(write, values):
    assert found(write("".join(f"{value}\n" for value in values))) == [["column_1"], *([v] for v in values)]


def test_numbers_behind_a_comma_that_no_amount_shows_are_a_column(write):
    assert found(write("1,10\n2,25\n3,50\n"))[1:] == [["1", "10"], ["2", "25"], ["3", "50"]]


def test_a_second_byte_order_mark_is_in_no_name(write):
    assert found(write("\ufeff\ufeffid,a\n1,x\n2,y\n")) == [["id", "a"], ["1", "x"], ["2", "y"]]


def test_comments_of_two_cells_do_not_make_a_table_of_few_records(write):
    notes = "#a\tx\n#b\ty\n#c\tone\ttwo\n#d\tz\n"
    rows = [["1.5", "C1", "10.0.0.1"], ["2.5", "C2", "10.0.0.2"]]
    assert found(write(notes + "".join("\t".join(row) + "\n" for row in rows)))[1:] == rows


def test_a_record_that_looks_torn_does_not_hide_what_tells_quotes(write):
    lines = "id|name|said|last\n1|Smith, John|'so, ''he'' said; it''s'|no\n2|a~b^c|'so, it''s'|no\n3|x|'so; ''s'|no\n"
    assert [row[2] for row in found(write(lines))] == ["said", "so, 'he' said; it's", "so, it's", "so; 's"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_quotes_that_are_escaped_in_a_quoted_cell_do_not_make_it_text(write, delimiter):
    line = delimiter.join(("1", f'"so, \\"he\\" said{delimiter}yes"', "no"))
    rows = found(write(delimiter.join(("id", "said", "last")) + "\n" + f"{line}\n" * 3))
    assert rows[1:] == [["1", f'so, "he" said{delimiter}yes', "no"]] * 3


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])  # with commas such a quote is a mistake: see test_csv
def test_quotes_around_parts_of_cells_only_are_text(write, delimiter):
    rows = [["id", "title", "n"], ["1", "One", "5"], ["2", '"Two Three', "6"], ["3", '"Four" five', "7"]]
    table = open_table(write("".join(delimiter.join(row) + "\n" for row in rows)))
    assert [list(table.header), *cells(table)] == rows
    assert not table.account.repairs


def test_quotes_around_parts_of_cells_beside_quoted_cells_are_an_error(write):
    text = 'id,title\n1,"One, two"\n2,"Three" four\n3,five\n'
    table = open_table(write(text))
    table.repair(ValueError())
    assert cells(table) == [["1", "One, two"], ["3", "five"]]


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
    assert located(open_table(path), [2]) == {2: (line, text.splitlines()[line - 1])}
