"""Files that are no table at all."""

from cases import refused, table
from cases.wrappers import zipped

PAGE = (
    b"<html><head><title>Stock</title></head><body><table><tr><th>name</th><th>qty</th></tr>"
    b"<tr><td>Anna</td><td>1</td></tr></table></body></html>\n"
)

CASES = [
    refused("empty.csv", "No byte at all.", b"", "is empty"),
    refused("blank-lines-only.csv", "Only blank lines.", b"\n\n\r\n", "blank"),
    refused(
        "spaces-only.csv",
        "Only spaces and line ends.",
        b"   \n \t \n",
        "blank",
    ),
    refused("byte-order-mark-only.csv", "A byte order mark and nothing else.", b"\xef\xbb\xbf", "is empty"),
    refused("nul-bytes-only.csv", "Only NUL bytes, as after a lost write.", bytes(4096), "NUL"),
    refused("binary.csv", "Binary data.", bytes((i * i * 31 + i * 7) % 256 for i in range(2048)), "binary"),
    refused(
        "ebcdic.txt",
        "EBCDIC, as mainframes write it.",
        table().replace("\n", "\x85").encode("cp037") * 20,
        "EBCDIC",
    ),
    refused("page.html", "A web page.", b"<!DOCTYPE html>\n" + PAGE, "HTML"),
    refused("page-named-xls.xls", "A web page named .xls.", PAGE, "HTML", "xlsx"),
    refused(
        "page-named-csv.csv",
        "The login page that came instead of the file.",
        b"\n\n<!doctype HTML>\n" + PAGE,
        "HTML",
    ),
    refused(
        "document.xml",
        "An XML document.",
        b'<?xml version="1.0"?>\n<stock><item name="Anna" qty="1"/></stock>\n',
        "XML",
    ),
    refused(
        "xml-bomb.xml",
        "Entities that would grow to gigabytes.",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>',
        "XML",
    ),
    refused(
        "spreadsheet-2003.xml",
        "A workbook in the XML format of Excel 2003.",
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet/></Workbook>',
        "Excel 2003",
    ),
    refused(
        "web-archive-named-xls.xls",
        "A web page archive named .xls.",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n" + PAGE,
        "web page archive",
    ),
    refused("pdf-named-csv.csv", "A PDF named .csv.", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "PDF"),
    refused("image.png", "An image.", b"\x89PNG\r\n\x1a\n" + bytes(range(64)), "PNG"),
    refused("text-document.rtf", "A text document.", b"{\\rtf1\\ansi name qty\\par}", "RTF"),
    refused("database.sqlite", "An SQLite database.", b"SQLite format 3\0" + bytes(range(84)), "SQLite"),
    refused(
        "word.docx",
        "A Word document.",
        zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")),
        "Word",
    ),
    refused(
        "password.xlsx",
        "A workbook with a password.",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(600)
        + "EncryptedPackage".encode("utf-16-le")
        + bytes(600),
        "password",
    ),
    refused(
        "word-97.doc",
        "An old Word document.",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16-le") + bytes(600),
        "Word",
    ),
]
