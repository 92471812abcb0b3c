"""From text to types: what is accepted, what is rejected and why, and that no value changes."""

import datetime as dt
import json
import re
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluice.contracts.model import Booleans, Numbers
from sluice.errors import DataRefused, ReadError
from sluice.readers import open_table, stage

from .conftest import column, contract

UTC = dt.UTC


def typed(texts, *columns, **more):
    """Each text through one column of each given kind: (values by column, rejects)."""
    wanted = contract("key", *columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        names = [c.name for c in columns]
        path.write_text(json.dumps([{"key": "k", **dict.fromkeys(names, text)} for text in texts]))
        done = stage(open_table(path), wanted, Path(folder) / "s", load_id=1, organization_id=1)
        return pq.read_table(done.rows_path).to_pylist(), pq.read_table(done.rejects_path).to_pylist()


def accepts(duckdb_type, good, **more):
    rows, rejects = typed(list(good), column("c", duckdb_type, **more))
    assert rejects == []
    assert [row["c"] for row in rows] == list(good.values())


def rejects(duckdb_type, reason, bad, **more):
    rows, found = typed(bad, column("c", duckdb_type, **more))
    assert [row["c"] for row in rows] == []
    assert [(r["column"], r["reason"]) for r in found] == [("c", reason)] * len(bad)
    for reject, text in zip(found, bad, strict=True):
        assert repr(text[:80])[:-1] in reject["message"]


def test_integers():
    accepts(
        "INTEGER",
        {"7": 7, " 7 ": 7, "+7": 7, "-7": -7, "007": 7, "\t7\n": 7, "\u00a07": 7, "-2147483648": -(2**31)},
    )
    bad = [
        "1.5",
        "1.0",
        "1e3",
        "1_000",
        "0x1F",
        "0b1",
        "1,000",
        "7 8",
        "--7",
        "2147483648",
        "\u0663",
        "x",
        "inf",
        "-",
    ]
    rejects("INTEGER", "not_an_integer", bad)
    rejects("SMALLINT", "not_an_integer", ["32768"])
    accepts("BIGINT", {"9223372036854775807": 2**63 - 1})


def test_decimals_never_round():
    good = {
        "1.5": "1.50",
        "1.50": "1.50",
        "1.500": "1.50",
        "-0.01": "-0.01",
        ".5": "0.50",
        "5.": "5.00",
        "+1": "1.00",
    }
    accepts("DECIMAL(12,2)", {text: Decimal(value) for text, value in good.items()})
    bad = ["1.505", "0.001", "10000000000", "1e2", "1_0", "1,5", "inf", "nan", ".", "", "1.5.0", "$5"]
    rejects("DECIMAL(12,2)", "not_a_decimal", [b for b in bad if b])
    rejects("DECIMAL(5,0)", "not_a_decimal", ["1.5", "100000"])
    accepts("DECIMAL(5,0)", {"1.0": Decimal(1)})
    accepts("DECIMAL(38,9)", {"0.123456789": Decimal("0.123456789")})


def test_floats():
    accepts("DOUBLE", {"1.5": 1.5, "1e3": 1000.0, "-.5E-2": -0.005, " 7 ": 7.0, "1e308": 1e308})
    rejects("DOUBLE", "not_a_number", ["1e999", "inf", "nan", "1_0", "0x10", "1,5", "1.5f", "e5"])
    rejects("FLOAT", "not_a_number", ["1e39"])


def test_booleans():
    yes = ["true", "TRUE", "t", "T", "yes", "Y", "1", " true "]
    no = ["false", "False", "f", "no", "N", "0", "\tno"]
    accepts("BOOLEAN", dict.fromkeys(yes, True) | dict.fromkeys(no, False))
    rejects("BOOLEAN", "not_a_boolean", ["on", "off", "2", "tr", "ja", "-1"])


def test_dates():
    day = dt.date(2024, 2, 3)
    accepts(
        "DATE",
        dict.fromkeys(["2024-02-03", " 2024-02-03 ", "2024-2-3", "2024/02/03", "2024-02-03T00:00:00"], day),
    )
    bad = [
        "2024-02-30",
        "2024-13-01",
        "24-02-03",
        "03.02.2024",
        "2024-02-03 10:11",
        "20240203",
        "epoch",
        "infinity",
    ]
    rejects("DATE", "not_a_date", [*bad, "2024-02-03 (BC)", "0000-01-01", "epoch     ", "24-01-01  "])
    formats = ("%d.%m.%Y", "%d/%m/%y")
    accepts(
        "DATE", dict.fromkeys(["03.02.2024", "3.2.2024", "03/02/24", " 03.02.2024"], day), formats=formats
    )
    rejects("DATE", "not_a_date", ["30.02.2024", "2024-02-03", "03.02.2024x"], formats=formats)


def test_timestamps_honour_the_zone():
    naive = dt.datetime(2024, 2, 3, 10, 11, 12)
    same = ["2024-02-03 10:11:12", "2024-02-03T10:11:12", "2024-02-03T10:11:12Z", "2024-02-03 10:11:12.000"]
    east = [
        "2024-02-03 12:11:12+02:00",
        "2024-02-03 12:11:12+02",
        "2024-02-03T12:11:12+0200",
        "2024-02-03 12:11:12 +0200",
    ]
    accepts("TIMESTAMP", dict.fromkeys([*same, *east], naive))
    accepts("TIMESTAMPTZ", dict.fromkeys([*same, *east], naive.replace(tzinfo=UTC)))
    accepts(
        "TIMESTAMP",
        {"2024-02-03": dt.datetime(2024, 2, 3), "2024-02-03 10:11": dt.datetime(2024, 2, 3, 10, 11)},
    )
    accepts("TIMESTAMP", {"2024-02-03 10:11:12.123456": naive.replace(microsecond=123456)})
    bad = [
        "2024-02-30 10:00:00",
        "2024-02-03 10:60:00",
        "2024-02-03 10",
        "yesterday",
        "2024-02-03 10:11:12.1234567",
    ]
    for kind in ("TIMESTAMP", "TIMESTAMPTZ"):
        rejects(
            kind, "not_a_timestamp", [*bad, "1706955072", "infinity", "2024-02-03 10:11:12 Europe/Berlin"]
        )
    formats = ("%d.%m.%Y %H:%M",)
    accepts("TIMESTAMP", {"03.02.2024 10:11": dt.datetime(2024, 2, 3, 10, 11)}, formats=formats)
    zoned = ("%d.%m.%Y %H:%M %z",)
    accepts("TIMESTAMP", {"03.02.2024 10:11 +0200": dt.datetime(2024, 2, 3, 8, 11)}, formats=zoned)


def test_times():
    accepts(
        "TIME",
        {"10:11:12": dt.time(10, 11, 12), "10:11": dt.time(10, 11), "1:02:03.5": dt.time(1, 2, 3, 500000)},
    )
    rejects("TIME", "not_a_time", ["24:00:00", "25:00:00", "10", "10:11:12+02", "10:11:12.1234567", "noon"])


def test_json_is_what_postgres_takes():
    good = ['{"a":1}', "[1, 2]", ' "x" ', "1", '{"a":",]"}', '"NaN, inf"', '"\\\\u0000"', "null"]
    accepts("VARCHAR", {text: text for text in good}, postgres_type="jsonb")
    bad = ["{'a':1}", '{"a":1,}', "[1,]", "NaN", '{"a":inf}', "[1,2", '"\\u0000"', "1e999999", "x"]
    rejects("VARCHAR", "not_json", bad, postgres_type="jsonb")


def test_uuids():
    text = "550e8400-e29b-41d4-a716-446655440000"
    same = dict.fromkeys([text, text.upper(), f" {text}", text.replace("-", "")], text)
    accepts("VARCHAR", same, postgres_type="uuid")
    rejects("VARCHAR", "not_a_uuid", ["x", text[:-1], text + "0"], postgres_type="uuid")


def test_strings_keep_their_text_and_null_spellings_become_null():
    rows, _ = typed(["", " ", " x ", "NA", "na", " NA "], column("c", null_values=("", "NA")))
    assert [row["c"] for row in rows] == [None, " ", " x ", None, "na", " NA "]


def test_null_spellings_of_other_types_ignore_white_space_around():
    rows, rejects = typed(
        ["", "  ", "NA", " NA ", "-99", "5"], column("c", "INTEGER", null_values=("", "NA", "-99"))
    )
    assert [row["c"] for row in rows] == [None, None, None, None, None, 5]
    assert rejects == []


def test_each_bad_cell_is_a_reject_and_the_record_counts_once(write, load):
    wanted = contract(column("a", "INTEGER"), column("b", "DATE"), "c")
    staged = load(write("a,b,c\nx,y,z\n1,2024-01-01,w\n"), wanted)
    assert staged.reasons == [(1, "a", "not_an_integer"), (1, "b", "not_a_date")]
    assert staged.stage.rejects == 1
    assert {r["raw"] for r in staged.rejects} == {"x,y,z"}
    assert json.loads(staged.rejects[0]["cells"]) == {"a": "x", "b": "y", "c": "z"}


def test_long_text_is_cut_in_messages(write, load):
    staged = load(write("a\n" + "x" * 500 + "\n"), contract(column("a", "INTEGER")))
    assert "x" * 80 + "..." in staged.rejects[0]["message"]
    assert "x" * 81 not in staged.rejects[0]["message"]


@pytest.mark.parametrize(
    "spelling", ["github_url", "GitHub URL", "githubUrl", "github-url", " GITHUB_URL ", "repo"]
)
def test_header_spellings_find_their_column(write, load, spelling):
    staged = load(write(f"{spelling},b\nx,y\n"), contract(column("github_url", aliases=("Repo",)), "b"))
    assert staged.values("github_url") == ["x"]
    assert staged.stage.drift == ()


def test_two_header_cells_for_one_column_are_ambiguous(write, load):
    for header in ("github_url,GitHub URL", "github_url,github_url", "repo,github_url"):
        with pytest.raises(ReadError, match="both mean the column github_url"):
            load(write(f"{header}\nx,y\n"), contract(column("github_url", aliases=("repo",))))


def test_a_missing_required_column_is_named_with_what_was_found(write, load):
    with pytest.raises(
        ReadError, match=r"requires github_url, found: githup_url, b.*Did you mean githup_url"
    ):
        load(write("githup_url,b\nx,y\n"), contract(column("github_url", required=True), "b"))


def test_missing_optional_columns_are_null_of_their_type(write, load):
    staged = load(write("a\nx\n"), contract("a", column("n", "INTEGER"), column("j", postgres_type="jsonb")))
    assert staged.stage.missing == ("n", "j")
    assert str(staged.table.schema.field("n").type) == "int32"
    assert staged.values("n") == [None]


def test_unknown_columns_are_kept_as_json(write, load):
    staged = load(write('a,Odd "one",,a2\n1,"x ""y""",2,\n'), contract("a"))
    assert json.loads(staged.rows[0]["_extra"]) == {'Odd "one"': 'x "y"', "column_3": "2", "a2": ""}
    assert staged.stage.drift == ('Odd "one"', "", "a2")


def test_repeated_unknown_header_cells_stay_apart(write, load):
    staged = load(write("a,x,X,x_2,x\n1,p,q,r,s\n"), contract("a"))
    assert json.loads(staged.rows[0]["_extra"]) == {"x": "p", "X_2": "q", "x_2_2": "r", "x_3": "s"}


def test_a_spelled_out_nul_in_an_unknown_cell_is_plain_text(write, load):
    staged = load(write("a,x\n1,\\u0000\n2,\0\n"), contract("a"))
    assert json.loads(staged.rows[0]["_extra"]) == {"x": "\\u0000"}
    assert staged.reasons == [(2, "x", "nul_character")]


def test_unknown_columns_can_reject_the_row(write, load):
    staged = load(write("a,x,z\n1,,\n2,y,\n"), contract("a", drift="reject"))
    assert staged.values("a") == ["1"]
    assert staged.values("_extra") == [None]
    assert staged.reasons == [(2, "x", "unknown_column")]


def test_unknown_columns_can_refuse_the_load(write, load):
    with pytest.raises(DataRefused, match="does not know: x, y"):
        load(write("a,x,y\n1,2,3\n"), contract("a", drift="refuse"))


def test_columns_of_a_rejects_export_are_ignored(write, load):
    staged = load(write("a,_sluice_reason,_sluice_line\n1,2,3\n"), contract("a", drift="refuse"))
    assert staged.stage.drift == ()
    assert staged.values("_extra") == [None]


def reference(text):
    """What each type must make of a text, written independently of the SQL; None: it must be rejected."""
    bare = text.strip(" \t\n\r\u00a0")
    number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", bare, re.ASCII)
    whole = re.fullmatch(r"[+-]?\d+", bare, re.ASCII)
    exact = Decimal(bare) if number else None
    integer = int(bare) if whole and -(2**31) <= int(bare) < 2**31 else None
    decimal = exact if exact is not None and exact == round(exact, 2) and abs(exact) < 10**6 else None
    double = float(bare) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", bare, re.ASCII) else None
    day = None
    if found := re.fullmatch(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})", bare, re.ASCII):
        try:
            day = dt.date(int(found[1]), int(found[3]), int(found[4]))
        except ValueError:
            day = None
    return {
        "i": integer,
        "m": decimal,
        "d": double if double not in (float("inf"), float("-inf")) else None,
        "t": day,
    }


TEXTS = (
    st.text(st.sampled_from("0123456789+-._eE xX\t"), min_size=1, max_size=12)
    | st.from_regex(r"[+-]?[0-9]{1,11}(\.[0-9]{0,4})?", fullmatch=True, alphabet=st.characters(codec="ascii"))
    | st.from_regex(r" ?[0-9]{2,5}[-/][0-9]{1,2}[-/][0-9]{1,2}[ T]?[0-9:]{0,3}", fullmatch=True)
    | st.sampled_from(["inf", "nan", "infinity", "epoch", "true", "null", "-infinity", "today", "now"])
)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXTS.filter(str.strip), min_size=1, max_size=60))
@example(texts=[" 01000/1/1"])
def test_a_value_is_the_text_s_value_or_a_reject(texts):
    kinds = {"i": "INTEGER", "m": "DECIMAL(8,2)", "d": "DOUBLE", "t": "DATE"}
    for name, kind in kinds.items():
        rows, rejects = typed(texts, column(name, kind))
        expected = {number: reference(text)[name] for number, text in enumerate(texts, 1)}
        assert {r["record_no"] for r in rejects} == {n for n, v in expected.items() if v is None}
        assert {r["_record_no"]: r[name] for r in rows} == {
            n: v for n, v in expected.items() if v is not None
        }


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)), min_size=1),
    zone=st.sampled_from([None, UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))]),
)
def test_any_iso_moment_comes_back(moments, zone):
    texts = [moment.replace(tzinfo=zone).isoformat() for moment in moments]
    rows, rejects = typed(texts, column("z", "TIMESTAMPTZ"), column("n", "TIMESTAMP"))
    assert rejects == []
    expected = [moment.replace(tzinfo=zone or UTC).astimezone(UTC) for moment in moments]
    assert [row["z"] for row in rows] == expected
    assert [row["n"] for row in rows] == [moment.replace(tzinfo=None) for moment in expected]


def test_a_uuid_column_gives_canonical_text():
    rows, _ = typed(["{550E8400-E29B-41D4-A716-446655440000}"], column("c", postgres_type="uuid"))
    assert uuid.UUID(rows[0]["c"])


GERMAN = Numbers(",", (".",), ("€", "EUR", "%"), ("parentheses", "trailing"))


def test_numbers_in_the_contracts_spelling():
    good = {
        "12,50": "12.50",
        "1.234,5": "1234.50",
        "1.234.567,89 €": "1234567.89",
        "€ -3,00": "-3.00",
        "-€3": "-3.00",
        "(12,50)": "-12.50",
        "(12,50 €)": "-12.50",
        "12,50-": "-12.50",
        "12,50- EUR": "-12.50",
        "12 %": "12.00",
        "+7": "7.00",
        "\u22127": "-7.00",
        "12\u00a0€": "12.00",
        ",5": "0.50",
        "1,500": "1.50",
        "12.34.567": "1234567.00",
    }
    wanted = {text: Decimal(value) for text, value in good.items()}
    accepts("DECIMAL(12,2)", wanted, numbers=GERMAN)
    bad = [
        "12.50",
        "1.23,4",
        "1,234",
        "12,5,0",
        "12 $",
        "(12,50",
        "-(3)",
        "--3",
        "€",
        "1.2345",
        "soon",
        "1e3",
        "- -3",
    ]
    rejects("DECIMAL(12,2)", "not_a_decimal", bad, numbers=GERMAN)
    accepts("INTEGER", {"1.234": 1234, "(7)": -7, "5": 5}, numbers=GERMAN)
    rejects("INTEGER", "not_an_integer", ["1,0", "1.23", "3.000.000.000"], numbers=GERMAN)
    accepts("DOUBLE", {"1.234,25": 1234.25, "-1,5e-3": -0.0015, "2e+20": 2e20}, numbers=GERMAN)
    rejects("DOUBLE", "not_a_number", ["1e999", "inf", "1.5", "nan"], numbers=GERMAN)


@pytest.mark.parametrize(
    ("sign", "texts"),
    [
        (" ", ["1 234 567.5", "1\u00a0234\u00a0567.5", "1\u202f234\u202f567.5"]),
        ("'", ["1'234'567.5", "1\u2019234\u2019567.5"]),
        (",", ["1,234,567.5", "12,34,567.5", "1234567.5"]),
    ],
)
def test_thousands_are_grouped_by_any_sign(sign, texts):
    numbers = Numbers(".", (sign,))
    last = 1234567.5
    accepts("DOUBLE", dict.fromkeys(texts, last), numbers=numbers)
    rejects(
        "DOUBLE",
        "not_a_number",
        [f"1{sign}23", f"1{sign}{sign}234", f"2{sign}1234"],
        numbers=numbers,
    )


@given(
    st.decimals(-(10**9), 10**9, places=2), st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")])
)
@settings(max_examples=60, deadline=None)
def test_any_grouped_number_comes_back(value, signs):
    decimal, thousands = signs
    text = f"{value:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    accepts("DECIMAL(12,2)", {text: value}, numbers=Numbers(decimal, (thousands,)))


def test_words_for_true_and_false_of_the_contract():
    words = Booleans(("ja", "0"), ("nein", "1"))
    good = {"ja": True, "JA ": True, "Nein": False, "true": True, "no": False, "0": True, "1": False}
    accepts("BOOLEAN", good, booleans=words)
    rejects("BOOLEAN", "not_a_boolean", ["oui", "2"], booleans=words)


def test_a_year_of_two_digits_is_not_one_of_antiquity():
    formats = ("%d.%m.%Y", "%d.%m.%y")
    accepts("DATE", dict.fromkeys(["03.02.24", "03.02.2024"], dt.date(2024, 2, 3)), formats=formats)
    rejects("DATE", "not_a_date", ["03.02.24", "03.02.0024"], formats=("%d.%m.%Y",))


def test_times_by_format_and_zones_by_letter():
    accepts("TIME", {"1:05 pm": dt.time(13, 5), "13:05": dt.time(13, 5)}, formats=("%I:%M %p",))
    rejects("TIME", "not_a_time", ["25:00", "noon"], formats=("%I:%M %p",))
    zoned = dt.datetime(2024, 2, 3, 10, 11, tzinfo=UTC)
    good = dict.fromkeys(["03.02.2024 10:11Z", "03.02.2024 12:11+02:00", "03.02.2024 12:11+0200"], zoned)
    accepts("TIMESTAMPTZ", good, formats=("%d.%m.%Y %H:%M%z",))


@pytest.mark.parametrize(
    "pattern",
    ["%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d", "%d/%m/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S %z"],
)  # fmt: skip
@given(st.lists(st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 30)), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_any_moment_comes_back_from_its_format(pattern, moments):
    timed = "%S" in pattern
    moments = [moment.replace(microsecond=0, tzinfo=UTC) for moment in moments]
    rows, rejects = typed(
        [moment.strftime(pattern) for moment in moments],
        column(
            "c", ("TIMESTAMPTZ" if "%z" in pattern else "TIMESTAMP") if timed else "DATE", formats=(pattern,)
        ),
    )
    assert rejects == []
    wanted = [m if "%z" in pattern else m.replace(tzinfo=None) if timed else m.date() for m in moments]
    assert [row["c"] for row in rows] == wanted


@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.sampled_from([(",", "."), (".", ","), (",", "\u202f"), (".", "\u2019")]),
    st.sampled_from(["-{}", "\u2212{}", "({})", "{}-", "({} €)", "€ -{}", "-€{}", "{}- €"]),
    st.sampled_from([" ", "\u00a0", "\t", ""]),
)
@settings(max_examples=60, deadline=None)
def test_any_negative_comes_back_in_each_of_its_forms(value, signs, form, around):
    decimal, thousands = signs
    text = f"{abs(value):,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    wanted = Numbers(
        decimal, (thousands.translate({0x202F: " ", 0x2019: "'"}),), ("€",), ("parentheses", "trailing")
    )
    accepts("DECIMAL(12,2)", {around + form.format(text) + around: -abs(value)}, numbers=wanted)
    if abs(value) >= 1000:  # the other signs mean another number: never guessed
        swapped = text.replace(decimal, "T").replace(thousands, decimal).replace("T", thousands)
        rejects("DECIMAL(12,2)", "not_a_decimal", [form.format(swapped)], numbers=wanted)
