"""Which rows of a delimited file are its header, if any."""

import io

import pytest

from sluice.readers import open_table
from sluice.readers.export import export

from .understood import understood


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Region,2020,,2021,\n,sales,cost,sales,cost\n", "Region|2020 sales|2020 cost|2021 sales|2021 cost"),
        ("2020,2020,2021,2021,\na,b,a,b,c\n", "2020 a|2020 b|2021 a|2021 b|2021 c"),
        (",A,,,\n,B,,C,\nid,x,y,x,y\n", "id|A B x|A B y|A C x|A C y"),
        ("id,mass,speed,t,u\n,kg,(m/s),[%],°C\n", "id|mass|speed|t|u"),
        ("id,mass,speed,t,u\n---,---,---,---,---\n", "id|mass|speed|t|u"),
    ],
)
def test_several_header_rows_are_one_header(write, text, header):
    rows = [[str(i), "2.5", "3", "4", str(i * 2)] for i in range(1, 5)]
    found = understood(write(text + "".join(",".join(row) + "\n" for row in rows)))
    assert found[:4] == (tuple(header.split("|")), rows, [], [])
    assert found[4].lines == {"header": text.count("\n")}


@pytest.mark.parametrize("row", ["unknown,n/a,tbd", "a,M,", "x,?,5"])
def test_a_first_record_with_wrong_values_is_no_header_row(write, row):
    assert understood(write(f"name,size,price\n{row}\na,2,3\nb,3,4\nc,4,5\n"))[1][0] == row.split(",")


def test_a_first_row_of_values_that_recur_below_is_a_record(write):
    text = "red,apple\ngreen,apple\nred,cherry\nblue,banana\n"
    assert understood(write(text))[:2] == (("column_1", "column_2"), [r.split(",") for r in text.split()])


def test_a_header_that_nothing_shows_to_be_one_is_told(write):
    account = understood(write("color,fruit\ngreen,apple\nred,cherry\n"))[4]
    assert "header=false" in account.warnings[0]
    assert understood(write("Color,Fruit\ngreen,apple\nred,cherry\n"))[4].warnings == []


@pytest.mark.parametrize(
    ("text", "header", "count"),
    [
        ("id,name\n", ("id", "name"), 0),
        ("name", ("name",), 0),
        ("id,name\n1,a", ("id", "name"), 1),
        ("5\n", ("value",), 1),  # a JSON text, by RFC 8259
        ("5\n6\n", ("column_1",), 2),
    ],
)
def test_the_shortest_files_are_tables(write, text, header, count):
    found = understood(write(text))
    assert (found[0], len(found[1])) == (header, count)


def test_broken_bytes_and_quotes_in_a_header_are_told(write):
    broken = b"id,na\xffme,\xc3\xa9\n" + "1,é,ü\n2,ä,ß\n".encode() * 9
    header, rows, _, _, account = understood(write(broken))
    assert (header[1], len(rows)) == ("na\ufffdme", 18)
    assert "replaced" in account.warnings[0]
    header, rows, _, _, account = understood(write('id,"na"me,age\n1,a,3\n2,b,4\n'))
    assert (len(header), len(rows)) == (3, 2)


def test_an_over_long_name_is_kept_and_told(write):
    found = understood(write(f"id,{'x' * 1500}\n1,a\n2,b\n"))
    assert len(found[0][1]) == 1500
    assert "1,500 characters" in found[4].warnings[0]


@pytest.mark.parametrize("text", ["1,Bob,30\n2,Ann,31\n", "Bob,2020-01-02\nAnn,2020-01-03\n", "5\n6\n"])
def test_a_first_row_typed_like_the_rows_below_is_no_header(write, text):
    header, rows, _, _, _ = understood(write(text))
    assert header == tuple(f"column_{i}" for i in range(1, len(header) + 1))
    assert rows == [line.split(",") for line in text.splitlines()]
    assert understood(write(text), header="true")[0] == tuple(text.splitlines()[0].split(","))


@pytest.mark.parametrize("text", ["name,2019,2020\nA,1,2\nB,3,5\n", "a,b\nx,y\n", "id\n", ",a\n0,1\n1,2\n"])
def test_other_first_rows_are_headers(write, text):
    assert understood(write(text))[0] == tuple(text.splitlines()[0].split(","))


def test_parts_of_a_date_are_no_years_that_name_columns(write):
    assert understood(write("2024-01-02\n2024-02-05\n2024-04-09\n"), delimiter="-")[0][0] == "column_1"


def test_a_header_that_is_repeated_is_no_record(write):
    _, rows, rejects, _, account = understood(write("id,name\n1,a\n2,b\n\nid,name\n3,c\n"))
    assert (rows, rejects) == ([["1", "a"], ["2", "b"], ["3", "c"]], [])
    assert account.lines == {"header": 2, "blank": 1}


@pytest.mark.parametrize("broken", ["", "1,2,3\n"])
def test_a_header_again_where_no_sample_was_taken_is_no_record(write, broken):
    part = "ab cd,some text\n" * 20_000
    text = f"name,note\n{part}{broken}name,note\n{part}{part}"
    _, rows, rejects, _, account = understood(write(text))
    assert (len(rows), len(rejects), account.lines["header"]) == (60_000, bool(broken), 2)


def test_a_header_again_that_begins_with_bytes_that_are_no_text_is_no_record(write):
    header, rows = b"\xa9m,n\n", "Zo\xeb,1\n".encode() * 40
    _, found, rejects, _, account = understood(write(header + rows + header + rows + b'x"y,1\n'))
    assert (len(found), rejects, account.lines["header"]) == (81, [], 2)


def test_a_first_row_of_expected_names_is_the_header(write):
    path = write("red,apple\nred,pear\ngreen,apple\n")
    for names, header in ((("red", "apple"), ("red", "apple")), (("a", "b"), ("column_1", "column_2"))):
        table = open_table(path)
        table.expect(names.__contains__)
        out = io.StringIO(newline="")
        export(table, out, path.parent, memory_limit_mb=300, threads=0)
        assert table.header == header
        assert len(out.getvalue().splitlines()) == 3 + (header[0] != "red")


@pytest.mark.parametrize("second", ["foo,bar,baz", "first,second,third", "a b,c d,e f"])
def test_a_second_full_row_of_words_is_a_record(write, second):
    found = understood(write(f"name,size,price\n{second}\n" + "".join(f"n{i},{i},{i}.5\n" for i in range(9))))
    assert (found[0], found[1][0], len(found[1])) == (("name", "size", "price"), second.split(","), 10)


_TABLE = "Name,Qty,Price,Day\nNut,5,1.5,2020-01-01\nBolt,6,2.5,2020-01-02\nScrew,7,3.5,2020-01-03\n"


@pytest.mark.parametrize("lead", [",Report,,\n", ",Report of sales,,\n,,,\n"])
def test_a_padded_title_in_the_second_cell_is_no_name(write, lead):
    header, rows, _, _, account = understood(write(lead + _TABLE))
    assert (header, len(rows)) == (("Name", "Qty", "Price", "Day"), 3)
    assert account.lines == {"preamble": lead.count("\n"), "header": 1}


def test_dates_with_points_over_numbers_are_names(write):
    found = understood(write(";31.12.2015;31.12.2016\nA;1;7\nB;1;3\nC;4;1\n"))
    assert found[:2] == (
        ("", "31.12.2015", "31.12.2016"),
        [["A", "1", "7"], ["B", "1", "3"], ["C", "4", "1"]],
    )


def test_a_row_that_names_just_the_columns_without_name_goes_on_with_the_header(write):
    text = ",,2017/18,2018/19\nCountry,Item,,\nWorld,Prod,7.1,7.2\nWorld,Imp,1.1,1.3\nChina,Prod,3.1,3.3\n"
    header, rows, *_ = understood(write(text))
    assert (header, len(rows)) == (("Country", "Item", "2017/18", "2018/19"), 3)
    record = text.replace("Country,Item", "World,Imp")
    assert understood(write(record))[1][0] == ["World", "Imp", "", ""]


def test_names_that_begin_like_the_comments_above_are_the_header(write):
    text = "##made by=x\n##on=2020\n#id,name,size\n1,a,2\n2,b,3\n3,c,4\n"
    header, rows, _, _, account = understood(write(text))
    assert (header, len(rows)) == (("#id", "name", "size"), 3)
    assert account.lines == {"comment": 2, "header": 1}
    plain = text.replace("#id,name,size", "# Units: m,kg,s")
    assert understood(write(plain))[4].lines == {"comment": 3}
