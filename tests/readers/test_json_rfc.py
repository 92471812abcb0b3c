r"""RFC 8259, rule by rule: what its grammar allows is read as it stands, what it forbids is refused at its place."""

import re

import pytest

from sluice.errors import ReadError
from sluice.readers import open_table

from .conftest import cells, cursor

HERE = "^"  # stands before the character that is wrong, and is no part of the case

NUMBERS = [
    *(
        "0",
        "-0",
        "7",
        "-7",
        "10",
        "1203",
        "0.0",
        "-0.0",
        "0.5",
        "-0.50",
        "10.010",
        "0e0",
        "0E0",
        "1e5",
        "1E5",
        "1e+5",
    ),
    *("1E-5", "1e05", "-1.5e-07", "0.1e-5", "1e400", "-1E400", "1e-400", "2.50", "9007199254740993"),
    *("-9223372036854775809", "340282366920938463463374607431768211457", "0.1234567890123456789012345"),
]
TEXTS = {
    '""': "",
    '" "': " ",
    '"a"': "a",
    '"1.50"': "1.50",
    '"null"': "null",
    '"true"': "true",
    '"[1]"': "[1]",
    '"{}"': "{}",
    '"a,b"': "a,b",
    '"\'"': "'",
    '"//"': "//",
    '"/*a*/"': "/*a*/",
    '"\u20ac"': "\u20ac",
    '"\U0001f600"': "\U0001f600",
    '"\x7f"': "\x7f",
    '"\x85"': "\x85",
    '"\xa0"': "\xa0",
    '"\u2028\u2029"': "\u2028\u2029",
    '"\ufeff"': "\ufeff",
    '"\ufffe\uffff"': "\ufffe\uffff",
    '"\U0010ffff"': "\U0010ffff",
    r'"\""': '"',
    r'"\\"': "\\",
    r'"\/"': "/",
    r'"\b\f\n\r\t"': "\b\f\n\r\t",
    r'"\\n"': r"\n",
    r'"\\u0041"': r"\u0041",
    r'"\u0041"': "A",
    r'"\u00e4\u00C4"': "\u00e4\u00c4",
    r'"\u20AC"': "\u20ac",
    r'"\u0000"': "\0",
    r'"\u001f"': "\x1f",
    r'"\uFFFF"': "\uffff",
    r'"\uD83D\ude00"': "\U0001f600",
    r'"\ud800"': r"\ud800",
    r'"a\udC00b"': r"a\udc00b",
    r'"\ude00\ud83d"': r"\ude00\ud83d",
    r'"\ud83d\ud83d\ude00"': "\\ud83d\U0001f600",
}
OTHERS = {
    "true": "true",
    "false": "false",
    "null": None,
    "[]": "[]",
    "[ ]": "[]",
    "[[[]]]": "[[[]]]",
    "[ 1 ,\t-2.50\r\n, 1E400 ]": "[1,-2.50,1E400]",
    '[{"b": [null, true, ""]}]': '[{"b":[null,true,""]}]',
    '[{"b": 1, "b": 1}]': '[{"b":1,"b":1}]',
    r'["\u0041\/"]': '["A/"]',
    "{}": "{}",
    "{ }": "{}",
    "[" * 150 + "]" * 150: "[" * 150 + "]" * 150,
}
ALLOWED = {**{number: number for number in NUMBERS}, **TEXTS, **OTHERS}

FORBIDDEN_VALUES = [
    *("^True", "^TRUE", "^nul", "null^l", "true^false", "^undefined", "^None"),
    *("^NaN", "^-NaN", "^Infinity", "^-Infinity", "^abc"),
    *("^+1", "0^1", "-0^1", "0^0", "1^.", "^.5", "^-.5", "1^.e5", "1^e"),
    *("1^e+", "1^E-", "1e1^.5", "1e5^e5", "^--1", "^- 1", "^-", "0^x1F"),
    *("1^_000", "1 ^000", "1.2^.3", "^\uff11", "1^f", "1^/2", "1^+2", "^\u0661"),
    *("^'a'", '^"a', '^a"', '"a^\tb"', '"a^\nb"', '"a^\0b"', '"a^\x1fb"'),
    *(r'"^\x41"', r'"^\a"', r'"^\'"', r'"\^u12"', r'"\^u12G4"', r'"^\U0041"', r'^"\"', '"a"^"b"', '"a" ^"b"'),
    *("^\u201ca\u201d", "^`a`"),
    *("[1,^]", "[^,1]", "[^,]", "[1,^,2]", "[1 ^2]", "[1^;2]", "[1^:2]", "^(1)"),
    *("[1^}", "[^\v1]", "[^\f1]", "[^\xa01]", "[^\u20281]", "[^\ufeff1]"),
    *('{"a":1,^}', '{^,"a":1}', "{^,}", '{"a":1,^,"b":2}', '{"a" ^1}', '{"a"^}'),
    *('{"a":^}', "{^:1}", '{"a":^:1}', '{"a"^=1}', '{"a":1 ^"b":2}', '{"a":1^;"b":2}'),
    *("{^a:1}", "{^'a':1}", "{^1:1}", "{^null:1}", '{"a":1^]', "{^1]", '{^["a"]:1}'),
    *("^// x", "^/* x */1", "^# x", "1 ^// x", '{"a":^/**/1}'),
]
FORBIDDEN_FILES = [
    *("[1]^x", "[1]^]", "[1]^[2]", "[1] ^[2]", "[1]^,", "[1]^//", '{"a":1}^}', "{}^}"),
    *('{"a":1}^,', '{"a":1}^#{}', '{"a":1} ^2', '{"a":1}{"a":2}^x', '{"a":1}^[1]', '"a"^x'),
    *("[^", "{^", '[^"', '{"a":^"', "[1,^", "[1,\n2^", '{"a":1,\n"b"^', "[[1]^", "[1 ^"),
    *("[1\n,\n^]", "[1,\r\n2,\r\n^]", "[1,\r2,\r^]", '[{"a":1}\n ^{"a":2}]', "\n\n  [1,\n\n ^x]"),
    *("^]", "^}", "^,", "^:", "^nul", "^'a'", "0^1"),
]


@pytest.mark.parametrize("value", ALLOWED, ids=ascii)
@pytest.mark.parametrize("text", ['[{"a": %s}]', '\ufeff [{"b":0,"a":%s},{"a":1}]\n', '{"a":%s}\n\n{"a":2}'])
def test_what_the_grammar_allows_is_one_cell(write, text, value):
    table = open_table(write(text.replace("%s", value)))
    assert cells(table)[0][table.header.index("a")] == ALLOWED[value]
    assert bool(table.account.repairs) == ("\\u" in (ALLOWED[value] or "") and "\\\\" not in value)


@pytest.mark.parametrize("text", [f"[1, {value}]" for value in FORBIDDEN_VALUES] + FORBIDDEN_FILES, ids=ascii)
def test_what_the_grammar_forbids_is_refused_with_line_and_column(write, text):
    before, _, after = text.partition(HERE)
    last = re.split(r"\r\n|\r|\n", before)
    with pytest.raises(ReadError) as caught:
        _ = open_table(write(before + after), {"format": "json"}).header
    assert f", line {len(last)}, column {len(last[-1]) + 1}: " in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("value", [value for value in FORBIDDEN_VALUES if "\n" not in value], ids=ascii)
def test_what_the_grammar_forbids_on_one_of_several_lines_is_a_reject(write, value):
    table = open_table(write(f'{{"a":1}}\n{{"a":{value.replace(HERE, "")}}}\n{{"a":3}}\n'))
    assert cells(table) == [["1"], ["3"]]
    assert [(one.record_no, one.line, one.reason) for one in table.broken(cursor())] == [(2, 2, "bad_json")]
