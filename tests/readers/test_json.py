"""JSON: arrays and one object a line, exact texts, and clear errors."""

import gzip
import json
import subprocess
import sys

import pytest

from sluice.errors import ReadError
from sluice.readers import open_table

from ..places import located
from .conftest import cells, column, contract, cursor


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
    assert read(write(f'[{{"a": {number}, "b": {{"c": [{number}]}}}}]'))[1] == [[number, f"[{number}]"]]


def test_null_and_missing_are_null_and_empty_text_is_text(write):
    assert read(write('[{"a": null, "b": ""}, {"b": "x"}]'))[1] == [[None, ""], [None, "x"]]


def test_objects_are_flattened_by_path_and_lists_stay_json_text(write):
    text = '[{"a": {"x": [1, 2.50, "\u00e4", null, {"y": true}], "z": {"q": 1.0}}, "b": [], "c": false, "d": {}}]'
    header, rows = read(write(text))
    assert header == ("a.x", "a.z.q", "b", "c", "d")
    assert rows == [['[1,2.50,"\u00e4",null,{"y":true}]', "1.0", "[]", "false", "{}"]]


@pytest.mark.parametrize("text", ['[{"a.b": 1}, {"a": {"b": 2}}]', '[{"a.b": 1, "a": {"b": 2}}]'])
def test_an_object_whose_path_is_another_name_stays_json_text(write, text):
    header, rows = read(write(text))
    assert header == ("a.b", "a")
    assert [cell for row in rows for cell in row if cell] == ["1", '{"b":2}']


def test_an_object_that_the_contract_names_stays_one_cell(write, load):
    wanted = contract("id", column("payload", postgres_type="jsonb"))
    staged = load(write('[{"id": 1, "payload": {"x": 1.50}, "more": {"y": 2}}]'), wanted)
    assert staged.values("payload") == ['{"x":1.50}']
    assert staged.stage.drift == ("more.y",)


def test_a_bad_line_is_a_reject_with_its_line(write, load):
    staged = load(write('{"a": 1}\n{"a": 2\n\n[3]\n{"a": NaN}\n{"a": 6}\n'), contract("a"))
    assert staged.values("a") == ["1", "6"]
    assert [(r["line"], r["reason"]) for r in staged.rejects] == [
        (2, "bad_json"),
        (4, "not_an_object"),
        (5, "bad_json"),
    ]
    assert staged.rejects[0]["raw"] == '{"a": 2'


def test_a_name_that_comes_twice_keeps_both_values(write):
    table = open_table(write('[{"a": 1, "a": "x"}, {"a": 2}, {"b": {"c": [{"d": 1, "d": 2}]}}]'))
    assert table.header == ("a", "a (value 2)", "b.c")
    assert cells(table) == [["1", "x", None], ["2", None, None], [None, None, '[{"d":1,"d":2}]']]
    assert table.account.repairs == {"duplicate_name": 1}


def test_half_a_surrogate_pair_is_kept_as_its_escape(write):
    table = open_table(write('[{"a": "x\\ud800", "b": ["\\udc00"]}, {"a": "\\ud83d\\ude00"}]'))
    assert cells(table) == [["x\\ud800", '["\\udc00"]'], ["\U0001f600", None]]
    assert table.account.repairs == {"lone_surrogate": 1}


def test_bytes_that_are_no_text_reject_their_record(write, load):
    staged = load(write(b'{"a": "\xff"}\n{"a": "\xc3\xa4\xc3\xb6\xc3\xbc"}\n'), contract("a"))
    assert staged.reasons == [(1, None, "bad_encoding")]


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
        ('[{"a": 1}, {"a": 2}', "line 1, column 20: the array is cut off"),
        ('[{"a": 1},\n {"a": ', "line 2, column 8: the file is cut off"),
        ('[{"a": 1}\n {"a": 2}]', "line 2, column 2: a comma or ] is missing"),
        ('[{"a": 1}] x', "column 12: there is more text"),
        ('{"a": 1} "x"', "column 10: there is more text"),
        ("[1][2]", "column 4: there is more text"),
        ('[{"a": 1},]', "column 11: this is not JSON"),
        ('{"a": 1, ', "cut off"),
        ('{"a": [{"b": 1}], }', "a name in double quotes is missing"),
        ('[{"a": "' + "x" * 100, "Unterminated string"),
        ('{"a":' + "[" * 100_000, "nested deeper than 200 levels"),
        ('{"a":' * 100_000, "nested deeper than 200 levels"),
        ("[1, \f2]", "column 5: this is not JSON"),
        ("[-01]", "a comma or ] is missing"),
        ("[1, NaN]", "NaN is not JSON"),
        ("['a']", "column 2: this is not JSON"),
        ('["a\tb"]', "Invalid control character"),
        ('{"a": 1} // x', "column 10"),
    ],
)
def test_a_broken_file_is_a_read_error_that_names_the_place(write, text, says):
    with pytest.raises(ReadError, match=says):
        _ = open_table(write(text)).header


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[]", []),
        ("{}", [["{}"]]),
        ("[{}]", [["{}"]]),
        (" null ", [[None]]),
        ("-0.10", [["-0.10"]]),
        ('"x"', [["x"]]),
        ('[null, 1, "1", {}, [2.0]]', [[None], ["1"], ["1"], ["{}"], ["[2.0]"]]),
        ("true\nfalse\n", [["true"], ["false"]]),
    ],
)
def test_values_that_are_no_objects_are_one_column(write, text, rows):
    table = open_table(write(text), {"format": "json"})
    assert table.header == ("value",)
    assert cells(table) == rows


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}{"a": 2}',
        '{"a": 1}\n\n  \r\n{"a": 2}',
        '\x1e{"a": 1}\n\x1e{"a":\n2}\n',
        '\ufeff{\n"a": 1\n} {\n"a": 2}',
        '{"n": 2, "data": {"none": [], "items": [{"a": 1}, {"a": 2}]}, "few": [{"b": 1}]}',
        '[["a"], [1], [2]]',
        '["a"]\n[1]\n[2]\n',
    ],
)
def test_records_are_found_wherever_they_stand(write, text):
    assert read(write(text)) == (("a",), [["1"], ["2"]])


def test_other_members_of_the_object_are_named(write):
    path = write('{"n": 2, "data": {"items": [{"a": 1}, {"a": 2}]}, "tags": ["x"]}')
    table = open_table(path)
    assert table.header == ("a",)
    assert table.account.warnings == [
        "The records are the list data.items; other members, not read: tags (1 elements); n = 2."
    ]
    assert read_at(path, "tags") == (("value",), [["x"]])
    with pytest.raises(ReadError, match=r"no list at the path 'data'.*data\.items, tags"):
        read_at(path, "data")


@pytest.mark.parametrize(
    "text",
    [
        '{"result": {"fields": [{"id": "a"}, {"id": "b"}], "records": [{"a": 1}]}}',
        '{"included": [{"b": 1}, {"b": 2}], "data": [{"a": 1}]}',
        '{"errors": [{"b": 1}, {"b": 2}], "data": {"users": {"edges": [{"a": 1}]}}}',
        '{"_links": {"more": [{"b": 1}, {"b": 2}]}, "_embedded": {"orders": [{"a": 1}]}}',
        '{"shards": {"failed": [{"b": 1}, {"b": 2}]}, "hits": {"hits": [{"a": 1}]}}',
        '{"hits": {"hits": []}, "groups": {"byName": [{"a": 1}]}}',
        '{"orders": [{"a": 1}], "customer": {"phones": [{"b": 1}, {"b": 2}]}}',
        '{"columnHeaders": [{"name": "a"}, {"name": "b"}], "list": [{"a": 1}]}',
        '{"columns": ["a"], "index": [7], "data": [[1]]}',
    ],
)
def test_a_longer_list_beside_the_records_is_not_read_instead(write, text):
    assert read(write(text)) == (("a",), [["1"]])


def test_no_records_are_not_replaced_by_what_describes_them(write):
    assert read(write('{"fields": [{"id": "a"}, {"id": "b"}], "records": []}'))[1] == []


@pytest.mark.parametrize(
    "columns",
    [
        '"columns": ["a", "b"]',
        '"fields": [{"type": "x", "id": "a"}, {"type": "x", "id": "b"}]',
        '"meta": {"view": {"columns": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]}}',
    ],
)
def test_rows_are_named_by_the_list_beside_them_that_names_their_columns(write, columns):
    rows = [["x", "y"], ["z", None], *([f"x{n}", "w"] for n in range(500))]
    path = write(f'{{{columns}, "data": {json.dumps(rows)}}}')
    assert read(path) == (("a", "b"), rows)
    assert located(open_table(path), [1, 2]) == {1: (1, '["x", "y"]'), 2: (1, '["z", null]')}


@pytest.mark.parametrize(
    "beside",
    ['"columns": ["a", "b", "c"]', '"columns": ["a", "a"]', '"columns": ["a", "b"], "fields": ["c", "d"]'],
)
def test_rows_without_one_clear_list_of_names_have_numbered_columns(write, beside):
    assert read(write(f'{{{beside}, "data": [[1, 2]]}}')) == (("column_1", "column_2"), [["1", "2"]])


def test_the_records_behind_an_object_that_describes_their_page_are_read(write):
    for count in (1, 30_000):
        records = [{"a": n, "b": [n]} for n in range(count)]
        table = open_table(write(json.dumps([{"page": 1}, records])))
        assert (table.header, cells(table)[-1]) == (("a", "b"), [f"{count - 1}", f"[{count - 1}]"])
        assert table.account.warnings == [
            'The records are the array behind one object; not read: {"page": 1}.'
        ]
    for other in ('[{"a": 1}, [{"a": 2}], 3]', '[{"a": 1}, [{"a": 2}, 3]]', '[{"a": 1}, []]'):
        assert read(write(other)) == (("a",), [["1"]])


def test_points_of_a_shape_are_no_rows(write):
    shapes = ("[[1, 2], [3, 4]]", "[[[1, 2], [3, 4]]]")
    for points in shapes:
        header, rows = read(write(f'{{"type": "Feature", "geometry": {{"coordinates": {points}}}}}'))
        assert header == ("type", "geometry.coordinates")
        assert rows == [["Feature", points.replace(" ", "")]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("callback(", ");\n"),
        ("/**/ a.b_1(\n", "\n)"),
        ("window.data.part0 = ", ""),
        ("var x=", ";"),
        (")]}',\n", ""),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_in_a_statement_of_javascript_is_read_at_its_lines(write, before, after, encoding):
    for count in (2, 30_000):
        records = ",\n".join(f'{{"a": {n}}}' for n in range(1, count + 1))
        path = write(f"{before}[{records}]{after}", encoding=encoding)
        table = open_table(path)
        assert (table.header, len(cells(table))) == (("a",), count)
        assert table.account.warnings[0].startswith("JSON in a statement of JavaScript; not read: ")
        line = 2 + before.count("\n")
        assert located(table, [2]) == {2: (line, '{"a": 2}')}


def test_a_broken_statement_is_refused_and_text_that_looks_like_one_is_text(write):
    with pytest.raises(ReadError, match="line 1, column 13"):
        read(write('f([{"a": 1},])'))
    assert read(write("f([1]),g\n1,2\n")) == (("f([1])", "g"), [["1", "2"]])
    assert read(write('f({"a":1});\nf({"a":2});\n'))[0] != ("a",)


def read_at(path, place):
    table = open_table(path, {"path": place})
    return table.header, cells(table)


def test_rows_without_names_have_numbered_columns(write):
    assert read(write("[[1, [2]], [3]]")) == (("column_1", "column_2"), [["1", "[2]"], ["3", None]])


def test_a_number_at_the_end_of_a_chunk_is_whole(write):
    for before in range((1 << 20) - 8, (1 << 20) + 2):
        text = "[" + " " * (before - 2) + "1.5e+10, 2]"
        assert read(write(text)) == (("value",), [["1.5e+10"], ["2"]])


def test_a_nul_in_a_string_is_rejected(write, load):
    staged = load(write('[{"a": "x\\u0000y"}, {"a": "z", "other": "\\u0000"}, {"a": "ok"}]'), contract("a"))
    assert staged.reasons == [(1, "a", "nul_character"), (2, "other", "nul_character")]
    assert "\0" not in "".join(r["raw"] + (r["cells"] or "") + r["message"] for r in staged.rejects)


def test_values_longer_than_a_chunk_are_read(write):
    long = "x" * 3_000_000
    assert read(write(json.dumps([{"a": long}, {"a": "y"}])))[1] == [[long], ["y"]]


_PEAK = """
import resource, sys
from pathlib import Path
from sluice.readers import open_table
open_table(Path(sys.argv[1])).header
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(open_table(Path(sys.argv[2])).header) == 2
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    ("begin", "between", "end"),
    [("[", ",", "]"), ('{"x": {"y": [', ",", "]}}"), ("", "", ""), ("", "\n", "")],
)
def test_memory_stays_flat_wherever_the_records_stand(write, tmp_path, begin, between, end):
    small = write('[{"a": 1}]', "small")
    large = tmp_path / "large"
    with large.open("w") as file:
        file.write(begin)
        for number in range(400):
            records = (json.dumps({"a": number, "b": ["x" * 900]}) for _ in range(100))
            file.write((between if number else "") + between.join(records))
        file.write(end)
    command = [sys.executable, "-c", _PEAK, str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 120


@pytest.mark.parametrize(
    "broken", ['{"a":1,}', '{"a":01}', '{"a":1 "b":2}', '{"a":"\t"}', '{"a":NaN}', "{'a':1}", '{"a":1}x']
)
def test_a_broken_record_among_many_that_look_alike_is_still_told(write, broken):
    good = [f'{{"a":{n},"b":"x"}}' for n in range(300)]
    table = open_table(write("\n".join([*good[:250], broken, *good[250:]])))
    assert len(cells(table)) == 300
    assert [(one.record_no, one.line) for one in table.broken(cursor())] == [(251, 251)]
    assert located(table, [250, 252]) == {250: (250, good[249]), 252: (252, good[250])}
    with pytest.raises(ReadError):
        _ = open_table(write(f"[{','.join([*good[:250], broken, *good[250:]])}]")).header
