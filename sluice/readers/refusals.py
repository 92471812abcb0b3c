"""Files that are no table of a kind that is read: what they are, and what to do, in a sentence each."""

import re
from pathlib import Path

from sluice.errors import ReadError

_EXPORT = "Export it as CSV, JSON or xlsx."
_OLD, _SAVE = "a workbook of Excel 4 or older", "Open it in a spreadsheet and save it as xlsx."
_KINDS = (
    (b"%PDF-", "a PDF", _EXPORT),
    (b"%!PS", "a PostScript document", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", "Save its table as CSV or xlsx."),
    (b"\x89PNG\r\n\x1a\n", "an image (PNG)", "Name the file that its table was made from."),
    (b"\xff\xd8\xff", "an image (JPEG)", "Name the file that its table was made from."),
    (b"GIF89a", "an image (GIF)", "Name the file that its table was made from."),
    (b"GIF87a", "an image (GIF)", "Name the file that its table was made from."),
    (b"II*\0", "an image (TIFF)", "Name the file that its table was made from."),
    (b"SQLite format 3\0", "an SQLite database", "Export one of its tables as CSV."),
    (b"\x09\x00\x04\x00", _OLD, _SAVE),
    (b"\x09\x02\x06\x00", _OLD, _SAVE),
    (b"\x09\x04\x06\x00", _OLD, _SAVE),
    (b"\0\x01\0\0Standard ", "an Access database", "Export one of its tables as CSV or xlsx."),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"ORC", "an ORC file", _EXPORT),
    (b"$FL2", "an SPSS file", _EXPORT),
    (b"<stata_dta>", "a Stata file", _EXPORT),
    (b"PAR1", "Parquet", _EXPORT),
    (b"\x7fELF", "a program", "Check the path."),
)
_HTML = re.compile(
    r"(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE | re.DOTALL
)


def refuse_other_kinds(path: Path, start: bytes) -> None:
    """Raise ReadError if the file's first bytes are those of another kind of file."""
    for magic, name, hint in _KINDS:
        if start.startswith(magic) and (magic != b"ORC" or b"\0" in start):
            raise ReadError(f"{path} is {name}.", hint=hint, file=path)


def refuse_markup(path: Path, text: str) -> None:
    """Raise ReadError if the text is a page or a document of tags, whatever the file is called."""
    text = text.lstrip("\ufeff \t\r\n")
    if _HTML.match(text):
        raise ReadError(
            f"{path} is an HTML page, not a table.",
            hint="If it is an error or login page, fetch the file again; otherwise open it in a spreadsheet and save"
            " it as xlsx.",
            file=path,
        )
    if text.startswith("<?xml"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in text[:5000]:
            what, hint = (
                "a workbook in the XML format of Excel 2003",
                "Open it in a spreadsheet and save it as xlsx.",
            )
        elif re.search(r"<html\b", text[:5000], re.IGNORECASE):
            what, hint = "an HTML page", "Open it in a spreadsheet and save it as xlsx."
        else:
            what, hint = "XML", "Export it as CSV, JSON or xlsx."
        raise ReadError(f"{path} is {what}, not a table.", hint=hint, file=path)
    if re.match(r"MIME-Version:", text, re.IGNORECASE):
        raise ReadError(
            f"{path} is a web page archive or an e-mail, not a table.",
            hint="Open it in a spreadsheet and save it as xlsx.",
            file=path,
        )
