"""Months in other languages, accounting zeros, and what messages tell people to write."""

import datetime as dt

import pytest

from sluice.contracts.model import Numbers
from sluice.readers.months import MONTHS

from .conftest import column, contract

DAY = dt.date(2024, 3, 5)
ACCOUNTING = Numbers(".", (",",), ("$",), ("parentheses",))


@pytest.fixture
def typed(write, load):
    """Each text as a cell of one column: its values and its messages."""

    def run(texts, duckdb_type, **more):
        path = write("key|c\n" + "".join(f"k{n}|{text}\n" for n, text in enumerate(texts)))
        staged = load(path, contract("key", column("c", duckdb_type, **more)))
        return staged.values("c"), [reject["message"] for reject in staged.rejects]

    return run


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("%d. %B %Y", ["5. März 2024", "5. march 2024", "5. Mrz. 2024"]),
        ("%d %B %Y", ["5 mars 2024", "05 Maart 2024", "5 marzo 2024", "5 março 2024", "5 MÄRZ 2024"]),
        ("%d-%b-%y", ["5-mrt-24", "05-Mar.-24", "5-Mär-24"]),
        ("%d.%b.%Y", ["5.Mrz.2024", "5.mar.2024"]),
        ("%d de %B de %Y", ["5 de marzo de 2024", "5 de março de 2024"]),
    ],
)
def test_months_in_six_languages(typed, written, texts):
    assert typed(texts, "DATE", formats=(written,)) == ([DAY] * len(texts), [])


def test_a_moment_keeps_its_letters_beside_the_month(typed):
    values, _ = typed(["5 Okt 2024T10:11:12Z"], "TIMESTAMPTZ", formats=("%d %b %YT%H:%M:%S%z",))
    assert values == [dt.datetime(2024, 10, 5, 10, 11, 12, tzinfo=dt.UTC)]


def test_each_name_is_read_as_its_month(typed):
    values, messages = typed([f"7 {name} 2024" for name in MONTHS], "DATE", formats=("%d %b %Y",))
    assert messages == []
    assert values == [dt.date(2024, month, 7) for month in MONTHS.values()]


def test_what_is_no_month_stays_a_reject(typed):
    assert (
        len(
            typed(
                ["5 Marz 2024", "5 xmar 2024", "5 marsupial 2024", "31 fev 2024"],
                "DATE",
                formats=("%d %b %Y",),
            )[1]
        )
        == 4
    )


@pytest.mark.parametrize("duckdb_type", ["BIGINT", "DECIMAL(12,2)", "DOUBLE"])
def test_the_dash_of_the_accounting_format_is_zero(typed, duckdb_type):
    assert typed(["$ -", "$-", "$    -", " - ", "(5)"], duckdb_type, numbers=ACCOUNTING) == (
        [0, 0, 0, 0, -5],
        [],
    )


def test_a_dash_is_zero_only_among_accounting_numbers(typed):
    assert len(typed(["-", "$ -"], "BIGINT", numbers=Numbers(".", (",",)))[1]) == 2
    assert typed(["- €", "-"], "BIGINT", numbers=Numbers(",", (".",), ("€",)))[0] == [0]
    assert typed(["-", "$ -"], "BIGINT", numbers=ACCOUNTING, null_values=("", "-"))[0] == [None, 0]


@pytest.mark.parametrize(
    ("duckdb_type", "more", "wanted"),
    [
        ("DATE", {"formats": ("%d.%m.%Y", "%Y-%m-%d")}, "a date such as 31.12.2024 or 2024-12-31."),
        ("TIMESTAMP", {"formats": ("%d/%m/%Y %I:%M %p",)}, "a date and time such as 31/12/2024 11:59 PM."),
        ("TIMESTAMPTZ", {"formats": ("%d.%m.%YT%H:%M:%S%z",)}, "a date and time such as 31.12.2024T23:59:59Z."),
        ("TIME", {"formats": ("%I:%M %p",)}, "a time such as 11:59 PM."),
        ("DATE", {}, "a date such as 2024-12-31."),
        ("DECIMAL(12,2)", {"postgres_type": "numeric(12,2)"},
         "a number such as 12.50 with at most 10 digits before the point and 2 after it."),
        ("SMALLINT", {"postgres_type": "smallint"}, "a whole number between -32,768 and 32,767."),
        ("DOUBLE", {"numbers": Numbers(",", (".",), ("€",))}, "a number such as 1.234,50 €."),
    ],
)  # fmt: skip
def test_messages_show_what_to_write(typed, duckdb_type, more, wanted):
    assert typed(["soon"], duckdb_type, **more)[1] == [f"c: 'soon' is not {wanted}"]


def test_a_year_of_five_digits_is_no_year_of_four(typed):
    assert len(typed(["05000/4/4 ", "05000/4/4", "005000/4/4"], "DATE")[1]) == 3
    assert typed(["5000/4/4  ", "5000/04/04"], "DATE")[0] == [dt.date(5000, 4, 4)] * 2
