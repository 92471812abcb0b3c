"""From text to types: what is accepted, what is rejected and why, and that no value changes."""

import datetime as dt
import json
import re
import uuid
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluice.contracts.model import Booleans

from .conftest import column, contract
from .typed import accepts, rejects, typed, typed_records


def test_booleans():
    yes = ["true", "TRUE", "t", "T", "yes", "Y", "1", " true "]
    no = ["false", "False", "f", "no", "N", "0", "\tno"]
    accepts("BOOLEAN", dict.fromkeys(yes, True) | dict.fromkeys(no, False))
    rejects("BOOLEAN", "not_a_boolean", ["on", "off", "2", "tr", "ja", "-1"])


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
@example(texts=[" 01000/1/1", "05000/4/4 ", "005000/4/4"])
def test_a_value_is_the_text_s_value_or_a_reject(texts):
    kinds = {"i": "INTEGER", "m": "DECIMAL(8,2)", "d": "DOUBLE", "t": "DATE"}
    cells = [(name, text) for name in kinds for text in texts]  # each in a record of its own
    columns = [column(name, kind) for name, kind in kinds.items()]
    rows, rejects = typed_records([{name: text} for name, text in cells], *columns)
    expected = {number: reference(text)[name] for number, (name, text) in enumerate(cells, 1)}
    assert {r["record_no"] for r in rejects} == {n for n, v in expected.items() if v is None}
    found = {r["_record_no"]: r[cells[r["_record_no"] - 1][0]] for r in rows}
    assert found == {n: v for n, v in expected.items() if v is not None}


def test_a_uuid_column_gives_canonical_text():
    rows, _ = typed(["{550E8400-E29B-41D4-A716-446655440000}"], column("c", postgres_type="uuid"))
    assert uuid.UUID(rows[0]["c"])


def test_words_for_true_and_false_of_the_contract():
    words = Booleans(("ja", "0"), ("nein", "1"))
    good = {"ja": True, "JA ": True, "Nein": False, "true": True, "no": False, "0": True, "1": False}
    accepts("BOOLEAN", good, booleans=words)
    rejects("BOOLEAN", "not_a_boolean", ["oui", "2"], booleans=words)
