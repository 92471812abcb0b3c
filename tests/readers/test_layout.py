"""Where the table of a delimited file stands, and what is written around it."""

import csv
import io
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import ReadError
from sluice.readers import open_table

from .understood import understood


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


@pytest.mark.parametrize("other", ["k,v\n" + "a,1\n" * 60, "a,b,c\n" + "x y,foo,bar\n" * 60])
def test_another_table_beyond_the_head_of_a_big_file_is_told(write, other):
    text = "id,day,n\n" + "".join(f"{i},2020-01-02,{i}\n" for i in range(20_000))
    found = understood(write(f"{text}\n{other}"))
    assert "another table" in found[4].warnings[0]
    assert understood(write(text))[4].warnings == []


def test_page_breaks_are_no_records(write):
    found = understood(write("id,name\n1,a\n2,b\nPage 1\n\nid,name\n3,c\n4,d\nPage 2\n"))
    assert (len(found[1]), found[2], found[3]) == (4, [], [(4, "footer"), (9, "footer")])


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


def test_of_several_tables_the_largest_is_read_and_the_others_are_named(write):
    text = "id,name\n1,a\n2,b\n\nMore\nx,y,z\n1,2,3\n4,5,6\n7,8,9\n\nLess\nk,v\n1,2\n"
    header, rows, rejects, skipped, account = understood(write(text))
    assert header == ("x", "y", "z")
    assert (len(rows), rejects) == (3, [])
    assert [line for line, kind in skipped if kind == "table"] == [1, 2, 3, 11, 12, 13]
    assert "3 tables" in account.warnings[0]
    assert sum(account.lines.values()) + len(rows) == text.count("\n")


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


def test_many_begun_quotes_do_not_make_detection_slow(tmp_path):
    path = tmp_path / "quotes.csv"
    part = rb'"z \\'
    path.write_bytes(part * 700 + b"\x0c" + part * 19_300 + b'a,b\x80"x \\" y",1\n')
    began = time.process_time()
    with pytest.raises(ReadError, match="columns"):
        open_table(path, {}, work=tmp_path)
    assert time.process_time() - began < 5
