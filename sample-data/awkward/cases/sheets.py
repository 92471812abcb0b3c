"""Workbooks of Excel and OpenDocument; lines are the rows of the sheet."""

import datetime as dt
from typing import Any

from cases import HEADER, ROWS, Case, refused
from cases.books import ods, patched, xls, xlsx
from cases.wrappers import zipped

TABLE: list[list[Any]] = [list(HEADER), ["Anna", 1, "Rome"], ["Bo", 20, "Oslo"], ["Cy", 3, "Bern"]]
NOTHING = [None, None, None]
DAY, MOMENT = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 4, 5)


def book(name: str, defect: str, content: bytes, **expected: Any) -> Case:
    """A workbook whose sheet begins with its header, unless told otherwise."""
    expected.setdefault("skipped", {"header": [1]})
    return Case(name, defect, content, **expected)


def values(name: str, defect: str, content: bytes, *texts: str, **expected: Any) -> Case:
    """A workbook of one record; its columns are called a, b, c ..."""
    return book(name, defect, content, header=tuple("abcdefgh"[: len(texts)]), rows=(texts,), **expected)


def one(*cells: Any) -> list[list[Any]]:
    """The rows of such a workbook."""
    return [list("abcdefgh"[: len(cells)]), list(cells)]


def formatted(row: int, column: int, form: str) -> Any:
    """An edit that gives a cell a number format."""
    return lambda sheet: setattr(sheet.cell(row, column), "number_format", form)


def hidden(sheet: Any) -> None:
    """Hide a row and a column."""
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["B"].hidden = True


def sheet_hidden(sheet: Any) -> None:
    """Hide the sheet behind it."""
    sheet.parent.worksheets[1].sheet_state = "hidden"


def merged(*ranges: str) -> Any:
    """An edit that merges cells."""
    return lambda sheet: [sheet.merge_cells(one) for one in ranges]


FORMULA = xlsx(one("=1+1", '=UPPER("x")'))
CASES = [
    book(
        "title-above.xlsx",
        "A title and an empty row stand above the header.",
        xlsx([["Stock of the north shop"], [None], *TABLE]),
        skipped={"preamble": [1], "blank": [2], "header": [3]},
    ),
    book(
        "title-merged.xlsx",
        "A title in merged cells stands above the header.",
        xlsx([["Stock", None, None], *TABLE], merged("A1:C1")),
        skipped={"preamble": [1], "header": [2]},
    ),
    book(
        "table-begins-in-column-c.xlsx",
        "Two empty columns stand left of the table.",
        xlsx([[None, None, *row] for row in TABLE]),
    ),
    book(
        "note-below.xlsx",
        "A note stands below an empty row.",
        xlsx([*TABLE, [None], ["Source: the shops"]]),
        skipped={"header": [1], "blank": [5], "footer": [6]},
    ),
    book(
        "total-below.xlsx",
        "A total stands below the records.",
        xlsx([*TABLE, ["Total", 24, None]]),
        skipped={"header": [1], "footer": [5]},
    ),
    book(
        "empty-rows-between.xlsx",
        "Empty rows stand between records.",
        xlsx([TABLE[0], TABLE[1], NOTHING, TABLE[2], NOTHING, NOTHING, TABLE[3]]),
        skipped={"header": [1], "blank": [3, 5, 6]},
    ),
    book(
        "empty-rows-formatted-below.xlsx",
        "Formatted but empty rows stand below the records.",
        xlsx(TABLE, lambda sheet: [formatted(row, 1, "0.00")(sheet) for row in range(5, 40)]),
    ),
    book(
        "header-merged-two-rows.xlsx",
        "Two header rows: group names in merged cells above.",
        xlsx(
            [
                ["city", 2023, None, 2024, None],
                [None, "men", "women", "men", "women"],
                ["Rome", 1, 2, 3, 4],
                ["Oslo", 5, 6, 7, 8],
            ],
            merged("A1:A2", "B1:C1", "D1:E1"),
        ),
        header=("city", "2023 men", "2023 women", "2024 men", "2024 women"),
        rows=(("Rome", "1", "2", "3", "4"), ("Oslo", "5", "6", "7", "8")),
        skipped={"header": [1, 2]},
    ),
    book(
        "header-missing.xlsx",
        "No header: the first row is typed like the others.",
        xlsx([["Anna", 1, 0.5], ["Bo", 20, 1.5], ["Cy", 3, 2.5]]),
        header=("column_1", "column_2", "column_3"),
        rows=(("Anna", "1", "0.5"), ("Bo", "20", "1.5"), ("Cy", "3", "2.5")),
        skipped={},
    ),
    book(
        "header-name-empty.xlsx",
        "One name is empty.",
        xlsx([["name", None, "city"], *TABLE[1:]]),
        header=("name", "", "city"),
    ),
    book(
        "header-name-twice.xlsx",
        "Two columns have one name.",
        xlsx([["name", "qty", "name"], *TABLE[1:]]),
        header=("name", "qty", "name"),
    ),
    book(
        "header-of-numbers-and-dates.xlsx",
        "Names that are numbers and dates.",
        xlsx([["city", 2023, DAY], ["Rome", 1.5, "x"], ["Oslo", 2.5, "y"]]),
        header=("city", "2023", "2024-02-29"),
        rows=(("Rome", "1.5", "x"), ("Oslo", "2.5", "y")),
    ),
    book(
        "record-beyond-the-header.xlsx",
        "One record has a cell right of the last name.",
        xlsx([TABLE[0], TABLE[1], ["Bo", 20, "Oslo", "Norway"], TABLE[3]]),
        rows=(ROWS[0], ROWS[2]),
        rejects=((3, "too_many_cells"),),
    ),
    book(
        "rows-and-columns-hidden.xlsx", "Hidden rows and columns are read like others.", xlsx(TABLE, hidden)
    ),
    book(
        "sheet-first-empty.xlsx",
        "The first sheet is empty.",
        xlsx([], Second=TABLE),
        details={"sheet": "Second"},
    ),
    book(
        "sheet-first-is-a-cover.xlsx",
        "The first sheet is a cover page.",
        xlsx([["Quarterly figures"], ["Author", "Anna"], ["Date", DAY]], Data=TABLE),
        details={"sheet": "Data"},
    ),
    book(
        "sheets-two-with-tables.xlsx",
        "Two sheets hold tables: the first is read, the other named.",
        xlsx(TABLE, Staff=[["name", "shop"], ["Anna", "north"]]),
        warnings=(("Stock", "Staff"),),
    ),
    book(
        "sheet-hidden-with-table.xlsx",
        "A hidden sheet holds another table.",
        xlsx(TABLE, sheet_hidden, Secret=[["name", "pay"], ["Anna", 1]]),
        warnings=(("Secret",),),
    ),
    values(
        "dates-and-times.xlsx",
        "A date, a moment and a time.",
        xlsx(one(DAY, MOMENT, dt.time(13, 4, 5))),
        "2024-02-29",
        "2024-02-29 13:04:05",
        "13:04:05",
    ),
    values(
        "dates-1904.xlsx",
        "Days are counted from 1904, as on old Macs.",
        patched(
            xlsx(one(44254, "x"), formatted(2, 1, "yyyy-mm-dd")),
            "<workbookPr ",
            '<workbookPr date1904="1" ',
            "workbook.xml",
        ),
        "2025-02-28",
        "x",
    ),
    values(
        "dates-as-shown-otherwise.xlsx",
        "A date in the format of another country.",
        xlsx(one(DAY, "x"), formatted(2, 1, "dd.mm.yyyy")),
        "2024-02-29",
        "x",
    ),
    values(
        "durations.xlsx",
        "A duration of more than a day.",
        xlsx(one(dt.timedelta(hours=36, minutes=30), "x")),
        "36:30:00",
        "x",
    ),
    values(
        "percent.xlsx",
        "A percentage is stored as a fraction.",
        xlsx(one(0.125, "x"), formatted(2, 1, "0.0%")),
        "0.125",
        "x",
    ),
    values(
        "currency.xlsx",
        "An amount with a currency sign that is only shown.",
        xlsx(one(1234.5, "x"), formatted(2, 1, '#,##0.00 "€"')),
        "1234.5",
        "x",
    ),
    values(
        "numbers-exact.xlsx",
        "Long numbers, small ones, fractions.",
        xlsx(one(123456789012345, 1e-7, 0.1, -0.5)),
        "123456789012345",
        "1e-07",
        "0.1",
        "-0.5",
    ),
    values(
        "numbers-as-text.xlsx",
        "Numbers that are stored as text keep their zeros.",
        xlsx(one("007", "1,50", "12345678901234567890")),
        "007",
        "1,50",
        "12345678901234567890",
    ),
    values("booleans.xlsx", "True and false.", xlsx(one(True, False)), "true", "false"),
    values(
        "errors-of-formulas.xlsx",
        "Cells hold errors; they stay as text, and are told.",
        xlsx(one("#N/A", "#DIV/0!")),
        "#N/A",
        "#DIV/0!",
        warnings=(("#N/A",),),
    ),
    values(
        "formulas-with-values.xlsx",
        "Formulas with the values that were stored with them.",
        patched(
            patched(FORMULA, "<f>1+1</f><v />", "<f>1+1</f><v>2</v>"),
            '<c r="B2"><f>UPPER("x")</f><v />',
            '<c r="B2" t="str"><f>UPPER("x")</f><v>X</v>',
        ),
        "2",
        "X",
    ),
    values(
        "text-with-spaces-and-line-ends.xlsx",
        "Spaces around text, line ends and escapes inside.",
        xlsx(one(" x ", "two\nlines", "a&b <c>")),
        " x ",
        "two\nlines",
        "a&b <c>",
    ),
    values(
        "text-that-looks-like-a-date.xlsx",
        "Text that a spreadsheet would change.",
        xlsx(one("1-2", "MARCH1", "1e5")),
        "1-2",
        "MARCH1",
        "1e5",
    ),
    book(
        "dimension-wrong.xlsx",
        "The sheet says that it has one cell only.",
        patched(xlsx(TABLE), 'ref="A1:C4"', 'ref="A1"'),
    ),
    book(
        "cell-places-missing.xlsx",
        "Cells do not say where they stand.",
        patched(patched(xlsx([["a", "b"], ["x", "y"]]), 'r="A1" ', ""), 'r="B1" ', ""),
        header=("a", "b"),
        rows=(("x", "y"),),
    ),
    book("named-csv.csv", "A workbook named .csv.", xlsx(TABLE)),
    book("xlsx-named-xls.xls", "A new workbook with the name of an old one.", xlsx(TABLE)),
    book(
        "xlsm-with-macro.xlsm",
        "A workbook with a macro, which is never run.",
        patched(
            xlsx(TABLE),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
            "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
            "[Content_Types].xml",
        ),
    ),
    book("xls-97.xls", "A workbook of Excel 97.", xls(TABLE)),
    values(
        "xls-97-dates.xls",
        "Dates in a workbook of Excel 97.",
        xls(one(DAY, MOMENT, "x"), formats={(1, 0): "yyyy-mm-dd", (1, 1): "yyyy-mm-dd hh:mm:ss"}),
        "2024-02-29",
        "2024-02-29 13:04:05",
        "x",
    ),
    values(
        "xls-97-dates-1904.xls",
        "Days of an Excel 97 workbook are counted from 1904.",
        xls(one(44254, "x"), mac_dates=True, formats={(1, 0): "yyyy-mm-dd"}),
        "2025-02-28",
        "x",
    ),
    book(
        "xls-97-title-above.xls",
        "A title stands above the header in a workbook of Excel 97.",
        xls([["Stock of the north shop"], [None], *TABLE]),
        skipped={"preamble": [1], "blank": [2], "header": [3]},
    ),
    book("opendocument.ods", "An OpenDocument workbook.", ods(Stock=TABLE)),
    values(
        "opendocument-values.ods",
        "Dates, durations, percentages and booleans in OpenDocument.",
        ods(
            Stock=one(
                ("date", "2024-02-29", "29/02/24"),
                ("time", "PT36H30M00S", "36:30"),
                ("percentage", "0.125", "12.5%"),
                ("boolean", "true", "TRUE"),
            )
        ),
        "2024-02-29",
        "36:30:00",
        "0.125",
        "true",
    ),
    book(
        "opendocument-second-sheet.ods",
        "The first sheet of an OpenDocument workbook is empty.",
        ods(First=[], Second=TABLE),
        details={"sheet": "Second"},
    ),
    book(
        "opendocument-title-above.ods",
        "A title stands above the header in OpenDocument.",
        ods(Stock=[["Stock of the north shop"], [None], *TABLE]),
        skipped={"preamble": [1], "blank": [2], "header": [3]},
    ),
    refused("empty.xlsx", "No sheet holds a cell.", xlsx([]), "is empty"),
    refused("cut-off.xlsx", "The workbook is cut off.", xlsx(TABLE)[:-300], "cut off"),
    refused(
        "no-workbook-inside.xlsx",
        "A zip archive of pictures named .xlsx.",
        zipped(("a.png", b"\x89PNG\r\n\x1a\n"), ("b.png", b"\x89PNG\r\n\x1a\n")),
        "files",
    ),
    refused(
        "entity-bomb.xlsx",
        "The sheet's XML declares entities that grow.",
        patched(
            patched(
                xlsx(TABLE),
                "<worksheet ",
                '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet ',
            ),
            "<v>20<",
            "<v>&b;<",
        ),
        "XML",
    ),
]
