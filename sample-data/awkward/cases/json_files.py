"""JSON: arrays, one value a line, nested values, exact numbers, and what RFC 8259 forbids."""

import codecs
from typing import Any

from cases import ROWS, Case, refused

RECORDS = (
    '{"name":"Anna","qty":1,"city":"Rome"}',
    '{"name":"Bo","qty":20,"city":"Oslo"}',
    '{"name":"Cy","qty":3,"city":"Bern"}',
)
ARRAY = "[" + ",".join(RECORDS) + "]"


def read(name: str, defect: str, content: str | bytes, **expected: Any) -> Case:
    """A JSON file that is a table."""
    return Case(name, defect, content.encode() if isinstance(content, str) else content, **expected)


def rows(header: str, *values: tuple[str, ...]) -> dict[str, Any]:
    """Header names, split at spaces, and rows."""
    return {"header": tuple(header.split()), "rows": values}


CASES = [
    read("array-on-one-line.json", "All records on one line.", ARRAY),
    read(
        "array-indented.json",
        "Each value on a line of its own.",
        ARRAY.replace("{", "{\n  ").replace(",", ",\n  "),
    ),
    read("array-named-csv.csv", "JSON in a file named .csv.", ARRAY),
    read("lines.ndjson", "One object a line.", "\n".join(RECORDS) + "\n"),
    read(
        "lines-crlf-and-blank.ndjson",
        "CR LF and blank lines between objects.",
        "\r\n\r\n".join(RECORDS) + "\r\n\r\n",
        skipped={"blank": [2, 4, 6]},
        lines=6,
    ),
    read(
        "lines-without-line-ends.json",
        "Objects follow each other without anything between.",
        "".join(RECORDS),
    ),
    read(
        "lines-record-separators.json",
        "ASCII record separators before objects (RFC 7464).",
        "".join(f"\x1e{one}\n" for one in RECORDS),
    ),
    read(
        "lines-with-a-bad-one.ndjson",
        "One line is no JSON.",
        f'{RECORDS[0]}\n{{"name":"Bo","qty":}}\n{RECORDS[2]}\n',
        rows=(ROWS[0], ROWS[2]),
        rejects=((2, "bad_json"),),
    ),
    read(
        "lines-with-a-bare-value.ndjson",
        "One line is a number.",
        f"{RECORDS[0]}\n20\n{RECORDS[2]}\n",
        rows=(ROWS[0], ROWS[2]),
        rejects=((2, "not_an_object"),),
    ),
    read(
        "lines-with-a-wrong-byte.ndjson",
        "One line holds a byte that is no UTF-8.",
        RECORDS[0].replace("Rome", "Zürich").encode()
        + b"\n"
        + b'{"name":"B\xff","qty":20,"city":"Oslo"}\n'
        + f"{RECORDS[2]}\n".encode(),
        rows=(("Anna", "1", "Zürich"), ROWS[2]),
        rejects=((2, "bad_encoding"),),
    ),
    read(
        "lines-cut-off.ndjson",
        "The last line is cut off.",
        "\n".join(RECORDS)[:-12],
        rows=ROWS[:2],
        rejects=((3, "bad_json"),),
    ),
    read("byte-order-mark.json", "A byte order mark before the array.", codecs.BOM_UTF8 + ARRAY.encode()),
    read("utf-16.json", "JSON in UTF-16 without a mark.", ARRAY.encode("utf-16-le")),
    read(
        "list-in-an-object.json",
        "The records are a list inside of an object; another member is named.",
        f'{{"shop":"north","data":{{"items":{ARRAY}}}}}',
        warnings=(("data.items", "shop"),),
    ),
    read(
        "geojson.json",
        "GeoJSON: features with nested values.",
        '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1.50,2]},'
        '"properties":{"name":"Anna"}},{"type":"Feature","geometry":{"type":"Point","coordinates":[3,4]},"properties":{"name":"Bo"}}]}',
        **rows(
            "type geometry.type geometry.coordinates properties.name",
            ("Feature", "Point", "[1.50,2]", "Anna"),
            ("Feature", "Point", "[3,4]", "Bo"),
        ),
        warnings=(("features",),),
    ),
    read("single-object.json", "One object alone is one record.", RECORDS[0], rows=ROWS[:1]),
    read(
        "nested-objects.json",
        "Objects in objects become columns named by their path.",
        '[{"id":1,"who":{"name":"Anna","at":{"city":"Rome"}}},{"id":2,"who":{"name":"Bo","at":{"city":"Oslo"}}}]',
        **rows("id who.name who.at.city", ("1", "Anna", "Rome"), ("2", "Bo", "Oslo")),
    ),
    read(
        "lists-in-cells.json",
        "Lists stay JSON text.",
        '[{"id":1,"tags":["a","b"]},{"id":2,"tags":[]}]',
        **rows("id tags", ("1", '["a","b"]'), ("2", "[]")),
    ),
    read(
        "names-missing-in-records.json",
        "Records do not have the same names.",
        '[{"a":1},{"b":2,"a":3},{"c":4}]',
        **rows("a b c", ("1", "", ""), ("3", "2", ""), ("", "", "4")),
    ),
    read(
        "names-in-another-order.json",
        "Names stand in another order in each record.",
        '[{"a":1,"b":2},{"b":4,"a":3}]',
        **rows("a b", ("1", "2"), ("3", "4")),
    ),
    read(
        "name-twice-in-a-record.json",
        "A record has one name twice: no value is lost.",
        '[{"a":1,"a":2},{"a":3}]',
        header=("a", "a (value 2)"),
        rows=(("1", "2"), ("3", "")),
        mended={"duplicate_name": 1},
    ),
    read(
        "names-with-dots.json",
        "Names that hold dots.",
        '[{"a.b":1,"c":2},{"a.b":3,"c":4}]',
        **rows("a.b c", ("1", "2"), ("3", "4")),
    ),
    read(
        "name-empty.json",
        "An empty name.",
        '[{"":1,"a":2},{"":3,"a":4}]',
        header=("", "a"),
        rows=(("1", "2"), ("3", "4")),
    ),
    read(
        "numbers-exact.json",
        "Numbers with more digits than a float has.",
        '[{"a":12345678901234567890123,"b":0.10000000000000000001},{"a":-0,"b":1.50},{"a":1E400,"b":1e-7}]',
        **rows(
            "a b", ("12345678901234567890123", "0.10000000000000000001"), ("-0", "1.50"), ("1E400", "1e-7")
        ),
    ),
    read(
        "values-of-mixed-kinds.json",
        "One column holds numbers, text, booleans and nothing.",
        '[{"a":1},{"a":"x"},{"a":true},{"a":null},{"a":[1]}]',
        header=("a",),
        rows=(("1",), ("x",), ("true",), ("",), ("[1]",)),
    ),
    read(
        "text-that-looks-like-numbers.json",
        "Text with zeros in front, and numbers.",
        '[{"a":"007","b":7},{"a":"1e5","b":8}]',
        **rows("a b", ("007", "7"), ("1e5", "8")),
    ),
    read(
        "escapes.json",
        "Escapes of quotes, line ends, letters and emoji.",
        r'[{"a":"say \"hi\"","b":"two\nlines"},{"a":"\u00e4\/\\","b":"\ud83d\ude00"}]',
        **rows("a b", ('say "hi"', "two\nlines"), ("ä/\\", "😀")),
    ),
    read(
        "escape-half-a-pair.json",
        "Half of a surrogate pair: no text, so it stays an escape.",
        r'[{"a":"x\ud800"},{"a":"y"}]',
        header=("a",),
        rows=(("x\\ud800",), ("y",)),
        mended={"lone_surrogate": 1},
    ),
    read(
        "arrays-with-a-header.json",
        "Arrays, the first of which holds the names.",
        '[["name","qty","city"],["Anna",1,"Rome"],["Bo",20,"Oslo"],["Cy",3,"Bern"]]',
        skipped={"header": [1]},
    ),
    read(
        "array-of-texts.json",
        "An array of texts is one column.",
        '["Anna","Bo"]',
        header=("value",),
        rows=(("Anna",), ("Bo",)),
    ),
    refused(
        "trailing-comma.json", "A comma before the closing bracket.", ARRAY[:-1].encode() + b",]", "not JSON"
    ),
    refused(
        "single-quotes.json",
        "Single quotes instead of double ones.",
        ARRAY.replace('"', "'").encode(),
        "column",
    ),
    refused(
        "comment.json", "A comment between records.", ARRAY.replace(",{", ", // next\n{").encode(), "column"
    ),
    refused("nan.json", "NaN is no JSON.", b'[{"a":1},{"a":NaN}]', "NaN"),
    refused("number-with-leading-zero.json", "A number with a zero in front.", b'[{"a":01}]', "column"),
    refused(
        "line-end-in-text.json",
        "A text holds a line end that is not escaped.",
        b'[{"a":"two\nlines"}]',
        "control character",
    ),
    refused("cut-off.json", "The array is cut off.", ARRAY[:-20].encode(), "cut off"),
    refused(
        "comma-missing.json", "No comma between records.", ARRAY.replace(",{", " {", 1).encode(), "comma"
    ),
    refused("text-behind-the-end.json", "Text follows the array.", ARRAY.encode() + b" x", "more text"),
    refused(
        "nested-deep.json",
        "Lists nested 2,000 levels deep.",
        b'[{"a":' + b"[" * 2000 + b"]" * 2000 + b"}]",
        "nested deeper",
    ),
]
