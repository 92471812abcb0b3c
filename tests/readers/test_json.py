"""JSON: arrays and one object a line, exact texts, and clear errors."""

import gzip
import json
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import ReadError
from sluice.readers import open_table

from .conftest import cells, column, contract


def read(path):
    table = open_table(path)
    return table.header, cells(table)


def test_an_array_and_lines_give_the_same_table(write):
    records = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    expected = (("a", "b"), [["1", "x"], ["2", "y"]])
    lines = "\n".join(map(json.dumps, records))
    assert read(write(json.dumps(records))) == expected
    assert read(write(json.dumps(records, indent=2), encoding="utf-16")) == expected
    assert read(write(lines)) == expected
    assert read(write(gzip.compress(lines.encode()))) == expected
    assert read(write("\n".join(json.dumps(r, indent=1) for r in records))) == expected


def test_the_header_is_the_union_of_names_in_order_of_first_appearance(write):
    header, rows = read(write('[{"b": 1}, {"c": 2, "a": 3}, {"a": 4, "b": 5}]'))
    assert header == ("b", "c", "a")
    assert rows == [["1", None, None], [None, "2", "3"], ["5", None, "4"]]


def test_names_that_appear_late_widen_the_table(write):
    records = [{"a": i} for i in range(25_000)] + [{"z": 1, "a": 2}]
    header, rows = read(write(json.dumps(records)))
    assert header == ("a", "z")
    assert rows[0] == ["0", None]
    assert rows[-1] == ["2", "1"]
    assert len(rows) == 25_001


@pytest.mark.parametrize(
    "number",
    ["1", "-0", "1.50", "1e3", "12345678901234567890123", "0.1234567890123456789012345", "1E400", "1.0"],
)
def test_numbers_keep_their_text(write, number):
    assert read(write(f'[{{"a": {number}, "b": {{"c": [{number}]}}}}]'))[1] == [
        [number, f'{{"c":[{number}]}}']
    ]


def test_null_and_missing_are_null_and_empty_text_is_text(write):
    assert read(write('[{"a": null, "b": ""}, {"b": "x"}]'))[1] == [[None, ""], [None, "x"]]


def test_nested_values_stay_json_text(write):
    text = '[{"a": {"x": [1, 2.50, "\u00e4", null, true]}, "b": [], "c": false}]'
    assert read(write(text))[1] == [['{"x":[1,2.50,"\u00e4",null,true]}', "[]", "false"]]


def test_a_bad_line_is_a_reject_with_its_line(write, load):
    staged = load(
        write('{"a": 1}\n{"a": 2\n\n[3]\n{"a": NaN}\n{"a": 4, "a": 5}\n{"a": "\\ud800"}\n{"a": 6}\n'),
        contract("a"),
    )
    assert staged.values("a") == ["1", "6"]
    assert [(r["line"], r["reason"]) for r in staged.rejects] == [
        (2, "bad_json"),
        (4, "not_an_object"),
        (5, "bad_json"),
        (6, "duplicate_name"),
        (7, "bad_encoding"),
    ]
    assert staged.rejects[0]["raw"] == '{"a": 2'


def test_a_bad_first_line_does_not_spoil_the_rest(write, load):
    staged = load(write('{"a": 1,}\n{"a": 2}\n'), contract("a"))
    assert staged.reasons == [(1, None, "bad_json")]
    assert staged.values("a") == ["2"]


def test_a_record_that_cannot_be_typed_has_its_raw_text_and_line(write, load):
    staged = load(write('[\n  {"a": 1},\n  {"a":\n "x"}\n]'), contract(column("a", "INTEGER")))
    assert [(r["line"], r["raw"], r["cells"]) for r in staged.rejects] == [(3, '{"a":\n "x"}', '{"a":"x"}')]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"a": 1}, {"a": 2}', "line 1.*cut off"),
        ('[{"a": 1},\n {"a": ', "line 2.*cannot be read"),
        ('[{"a": 1}\n {"a": 2}]', "line 2.*comma is missing"),
        ('[{"a": 1}] x', "more text after the array"),
        ('[{"a": 1},]', "cannot be read"),
        ("[]", "no records"),
        ("[{}]", "no records"),
        ("[[1, 2], [3, 4]]", "holds no JSON object"),
        ('{"a": 1, ', "no JSON object|cannot be read"),
        ('[{"a": "' + "x" * 100, "cannot be read"),
        ('{"a":' + "[" * 100_000, "deep|cannot be read|no JSON object"),
    ],
)
def test_a_broken_file_is_a_read_error_that_names_the_place(write, text, says):
    with pytest.raises(ReadError, match=says):
        _ = open_table(write(text)).header


def test_a_nul_in_a_string_is_rejected(write, load):
    staged = load(write('[{"a": "x\\u0000y"}, {"a": "z", "other": "\\u0000"}, {"a": "ok"}]'), contract("a"))
    assert staged.reasons == [(1, "a", "nul_character"), (2, "other", "nul_character")]
    assert "\0" not in "".join(r["raw"] + (r["cells"] or "") + r["message"] for r in staged.rejects)


def test_values_longer_than_a_chunk_are_read(write):
    long = "x" * 3_000_000
    assert read(write(json.dumps([{"a": long}, {"a": "y"}])))[1] == [[long], ["y"]]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3)
)
NAMES = st.sampled_from(["a", "b", "c", "A", "", "\u00e4 x", '"'])
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(records=RECORDS, indent=st.sampled_from([None, 1]), ascii_only=st.booleans(), lines=st.booleans())
def test_any_json_comes_back(records, indent, ascii_only, lines):
    if lines:
        text = "\n".join(json.dumps(r, ensure_ascii=ascii_only) for r in records)
    else:
        text = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_text(text, encoding="utf-8")
        table = open_table(path, {"format": "json"})
        assert table.header == tuple(dict.fromkeys(name for r in records for name in r))
        for row, record in zip(cells(table), records, strict=True):
            for name, text in zip(table.header, row, strict=True):
                value = record.get(name)
                assert (text if isinstance(value, str) or value is None else json.loads(text)) == value
        assert not list(table.broken(duckdb.connect()))
        located = table.locate(range(1, len(records) + 1))
        assert [json.loads(raw) for _, raw in located.values() if "... (" not in raw] or len(located) == len(
            records
        )
