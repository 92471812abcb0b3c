"""Where the table of a delimited file stands, and what is written around it."""

import csv
import io
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.readers import open_table
from sluice.readers.export import export


def understood(path: Path, **options: str):
    """Header, records, rejects as (line, reason), skipped lines as (line, kind), and the account."""
    table = open_table(path, options)
    out = io.StringIO(newline="")
    found = export(table, out, path.parent, memory_limit_mb=300, threads=0)
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1:]
    rejects = [(r.line, r.reason) for r in found.rejected]
    skipped = [(one.line, one.kind) for one in table.account.skipped]
    table.close()
    return found.header, rows, rejects, skipped, table.account


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Report of sales\nDate,2020-01-01\n\nid,name,age\n1,Bob,30\n2,Ann,31\n", [1, 2]),
        ("Title,,\n\nid,name,age\n1,Bob,30\n2,Ann,31\n", [1]),
        ('He said "hi\nid,name,age\n1,Bob,30\n2,Ann,31\n', [1]),
        ("sep=,\nid,name,age\n1,Bob,30\n2,Ann,31\n", [1]),
    ],
)
def test_lines_before_the_header_are_a_preamble(write, text, lead):
    header, rows, rejects, skipped, account = understood(write(text))
    assert header == ("id", "name", "age")
    assert rows == [["1", "Bob", "30"], ["2", "Ann", "31"]]
    assert (rejects, skipped) == ([], [(line, "preamble") for line in lead])
    assert sum(account.lines.values()) + len(rows) == text.count("\n")


def test_a_preamble_stays_on_the_fast_path(write):
    table = open_table(write("Report\n\nid,name\n" + "".join(f"{i},x\n" for i in range(50))))
    assert "read_csv" in table.relation(None)  # type: ignore[arg-type]
    assert table.header == ("id", "name")


@pytest.mark.parametrize("marker", ["#", "//", "--", ";", "%"])
def test_comment_lines_are_told_apart_before_between_and_after(write, marker):
    text = f"{marker} made by hand\nid,name\n1,Bob\n{marker} a, b, c\n2,Ann\n{marker} end\n"
    header, rows, rejects, skipped, _ = understood(write(text))
    assert (header, rows, rejects) == (("id", "name"), [["1", "Bob"], ["2", "Ann"]], [])
    assert skipped == [(1, "comment"), (4, "comment"), (6, "comment")]


def test_cells_that_begin_like_comments_are_records(write):
    rows = [["#ff0000", "1"], ["#00ff00", "2"], ["-- x", "3"]]
    text = "color,n\n" + "".join(",".join(row) + "\n" for row in rows)
    assert understood(write(text))[1:4] == (rows, [], [])


@pytest.mark.parametrize(
    "footer", ["(2 rows)", "\nTotal,2", "----\n2 records", "\nNote: a, b, and c, but not d", "Source: us"]
)
def test_lines_at_the_end_that_can_be_no_record_are_a_footer(write, footer):
    _, rows, rejects, skipped, _ = understood(write(f"id,name,age\n1,Bob,30\n2,Ann,31\n{footer}\n"))
    assert (rows, rejects) == ([["1", "Bob", "30"], ["2", "Ann", "31"]], [])
    assert skipped
    assert skipped[-1][1] == "footer"
    assert {kind for _, kind in skipped} <= {"footer", "comment"}  # a ruled line may be either


@pytest.mark.parametrize(("last", "reason"), [("3,Zoe", "too_few_cells"), ("3", "too_few_cells")])
def test_a_cut_last_record_is_no_footer(write, last, reason):
    found = understood(write(f"id,name,age\n1,Bob,30\n2,Ann,31\n{last}"))
    assert found[2:4] == ([(4, reason)], [])


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("id,name,age\n1,Bob,30\n2,Ann,31\n", "Total,,61"),
        ("region,city,a,b\nNorth,Kiel,3,30\nSouth,Rome,3,31\n", "Total,,,61"),
        ("region,city,a,b\nNorth,Kiel,3,30\nSouth,Rome,3,31\n", "Source: the office,,,"),
    ],
)
def test_a_total_or_note_as_wide_as_the_table_is_a_footer_where_it_lacks_what_records_have(write, text, last):
    for more in (0, 20_000):  # beyond the head sample as well
        body = text + text.splitlines()[-1].join(["", "\n"]) * more
        _, rows, rejects, skipped, _ = understood(write(f"{body}{last}\n"))
        assert (len(rows), rejects, skipped) == (2 + more, [], [(4 + more, "footer")])


@pytest.mark.parametrize("last", ["Total,61", "Totally,", "Kiel,"])
def test_a_last_record_that_may_be_one_is_no_footer(write, last):
    assert understood(write(f"name,n\nBonn,30\nRome,31\n{last}\n"))[1][-1] == last.split(",")


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
    "lead",
    [
        "Report,,\nDate,2020-01-01,\nBy,Bob,\n",
        "Station,Kiel\nLat,54.3\nLon,10.1\n",
        "Sales report, by region, in euro\n",
        "Date,2020-01-01,x\n",
    ],
)
def test_metadata_above_the_header_is_a_preamble_whatever_its_width(write, lead):
    found = understood(write(lead + "id,name,age\n1,Bob,30\n2,Ann,31\n3,Joe,32\n"))
    assert found[0] == ("id", "name", "age")
    assert len(found[1]) == 3
    assert found[4].lines == {"preamble": lead.count("\n"), "header": 1}


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


@pytest.mark.parametrize("other", ["k,v\n" + "a,1\n" * 60, "a,b,c\n" + "x y,foo,bar\n" * 60])
def test_another_table_beyond_the_head_of_a_big_file_is_told(write, other):
    text = "id,day,n\n" + "".join(f"{i},2020-01-02,{i}\n" for i in range(20_000))
    found = understood(write(f"{text}\n{other}"))
    assert "another table" in found[4].warnings[0]
    assert understood(write(text))[4].warnings == []


def test_names_over_records_that_leave_out_their_last_cells_are_the_header(write):
    text = "id,a,b,c\n" + "".join(f"{i},x y,z{',w' if i % 3 == 0 else ''}\n" for i in range(30))
    header, rows, rejects, _, _ = understood(write(text))
    assert (header, len(rows), rejects) == (("id", "a", "b", "c"), 30, [])


def test_page_breaks_are_no_records(write):
    found = understood(write("id,name\n1,a\n2,b\nPage 1\n\nid,name\n3,c\n4,d\nPage 2\n"))
    assert (len(found[1]), found[2], found[3]) == (4, [], [(4, "footer"), (9, "footer")])


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


@pytest.mark.parametrize("delimiter", ["||", "::", ";;", " | ", ", ", "~|~"])
def test_delimiters_of_several_characters_are_found(write, delimiter):
    rows = [["a", "b", "c"], ["1", "x y", "2"], ["3", "z", "4"]]
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    assert understood(write(text))[:2] == (tuple(rows[0]), rows[1:])


@pytest.mark.parametrize(
    "text",
    [
        "name\nSmith, John\nDoe, Jane\n",
        "full name\nJohn Smith\nAnn Roe\n",
        "price\n1,5\n2,5\n",
        "time\n10:30\n11:40\n",
        "It was the best of times, it was the worst.\nHello\nSo, what, now?\nfoo bar baz\n",
    ],
)
def test_one_column_stays_one_column(write, text):
    lines = text.splitlines()
    assert understood(write(text))[:2] == ((lines[0],), [[line] for line in lines[1:]])


@pytest.mark.parametrize(
    "text",
    [
        "It was the best of times, it was the worst.\nIt was the age of wisdom, of folly, of light.\nIt was so.\n",
        "Dear Sir,\n\nthank you for your letter, which we received.\nWe will answer soon.\n\nYours,\nBob\n",
        "[main]\nname=x\nsize=3\n\n[other]\nname=y\n",
        "apple\nbanana\ncherry\n",
        "- milk\n- bread, brown\n- eggs\n",
        "1. First do this.\n2. Then do that, if needed.\n3. Done.\n",
        "SELECT a, b\nFROM t\nWHERE a > 1;\n",
        "user@example.org\nother@example.com\nthird@example.net\n",
        "http://a.example/x?a=1,2\nhttp://b.example/y\nhttp://c.example/z;d\n",
        "The quick brown fox\njumps over\nthe lazy dog\n",
        "Name: Bob\nAge: 30\n\nName: Ann\nAge: 31\n",
    ],
)
def test_texts_that_are_no_table_stay_lines(write, text):
    header, rows, rejects, skipped, account = understood(write(text))
    assert (len(header), rejects, skipped) == (1, [], [])
    filled = [line for line in text.splitlines() if line]
    assert [row[0] for row in rows] == filled[account.lines["header"] :]


def test_parts_of_a_date_are_no_years_that_name_columns(write):
    assert understood(write("2024-01-02\n2024-02-05\n2024-04-09\n"), delimiter="-")[0][0] == "column_1"


def test_empty_cells_left_out_at_the_end_of_records_are_put_back_where_that_is_the_habit(write):
    text = "id,a,b,c\n1,x,y,z\n2,x\n3,x,y\n4,x,y\n5,x,y,z\n"
    _, rows, rejects, _, account = understood(write(text))
    assert rows[1:3] == [["2", "x", "", ""], ["3", "x", "y", ""]]
    assert (rejects, account.repairs) == ([], {"short_record": 3})
    written = understood(write(text + "6,x,y,\n"))  # here empty cells are written
    assert [line for line, _ in written[2]] == [3, 4, 5]


def test_of_several_tables_the_largest_is_read_and_the_others_are_named(write):
    text = "id,name\n1,a\n2,b\n\nMore\nx,y,z\n1,2,3\n4,5,6\n7,8,9\n\nLess\nk,v\n1,2\n"
    header, rows, rejects, skipped, account = understood(write(text))
    assert header == ("x", "y", "z")
    assert (len(rows), rejects) == (3, [])
    assert [line for line, kind in skipped if kind == "table"] == [1, 2, 3, 11, 12, 13]
    assert "3 tables" in account.warnings[0]
    assert sum(account.lines.values()) + len(rows) == text.count("\n")


def test_a_header_that_is_repeated_is_no_record(write):
    _, rows, rejects, _, account = understood(write("id,name\n1,a\n2,b\n\nid,name\n3,c\n"))
    assert (rows, rejects) == ([["1", "a"], ["2", "b"], ["3", "c"]], [])
    assert account.lines == {"header": 2, "blank": 1}


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


@pytest.mark.parametrize("broken", ["", "1,2,3\n"])
def test_a_header_again_where_no_sample_was_taken_is_no_record(write, broken):
    part = "ab cd,some text\n" * 20_000
    text = f"name,note\n{part}{broken}name,note\n{part}{part}"
    _, rows, rejects, _, account = understood(write(text))
    assert (len(rows), len(rejects), account.lines["header"]) == (60_000, bool(broken), 2)


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


def test_a_header_above_records_of_two_widths_is_seen(write):
    found = understood(write("name,note\n17,x\n1,2,3\n1,2,3\n1,2,3\n"))
    assert (found[0], found[1], len(found[2])) == (("name", "note"), [["17", "x"]], 3)


def test_blank_lines_are_counted_on_both_paths(write):
    for text, count in (
        ("a,b\n\n1,2\n\n\n3,4\n\n", 4),
        ('a,b\r\n\r\n1,"x\r\n\r\ny"\r\n\r\n\r\n3,4\r\n', 3),
        ("a,b\n\n1\n\n\n2,3\n\n\n", 5),
        ('a,b\n1,5\'11"\n\n2,6"\n\n3,x\n', 2),
    ):
        assert understood(write(text))[4].lines["blank"] == count


def test_detection_of_a_small_file_is_quick(write):
    path = write("Report\n\nid,name,note\n" + "".join(f"{i},n{i},some text\n" for i in range(500)))
    taken = []
    for _ in range(10):  # the quickest counts: others may use the machine as well
        start = time.perf_counter()
        open_table(path).close()
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.05


WORDS = st.text(st.sampled_from("abc xyz'"), min_size=1, max_size=8).map(lambda s: f"w{s.strip()}")


@settings(max_examples=80, deadline=None)
@given(
    preamble=st.lists(st.sampled_from(["Report of sales", "made by us", ""]), max_size=3),
    rows=st.lists(st.tuples(st.integers(0, 999), WORDS, st.dates()), min_size=3, max_size=20),
    footer=st.lists(st.sampled_from(["(9 rows)", "Source: the office", ""]), max_size=2),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_typed_table_comes_back_from_between_preamble_and_footer(preamble, rows, footer, delimiter, end):
    body = [delimiter.join(map(str, row)) for row in [("id", "name", "day"), *rows]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_text(end.join([*preamble, *body, *footer, ""]), newline="")
        header, found, rejects, _, account = understood(path)
    assert header == ("id", "name", "day")
    assert found == [[str(cell) for cell in row] for row in rows]
    assert rejects == []
    assert account.lines["preamble"] == sum(map(bool, preamble))
    assert account.lines.total() == len(preamble) + 1 + len(footer)


CELLS = [
    st.integers(1, 9999).map(str),
    st.sampled_from(["Anna", "it's", "x, y", 'the "big" one', "Rome\nItaly"]),
    st.dates().map(str),
    st.floats(0, 999).map("{:.2f}".format),
    st.sampled_from(["Rome", "Oslo", ""]),
    st.integers(0, 99).map("AB-{}".format),
]


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(2, 6).flatmap(lambda n: st.lists(st.tuples(*CELLS[:n]), min_size=3, max_size=20)),
    lead=st.lists(st.sampled_from(["Report of sales", "", "# made by hand"]), max_size=3),
    last=st.lists(st.sampled_from(["(9 rows)", "Source: the office", "", ",,,,,,,,"]), max_size=2),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_of_any_width_comes_back_and_every_line_is_accounted_for(rows, lead, last, end):
    names = ["id", "name", "day", "amount", "city", "code"][: len(rows[0])]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows([names, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_text(
            "".join(f"{line}{end}" for line in lead) + out.getvalue() + end.join([*last, ""]), newline=""
        )
        header, found, rejects, _, account = understood(path)
    assert (list(header), found, rejects) == (names, [list(row) for row in rows], [])
    assert account.lines.total() == len(lead) + 1 + len(last)
