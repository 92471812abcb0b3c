"""Small files of every format, made in code: what the mutations start from. By family."""

import bz2
import gzip
import io
import json
import lzma
import sys
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from .ancient import xls, xlsb

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEADER = ["id", "name", "amount", "day", "note"]
ROWS = [
    [
        str(n),
        f"Zoë {n}" if n % 3 else "Müller, Ann",
        f"{n * 1.5:.2f}",
        f"2024-02-{n % 28 + 1:02}",
        "ok" * (n % 4),
    ]
    for n in range(1, 25)
]
PREAMBLE = "Report of sales\nmade 2024-01-01\n\n"
FOOTER = "\nTotal: 24 rows\n"

Family = dict[str, bytes]


def text(delimiter: str = ",", quote: str = '"', end: str = "\n") -> str:
    """The table as delimited text; cells with a delimiter are quoted, some span lines."""

    def cell(value: str, number: int) -> str:
        if delimiter in value or (number % 7 == 3 and quote):
            inner = value + (f" {quote * 2}x{quote * 2}{end}next" if number % 14 == 3 else "")
            return f"{quote}{inner}{quote}"
        return value

    rows = [[cell(value, number) for value in row] for number, row in enumerate(ROWS)]
    return end.join(delimiter.join(row) for row in [HEADER, *rows]) + end


def delimited() -> Family:
    """Dialects, line ends, encodings, and what stands around the table."""
    found = {
        f"delimiter-{ord(d[0])}-{len(d)}": text(d).encode() for d in (",", ";", "\t", "|", "\x1f", "||", "::")
    }
    found |= {
        "quote": text(",", "'").encode(),
        "crlf": text(end="\r\n").encode(),
        "cr": text(end="\r").encode(),
        "around": (PREAMBLE + "# note\n" + text(";") + FOOTER).encode(),
        "two-tables": (text() + "\n\n" + "a|b\n1|2\n3|4\n").encode(),
        "escape": b'a,b\n"x \\" y",1\n"z \\\\",2\n' * 9,
        "fixed": "\n".join(f"{n:<8}{n * 7:<12}text {n}" for n in range(30)).encode(),
        "spaces": "\n".join(f"{n}   {n * 7}     t{n}" for n in range(30)).encode(),
        "one-column": b"name\n" + b"x\nyy\n" * 20,
        "one-row": b"a,b,c\n1,2,3",
        "long": (text() * 200).encode(),
        "wide": (",".join(f"c{n}" for n in range(300)) + "\n" + ",".join("1" * 300) + "\n").encode(),
        "tidy": b"id,amount,flag\n" + b"".join(b"%d,%d.5,true\n" % (n, n) for n in range(9000)),
    }
    codes = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "iso8859-15", "utf-7")
    found |= {code: text(";").encode(code, "replace") for code in codes}
    other = {"shift_jis": "名前,値\n東京,1\n", "euc_kr": "이름,값\n서울,1\n", "gb18030": "姓名,值\n北京,1\n"}
    other |= {
        "koi8-r": "имя,число\nМосква,1\n",
        "big5": "姓名,數值\n臺北,1\n",
        "cp1251": "имя;число\nТула;2\n",
    }
    return found | {code: (words * 12).encode(code) for code, words in other.items()}


def jsons() -> Family:
    """JSON in all its shapes."""
    objects = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    deep = [
        {"a": {"b": [1, {"c": None}], "d": n}, "e": 1e300, "f": 12345678901234567890123} for n in range(20)
    ]
    each = [json.dumps(one, ensure_ascii=False) for one in objects]
    return {
        "array": json.dumps(objects, indent=1).encode(),
        "lines": "\n".join(each).encode(),
        "together": "".join(each).encode(),
        "deep": json.dumps(deep).encode(),
        "rows": json.dumps([HEADER, *ROWS]).encode(),
        "values": b'[1, "x", null, true, -0.0, 1e5, "\\ud83d\\ude00\\u0000"]',
        "inside": json.dumps({"meta": {"n": 2}, "data": {"items": objects}, "rest": [1]}).encode(),
        "twice": b'{"a":1,"a":2,"b":{"a":[]}}\n' * 9,
        "json-utf-16": json.dumps(objects).encode("utf-16"),
        "long-lines": "\n".join(each * 60).encode(),
    }


def wrapped() -> Family:
    """One table under each wrapper, and two wrappers."""
    plain = text().encode()
    return {
        "gz": gzip.compress(plain, mtime=0),
        "bz2": bz2.compress(plain),
        "xz": lzma.compress(plain),
        "zst": zstd.compress(plain),
        "zip": zipped({"data.csv": plain, "readme.txt": b"hello"}),
        "zip-json": zipped({"d/data.json": jsons()["array"]}),
        "gz-zip": gzip.compress(zipped({"x": plain}), mtime=0),
        "gz-json": gzip.compress(jsons()["lines"], mtime=0),
    }


def zipped(members: Family) -> bytes:
    """A zip archive whose bytes do not hang on the clock."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unzipped(content: bytes) -> Family:
    """The members of an archive; empty if it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist()}
    except Exception:
        return {}


def workbooks() -> Family:
    """Every spreadsheet format that calamine reads."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet
    sheet.append(["A title"])
    sheet.append([])
    for row in [HEADER, *ROWS]:
        sheet.append([float(c) if c[:1].isdigit() and c.count(".") == 1 else c for c in row])
    sheet["C5"] = "=1/0"
    sheet.merge_cells("A1:C1")
    book.create_sheet("other").append([1, True, None, "x"])
    out = io.BytesIO()
    book.save(out)
    again = zipped(unzipped(out.getvalue()))
    return {"xlsx": again, "ods": ods(), "xls": xls([HEADER, *ROWS]), "xlsb": xlsb([HEADER, *ROWS])}


def ods() -> bytes:
    """An OpenDocument sheet."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>'
            for c in row
        )
        + "</table:table-row>"
        for row in [HEADER, *ROWS]
    )
    urn = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = "".join(f' xmlns:{n}="{urn}{n}:1.0"' for n in ("office", "table", "text"))
    content = (
        f"<office:document-content{spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{cells}'
        '<table:table-row table:number-rows-repeated="1000"><table:table-cell table:number-columns-repeated="9"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content.encode()})


def columnar() -> Family:
    """Parquet and Arrow, plain and nested."""
    columns = {name: [row[n] for row in ROWS] for n, name in enumerate(HEADER)}
    table = pa.table(
        {
            **columns,
            "n": pa.array(range(24), pa.int32()),
            "l": pa.array([[1, None], []] * 12),
            "s": pa.array([{"x": 1.5, "y": "z"}] * 24),
            "d": pa.array([None, 1] * 12, pa.decimal128(9, 2)),
            "t": pa.array([0, None] * 12, pa.timestamp("us", "UTC")),
            "c": pa.array(["a", "b"] * 12).dictionary_encode(),
        }
    )
    found = {}
    for name in ("none", "snappy", "zstd", "gzip"):
        out = io.BytesIO()
        pq.write_table(table, out, compression=name)
        found[f"parquet-{name}"] = out.getvalue()
    for name, kind in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        out = io.BytesIO()
        with kind(out, table.schema) as writer:
            writer.write_table(table)
        found[f"arrow-{name}"] = out.getvalue()
    out = io.BytesIO()
    feather.write_feather(table, out, compression="lz4")
    return found | {"feather": out.getvalue()}


def all_seeds() -> dict[str, Family]:
    """Families and their seeds."""
    return {
        "text": delimited(),
        "json": jsons(),
        "wrapped": wrapped(),
        "workbook": workbooks(),
        "columnar": columnar(),
    }


_MAGIC = {
    "workbook": (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\t\x08"),
    "wrapped": (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"),
    "columnar": (b"PAR1", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff"),
    "json": (b"[", b"{"),
}


def family_of(content: bytes) -> str:
    """The family that a file belongs to, by its first bytes."""
    return next((family for family, first in _MAGIC.items() if content.startswith(first)), "text")
